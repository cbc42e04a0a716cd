"""Two-dimensional slices of a hypersurface, to look at functions on it: a curve's universal cover, and discs.

The form Ω of a cubic curve has an integral u that takes the curve's universal cover to the plane: the curve is the
plane modulo a lattice of periods, and |Ω|² d²x is the area of u. In higher dimension, a slice is a disc x = x_0 + t v
in the local coordinates of a point.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laflow.errors import ConvergenceError, ValueRangeError
from laflow.metric.geometry.hypersurface import Hypersurface
from laflow.metric.geometry.polynomial import ComplexArray, Polynomial
from laflow.metric.geometry.sampling import PointSample, points_on

FloatArray = NDArray[np.float64]

# Steps of Runge and Kutta's method between two neighbouring points of a plane, and of a path from a disc's centre.
STEPS_BETWEEN, STEPS_OUT = 2, 16
NEWTON_STEPS, NEWTON_BELOW = 8, 1e-13
CANDIDATES, RAYS = 16, 96
STEEPEST = 4.0


@dataclass(frozen=True, eq=False)
class Slice:
    """Points of X over a square grid of complex numbers t, row by row of Im t.

    parameter: (H, W) t. inside: (H, W), where there is a point. sample: the points of `inside`, in row-major order.
    """

    parameter: ComplexArray
    inside: NDArray[np.bool_]
    sample: PointSample

    def image(self, values: FloatArray) -> FloatArray:
        """Values at the points of `sample` (N,) on the grid (H, W), NaN where there is no point."""
        found = np.full(self.parameter.shape, np.nan)
        found[self.inside] = values
        return found


def universal_cover(curve: Hypersurface, start: ComplexArray, side: float, cells: int) -> Slice:
    """Points of a cubic `curve` (n = 1) over a square of the plane of u = ∫Ω, `side` wide, with `start` (3,) in its
    middle.

    The flow dz/du = (z̄ × ∇p)/|z|² moves points of the curve with Ω = du: by z × (z̄ × ∇p) = -|z|² ∇p on p = 0, and
    Ω = dx/∂_dep p. Runge and Kutta's method of the fourth order goes along the middle row, then along all columns at
    once; Newton's method takes its errors across the curve away. `cells` points a side, odd.
    """
    _require_curve(curve)
    if cells < 3 or cells % 2 == 0:
        raise ValueRangeError(f"{cells} points a side were asked for: give an odd number from 3")
    spacing, half = side / (cells - 1), cells // 2
    row = np.empty((cells, 3), dtype=np.complex128)
    row[half] = _on_curve(curve.polynomial, np.asarray(start, dtype=np.complex128)[None])[0]
    for k in range(half):
        for sign in (1, -1):
            place = half + sign * k
            row[place + sign] = _moved(curve.polynomial, row[place][None], np.array([sign * spacing + 0j]))[0]
    grid = np.empty((cells, cells, 3), dtype=np.complex128)
    grid[half] = row
    for k in range(half):
        for sign in (1, -1):
            place = half + sign * k
            grid[place + sign] = _moved(curve.polynomial, grid[place], np.full(cells, 1j * sign * spacing))
    axis = spacing * (np.arange(cells) - half)
    parameter = axis[None, :] + 1j * axis[:, None]
    return Slice(parameter, np.ones((cells, cells), dtype=bool), points_on(curve, grid.reshape(-1, 3)))


def periods(cover: Slice) -> tuple[complex, complex]:
    """Two shortest periods of the lattice, found where the curve returns to its start within the slice.

    |Im(ω̄_1 ω_2)| is the area of the curve, ∫ |Ω|². Raises `ConvergenceError` if the slice is too small to show two.
    """
    sample, grid = cover.sample, cover.parameter
    polynomial = sample.hypersurface.polynomial
    middle = grid.size // 2
    unit = sample.points / np.linalg.norm(sample.points, axis=1, keepdims=True)
    away = np.sqrt(np.maximum(1.0 - np.abs(unit @ unit[middle].conj()) ** 2, 0.0))
    spacing = abs(grid[0, 1] - grid[0, 0])
    # Where the start is within reach of a step along the curve; the speed |dz/du| is that of the start.
    speed = float(np.linalg.norm(_velocity(polynomial, unit[middle][None])))
    near = np.flatnonzero(away < 1.5 * speed * spacing)
    found, points = grid.ravel()[near], unit[near]
    for _ in range(3):
        change = _towards(polynomial, points, unit[middle])
        found, points = found + change, _moved(polynomial, points, change)
    distinct = [value for value in found[np.argsort(np.abs(found), kind="stable")] if abs(value) > spacing]
    for first in distinct[:1]:
        for second in distinct:
            if abs((first.conjugate() * second).imag) > 1e-3 * abs(first) * abs(second):
                return complex(first), complex(second)
    raise ConvergenceError(
        f"a square of side {abs(grid[0, -1] - grid[0, 0]):.3g} shows no two periods of the curve: give a larger one"
    )


def widest_disc(sample: PointSample, rng: np.random.Generator, cells: int) -> Slice:
    """A slice x + t v, |t| ≤ 1 at most, through a point of `sample`, v a random unit vector in its local coordinates.

    z_dep follows along rays from the middle, up to the first point where it turns fast (|dz_dep/dt| > `STEEPEST`):
    beyond points with ∂p/∂z_dep = 0 it has several values. Of `CANDIDATES` points and directions, that of the largest
    disc is taken.
    """
    rays = np.exp(2j * np.pi * np.arange(RAYS) / RAYS)
    chosen = rng.integers(len(sample), size=CANDIDATES)
    direction = rng.standard_normal((CANDIDATES, sample.hypersurface.dimension, 2)) @ np.array([1.0, 1.0j])
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    paths = [_Path(sample, int(index), v) for index, v in zip(chosen, direction, strict=True)]
    reach = [path.free_radius(rays) for path in paths]
    path, radius = paths[int(np.argmax(reach))], max(reach)
    axis = np.linspace(-radius, radius, cells)
    parameter = axis[None, :] + 1j * axis[:, None]
    within = np.abs(parameter) < radius
    points, share = path.points(parameter[within])
    # What is steep between two rays shows only here.
    inside = within.copy()
    inside[within] = share == 1.0
    return Slice(parameter, inside, points_on(sample.hypersurface, points[share == 1.0]))


class _Path:
    """The line x + t v in the chart of one point of a sample, and z_dep over it."""

    def __init__(self, sample: PointSample, index: int, direction: ComplexArray) -> None:
        self._polynomial, self._centre = sample.hypersurface.polynomial, sample.points[index]
        self._dependent = int(sample.dependent[index])
        self._straight = direction @ sample.frame[index]
        self._straight[self._dependent] = 0.0

    def free_radius(self, reach: ComplexArray) -> float:
        """How far all rays to `reach` are sound."""
        _, share = self.points(reach)
        return float((np.abs(reach) * share).min(where=share < 1.0, initial=np.abs(reach).max()))

    def points(self, reach: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        """Points (N, n+2) at t = `reach` (N,), and the share (N,) of the way to them on which z_dep turns slowly."""
        points = np.broadcast_to(self._centre, (reach.size, self._centre.size)).copy()
        share = np.zeros(reach.size)
        for step in range(1, STEPS_OUT + 1):
            alive = np.flatnonzero(share == (step - 1) / STEPS_OUT)
            moved = self._centre + (step / STEPS_OUT) * reach[alive, None] * self._straight
            moved[:, self._dependent] = points[alive, self._dependent]
            points[alive], sound = self._followed(moved)
            share[alive[sound]] = step / STEPS_OUT
        return points, share

    def _followed(self, points: ComplexArray) -> tuple[ComplexArray, NDArray[np.bool_]]:
        change = np.full(len(points), np.inf + 0j)
        for _ in range(NEWTON_STEPS):
            slopes = self._polynomial.gradient(points)
            slope = slopes[:, self._dependent]
            sound = np.abs(slopes @ self._straight) <= STEEPEST * np.abs(slope)
            if (np.abs(change) < NEWTON_BELOW)[sound].all():
                break
            change = self._polynomial.value(points) / np.where(sound, slope, np.inf)
            points[:, self._dependent] -= change
        return points, sound & (np.abs(change) < NEWTON_BELOW)


def _require_curve(curve: Hypersurface) -> None:
    if curve.dimension != 1:
        raise ValueRangeError(f"the hypersurface has dimension {curve.dimension}: give a curve, of dimension 1")


def _velocity(polynomial: Polynomial, points: ComplexArray) -> ComplexArray:
    norms = np.sum(np.abs(points) ** 2, axis=1, keepdims=True)
    found: ComplexArray = np.cross(points.conj(), polynomial.gradient(points)) / norms
    return found


def _moved(polynomial: Polynomial, points: ComplexArray, change: ComplexArray) -> ComplexArray:
    """Points after u has changed by `change` (N,), as unit vectors."""
    step = (change / STEPS_BETWEEN)[:, None]
    for _ in range(STEPS_BETWEEN):
        first = _velocity(polynomial, points)
        second = _velocity(polynomial, points + 0.5 * step * first)
        third = _velocity(polynomial, points + 0.5 * step * second)
        fourth = _velocity(polynomial, points + step * third)
        points = _on_curve(polynomial, points + step / 6.0 * (first + 2.0 * second + 2.0 * third + fourth))
    return points


def _on_curve(polynomial: Polynomial, points: ComplexArray) -> ComplexArray:
    """Unit vectors with p = 0, by Newton's method along the gradient."""
    for _ in range(3):
        points = points / np.linalg.norm(points, axis=1, keepdims=True)
        slope = polynomial.gradient(points)
        share = polynomial.value(points) / np.sum(np.abs(slope) ** 2, axis=1)
        points = points - share[:, None] * slope.conj()
    found: ComplexArray = points / np.linalg.norm(points, axis=1, keepdims=True)
    return found


def _towards(polynomial: Polynomial, points: ComplexArray, target: ComplexArray) -> ComplexArray:
    """The change of u (N,) that takes unit vectors (N, 3) to the point `target` (3,), to second order."""
    scaled = target / (points.conj() @ target)[:, None] - points
    velocity = _velocity(polynomial, points)
    across = velocity - np.sum(velocity * points.conj(), axis=1, keepdims=True) * points
    found: ComplexArray = np.sum(across.conj() * scaled, axis=1) / np.sum(np.abs(across) ** 2, axis=1)
    return found
