"""Functions of two points of X to the order that a metric kernel needs: once by each of ∂_a, ∂̄_b, ∂'_c, ∂̄'_d.

Derivatives at most once in each of the four kinds form an algebra that is closed under products, so any formula of a
kernel in terms of inner products can be evaluated on it: its values are the kernel, its corner is ∂_a∂̄_b∂'_c∂̄'_d of it.
A Kähler jet of one point is the special case without derivatives by the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import factorial
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from laflow.errors import ShapeError

Array = NDArray[Any]
Number = Union["TwoPointJet", float]

KINDS = 4


@dataclass(frozen=True, eq=False)
class TwoPointJet:
    """entries: (1+n or 1, 1+n or 1, 1+n or 1, 1+n or 1, N or 1, N' or 1), axes ∂, ∂̄, ∂', ∂̄', points, other points.

    Index 0 of an axis is no derivative, index 1+a is the one by coordinate a; an axis of length 1 has none, or is
    constant in its points. Complex where there are derivatives.
    """

    entries: Array

    def __post_init__(self) -> None:
        if self.entries.ndim != KINDS + 2:
            raise ShapeError(
                f"the entries have shape {self.entries.shape}: give four axes of derivatives, two of points"
            )

    @property
    def value(self) -> Array:
        """The function itself (N, N')."""
        return self.entries[0, 0, 0, 0]

    @property
    def corner(self) -> Array:
        """∂_a∂̄_b∂'_c∂̄'_d (N, n, n, N', n, n)."""
        return self.entries[1:, 1:, 1:, 1:].transpose(4, 0, 1, 5, 2, 3)

    @property
    def order(self) -> int:
        """The highest number of derivatives of any entry, so that the value's deviation to a higher power is 0."""
        return sum(size > 1 for size in self.entries.shape[:KINDS])

    def __add__(self, other: Number) -> "TwoPointJet":
        if not isinstance(other, TwoPointJet):
            moved = self.entries.copy()
            moved[0, 0, 0, 0] += other
            return TwoPointJet(moved)
        sizes = tuple(map(max, self.entries.shape, other.entries.shape))
        total = np.zeros(sizes, dtype=np.result_type(self.entries, other.entries))
        for entries in (self.entries, other.entries):
            total[tuple(slice(size) for size in entries.shape[:KINDS])] += entries
        return TwoPointJet(total)

    __radd__ = __add__

    def __neg__(self) -> "TwoPointJet":
        return TwoPointJet(-self.entries)

    def __sub__(self, other: Number) -> "TwoPointJet":
        return self + (-other)

    def __rsub__(self, other: float) -> "TwoPointJet":
        return (-self) + other

    def __mul__(self, other: Number) -> "TwoPointJet":
        if not isinstance(other, TwoPointJet):
            return TwoPointJet(self.entries * other)
        return TwoPointJet(_product(self.entries, other.entries))

    __rmul__ = __mul__

    def through(self, derivatives: Callable[[Array], "list[Array]"]) -> "TwoPointJet":
        """f of this function, for `derivatives`: values ↦ [f, f', f'', f''', f'''']. Taylor's formula, which ends."""
        taylor = derivatives(self.value.real)[: self.order + 1]
        deviation = self.entries.copy()
        deviation[0, 0, 0, 0] = 0.0
        small = TwoPointJet(deviation)
        found = _constant(taylor[-1] / factorial(self.order), self)
        for k in range(self.order - 1, -1, -1):
            found = found * small + _constant(taylor[k] / factorial(k), self)
        return found

    def power(self, exponent: float) -> "TwoPointJet":
        """u^exponent for a positive function u."""

        def derivatives(values: Array) -> list[Array]:
            found, factor = [], 1.0
            for k in range(KINDS + 1):
                found.append(factor * values ** (exponent - k))
                factor *= exponent - k
            return found

        return self.through(derivatives)


def inner_products(first: Array, second: Array, dimension: int) -> tuple[TwoPointJet, TwoPointJet, TwoPointJet]:
    """f(x)·f(x), f(x)·f(x') and f(x')·f(x') over features, from their jets (channels, N, F) and (channels, N', F).

    Jets of one channel, values alone, give functions without derivatives.
    """
    if first.shape[0] != second.shape[0] or first.shape[2] != second.shape[2]:
        raise ShapeError(f"the jets have shapes {first.shape} and {second.shape}: give the same channels and features")
    left, right = (_by_kind(jets, dimension) for jets in (first, second))
    squares = [_product(*(jets.transpose(3, 0, 1, 2)[:, :, :, None, None, :, None],) * 2) for jets in (left, right)]
    one, other = (square.sum(axis=0) for square in squares)
    cross = np.tensordot(left, right, axes=(3, 3)).transpose(0, 1, 3, 4, 2, 5)
    return TwoPointJet(one), TwoPointJet(cross), TwoPointJet(other.transpose(2, 3, 0, 1, 5, 4))


def _by_kind(jets: Array, n: int) -> Array:
    """Jets (channels, N, F) of real functions as (1+n, 1+n, N, F): ∂ and ∂̄; values alone as (1, 1, N, F)."""
    if jets.shape[0] == 1:
        return jets[None]
    if jets.shape[0] != (n + 1) ** 2:
        raise ShapeError(f"the jets have {jets.shape[0]} channels: give 1 or {(n + 1) ** 2} for dimension {n}")
    slope = jets[1 : 1 + n] + 1j * jets[1 + n : 1 + 2 * n]
    packed = jets[1 + 2 * n :].reshape(n, n, *jets.shape[1:])
    turned = packed.swapaxes(0, 1)
    found = np.empty((1 + n, 1 + n, *jets.shape[1:]), dtype=np.complex128)
    found[0, 0], found[1:, 0], found[0, 1:] = jets[0], slope, slope.conj()
    found[1:, 1:] = (packed + turned) / 2 + 0.5j * (packed - turned)
    return found


def _constant(values: Array, like: TwoPointJet) -> TwoPointJet:
    return TwoPointJet(np.asarray(values, dtype=like.entries.dtype)[None, None, None, None])


def _product(left: Array, right: Array) -> Array:
    """Leibniz' rule: each derivative acts on one factor or the other; axes before the six are carried along."""
    lead = left.ndim - KINDS - 2
    shapes = left.shape[lead : lead + KINDS], right.shape[lead : lead + KINDS]
    sizes = tuple(map(max, *shapes))
    points = np.broadcast_shapes(left.shape[lead + KINDS :], right.shape[lead + KINDS :])
    total = np.zeros((*left.shape[:lead], *sizes, *points), dtype=np.result_type(left, right))
    rest: tuple[Any, ...] = (slice(None),) * lead
    # Of each kind: no derivative, one that acts on the left factor, or one that acts on the right.
    for acting in product((0, 1, 2), repeat=KINDS):
        if any((way == 1 and a == 1) or (way == 2 and b == 1) for way, a, b in zip(acting, *shapes, strict=True)):
            continue
        target = rest + tuple(slice(1, None) if way else slice(1) for way in acting)
        one = left[rest + tuple(slice(1, None) if way == 1 else slice(1) for way in acting)]
        other = right[rest + tuple(slice(1, None) if way == 2 else slice(1) for way in acting)]
        total[target] += one * other
    return total
