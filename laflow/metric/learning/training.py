"""Training of a φ-model: by the clock or by steps, watched on held-out points, to be interrupted and resumed.

A metric that loses its positivity, or a loss that is no number, sends training back to the best model so far with
smaller steps. So does a collapse to Fubini–Study (units saturated, φ constant) of a model that had learned something;
one that had not begins anew from other random parameters. Both are counted and told in the result. A metric that is
lost again and again ends the training, with the best model if it is not the first one.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laflow.blas import one_blas_thread
from laflow.checkpoint import Checkpoints, Keeper, State, digest, random_state, restore_random_state
from laflow.checks import positive_number, whole_number
from laflow.errors import CheckpointError, ConvergenceError, ShapeError, ValueRangeError
from laflow.metric.geometry.sampling import PointSample
from laflow.metric.learning.objective import Loss, MetricObjective
from laflow.metric.learning.training_memory import require_training_room
from laflow.metric.learning.training_methods import WITH_RATE, Method, MethodName, MethodOptions, checked_method
from laflow.metric.model.phi_model import PhiModel

FloatArray = NDArray[np.float64]

HELD_OUT_SHARE = 0.1
MOST_HELD_OUT = 4000
LOOKS = 40
# Losses of the metric with no sound look in between after which training ends.
MOST_LOSSES = 12
MOST_RESTARTS = 3
# A model whose σ is Fubini–Study's within this share, some way into its training, has a constant φ: it has collapsed.
# One that learns slowly, or has begun by getting worse, differs by more.
COLLAPSED_WITHIN, COLLAPSE_AFTER = 2e-3, 0.15
COLLAPSE_AFTER_STEPS = 20
# A collapsed model whose best σ is below this share of Fubini–Study's goes back to it. Another begins anew, unless
# more than this share of the training is over: what is left would not bring it to the learning rate's end.
LEARNED, LATEST_RESTART = 0.9, 0.8


@dataclass(frozen=True)
class TrainingStep:
    """One look at a training: after `step` steps and `seconds`, the loss of the last step, σ on held-out points.

    rate: learning rate, or damping. event: "", "recovered" (back to the best model: the metric was lost, or has
    collapsed), "restarted" (collapse, nothing learned) or "ended" (lost again and again). model: as it is after the
    step, its parameters not to be written to; for callbacks only, None in a history, which would hold them all.
    """

    step: int
    seconds: float
    progress: float
    loss: float
    sigma: float
    rate: float
    event: str = ""
    model: PhiModel | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, eq=False)
class TrainedMetric:
    """The best model on held-out points, and what it took.

    sigma: σ of `model` on the held-out points that it was chosen by (evaluate on others for an unbiased figure).
    fubini_study_sigma: σ of the metric training began near, on the same points.
    The last event of the history is "ended" where training gave up before its time, see `train_metric`.
    """

    model: PhiModel
    sigma: float
    fubini_study_sigma: float
    history: tuple[TrainingStep, ...]
    steps: int
    seconds: float
    recoveries: int
    restarts: int


@dataclass(frozen=True)
class TrainingOptions:
    """How to train; checked when made. At least one of `seconds` and `steps` is given, the first reached ends it."""

    method: MethodName = "gauss-newton"
    seconds: float | None = None
    steps: int | None = None
    batch: int = 500
    learning_rate: float | None = None
    precision: str = "single"

    def __post_init__(self) -> None:
        checked_method(self.method)
        if self.seconds is None and self.steps is None:
            raise ValueRangeError("neither seconds nor steps are given: give one of them, or both")
        if self.seconds is not None:
            object.__setattr__(self, "seconds", positive_number(self.seconds, "seconds"))
        if self.steps is not None:
            object.__setattr__(self, "steps", whole_number(self.steps, "steps"))
        object.__setattr__(self, "batch", whole_number(self.batch, "batch"))
        if self.learning_rate is not None:
            object.__setattr__(self, "learning_rate", positive_number(self.learning_rate, "learning_rate"))
            if self.method not in WITH_RATE:
                raise ValueRangeError(
                    f"learning_rate is {self.learning_rate}, but the method {self.method} has none: leave it out, or "
                    f"take one of {', '.join(WITH_RATE)}"
                )
        if self.precision not in ("single", "double"):
            raise ValueRangeError(f"the precision is {self.precision!r}: give 'single' or 'double'")


def train_metric(
    model: PhiModel,
    sample: PointSample,
    *,
    held_out: PointSample | None = None,
    method: MethodName = "gauss-newton",
    seconds: float | None = None,
    steps: int | None = None,
    batch: int = 500,
    learning_rate: float | None = None,
    precision: str = "single",
    rng: np.random.Generator | None = None,
    callback: Callable[[TrainingStep], None] | None = None,
    checkpoints: Checkpoints | None = None,
) -> TrainedMetric:
    """Make the metric of `model` Ricci-flat: lower Σ w (det g/κ|Ω|² - 1)² / Σ w over the points of `sample`.

    `method`: "gauss-newton" (all points; steps along the inverse tangent kernel), "adam" (batches of `batch` points),
    "lbfgs", or "gradient-descent" (the flow of theory). Ends after `seconds` or `steps`, whichever comes first;
    learning rates are chosen by a short range test unless given, and annealed over the time or the steps. Without
    `held_out`, a tenth of the lines of `sample` is held out. `precision` of the steps; σ is measured in double.
    `rng` (default: seed 0) is the only source of randomness.

    With `checkpoints`, the state is kept in a file; a training by steps that resumes ends, bit for bit, where it would
    have ended without the interruption. A metric that is lost again and again ends the training, with the best model so
    far; where that is the first one, `ConvergenceError` is raised. Raises `ProblemSizeError` for what would not fit
    into memory, and other subclasses of `LaflowError` for other input.
    """
    options = TrainingOptions(method, seconds, steps, batch, learning_rate, precision)
    generator = np.random.default_rng(0) if rng is None else rng
    random = random_state(generator)
    learning, watching = _split(sample, held_out)
    require_training_room(
        model.network, method, len(learning), precision=precision, rate_given=options.learning_rate is not None
    )

    def identity() -> dict[str, Any]:
        return {
            **asdict(options),
            "model": digest(model.parameters, model.centre, model.scale, str(model.network)),
            "points": digest(learning.points, watching.points),
            "rng": digest(json.dumps(random, sort_keys=True)),
        }

    keeper = Keeper(checkpoints, "train_metric", identity)
    kept = keeper.begin()
    with one_blas_thread(), keeper:
        run = _Run(model, learning, watching, options, generator, resumed=kept is not None)
        if kept is not None:
            run.restore(kept)
        return run.finish(keeper, callback)


def _split(sample: PointSample, held_out: PointSample | None) -> tuple[PointSample, PointSample]:
    if held_out is None:
        # The same split however often it is made: which lines are held out is no choice of the training's.
        return sample.split(HELD_OUT_SHARE, np.random.default_rng(0))
    if len(held_out) == 0:
        raise ShapeError("there are no held-out points: give one or more, or None to hold out a tenth of the sample")
    return sample, held_out


@dataclass(frozen=True, eq=False)
class _Best:
    parameters: FloatArray
    sigma: float


class _Run:
    """A training in progress."""

    def __init__(
        self,
        model: PhiModel,
        learning: PointSample,
        watching: PointSample,
        options: TrainingOptions,
        rng: np.random.Generator,
        *,
        resumed: bool,
    ) -> None:
        self._model, self._options, self._rng = model, options, rng
        kind = np.float32 if options.precision == "single" else np.float64
        self._begun, self._spent = monotonic(), 0.0
        self._objective = MetricObjective(model.network, model.prepare(learning, kind))
        some = watching.take(np.arange(min(len(watching), MOST_HELD_OUT)))
        self._watched = MetricObjective(model.network, model.prepare(some, np.float64))
        # The last layer alone makes φ: with it zero, the metric is Fubini–Study's.
        flat = model.parameters.copy()
        flat[-(model.network.sizes[-2] + 1) :] = 0.0
        self._reference = self._watched.loss(flat).sigma
        self._parameters = model.parameters.copy()
        first = self._watched.loss(self._parameters)
        if not first.sound:
            raise ValueRangeError(
                "the model's metric is not positive definite on the held-out points: begin from another, for example "
                "from PhiModel.fresh"
            )
        self._parameters = self._positive_everywhere(self._parameters)
        self._best = _Best(self._parameters, self._watched.loss(self._parameters).sigma)
        self._first_sigma = self._best.sigma
        self._step, self._recoveries, self._restarts, self._losses = 0, 0, 0, 0
        self._loss, self._looked = first, 0.0
        self._method = self._made(MethodOptions(options.batch, options.learning_rate, rng, resumed=resumed))
        self._history: list[TrainingStep] = []
        self._longest = 0.0
        # Kernels are compiled before steps are timed: a first step that took long says nothing of the next.
        self._objective.first(2).gradient(self._parameters)

    def _made(self, options: MethodOptions) -> Method:
        """The method, from other random parameters where none of its rates moves a start that has collapsed."""
        while True:
            try:
                return checked_method(self._options.method)(self._objective, self._parameters, options)
            except ConvergenceError:
                if self._restarts >= MOST_RESTARTS or not self._flat(self._best.sigma):
                    raise
                self._begin_anew()

    def finish(self, keeper: Keeper, callback: Callable[[TrainingStep], None] | None) -> TrainedMetric:
        if not self._history:
            self._look(callback, "restarted" if self._restarts else "")
        while not self._over():
            keeper.reached(self._step, self._captured())
            begun = monotonic()
            self._parameters, self._loss = self._method.step(self._parameters, self._progress())
            self._step += 1
            self._longest = max(0.5 * self._longest, monotonic() - begun)
            if not self._loss.sound:
                self._lost(callback)
            elif self._progress() >= self._looked + 1.0 / LOOKS or self._over():
                self._look(callback)
                if self._collapsed():
                    self._leave_collapse(callback)
        keeper.reached(self._step, self._captured())
        return TrainedMetric(
            self._model.with_parameters(self._best.parameters),
            self._best.sigma,
            self._reference,
            tuple(self._history),
            self._step,
            self._seconds(),
            self._recoveries,
            self._restarts,
        )

    def _seconds(self) -> float:
        return self._spent + monotonic() - self._begun

    def _progress(self) -> float:
        shares = [0.0]
        if self._options.seconds is not None:
            shares.append(self._seconds() / self._options.seconds)
        if self._options.steps is not None:
            shares.append(self._step / self._options.steps)
        return min(max(shares), 1.0)

    def _over(self) -> bool:
        if self._losses > MOST_LOSSES:
            return True
        if self._options.steps is not None and self._step >= self._options.steps:
            return True
        # The step that would end too late is not begun.
        return self._options.seconds is not None and self._seconds() + self._longest > self._options.seconds

    def _look(self, callback: Callable[[TrainingStep], None] | None, event: str = "") -> None:
        found = self._watched.loss(self._parameters)
        if found.sound and found.sigma < self._best.sigma:
            self._best = _Best(self._parameters, found.sigma)
        if found.sound and not event:
            self._losses = 0
        self._looked = self._progress()
        entry = TrainingStep(
            self._step, self._seconds(), self._looked, self._loss.value, found.sigma, self._method.rate, event
        )
        self._history.append(entry)
        if callback is not None:
            seen = self._parameters.view()
            seen.flags.writeable = False
            callback(replace(entry, model=self._model.with_parameters(seen)))

    def _lost(self, callback: Callable[[TrainingStep], None] | None) -> None:
        """The metric lost its positivity, or the loss is no number: back to the best model, or the end."""
        self._losses += 1
        if self._losses > MOST_LOSSES and not self._best.sigma < self._first_sigma:
            raise ConvergenceError(
                f"the metric lost its positivity {self._losses} times (loss {self._loss.value:.3g}, rate "
                f"{self._method.rate:.2g}) after {self._step} steps; the best σ was {self._best.sigma:.4g}: "
                "give a smaller learning rate, or another network"
            )
        self._recover(callback, "ended" if self._losses > MOST_LOSSES else "recovered")

    def _recover(self, callback: Callable[[TrainingStep], None] | None, event: str) -> None:
        """Back to the best model, with smaller steps."""
        self._recoveries += 1
        self._method.calm()
        self._parameters = self._positive_everywhere(self._best.parameters)
        self._look(callback, event)

    def _flat(self, sigma: float) -> bool:
        return abs(sigma - self._reference) < COLLAPSED_WITHIN * self._reference

    def _positive_everywhere(self, parameters: FloatArray) -> FloatArray:
        """The parameters, or such with a smaller φ where the metric is not positive at some point of the training.

        Held-out points may be too few to see it. φ is linear in the last layer, and without it the metric is
        Fubini–Study's, so shrinking ends.
        """
        found = parameters.copy()
        while not self._objective.loss(found).sound:
            found[-(self._model.network.sizes[-2] + 1) :] *= 0.8
        return found

    def _collapsed(self) -> bool:
        return (
            self._step >= COLLAPSE_AFTER_STEPS
            and self._progress() >= COLLAPSE_AFTER
            and self._flat(self._history[-1].sigma)
        )

    def _leave_collapse(self, callback: Callable[[TrainingStep], None] | None) -> None:
        """Back to the best model if it has learned something; else anew, while a restart has the time to pay off."""
        if self._best.sigma < LEARNED * self._reference:
            self._recover(callback, "recovered")
        elif self._restarts < MOST_RESTARTS and self._progress() <= LATEST_RESTART:
            self._begin_anew()
            self._method.calm()
            self._look(callback, "restarted")

    def _begin_anew(self) -> None:
        """Other random parameters, the last layer as small as the model's own was: what to go back to, too."""
        self._restarts += 1
        fresh = self._model.network.initial_parameters(self._rng)
        last = self._model.network.sizes[-2] + 1
        given = float(np.linalg.norm(self._model.parameters[-last:]))
        fresh[-last:] *= given / max(float(np.linalg.norm(fresh[-last:])), np.finfo(np.float64).tiny)
        self._parameters = self._positive_everywhere(fresh)
        found = self._watched.loss(self._parameters)
        if found.sound and self._flat(self._best.sigma):
            self._best = _Best(self._parameters, found.sigma)

    def _captured(self) -> Callable[[], State]:
        """What gives the state as it is now, whenever it is called: an interruption comes in the middle of a step.

        Numbers are taken now and arrays held on to, which no step writes to; only the history's table is made later.
        """
        own = self._method.state()
        numbers = {
            **{f"method_{name}": value for name, value in own.numbers.items()},
            "step": self._step,
            "seconds": self._seconds(),
            "recoveries": self._recoveries,
            "losses": self._losses,
            "restarts": self._restarts,
            "best_sigma": self._best.sigma,
            "looked": self._looked,
            "loss": self._loss.value,
            "loss_sigma": self._loss.sigma,
            "random": random_state(self._rng),
        }
        arrays = {f"method_{name}": value for name, value in own.arrays.items()}
        arrays |= {"parameters": self._parameters, "best": self._best.parameters}
        return partial(_state, numbers, arrays, tuple(self._history))

    def restore(self, state: State) -> None:
        """Go on from a state that `_captured` gave."""
        prefix = "method_"
        self._method.restore(
            State(
                {name.removeprefix(prefix): v for name, v in state.numbers.items() if name.startswith(prefix)},
                {name.removeprefix(prefix): v for name, v in state.arrays.items() if name.startswith(prefix)},
            )
        )
        shape = self._parameters.shape
        self._parameters = state.array("parameters", shape)
        self._best = _Best(state.array("best", shape), state.number("best_sigma"))
        self._step = state.whole_number("step", least=0, most=self._options.steps)
        self._spent = state.number("seconds")
        self._begun = monotonic()
        self._recoveries = state.whole_number("recoveries", least=0)
        self._losses = state.whole_number("losses", least=0)
        self._restarts = state.whole_number("restarts", least=0)
        self._looked = state.number("looked")
        # The loss may have been no number: then training has gone back to the best model.
        self._loss = Loss(state.number("loss", finite=False), state.number("loss_sigma", finite=False), positive=True)
        events = state.numbers.get("events")
        if not isinstance(events, list) or not all(isinstance(event, str) for event in events):
            raise CheckpointError("the checkpoint's events are no list of texts: the file is damaged; begin anew")
        times = state.array("history", (len(events), 4))
        losses = state.array("history_losses", (len(events), 2), finite=False)
        self._history = [
            TrainingStep(int(step), seconds, progress, loss, sigma, rate, event)
            for (step, seconds, progress, rate), (loss, sigma), event in zip(
                times.tolist(), losses.tolist(), events, strict=True
            )
        ]
        restore_random_state(self._rng, state.numbers.get("random"))


def _state(numbers: Mapping[str, Any], arrays: Mapping[str, FloatArray], history: Sequence[TrainingStep]) -> State:
    times = [(entry.step, entry.seconds, entry.progress, entry.rate) for entry in history]
    losses = [(entry.loss, entry.sigma) for entry in history]
    tables = {
        "history": np.array(times, dtype=np.float64).reshape(len(history), 4),
        "history_losses": np.array(losses, dtype=np.float64).reshape(len(history), 2),
    }
    return State({**numbers, "events": [entry.event for entry in history]}, {**arrays, **tables})
