"""The frozen flow: the cubic's closed form against exponentials and ODEs, limits, predictions, and refusals."""

from itertools import pairwise
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from laflow.errors import ShapeError, ValueRangeError
from laflow.metric.features.feature_map import invariants
from laflow.metric.model.monge_ampere import residuals
from laflow.metric.model.phi_model import PhiModel
from laflow.metric.tangent.frozen_flow import LinearFlow, flow_limit, flow_positions
from laflow.metric.tangent.linearised import AffineMetric, KernelMetric, kernel_factors, linearised
from laflow.metric.tangent.tangent_kernel import metric_rows, residual_rows, tangent_kernel
from tests.laflow.metric.surfaces import sampled


def model_and_data(dimension, points, *, seed=0, width=6):
    train, test = sampled("fermat", dimension, points, seed), sampled("fermat", dimension, 12, seed + 1)
    features = invariants(dimension + 2)
    model = PhiModel.fresh(train, np.random.default_rng(seed), features=features, width=width, activation="tanh")
    return model, model.prepare(train, np.float64), model.prepare(test, np.float64)


def affine(model, data):
    return linearised(model.network, model.parameters, data)


@pytest.mark.parametrize("time", [0.0, 0.3, 10.0, 1e3])
def test_the_cubics_frozen_flow_is_the_exact_solution_in_parameter_space(time):
    model, train, test = model_and_data(1, 30)
    here, there = affine(model, train), affine(model, test)
    start = [metric.residuals(np.zeros(here.coordinates)) for metric in (here, there)]
    jacobians = [metric.residual_jacobian(found.slope) for metric, found in zip((here, there), start, strict=True)]
    flow = LinearFlow(jacobians[0], start[0].residual, train.weights, rate=0.7)
    # δ̇ = -η (H δ + b) in parameter space, by the exponential of an augmented matrix: no kernel, no eigenvectors.
    pull = 2.0 * train.weights / train.weights.sum()
    hessian, slope = (jacobians[0].T * pull) @ jacobians[0], jacobians[0].T @ (pull * start[0].residual)
    system = np.zeros((slope.size + 1, slope.size + 1))
    system[:-1, :-1], system[:-1, -1] = -0.7 * hessian, -0.7 * slope
    position = expm(time * system)[:-1, -1]
    predicted = flow.elsewhere(jacobians[1], start[1].residual, time)
    for metric, found in ((here, flow.at(time)), (there, predicted)):
        assert np.max(np.abs(metric.residuals(position).residual - found)) <= 1e-10
    assert np.max(np.abs(flow.coordinates(time) - position)) <= 1e-10


def test_the_cubics_frozen_flow_ends_in_the_least_squares_solution():
    model, train, _ = model_and_data(1, 60, width=2)
    here = affine(model, train)
    start = here.residuals(np.zeros(here.coordinates))
    jacobian = here.residual_jacobian(start.slope)
    flow = LinearFlow(jacobian, start.residual, train.weights)
    root = np.sqrt(train.weights)
    solution = np.linalg.lstsq(root[:, None] * jacobian, -root * start.residual)[0]
    exact = start.residual + jacobian @ solution
    assert np.linalg.norm(exact) > 0.01
    np.testing.assert_allclose(flow.at(inf), exact, atol=1e-10)
    limit = flow_limit(here, tolerance=1e-10)
    assert limit.loss == pytest.approx(float(train.weights @ exact**2 / train.weights.sum()), rel=1e-6)
    # With more coordinates than points the flow ends where the metric is flat: det g = κ|Ω|² at each of them.
    model, train, _ = model_and_data(1, 20)
    assert flow_limit(affine(model, train), tolerance=1e-10).sigma < 1e-8


@given(points=st.integers(1, 6), rank=st.integers(1, 6), time=st.floats(0.0, 50.0), seed=st.integers(0, 99))
def test_linear_flows_equal_exponentials_also_for_singular_kernels_and_weights_of_zero(points, rank, time, seed):
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal((points, rank))
    weights = rng.uniform(0.0, 2.0, points) * (rng.random(points) < 0.8)
    weights[0] = 1.0
    start, kernel = rng.standard_normal(points), factor @ factor.T
    flow = LinearFlow(factor, start, weights, rate=0.5)
    exact = expm(-0.5 * time * kernel * (2.0 * weights / weights.sum())) @ start
    # The exponential of a nonnormal matrix, to rounding times its condition.
    assert np.max(np.abs(flow.at(time) - exact)) <= 1e-11 * np.linalg.norm(start) * (1.0 + np.abs(kernel).max() * time)


