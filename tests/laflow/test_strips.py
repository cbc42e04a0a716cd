"""Work strip by strip gives what work on whole fields gives, for any grid, radius, length of strips and threads."""

from unittest.mock import patch

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import laflow
from laflow import GridGraph, LabelingProblem, loss_gradient, strips
from laflow.assignment.flow import packed_similarity, source_into
from laflow.assignment.gradient import GradientOptions, gradient_workspace, packed_loss_gradient
from laflow.kernels import linear_map, linear_map_adjoint
from verify.battery.strips import small_strips

shapes = st.integers(1, 3).flatmap(lambda d: st.tuples(*[st.integers(1, 40 if d == 1 else 12 if d == 2 else 6)] * d))


def setting(shape, radius, seed=0):
    rng = np.random.default_rng(seed)
    problem = LabelingProblem(3.0 * rng.random((*shape, 3)), radius=radius)
    weights = rng.random(problem.graph.weights_shape) * (problem.graph.uniform_weights() > 0.0)
    return problem, problem.graph.check_weights(weights / weights.sum(axis=-1, keepdims=True))


@given(shape=shapes, radius=st.integers(0, 3), length=st.integers(1, 300))
def test_strips_tile_the_nodes_and_early_ranges_reach_every_neighbour(shape, radius, length):
    graph = GridGraph(shape, radius)
    with small_strips(laflow, length):
        pieces = strips.strips(graph, 3)
    whole = graph.structure
    assert [node for piece in pieces for node in range(piece.first, piece.last)] == list(range(whole.first, whole.last))
    early = [node for piece in pieces for node in range(*strips.early_range(piece))]
    assert early == list(range(whole.first, whole.last))
    for piece in pieces:
        assert piece.early_last >= min(piece.last + whole.offsets.max(), whole.last)


@given(
    shape=shapes, radius=st.integers(0, 2), length=st.integers(1, 100), stages=st.integers(1, 5), adjoint=st.booleans()
)
def test_powers_in_strips_are_bitwise_those_of_whole_fields(shape, radius, length, stages, adjoint):
    problem, weights = setting(shape, radius)
    graph, similar = problem.graph, packed_similarity(problem, weights)
    scratch = graph.zeros_nodes(3)

    def product(vector, image, strip=None):
        if adjoint:
            graph.run(linear_map_adjoint, (weights, similar, vector), (scratch, image), strip)
        else:
            graph.run(linear_map, (weights, similar, vector), (image,), strip)

    whole, found = graph.zeros_nodes(stages + 1, 3), graph.empty_nodes(stages + 1, 3)
    source_into(problem, similar, whole[0])
    found[0] = whole[0]
    for stage in range(stages):
        product(whole[stage], whole[stage + 1])
    with small_strips(laflow, length):
        lower = strips.powers_in_strips(graph, product, found, 0, 0)
    np.testing.assert_array_equal(found, whole)
    flat = whole.reshape(stages + 1, -1)
    size = np.linalg.norm(flat, axis=1)
    # Sums of at most 800 products in another order.
    np.testing.assert_allclose(lower, np.tril(flat @ flat.T), rtol=0, atol=1e-13 * np.outer(size, size).max())


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="this machine has one thread")
def test_strips_give_the_same_bits_on_one_thread_and_on_two():
    problem, weights = setting((40, 37), 1)
    truth = np.random.default_rng(1).integers(0, 3, (40, 37))
    options = GradientOptions(time=2.0, krylov_dim=4, rank=3)
    found = []
    threads = numba.get_num_threads()
    for count in (1, 2):
        numba.set_num_threads(count)
        try:
            with small_strips(laflow, 100):
                room = gradient_workspace(problem, options)
                found.append(packed_loss_gradient(problem, weights, truth, options, room).packed_gradient)
        finally:
            numba.set_num_threads(threads)
    np.testing.assert_array_equal(*found)


def test_a_large_image_is_cut_and_its_gradient_is_that_of_the_image_in_one_piece():
    shape = (400, 330)
    problem, weights = setting(shape, 1)
    assert len(strips.strips(problem.graph, 8)) > 1
    truth = np.random.default_rng(1).integers(0, 3, shape)
    given_weights = problem.graph.unpack_weights(weights)
    options = {"time": 2.0, "krylov_dim": 4, "rank": 2}
    with patch.object(strips, "LARGE", 2**40):
        one_piece = loss_gradient(problem, given_weights, truth, **options)
    with patch.object(strips, "LARGE", 0):
        cut = loss_gradient(problem, given_weights, truth, **options)
    # Inner products in another order: rounding, and what the small matrices make of it.
    size = np.abs(one_piece.gradient).max()
    np.testing.assert_allclose(cut.gradient, one_piece.gradient, rtol=0, atol=1e-12 * size)
