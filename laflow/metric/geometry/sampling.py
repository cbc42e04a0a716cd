"""Points of a hypersurface: its intersections with random lines, and the weights that turn sums into integrals.

A line through two independent Gaussian points of C^(n+2) is uniform for the unitary group, so the intersections have
the density (n!/d) det g_FS in local coordinates (Shiffman & Zelditch 1999; Douglas et al., arXiv:hep-th/0612075). With
w = |Ω|² / ((n!/d) det g_FS), ∫ f |Ω|² d^(2n)x is the mean of w f.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from math import factorial, pi

import numpy as np
from numpy.typing import ArrayLike

from laflow.errors import ConvergenceError, ShapeError, ValueRangeError
from laflow.metric.geometry.hypersurface import FloatArray, Hypersurface
from laflow.metric.geometry.polynomial import ComplexArray, IntArray, Polynomial

# Lines at a time: what is drawn does not depend on it, and memory stays below 100 MB.
LINES_AT_ONCE = 8192
NEWTON_STEPS = 8
# Where Newton's steps on a line end: an angle, a few rounding errors of p over its slope on the line.
STEP_BELOW = 1e-13


@dataclass(frozen=True, eq=False)
class PointSample:
    """Points of X with their charts and weights.

    points: (N, n+2) complex, z_patch = 1 the largest coordinate. patch, dependent: (N,) indices.
    line: (N,) index of the sampling line; points of one line are correlated.
    weights: (N,) w, with ∫ f |Ω|² d^(2n)x ≈ mean(w f). omega_squared: (N,) |Ω|² in the point's chart.
    """

    hypersurface: Hypersurface
    points: ComplexArray
    patch: IntArray
    dependent: IntArray
    line: IntArray
    weights: FloatArray
    omega_squared: FloatArray

    def __len__(self) -> int:
        return int(self.points.shape[0])

    @cached_property
    def frame(self) -> ComplexArray:
        """∂z_i/∂x_a (N, n, n+2), see `Hypersurface.frames`."""
        return self.hypersurface.frames(self.points, self.patch, self.dependent)

    @cached_property
    def fubini_study(self) -> ComplexArray:
        """g_FS (N, n, n) in local coordinates."""
        from laflow.metric.geometry.fubini_study import fubini_study

        return fubini_study(self.points, self.frame)

    @cached_property
    def fubini_study_determinant(self) -> FloatArray:
        """det g_FS (N,), in closed form."""
        measure = factorial(self.hypersurface.dimension) / self.hypersurface.degree
        return self.omega_squared / (self.weights * measure)

    def take(self, chosen: ArrayLike | slice) -> "PointSample":
        """The points with the indices (or the Boolean mask, or the slice) `chosen`, in that order."""
        names = ("points", "patch", "dependent", "line", "weights", "omega_squared")
        index = chosen if isinstance(chosen, slice) else np.asarray(chosen)
        return replace(self, **{name: getattr(self, name)[index] for name in names})

    def split(self, test_share: float, rng: np.random.Generator) -> tuple["PointSample", "PointSample"]:
        """Training and test points that share no line; a share `test_share` of the lines (at least 1) is for tests."""
        lines = np.unique(self.line)
        if not 0.0 < test_share < 1.0 or lines.size < 2:
            raise ValueRangeError(
                f"cannot take a share of {test_share} of {lines.size} lines for tests: give a share between 0 and 1 "
                "and points of 2 lines or more"
            )
        count = min(max(round(test_share * lines.size), 1), lines.size - 1)
        held = np.isin(self.line, rng.permutation(lines)[:count])
        return self.take(~held), self.take(held)


def sample_points(hypersurface: Hypersurface, count: int, rng: np.random.Generator) -> PointSample:
    """`count` points on uniformly random lines, d to a line; of the last line, some chosen at random.

    Intersections are eigenvalues of companion matrices, improved by Newton's method along the line and at last in the
    dependent coordinate, so |p| is a few rounding errors. Equal states of `rng` give equal points. Raises
    `ConvergenceError` where Newton's method does not end (X very close to singular).
    """
    if count < 1:
        raise ValueRangeError(f"{count} points were asked for: give 1 or more")
    degree = hypersurface.degree
    lines = -(-count // degree)
    found = []
    for first in range(0, lines, LINES_AT_ONCE):
        shape = (min(LINES_AT_ONCE, lines - first), 2, degree, 2)
        directions = rng.standard_normal(shape).view(np.complex128)[..., 0]
        found.append(_intersections(hypersurface.polynomial, directions).reshape(-1, degree))
    points = np.concatenate(found)
    line = np.repeat(np.arange(lines), degree)
    if count < points.shape[0]:
        # Eigenvalues come in no random order.
        surplus = count - (lines - 1) * degree
        last = (lines - 1) * degree + np.sort(rng.permutation(degree)[:surplus])
        kept = np.append(np.arange((lines - 1) * degree), last)
        points, line = points[kept], line[kept]
    scaled, patch = hypersurface.normalised(points)
    dependent = hypersurface.dependent(scaled, patch)
    return charted(hypersurface, _polished(hypersurface, scaled, dependent), patch, dependent, line)


def points_on(hypersurface: Hypersurface, points: ArrayLike, line: ArrayLike | None = None) -> PointSample:
    """A sample of given points (N, n+2) on X, each on a line of its own where `line` (N,) does not say otherwise.

    Its weights are right for points of that density only. Raises `ValueRangeError` for points off X.
    """
    hypersurface.require_on(points)
    scaled, patch = hypersurface.normalised(points)
    lines = np.arange(scaled.shape[0]) if line is None else np.asarray(line, dtype=np.int64)
    return charted(hypersurface, scaled, patch, hypersurface.dependent(scaled, patch), lines)


def charted(
    hypersurface: Hypersurface, points: ComplexArray, patch: IntArray, dependent: IntArray, line: IntArray
) -> PointSample:
    """A sample of points (N, n+2) with z_patch = 1 in the given charts; only shapes and indices are checked."""
    count, degree = points.shape
    fits = all(array.shape == (count,) for array in (patch, dependent, line)) and degree == hypersurface.degree
    if not fits or ((patch < 0) | (patch >= degree) | (dependent < 0) | (dependent >= degree)).any():
        raise ShapeError(
            f"points {points.shape}, patch {patch.shape}, dependent {dependent.shape} and line {line.shape} do not "
            f"fit: give (N, {hypersurface.degree}) and (N,), coordinates counted from 0 to {hypersurface.degree - 1}"
        )
    if (patch == dependent).any():
        raise ValueRangeError(
            f"point {int(np.argmax(patch == dependent))} has one coordinate as patch and dependent: give two different"
        )
    slopes = hypersurface.polynomial.gradient(points)
    dimension = hypersurface.dimension
    # det g_FS = |∇p|² / (|∂_dep p|² π^n |z|^(2n+2)) (Cauchy–Binet on the tangent space of the cone, ker ∇p).
    norms, slope_norms = (np.sum(array.real**2 + array.imag**2, axis=1) for array in (points, slopes))
    weights = degree * pi**dimension / factorial(dimension) * norms ** (dimension + 1) / slope_norms
    omega_squared = hypersurface.omega_squared(points, dependent)
    return PointSample(hypersurface, points, patch, dependent, line, weights, omega_squared)


def _intersections(polynomial: Polynomial, directions: ComplexArray) -> ComplexArray:
    """Unit vectors (L, d, V) on the lines spanned by `directions` (L, 2, V) with p = 0."""
    base = directions / np.linalg.norm(directions, axis=2, keepdims=True)
    origin = base[:, 0]
    far = base[:, 1] - np.sum(base[:, 1] * origin.conj(), axis=1, keepdims=True) * origin
    far /= np.linalg.norm(far, axis=1, keepdims=True)
    roots = _roots(_on_line(polynomial, origin, far))
    length = np.sqrt(1.0 + np.abs(roots) ** 2)[..., None]
    origin, far, roots = origin[:, None], far[:, None], roots[..., None]
    points = (origin + roots * far) / length
    along = (far - roots.conj() * origin) / length
    return _newton(polynomial, points.reshape(-1, points.shape[2]), along.reshape(-1, points.shape[2])).reshape(
        points.shape
    )


def _on_line(polynomial: Polynomial, origin: ComplexArray, far: ComplexArray) -> ComplexArray:
    """Coefficients (L, d+1) of t ↦ p(origin + t far), lowest first, from its values at roots of unity."""
    nodes = np.exp(2j * pi * np.arange(polynomial.degree + 1) / (polynomial.degree + 1))
    points = origin[:, None] + nodes[:, None] * far[:, None]
    values = polynomial.value(points.reshape(-1, origin.shape[1])).reshape(points.shape[:2])
    return np.fft.fft(values, axis=1) / nodes.size


def _roots(coefficients: ComplexArray) -> ComplexArray:
    """Zeros (L, d) of polynomials with `coefficients` (L, d+1), lowest first, as eigenvalues."""
    degree = coefficients.shape[1] - 1
    companion = np.zeros((coefficients.shape[0], degree, degree), dtype=np.complex128)
    companion[:, np.arange(1, degree), np.arange(degree - 1)] = 1.0
    companion[:, :, -1] = -coefficients[:, :-1] / coefficients[:, -1:]
    roots: ComplexArray = np.asarray(np.linalg.eigvals(companion), dtype=np.complex128)
    return roots


def _newton(polynomial: Polynomial, points: ComplexArray, along: ComplexArray) -> ComplexArray:
    """Newton's method for p = 0 from unit vectors (M, V) on great circles with unit tangents `along` (M, V)."""
    moving = np.arange(points.shape[0])
    for _ in range(NEWTON_STEPS):
        here, direction = points[moving], along[moving]
        slope = np.sum(polynomial.gradient(here) * direction, axis=1)
        step = polynomial.value(here) / slope
        length = np.sqrt(1.0 + np.abs(step) ** 2)[:, None]
        points[moving] = (here - step[:, None] * direction) / length
        along[moving] = (direction + step.conj()[:, None] * here) / length
        # Rounding of p, a few ε, moves a root by that over its slope: near a tangent line it is all one can ask.
        moving = moving[np.abs(step) > STEP_BELOW * (1.0 + polynomial.size(here) / np.abs(slope))]
        if not moving.size:
            return points
    raise ConvergenceError(
        f"Newton's method did not end for {moving.size} of {points.shape[0]} intersections: the hypersurface is close "
        "to singular; move its coefficients away"
    )


def _polished(hypersurface: Hypersurface, points: ComplexArray, dependent: IntArray) -> ComplexArray:
    """Two Newton steps in the dependent coordinate, which make up for the rounding of the division."""
    rows = np.arange(points.shape[0])
    for _ in range(2):
        slopes = hypersurface.polynomial.gradient(points)[rows, dependent]
        points[rows, dependent] -= hypersurface.polynomial.value(points) / slopes
    return points
