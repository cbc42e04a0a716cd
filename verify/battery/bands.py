"""A gradient band by band is that of whole fields."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from verify.battery.problems import close, same

SHAPES = (((40, 5), 1), ((50, 3), 2), ((90,), 1), ((20, 3, 4), 1), ((33, 3), 0))


@contextmanager
def small_bands(package: Any, size: int) -> Iterator[None]:
    """Bands with so many bytes a field, whatever the size of the image."""
    banded = package.banded
    before = banded.BAND, banded.LARGE
    banded.BAND, banded.LARGE = size, 0
    try:
        yield
    finally:
        banded.BAND, banded.LARGE = before


def check_bands_cover_the_rows(package: Any) -> None:
    for shape, radius in SHAPES:
        graph = package.graph.GridGraph(shape, radius)
        for margin, most in ((0, 1), (1, 2), (2, 7), (3, 14), (1, 1000)):
            found = package.bands.bands(graph, margin, most)
            rows = min(shape[0], max(most, 4 * margin, 1))
            owned = [row for band in found for row in range(band.first + band.begin, band.first + band.end)]
            assert owned == list(range(shape[0]))
            assert (len(found) == 1) == (rows == shape[0])
            for band in found:
                assert band.graph == package.graph.GridGraph((rows, *shape[1:]), radius)
                assert band.begin >= margin or band.first == 0
                assert rows - band.end >= margin or band.first + rows == shape[0]
                assert band.whole is graph
            own = rows if len(found) == 1 else rows - 2 * margin
            assert all(band.end - band.begin == own for band in found[:-1])
            assert found[-1].end - found[-1].begin <= own


def check_cutting_and_putting_back(package: Any) -> None:
    for shape, radius in SHAPES:
        graph, values = package.graph.GridGraph(shape, radius), np.random.default_rng(3).random((*shape, 2))
        field, again = graph.pack_nodes(values), graph.zeros_nodes(2)
        for band in package.bands.bands(graph, 2, 9):
            piece = band.graph.zeros_nodes(2)
            band.cut(field, piece)
            same(band.graph.unpack_nodes(piece), values[band.rows])
            if band.first and radius:  # the halo holds what lies above the band
                above = band.graph.cells_of_rows(-1, 0)
                same(piece[:, above], field[:, graph.cells_of_rows(band.first - 1, band.first)])
            whole = band.graph.structure
            nodes, wide, all_rows = band.nodes, band.around(1), band.around(100)
            own, near = band.graph.cells_of_rows(band.begin, band.end), band.own_and_near
            assert (nodes.first, nodes.last) == (max(own.start, whole.first), min(own.stop, whole.last))
            assert (nodes.early_first, nodes.early_last) == (max(near.start, whole.first), min(near.stop, whole.last))
            assert (all_rows.first, all_rows.last) == (whole.first, whole.last)
            assert (wide.first - whole.first) % 8 == 0
            first = max(band.graph.cells_of_rows(max(band.begin - 1, 0), 0).start, whole.first)
            assert first - 8 < wide.first <= first
            assert wide.early_first == max(whole.first, wide.first - radius * int(graph._strides[0]) - _side(band, 1))
            assert wide.last == min(band.graph.cells_of_rows(0, min(band.end + 1, len(piece[0]))).stop, whole.last)
            band.put(piece, again)
        same(again, field)


def _side(band: Any, margin: int) -> int:
    """By how much the first node of a strip lies after the first cell of its row, where that is cut off."""
    row = band.graph.cells_of_rows(max(band.begin - margin, 0), 0).start
    return max(band.graph.structure.first - row, 0)


def check_gradient_in_bands(package: Any) -> None:
    for number, (shape, radius) in enumerate(SHAPES):
        rng = np.random.default_rng(number)
        problem = package.flow.LabelingProblem(3.0 * rng.random((*shape, 3)), radius=radius)
        weights = rng.random(problem.graph.weights_shape) * (problem.graph.uniform_weights() > 0.0)
        packed = problem.graph.check_weights(weights / weights.sum(axis=-1, keepdims=True))
        truth = rng.integers(0, 3, shape)
        for method, krylov_dim, rank, size in (("low-rank", 3, 2, 1), ("factored", 2, 1, 700), ("low-rank", 1, 1, 300)):
            options = package.gradient.GradientOptions(2.0, method, krylov_dim, rank)
            room = package.gradient.gradient_workspace(problem, options)
            wanted = package.gradient.packed_loss_gradient(problem, packed, truth, options, room)
            with small_bands(package, size):
                found = package.gradient.packed_loss_gradient(problem, packed, truth, options)
            close(found.gradient, wanted.gradient, 1e-12)
            close(found.solution.tangent, wanted.solution.tangent, 1e-12)
            close(found.loss, wanted.loss, 1e-13)
            close(found.error_estimate, wanted.error_estimate, 1e-6)
            close(found.solution.error_estimate, wanted.solution.error_estimate, 1e-6)
            assert (found.krylov_dim, found.rank) == (wanted.krylov_dim, wanted.rank)
            if radius and shape[0] >= 40:
                assert (found.matvecs, found.solution.matvecs) == (5 * krylov_dim, 2 * krylov_dim)


def check_size_of_bands(package: Any) -> None:
    """Rows of as many bytes as a band may have, and margins for one product more than there are."""
    banded, sizes = package.banded, {"time": 2.0, "krylov_dim": 2, "rank": 1}
    problem, uniform, truth = _uniform(package, np.random.default_rng(1).random((70, 3, 2)), 2)
    given, cut = [], banded.bands

    def recording(*sizes: Any) -> Any:
        given.append(sizes)
        return cut(*sizes)

    banded.bands = recording
    try:
        with small_bands(package, 31 * (problem.log_likelihood.nbytes // 70)):
            banded.banded_flow_gradient(problem, uniform, truth, **sizes)
    finally:
        banded.bands = cut
    assert given == [(problem.graph, 3 * 2, 31)]


def check_room_for_a_band(package: Any) -> None:
    graph = package.graph.GridGraph((20, 3))
    field = (2, graph.padded_nodes)
    for krylov_dim, rank, mixed in ((3, 2, 2), (3, 4, 4), (2, 9, 3)):
        room = package.banded._Room.allocate(graph, 2, krylov_dim, rank)
        assert room.weights.shape == graph.weights_layout
        assert room.log_likelihood.shape == room.similarity.shape == field
        assert room.powers.shape == (krylov_dim + 1, *field)
        assert (room.lefts.shape, room.rights.shape) == ((mixed + 1, *field), (mixed, *field))


def check_what_is_not_done_in_bands(package: Any) -> None:
    """Small images, one band, a general graph, and a flow that stands still."""
    flow, banded = package.flow, package.banded
    rng, sizes = np.random.default_rng(0), {"time": 2.0, "krylov_dim": 2, "rank": 1}
    problem, uniform, truth = _uniform(package, rng.random((40, 4, 2)))
    with small_bands(package, 10**6):
        assert banded.banded_flow_gradient(problem, uniform, truth, **sizes) is None
    with small_bands(package, 1):
        banded.LARGE = problem.log_likelihood.nbytes
        assert banded.banded_flow_gradient(problem, uniform, truth, **sizes) is not None
        banded.LARGE += 1
        assert banded.banded_flow_gradient(problem, uniform, truth, **sizes) is None
        banded.LARGE = 0
        ring = package.graph.SparseGraph(np.arange(41), np.arange(40))
        general = flow.LabelingProblem(rng.random((40, 2)), ring)
        assert banded.banded_flow_gradient(general, np.ones(40), truth[:, 0], **sizes) is None
        differences = rng.integers(0, 2, (40, 4, 2))
        for size, none in ((0.0, True), (2.0**-52, True), (1e-11, False)):  # one rounding error is no flow
            still = flow.LabelingProblem(1.0 + size * differences)
            assert (banded.banded_flow_gradient(still, uniform, truth, **sizes) is None) == none


def check_dependent_powers_are_left_to_whole_fields(package: Any) -> None:
    """Those of A, or of its transpose only; a space is told how many there were, as they are gone."""
    banded, sizes = package.banded, {"time": 2.0, "krylov_dim": 2, "rank": 1}
    problem, uniform, truth = _uniform(package, np.random.default_rng(2).random((40, 4, 2)))
    found = banded.space_of_powers
    for dependent in (1, 2):
        asked: list[Any] = []

        def space(powers: Any, products: Any, made: int, asked: list[Any] = asked, dependent: int = dependent) -> Any:
            asked.append((powers.shape, made))
            return None if len(asked) == dependent else found(powers, products, made)

        banded.space_of_powers = space
        try:
            with small_bands(package, 1):
                assert banded.banded_flow_gradient(problem, uniform, truth, **sizes) is None
        finally:
            banded.space_of_powers = found
        assert asked == [((3, 0), 2)] * dependent


def _uniform(package: Any, distances: Any, radius: int = 1) -> tuple[Any, Any, Any]:
    """A problem, uniform weights and random labels."""
    problem = package.flow.LabelingProblem(distances, radius=radius)
    truth = np.random.default_rng(3).integers(0, distances.shape[-1], distances.shape[:-1])
    return problem, problem.graph.packed_uniform_weights(), truth