@given(seed=st.integers(0, 99), times=st.tuples(st.floats(0.0, 9.0), st.floats(0.0, 9.0)))
def test_following_a_flow_further_is_following_it_from_where_it_was(seed, times):
    rng = np.random.default_rng(seed)
    factor, weights, start = rng.standard_normal((5, 3)), rng.uniform(0.5, 1.5, 5), rng.standard_normal(5)
    once = LinearFlow(factor, start, weights).at(sum(times))
    twice = LinearFlow(factor, LinearFlow(factor, start, weights).at(times[0]), weights).at(times[1])
    np.testing.assert_allclose(once, twice, atol=1e-12 * np.linalg.norm(start))


def test_the_loss_of_a_linear_flow_never_rises():
    model, train, _ = model_and_data(1, 25)
    start = affine(model, train).residuals(np.zeros(model.parameters.size))
    rows = residual_rows(model.network, model.parameters, train.jets, start.slope)
    flow = LinearFlow(kernel_factors(tangent_kernel(rows))[0], start.residual, train.weights)
    losses = [float(train.weights @ flow.at(time) ** 2) for time in (0.0, 0.1, 1.0, 10.0, 1e3, inf)]
    assert all(later < earlier for earlier, later in pairwise(losses))


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_the_integrated_flow_tends_to_the_limit(dimension):
    # Three features' worth of coordinates: all modes are fast, so that the end can be waited for.
    model, train, _ = model_and_data(dimension, 60)
    whole = affine(model, train)
    strong = np.linalg.svd(whole.factor, full_matrices=False)[2][:4]
    metric = AffineMetric(whole.start, whole.target, whole.weights, whole.factor @ strong.T)
    limit = flow_limit(metric, tolerance=1e-12)
    assert limit.converged
    assert limit.gradient < 1e-6
    hessian_time = 40.0 / np.linalg.eigvalsh(curvature(metric, limit.position))[0]
    end = flow_positions(metric, [hessian_time], tolerance=1e-9)[-1]
    np.testing.assert_allclose(end, limit.position, atol=1e-6 * np.abs(limit.position).max())


def curvature(metric, position):
    jacobian = metric.residual_jacobian(metric.residuals(position).slope)
    pull = 2.0 * metric.weights / metric.weights.sum()
    return (jacobian.T * pull) @ jacobian


def test_for_the_cubic_the_integrated_flow_is_the_closed_form():
    model, train, _ = model_and_data(1, 20, width=4)
    metric = affine(model, train)
    start = metric.residuals(np.zeros(metric.coordinates))
    jacobian = metric.residual_jacobian(start.slope)
    flow = LinearFlow(jacobian, start.residual, train.weights)
    times = [0.5, 5.0, 50.0]
    for time, position in zip(times, flow_positions(metric, times, tolerance=1e-9), strict=True):
        np.testing.assert_allclose(metric.residuals(position).residual, flow.at(time), atol=1e-7)


@given(dimension=st.integers(1, 3), seed=st.integers(0, 20))
def test_gradients_and_residuals_of_affine_metrics_equal_finite_differences(dimension, seed):
    rng = np.random.default_rng(seed)
    n, points, count = dimension, 4, 3
    start = np.broadcast_to(np.eye(n)[..., None], (n, n, points)) + 0.1 * rng.standard_normal((n, n, points))
    target, weights = rng.uniform(0.5, 2, (2, points))
    metric = AffineMetric(start, target, weights, 0.1 * rng.standard_normal((points * n * n, count)))
    here, step = 0.1 * rng.standard_normal(count), 1e-5
    for unit, slope in zip(np.eye(count), metric.gradient(here), strict=True):
        seen = (metric.loss(here + step * unit) - metric.loss(here - step * unit)) / (2 * step)
        # step² times a third derivative, and rounding over step
        assert abs(seen - slope) <= 1e-8 * (1.0 + abs(slope))


