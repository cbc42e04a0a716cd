"""Neighbourhoods, packing, and the mask, against index arrays made by plain loops."""

from __future__ import annotations

import types
from typing import Any

import numpy as np

from verify.battery.problems import close, graph_of, instances, public, same
from verify.bridge import plain_weights
from verify.oracles.neighbourhoods import grid_neighbours, uniform_weights

GRIDS = (((2, 3), 1), ((5,), 2), ((2, 1, 3), 1), ((4, 2), 3), ((3,), 0))


def check_packing(package: Any) -> None:
    for shape, radius in GRIDS:
        graph = package.graph.GridGraph(shape, radius)
        nodes = int(np.prod(shape))
        field = 1.0 + np.arange(2 * nodes, dtype=float).reshape(*shape, 2)
        packed = graph.pack_nodes(field)
        padded = np.pad(field, [(radius, radius)] * len(shape) + [(0, 0)])
        cells = padded[..., 0].size
        lead = graph.structure.first - int(np.flatnonzero(padded[..., 0])[0])
        line = 64 // packed.itemsize
        same(packed[:, lead : lead + cells], np.moveaxis(padded, -1, 0).reshape(2, -1))
        assert not packed[:, :lead].any()
        assert not packed[:, lead + cells :].any()
        assert 0 <= lead < line
        assert lead + cells <= packed.shape[1] < lead + cells + line
        for array in (packed, graph.zeros_nodes(1), graph.empty_weights(), graph.packed_uniform_weights()):
            assert array[0, graph.structure.first :].ctypes.data % 64 == array.strides[0] % 64 == 0
        unpacked = graph.unpack_nodes(packed)
        same(unpacked, field)
        assert unpacked.flags.c_contiguous
        assert not np.shares_memory(unpacked, packed)
        assert (graph.nodes, graph.padded_nodes) == (nodes, packed.shape[1])
        assert graph.neighbours == (2 * radius + 1) ** len(shape)
        assert graph.weights_shape == (*shape, graph.neighbours)
        assert type(graph.nodes) is int
        assert type(graph.neighbours) is int
        assert graph.radius == radius


def check_structure(package: Any) -> None:
    for shape, radius in GRIDS:
        graph = package.graph.GridGraph(shape, radius)
        neighbours = grid_neighbours(shape, radius)
        cells = np.flatnonzero(graph.pack_nodes(np.ones((*shape, 1)))[0])
        structure = graph.structure
        assert (structure.first, structure.last) == (cells.min(), cells.max() + 1)
        for node, row in enumerate(neighbours):
            for slot in np.flatnonzero(row >= 0):
                assert cells[node] + structure.offsets[slot] == cells[row[slot]]
        inside = np.zeros((neighbours.shape[1], graph.padded_nodes))
        inside[:, cells] = (neighbours >= 0).T
        same(graph.inside, inside)
        assert graph.displacements.dtype == np.int64
        assert graph.displacements.shape == (neighbours.shape[1], len(shape))
        same(np.sort(graph._outside), np.flatnonzero(_stray(neighbours, cells, graph.padded_nodes)))


def _stray(neighbours: np.ndarray, cells: np.ndarray, padded: int) -> np.ndarray:
    found = np.zeros((neighbours.shape[1], padded), dtype=bool)
    found[:, cells] = (neighbours < 0).T
    return found.ravel()


def check_default_radius(package: Any) -> None:
    graph = package.graph.GridGraph([np.int64(3), np.int64(4)])
    assert graph.radius == 1
    assert graph.shape == (3, 4)
    assert all(type(side) is int for side in graph.shape)
    assert type(package.graph.GridGraph((3, 4), np.int64(1)).radius) is int


def check_uniform_weights(package: Any) -> None:
    for instance in instances().values():
        graph = graph_of(package, instance)
        wanted = uniform_weights(instance.neighbours)
        close(plain_weights(instance, graph.uniform_weights()), wanted, 1e-15)
        graph.check_weights(graph.uniform_weights(), positive=True)
    for shape, radius in (((3,), 0), ((1, 1), 1)):  # every node is alone
        alone = package.graph.GridGraph(shape, radius).uniform_weights()
        same(alone.max(axis=-1), np.ones(shape))
        same(alone.sum(axis=-1), np.ones(shape))


def check_weights_round_trip(package: Any) -> None:
    for instance in instances().values():
        graph = graph_of(package, instance)
        weights = public(instance, instance.weights)
        before = weights.copy()
        packed = graph.check_weights(weights)
        same(graph.unpack_weights(packed), weights)
        assert not np.shares_memory(packed, weights)
        assert not np.shares_memory(graph.unpack_weights(packed), packed)
        packed[...] = 7.0
        same(weights, before)
        same(graph.pack_weights(before.astype(np.float32)), graph.pack_weights(before.astype(np.float32).astype(float)))
        assert graph.zeros_weights().shape == graph.empty_weights().shape == packed.shape
        assert not graph.zeros_weights().any()


def check_tolerated_weights(package: Any) -> None:
    graph = package.graph.GridGraph((2, 3))
    near = graph.uniform_weights()
    near[0, 0] *= 1.0 + 5e-7
    near[1, 1] *= 1.0 - 5e-7
    graph.check_weights(near, positive=True)
    zero = graph.uniform_weights()
    zero[0, 0] = 0.0
    zero[0, 0, 4] = 1.0
    graph.check_weights(zero)
    edges = package.graph.SparseGraph([0, 2, 3], [0, 1, 1])
    edges.check_weights(np.array([0.0, 1.0, 1.0]))


