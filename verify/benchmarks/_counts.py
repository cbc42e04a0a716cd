"""What each part of a gradient must move and compute, from its formula.

Bytes: every array that a part reads, once, and every array that it writes, once. Neighbours are read again and again,
but a cache that holds a few rows of the image spares that; a store that first fetches its line counts once, as in the
triad that bandwidth is measured by. Work arrays are meant to stay in the first cache levels and count nothing.

Operations: additions, subtractions, multiplications, divisions and comparisons of the formula as written, one each; an
exponential counts `EXP`, what a polynomial of its precision takes. For each node: J labels, K neighbours, R ranks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

EXP = 20


@dataclass(frozen=True)
class Count:
    """Bytes and operations of one call."""

    bytes: float
    flops: float


# Operations a node of each kernel, from J, K and R; the formula is in the kernel's own comments.
_A_NODE: dict[str, Callable[[int, int, int], int]] = {
    # ΩL; its maximum; subtracting it and the exponential; the sum; the quotient
    "similarity": lambda J, K, R: J * (2 * K + 1 + 1 + EXP + 1 + 1),
    "source": lambda J, K, R: 2 * J,
    # ΩV; <S, ΩV>; S(ΩV - <S, ΩV>)
    "linear_map": lambda J, K, R: J * (2 * K + 2 + 2),
    # R_S Z; Ωᵀ of it
    "linear_map_adjoint": lambda J, K, R: J * (2 + 2 + 2 * K),
    "direction_moments": lambda J, K, R: 6 * J,
    "direction_gradient": lambda J, K, R: 3 * J,
    # U = ΩQ; <S, U>; <S, P>; R_S P; H; R_S H; and the products with neighbours of Q and of L
    "low_rank_gradient": lambda J, K, R: (
        R * J * 2 * K + R * J * (2 + 2 + 2) + J * (1 + 5 * R) + 4 * J + 2 * K * J * (1 + R)
    ),
}


def kernel_count(name: str, nodes: int, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> Count:
    """Of one call of a kernel on `nodes` nodes. Raises KeyError for a kernel that is not in the table."""
    if name not in _A_NODE:
        raise KeyError(f"the operations of the kernel {name} are not counted: add its formula to {__name__}")
    arrays = [array for array in (*inputs, *outputs) if isinstance(array, np.ndarray)]
    by_name = dict(zip(_names(name), inputs, strict=False))
    labels = by_name["similarity"].shape[0] if "similarity" in by_name else arrays[-1].shape[0]
    neighbours = by_name["weights"].shape[0] if "weights" in by_name else 0
    ranks = by_name["left"].shape[0] if "left" in by_name else 0
    if name == "similarity":
        labels = outputs[0].shape[0]
    if name == "direction_moments":
        labels = inputs[0].shape[0]
    moved = sum(array.nbytes for array in arrays)
    return Count(float(moved), float(_A_NODE[name](labels, neighbours, ranks) * nodes))


def _names(kernel: str) -> tuple[str, ...]:
    """The inputs of a kernel that sizes are read from, in their places."""
    return {
        "similarity": ("weights", "log_likelihood"),
        "source": ("similarity",),
        "linear_map": ("weights", "similarity", "tangent"),
        "linear_map_adjoint": ("weights", "similarity", "covector"),
        "low_rank_gradient": ("weights", "similarity", "log_likelihood", "left", "right", "adjoint_integral"),
    }.get(kernel, ())


def gram_count(rows: np.ndarray, known: int) -> Count:
    """Inner products of all pairs of rows but those among the first `known`."""
    count, length = rows.shape
    pairs = count * (count + 1) // 2 - known * (known + 1) // 2
    return Count(float(rows.nbytes), 2.0 * pairs * length)


def products_count(rows: np.ndarray, vector: np.ndarray) -> Count:
    """Inner products of a vector with rows and with itself."""
    return Count(float(rows.nbytes + vector.nbytes), 2.0 * (rows.shape[0] + 1) * vector.size)


def subtraction_count(rows: np.ndarray, vector: np.ndarray) -> Count:
    """A vector less a combination of rows, scaled: it is read and written."""
    return Count(float(rows.nbytes + 2 * vector.nbytes), (2.0 * rows.shape[0] + 1.0) * vector.size)


def mixing_count(coefficients: np.ndarray, rows: np.ndarray, out: np.ndarray) -> Count:
    """Combinations of rows."""
    return Count(float(rows.nbytes + out.nbytes), 2.0 * coefficients.size * rows.shape[1])
