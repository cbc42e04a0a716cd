"""Work on large fields strip by strip does what work on whole fields does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from verify.battery.problems import close, same

SHAPES = (((23, 9), 1), ((9, 8), 2), ((4, 5, 6), 1), ((150,), 3), ((3, 40), 1))


@contextmanager
def small_strips(package: Any, length: int) -> Iterator[None]:
    """Strips of so many nodes, whatever the size of the field."""
    strips = package.strips
    before = strips.STRIP, strips.LARGE, strips.BLOCK
    strips.STRIP, strips.LARGE, strips.BLOCK = 1, 0, length
    try:
        yield
    finally:
        strips.STRIP, strips.LARGE, strips.BLOCK = before


def _setting(package: Any, shape: tuple[int, ...], radius: int) -> tuple[Any, Any, Any]:
    """A problem with random weights, and S."""
    rng = np.random.default_rng(len(shape) + radius)
    problem = package.flow.LabelingProblem(3.0 * rng.random((*shape, 3)), radius=radius)
    weights = rng.random(problem.graph.weights_shape) * (problem.graph.uniform_weights() > 0.0)
    packed = problem.graph.check_weights(weights / weights.sum(axis=-1, keepdims=True))
    return problem, packed, package.flow.packed_similarity(problem, packed)


def check_strips_and_early_ranges_cover_all_nodes_once(package: Any) -> None:
    for shape, radius in SHAPES:
        graph = package.graph.GridGraph(shape, radius)
        whole = graph.structure
        reach = int(whole.offsets.max())
        for length in (1, 7, 64):
            with small_strips(package, length):
                pieces = package.strips.strips(graph, 3)
            assert [piece.first for piece in pieces] == list(range(whole.first, whole.last, length))
            same([piece.last for piece in pieces[:-1]], [piece.first for piece in pieces[1:]])
            same([piece.early_last for piece in pieces[:-1]], [piece.early_first for piece in pieces[1:]])
            assert (pieces[0].early_first, pieces[-1].last, pieces[-1].early_last) == (whole.first, *[whole.last] * 2)
            for piece in pieces:
                assert piece.early_last == min(piece.last + reach, whole.last)
                same(piece.offsets, whole.offsets)
                assert package.strips.early_range(piece) == (piece.early_first, piece.early_last)
                moved = package.strips.strip_of(piece, 5, 6)
                assert (moved.first, moved.last, moved.early_first) == (5, 6, piece.early_first)


def check_small_fields_and_general_graphs_are_not_cut(package: Any) -> None:
    strips, grid = package.strips, package.graph.GridGraph((64, 64))
    single = package.graph.GridGraph((64, 64), 1, "single")
    rows = package.graph.SparseGraph([0, 2, 3], [0, 1, 1])
    before = strips.LARGE
    try:
        strips.LARGE = 32 * grid.padded_nodes  # bytes of a field of four channels
        assert [len(strips.strips(graph, 4)) for graph in (grid, single, rows)] == [1, 1, 1]
        assert strips.strips(grid, 4)[0] is not grid.structure
        assert len(strips.strips(grid, 64)) == 5
        strips.LARGE += 1
        assert strips.strips(grid, 4)[0] is grid.structure
        strips.LARGE = 0
        assert _lengths(package, grid, 4) == [4222]  # first to last node: fewer than one strip holds
        assert _lengths(package, grid, 64) == [1024] * 4 + [126]  # no strip is shorter than a block
        assert _lengths(package, grid, 16) == [2048, 2048, 126]
        assert _lengths(package, single, 32) == [2048, 2048, 126]  # half the bytes, twice the nodes
        assert strips.strips(rows, 3) == (rows.structure,)
    finally:
        strips.LARGE = before
    assert strips.early_range(rows.structure) == (0, 2)


def _lengths(package: Any, graph: Any, channels: int) -> list[int]:
    return [piece.last - piece.first for piece in package.strips.strips(graph, channels)]


def check_powers_in_strips_are_those_of_whole_fields(package: Any) -> None:
    for shape, radius in SHAPES:
        problem, weights, similar = _setting(package, shape, radius)
        graph, scratch = problem.graph, problem.graph.zeros_nodes(3)
        plain = graph.zeros_nodes(5, 3)
        package.flow.source_into(problem, similar, plain[0])
        given = package.flow.linear_map, package.low_rank.linear_map_adjoint, graph, weights, similar, scratch
        forward, adjoint = partial(_forward, given), partial(_adjoint, given)
        for product in (forward, adjoint):
            for power in range(4):
                product(plain[power], plain[power + 1])
            for length in (16, 50):
                for first, new in ((0, 0), (2, 3)):
                    found = np.full_like(plain, np.nan)
                    found[:, :, : graph.structure.first] = found[:, :, graph.structure.last :] = 0.0
                    found[: first + 1] = plain[: first + 1]
                    with small_strips(package, length):
                        lower = package.strips.powers_in_strips(graph, product, found, first, new)
                    same(found, plain)
                    flat = plain.reshape(5, -1)
                    wanted = np.tril(flat @ flat.T)
                    wanted[:new] = 0.0
                    close(lower / np.abs(wanted).max(), wanted / np.abs(wanted).max(), 1e-13)


def _forward(given: Any, vector: Any, image: Any, strip: Any = None) -> None:
    kernel, _, graph, weights, similar, _ = given
    graph.run(kernel, (weights, similar, vector), (image,), strip)


def _adjoint(given: Any, vector: Any, image: Any, strip: Any = None) -> None:
    _, kernel, graph, weights, similar, scratch = given
    graph.run(kernel, (weights, similar, vector), (scratch, image), strip)


def check_gradients_in_strips_are_those_of_whole_fields(package: Any) -> None:
    for shape, radius in SHAPES:
        problem, weights, _ = _setting(package, shape, radius)
        truth = np.random.default_rng(5).integers(0, 3, shape)
        for rank in (2, 4):
            options = package.gradient.GradientOptions(time=2.0, krylov_dim=4, rank=rank)
            found = []
            for length in (10**6, 20):
                for reused in (False, True):
                    room = package.gradient.gradient_workspace(problem, options) if reused else None
                    with small_strips(package, length):
                        found.append(package.gradient.packed_loss_gradient(problem, weights, truth, options, room))
            for other in found[1:]:
                size = np.abs(found[0].packed_gradient).max()
                close(other.packed_gradient / size, found[0].packed_gradient / size, 1e-12)
                close(other.solution.tangent, found[0].solution.tangent, 1e-12)
                assert other.rank == found[0].rank == rank
