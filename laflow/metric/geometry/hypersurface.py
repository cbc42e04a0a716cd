"""Calabi–Yau hypersurfaces: charts, the frame of the implicit function theorem, and the residue form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from laflow.errors import ShapeError, ValueRangeError
from laflow.metric.geometry.polynomial import ComplexArray, IntArray, Polynomial
from laflow.metric.geometry.smoothness import require_smooth

FloatArray = NDArray[np.float64]

# A point's first-order distance from X, relative to |z|. Sampled points have 1e-15; one kept in single precision 1e-7.
ON_VARIETY = 1e-9
# |Ω|² and κ are of the order of |p|⁻² and |p|². Where p is larger than this, or smaller than its inverse, products of
# a few of them overflow.
LARGEST_COEFFICIENT = 1e40


@dataclass(frozen=True)
class Hypersurface:
    """X = {p = 0} in P^(n+1), p homogeneous of degree d = n+2, for n = 1, 2, 3, and smooth.

    Raises `ValueRangeError` for a polynomial of another kind: of another degree or number of variables, not
    homogeneous, or singular (see `smoothness.singular_point` for what is certain and what is searched).

    A polynomial beyond all measure (`LARGEST_COEFFICIENT`) is replaced by a multiple, see `Polynomial.normalised`:
    X is the same, and Ω, the residue of 1/p, is that of the multiple.
    """

    polynomial: Polynomial

    def __post_init__(self) -> None:
        polynomial = self.polynomial
        if not 3 <= polynomial.variables <= 5:
            raise ValueRangeError(
                f"the polynomial has {polynomial.variables} variables: give n+2 = 3, 4 or 5 of them, for a "
                "hypersurface of dimension n = 1, 2 or 3"
            )
        if not polynomial.homogeneous:
            degrees = np.unique(polynomial.exponents.sum(axis=1)).tolist()
            raise ValueRangeError(f"the polynomial has terms of degrees {degrees}: give one that is homogeneous")
        if polynomial.degree != polynomial.variables:
            raise ValueRangeError(
                f"the polynomial has degree {polynomial.degree}: with {polynomial.variables} variables, a Calabi–Yau "
                f"hypersurface has degree {polynomial.variables}"
            )
        require_smooth(polynomial)
        largest = np.abs(polynomial.coefficients.view(np.float64)).max()
        if not 1.0 / LARGEST_COEFFICIENT <= largest <= LARGEST_COEFFICIENT:
            object.__setattr__(self, "polynomial", polynomial.normalised())

    @property
    def dimension(self) -> int:
        """Complex dimension n."""
        return self.polynomial.variables - 2

    @property
    def degree(self) -> int:
        """Degree d = n+2, also the number of homogeneous coordinates."""
        return self.polynomial.variables

    def normalised(self, points: ArrayLike) -> tuple[ComplexArray, IntArray]:
        """Points (N, n+2) divided by their largest coordinate, which is then 1, and its index `patch` (N,)."""
        array = self._finite(points)
        patch = np.argmax(np.abs(array), axis=1)
        largest = array[np.arange(array.shape[0]), patch]
        if (largest == 0).any():
            raise ValueRangeError(f"point {int(np.argmin(np.abs(largest)))} is 0, no point of projective space")
        scaled = array / largest[:, None]
        # A quotient z/z may round to 1 + ε.
        scaled[np.arange(array.shape[0]), patch] = 1.0
        return scaled, patch

    def dependent(self, points: ComplexArray, patch: IntArray) -> IntArray:
        """Index (N,) of the coordinate other than `patch` with the largest |∂p/∂z_i|."""
        slopes = np.abs(self.polynomial.gradient(points))
        slopes[np.arange(slopes.shape[0]), patch] = -1.0
        return np.argmax(slopes, axis=1)

    def local(self, patch: IntArray, dependent: IntArray) -> IntArray:
        """Indices (N, n), increasing, of the homogeneous coordinates that are local coordinates x_a."""
        free = np.ones((patch.shape[0], self.degree), dtype=bool)
        rows = np.arange(patch.shape[0])
        free[rows, patch] = free[rows, dependent] = False
        return np.nonzero(free)[1].reshape(patch.shape[0], self.dimension)

    def frames(self, points: ComplexArray, patch: IntArray, dependent: IntArray) -> ComplexArray:
        """∂z_i/∂x_a (N, n, n+2): 1 at the coordinate's own index, -(∂_a p)/(∂_dep p) at `dependent`, 0 at `patch`.

        `points` have z_patch = 1. Implicit function theorem: z_dep is a holomorphic function of x on X.
        """
        rows, local = np.arange(points.shape[0]), self.local(patch, dependent)
        slopes = self.polynomial.gradient(points)
        frame = np.zeros((points.shape[0], self.dimension, self.degree), dtype=np.complex128)
        directions = np.arange(self.dimension)[None]
        frame[rows[:, None], directions, local] = 1.0
        frame[rows[:, None], directions, dependent[:, None]] = (
            -np.take_along_axis(slopes, local, axis=1) / slopes[rows, dependent][:, None]
        )
        return frame

    def omega_squared(self, points: ComplexArray, dependent: IntArray) -> FloatArray:
        """|Ω|² (N,) = 1/|∂_dep p|², the density in x of Ω∧Ω̄, Ω the residue of 1/p."""
        slope = self.polynomial.gradient(points)[np.arange(points.shape[0]), dependent]
        return 1.0 / (slope.real**2 + slope.imag**2)

    def distances(self, points: ArrayLike) -> FloatArray:
        """First-order distance |p|/(|∇p| |z|) (N,) of points from X: an angle in projective space."""
        array = self._finite(points)
        array = array / np.linalg.norm(array, axis=1, keepdims=True)
        slopes = np.linalg.norm(self.polynomial.gradient(array), axis=1)
        return np.abs(self.polynomial.value(array)) / np.maximum(slopes, np.finfo(np.float64).tiny)

    def require_on(self, points: ArrayLike, *, within: float = ON_VARIETY) -> None:
        """Raises `ValueRangeError` for points (N, n+2) off X by more than `within`, naming the farthest."""
        distances = self.distances(points)
        if distances.size and not distances.max() <= within:
            worst = int(np.argmax(distances))
            raise ValueRangeError(
                f"{int((distances > within).sum())} of {distances.size} points lie off the hypersurface; point {worst} "
                f"is {distances[worst]:.2g} away (allowed: {within:g}): give points with p = 0"
            )

    def _finite(self, points: ArrayLike) -> ComplexArray:
        array = np.asarray(points, dtype=np.complex128)
        if array.ndim != 2 or array.shape[1] != self.degree:
            raise ShapeError(f"the points have shape {array.shape}: give (points, {self.degree})")
        if not np.isfinite(array).all():
            raise ValueRangeError(f"point {int(np.argmin(np.isfinite(array).all(axis=1)))} is not finite: give numbers")
        return array
