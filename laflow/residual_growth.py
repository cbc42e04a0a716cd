"""How the error of a trajectory in a Krylov space grows, bounded from small matrices alone.

A trajectory Q y with y' = G y, y(0) given, of a linear flow with operator A has an error e with
e' = A e + y_last(t) w, w = A q_last - Q G e_last: everything that the space does not know. With the logarithmic norm
mu of A, |e|' <= mu |e| + |w| |y_last| (derivations/assignment/krylov_remainder.py, logarithmic_norm.py). Nothing here
knows of flows or graphs.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm, solve_triangular

from laflow.krylov import BREAKDOWN, KrylovSpace

FloatArray = NDArray[np.float64]

# Bases are orthonormal up to rounding only; residual norms are given this much more.
ORTHOGONALITY = 1.01

# Pieces of the time interval: at least so many, and so many for each unit of time times the norm of the generator.
LEAST_PIECES, PIECES_PER_TURN, MOST_PIECES = 16, 3.0, 4096

# Gauss's rule on a piece; its error, at most 1e-10 of the integral for pieces as short as these, is given to the bound.
GAUSS_MARGIN = 1.0 + 1e-9
GAUSS_POINTS, GAUSS_SHARES = np.polynomial.legendre.leggauss(4)


@dataclass(frozen=True)
class Approximation:
    """A in coordinates of a Krylov space, and how much of A it may miss.

    `generator` is (k, k), its first coordinate along the start vector of norm `start_norm`; `residual_norm` is at least
    ``|A q_k - Q G e_k|``. `mixing` is the upper triangular (k, k) R of ``V = Q R``: the vectors V are mixed, as the
    basis is not formed.
    """

    generator: FloatArray
    start_norm: float
    residual_norm: float
    mixing: FloatArray

    @property
    def coordinates(self) -> int:
        """Number of coordinates k."""
        return int(self.generator.shape[0])


def arnoldi_approximation(space: KrylovSpace, operator_norm: float) -> Approximation:
    """The first m coordinates of a space: every column is known, and so is the residual norm, `space.next_norm`.

    `operator_norm` is at least ``|A|``; of an invariant space, rounding may leave `BREAKDOWN` roundings of that.
    """
    size = space.dimension
    rounding = BREAKDOWN * float(np.finfo(space.vectors.dtype).eps) * operator_norm
    residual = ORTHOGONALITY * (rounding if space.breakdown else space.next_norm)
    return Approximation(space.hessenberg, space.start_norm, residual, space.triangle[:size, :size])


def guessed_approximation(space: KrylovSpace, operator_norm: float) -> Approximation:
    """All m + 1 coordinates: the last column is a guess g, so that the residual norm is at most ``|A| + |g|``."""
    if space.breakdown:
        return arnoldi_approximation(space, operator_norm)
    guess = float(np.linalg.norm(space.generator[:, -1]))
    return Approximation(space.generator, space.start_norm, ORTHOGONALITY * (operator_norm + guess), space.triangle)


@dataclass(frozen=True)
class Trajectory:
    """A trajectory y' = G y + c in an approximation, at `pieces` + 1 equidistant times, and its majorant.

    `states` is (pieces + 1, k) and `step` one piece long. With `forced`, c = |b| e_1 and y(0) = 0, otherwise c = 0 and
    y(0) = |g| e_1.
    """

    approximation: Approximation
    forced: bool
    time: float
    pieces: int

    @property
    def step(self) -> float:
        """Length of a piece."""
        return self.time / self.pieces

    @cached_property
    def _augmented(self) -> FloatArray:
        """[[G, c], [0, 0]]: one coordinate more, which stays 1 if the trajectory is forced and 0 otherwise."""
        size = self.approximation.coordinates
        matrix = np.zeros((size + 1, size + 1))
        matrix[:size, :size] = self.approximation.generator
        if self.forced and size:
            matrix[0, size] = self.approximation.start_norm
        return matrix

    @cached_property
    def augmented_states(self) -> FloatArray:
        """The states and the constant coordinate, ``(pieces + 1, k + 1)``."""
        size = self.approximation.coordinates
        states = np.zeros((self.pieces + 1, size + 1))
        if self.forced:
            states[0, size] = 1.0
        elif size:
            states[0, 0] = self.approximation.start_norm
        step, known = exponential(self._augmented * self.step), 1
        with np.errstate(over="ignore", invalid="ignore"):
            while known <= self.pieces:  # twice as many at a time, by the square of the step
                more = min(known, self.pieces + 1 - known)
                states[known : known + more] = states[:more] @ step.T
                step, known = step @ step, known + more
        return states

    @property
    def states(self) -> FloatArray:
        """Coordinates of the trajectory, ``(pieces + 1, k)``."""
        return self.augmented_states[:, :-1]

    @cached_property
    def norms(self) -> FloatArray:
        """Norms of the states, ``(pieces + 1,)``."""
        return np.asarray(np.linalg.norm(self.states, axis=1))

    @cached_property
    def mixed_norms(self) -> FloatArray:
        """What rounding is relative to at every time: sum_j |c_j| |v_j| if V c is mixed to give Q y."""
        mixing = self.approximation.mixing
        coefficients = np.abs(solve_triangular(mixing, self.states.T)).T if mixing.size else self.states
        return np.asarray((coefficients * np.linalg.norm(mixing, axis=0)).sum(axis=1))

    def errors(self, rate: float, start_error: float) -> FloatArray:
        """A bound on the error at every time, ``(pieces + 1,)``, not decreasing and convex on every piece.

        `rate` >= 0 is at least the logarithmic norm of A. Absolute values of y stay below the solution Y of
        Y' = \\|G\\| Y + \\|c\\|, which is started again on every piece from what is known of y there.
        """
        size = self.approximation.coordinates
        matrix = np.zeros((size + 2, size + 2))
        matrix[: size + 1, : size + 1] = np.abs(self._augmented)
        matrix[size + 1, size + 1] = rate
        if size:
            matrix[size + 1, size - 1] = self.approximation.residual_norm
        step = exponential(matrix * self.step)
        majorants = np.full((self.pieces + 1, size + 2), start_error)
        rounding = 1e-15 * np.maximum(1.0, np.arange(self.pieces + 1))
        with np.errstate(over="ignore", invalid="ignore"):
            known = np.abs(self.augmented_states) + (rounding * self.norms)[:, None]
            known[0] = np.abs(self.augmented_states[0])
            majorants[0, :-1] = known[0]
            for before, after, own in zip(majorants[:-1], majorants[1:], known[1:], strict=True):
                np.matmul(step, before, out=after)
                np.fmin(after[:-1], own, out=after[:-1])
        errors = majorants[:, -1]
        return np.where(np.isfinite(errors), errors, np.inf)

    @cached_property
    def least_errors(self) -> FloatArray:
        """What `errors` would be without growth, by the trapezoidal rule: for telling when they cannot be smaller."""
        if not self.approximation.coordinates:
            return np.zeros(self.pieces + 1)
        last = np.abs(self.states[:, -1]) * (0.5 * self.step * self.approximation.residual_norm)
        return np.append(0.0, np.cumsum(last[1:] + last[:-1]))

    def accumulated(self, rate: float, rates: FloatArray) -> FloatArray:
        """The solution of E' = rate E + r, E(0) = 0, at every time, for r at most the larger end of each piece."""
        total, found = 0.0, [0.0]
        with np.errstate(over="ignore", invalid="ignore"):
            growth = float(np.exp(rate * self.step))
            for more in (self.step * np.maximum(rates[:-1], rates[1:])).tolist():
                total = growth * (total + more)
                found.append(total)
        return np.array(found)

    def gramian(self, factors: FloatArray) -> FloatArray:
        """The integral of f y y^T over time, the constant coordinate included, for f constant on pieces.

        `factors` (pieces,) holds f. Returns (k + 1, k + 1).
        """
        total = np.zeros((self.approximation.coordinates + 1,) * 2)
        for inner, share in self._inner_states:
            total += 0.5 * share * self.step * ((factors[:, None] * inner).T @ inner)
        return GAUSS_MARGIN * total

    @cached_property
    def _inner_states(self) -> list[tuple[FloatArray, float]]:
        """The augmented states at each of Gauss's points of every piece, and the weight of that point."""
        steps = [exponential(self._augmented * (0.5 * (point + 1.0) * self.step)) for point in GAUSS_POINTS]
        states = self.augmented_states[:-1]
        return [(states @ step.T, float(share)) for step, share in zip(steps, GAUSS_SHARES, strict=True)]


def pieces_for(time: float, *approximations: Approximation) -> int:
    """How many pieces make every piece short against the generators' norms."""
    sizes = [np.abs(one.generator) for one in approximations if one.coordinates]
    norm = max((float(np.sqrt(size.sum(axis=0).max() * size.sum(axis=1).max())) for size in sizes), default=0.0)
    return int(min(MOST_PIECES, max(LEAST_PIECES, np.ceil(PIECES_PER_TURN * time * norm))))


def exponential(matrix: FloatArray) -> FloatArray:
    """`expm`, which may overflow to infinity: a bound that is infinite says so."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(expm(matrix))


def chord_square(left: FloatArray, right: FloatArray, step: float) -> FloatArray:
    """The integral of the square over each piece, of what lies below the chord from `left` to `right`."""
    return step * (left * left + left * right + right * right) / 3.0


def chord_product(first: FloatArray, second: FloatArray, step: float) -> float:
    """The integral of the product of two piecewise chords, given at equidistant times."""
    a, b, c, d = first[:-1], first[1:], second[:-1], second[1:]
    return float(np.sum(2.0 * a * c + a * d + b * c + 2.0 * b * d)) * step / 6.0
