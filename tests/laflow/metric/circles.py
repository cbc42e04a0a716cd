"""Derivatives of a function on a hypersurface from its values on circles: no formula of the runtime.

In a chart x of X with fixed patch and dependent coordinate, z(x) is found by Newton's method. With u on circles
x + h e^(iθ) v, the Fourier coefficients 0 and 1 are power series in h²: u + h² ∂_v∂̄_v u + … and h ∂_v u + …. A
polynomial through some radii h leaves rounding at about 1e-10 of u's size for second derivatives, and truncation.
"""

from collections.abc import Callable

import numpy as np

from laflow.metric.geometry.sampling import PointSample

RADII, NODES = np.linspace(0.006, 0.03, 5), 16


class Chart:
    """Points of X near one of `sample`, by n local coordinates."""

    def __init__(self, sample: PointSample, row: int) -> None:
        self._polynomial = sample.hypersurface.polynomial
        self._start, self._patch, self._dependent = sample.points[row], sample.patch[row], sample.dependent[row]
        self._local = [i for i in range(self._start.size) if i not in (self._patch, self._dependent)]
        self.dimension = len(self._local)

    def lifted(self, shifts: np.ndarray) -> np.ndarray:
        """Homogeneous coordinates (M, n+2) of points whose local coordinates are moved by `shifts` (M, n)."""
        points = np.tile(self._start, (shifts.shape[0], 1))
        points[:, self._local] += shifts
        for _ in range(20):
            values = self._polynomial.value(points)
            if np.abs(values).max() < 1e-14:
                break
            points[:, self._dependent] -= values / self._polynomial.gradient(points)[:, self._dependent]
        assert np.abs(values).max() < 1e-12
        return points

    def jet(self, function: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """∂_a u (n, F) and ∂_a∂̄_b u (n, n, F) of u: points (M, n+2) ↦ (M, F), real."""
        n, units = self.dimension, np.eye(self.dimension)
        straight = [self._along(function, units[a]) for a in range(n)]
        slopes, square = np.stack([slope for slope, _ in straight]), [bend for _, bend in straight]
        bends = np.empty((n, n, slopes.shape[1]), dtype=np.complex128)
        for a in range(n):
            bends[a, a] = square[a]
            for b in range(a):
                # B(v, v) for v = e_a + c e_b: Re B_ab for c = 1, Im B_ab for c = i.
                both = [self._along(function, units[a] + c * units[b])[1] for c in (1.0, 1j)]
                bends[a, b] = 0.5 * (both[0] + 1j * both[1] - (1.0 + 1j) * (square[a] + square[b]))
                bends[b, a] = bends[a, b].conj()
        return slopes, bends

    def _along(self, function: Callable[[np.ndarray], np.ndarray], v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        turns = np.exp(2j * np.pi * np.arange(NODES) / NODES)
        circles = RADII[:, None] * turns
        values = function(self.lifted(circles.reshape(-1, 1) * v)).reshape(RADII.size, NODES, -1)
        mean, first = values.mean(axis=1), np.einsum("hkf,k->hf", values, turns.conj()) / NODES
        powers = np.vander(RADII**2, increasing=True)
        return np.linalg.solve(powers, first / RADII[:, None])[0], np.linalg.solve(powers, mean)[1]
