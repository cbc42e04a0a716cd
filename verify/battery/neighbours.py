"""Sums over neighbours, interpreted, against the same written out: on all grids, from any node on, for any channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from verify import neighbour_sums as plain
from verify.battery.problems import close, same

SHAPES = (((7, 9), 1), ((6, 5), 2), ((30,), 4), ((2, 3, 20), 1), ((5, 6), 0), ((3, 40), 1))


def _cases(package: Any) -> Iterator[tuple[np.random.Generator, Any, int, int, int]]:
    """Random numbers, a graph, a number of channels, and the first and the last of some nodes."""
    for number, (shape, radius) in enumerate(SHAPES):
        rng, graph = np.random.default_rng(number), package.graph.GridGraph(shape, radius)
        first, last = graph.structure.first, graph.structure.last
        for channels in (1, 2, 3, 4, 7):
            for begin, end in ((first, last), (first, first), (first + 1, last), (first + 8, min(first + 29, last))):
                yield rng, graph, channels, begin, max(begin, end)


def check_sums_over_neighbours(package: Any) -> None:
    for rng, graph, channels, begin, end in _cases(package):
        field, weights = rng.random((channels, graph.padded_nodes)), rng.random(graph.weights_layout)
        for name in ("gather", "gather_transposed"):
            out = np.full(field.shape, np.nan)
            getattr(package.neighbour_sums, name)(out[:, begin:end], field, weights, graph.structure.offsets, begin)
            wanted = np.empty((channels, end - begin))
            getattr(plain, name)(wanted, field, weights, graph.structure.offsets, begin)
            close(out[:, begin:end], wanted, 1e-13)
            out[:, begin:end] = np.nan
            assert np.all(np.isnan(out))


def check_products_at_neighbours(package: Any) -> None:
    for rng, graph, channels, begin, end in _cases(package):
        field, factors = rng.random((channels, graph.padded_nodes)), rng.random((channels, end - begin))
        for registers in (16, 32):
            package.neighbour_sums.REGISTERS = registers
            out = rng.random(graph.weights_layout)
            before, wanted = out.copy(), out[:, begin:end].copy()
            offsets = graph.structure.offsets
            package.neighbour_sums.add_products(out[:, begin:end], field, factors, offsets, begin)
            plain.add_products(wanted, field, factors, offsets, begin)
            close(out[:, begin:end], wanted, 1e-13)
            out[:, begin:end] = before[:, begin:end]
            same(out, before)
