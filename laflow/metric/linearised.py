"""The network linearised at its parameters, f(θ₀) + ∂f(θ₀) δ, and all metrics that are affine in coordinates δ.

In the linearised model the tangent kernel never changes: its gradient flow is the frozen flow (Jacot, Gabriel & Hongler
2018; Lee et al. 2019), in the parameters' coordinates δ. A frozen kernel without parameters, such as that of infinite
width, is the same model in the coordinates of a factor: Θ = F Fᵀ, δ ↦ g₀ + F δ.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laflow.errors import ShapeError, ValueRangeError
from laflow.metric.jet_network import JetNetwork
from laflow.metric.monge_ampere import Residuals, residuals
from laflow.metric.phi_model import MetricData
from laflow.metric.tangent_kernel import metric_rows

Array = NDArray[Any]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AffineMetric:
    """Metrics that are affine in coordinates δ (D,): packed g = start + factor δ, at N points.

    start: (n, n, N) packed metric at δ = 0. factor: (N n², D), points major, then packed entries. target: (N,) κ|Ω|².
    weights: (N,) of the L² loss Σ w r² / Σ w. The metric's frozen kernel is factor factorᵀ.
    """

    start: FloatArray
    factor: FloatArray
    target: FloatArray
    weights: FloatArray

    def __post_init__(self) -> None:
        n, points = self.start.shape[0], self.start.shape[-1]
        fits = self.start.shape == (n, n, points) and self.factor.shape[0] == points * n * n
        if not fits or self.target.shape != (points,) or self.weights.shape != (points,):
            raise ShapeError(
                f"the metric has shape {self.start.shape}, its factor {self.factor.shape}, target {self.target.shape}, "
                f"weights {self.weights.shape}: give (n, n, N), (N n², D), (N,), (N,)"
            )

    @property
    def coordinates(self) -> int:
        """Number D of coordinates."""
        return int(self.factor.shape[1])

    def metric(self, position: FloatArray) -> FloatArray:
        """Packed metric (n, n, N) at δ = `position` (D,)."""
        n, points = self.start.shape[0], self.start.shape[2]
        change = (self.factor @ position).reshape(points, n, n)
        return self.start + np.moveaxis(change, 0, -1)

    def residuals(self, position: FloatArray) -> Residuals:
        """r = det g/(κ|Ω|²) - 1 at δ, with its slopes and whether g is positive."""
        return residuals(np.ascontiguousarray(self.metric(position)), self.target)

    def residual_jacobian(self, slope: FloatArray) -> FloatArray:
        """∂r/∂δ (N, D) for the `slope` (n, n, N) of r by the packed entries."""
        n, points = slope.shape[0], slope.shape[2]
        rows = np.moveaxis(slope, -1, 0).reshape(points, 1, n * n)
        found: FloatArray = np.matmul(rows, self.factor.reshape(points, n * n, -1))[:, 0]
        return found

    def loss(self, position: FloatArray) -> float:
        """Σ w r² / Σ w."""
        return float(self.weights @ self.residuals(position).residual ** 2 / self.weights.sum())

    def gradient(self, position: FloatArray) -> FloatArray:
        """∂loss/∂δ (D,)."""
        found = self.residuals(position)
        n, points = self.start.shape[0], self.start.shape[2]
        pull = found.slope * (2.0 * self.weights * found.residual / self.weights.sum())
        gradient: FloatArray = np.moveaxis(pull, -1, 0).reshape(points * n * n) @ self.factor
        return gradient


def linearised(network: JetNetwork, parameters: Array, data: MetricData) -> AffineMetric:
    """The φ-model with `network`, linearised at `parameters` (P,), at the points of `data`; δ = θ - θ₀.

    It holds the metric's Jacobian, 8 n² N P bytes.
    """
    rows, n = metric_rows(network, parameters, data.jets), network.dimension
    bend = rows.output()[1 + 2 * n :].reshape(n, n, -1)
    start = np.asarray(data.reference, dtype=np.float64) + bend
    return AffineMetric(start, rows.jacobian(), *_float64(data.target, data.weights))


def _float64(*arrays: Array) -> tuple[FloatArray, ...]:
    return tuple(np.asarray(array, dtype=np.float64) for array in arrays)


def kernel_factors(kernel: FloatArray, cross: FloatArray | None = None) -> tuple[FloatArray, FloatArray | None]:
    """F (R, D) with Θ = F Fᵀ for a kernel Θ (R, R), and F' (R', D) with `cross` (R', R) = F' Fᵀ.

    By eigenvectors; eigenvalues within rounding of 0, R ε times the largest, are left out: along these nothing moves.
    Raises `ValueRangeError` for a kernel with eigenvalues below minus that.
    """
    values, vectors = np.linalg.eigh(kernel)
    cut = kernel.shape[0] * np.finfo(np.float64).eps * max(float(values[-1]), 0.0)
    if values[0] < -max(cut, 1e-9 * float(values[-1])):
        raise ValueRangeError(
            f"the kernel has an eigenvalue {values[0]:.3g}, its largest being {values[-1]:.3g}: give a positive "
            "semidefinite one"
        )
    kept = values > cut
    roots = np.sqrt(values[kept])
    factor: FloatArray = vectors[:, kept] * roots
    return factor, None if cross is None else cross @ (vectors[:, kept] / roots)
