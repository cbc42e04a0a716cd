"""The Fubini–Study metric g = (1/π) ∂∂̄ log|z|² on a hypersurface, and the distance that belongs to it."""

from math import pi

import numpy as np
from numpy.typing import ArrayLike, NDArray

from laflow.metric.geometry.polynomial import ComplexArray


def fubini_study(points: ComplexArray, frame: ComplexArray) -> ComplexArray:
    """g_ab̄ (N, n, n) = T_ai (1/π)(δ_ij/|z|² - z̄_i z_j/|z|⁴) T̄_bj at `points` z (N, n+2) with `frame` T (N, n, n+2).

    Normalised by ∫ det g d^(2n)x = d/n! on X, so that its class is the hyperplane's.
    """
    norms = np.sum(points.real**2 + points.imag**2, axis=1)[:, None, None]
    slopes = frame @ points.conj()[:, :, None]
    conjugate = frame.conj().swapaxes(1, 2)
    return (frame @ conjugate / norms - slopes @ slopes.conj().swapaxes(1, 2) / norms**2) / pi


def projective_angle(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Geodesic distance in P^(n+1) as an angle in [0, π/2] between rows of `first` and `second` (..., n+2).

    It is the distance of the metric |dz|²/|z|² - |z·dz̄|²/|z|⁴, π g in real terms. Accurate for angles near 0 too:
    the arc tangent of |z ∧ w| / |z·w̄|.
    """
    one, other = (_unit(np.asarray(array, dtype=np.complex128)) for array in (first, second))
    cosine = np.sum(one * other.conj(), axis=-1, keepdims=True)
    sine = np.linalg.norm(one - cosine * other, axis=-1)
    return np.arctan2(sine, np.abs(cosine[..., 0]))


def _unit(points: ComplexArray) -> ComplexArray:
    return points / np.linalg.norm(points, axis=-1, keepdims=True)
