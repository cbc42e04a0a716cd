"""A gradient or flow asked for with a tolerance has an error below it, and says how much: against the dense oracle."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import laflow
from laflow.assignment import tolerance
from laflow.assignment.gradient import GradientOptions, gradient_workspace, packed_loss_gradient
from laflow.errors import ConvergenceError, ValueRangeError
from verify import bridge
from verify.instances import colors_instance
from verify.oracles import dense_flow
from verify.oracles.neighbourhoods import gather_weights
from verify.strategies import instances

MANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TOLERANCES = st.sampled_from((1e-1, 1e-3, 1e-5, 1e-7, 1e-9))


def asked(instance, tol, **more):
    """The gradient of an instance to a tolerance, or None where it is refused because rounding may exceed it."""
    problem = bridge.labeling_problem(instance)
    weights, truth = bridge.public_weights(instance), bridge.public_truth(instance)
    try:
        found = laflow.loss_gradient(problem, weights, truth, time=instance.time, tol=tol, **more)
    except (ValueRangeError, ConvergenceError):
        found = None
    return found


@given(instance=instances(unknowns=36), tol=TOLERANCES, sharp=st.booleans())
@MANY
def test_the_gradient_the_tangent_and_the_loss_are_within_their_bounds(instance, tol, sharp):
    found = asked(instance, tol, sharp=sharp)
    if found is None:
        # It may be refused near rounding, or where the gradient all but vanishes: not where it is of its usual size.
        exact = gather_weights(dense_flow.gradient_by_quadrature(*instance.dense_plain), instance.neighbours)
        lost = dense_flow.gradient_scale(*instance.dense_plain) / max(float(np.linalg.norm(exact)), 1e-300)
        assert tol <= 1e-9 * lost
        return
    exact = gather_weights(dense_flow.gradient_by_quadrature(*instance.dense_plain), instance.neighbours)
    known = dense_flow.TOLERANCE * dense_flow.gradient_scale(*instance.dense_plain)
    error = float(np.linalg.norm(bridge.plain_weights(instance, found.gradient) - exact))
    bounds = found.certificate
    assert error <= bounds.gradient + known
    if found.solution.krylov_dim:
        assert bounds.gradient_relative <= tol
        assert error <= tol * float(np.linalg.norm(exact)) + known
    tangent = dense_flow.final_tangent(instance.dense, instance.log_likelihood, instance.time)
    missed = float(np.linalg.norm(found.solution.tangent.reshape(tangent.shape) - tangent))
    assert missed <= bounds.tangent + dense_flow.TOLERANCE * float(np.linalg.norm(tangent))
    loss = float(dense_flow.direction_loss(tangent, instance.target))
    assert abs(found.loss - loss) <= bounds.loss + dense_flow.TOLERANCE


@given(instance=instances(unknowns=36), tol=TOLERANCES)
@MANY
def test_a_flow_asked_for_to_a_tolerance_is_that_accurate(instance, tol):
    problem = bridge.labeling_problem(instance)
    found = laflow.solve_flow(problem, bridge.public_weights(instance), time=instance.time, tol=tol)
    exact = dense_flow.final_tangent(instance.dense, instance.log_likelihood, instance.time)
    size = float(np.linalg.norm(exact))
    assert found.certified
    if found.krylov_dim:
        assert found.error_estimate <= tol
    missed = float(np.linalg.norm(found.tangent.reshape(exact.shape) - exact))
    assert missed <= (tol + dense_flow.TOLERANCE) * size


@pytest.mark.parametrize(("time", "tols"), [(1.0, (1e-2, 1e-5, 1e-9)), (20.0, (1e-2, 1e-5, 1e-8))])
def test_a_smaller_tolerance_costs_more_products_and_brings_a_smaller_error(time, tols):
    instance = colors_instance((16, 16), 4, time=time, seed=0)
    problem = bridge.labeling_problem(instance)
    truth = bridge.public_truth(instance)
    exact = laflow.loss_gradient(problem, None, truth, time=time, method="factored", krylov_dim=30).gradient
    found = [asked(instance, tol) for tol in tols]
    products = [one.matvecs for one in found]
    errors = [float(np.linalg.norm(one.gradient - exact)) for one in found]
    assert products == sorted(products)
    assert products[0] < products[-1]
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize(("time", "bar"), [(1.0, 3.0), (5.0, 3.0), (20.0, 30.0)])
def test_a_sharp_certificate_is_near_the_true_error_and_costs_few_products(time, bar):
    """In the median over tolerances, as the experiment has it for larger images."""
    instance = colors_instance((16, 16), 4, time=time, seed=0)
    problem, truth = bridge.labeling_problem(instance), bridge.public_truth(instance)
    exact = laflow.loss_gradient(problem, None, truth, time=time, method="factored", krylov_dim=40).gradient
    ratios = []
    for tol in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7):
        plain, sharp = asked(instance, tol), asked(instance, tol, sharp=True)
        error = float(np.linalg.norm(sharp.gradient - exact))
        ratios.append(sharp.certificate.gradient / error)
        assert error <= sharp.certificate.gradient
        assert sharp.certificate.gradient_relative <= tol
        assert sharp.matvecs <= plain.matvecs + 4 or time > 5.0
    assert np.median(ratios) <= bar


def test_a_sharp_certificate_that_forgets_the_distance_is_noticed(monkeypatch):
    instance = colors_instance((16, 16), 4, time=1.0, seed=0)
    problem, truth = bridge.labeling_problem(instance), bridge.public_truth(instance)
    exact = laflow.loss_gradient(problem, None, truth, time=1.0, method="factored", krylov_dim=40).gradient
    monkeypatch.setattr(tolerance, "distance", lambda *_: 0.0)
    found = asked(instance, 1e-4, sharp=True)
    assert float(np.linalg.norm(found.gradient - exact)) > found.certificate.gradient


def test_memory_that_is_used_again_changes_nothing():
    results = []
    for seed, reuse in ((0, False), (1, True), (0, True)):
        instance = colors_instance((12, 12), 3, time=5.0, seed=seed)
        problem = bridge.labeling_problem(instance)
        options = GradientOptions(time=5.0, tol=1e-6)
        room = results[0][1] if reuse else gradient_workspace(problem, options)
        truth = problem.check_truth(bridge.public_truth(instance))
        found = packed_loss_gradient(problem, problem.graph.packed_uniform_weights(), truth, options, room)
        results.append((found, room))
    first, again = results[0][0], results[2][0]
    np.testing.assert_array_equal(first.packed_gradient, again.packed_gradient)
    np.testing.assert_array_equal(first.solution.packed_tangent, again.solution.packed_tangent)
    assert first.certificate == again.certificate


def test_a_tolerance_below_rounding_is_refused_with_what_can_be_had():
    problem = laflow.LabelingProblem(np.random.default_rng(0).random((6, 6, 3)))
    truth = np.zeros((6, 6), dtype=int)
    with pytest.raises(ValueRangeError, match=r"tolerance is 1e-16, but in float64 rounding alone .* ask for at least"):
        laflow.loss_gradient(problem, None, truth, tol=1e-16)
    single = laflow.LabelingProblem(np.random.default_rng(0).random((6, 6, 3)), precision="single")
    with pytest.raises(ValueRangeError, match=r"in float32 rounding alone .* or store the fields in float64"):
        laflow.loss_gradient(single, None, truth, tol=1e-8)
    with pytest.raises(ValueRangeError, match="rounding alone"):
        laflow.solve_flow(problem, tol=1e-17)


def test_single_precision_keeps_the_tolerances_that_it_can():
    rng = np.random.default_rng(1)
    distances, truth = rng.random((12, 12, 3)), rng.integers(0, 3, (12, 12))
    exact = laflow.loss_gradient(laflow.LabelingProblem(distances), None, truth, method="factored", krylov_dim=25)
    single = laflow.LabelingProblem(distances, precision="single")
    found = laflow.loss_gradient(single, None, truth, tol=1e-2)
    error = float(np.linalg.norm(found.gradient.astype(float) - exact.gradient))
    assert found.gradient.dtype == np.float32
    assert error <= found.certificate.gradient
    assert found.certificate.gradient_relative <= 1e-2


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"tol": 0.0}, "tol is 0.0"),
        ({"tol": -1e-3}, "tol is -0.001"),
        ({"tol": float("nan")}, "tol is nan"),
        ({"sharp": True}, "sharp is True without a tolerance"),
        ({"tol": 1e-3, "method": "krylov"}, "a tolerance goes with method 'low-rank'"),
    ],
)
def test_tolerances_that_make_no_sense_are_refused(keywords, message):
    problem = laflow.LabelingProblem(np.random.default_rng(0).random((3, 3, 2)))
    with pytest.raises(ValueRangeError, match=message):
        laflow.loss_gradient(problem, None, np.zeros((3, 3), dtype=int), **keywords)


def test_without_a_flow_the_gradient_is_zero_to_any_tolerance():
    problem = laflow.LabelingProblem(np.ones((3, 3, 2)))
    found = laflow.loss_gradient(problem, None, np.zeros((3, 3), dtype=int), tol=1e-9)
    assert not found.gradient.any()
    assert found.loss == 1.0


def test_the_regularizer_is_added_to_a_gradient_with_a_tolerance():
    problem = laflow.LabelingProblem(np.random.default_rng(0).random((4, 4, 3)))
    truth = np.zeros((4, 4), dtype=int)
    rng = np.random.default_rng(1)
    weights = problem.graph.uniform_weights() * np.exp(rng.normal(size=problem.graph.weights_shape))
    weights /= weights.sum(axis=-1, keepdims=True)
    found = laflow.loss_gradient(problem, weights, truth, tol=1e-9, regularization=0.1)
    exact = laflow.loss_gradient(problem, weights, truth, method="factored", krylov_dim=30, regularization=0.1)
    np.testing.assert_allclose(found.gradient, exact.gradient, atol=1e-8 * np.abs(exact.gradient).max())
    assert found.loss == pytest.approx(exact.loss, rel=1e-9)


def test_rounding_counts_in_what_is_certified_of_a_flow():
    # A tolerance little above rounding: what the space leaves must be smaller by as much.
    problem = laflow.LabelingProblem(np.random.default_rng(0).random((6, 6, 3)))
    for tol in np.geomspace(1e-14, 1e-9, 40):
        try:
            found = laflow.solve_flow(problem, tol=float(tol))
        except ValueRangeError:
            continue
        assert found.error_estimate <= tol
