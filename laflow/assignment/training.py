"""Training the weight predictor through the flow: Theorem 3.8 composed with the adjoint of Eq. (4.4)."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from laflow.assignment.batch import ImageBatch, LabelledImage, labelled_images
from laflow.assignment.distances import finite_array, mean_colors
from laflow.assignment.gradient import GradientOptions
from laflow.assignment.grid_symmetry import GridSymmetry
from laflow.assignment.predictor import PredictorGradient, WeightPredictor, initial_predictor
from laflow.checkpoint import Checkpoints, Keeper, State, digest, random_state, restore_random_state
from laflow.checks import positive_number, whole_number
from laflow.errors import ShapeError, ValueRangeError
from laflow.graph import FloatArray, IntArray
from laflow.optimizers import MomentOptimizer, Moments
from laflow.parallel import spread_over_threads

# One image alone is divided into a part to train on and a part to validate on, if each is at least this long.
SMALLEST_PART = 8


@dataclass(frozen=True)
class TrainingStep:
    """What one step saw before it moved: mean loss and % wrong nodes in training, % wrong in validation if
    measured.
    """

    step: int
    loss: float
    wrong_percent: float
    validation_percent: float | None


@dataclass(frozen=True, eq=False)
class TrainedPredictor:
    """The predictor that validates best, and how it was found.

    `used_uniform` tells that uniform weights validated better than all that was learned: then `predictor`
    predicts these. Percentages are wrong nodes on the validation images.
    """

    predictor: WeightPredictor
    label_prototypes: FloatArray
    history: tuple[TrainingStep, ...] = field(repr=False)
    best_step: int
    validation_percent: float
    uniform_percent: float
    used_uniform: bool


@dataclass(frozen=True, eq=False)
class Example:
    """An image ``(*shape, C)`` with its true labels and, if known, its noise-free form."""

    image: FloatArray
    truth: IntArray
    clean: FloatArray

    @property
    def arrays(self) -> tuple[FloatArray, IntArray, FloatArray]:
        """All of it."""
        return self.image, self.truth, self.clean


def train_predictor(
    images: Sequence[ArrayLike],
    truths: Sequence[ArrayLike],
    *,
    label_prototypes: ArrayLike | None = None,
    clean_images: Sequence[ArrayLike] | None = None,
    validation: tuple[Sequence[ArrayLike], Sequence[ArrayLike]] | None = None,
    validation_fraction: float = 0.25,
    prototypes: int = 50,
    feature_radius: int = 1,
    radius: int = 1,
    time: float = 3.0,
    distance_scale: float = 1.0,
    krylov_dim: int = 6,
    rank: int = 3,
    regularization: float = 0.0,
    steps: int = 100,
    step_size: float = 0.3,
    validate_every: int = 5,
    patience: int = 8,
    augment: bool = True,
    rng: np.random.Generator | None = None,
    callback: Callable[[TrainingStep], None] | None = None,
    checkpoints: Checkpoints | None = None,
    workers: int | None = None,
) -> TrainedPredictor:
    """Train a weight predictor on labelled images ``(*shape, C)`` of any sizes, by Adam.

    `truths` are integers ``(*shape,)``. Distances are those to `label_prototypes` ``(J, C)``, by default the
    mean colour of each label. Prototype patches are clustered from `clean_images` if given. Each step sees
    every training image once, turned and reflected at random if `augment`: the patches of features and of
    weights turn with it. A share `validation_fraction` of the images (at least one, and part of the image if
    there is only one) is held out, unless `validation` gives other images; it is labelled every
    `validate_every` steps, training ends after `patience` of these without improvement, and the best
    predictor wins, be it the uniform one. Steps shrink to a tenth of `step_size` at the end. `rng` is the only
    source of randomness (default: seed 0).

    With `checkpoints` the state is kept in a file, also when training is interrupted; training that resumes from
    it ends, bit for bit, where it would have ended without the interruption. Up to `workers` images are worked on
    at once (None: one a thread), each in its own large arrays; the result does not depend on it. Raises subclasses
    of `LaflowError`.
    """
    generator = np.random.default_rng(0) if rng is None else rng
    examples = _examples(images, truths, clean_images)
    held_out = None if validation is None else _examples(*validation, None)
    colors = _label_prototypes(label_prototypes, examples)
    _check_labels([*examples, *(held_out or [])], colors.shape[0])
    training, validating = _split(examples, held_out, validation_fraction)
    scale = positive_number(distance_scale, "distance_scale")
    options = GradientOptions(time, "low-rank", krylov_dim, rank, regularization)
    schedule = _Schedule(
        whole_number(steps, "steps"),
        positive_number(step_size, "step_size"),
        whole_number(validate_every, "validate_every"),
        whole_number(patience, "patience"),
        bool(augment),
    )
    layout = {
        "prototypes": whole_number(prototypes, "prototypes"),
        "feature_radius": whole_number(feature_radius, "feature_radius", least=0),
        "radius": whole_number(radius, "radius", least=0),
    }
    random = random_state(generator)

    def identity() -> dict[str, Any]:
        arrays = [array for part in (training, validating) for item in part for array in item.arrays]
        told = {**asdict(schedule), **asdict(options), **layout, "distance_scale": scale}
        return {
            **told,
            "data": digest(f"{len(training)} to train on", colors, *arrays),
            "rng": digest(json.dumps(random, sort_keys=True)),
        }

    keeper = Keeper(checkpoints, "train_predictor", identity)
    kept = keeper.begin()
    start = initial_predictor(
        [example.clean for example in training], [example.truth for example in training], **layout, rng=generator
    )
    optimizer = _PredictorOptimizer(schedule.step_size)
    learning, checking = (
        labelled_images([(item.image, item.truth) for item in part], colors, start.radius, scale)
        for part in (training, validating)
    )

    most = max(len(learning), len(checking)) if workers is None else whole_number(workers, "workers")
    with keeper, spread_over_threads(most) as spread:
        batch = ImageBatch(options, spread)
        if kept is None:
            uniform = start.with_uniform_weights()
            percent = batch.wrong_percent(uniform, checking)
            now = _Progress(start, _Best(uniform, percent, -1, 0), percent, [])
        else:
            now = _restored(kept, start, optimizer, generator, schedule.steps)
        end = _train(now, optimizer, batch, learning, checking, schedule, generator, keeper, callback)
    return TrainedPredictor(
        end.best.predictor,
        colors,
        tuple(end.history),
        end.best.step,
        end.best.percent,
        end.uniform_percent,
        used_uniform=end.best.step < 0,
    )


@dataclass(frozen=True)
class _Schedule:
    steps: int
    step_size: float
    validate_every: int
    patience: int
    augment: bool


@dataclass(frozen=True, eq=False)
class _Best:
    """What validates best, since which step (-1: uniform weights), and how many validations ago."""

    predictor: WeightPredictor
    percent: float
    step: int
    stale: int


@dataclass(frozen=True, eq=False)
class _Progress:
    """How far training has come: the predictor of the next step, and what was found before it."""

    predictor: WeightPredictor
    best: _Best
    uniform_percent: float
    history: list[TrainingStep]


def _train(
    now: _Progress,
    optimizer: "_PredictorOptimizer",
    batch: ImageBatch,
    training: list[LabelledImage],
    validating: list[LabelledImage],
    schedule: _Schedule,
    rng: np.random.Generator,
    keeper: Keeper,
    callback: Callable[[TrainingStep], None] | None,
) -> _Progress:
    """Go on from `now` to the end."""
    predictor, best, history = now.predictor, now.best, now.history
    for step in range(len(history), schedule.steps + 1):
        now = replace(now, predictor=predictor, best=best)
        keeper.reached(step, partial(_state, step, now, optimizer.moments, random_state(rng)))
        measured = None
        if step % schedule.validate_every == 0 or step == schedule.steps:
            measured = batch.wrong_percent(predictor, validating)
            best = replace(best, stale=best.stale + 1)
            if measured < best.percent:
                best = _Best(predictor, measured, step, 0)
        poses = [GridSymmetry.drawn(predictor.dimensions, rng) if schedule.augment else None for _ in training]
        loss, wrong, gradient = batch.gradient(predictor, training, poses)
        history.append(TrainingStep(step, loss, wrong, measured))
        if callback is not None:
            callback(history[-1])
        if best.stale > schedule.patience or step == schedule.steps:
            break
        # Random poses make every gradient a sample: shorter steps towards the end average over them.
        predictor = optimizer.step(predictor, gradient, 1.0 - 0.9 * step / schedule.steps)
    return replace(now, predictor=predictor, best=best)


class _PredictorOptimizer:
    """Adam on directions, prototypes and log(scale); the logarithm keeps the scale positive."""

    # Prototypes live in units of the image and the scale in their inverse, directions in logarithms of
    # weights: the former move more slowly.
    RELATIVE = 0.2

    def __init__(self, step_size: float) -> None:
        self.step_size = step_size
        self.directions, self.prototypes, self.scale = MomentOptimizer(), MomentOptimizer(), MomentOptimizer()

    @property
    def moments(self) -> dict[str, Moments | None]:
        """What is remembered of earlier gradients, by parameter."""
        named = {"directions": self.directions, "prototypes": self.prototypes, "scale": self.scale}
        return {name: optimizer.moments for name, optimizer in named.items()}

    def restore(self, moments: dict[str, Moments | None]) -> None:
        """Go on from `moments`."""
        self.directions.moments, self.prototypes.moments = moments["directions"], moments["prototypes"]
        self.scale.moments = moments["scale"]

    def step(self, predictor: WeightPredictor, gradient: PredictorGradient, share: float) -> WeightPredictor:
        """One step of `share` of the step size."""
        fast = share * self.step_size
        slow = self.RELATIVE * fast
        log_scale_gradient = np.array([gradient.scale * predictor.scale])
        move = float(self.scale.descend(log_scale_gradient)[0])
        return replace(
            predictor,
            directions=predictor.directions - fast * self.directions.descend(gradient.directions),
            prototypes=predictor.prototypes - slow * self.prototypes.descend(gradient.prototypes),
            scale=predictor.scale * float(np.exp(-slow * move)),
        )


# In the history of a checkpoint, in the place of a percentage.
NOT_MEASURED = -1.0


def _state(step: int, now: _Progress, moments: dict[str, Moments | None], random: dict[str, Any]) -> State:
    """What training is before `step`; the history may have grown since."""
    seen = [
        (item.loss, item.wrong_percent, NOT_MEASURED if item.validation_percent is None else item.validation_percent)
        for item in now.history[:step]
    ]
    numbers = {
        "step": step,
        "random": random,
        "scale": now.predictor.scale,
        "best_scale": now.best.predictor.scale,
        "best_percent": now.best.percent,
        "best_step": now.best.step,
        "stale": now.best.stale,
        "uniform_percent": now.uniform_percent,
    }
    arrays = {
        "history": np.array(seen).reshape(step, 3),
        "prototypes": now.predictor.prototypes,
        "directions": now.predictor.directions,
        "best_prototypes": now.best.predictor.prototypes,
        "best_directions": now.best.predictor.directions,
    }
    for name, item in moments.items():
        if item is not None:  # all or none: every step moves all parameters
            numbers["count"] = item.count
            arrays |= {f"{name}_first": item.first, f"{name}_second": item.second}
    return State(numbers, arrays)


def _restored(
    state: State, start: WeightPredictor, optimizer: _PredictorOptimizer, rng: np.random.Generator, steps: int
) -> _Progress:
    """Go on from a state. Raises `CheckpointError` if it is inconsistent."""
    step = state.whole_number("step", least=0, most=steps)
    shapes = {"prototypes": start.prototypes.shape, "directions": start.directions.shape, "scale": (1,)}

    def predictor(prefix: str) -> WeightPredictor:
        return replace(
            start,
            prototypes=state.array(f"{prefix}prototypes", shapes["prototypes"]),
            directions=state.array(f"{prefix}directions", shapes["directions"]),
            scale=state.number(f"{prefix}scale"),
        )

    if step > 0:
        count = state.whole_number("count", least=1)
        pairs = {
            name: [state.array(f"{name}_{n}", shape) for n in ("first", "second")] for name, shape in shapes.items()
        }
        optimizer.restore({name: Moments(count, *pair) for name, pair in pairs.items()})
    best_step = state.whole_number("best_step", least=-1, most=step - 1)
    best = _Best(predictor("best_"), state.number("best_percent"), best_step, state.whole_number("stale", least=0))
    history = [
        TrainingStep(number, loss, wrong, None if measured == NOT_MEASURED else measured)
        for number, (loss, wrong, measured) in enumerate(state.array("history", (step, 3)).tolist())
    ]
    restore_random_state(rng, state.numbers.get("random"))
    return _Progress(predictor(""), best, state.number("uniform_percent"), history)


def _examples(
    images: Sequence[ArrayLike], truths: Sequence[ArrayLike], clean_images: Sequence[ArrayLike] | None
) -> list[Example]:
    """Pair up images and truths of equal sizes, all with the same number of axes and channels."""
    cleans = images if clean_images is None else clean_images
    if not len(images) or not len(images) == len(truths) == len(cleans):
        raise ShapeError(
            f"there are {len(images)} images, {len(truths)} truths and {len(cleans)} clean images: give as "
            "many of "
            "each, at least one"
        )
    examples: list[Example] = []
    for number, (image, truth, clean) in enumerate(zip(images, truths, cleans, strict=True)):
        pixels, clear = finite_array(image, f"image {number}"), finite_array(clean, f"clean image {number}")
        labels = np.asarray(truth)
        if pixels.shape[:-1] != labels.shape or clear.shape != pixels.shape or not pixels.size:
            raise ShapeError(
                f"image {number} has shape {pixels.shape}, its clean form {clear.shape}, its truth "
                f"{labels.shape}: "
                "give (*shape, channels), twice, and (*shape,), none of them empty"
            )
        first = examples[0].image.shape if examples else pixels.shape
        if (pixels.ndim, pixels.shape[-1]) != (len(first), first[-1]):
            raise ShapeError(
                f"image {number} has shape {pixels.shape}, the first one {first}: axes and channels must agree"
            )
        if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
            raise ValueRangeError(
                f"truth {number} has type {labels.dtype} and smallest value {labels.min()}: give whole numbers from 0"
            )
        examples.append(Example(pixels, labels.astype(np.int64, copy=False), clear))
    return examples


def _label_prototypes(given: ArrayLike | None, examples: list[Example]) -> FloatArray:
    if given is not None:
        return finite_array(given, "the label prototypes")
    labels = 1 + max(int(example.truth.max()) for example in examples)
    return mean_colors([example.image for example in examples], [example.truth for example in examples], labels)


def _check_labels(examples: list[Example], labels: int) -> None:
    for number, example in enumerate(examples):
        largest = int(example.truth.max())
        if largest >= labels:
            raise ValueRangeError(
                f"truth {number} holds label {largest}: there are prototypes of labels 0 to {labels - 1} only; "
                "renumber the truth, or give a prototype for every label"
            )


def _split(
    examples: list[Example], held_out: list[Example] | None, fraction: float
) -> tuple[list[Example], list[Example]]:
    """Examples to train on and to validate on."""
    if not 0.0 < fraction < 1.0:
        raise ValueRangeError(f"validation_fraction is {fraction!r}: give a number between 0 and 1")
    if held_out is not None:
        return examples, held_out
    if len(examples) > 1:
        count = min(len(examples) - 1, max(1, round(fraction * len(examples))))
        return examples[:-count], examples[-count:]
    (only,) = examples
    axis = int(np.argmax(only.truth.shape))
    side = only.truth.shape[axis]
    cut = side - round(fraction * side)
    if min(cut, side - cut) < SMALLEST_PART:
        return examples, examples
    return [_cropped(only, axis, slice(0, cut))], [_cropped(only, axis, slice(cut, side))]


def _cropped(example: Example, axis: int, part: slice) -> Example:
    window = (slice(None),) * axis + (part,)
    return Example(example.image[window], example.truth[window], example.clean[window])
