"""Polynomials in homogeneous coordinates: values and exact derivatives at many points."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from laflow.errors import ShapeError, ValueRangeError

ComplexArray = NDArray[np.complex128]
IntArray = NDArray[np.int64]

POINTS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Polynomial:
    """Σ_m c_m Π_i z_i^(e_mi), from `exponents` e (terms, variables) and `coefficients` c (terms,).

    Equal monomials are gathered and terms sorted, so equal polynomials compare equal. Raises `ShapeError` for arrays
    that do not fit and `ValueRangeError` for negative exponents, coefficients that are not finite, and p = 0.
    """

    exponents: IntArray
    coefficients: ComplexArray

    def __post_init__(self) -> None:
        exponents, coefficients = np.asarray(self.exponents), np.asarray(self.coefficients, dtype=np.complex128)
        if exponents.ndim != 2 or coefficients.shape != exponents.shape[:1] or exponents.dtype.kind not in "iu":
            raise ShapeError(
                f"exponents have shape {exponents.shape} and type {exponents.dtype}, coefficients {coefficients.shape}"
                ": give whole numbers (terms, variables) and (terms,)"
            )
        if exponents.size and exponents.min() < 0:
            raise ValueRangeError(f"an exponent is {exponents.min()}: give whole numbers from 0")
        if not np.isfinite(coefficients).all():
            raise ValueRangeError(
                f"coefficient {int(np.argmin(np.isfinite(coefficients)))} is not finite: give numbers"
            )
        distinct, where = np.unique(exponents.astype(np.int64), axis=0, return_inverse=True)
        gathered = np.zeros(distinct.shape[0], dtype=np.complex128)
        np.add.at(gathered, where.reshape(-1), coefficients)
        if not gathered.any():
            raise ValueRangeError("all coefficients are 0: give a polynomial that is not zero")
        object.__setattr__(self, "exponents", distinct[gathered != 0])
        object.__setattr__(self, "coefficients", gathered[gathered != 0])
        self.exponents.flags.writeable = self.coefficients.flags.writeable = False

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Polynomial)
            and np.array_equal(self.exponents, other.exponents)
            and np.array_equal(self.coefficients, other.coefficients)
        )

    def __hash__(self) -> int:
        return hash((self.exponents.tobytes(), self.coefficients.tobytes()))

    @property
    def variables(self) -> int:
        """Number of variables."""
        return int(self.exponents.shape[1])

    @property
    def degree(self) -> int:
        """The highest degree of a term."""
        return int(self.exponents.sum(axis=1).max())

    @property
    def homogeneous(self) -> bool:
        """Whether all terms have the same degree."""
        return int(self.exponents.sum(axis=1).min()) == self.degree

    def normalised(self) -> "Polynomial":
        """p times the power of 2 that brings its largest real or imaginary part between 1 and 2.

        Exact except for coefficients that underflow.
        """
        parts = self.coefficients.view(np.float64)
        _, exponent = np.frexp(np.abs(parts).max())
        return Polynomial(self.exponents, np.ldexp(parts, 1 - int(exponent)).view(np.complex128))

    def value(self, points: ArrayLike) -> ComplexArray:
        """p(z) (N,) at `points` z (N, variables)."""
        array = self._points(points)
        found = np.empty(array.shape[0], dtype=np.complex128)
        for rows, powers in self._blocks(array):
            found[rows] = _evaluated(self.exponents, self.coefficients, powers)
        return found

    def gradient(self, points: ArrayLike) -> ComplexArray:
        """∂p/∂z_i (N, variables) at `points` z (N, variables)."""
        array = self._points(points)
        found = np.empty(array.shape, dtype=np.complex128)
        for rows, powers in self._blocks(array):
            for i, terms in enumerate(self._slopes):
                found[rows, i] = _evaluated(*terms, powers)
        return found

    def hessian(self, points: ArrayLike) -> ComplexArray:
        """∂²p/∂z_i∂z_j (N, variables, variables) at `points` z (N, variables)."""
        array = self._points(points)
        found = np.empty((*array.shape, self.variables), dtype=np.complex128)
        for rows, powers in self._blocks(array):
            for (i, j), terms in self._bends.items():
                found[rows, i, j] = found[rows, j, i] = _evaluated(*terms, powers)
        return found

    def size(self, points: ArrayLike) -> NDArray[np.float64]:
        """Σ_m |c_m| Π_i |z_i|^(e_mi) (N,): rounding of `value` is a few units in the last place of this."""
        array = np.abs(self._points(points)).astype(np.complex128)
        blocks = [
            _evaluated(self.exponents, np.abs(self.coefficients) + 0j, powers).real for _, powers in self._blocks(array)
        ]
        return np.concatenate([np.empty(0), *blocks])

    @cached_property
    def _slopes(self) -> list[tuple[IntArray, ComplexArray]]:
        return [_derivative(self.exponents, self.coefficients, i) for i in range(self.variables)]

    @cached_property
    def _bends(self) -> dict[tuple[int, int], tuple[IntArray, ComplexArray]]:
        pairs = [(i, j) for i in range(self.variables) for j in range(i, self.variables)]
        return {(i, j): _derivative(*self._slopes[i], j) for i, j in pairs}

    def _points(self, points: ArrayLike) -> ComplexArray:
        array = np.asarray(points, dtype=np.complex128)
        if array.ndim != 2 or array.shape[1] != self.variables:
            raise ShapeError(f"the points have shape {array.shape}: give (points, {self.variables})")
        return array

    def _blocks(self, points: ComplexArray) -> Iterator[tuple[slice, ComplexArray]]:
        """Rows of `points` and their powers z_i^k (highest exponent + 1, variables, rows), which stay in the cache."""
        for start in range(0, points.shape[0], POINTS_AT_ONCE):
            rows = slice(start, start + POINTS_AT_ONCE)
            block = points[rows].T
            powers = np.ones((int(self.exponents.max()) + 1, *block.shape), dtype=np.complex128)
            for k in range(1, powers.shape[0]):
                np.multiply(powers[k - 1], block, out=powers[k])
            yield rows, powers


def fermat(dimension: int) -> Polynomial:
    """Σ_i z_i^d, d = n+2, for a hypersurface of complex `dimension` n."""
    return dwork(dimension, 0.0)


def dwork(dimension: int, psi: complex) -> Polynomial:
    """Σ_i z_i^d - d ψ Π_i z_i, d = n+2: Dwork's pencil, smooth unless ψ^d = 1."""
    degree = dimension + 2
    exponents = np.vstack([degree * np.eye(degree, dtype=np.int64), np.ones((1, degree), dtype=np.int64)])
    return Polynomial(exponents, np.append(np.ones(degree, dtype=np.complex128), -degree * complex(psi)))


def _derivative(exponents: IntArray, coefficients: ComplexArray, variable: int) -> tuple[IntArray, ComplexArray]:
    kept = exponents[:, variable] > 0
    lowered = exponents[kept].copy()
    factors = lowered[:, variable].astype(np.float64)
    lowered[:, variable] -= 1
    return lowered, coefficients[kept] * factors


def _evaluated(exponents: IntArray, coefficients: ComplexArray, powers: ComplexArray) -> ComplexArray:
    total = np.zeros(powers.shape[2], dtype=np.complex128)
    for exponent, coefficient in zip(exponents, coefficients, strict=True):
        (involved,) = np.nonzero(exponent)
        term: ComplexArray | complex = coefficient
        for i in involved:
            term = term * powers[exponent[i], i]
        total += term
    return total
