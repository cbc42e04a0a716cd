"""Gauss–Newton steps with Levenberg–Marquardt damping: natural gradient descent in the space of metrics.

With r(θ + δ) ≈ r + Jδ, the step solves (JᵀJ + λ)δ = -Jᵀr. For fewer points than parameters, δ = -Jᵀ(JJᵀ + λ)⁻¹ r, and
JJᵀ is the tangent kernel of the residuals: the step moves them along the kernel's inverse, so that all of its modes
converge at one rate, where gradient descent leaves the small eigenvalues behind.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from laflow.metric.learning.objective import Loss, MetricObjective

FloatArray = NDArray[np.float64]

# The first steps see few points: the model is far off, and a step costs as much as it has points.
FIRST_POINTS = 4000
# Above so many parameters, points are drawn anew for each step and the kernel of so many of them is inverted.
MOST_PARAMETERS = 3000
KERNEL_POINTS = 3000
FIRST_DAMPING = 1e-4
DAMPINGS = (1e-10, 1e6)
ATTEMPTS = 8
# All points are used once the loss on the first ones is below this and no longer falls by this factor a step.
SETTLED_LOSS, SETTLED_SHARE = 0.01, 0.7


@dataclass(frozen=True)
class Damping:
    """The state between steps: λ in units of the mean diagonal of JᵀJ, and how many points steps see."""

    value: float = FIRST_DAMPING
    points: int = FIRST_POINTS


@dataclass(frozen=True, eq=False)
class Step:
    """New parameters, the loss there, the next step's damping. `moved` is False if no attempt lowered the loss."""

    parameters: FloatArray
    loss: Loss
    damping: Damping
    moved: bool


def gauss_newton_step(
    objective: MetricObjective, parameters: FloatArray, damping: Damping, rng: np.random.Generator
) -> Step:
    """One accepted step, or the parameters as they were after `ATTEMPTS` refused ones.

    A step is refused, and λ raised, if it does not lower the loss or the metric loses its positivity at some point
    (Madsen, Nielsen & Tingleff, Methods for non-linear least squares problems, 2004). Draws from `rng` only where
    points are drawn, see `MOST_PARAMETERS`.
    """
    kernel = parameters.size > MOST_PARAMETERS
    if kernel:
        count = min(KERNEL_POINTS, len(objective.data))
        seen = objective.at(rng.choice(len(objective.data), count, replace=False))
    else:
        seen = objective.first(min(damping.points, len(objective.data)))
    system = _KernelSystem(seen, parameters) if kernel else _NormalSystem(seen, parameters)
    value = damping.value
    for _ in range(ATTEMPTS):
        change = system.solve(value)
        if change is None:
            value = _bounded(10.0 * value)
            continue
        moved = parameters + change
        loss = seen.loss(moved)
        if loss.sound and loss.value < system.loss.value:
            share = (system.loss.value - loss.value) / system.predicted(change)
            factor = 0.2 if share > 0.75 else 1.0 if share > 0.25 else 3.0
            found = replace(damping, value=_bounded(factor * value))
            return Step(moved, loss, _more_points(found, system.loss, loss, len(objective.data)), True)
        value = _bounded(5.0 * value)
    return Step(parameters, system.loss, Damping(value, len(objective.data)), False)


def _more_points(damping: Damping, before: Loss, after: Loss, points: int) -> Damping:
    settled = after.value < SETTLED_LOSS and after.value > SETTLED_SHARE * before.value
    return replace(damping, points=points) if settled else damping


def _bounded(value: float) -> float:
    return min(max(value, DAMPINGS[0]), DAMPINGS[1])


class _NormalSystem:
    """(JᵀJ + λ)δ = -Jᵀr."""

    def __init__(self, objective: MetricObjective, parameters: FloatArray) -> None:
        equations = objective.normal_equations(parameters)
        self.loss, self._matrix, self._vector = equations.loss, equations.matrix, equations.vector
        self._size = float(np.mean(np.diagonal(self._matrix)))

    def solve(self, damping: float) -> FloatArray | None:
        damped = self._matrix.copy()
        damped[np.diag_indices_from(damped)] += damping * self._size
        return _solved(damped, -self._vector)

    def predicted(self, change: FloatArray) -> float:
        """By how much the linear model says the loss falls."""
        return float(-2.0 * self._vector @ change - change @ (self._matrix @ change))


class _KernelSystem:
    """δ = -Jᵀ(JJᵀ + λ)⁻¹ r."""

    def __init__(self, objective: MetricObjective, parameters: FloatArray) -> None:
        rows = objective.rows(parameters)
        self.loss, self._jacobian, self._residual = rows.loss, rows.jacobian, rows.residual.astype(np.float64)
        self._kernel = (rows.jacobian @ rows.jacobian.T).astype(np.float64)
        self._size = float(np.trace(self._kernel)) / parameters.size

    def solve(self, damping: float) -> FloatArray | None:
        damped = self._kernel.copy()
        damped[np.diag_indices_from(damped)] += damping * self._size
        found = _solved(damped, -self._residual)
        return None if found is None else self._times(self._jacobian.T, found)

    def predicted(self, change: FloatArray) -> float:
        """By how much the linear model says the loss falls."""
        moved = self._times(self._jacobian, change)
        return float(-2.0 * self._residual @ moved - moved @ moved)

    @staticmethod
    def _times(matrix: NDArray[Any], vector: FloatArray) -> FloatArray:
        product: FloatArray = (matrix @ vector.astype(matrix.dtype)).astype(np.float64)
        return product


def _solved(matrix: FloatArray, vector: FloatArray) -> FloatArray | None:
    """The solution, or None where rounding leaves the matrix not positive definite."""
    try:
        found: FloatArray = cho_solve(cho_factor(matrix, overwrite_a=True, check_finite=False), vector)
    except LinAlgError:
        return None
    return found if np.isfinite(found).all() else None
