"""L-BFGS: a quasi-Newton direction from the last steps and changes of the gradient (Liu and Nocedal 1989).

SciPy's routine owns its loop; ours must give its state to checkpoints, stop by the clock, and refuse steps that make
the metric lose its positivity.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laflow.metric.learning.objective import Loss, MetricObjective

FloatArray = NDArray[np.float64]

MEMORY = 20
ENOUGH_DESCENT = 1e-4
ATTEMPTS = 20


@dataclass(frozen=True, eq=False)
class Memory:
    """Steps s and changes of the gradient y, (pairs, P) each, oldest first, with <s, y> > 0."""

    steps: FloatArray
    changes: FloatArray

    @staticmethod
    def empty(parameters: int) -> "Memory":
        """No pairs: the direction is that of the gradient."""
        return Memory(np.zeros((0, parameters)), np.zeros((0, parameters)))

    def direction(self, gradient: FloatArray) -> FloatArray:
        """-H g by the two-loop recursion; without pairs, a step of length 1e-3 down the gradient."""
        if not len(self.steps):
            return -gradient * (1e-3 / max(float(np.linalg.norm(gradient)), np.finfo(np.float64).tiny))
        inner = np.einsum("kp,kp->k", self.steps, self.changes)
        vector, shares = gradient.copy(), np.zeros(len(inner))
        for k in range(len(inner) - 1, -1, -1):
            shares[k] = self.steps[k] @ vector / inner[k]
            vector -= shares[k] * self.changes[k]
        vector *= inner[-1] / float(self.changes[-1] @ self.changes[-1])
        for k in range(len(inner)):
            vector += (shares[k] - self.changes[k] @ vector / inner[k]) * self.steps[k]
        return -vector

    def remembering(self, step: FloatArray, change: FloatArray) -> "Memory":
        """With one pair more, and the oldest forgotten beyond `MEMORY`; a pair of no positive curvature is left out."""
        if not step @ change > 1e-12 * np.linalg.norm(step) * np.linalg.norm(change):
            return self
        return Memory(np.vstack([self.steps, step])[-MEMORY:], np.vstack([self.changes, change])[-MEMORY:])


@dataclass(frozen=True, eq=False)
class Position:
    """A point of the descent: parameters, loss, gradient, and what is remembered."""

    parameters: FloatArray
    loss: Loss
    gradient: FloatArray
    memory: Memory


def begin(objective: MetricObjective, parameters: FloatArray, memory: Memory | None = None) -> Position:
    """The loss and gradient at `parameters`."""
    loss, gradient = objective.gradient(parameters)
    return Position(parameters, loss, gradient, memory or Memory.empty(parameters.size))


def limited_memory_step(objective: MetricObjective, at: Position) -> Position:
    """One step with backtracking; at the same parameters and with nothing remembered if no length lowers the loss."""
    direction = at.memory.direction(at.gradient)
    slope = float(direction @ at.gradient)
    if slope >= 0.0:
        return Position(at.parameters, at.loss, at.gradient, Memory.empty(at.parameters.size))
    length = 1.0
    for _ in range(ATTEMPTS):
        moved = at.parameters + length * direction
        loss, gradient = objective.gradient(moved)
        if loss.sound and loss.value <= at.loss.value + ENOUGH_DESCENT * length * slope:
            memory = at.memory.remembering(moved - at.parameters, gradient - at.gradient)
            return Position(moved, loss, gradient, memory)
        length *= 0.5
    return Position(at.parameters, at.loss, at.gradient, Memory.empty(at.parameters.size))
