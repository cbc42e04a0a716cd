"""What `laflow.neighbour_sums` computes, written out and checked: in its place when a kernel is interpreted.

The compiled functions check nothing; these raise `IndexError` where those would read or write what is not theirs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def gather(out: np.ndarray, field: np.ndarray, weights: np.ndarray, offsets: np.ndarray, start: int) -> None:
    """``out[c, i] = sum_o weights[o, i] field[c, i + offsets[o]]`` for the nodes from `start` on."""
    here = _nodes(out, field, weights, start)
    total = np.zeros_like(out)
    for number, near in _neighbours(here, offsets, weights, 1):
        total += weights[number, here] * field[:, near]
    out[...] = total


def gather_transposed(out: np.ndarray, field: np.ndarray, weights: np.ndarray, offsets: np.ndarray, start: int) -> None:
    """``out[c, i] = sum_o weights[o, k] field[c, k]`` with ``k = i - offsets[o]``."""
    here = _nodes(out, field, weights, start)
    total = np.zeros_like(out)
    for number, near in _neighbours(here, offsets, weights, -1):
        total += weights[number, near] * field[:, near]
    out[...] = total


def add_products(out: np.ndarray, field: np.ndarray, factors: np.ndarray, offsets: np.ndarray, start: int) -> None:
    """``out[o, i] += sum_c factors[c, i - start] field[c, i + offsets[o]]``."""
    _require(out.ndim == field.ndim == factors.ndim == 2 and factors.shape == (field.shape[0], out.shape[1]))
    here = np.arange(start, start + out.shape[1])
    for number, near in _neighbours(here, offsets, field, 1, out.shape[0]):
        for channel in range(field.shape[0]):
            out[number] += factors[channel] * field[channel, near]


def _nodes(out: np.ndarray, field: np.ndarray, weights: np.ndarray, start: int) -> np.ndarray:
    _require(out.ndim == field.ndim == weights.ndim == 2 and out.shape[0] == field.shape[0])
    _require(field.shape[1] == weights.shape[1])
    here = np.arange(start, start + out.shape[1])
    _require_inside(here, field.shape[1])
    return here


def _neighbours(
    here: np.ndarray, offsets: np.ndarray, like: np.ndarray, sign: int, count: int | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """The number of each neighbour, and where it lies for every node."""
    _require(offsets.shape == (like.shape[0] if count is None else count,))
    for number, offset in enumerate(offsets.tolist()):
        near = here + sign * offset
        _require_inside(near, like.shape[1])
        yield number, near


def _require_inside(nodes: np.ndarray, length: int) -> None:
    _require(not nodes.size or (int(nodes.min()) >= 0 and int(nodes.max()) < length))


def _require(holds: bool) -> None:
    if not holds:
        raise IndexError("a sum over neighbours was handed arrays that do not fit each other")
