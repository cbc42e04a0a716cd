"""What must not matter does not: distance offsets, names of labels and nodes, the pose of the image."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from laflow import GridGraph, LabelingProblem, SparseGraph, loss_gradient, solve_flow
from tests.laflow.problems import as_sparse, cases, grid_edges, make_case, random_sparse_graph, random_weights


def gradient_at(problem, weights, truth, time):
    """Few dimensions: invariance is exact for every truncation, and no breakdown is decided by rounding."""
    return loss_gradient(problem, weights, truth, time=time, krylov_dim=3, rank=2)


def assert_same(found, expected, case):
    """Equal up to rounding, amplified by the flow and by orthogonalising nearly dependent directions."""
    tolerance = 1e-10 * case.conditioning
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max() + 1e-300


def rich_enough(case):
    """Three Krylov dimensions exist well above rounding: at least a few unknowns."""
    return case.problem.unknowns >= 12


@given(case=cases(unknowns=200), seed=st.integers(0, 1000))
def test_adding_a_constant_to_the_distances_of_a_node_changes_nothing(case, seed):
    assume(rich_enough(case))
    shift = 5.0 * np.random.default_rng(seed).random((*case.truth.shape, 1))
    shifted = LabelingProblem(case.distances + shift, case.graph)
    assert_same(
        gradient_at(shifted, case.weights, case.truth, case.time).gradient,
        gradient_at(case.problem, case.weights, case.truth, case.time).gradient,
        case,
    )


@given(case=cases(unknowns=200), seed=st.integers(0, 1000))
def test_the_names_of_the_labels_do_not_matter(case, seed):
    assume(rich_enough(case))
    order = np.random.default_rng(seed).permutation(case.problem.labels)
    renamed = LabelingProblem(case.distances[..., order], case.graph)
    truth = np.argsort(order)[case.truth]
    expected = gradient_at(case.problem, case.weights, case.truth, case.time)
    found = gradient_at(renamed, case.weights, truth, case.time)
    assert_same(found.gradient, expected.gradient, case)
    assert_same(found.solution.tangent, expected.solution.tangent[..., order], case)


@given(case=cases(unknowns=200))
def test_distance_and_scale_count_only_by_their_ratio(case):
    assume(rich_enough(case))
    scaled = LabelingProblem(7.0 * case.distances, case.graph, distance_scale=7.0)
    assert_same(
        gradient_at(scaled, case.weights, case.truth, case.time).gradient,
        gradient_at(case.problem, case.weights, case.truth, case.time).gradient,
        case,
    )


@pytest.mark.parametrize(("shape", "radius"), [((12,), 2), ((5, 6), 1), ((4, 5), 2), ((3, 2, 3), 1), ((1, 7), 2)])
def test_a_grid_and_the_same_graph_in_rows_agree(shape, radius):
    case = make_case(shape, 3, radius=radius, seed=radius)
    graph, edges = as_sparse(case.graph, case.weights)
    problem = LabelingProblem(case.distances.reshape(-1, 3), graph)
    found = gradient_at(problem, edges, case.truth.ravel(), case.time)
    expected = gradient_at(case.problem, case.weights, case.truth, case.time)
    node, position, _ = grid_edges(case.graph)
    assert_same(found.gradient, expected.gradient.reshape(graph.nodes, -1)[node, position], case)
    assert_same(found.solution.tangent, expected.solution.tangent.reshape(-1, 3), case)


@given(nodes=st.integers(5, 25), labels=st.integers(2, 6), seed=st.integers(0, 1000))
def test_the_numbering_of_the_nodes_does_not_matter(nodes, labels, seed):
    rng = np.random.default_rng(seed)
    graph = random_sparse_graph(nodes, rng)
    weights, distances = random_weights(graph, rng), 3.0 * rng.random((nodes, labels))
    truth = rng.integers(0, labels, nodes)
    order = rng.permutation(nodes)
    number = np.argsort(order)  # new number of each old node
    rows = [np.arange(graph.indptr[node], graph.indptr[node + 1]) for node in order]
    edges = np.concatenate(rows)
    indptr = np.concatenate([[0], np.cumsum([row.size for row in rows])])
    renumbered = SparseGraph(indptr, number[graph.indices[edges]])
    expected = gradient_at(LabelingProblem(distances, graph), weights, truth, 2.0).gradient
    found = gradient_at(LabelingProblem(distances[order], renumbered), weights[edges], truth[order], 2.0).gradient
    assert np.abs(found - expected[edges]).max() <= 1e-9 * np.abs(expected).max()


@pytest.mark.parametrize("radius", [1, 2])
@pytest.mark.parametrize("pose", ["transposed", "flipped", "turned"])
def test_the_pose_of_the_image_does_not_matter(pose, radius):
    case = make_case((5, 7), 3, radius=radius, seed=4)
    side = 2 * radius + 1

    def posed(array):
        if pose == "transposed":
            return array.swapaxes(0, 1)
        return np.flip(array, 0) if pose == "flipped" else np.rot90(array)

    def posed_weights(weights):
        patches = posed(weights).reshape(-1, side, side)
        patches = np.stack([posed(patch) for patch in patches])
        return patches.reshape(*posed(case.truth).shape, side * side)

    problem = LabelingProblem(posed(case.distances), radius=radius)
    found = gradient_at(problem, posed_weights(case.weights), posed(case.truth), case.time)
    expected = gradient_at(case.problem, case.weights, case.truth, case.time)
    assert_same(found.gradient, posed_weights(expected.gradient), case)
    assert_same(found.solution.tangent, posed(expected.solution.tangent), case)


def test_two_images_side_by_side_but_not_connected_are_two_images():
    left, right = make_case((6,), 3, seed=1), make_case((8,), 3, seed=2)
    parts = [as_sparse(case.graph, case.weights) for case in (left, right)]
    indptr = np.concatenate([parts[0][0].indptr, parts[0][0].edges + parts[1][0].indptr[1:]])
    graph = SparseGraph(indptr, np.concatenate([parts[0][0].indices, 6 + parts[1][0].indices]))
    both = LabelingProblem(np.concatenate([left.distances, right.distances]), graph)
    found = solve_flow(both, np.concatenate([parts[0][1], parts[1][1]]), time=2.0, krylov_dim=40)
    alone = [solve_flow(case.problem, case.weights, time=2.0, krylov_dim=40).tangent for case in (left, right)]
    tolerance = 1e-10 * np.abs(found.tangent).max()
    np.testing.assert_allclose(found.tangent, np.concatenate(alone), atol=tolerance)


def test_a_patch_of_radius_two_that_uses_only_its_centre_part_is_one_of_radius_one():
    small = make_case((5, 6), 3, radius=1, seed=5)
    wide = GridGraph((5, 6), 2)
    weights = np.zeros(wide.weights_shape).reshape(5, 6, 5, 5)
    weights[:, :, 1:4, 1:4] = small.weights.reshape(5, 6, 3, 3)
    problem = LabelingProblem(small.distances, wide)
    found = gradient_at(problem, weights.reshape(wide.weights_shape), small.truth, 3.0)
    expected = gradient_at(small.problem, small.weights, small.truth, 3.0)
    centre = found.gradient.reshape(5, 6, 5, 5)[:, :, 1:4, 1:4].reshape(5, 6, 9)
    inside = small.weights > 0
    assert_same(centre[inside], expected.gradient[inside], small)
