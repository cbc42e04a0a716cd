"""First-order training: plain gradient descent, whose flow the tangent kernel governs, and Adam on batches."""

from collections.abc import Callable
from math import cos, pi

import numpy as np
from numpy.typing import NDArray

from laflow.errors import ConvergenceError
from laflow.metric.learning.objective import MetricObjective
from laflow.optimizers import MomentOptimizer

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# The range test: learning rates a factor √10 apart, each tried for so many steps from the same start.
RATES = tuple(10.0 ** (-half / 2) for half in range(2, 9))
TRIAL_STEPS = 30
# Points that the largest eigenvalue of the Hessian is estimated from, and power iterations.
CURVATURE_POINTS, CURVATURE_STEPS = 500, 30


def annealed(rate: float, progress: float) -> float:
    """The learning rate after a share `progress` of the time or steps given: half a cosine from `rate` to 0."""
    return 0.5 * rate * (1.0 + cos(pi * min(max(progress, 0.0), 1.0)))


def range_test(objective: MetricObjective, start: FloatArray, batch: int, rng: np.random.Generator) -> float:
    """The learning rate of Adam that lowers the loss most within a few steps from `start`.

    Each rate is tried on the same batches; a rate that loses positivity or finiteness is out. Raises
    `ConvergenceError` if none lowers the loss.
    """
    points = len(objective.data)
    batches = [rng.integers(0, points, size=min(batch, points)) for _ in range(TRIAL_STEPS)]
    judged = objective.at(rng.integers(0, points, size=min(4 * batch, points)))
    before = judged.loss(start).value
    found = {rate: _trial(objective, judged, start, rate, batches) for rate in RATES}
    best = min(found, key=lambda rate: found[rate])
    if not found[best] < before:
        raise ConvergenceError(
            f"no learning rate from {RATES[-1]:.0e} to {RATES[0]:.0e} lowers the loss {before:.3g} within "
            f"{TRIAL_STEPS} steps: give a smaller one, or another network"
        )
    return best


def _trial(
    objective: MetricObjective, judged: MetricObjective, start: FloatArray, rate: float, batches: list[IntArray]
) -> float:
    optimizer, parameters = MomentOptimizer(), start
    for chosen in batches:
        loss, gradient = objective.at(chosen).gradient(parameters)
        if not loss.sound or not np.isfinite(gradient).all():
            return np.inf
        parameters = parameters - rate * optimizer.descend(gradient)
    loss = judged.loss(parameters)
    return loss.value if loss.sound else np.inf


def stable_rate(objective: MetricObjective, parameters: FloatArray, rng: np.random.Generator) -> float:
    """The learning rate 1/λ of gradient descent, λ the largest eigenvalue of the loss' Gauss–Newton Hessian 2 JᵀJ.

    Gradient descent is stable up to 2/λ. λ comes from some points, by power iteration.
    """
    points = len(objective.data)
    chosen = rng.choice(points, min(CURVATURE_POINTS, points), replace=False)
    jacobian = objective.at(chosen).rows(parameters).jacobian.astype(np.float64)
    return 1.0 / (2.0 * largest_eigenvalue(lambda v: jacobian @ (jacobian.T @ v), chosen.size, rng))


def largest_eigenvalue(apply: Callable[[FloatArray], FloatArray], size: int, rng: np.random.Generator) -> float:
    """The largest eigenvalue of a positive semidefinite map, by power iteration: from below, to about a percent."""
    vector = rng.standard_normal(size)
    length = 0.0
    for _ in range(CURVATURE_STEPS):
        vector = apply(vector / np.linalg.norm(vector))
        length = float(np.linalg.norm(vector))
        if length == 0.0:
            raise ConvergenceError("the loss does not depend on the parameters: no learning rate can be chosen")
    return length
