"""The four ways to train a φ-model, each as steps with a state that a checkpoint can keep."""

from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from laflow.checkpoint import State
from laflow.errors import ValueRangeError
from laflow.metric.learning.descent import annealed, range_test, stable_rate
from laflow.metric.learning.gauss_newton import Damping, gauss_newton_step
from laflow.metric.learning.limited_memory import Memory, Position, begin, limited_memory_step
from laflow.metric.learning.objective import Loss, MetricObjective
from laflow.optimizers import MomentOptimizer, Moments

FloatArray = NDArray[np.float64]
MethodName = Literal["gauss-newton", "adam", "lbfgs", "gradient-descent"]

# By how much steps shrink after the metric was lost, or the model collapsed to Fubini–Study.
CALMER = 3.0


class Method(Protocol):
    """One way to train."""

    @property
    def rate(self) -> float:
        """Learning rate or damping of the last step."""
        ...

    def step(self, parameters: FloatArray, progress: float) -> tuple[FloatArray, Loss]:
        """New parameters and the loss that the step saw: at its end for methods that check it, else at its start."""
        ...

    def calm(self) -> None:
        """Forget what was remembered and take smaller steps from now on."""
        ...

    def state(self) -> State:
        """All that the next step depends on besides the parameters, in arrays that steps replace and never write to."""
        ...

    def restore(self, state: State) -> None:
        """Go on from a state of `state`."""
        ...


class GaussNewton:
    """Levenberg–Marquardt, see `gauss_newton`."""

    def __init__(self, objective: MetricObjective, start: FloatArray, options: "MethodOptions") -> None:
        self._objective, self._rng, self._damping = objective, options.rng, Damping()

    @property
    def rate(self) -> float:
        return self._damping.value

    def step(self, parameters: FloatArray, progress: float) -> tuple[FloatArray, Loss]:
        found = gauss_newton_step(self._objective, parameters, self._damping, self._rng)
        self._damping = found.damping
        return found.parameters, found.loss

    def calm(self) -> None:
        self._damping = Damping(CALMER * self._damping.value, self._damping.points)

    def state(self) -> State:
        return State({"damping": self._damping.value, "points": self._damping.points}, {})

    def restore(self, state: State) -> None:
        self._damping = Damping(state.number("damping"), state.whole_number("points", least=1))


class Adam:
    """Batches without replacement, the learning rate by a range test unless given, annealed to 0 by half a cosine."""

    def __init__(self, objective: MetricObjective, start: FloatArray, options: "MethodOptions") -> None:
        self._objective, self._rng = objective, options.rng
        self._batch = min(options.batch, len(objective.data))
        self._rate = options.learning_rate
        if self._rate is None and not options.resumed:
            self._rate = range_test(objective, start, self._batch, self._rng)
        self.rate = self._rate or 0.0
        self._optimizer = MomentOptimizer()
        # In float64, as checkpoints keep it; never written to, only replaced.
        self._order, self._next = np.zeros(0), 0

    def step(self, parameters: FloatArray, progress: float) -> tuple[FloatArray, Loss]:
        assert self._rate is not None
        if self._next + self._batch > len(self._order):
            self._order, self._next = self._rng.permutation(len(self._objective.data)).astype(np.float64), 0
        chosen = self._order[self._next : self._next + self._batch].astype(np.int64)
        self._next += self._batch
        loss, gradient = self._objective.at(chosen).gradient(parameters)
        self.rate = annealed(self._rate, progress)
        if not (loss.sound and np.isfinite(gradient).all()):
            return parameters, Loss(loss.value, loss.sigma, positive=False)
        return parameters - self.rate * self._optimizer.descend(gradient), loss

    def calm(self) -> None:
        assert self._rate is not None
        self._rate /= CALMER
        self._optimizer = MomentOptimizer()

    def state(self) -> State:
        assert self._rate is not None
        moments = self._optimizer.moments
        arrays = {} if moments is None else {"first": moments.first, "second": moments.second}
        numbers = {"base_rate": self._rate, "next": self._next, "count": 0 if moments is None else moments.count}
        return State(numbers, {**arrays, "order": self._order})

    def restore(self, state: State) -> None:
        points = len(self._objective.data)
        self._rate = state.number("base_rate")
        self._next = state.whole_number("next", least=0, most=points)
        order = state.arrays.get("order")
        shape = (0,) if order is None or order.shape == (0,) else (points,)
        self._order = state.array("order", shape)
        if count := state.whole_number("count", least=0):
            shape = (self._objective.network.parameter_count,)
            self._optimizer.moments = Moments(count, state.array("first", shape), state.array("second", shape))


class GradientDescent:
    """θ ← θ - η ∂L over all points, η constant: the flow of the tangent kernel in steps of time η."""

    def __init__(self, objective: MetricObjective, start: FloatArray, options: "MethodOptions") -> None:
        self._objective = objective
        given = options.learning_rate
        if given is None and not options.resumed:
            given = stable_rate(objective, start, options.rng)
        self.rate = given or 0.0

    def step(self, parameters: FloatArray, progress: float) -> tuple[FloatArray, Loss]:
        loss, gradient = self._objective.gradient(parameters)
        return parameters - self.rate * gradient, loss

    def calm(self) -> None:
        self.rate /= CALMER

    def state(self) -> State:
        return State({"rate": self.rate}, {})

    def restore(self, state: State) -> None:
        self.rate = state.number("rate")


class LimitedMemory:
    """L-BFGS over all points, see `limited_memory`."""

    rate = 1.0

    def __init__(self, objective: MetricObjective, start: FloatArray, options: "MethodOptions") -> None:
        self._objective = objective
        self._at: Position | None = None
        self._memory = Memory.empty(start.size)

    def step(self, parameters: FloatArray, progress: float) -> tuple[FloatArray, Loss]:
        if self._at is None or self._at.parameters is not parameters:
            self._at = begin(self._objective, parameters, self._memory)
        self._at = limited_memory_step(self._objective, self._at)
        self._memory = self._at.memory
        return self._at.parameters, self._at.loss

    def calm(self) -> None:
        self._at, self._memory = None, Memory.empty(self._objective.network.parameter_count)

    def state(self) -> State:
        arrays = {"steps": self._memory.steps, "changes": self._memory.changes}
        return State({"pairs": len(self._memory.steps)}, arrays)

    def restore(self, state: State) -> None:
        shape = (state.whole_number("pairs", least=0), self._objective.network.parameter_count)
        self._memory = Memory(state.array("steps", shape), state.array("changes", shape))


class MethodOptions:
    """What methods are made with: the size of batches, a learning rate (None: chosen), randomness."""

    def __init__(
        self, batch: int, learning_rate: float | None, rng: np.random.Generator, *, resumed: bool = False
    ) -> None:
        self.batch, self.learning_rate, self.rng, self.resumed = batch, learning_rate, rng, resumed


METHODS: dict[str, Callable[[MetricObjective, FloatArray, MethodOptions], Method]] = {
    "gauss-newton": GaussNewton,
    "adam": Adam,
    "lbfgs": LimitedMemory,
    "gradient-descent": GradientDescent,
}


# The methods that take batches of points, and those that take a learning rate.
BATCHED = ("adam",)
WITH_RATE = ("adam", "gradient-descent")


def checked_method(name: str) -> Callable[[MetricObjective, FloatArray, MethodOptions], Method]:
    """The method of this name; `ValueRangeError` if there is none."""
    if name not in METHODS:
        raise ValueRangeError(f"the method is {name!r}: give one of {', '.join(METHODS)}")
    return METHODS[name]