def check_fields(package: Any) -> None:
    for instance in instances().values():
        graph = graph_of(package, instance)
        zeros = graph.zeros_nodes(2, 3)
        assert zeros.shape == (2, 3, graph.padded_nodes)
        assert not zeros.any()
        with np.errstate(all="ignore"):
            field = graph.empty_nodes(2)
        assert field.shape == (2, graph.padded_nodes)
        assert not field[:, : graph.structure.first].any()
        assert not field[:, graph.structure.last :].any()
        view = graph.interior(zeros)
        assert view.shape == (2, 3, *graph.shape)
        assert np.shares_memory(view, zeros)


def check_halo_of_empty_fields(package: Any) -> None:
    graph = package.graph.GridGraph((2, 3))
    fresh = package.graph.aligned_empty
    package.graph.aligned_empty = lambda shape, dtype: np.full(shape, np.nan, dtype)
    try:
        field, weights = graph.empty_nodes(2), graph.empty_weights()
    finally:
        package.graph.aligned_empty = fresh
    first, last = graph.structure.first, graph.structure.last
    for array in (field, weights):
        assert not array[:, :first].any()
        assert not array[:, last:].any()
        assert np.isnan(array[:, first:last]).all()  # nothing is written twice


def check_aligned_arrays(package: Any) -> None:
    """Of any shape and type, wherever the allocator puts them; a fresh one each time, contiguous and writable."""
    for dtype in (np.float64, np.float32):
        length = package.aligned.line_length(dtype)
        assert length == 64 // np.dtype(dtype).itemsize
        assert type(length) is int
        kept = []
        for shape in ((0,), (1,), (3, 5), (2, 1, 7), (1000,)):
            for allocate in (package.aligned.aligned_empty, package.aligned.aligned_zeros):
                array = allocate(shape, dtype)
                assert (array.shape, array.dtype) == (shape, np.dtype(dtype))
                assert array.ctypes.data % 64 == 0 or not array.size
                assert array.flags.c_contiguous
                assert array.flags.writeable
                kept.append(array)
            assert not kept[-1].any()
            for number, array in enumerate(kept):
                array[...] = number
        for number, array in enumerate(kept):
            assert np.all(array == number)


def check_sparse_structure(package: Any) -> None:
    instance = instances()["graph"]
    graph = graph_of(package, instance)
    indptr, indices, _ = instance.csr
    structure = graph.structure
    owner = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    same(structure.indptr, indptr)
    same(structure.indices, indices)
    assert (structure.first, structure.last) == (0, indptr.size - 1)
    for node in range(indptr.size - 1):
        part = slice(structure.transpose_indptr[node], structure.transpose_indptr[node + 1])
        edges = np.flatnonzero(indices == node)
        same(structure.transpose_edges[part], edges)
        same(structure.transpose_nodes[part], owner[edges])
    assert structure.transpose_edges.size == structure.transpose_nodes.size == indices.size
    assert structure.transpose_indptr[-1] == indices.size
    # A node that is nobody's neighbour.
    assert package.graph.SparseGraph([0, 1, 2], [0, 0]).structure.transpose_indptr.tolist() == [0, 2, 2]
    assert (graph.edges, graph.neighbours, graph.shape) == (indices.size, 3, (indptr.size - 1,))
    assert type(graph.edges) is int
    assert type(graph.neighbours) is int
    assert graph.weights_shape == (indices.size,)
    same(graph.inside, np.ones(indices.size))


def check_graphs_own_their_arrays(package: Any) -> None:
    indptr, indices = np.array([0, 1, 3]), np.array([0, 0, 1])
    graph = package.graph.SparseGraph(indptr, indices)
    indptr[:], indices[:] = 9, 9
    assert graph.indptr.tolist() == [0, 1, 3]
    assert graph.indices.tolist() == [0, 0, 1]
    small = package.graph.SparseGraph(np.array([0, 1], dtype=np.int32), np.array([0], dtype=np.uint8))
    assert small.indptr.dtype == small.indices.dtype == np.int64
    strided = package.graph.SparseGraph(np.array([0, 9, 1, 9, 3])[::2], [0, 0, 1])
    assert strided.indptr.flags.c_contiguous
    # Neighbours may come in any order, and equal numbers in different rows are no repetition.
    package.graph.SparseGraph([0, 2, 4], [1, 0, 1, 0])
    package.graph.SparseGraph([0, 1, 2], [1, 1])


def check_sums_over_blocks(package: Any) -> None:
    graph = package.graph.GridGraph((20, 30))
    kernel = package.objective.direction_moments
    rng = np.random.default_rng(0)
    target, tangent = rng.standard_normal((2, 20, 30, 3))
    found = graph.sums(kernel, (graph.pack_nodes(target), graph.pack_nodes(tangent)), 3)
    close(found, [np.sum(target * tangent), np.sum(tangent**2), np.sum(target**2)], 1e-12)
    assert all(type(value) is float for value in found)
    visited = graph.structure.last - graph.structure.first
    for length in (1, 2, visited - 1, visited, visited + 1):
        assert graph.blocks(types.SimpleNamespace(BLOCK=length)) == (visited + length - 1) // length


def check_work_memory(package: Any) -> None:
    """A kernel is handed room for every thread, at least one row of it."""
    seen: list[tuple[int, ...]] = []
    for graph in (package.graph.GridGraph((2, 3)), package.graph.SparseGraph([0, 1], [0])):
        for rows in (0, 5):
            kernel = types.SimpleNamespace(BLOCK=7, work_rows=lambda *_inputs, rows=rows: rows)
            kernel.grid = kernel.graph = lambda *arguments: seen.append(arguments[-1].shape)
            graph.run(kernel, (), ())
    threads = package.graph.numba.get_num_threads()
    assert seen == [(threads, 1, 7), (threads, 5, 7)] * 2