def test_the_linearised_metric_is_the_network_to_first_order():
    model, train, _ = model_and_data(2, 5)
    metric = affine(model, train)
    direction = np.random.default_rng(1).standard_normal(metric.coordinates) * np.abs(model.parameters).mean()

    def exact(size):
        bend = model.network.forward(model.parameters + size * direction, train.jets).output[5:]
        return train.reference + bend.reshape(2, 2, -1)

    np.testing.assert_allclose(metric.metric(np.zeros(metric.coordinates)), exact(0.0), rtol=1e-13)
    errors = [np.abs(exact(size) - metric.metric(size * direction)).max() for size in (1e-3, 5e-4)]
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.05)
    found = residuals(exact(0.0), train.target)
    direct = tangent_kernel(residual_rows(model.network, model.parameters, train.jets, found.slope))
    jacobian = metric.residual_jacobian(found.slope)
    np.testing.assert_allclose(jacobian @ jacobian.T, direct, rtol=1e-9)


def test_a_kernels_factor_gives_the_kernel_back_and_extends_to_other_points():
    model, train, test = model_and_data(2, 8)
    rows, others = (metric_rows(model.network, model.parameters, data.jets) for data in (train, test))
    kernel, cross = tangent_kernel(rows), tangent_kernel(others, rows)
    factor, extended = kernel_factors(kernel, cross)
    scale = np.abs(kernel).max()
    np.testing.assert_allclose(factor @ factor.T, kernel, atol=1e-12 * scale)
    # Modes left out hold the square root of rounding.
    np.testing.assert_allclose(extended @ factor.T, cross, atol=1e-6 * scale)
    with pytest.raises(ValueRangeError, match="positive semidefinite"):
        kernel_factors(-kernel)


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("width", [2, 8])
def test_dual_coordinates_move_the_metric_as_the_parameters_do(dimension, width):
    model, train, test = model_and_data(dimension, 30, width=width)
    metric, away = affine(model, train), affine(model, test)
    dual = KernelMetric(metric.start, metric.target, metric.weights, metric.factor @ metric.factor.T)
    cross = away.factor @ metric.factor.T
    for time, one, other in zip(
        (1.0, 100.0), *(flow_positions(each, [1.0, 100.0]) for each in (metric, dual)), strict=True
    ):
        # Errors of the integrator, 1e-8 relative to the largest, of dual coordinates many times larger.
        assert np.linalg.norm(metric.factor.T @ other - one) <= 1e-4 * np.linalg.norm(one), time
    ends = [flow_limit(each, least_damping=1e-8, steps=40) for each in (metric, dual)]
    assert ends[0].loss == pytest.approx(ends[1].loss, rel=1e-3, abs=1e-12)
    predicted = (
        away.metric(ends[0].position),
        away.start + np.moveaxis((cross @ ends[1].position).reshape(-1, dimension, dimension), 0, -1),
    )
    np.testing.assert_allclose(*predicted, atol=1e-3 * np.abs(predicted[0]).max())


def test_the_limit_stays_among_metrics_where_the_loss_would_leave_them():
    # The first point pulls the shared coordinate down by more than the second can follow: the least loss has g < 0.
    ones = np.ones(2)
    metric = AffineMetric(np.array([[[10.0, 0.5]]]), ones, ones, np.ones((2, 1)))
    assert metric.loss(np.array([-4.25])) < metric.loss(np.array([-0.5]))
    limit = flow_limit(metric)
    assert -0.5 < limit.position[0] < -0.4
    assert metric.residuals(limit.position).positive.all()


def test_what_does_not_fit_is_refused():
    ones = np.ones(3)
    with pytest.raises(ShapeError, match=r"give \(N, D\)"):
        LinearFlow(np.eye(2), ones, ones)
    with pytest.raises(ValueRangeError, match="give weights from 0"):
        LinearFlow(np.eye(3), ones, -ones)
    with pytest.raises(ValueRangeError, match="rate is 0"):
        LinearFlow(np.eye(3), ones, ones, rate=0.0)
    with pytest.raises(ValueRangeError, match="the time is -1"):
        LinearFlow(np.eye(3), ones, ones).at(-1.0)
    metric = AffineMetric(np.ones((1, 1, 3)), ones, ones, np.ones((3, 2)))
    with pytest.raises(ValueRangeError, match="give finite ones from 0 that increase"):
        flow_positions(metric, [1.0, 0.5])
    with pytest.raises(ShapeError, match=r"give \(n, n, N\)"):
        AffineMetric(np.ones((1, 1, 3)), ones, ones, np.ones((4, 2)))
    lost = AffineMetric(np.array([[[1.0, -2.0, -3.0]]]), ones, ones, np.ones((3, 2)))
    with pytest.raises(ValueRangeError, match="not positive definite at 2 of 3 points, the first being 1"):
        flow_limit(lost)
