"""Sums over neighbours, interpreted, against the same written out: on all grids, from any node on, for any channels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from verify import interpreted_vectors
from verify import neighbour_sums as plain
from verify.battery.problems import close, same
from verify.interpreted_vectors import LANES

# 9, 25, 9, 27, 1, 9 and 49 neighbours.
SHAPES = (((7, 9), 1), ((6, 5), 2), ((30,), 4), ((2, 3, 20), 1), ((5, 6), 0), ((3, 40), 1), ((2, 6), 3))
STEP = 2 * LANES  # nodes at once where neighbours are rows of three


class Piece(NamedTuple):
    """So many nodes from `start` on, in fields of a length."""

    offsets: np.ndarray
    channels: int
    start: int
    nodes: int
    length: int


def _pieces(package: Any) -> Iterator[tuple[np.random.Generator, Piece]]:
    """Pieces of grids, and of fields that hold these nodes and their neighbours and nothing else."""
    for number, (shape, radius) in enumerate(SHAPES):
        graph = package.graph.GridGraph(shape, radius)
        offsets, first, last = graph.structure.offsets, graph.structure.first, graph.structure.last
        for channels in (1, 4, 7):
            for begin, end in ((first, last), (first, first), (first + 1, last), (first + 8, min(first + 29, last))):
                piece = Piece(offsets, channels, begin, max(begin, end) - begin, graph.padded_nodes)
                yield np.random.default_rng(number), piece
        for channels, count in ((2, 3), (5, 37), (9, STEP), (17, 2)):
            yield np.random.default_rng(number), _narrow(offsets, channels, count, 0, 0)
        yield np.random.default_rng(number), _narrow(offsets, 9, STEP, STEP, STEP)


def _narrow(offsets: np.ndarray, channels: int, count: int, before: int, after: int) -> Piece:
    """With room for so many more on either side of the neighbours."""
    start = before - int(offsets.min())
    return Piece(offsets, channels, start, count, start + count + int(offsets.max()) + after)


@contextmanager
def _replaced(module: Any, **others: Any) -> Iterator[None]:
    """Other things by the names of these in a module, for a while."""
    kept = {name: getattr(module, name) for name in others}
    vars(module).update(others)
    try:
        yield
    finally:
        vars(module).update(kept)


def check_sums_over_neighbours(package: Any) -> None:
    sums = package.neighbour_sums
    store = sums.store

    def store_once(vector: np.ndarray, array: np.ndarray, place: tuple[int, int]) -> None:
        row, column = place
        assert np.all(np.isnan(array[row, column : column + vector.size])), f"{place} is written twice"
        store(vector, array, place)

    for (rng, piece), name in product(_pieces(package), ("gather", "gather_transposed")):
        end = piece.start + piece.nodes
        field, weights = rng.random((piece.channels, piece.length)), rng.random((piece.offsets.size, piece.length))
        out, wanted = np.full(field.shape, np.nan), np.empty((piece.channels, piece.nodes))
        with _replaced(sums, store=store_once):
            getattr(sums, name)(out[:, piece.start : end], field, weights, piece.offsets, piece.start)
        getattr(plain, name)(wanted, field, weights, piece.offsets, piece.start)
        close(out[:, piece.start : end], wanted, 1e-13)
        out[:, piece.start : end] = np.nan
        assert np.all(np.isnan(out))


def check_products_at_neighbours(package: Any) -> None:
    for (rng, piece), registers in product(_pieces(package), (16, 32)):
        inside = slice(piece.start, piece.start + piece.nodes)
        field, factors = rng.random((piece.channels, piece.length)), rng.random((piece.channels, piece.nodes))
        out = rng.random((piece.offsets.size, piece.length))
        before, wanted = out.copy(), out[:, inside].copy()
        with _replaced(package.neighbour_sums, REGISTERS=registers):
            package.neighbour_sums.add_products(out[:, inside], field, factors, piece.offsets, piece.start)
        plain.add_products(wanted, field, factors, piece.offsets, piece.start)
        close(out[:, inside], wanted, 1e-13)
        out[:, inside] = before[:, inside]
        same(out, before)


def check_rows_of_three_are_taken_wherever_there_is_room(package: Any) -> None:
    """Which nodes are summed by rows, and that the others are left to sums over neighbours one by one."""
    sums = package.neighbour_sums
    rows: list[tuple[int, int, int]] = []
    others: list[int] = []

    def by_rows(*given: Any) -> None:
        *_, place, first, last, _zero = given
        if first < last:
            rows.append((place, first, last))

    def one_by_one(out: np.ndarray, *given: Any) -> None:
        others.append(out.shape[0] * (given[-1] - given[-2]))

    names = dict.fromkeys(("_sums_of_rows", "_products_of_rows"), by_rows)
    names |= dict.fromkeys(("_sums", "_products"), one_by_one)
    near = np.arange(-1, 2)
    plane = (11 * near[:, None] + near).ravel()
    space = (40 * near[:, None] + plane).ravel()
    line, few = np.arange(-4, 5), np.arange(-2, 3)
    ends, counts = (0, 1, STEP - 2, STEP - 1, STEP, 3 * STEP), (1, STEP - 1, STEP, 2 * STEP + 1, 40)
    for offsets, count, before, after in product((plane, space, line, few), counts, ends, ends):
        for channels in (1, 2, 5):
            piece = _narrow(offsets, channels, count, before, after)
            first, last = _nodes_with_room(piece)
            field, weights = np.empty((channels, piece.length)), np.empty((offsets.size, piece.length))
            taken = offsets.size == 9 and first < last
            with _replaced(sums, **names):
                sums.gather(np.empty((channels, count)), field, weights, offsets, piece.start)
            assert rows == [(channel, first, last) for channel in range(0, channels - 1, 2) if taken]
            assert sum(others) + 2 * sum(b - a for _, a, b in rows) == channels * count
            rows.clear()
            others.clear()
        for registers in (18, 19):
            taken = registers == 19 and offsets.size % 9 == 0 and first < last
            out, factors = np.empty((offsets.size, count)), np.empty((channels, count))
            with _replaced(sums, REGISTERS=registers, **names):
                sums.add_products(out, field, factors, offsets, piece.start)
            assert rows == [(group, first, last) for group in range(0, offsets.size, 9) if taken]
            assert sum(others) + 9 * sum(b - a for _, a, b in rows) == offsets.size * count
            rows.clear()
            others.clear()


def _nodes_with_room(piece: Piece) -> tuple[int, int]:
    """The first and the one after the last of all steps with room for one more on either side of every row."""
    centres = piece.start + piece.offsets[1::3]
    steps = [
        node
        for node in range(0, piece.nodes - STEP + 1, STEP)
        if centres.min() + node >= STEP and centres.max() + node + 2 * STEP <= piece.length
    ]
    return (steps[0], steps[-1] + STEP) if steps else (0, 0)


def check_the_next_block_is_asked_for_once(package: Any) -> None:
    """Of far fields: what the next block reads first in a field, its weights, and what it writes, vector by vector."""
    sums, graph, rng = package.neighbour_sums, package.graph.GridGraph((6, 60), 1), np.random.default_rng(4)
    offsets, ahead, count, begin = graph.structure.offsets, 24, 16, graph.structure.first + 70
    field, weights = rng.random((8, graph.padded_nodes)), rng.random(graph.weights_layout)
    out, products, factors = np.zeros((8, count)), np.zeros((9, count)), rng.random((8, count))
    here = range(0, count, LANES)

    def places(array: np.ndarray, shift: int, rows: int) -> list[int]:
        found = [(row, ahead + shift + p) for row in range(rows) for p in here]
        return [interpreted_vectors.address(array, place) for place in found]

    transposed = [(o, begin + p - int(offset) + ahead) for o, offset in enumerate(offsets) for p in here]
    cases = (
        (
            lambda: sums.gather(out, field, weights, offsets, begin),
            [*places(field, begin + int(offsets[7]), 8), *places(out, 0, 8), *places(weights, begin, 9)],
        ),
        (
            lambda: sums.gather_transposed(out, field, weights, offsets, begin),
            [
                *places(field, begin + int(offsets[8]), 8),
                *places(out, 0, 8),
                *(interpreted_vectors.address(weights, place) for place in transposed),
            ],
        ),
        (
            lambda: sums.add_products(products, field, factors, offsets, begin),
            [*places(products, 0, 9), *places(field, begin + int(offsets[7]), 8)],
        ),
    )
    for (call, wanted), far in product(cases, (field.nbytes - 1, field.nbytes)):
        interpreted_vectors.FETCHED.clear()
        with _replaced(sums, FAR=far, AHEAD=ahead, REGISTERS=32):
            call()
        assert sorted(interpreted_vectors.FETCHED) == (sorted(wanted) if field.nbytes > far else [])
