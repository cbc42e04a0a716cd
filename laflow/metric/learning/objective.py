"""The L² loss of a φ-model over points, with its gradient, and the Jacobian of its residuals.

L = Σ w r² / Σ w with r = det g/(κ|Ω|²) - 1. Points are worked on in chunks, so memory does not grow with their number.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laflow.metric.model.contracted_bend import Contractible, contractible
from laflow.metric.model.jet_network import JetNetwork, Tape
from laflow.metric.model.kernel_workspace import one_kernel_thread
from laflow.metric.model.monge_ampere import Residuals, residuals
from laflow.metric.model.phi_model import CHUNK, MetricData, chunks

Array = NDArray[Any]
FloatArray = NDArray[np.float64]

# Points whose rows of the Jacobian are held at once: products of rows want more of them than the layers' cache holds.
ROWS_AT_ONCE = 500
# Points times units of the widest layer in one pass for the loss and its gradient. Fewer stay closer to the processor,
# more spare calls and make longer products of matrices: on one core with 1 MB of its own cache, 500 points of 64 units
# take 3.1 ms at once, 3.4 ms in two passes and 3.8 ms in three.
SITES_AT_ONCE = 32_000
LEAST_AT_ONCE = 50


@dataclass(frozen=True)
class Loss:
    """L, σ, and whether the metric is positive definite at every point that was looked at."""

    value: float
    sigma: float
    positive: bool

    @property
    def sound(self) -> bool:
        """Whether one may go on from here: a finite loss of a metric."""
        return self.positive and bool(np.isfinite(self.value))


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """Of r(θ + δ) ≈ r + Jδ in the norm of the loss: `matrix` JᵀJ (P, P) and `vector` Jᵀr (P,), both over Σ w."""

    loss: Loss
    matrix: FloatArray
    vector: FloatArray


@dataclass(frozen=True, eq=False)
class Rows:
    """Residuals and their Jacobian as they enter the loss, each times √(w/Σw): (N,) and (N, P)."""

    loss: Loss
    residual: Array
    jacobian: Array


@dataclass(frozen=True, eq=False)
class MetricObjective:
    """The loss of a network on prepared points. Parameters are given in float64 and used in the type of the data."""

    network: JetNetwork
    data: MetricData

    def first(self, count: int) -> "MetricObjective":
        """The objective on the first points only."""
        return MetricObjective(self.network, self.data.slice(slice(0, count)))

    def at(self, chosen: NDArray[np.int64]) -> "MetricObjective":
        """The objective on the points of these indices."""
        return MetricObjective(self.network, self.data.take(chosen))

    @one_kernel_thread()
    def loss(self, parameters: FloatArray) -> Loss:
        """The loss alone."""
        sums = _Sums()
        for part, _, found in self._contracted_passes(parameters):
            sums.add(found, part.weights)
        return sums.loss()

    @one_kernel_thread()
    def gradient(self, parameters: FloatArray) -> tuple[Loss, FloatArray]:
        """The loss and its gradient (P,)."""
        sums, total = _Sums(), np.zeros(parameters.shape)
        for part, passed, found in self._contracted_passes(parameters):
            sums.add(found, part.weights)
            total += passed.gradient(found.slope * (2 * part.weights * found.residual))
        return sums.loss(), total / sums.weight

    @one_kernel_thread()
    def normal_equations(self, parameters: FloatArray) -> NormalEquations:
        """Matrix and vector of a Gauss–Newton step; memory of P² numbers and a chunk's Jacobian."""
        sums, count = _Sums(), parameters.size
        matrix, vector = np.zeros((count, count), dtype=self.data.target.dtype), np.zeros(count)
        for part, tape, found in self._passes(parameters, ROWS_AT_ONCE):
            sums.add(found, part.weights)
            root = np.sqrt(part.weights)
            rows = self.network.jacobian(tape, self._covector(found, root))
            matrix += rows.T @ rows
            vector += rows.T @ (root * found.residual)
        return NormalEquations(sums.loss(), matrix.astype(np.float64) / sums.weight, vector / sums.weight)

    @one_kernel_thread()
    def rows(self, parameters: FloatArray) -> Rows:
        """All rows of the Jacobian, for fewer points than parameters: N P numbers."""
        sums, points = _Sums(), len(self.data)
        residual = np.empty(points, dtype=self.data.target.dtype)
        jacobian = np.empty((points, parameters.size), dtype=residual.dtype)
        root = np.sqrt(self.data.weights / self.data.weights.sum())
        for where, (part, tape, found) in zip(chunks(points, CHUNK), self._passes(parameters), strict=True):
            sums.add(found, part.weights)
            jacobian[where] = self.network.jacobian(tape, self._covector(found, root[where]))
            residual[where] = root[where] * found.residual
        return Rows(sums.loss(), residual, jacobian)

    def _contracted_passes(self, parameters: FloatArray) -> Iterator[tuple[MetricData, Contractible, Residuals]]:
        used = parameters.astype(self.data.target.dtype)
        for where in chunks(len(self.data), even_size(len(self.data), SITES_AT_ONCE // max(self.network.sizes))):
            part = self.data.slice(where)
            passed = contractible(self.network, used, part.jets)
            yield part, passed, residuals(part.reference + passed.bend, part.target)

    def _passes(self, parameters: FloatArray, size: int = CHUNK) -> Iterator[tuple[MetricData, Tape, Residuals]]:
        used = parameters.astype(self.data.target.dtype)
        for where in chunks(len(self.data), size):
            part = self.data.slice(where)
            tape = self.network.forward(used, part.jets)
            bend = tape.output[1 + 2 * self.network.dimension :]
            yield part, tape, residuals(part.reference + bend.reshape(part.reference.shape), part.target)

    def _covector(self, found: Residuals, factor: Array) -> Array:
        """The covector of the output's jet that gives Σ factor ∂r."""
        covector = np.zeros((self.network.channels, factor.size), dtype=factor.dtype)
        np.multiply(found.slope.reshape(-1, factor.size), factor, out=covector[1 + 2 * self.network.dimension :])
        return covector


def even_size(count: int, most: int) -> int:
    """The size of the fewest chunks of about one size, of at most `most`, but at least `LEAST_AT_ONCE`, points each."""
    number = max(1, -(-count // max(LEAST_AT_ONCE, most)))
    return max(1, -(-count // number))


class _Sums:
    """Running sums over chunks, in float64."""

    def __init__(self) -> None:
        self.weight, self._square, self._size, self._positive = 0.0, 0.0, 0.0, True

    def add(self, found: Residuals, weights: Array) -> None:
        residual, w = found.residual.astype(np.float64), weights.astype(np.float64)
        self.weight += float(w.sum())
        self._square += float(w @ np.square(residual))
        self._size += float(w @ np.abs(residual))
        self._positive &= bool(found.positive.all())

    def loss(self) -> Loss:
        return Loss(self._square / self.weight, self._size / self.weight, self._positive)
