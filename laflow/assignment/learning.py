"""Learning the weights of one image from its true labels: descent on the simplex of every patch, Eqs.
(3.7)-(3.8).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from laflow.assignment.flow import FlowSolution, LabelingProblem
from laflow.assignment.gradient import GradientOptions, Method, gradient_workspace, packed_loss_gradient
from laflow.checkpoint import Checkpoints, Keeper, State, digest
from laflow.checks import positive_number, whole_number
from laflow.errors import CheckpointError, ValueRangeError
from laflow.graph import FloatArray, Graph, GridGraph, IntArray
from laflow.kernels import exponential_step, riemannian_gradient
from laflow.optimizers import MomentOptimizer, Moments

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
    checkpoints: Checkpoints | None = None,
) -> LearnedWeights:
    """Minimise the loss (3.6) over the weights, from `weights` (positive; uniform if None), in `steps` steps.

    ``riemannian``: Omega exp(-h dL), normalised, Eq. (3.8), with h = `step_size` / max |dL|: the gradient of
    the direction loss has no absolute size to go by. ``adam`` and ``adamax`` work on exponential coordinates
    theta, Omega = exp_1(theta), whose gradient is R_Omega dL; `step_size` is then the change of a coordinate
    in one step. `callback` sees each `LearningStep`. Learning ends early where the gradient is zero. Memory
    does not grow with `steps`.

    With `checkpoints` the state is kept in a file, also when the run is interrupted; a run that resumes from it
    ends, bit for bit, where it would have ended without the interruption, and may be given more `steps`. Raises
    subclasses of `LaflowError`.
    """
    if optimizer not in get_args(Optimizer):
        raise ValueRangeError(f"the optimizer is {optimizer!r}: choose one of {', '.join(get_args(Optimizer))}")
    graph, labels = problem.graph, problem.check_truth(truth)
    count = whole_number(steps, "steps")
    size = positive_number(DEFAULT_STEP_SIZE[optimizer] if step_size is None else step_size, "step_size")
    options = GradientOptions(time, method, krylov_dim, rank, regularization)
    start = graph.packed_uniform_weights() if weights is None else graph.check_weights(weights, positive=True)
    direction = _Direction(optimizer, graph)

    def identity() -> dict[str, Any]:
        told = {"optimizer": optimizer, "step_size": size, **asdict(options)}
        return {**told, "problem": _problem_digest(problem, labels, start)}

    keeper = Keeper(checkpoints, "learn_weights", identity)
    kept = keeper.begin()
    now = _Progress(start, [], None) if kept is None else _restored(kept, graph, direction, count)
    current, history, best = now.weights, now.history, now.best
    workspace = gradient_workspace(problem, options)
    with keeper:
        for step in range(len(history), count + 1):
            keeper.reached(step, partial(_state, step, _Progress(current, history, best), direction.moments))
            result = packed_loss_gradient(problem, current, labels, options, workspace)
            wrong = problem.wrong_percent(result.solution.labels, labels)
            history.append(LearningStep(step, result.loss, result.flow_loss, wrong))
            if callback is not None:
                callback(history[-1])
            if best is None or history[-1].better_than(history[best.step]):
                best = _Best(step, current, result.solution)
            moved = direction.of(current, result.packed_gradient) if step < count else None
            if moved is None:
                break
            current = _step(graph, current, moved, size)
    assert best is not None  # the loop runs at least once
    solution = best.solution
    if solution is None:  # met before the run was resumed; it follows from the weights
        solution = packed_loss_gradient(problem, best.weights, labels, options, workspace).solution
    return LearnedWeights(graph, best.weights, tuple(history), best.step, solution)


@dataclass(frozen=True, eq=False)
class _Best:
    """The best weights met; their flow, unless they come from a checkpoint."""

    step: int
    weights: FloatArray
    solution: FlowSolution | None


@dataclass(frozen=True, eq=False)
class _Progress:
    """How far learning has come: the weights of the next step, what was seen before it, and the best of that."""

    weights: FloatArray
    history: list[LearningStep]
    best: _Best | None


class _Direction:
    """The direction to step against, from weights and their Euclidean gradient; None where that is zero."""

    def __init__(self, optimizer: Optimizer, graph: Graph) -> None:
        self._graph = graph
        self._optimizer = None if optimizer == "riemannian" else MomentOptimizer(optimizer)

    @property
    def moments(self) -> Moments | None:
        """What it remembers of earlier gradients."""
        return None if self._optimizer is None else self._optimizer.moments

    def restore(self, moments: Moments) -> None:
        """Go on from `moments`."""
        assert self._optimizer is not None
        self._optimizer.moments = moments

    def of(self, weights: FloatArray, gradient: FloatArray) -> FloatArray | None:
        """The direction; it may take the memory of `gradient`."""
        if self._optimizer is None:
            return _scaled(gradient)
        intrinsic = self._graph.empty_weights()
        self._graph.run(riemannian_gradient, (weights, gradient, self._graph.inside), (intrinsic,))
        return self._optimizer.descend(intrinsic) if np.any(intrinsic) else None


def _scaled(gradient: FloatArray) -> FloatArray | None:
    """The gradient over its largest entry, in place."""
    largest = max(float(gradient.max()), -float(gradient.min()))
    return np.divide(gradient, largest, out=gradient) if largest > 0.0 else None


def _step(graph: Graph, weights: FloatArray, direction: FloatArray, step_size: float) -> FloatArray:
    """exp_Omega(-h direction), kept inside the simplex."""
    updated = graph.empty_weights()
    graph.run(exponential_step, (weights, direction, graph.inside, step_size), (updated,))
    smallest = max(SMALLEST_WEIGHT, float(np.finfo(graph.dtype).tiny))  # in single precision 1e-100 would be zero
    np.maximum(updated, smallest * graph.inside, out=updated)
    return updated


def _problem_digest(problem: LabelingProblem, truth: IntArray, weights: FloatArray) -> str:
    """Short name of all arrays that learning depends on."""
    graph = problem.graph
    if isinstance(graph, GridGraph):
        described = digest(f"grid {graph.shape} {graph.radius} {graph.precision}")
    else:
        described = digest(graph.precision, graph.indptr, graph.indices)
    return digest(described, problem.log_likelihood, truth, weights)


def _state(step: int, now: _Progress, moments: Moments | None) -> State:
    """What learning is before `step`; the history may have grown since."""
    seen = [(entry.loss, entry.flow_loss, entry.wrong_percent) for entry in now.history[:step]]
    numbers: dict[str, Any] = {"step": step}
    arrays: dict[str, FloatArray] = {"weights": now.weights, "history": np.array(seen).reshape(step, 3)}
    if now.best is not None:
        numbers["best_step"], arrays["best_weights"] = now.best.step, now.best.weights
    if moments is not None:
        numbers["count"], arrays["first"], arrays["second"] = moments.count, moments.first, moments.second
    return State(numbers, arrays)


def _restored(state: State, graph: Graph, direction: _Direction, steps: int) -> _Progress:
    """Go on from a state. Raises `CheckpointError` if it is inconsistent or beyond `steps`."""
    step = state.whole_number("step", least=0)
    if step > steps:
        raise CheckpointError(f"the checkpoint stands before step {step}, but steps is {steps}: give at least {step}")
    layout = graph.inside.shape, graph.dtype
    seen = state.array("history", (step, 3)).tolist()
    history = [LearningStep(number, *values) for number, values in enumerate(seen)]
    if "count" in state.numbers:
        count = state.whole_number("count", least=1)
        direction.restore(Moments(count, state.array("first", *layout), state.array("second", *layout)))
    best = None
    if step > 0:
        best = _Best(
            state.whole_number("best_step", least=0, most=step - 1), state.array("best_weights", *layout), None
        )
    return _Progress(state.array("weights", *layout), history, best)
