"""The residual of Monge–Ampère and the loss of a φ-model: values, derivatives, positivity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laflow.errors import ShapeError
from laflow.metric.learning.objective import ROWS_AT_ONCE, MetricObjective
from laflow.metric.model.monge_ampere import pack, residuals, unpack
from laflow.metric.model.phi_model import CHUNK, PhiModel
from laflow.metric.quality.measures import determinants
from laflow.metric.quality.measures import residuals as measured_residuals
from laflow.metric.quality.measures import sigma as measured_sigma
from tests.laflow.metric.surfaces import DIMENSIONS, KINDS, sampled

EPS = np.finfo(float).eps


def hermitian(rng, count, n, *, shift=0.0):
    found = rng.normal(size=(count, n, n)) + 1j * rng.normal(size=(count, n, n))
    return found + found.conj().swapaxes(1, 2) + shift * np.eye(n)


@given(st.sampled_from(DIMENSIONS), st.integers(0, 2**32 - 1))
def test_packing_loses_nothing(n, seed):
    matrices = hermitian(np.random.default_rng(seed), 5, n)
    packed = pack(matrices)
    assert packed.shape == (n, n, 5)
    np.testing.assert_allclose(unpack(packed), matrices, atol=4 * EPS * np.abs(matrices).max())


@given(st.sampled_from(DIMENSIONS), st.integers(0, 2**32 - 1))
def test_the_residual_and_its_slope_are_those_of_the_determinant(n, seed):
    rng = np.random.default_rng(seed)
    matrices, target = hermitian(rng, 6, n), rng.uniform(0.5, 2.0, 6)
    packed, direction = pack(matrices), rng.normal(size=(n, n, 6))
    found = residuals(packed, target)
    size = (1 + np.linalg.norm(matrices, axis=(1, 2))) ** n / target
    wanted = np.linalg.det(matrices).real / target - 1
    np.testing.assert_allclose(found.residual, wanted, atol=100 * EPS * size.max())
    # det is a cubic at most: differences of order h⁴ are exact but for rounding, eps/h.
    h = 1e-2
    plain = [
        (residuals(packed + s * direction, target).residual - residuals(packed - s * direction, target).residual)
        / (2 * s)
        for s in (h / 2, h)
    ]
    along = np.sum(found.slope * direction, axis=(0, 1))
    np.testing.assert_allclose(along, (4 * plain[0] - plain[1]) / 3, atol=1e4 * EPS / h * size.max())


@given(st.sampled_from(DIMENSIONS), st.integers(0, 2**32 - 1))
def test_a_metric_is_called_positive_if_and_only_if_it_is(n, seed):
    rng = np.random.default_rng(seed)
    # Eigenvalues given, so that every pattern of signs comes, and none is too close to 0 to tell.
    turns = np.linalg.qr(rng.normal(size=(40, n, n)) + 1j * rng.normal(size=(40, n, n)))[0]
    values = rng.choice([-1.0, 1.0], size=(40, n)) * rng.uniform(0.1, 2.0, size=(40, n))
    matrices = np.einsum("pab,pb,pcb->pac", turns, values, turns.conj())
    found = residuals(pack(matrices), np.ones(40))
    np.testing.assert_array_equal(found.positive, (values > 0).all(axis=1))


def test_packed_metrics_of_a_wrong_shape_are_refused():
    with pytest.raises(ShapeError, match=r"\(4, 4, 5\)"):
        residuals(np.zeros((4, 4, 5)), np.ones(5))
    with pytest.raises(ShapeError, match=r"\(4,\)"):
        residuals(np.zeros((2, 2, 5)), np.ones(4))
    with pytest.raises(ShapeError, match="float32"):
        residuals(np.zeros((2, 2, 5)), np.ones(5, dtype=np.float32))


def small_problem(kind, dimension, *, points=60, seed=0, **options):
    sample = sampled(kind, dimension, points)
    model = PhiModel.fresh(sample, np.random.default_rng(seed), width=6, **options)
    return sample, model, MetricObjective(model.network, model.prepare(sample, np.float64))


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_and_sigma_are_those_measured_from_the_metric_itself(kind, dimension):
    sample, model, objective = small_problem(kind, dimension)
    loss, determinant = objective.loss(model.parameters), determinants(model.metric(sample))
    assert loss.sigma == pytest.approx(measured_sigma(sample, determinant, model.kappa.value).value, rel=1e-12)
    residual = measured_residuals(sample, determinant, model.kappa.value)
    assert loss.value == pytest.approx(np.average(residual**2, weights=sample.weights), rel=1e-12)
    assert loss.sound


@pytest.mark.parametrize("dimension", DIMENSIONS)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_gradient_is_the_derivative_of_the_loss(dimension, seed):
    _, model, objective = small_problem("fermat", dimension)
    rng = np.random.default_rng(seed)
    parameters = model.parameters * rng.uniform(0.5, 1.5, model.parameters.size)
    direction = rng.normal(size=parameters.size)
    loss, gradient = objective.gradient(parameters)
    assert loss == objective.loss(parameters)
    h = 1e-3
    plain = [
        (objective.loss(parameters + s * direction).value - objective.loss(parameters - s * direction).value) / (2 * s)
        for s in (h / 2, h)
    ]
    size = np.abs(gradient) @ np.abs(direction) + loss.value
    assert abs(gradient @ direction - (4 * plain[0] - plain[1]) / 3) <= 1e-6 * size


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_normal_equations_are_made_of_the_rows_and_the_gradient(dimension):
    # More points than a chunk, so that sums go over several.
    _, model, objective = small_problem("fermat", dimension, points=ROWS_AT_ONCE + 37)
    rows = objective.rows(model.parameters)
    equations = objective.normal_equations(model.parameters)
    loss, gradient = objective.gradient(model.parameters)
    for found in (rows.loss, equations.loss):  # sums over other chunks: a few roundings
        assert (found.value, found.sigma) == pytest.approx((loss.value, loss.sigma), rel=1e-13)
    size = np.abs(equations.matrix).max()
    np.testing.assert_allclose(equations.matrix, rows.jacobian.T @ rows.jacobian, atol=1e-12 * size)
    np.testing.assert_allclose(equations.vector, rows.jacobian.T @ rows.residual, atol=1e-12 * size)
    np.testing.assert_allclose(2 * equations.vector, gradient, atol=1e-12 * np.abs(gradient).max() + 1e-14)
    assert rows.residual @ rows.residual == pytest.approx(loss.value, rel=1e-12)


def test_a_metric_that_is_not_positive_is_noticed():
    _, model, objective = small_problem("fermat", 2)
    far = model.parameters.copy()
    far[-7:] *= -1e4
    assert not objective.loss(far).sound
    assert not objective.loss(np.full_like(far, np.nan)).sound


@pytest.mark.parametrize("options", [{}, {"features": "raw"}, {"activation": "square"}, {"depth": 4, "width": 3}])
def test_a_fresh_model_is_a_positive_metric_close_to_fubini_study(options):
    from laflow.metric.features.feature_map import coordinates

    sample = sampled("fermat", 3, 3000)
    if options.get("features") == "raw":
        options = {"features": coordinates(5)}
    model = PhiModel.fresh(sample, np.random.default_rng(3), **options)
    objective = MetricObjective(model.network, model.prepare(sample, np.float64))
    loss = objective.loss(model.parameters)
    assert loss.sound
    assert 0.33 < loss.sigma < 0.41  # Fubini–Study's is 0.373


@pytest.mark.parametrize("where", [0, CHUNK + 5])
def test_one_point_where_the_metric_is_not_positive_is_enough(where):
    _, model, objective = small_problem("fermat", 1, points=CHUNK + 50)
    objective.data.reference[0, 0, where] = -1.0
    assert not objective.loss(model.parameters).positive
