"""Packed arrays hold the same numbers as public ones, and flat offsets find the right neighbours."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laflow import GridGraph, SparseGraph
from tests.laflow.problems import grid_edges, random_sparse_graph

shapes = st.integers(1, 3).flatmap(lambda d: st.tuples(*[st.integers(1, 5)] * d))


@given(shape=shapes, radius=st.integers(0, 3), channels=st.integers(1, 4))
def test_unpacking_undoes_packing_and_the_halo_is_zero(shape, radius, channels):
    graph = GridGraph(shape, radius)
    field = 1.0 + np.arange(graph.nodes * channels, dtype=float).reshape(*shape, channels)
    packed = graph.pack_nodes(field)
    assert packed.flags.c_contiguous
    assert packed.shape == (channels, graph.padded_nodes)
    np.testing.assert_array_equal(graph.unpack_nodes(packed), field)
    assert np.count_nonzero(packed) == field.size


@given(shape=shapes, radius=st.integers(0, 3))
def test_flat_offsets_reach_the_neighbours_that_plain_loops_find(shape, radius):
    graph = GridGraph(shape, radius)
    numbers = graph.pack_nodes(1.0 + np.arange(graph.nodes, dtype=float).reshape(*shape, 1))[0]
    cell_of = {int(number) - 1: cell for cell, number in enumerate(numbers) if number}
    inside = graph.unpack_weights(graph.inside).reshape(graph.nodes, -1)
    node, position, other = grid_edges(graph)
    assert inside.sum() == node.size
    np.testing.assert_array_equal(inside[node, position], 1.0)
    for at, offset, found in zip(node.tolist(), position.tolist(), other.tolist(), strict=True):
        assert cell_of[at] + graph.structure.offsets[offset] == cell_of[found]


@given(shape=shapes, radius=st.integers(0, 3))
def test_kernels_visit_every_node_and_stay_inside_the_array(shape, radius):
    graph = GridGraph(shape, radius)
    structure = graph.structure
    cells = np.flatnonzero(graph.pack_nodes(np.ones((*shape, 1)))[0])
    assert structure.first == cells.min()
    assert structure.last == cells.max() + 1
    assert structure.first + structure.offsets.min() >= 0
    assert structure.last - 1 + structure.offsets.max() < graph.padded_nodes


@given(shape=shapes, radius=st.integers(0, 2))
def test_uniform_weights_are_weights_and_vanish_outside_the_image(shape, radius):
    graph = GridGraph(shape, radius)
    weights = graph.uniform_weights()
    graph.check_weights(weights, positive=True)
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0, rtol=0, atol=1e-15 * graph.neighbours)
    np.testing.assert_array_equal(weights > 0, graph.unpack_weights(graph.inside) > 0)


def test_a_node_in_the_corner_of_an_image_has_four_neighbours():
    inside = GridGraph((3, 3)).unpack_weights(GridGraph((3, 3)).inside)
    assert inside[0, 0].tolist() == [0, 0, 0, 0, 1, 1, 0, 1, 1]
    assert inside.sum(axis=-1).tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]


@given(nodes=st.integers(1, 12), seed=st.integers(0, 1000))
def test_the_transposed_rows_of_a_graph_list_every_edge_once(nodes, seed):
    graph = random_sparse_graph(nodes, np.random.default_rng(seed))
    structure = graph.structure
    owner = np.repeat(np.arange(nodes), np.diff(graph.indptr))
    column = np.repeat(np.arange(nodes), np.diff(structure.transpose_indptr))
    assert sorted(structure.transpose_edges.tolist()) == list(range(graph.edges))
    np.testing.assert_array_equal(graph.indices[structure.transpose_edges], column)
    np.testing.assert_array_equal(owner[structure.transpose_edges], structure.transpose_nodes)


def test_empty_fields_are_zero_where_no_kernel_writes():
    graph = GridGraph((3, 4), 2)
    field = graph.empty_nodes(2)
    assert not field[:, : graph.structure.first].any()
    assert not field[:, graph.structure.last :].any()


def test_graphs_are_immutable():
    with pytest.raises(AttributeError):
        GridGraph((2, 2)).radius = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        SparseGraph(np.array([0, 1]), np.array([0])).indptr = None  # type: ignore[misc, assignment]
