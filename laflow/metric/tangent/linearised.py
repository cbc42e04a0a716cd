"""The network linearised at its parameters, f(θ₀) + ∂f(θ₀) δ, and all metrics that are affine in coordinates δ.

In the linearised model the tangent kernel never changes: its gradient flow is the frozen flow (Jacot, Gabriel & Hongler
2018; Lee et al. 2019), in the parameters' coordinates δ. A frozen kernel without parameters, such as that of infinite
width, is the same model in the coordinates of a factor, Θ = F Fᵀ and g₀ + F δ, or in dual ones, g₀ + Θ c.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laflow.errors import ShapeError, ValueRangeError
from laflow.metric.model.jet_network import JetNetwork
from laflow.metric.model.monge_ampere import Residuals, residuals
from laflow.metric.model.phi_model import MetricData
from laflow.metric.tangent.tangent_kernel import contracted, metric_rows

Array = NDArray[Any]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NewtonSystem:
    """A Gauss–Newton step of an affine metric: δ ↦ δ - lift((matrix + λ)⁻¹ vector).

    matrix: JᵀJ (D, D) or, for fewer points than coordinates, JJᵀ (N, N), J the Jacobian of √(w/Σw) r; vector is Jᵀr
    or r, and `lift` what brings the solution to coordinates.
    """

    matrix: FloatArray
    vector: FloatArray
    lift: Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, eq=False)
class _Metrics(ABC):
    """Metrics at N points that are affine in coordinates.

    start: (n, n, N) packed metric at 0. target: (N,) κ|Ω|². weights: (N,) of the L² loss Σ w r² / Σ w.
    """

    start: FloatArray
    target: FloatArray
    weights: FloatArray

    def _require(self, rows: tuple[int, ...]) -> None:
        n, points = self.start.shape[0], self.start.shape[-1]
        fits = self.start.shape == (n, n, points) and rows[0] == points * n * n
        if not fits or self.target.shape != (points,) or self.weights.shape != (points,):
            raise ShapeError(
                f"the metric has shape {self.start.shape}, its rows {rows}, target {self.target.shape}, weights "
                f"{self.weights.shape}: give (n, n, N), (N n², any), (N,), (N,)"
            )

    @abstractmethod
    def _shift(self, position: FloatArray) -> FloatArray:
        """Change (N n²,) of the packed entries, points major."""

    def metric(self, position: FloatArray) -> FloatArray:
        """Packed metric (n, n, N) at `position`."""
        n, points = self.start.shape[0], self.start.shape[2]
        return self.start + np.moveaxis(self._shift(position).reshape(points, n, n), 0, -1)

    def residuals(self, position: FloatArray) -> Residuals:
        """r = det g/(κ|Ω|²) - 1 at `position`, with its slopes and whether g is positive."""
        return residuals(np.ascontiguousarray(self.metric(position)), self.target)

    def loss(self, position: FloatArray) -> float:
        """Σ w r² / Σ w."""
        return float(self.weights @ self.residuals(position).residual ** 2 / self.weights.sum())

    def _pull(self, found: Residuals) -> FloatArray:
        """∂loss by the packed entries (N n²,)."""
        n, points = self.start.shape[0], self.start.shape[2]
        pull = found.slope * (2.0 * self.weights * found.residual / self.weights.sum())
        return np.moveaxis(pull, -1, 0).reshape(points * n * n)


@dataclass(frozen=True, eq=False)
class AffineMetric(_Metrics):
    """Metrics in coordinates δ (D,): packed g = start + factor δ. The metric's frozen kernel is factor factorᵀ.

    factor: (N n², D), points major, then packed entries.
    """

    factor: FloatArray

    def __post_init__(self) -> None:
        self._require(self.factor.shape)

    @property
    def coordinates(self) -> int:
        """Number D of coordinates."""
        return int(self.factor.shape[1])

    def _shift(self, position: FloatArray) -> FloatArray:
        return np.asarray(self.factor @ position)

    def residual_jacobian(self, slope: FloatArray) -> FloatArray:
        """∂r/∂δ (N, D) for the `slope` (n, n, N) of r by the packed entries."""
        n, points = slope.shape[0], slope.shape[2]
        rows = np.moveaxis(slope, -1, 0).reshape(points, 1, n * n)
        found: FloatArray = np.matmul(rows, self.factor.reshape(points, n * n, -1))[:, 0]
        return found

    def gradient(self, position: FloatArray) -> FloatArray:
        """∂loss/∂δ (D,)."""
        gradient: FloatArray = self._pull(self.residuals(position)) @ self.factor
        return gradient

    def gradient_size(self, position: FloatArray) -> float:
        """|∂loss/∂δ|."""
        return float(np.linalg.norm(self.gradient(position)))

    def newton(self, position: FloatArray) -> NewtonSystem:
        """The Gauss–Newton system at δ = `position`."""
        found, root = self.residuals(position), np.sqrt(self.weights / self.weights.sum())
        jacobian = self.residual_jacobian(found.slope) * root[:, None]
        residual = root * found.residual
        if jacobian.shape[0] < jacobian.shape[1]:
            return NewtonSystem(jacobian @ jacobian.T, residual, lambda dual: jacobian.T @ dual)
        return NewtonSystem(jacobian.T @ jacobian, jacobian.T @ residual, lambda change: change)


@dataclass(frozen=True, eq=False)
class KernelMetric(_Metrics):
    """Metrics in dual coordinates c (N n²,): packed g = start + Θ c, moved by a kernel Θ that never changes.

    kernel: Θ (N n², N n²), points major. The flow ċ = -η ∂L/∂g moves g by -η Θ ∂L/∂g; elsewhere it moves the metric by
    Θ(x, X) c. No factor of Θ is needed.
    """

    kernel: FloatArray

    def __post_init__(self) -> None:
        self._require(self.kernel.shape)
        if self.kernel.shape[0] != self.kernel.shape[1]:
            raise ShapeError(f"the kernel has shape {self.kernel.shape}: give (N n², N n²)")

    @property
    def coordinates(self) -> int:
        """Number N n² of dual coordinates."""
        return int(self.kernel.shape[1])

    def _shift(self, position: FloatArray) -> FloatArray:
        return np.asarray(self.kernel @ position)

    def gradient(self, position: FloatArray) -> FloatArray:
        """∂loss/∂g (N n²,): against it the dual coordinates move."""
        return self._pull(self.residuals(position))

    def gradient_size(self, position: FloatArray) -> float:
        """|∂loss/∂δ| in coordinates δ of any factor F of Θ = F Fᵀ, c of δ = Fᵀc."""
        pull = self.gradient(position)
        return sqrt(max(float(pull @ (self.kernel @ pull)), 0.0))

    def newton(self, position: FloatArray) -> NewtonSystem:
        """The Gauss–Newton system at c = `position`."""
        found, root = self.residuals(position), np.sqrt(self.weights / self.weights.sum())
        slope = found.slope * root
        points = root.size

        def lift(dual: FloatArray) -> FloatArray:
            return np.moveaxis(slope * dual, -1, 0).reshape(self.coordinates)

        return NewtonSystem(contracted(self.kernel, slope, slope).reshape(points, points), root * found.residual, lift)


def linearised(network: JetNetwork, parameters: Array, data: MetricData) -> AffineMetric:
    """The φ-model with `network`, linearised at `parameters` (P,), at the points of `data`; δ = θ - θ₀.

    It holds the metric's Jacobian, 8 n² N P bytes.
    """
    rows, n = metric_rows(network, parameters, data.jets), network.dimension
    bend = rows.output()[1 + 2 * n :].reshape(n, n, -1)
    start = np.asarray(data.reference, dtype=np.float64) + bend
    target, weights = (np.asarray(array, dtype=np.float64) for array in (data.target, data.weights))
    return AffineMetric(start, target, weights, rows.jacobian())


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
