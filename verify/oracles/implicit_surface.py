"""Metrics on {p = 0} from the potential alone, by divided differences in 150 digits: no formula of the runtime.

A hypersurface is handed over as `terms`, pairs of a coefficient and its exponents. The dependent coordinate is found by
Newton's method for given local coordinates, z(x). A real-analytic function f of x and x̄ is polarised: f(x, y) with y in
place of x̄, so that ∂_a and ∂̄_b are differences in x and in y, and a mixed derivative of any order k is
Σ_S (-1)^(k-|S|) f(x + h Σ_S e)/h^k. With h = 1e-25 truncation is about 1e-25 relative, and rounding 1e-150/h^k.

Accuracy: `DETECTION_LIMIT` relative, for derivatives of up to 4 directions (those of log det g included).
"""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from mpmath import mp, mpc, mpf

DETECTION_LIMIT = 1e-15
DIGITS, STEP = 150, "1e-25"

Terms = Sequence[tuple[complex, Sequence[int]]]
Vector = list


class ImplicitSurface:
    """{p = 0} near one point `z` (n+2,), with z_patch = 1 and z_dependent a function of the n others.

    `basis` (n+2, m) replaces |z|² by |zL|² in the potential (1/π) log|z|².
    """

    def __init__(
        self, terms: Terms, z: np.ndarray, patch: int, dependent: int, basis: np.ndarray | None = None
    ) -> None:
        with mp.workdps(DIGITS):
            self._terms = [(mpc(complex(c)), tuple(map(int, e))) for c, e in terms]
            self._start = [mpc(complex(value)) for value in z]
            matrix = np.eye(len(z)) if basis is None else basis
            self._basis = [[mpc(complex(value)) for value in column] for column in np.asarray(matrix).T]
        self._dependent = dependent
        self._local = [i for i in range(len(z)) if i not in (patch, dependent)]
        self._known: dict[tuple[int, ...], Vector] = {}
        self._values: dict[tuple[tuple[int, ...], tuple[int, ...]], mpc] = {}

    @property
    def dimension(self) -> int:
        """Number n of local coordinates."""
        return len(self._local)

    def frame(self) -> np.ndarray:
        """∂z_i/∂x_a (n, n+2), by difference quotients of z(x)."""
        with mp.workdps(DIGITS):
            origin = self._lifted((0,) * self.dimension)
            moved = [self._lifted(_unit(a, self.dimension)) for a in range(self.dimension)]
            return np.array([[complex((v - w) / mpf(STEP)) for v, w in zip(m, origin, strict=True)] for m in moved])

    def metric(self) -> np.ndarray:
        """(1/π) ∂_a∂̄_b log K (n, n)."""
        return self._mixed(self._potential, 1, 1)

    def metric_slopes(self) -> np.ndarray:
        """∂_c g_ab̄ (n, n, n) at [c, a, b]."""
        return self._mixed(self._potential, 2, 1)

    def metric_bends(self) -> np.ndarray:
        """∂_c∂̄_d g_ab̄ (n, n, n, n) at [c, d, a, b]."""
        return self._mixed(self._potential, 2, 2).transpose(0, 2, 1, 3)

    def ricci_form(self) -> np.ndarray:
        """-∂_c∂̄_d log det g (n, n), the determinant expanded, its entries divided differences themselves."""
        return -self._mixed(self._log_determinant, 1, 1)

    def _mixed(self, function: Callable[..., mpc], left: int, right: int) -> np.ndarray:
        with mp.workdps(DIGITS):
            size = (self.dimension,) * (left + right)
            found = np.empty(size, dtype=np.complex128)
            for index in np.ndindex(size):
                found[index] = complex(self._difference(function, index[:left], index[left:]))
            return found

    def _difference(
        self,
        function: Callable[..., mpc],
        left: tuple[int, ...],
        right: tuple[int, ...],
        at: tuple[tuple[int, ...], tuple[int, ...]] | None = None,
    ) -> mpc:
        """The mixed difference quotient of a polarised function, in steps from the shifts `at`."""
        zero = (0,) * self.dimension
        base = at or (zero, zero)
        total = mpc(0)
        for kept in product((0, 1), repeat=len(left) + len(right)):
            x = _shifted(base[0], left, kept[: len(left)])
            y = _shifted(base[1], right, kept[len(left) :])
            total += (-1) ** (len(kept) - sum(kept)) * function(x, y)
        return total / mpf(STEP) ** (len(left) + len(right))

    def _potential(self, x: tuple[int, ...], y: tuple[int, ...]) -> mpc:
        """(1/π) log Σ_j (z(x) L)_j conj((z(ȳ) L)_j), for local coordinates shifted by x and y steps."""
        if (x, y) in self._values:
            return self._values[x, y]
        left, right = self._lifted(x), self._lifted(y)
        total = mpc(0)
        for column in self._basis:
            one = sum(v * c for v, c in zip(left, column, strict=True))
            total += one * mp.conj(sum(v * c for v, c in zip(right, column, strict=True)))
        self._values[x, y] = mp.log(total) / mp.pi
        return self._values[x, y]

    def _log_determinant(self, x: tuple[int, ...], y: tuple[int, ...]) -> mpc:
        n = self.dimension
        entries = mp.matrix(n, n)
        for a, b in np.ndindex(n, n):
            entries[a, b] = self._difference(self._potential, (a,), (b,), (x, y))
        return mp.log(mp.det(entries))

    def _lifted(self, shift: tuple[int, ...]) -> Vector:
        """z(x) where x is moved by `shift` steps. (Steps in y are real too: conj of z at the same shift.)"""
        if shift not in self._known:
            z = list(self._start)
            for a, i in enumerate(self._local):
                z[i] += shift[a] * mpf(STEP)
            for _ in range(60):
                value, slope = self._value_and_slope(z)
                change = value / slope
                z[self._dependent] -= change
                if abs(change) < mpf(10) ** (8 - DIGITS):
                    break
            else:
                raise ArithmeticError("Newton's method found no point of the surface: start closer to it")
            self._known[shift] = z
        return self._known[shift]

    def _value_and_slope(self, z: Vector) -> tuple[mpc, mpc]:
        value, slope, d = mpc(0), mpc(0), self._dependent
        for coefficient, exponents in self._terms:
            rest = coefficient
            for i, e in enumerate(exponents):
                if i != d:
                    rest *= z[i] ** e
            value += rest * z[d] ** exponents[d]
            if exponents[d]:
                slope += rest * exponents[d] * z[d] ** (exponents[d] - 1)
        return value, slope


def _unit(a: int, n: int) -> tuple[int, ...]:
    return tuple(int(i == a) for i in range(n))


def _shifted(base: tuple[int, ...], directions: tuple[int, ...], kept: tuple[int, ...]) -> tuple[int, ...]:
    shift = list(base)
    for direction, chosen in zip(directions, kept, strict=True):
        shift[direction] += chosen
    return tuple(shift)
