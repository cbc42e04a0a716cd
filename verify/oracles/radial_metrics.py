"""Kähler metrics g = ∂∂̄ f(|x|²) on Cⁿ whose curvature is known: projective space and Eguchi and Hanson's.

With u = |x|², g_ab̄ = f' δ_ab + f'' x̄_a x_b, and each further derivative differentiates one f or one x more. Nothing is
approximated: what the jets are off by is rounding, about 1e-15 times the largest term.
"""

from collections.abc import Callable
from math import factorial

import numpy as np
from mpmath import diff, mp, mpf, sqrt

DETECTION_LIMIT = 1e-13

# u (N,) ↦ f', f'', f''', f'''' (N,) each
Slopes = Callable[[np.ndarray], tuple[np.ndarray, ...]]


def radial_jets(slopes: Slopes, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """g_ab̄ (N, n, n), ∂_c g_ab̄ at [c, a, b] and ∂_c∂̄_d g_ab̄ at [c, d, a, b] at the points x (N, n)."""
    one, two, three, four = (s[:, None, None, None, None] for s in slopes(np.sum(np.abs(x) ** 2, axis=1)))
    # Axes: point, c, d, a, b.
    c, a = x.conj()[:, :, None, None, None], x.conj()[:, None, None, :, None]
    b, d = x[:, None, None, None, :], x[:, None, :, None, None]
    same = np.eye(x.shape[1])
    ab, cb = same[None, None, None], same[None, :, None, None, :]
    ad, cd = same[None, None, :, :, None], same[None, :, :, None, None]
    metric = one * ab + two * a * b
    first = two * (c * ab + a * cb) + three * a * b * c
    second = two * (cd * ab + ad * cb) + three * (d * (c * ab + a * cb) + ad * b * c + a * b * cd)
    second = second + four * a * b * c * d
    return metric[:, 0, 0], first[:, :, 0], second


def projective_slopes(u: np.ndarray) -> tuple[np.ndarray, ...]:
    """f = (1/π) log(1 + u): Fubini–Study in affine coordinates, Ric = (n+1) π g, c_k = C(n+1, k) J^k."""
    return tuple((-1) ** k * factorial(k) / np.pi / (1.0 + u) ** (k + 1) for k in range(4))


def eguchi_hanson_slopes(u: np.ndarray) -> tuple[np.ndarray, ...]:
    """f' = √(1 + 1/u²) on C²/±1: det g = f'(f' + u f'') = 1, so Ric = 0, and ∫ c_2 = 3/2 (Eguchi & Hanson 1979)."""
    with mp.workdps(30):
        rows = [[float(diff(lambda v: sqrt(1 + 1 / v**2), mpf(float(value)), k)) for k in range(4)] for value in u]
    return tuple(np.array(rows).T)
