"""Training the weight predictor through the flow: Theorem 3.8 composed with the adjoint of Eq. (4.4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from laflow.assignment.distances import distances_to_colors, finite_array, mean_colors
from laflow.assignment.flow import LabelingProblem, positive_number, solve_packed_flow, whole_number
from laflow.assignment.gradient import GradientOptions, packed_loss_gradient
from laflow.assignment.optimizers import MomentOptimizer
from laflow.assignment.predictor import (
    PredictorGradient,
    WeightPredictor,
    initial_predictor,
    packed_prediction,
    pull_back,
)
from laflow.errors import ShapeError, ValueRangeError
from laflow.graph import FloatArray, IntArray

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
) -> TrainedPredictor:
    """Train a weight predictor on labelled images ``(*shape, C)`` of any sizes, by Adam.

    `truths` are integers ``(*shape,)``. Distances are those to `label_prototypes` ``(J, C)``, by default the
    mean colour of each label. Prototype patches are clustered from `clean_images` if given. Each step sees
    every training image once, turned and reflected at random if `augment`: the patches of features and of
    weights turn with it. A share `validation_fraction` of the images (at least one, and part of the image if
    there is only one) is held out, unless `validation` gives other images; it is labelled every
    `validate_every` steps, training ends after `patience` of these without improvement, and the best
    predictor wins, be it the uniform one. Steps shrink to a tenth of `step_size` at the end. `rng` is the only
    source of randomness (default: seed 0). Raises subclasses of `LaflowError`.
    """
    generator = np.random.default_rng(0) if rng is None else rng
    examples = _examples(images, truths, clean_images)
    held_out = None if validation is None else _examples(*validation, None)
    colors = _label_prototypes(label_prototypes, examples)
    _check_labels([*examples, *(held_out or [])], colors.shape[0])
    training, validating = _split(examples, held_out, validation_fraction)
    predictor = initial_predictor(
        [example.clean for example in training],
        [example.truth for example in training],
        prototypes=prototypes,
        feature_radius=feature_radius,
        radius=radius,
        rng=generator,
    )
    setting = _Setting(
        colors,
        positive_number(distance_scale, "distance_scale"),
        GradientOptions(time, "low-rank", krylov_dim, rank, regularization),
    )
    return _train(
        predictor,
        setting,
        training,
        validating,
        _Schedule(
            whole_number(steps, "steps"),
            positive_number(step_size, "step_size"),
            whole_number(validate_every, "validate_every"),
            whole_number(patience, "patience"),
            augment,
        ),
        generator,
        callback,
    )


@dataclass(frozen=True, eq=False)
class _Setting:
    """What turns an image into a labeling problem, and how its gradient is taken."""

    label_prototypes: FloatArray
    distance_scale: float
    options: GradientOptions

    def problem(self, image: FloatArray, radius: int) -> LabelingProblem:
        distances = distances_to_colors(image, self.label_prototypes)
        return LabelingProblem(distances, radius=radius, distance_scale=self.distance_scale)


@dataclass(frozen=True)
class _Schedule:
    steps: int
    step_size: float
    validate_every: int
    patience: int
    augment: bool


def _train(
    start: WeightPredictor,
    setting: _Setting,
    training: list[Example],
    validating: list[Example],
    schedule: _Schedule,
    rng: np.random.Generator,
    callback: Callable[[TrainingStep], None] | None,
) -> TrainedPredictor:
    predictor, optimizer = start, _PredictorOptimizer(schedule.step_size)
    uniform = start.with_uniform_weights()
    uniform_percent = _validate(uniform, setting, validating)
    best, best_percent, best_step, stale = uniform, uniform_percent, -1, 0
    history: list[TrainingStep] = []
    for step in range(schedule.steps + 1):
        measured = None
        if step % schedule.validate_every == 0 or step == schedule.steps:
            measured = _validate(predictor, setting, validating)
            stale += 1
            if measured < best_percent:
                best, best_percent, best_step, stale = predictor, measured, step, 0
        batch = [_turned(example, rng) if schedule.augment else example for example in training]
        loss, wrong, gradient = _batch_gradient(predictor, setting, batch)
        history.append(TrainingStep(step, loss, wrong, measured))
        if callback is not None:
            callback(history[-1])
        if stale > schedule.patience:
            break
        # Random poses make every gradient a sample: shorter steps towards the end average over them.
        predictor = optimizer.step(predictor, gradient, 1.0 - 0.9 * step / schedule.steps)
    return TrainedPredictor(
        best,
        setting.label_prototypes,
        tuple(history),
        best_step,
        best_percent,
        uniform_percent,
        used_uniform=best_step < 0,
    )


class _PredictorOptimizer:
    """Adam on directions, prototypes and log(scale); the logarithm keeps the scale positive."""

    # Prototypes live in units of the image and the scale in their inverse, directions in logarithms of
    # weights: the former move more slowly.
    RELATIVE = 0.2

    def __init__(self, step_size: float) -> None:
        self.step_size = step_size
        self.directions, self.prototypes, self.scale = MomentOptimizer(), MomentOptimizer(), MomentOptimizer()

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


def _batch_gradient(
    predictor: WeightPredictor, setting: _Setting, batch: list[Example]
) -> tuple[float, float, PredictorGradient]:
    """Mean loss, percentage of wrong nodes, and mean gradient over some images of any sizes."""
    share = 1.0 / len(batch)
    loss, wrong, nodes = 0.0, 0.0, 0
    prototypes, directions = np.zeros_like(predictor.prototypes), np.zeros_like(predictor.directions)
    scale = 0.0
    for example in batch:
        problem = setting.problem(example.image, predictor.radius)
        graph, features = predictor.features(example.image)
        membership, weights = packed_prediction(predictor, graph, features)
        result = packed_loss_gradient(problem, weights, example.truth, setting.options)
        part = pull_back(predictor, graph, features, membership, weights, result.packed_gradient)
        loss += share * result.loss
        wrong += float(np.count_nonzero(result.solution.labels != example.truth))
        nodes += example.truth.size
        prototypes += share * part.prototypes
        directions += share * part.directions
        scale += share * part.scale
    return loss, 100.0 * wrong / nodes, PredictorGradient(prototypes, directions, scale)


def _validate(predictor: WeightPredictor, setting: _Setting, examples: list[Example]) -> float:
    """Percentage of wrong nodes over all `examples`."""
    wrong, nodes = 0, 0
    for example in examples:
        problem = setting.problem(example.image, predictor.radius)
        _, weights = packed_prediction(predictor, *predictor.features(example.image))
        solution = solve_packed_flow(problem, weights, setting.options.time, setting.options.krylov_dim)
        wrong += int(np.count_nonzero(solution.labels != example.truth))
        nodes += example.truth.size
    return 100.0 * wrong / nodes


def _turned(example: Example, rng: np.random.Generator) -> Example:
    """The example with its axes permuted and reversed at random: one of the symmetries of the grid."""
    dimensions = example.truth.ndim
    axes = tuple(rng.permutation(dimensions).tolist())
    flipped = tuple(axis for axis in range(dimensions) if rng.random() < 0.5)

    def turn_image(image: FloatArray) -> FloatArray:
        return np.flip(image.transpose(*axes, dimensions), flipped)

    truth = np.flip(example.truth.transpose(axes), flipped)
    return Example(turn_image(example.image), truth, turn_image(example.clean))


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
