"""The Krylov flow is the flow: against a dense exponential, Euler's scheme, and its own estimate."""

import numba
import numpy as np
import pytest
from hypothesis import given
from scipy.linalg import expm

from laflow import LabelingProblem, euler_flow, solve_flow
from laflow.graph import GridGraph
from tests.laflow.problems import as_sparse, cases, make_case


def dense_flow(case):
    """V(T) from the definitions (2.17), (2.20), (2.26), with explicit matrices: (I, J)."""
    sparse, edges = (case.graph, case.weights)
    if isinstance(case.graph, GridGraph):
        sparse, edges = as_sparse(case.graph, case.weights)
    nodes, labels = sparse.nodes, case.problem.labels
    omega = np.zeros((nodes, nodes))
    omega[np.repeat(np.arange(nodes), np.diff(sparse.indptr)), sparse.indices] = edges
    distances = case.distances.reshape(nodes, labels)
    similar = np.exp(-omega @ (distances - distances.min(axis=1, keepdims=True)))
    similar /= similar.sum(axis=1, keepdims=True)
    generator = np.zeros((nodes * labels + 1,) * 2)
    for node in range(nodes):
        replicator = np.diag(similar[node]) - np.outer(similar[node], similar[node])
        rows = slice(node * labels, (node + 1) * labels)
        generator[rows, :-1] = np.kron(omega[node], replicator)
        generator[rows, -1] = (similar[node] - 1.0 / labels) / labels
    return expm(case.time * generator)[:-1, -1].reshape(nodes, labels)


@given(cases(unknowns=80))
def test_the_flow_agrees_with_a_dense_exponential(case):
    solution = solve_flow(case.problem, case.weights, time=case.time, krylov_dim=25)
    exact = dense_flow(case)
    found = solution.tangent.reshape(exact.shape)
    assert np.abs(found - exact).max() <= 1e-11 * case.conditioning * np.abs(exact).max()


@given(cases(unknowns=200))
def test_tangents_sum_to_zero_and_probabilities_to_one(case):
    solution = solve_flow(case.problem, case.weights, time=case.time, krylov_dim=8)
    scale = np.abs(solution.tangent).max()
    np.testing.assert_allclose(solution.tangent.sum(axis=-1), 0.0, atol=1e-13 * scale * case.problem.labels)
    np.testing.assert_allclose(solution.probabilities.sum(axis=-1), 1.0, atol=1e-13)
    np.testing.assert_array_equal(solution.labels, solution.probabilities.argmax(axis=-1))


def test_probabilities_lift_the_tangent_at_the_barycentre():
    case = make_case((4, 5), 3)
    solution = solve_flow(case.problem, case.weights, time=2.0)
    lifted = np.exp(3 * solution.tangent)
    np.testing.assert_allclose(solution.probabilities, lifted / lifted.sum(axis=-1, keepdims=True), rtol=1e-13)


def test_euler_converges_to_the_flow_at_first_order():
    case = make_case((5, 6), 4, time=2.0, seed=2)
    exact = solve_flow(case.problem, case.weights, time=2.0, krylov_dim=30).tangent
    errors = [
        np.abs(euler_flow(case.problem, case.weights, time=2.0, steps=steps).tangent - exact).max()
        for steps in (40, 80, 160)
    ]
    assert errors[0] > 1e-6
    ratios = np.array(errors[:-1]) / errors[1:]
    np.testing.assert_allclose(ratios, 2.0, rtol=0.1)


@pytest.mark.parametrize(("labels", "seed"), [(2, 0), (5, 1), (9, 2)])
def test_the_error_estimate_tracks_the_error_within_a_factor_of_thirty(labels, seed):
    case = make_case((9, 8), labels, time=3.0, seed=seed)
    exact = solve_flow(case.problem, case.weights, time=3.0, krylov_dim=40).tangent
    for krylov_dim in (2, 4, 6):
        solution = solve_flow(case.problem, case.weights, time=3.0, krylov_dim=krylov_dim)
        error = np.linalg.norm(solution.tangent - exact) / np.linalg.norm(exact)
        assert error > 1e-12
        assert 1.0 / 30.0 < solution.error_estimate / error < 30.0


@pytest.mark.parametrize("labels", [2, 3, 7, 8])
def test_equal_distances_to_all_labels_give_no_flow_at_all(labels):
    values = np.random.default_rng(0).random((4, 5, 1))
    problem = LabelingProblem(np.repeat(values, labels, axis=-1))
    solution = solve_flow(problem, krylov_dim=5)
    assert (solution.krylov_dim, solution.matvecs, solution.error_estimate) == (0, 0, 0.0)
    assert not solution.tangent.any()
    np.testing.assert_allclose(solution.probabilities, 1.0 / labels, rtol=1e-14)


def test_a_constant_image_needs_one_dimension_for_each_direction_of_its_labels():
    # All nodes are alike: the flow lives in the J - 1 tangent directions of one node.
    problem = LabelingProblem(np.broadcast_to([0.3, 0.1, 0.7], (6, 5, 3)))
    solution = solve_flow(problem, time=4.0, krylov_dim=20)
    assert solution.krylov_dim <= 2
    assert solution.labels.tolist() == [[1] * 5] * 6
    assert np.ptp(solution.tangent, axis=(0, 1)).max() <= 1e-13


def test_more_krylov_dimensions_than_unknowns_are_no_failure():
    problem = LabelingProblem(np.array([[0.1, 0.9], [0.4, 0.2]]))
    solution = solve_flow(problem, time=3.0, krylov_dim=50)
    assert solution.krylov_dim <= 4
    assert solution.error_estimate <= 1e-12


def test_a_single_pixel_is_a_problem_too():
    problem = LabelingProblem(np.array([[[0.5, 0.2, 0.4]]]))
    assert solve_flow(problem).labels.tolist() == [[1]]


def test_the_result_does_not_depend_on_the_number_of_threads():
    case = make_case((40, 30), 5)
    found = []
    threads = numba.get_num_threads()
    for count in {1, threads}:
        numba.set_num_threads(count)
        found.append(solve_flow(case.problem, case.weights).tangent)
    numba.set_num_threads(threads)
    np.testing.assert_array_equal(found[0], found[-1])
