"""The gradient is the derivative of the loss, by every method, at every size."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laflow import LabelingProblem, ValueRangeError, exponential_step, loss_gradient, regularizer, riemannian_gradient
from tests.laflow.problems import (
    Case,
    cases,
    make_case,
    random_sparse_graph,
    random_weights,
    tangent_direction,
)

METHODS = ("dense", "krylov", "factored", "low-rank")


def gradient_of(case, method="factored", krylov_dim=20, rank=20, **options):
    options.setdefault("time", case.time)
    return loss_gradient(
        case.problem, case.weights, case.truth, method=method, krylov_dim=krylov_dim, rank=rank, **options
    )


def difference_quotient(case, direction, step, **options):
    """Central difference of the loss along a tangent direction."""
    values = [
        loss_gradient(
            case.problem,
            case.weights + sign * step * direction,
            case.truth,
            time=case.time,
            method="factored",
            krylov_dim=20,
            **options,
        ).loss
        for sign in (1.0, -1.0)
    ]
    return (values[0] - values[1]) / (2.0 * step)


@given(case=cases(unknowns=300), seed=st.integers(0, 1000))
def test_the_gradient_is_the_derivative_of_the_loss(case, seed):
    direction = tangent_direction(case.graph, case.weights, np.random.default_rng(seed))
    gradient = gradient_of(case).gradient
    slope = float(np.sum(gradient * direction))
    quotient = difference_quotient(case, direction, 1e-5)
    # The loss is of order 1: its rounding 1e-15, amplified by the flow, over the step 1e-5; and the
    # truncation of the quotient, of order step^2.
    tolerance = 1e-9 * case.conditioning + 1e-7 * float(np.sum(np.abs(gradient * direction)))
    assert abs(slope - quotient) <= tolerance


def test_the_difference_quotient_would_notice_a_gradient_that_is_wrong_by_a_thousandth():
    case = make_case((6, 7), 3, seed=1)
    direction = tangent_direction(case.graph, case.weights, np.random.default_rng(0))
    slope = float(np.sum(gradient_of(case).gradient * direction))
    assert abs(slope) > 1e-3
    assert abs(1.001 * slope - difference_quotient(case, direction, 1e-5)) > 1e-4 * abs(slope)


@pytest.mark.parametrize("dyadic", [False, True])
@pytest.mark.parametrize(
    ("shape", "labels", "radius"),
    [((2, 3), 3, 1), ((7,), 4, 2), ((2,), 20, 1), ((2, 2, 2), 3, 1), ((4, 5), 2, 2), ((1, 1), 6, 1)],
)
def test_all_four_methods_agree_on_small_grids(shape, labels, radius, dyadic):
    check_agreement(make_case(shape, labels, radius=radius, dyadic=dyadic, seed=len(shape) + labels))


@pytest.mark.parametrize(("nodes", "labels"), [(6, 4), (2, 17), (15, 3)])
def test_all_four_methods_agree_on_small_graphs(nodes, labels):
    rng = np.random.default_rng(nodes)
    graph = random_sparse_graph(nodes, rng)
    distances = 3.0 * rng.random((nodes, labels))
    problem = LabelingProblem(distances, graph)
    truth = rng.integers(0, labels, nodes)
    check_agreement(Case(problem, distances, random_weights(graph, rng), truth, 2.0))


def check_agreement(case):
    found = {method: gradient_of(case, method, krylov_dim=48, rank=48) for method in METHODS}
    exact = found["dense"].gradient
    # The Kronecker form holds exp(T A^T) and exp(-T A^T): its rounding grows with the square of the
    # conditioning.
    tolerance = 1e-12 * case.conditioning**2 * max(np.abs(exact).max(), 1e-12)
    for method in METHODS:
        assert found[method].method == method
        assert np.abs(found[method].gradient - exact).max() <= tolerance, method
        assert found[method].loss == pytest.approx(found["dense"].loss, abs=1e-12 * case.conditioning)


@pytest.mark.parametrize("time", [1.0, 5.0])
def test_the_error_falls_with_the_krylov_dimension_and_with_the_rank(time):
    case = make_case((16, 15), 4, time=time, spread=0.5, seed=3)
    exact = gradient_of(case, "factored", 40).gradient

    def error(krylov_dim, rank):
        found = gradient_of(case, "low-rank", krylov_dim, rank)
        return np.abs(found.gradient - exact).max() / np.abs(exact).max(), found.error_estimate

    by_dimension = [error(m, m)[0] for m in (2, 4, 6, 9)]
    by_rank = [error(20, r)[0] for r in (1, 2, 3, 5)]
    assert all(later < 0.5 * earlier for earlier, later in pairwise(by_dimension))
    assert all(later < 0.5 * earlier for earlier, later in pairwise(by_rank))
    assert by_rank[0] < 0.5  # the part of b is exact, so that even rank 1 points the right way


def test_the_error_estimate_follows_the_error():
    case = make_case((16, 15), 4, time=5.0, spread=0.5, seed=3)
    exact = gradient_of(case, "factored", 40).gradient
    for krylov_dim, rank in [(3, 3), (5, 3), (8, 2), (8, 4), (12, 6)]:
        found = gradient_of(case, "low-rank", krylov_dim, rank)
        error = np.linalg.norm(found.gradient - exact) / np.linalg.norm(exact)
        assert 0.03 < found.error_estimate / error < 300.0


def test_full_rank_of_a_whole_space_is_the_factored_gradient():
    case = make_case((2, 3), 2)
    low_rank, factored = (gradient_of(case, method, 12, 12).gradient for method in ("low-rank", "factored"))
    np.testing.assert_allclose(low_rank, factored, atol=1e-14 * np.abs(factored).max())


@given(case=cases(unknowns=200), seed=st.integers(0, 1000))
def test_the_regulariser_adds_its_own_derivative(case, seed):
    tau, step = 0.1, 1e-5
    plain, regularized = gradient_of(case), gradient_of(case, regularization=tau)
    assert regularized.regularizer == pytest.approx(regularizer(case.graph, case.weights, tau), rel=1e-12)
    assert regularized.loss == regularized.flow_loss + regularized.regularizer
    assert regularized.flow_loss == plain.flow_loss
    direction = tangent_direction(case.graph, case.weights, np.random.default_rng(seed))
    values = [regularizer(case.graph, case.weights + sign * step * direction, tau) for sign in (1.0, -1.0)]
    slope = float(np.sum((regularized.gradient - plain.gradient) * direction))
    # Rounding of the value over the step, and the truncation of the quotient.
    quotient = (values[0] - values[1]) / (2 * step)
    assert slope == pytest.approx(quotient, rel=1e-6, abs=1e-9 * (1 + values[0]))


@pytest.mark.parametrize("method", METHODS)
def test_without_a_flow_the_loss_is_one_and_its_gradient_zero(method):
    problem = LabelingProblem(np.ones((2, 3, 3)))
    found = loss_gradient(problem, None, np.zeros((2, 3), dtype=int), method=method)
    assert found.loss == 1.0
    assert not found.gradient.any()


def test_constant_images_and_more_dimensions_than_unknowns_are_no_failure():
    problem = LabelingProblem(np.broadcast_to([0.3, 0.1, 0.7], (3, 4, 3)))
    truth = np.full((3, 4), 2)
    found = loss_gradient(problem, None, truth, krylov_dim=60, rank=60)
    dense = loss_gradient(problem, None, truth, method="dense")
    assert found.krylov_dim < 36
    np.testing.assert_allclose(found.gradient, dense.gradient, atol=1e-11 * np.abs(dense.gradient).max())


def test_the_gradient_is_zero_for_neighbours_outside_the_image():
    case = make_case((5, 4), 3)
    outside = case.weights == 0.0
    assert outside.any()
    found = gradient_of(case, regularization=0.1)
    assert not found.gradient[outside].any()


def test_what_was_spent_is_told():
    found = gradient_of(make_case((6, 6), 3), "low-rank", krylov_dim=5, rank=2)
    assert (found.krylov_dim, found.rank, found.matvecs) == (5, 2, 10)
    assert (found.solution.krylov_dim, found.solution.matvecs) == (5, 5)


def test_a_large_image_takes_less_than_half_a_gigabyte():
    # Remark 3.12 of the paper: 512 x 512 pixels, 10 labels, 10 dimensions.
    rng = np.random.default_rng(0)
    problem = LabelingProblem(rng.random((512, 512, 10)))
    truth = rng.integers(0, 10, (512, 512))
    weights = problem.graph.uniform_weights()
    tracemalloc.start()
    found = loss_gradient(problem, weights, truth, krylov_dim=10, rank=4)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.isfinite(found.loss)
    assert peak < 500e6


@given(cases(unknowns=100))
def test_riemannian_gradients_are_tangent_and_steps_stay_on_the_simplex(case):
    gradient = gradient_of(case, krylov_dim=6).gradient
    intrinsic = riemannian_gradient(case.graph, case.weights, gradient)
    scale = np.abs(gradient).max() + 1e-300
    moved = exponential_step(case.graph, case.weights, gradient, 1.0 / scale)
    case.graph.check_weights(moved)
    if hasattr(case.graph, "indptr"):
        sums = np.add.reduceat(intrinsic, case.graph.indptr[:-1])
    else:
        sums = intrinsic.sum(axis=-1)
    np.testing.assert_allclose(sums, 0.0, atol=1e-13 * scale)


def test_a_small_step_moves_along_the_riemannian_gradient():
    case = make_case((4, 4), 3)
    gradient = gradient_of(case).gradient
    step = 1e-6 / np.abs(gradient).max()
    moved = exponential_step(case.graph, case.weights, gradient, step)
    expected = -step * riemannian_gradient(case.graph, case.weights, gradient)
    np.testing.assert_allclose(moved - case.weights, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("method", ["factored", "low-rank"])
def test_a_space_as_large_as_the_problem_stays_within_its_memory(method):
    # One node, as many Krylov vectors as unknowns, and a time so short that no breakdown is noticed: the space has
    # one coordinate more than vectors, and all singular values are kept. (Once a write beyond the workspace.)
    rng = np.random.default_rng(5)
    problem = LabelingProblem(rng.uniform(0.0, 1.0, (1, 11)), radius=0)
    truth = np.zeros(1, dtype=int)
    exact = loss_gradient(problem, None, truth, time=0.01, method="dense").gradient
    seen = loss_gradient(problem, None, truth, time=0.01, method=method, krylov_dim=11, rank=11).gradient
    assert abs(seen - exact).max() <= 1e-12 * max(1.0, abs(exact).max())


@pytest.mark.parametrize("method", METHODS)
def test_a_flow_that_overflows_is_refused_by_every_method_and_never_half_computed(method):
    # At time 1200 the tangent is still finite, 1e172, but its square is not.
    problem = LabelingProblem(np.random.default_rng(0).random((2, 3, 3)))
    truth = np.zeros((2, 3), dtype=int)
    assert np.isfinite(loss_gradient(problem, None, truth, method=method, time=1000.0, krylov_dim=12).gradient).all()
    for time in (1200.0, 2200.0):
        with pytest.raises(ValueRangeError, match=f"overflows at time {time:g}:"):
            loss_gradient(problem, None, truth, method=method, time=time, krylov_dim=12)
