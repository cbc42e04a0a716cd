"""Learning the weights of one image from its true labels: descent on the simplex of every patch, Eqs.
(3.7)-(3.8).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from laflow.assignment.flow import FlowSolution, LabelingProblem, positive_number, whole_number
from laflow.assignment.gradient import GradientOptions, Method, gradient_workspace, packed_loss_gradient
from laflow.assignment.optimizers import MomentOptimizer
from laflow.errors import ValueRangeError
from laflow.graph import FloatArray, Graph
from laflow.kernels import exponential_step, riemannian_gradient

Optimizer = Literal["riemannian", "adam", "adamax"]

# Multiplicative steps could carry a weight below the smallest float, where its logarithm and with it the way
# back would be lost. The floor is far below anything that changes a labeling.
SMALLEST_WEIGHT = 1e-100

DEFAULT_STEP_SIZE: dict[str, float] = {"riemannian": 1.0, "adam": 0.2, "adamax": 0.2}


@dataclass(frozen=True)
class LearningStep:
    """What one step saw before it moved: its number, the losses, and the percentage of wrong nodes."""

    step: int
    loss: float
    flow_loss: float
    wrong_percent: float

    def better_than(self, other: "LearningStep") -> bool:
        """Fewer wrong nodes or, with equally many, a smaller loss."""
        return (self.wrong_percent, self.loss) < (other.wrong_percent, other.loss)


@dataclass(frozen=True, eq=False)
class LearnedWeights:
    """The best weights met (fewest wrong nodes, then smallest loss), and the way there.

    `history` has one entry for the start and one for each step taken; `best_step` names the entry of the
    weights, whose flow is `solution`.
    """

    graph: Graph
    packed_weights: FloatArray = field(repr=False)
    history: tuple[LearningStep, ...] = field(repr=False)
    best_step: int
    solution: FlowSolution = field(repr=False)

    @cached_property
    def weights(self) -> FloatArray:
        """The weights, ``(*shape, |N|)`` or ``(E,)``."""
        return self.graph.unpack_weights(self.packed_weights)

    @property
    def wrong_percent(self) -> float:
        """Percentage of wrong nodes with these weights."""
        return self.history[self.best_step].wrong_percent


def learn_weights(
    problem: LabelingProblem,
    truth: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    time: float = 5.0,
    steps: int = 50,
    step_size: float | None = None,
    optimizer: Optimizer = "riemannian",
    regularization: float = 0.0,
    method: Method = "low-rank",
    krylov_dim: int = 8,
    rank: int = 4,
    callback: Callable[[LearningStep], None] | None = None,
) -> LearnedWeights:
    """Minimise the loss (3.6) over the weights, from `weights` (positive; uniform if None), in `steps` steps.

    ``riemannian``: Omega exp(-h dL), normalised, Eq. (3.8), with h = `step_size` / max |dL|: the gradient of
    the direction loss has no absolute size to go by. ``adam`` and ``adamax`` work on exponential coordinates
    theta, Omega = exp_1(theta), whose gradient is R_Omega dL; `step_size` is then the change of a coordinate
    in one step. `callback` sees each `LearningStep`. Learning ends early where the gradient is zero. Memory
    does not grow with `steps`. Raises subclasses of `LaflowError`.
    """
    if optimizer not in get_args(Optimizer):
        raise ValueRangeError(f"the optimizer is {optimizer!r}: choose one of {', '.join(get_args(Optimizer))}")
    graph, labels = problem.graph, problem.check_truth(truth)
    count = whole_number(steps, "steps")
    size = positive_number(DEFAULT_STEP_SIZE[optimizer] if step_size is None else step_size, "step_size")
    options = GradientOptions(time, method, krylov_dim, rank, regularization)
    current = graph.packed_uniform_weights() if weights is None else graph.check_weights(weights, positive=True)
    direction = _direction_of(optimizer)
    workspace = gradient_workspace(problem, options)
    history: list[LearningStep] = []
    best: tuple[int, FloatArray, FlowSolution] | None = None
    for step in range(count + 1):
        result = packed_loss_gradient(problem, current, labels, options, workspace)
        wrong = problem.wrong_percent(result.solution.labels, labels)
        history.append(LearningStep(step, result.loss, result.flow_loss, wrong))
        if callback is not None:
            callback(history[-1])
        if best is None or history[-1].better_than(history[best[0]]):
            best = (step, current, result.solution)
        moved = direction(graph, current, result.packed_gradient) if step < count else None
        if moved is None:
            break
        current = _step(graph, current, moved, size)
    assert best is not None  # the loop runs at least once
    return LearnedWeights(graph, best[1], tuple(history), best[0], best[2])


Direction = Callable[[Graph, FloatArray, FloatArray], FloatArray | None]


def _direction_of(optimizer: Optimizer) -> Direction:
    """The map (graph, weights, Euclidean gradient) -> direction to step against; None where the gradient is
    zero.
    """
    if optimizer == "riemannian":
        return _scaled_gradient
    moments = MomentOptimizer(optimizer)

    def direction(graph: Graph, weights: FloatArray, gradient: FloatArray) -> FloatArray | None:
        intrinsic = graph.empty_weights()
        graph.run(riemannian_gradient, (weights, gradient, graph.inside), (intrinsic,))
        return moments.descend(intrinsic) if np.any(intrinsic) else None

    return direction


def _scaled_gradient(graph: Graph, weights: FloatArray, gradient: FloatArray) -> FloatArray | None:
    largest = max(float(gradient.max()), -float(gradient.min()))
    return gradient / largest if largest > 0.0 else None


def _step(graph: Graph, weights: FloatArray, direction: FloatArray, step_size: float) -> FloatArray:
    """exp_Omega(-h direction), kept inside the simplex."""
    updated = graph.empty_weights()
    graph.run(exponential_step, (weights, direction, graph.inside, step_size), (updated,))
    np.maximum(updated, SMALLEST_WEIGHT * graph.inside, out=updated)
    return updated
