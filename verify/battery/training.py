"""Training the predictor, against the same loop written anew around the checked parts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from laflow.errors import ValueRangeError
from verify.battery.learning import Moments
from verify.battery.problems import close, refuses, same
from verify.private_package import load

SEED = 3
COLORS = np.array([[0.1], [0.9]])


@cache
def scene(shape: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noisy image, truth and clean image with stripes of two labels."""
    rng = np.random.default_rng(seed)
    truth = (np.add.outer(np.arange(shape[0]) // 2, np.arange(shape[1]) // 3) + seed) % 2
    clean = COLORS[truth]
    return clean + 0.5 * rng.standard_normal(clean.shape), truth, clean


def _turned(arrays: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """A random symmetry of the grid, the same for all arrays; draws as documented: first axes, then flips."""
    axes = tuple(int(a) for a in rng.permutation(2))
    flips = [rng.random() < 0.5 for _ in range(2)]
    found = []
    for array in arrays:
        turned = array.transpose((*axes, *range(2, array.ndim)))
        for axis in range(2):
            turned = turned[::-1] if axis == 0 and flips[0] else turned
            turned = turned[:, ::-1] if axis == 1 and flips[1] else turned
        found.append(np.ascontiguousarray(turned))
    return found


class Replay:
    """Training once more, from the parts of an unmutated package."""

    def __init__(self, training: Any, validating: Any, **options: Any) -> None:
        self.package, self.training, self.validating, self.options = load(), training, validating, options
        self.rng = np.random.default_rng(SEED)
        self.history: list[tuple[float, float, float | None]] = []

    def run(self) -> Replay:
        options = self.options
        start = self.package.predictor.initial_predictor(
            [clean for _, _, clean in self.training],
            [truth for _, truth, _ in self.training],
            prototypes=6,
            rng=self.rng,
        )
        self.uniform = self.percent(start.with_uniform_weights())
        self.best, self.best_percent, self.best_step, stale = start.with_uniform_weights(), self.uniform, -1, 0
        moments = [Moments("adam") for _ in range(3)]
        current, steps = start, options["steps"]
        for step in range(steps + 1):
            measured = None
            if step % options["validate_every"] == 0 or step == steps:
                measured, stale = self.percent(current), stale + 1
                if measured < self.best_percent:
                    self.best, self.best_percent, self.best_step, stale = current, measured, step, 0
            loss, wrong, gradient = self.gradient(current)
            self.history.append((loss, wrong, measured))
            if stale > options["patience"]:
                break
            share = options["step_size"] * (1.0 - 0.9 * step / steps)
            current = self.package.predictor.WeightPredictor(
                current.prototypes - 0.2 * share * moments[0].direction(gradient[0]),
                current.directions - share * moments[1].direction(gradient[1]),
                current.scale * np.exp(-0.2 * share * moments[2].direction(np.array([gradient[2] * current.scale]))[0]),
            )
        return self

    def problem(self, image: np.ndarray) -> Any:
        distances = np.abs(image - COLORS[:, 0])
        return self.package.flow.LabelingProblem(distances, distance_scale=self.options["distance_scale"])

    def percent(self, predictor: Any) -> float:
        wrong = nodes = 0
        for image, truth, _ in self.validating:
            weights = self.package.predictor.predict_weights(predictor, image)
            options = {"time": self.options["time"], "krylov_dim": self.options["krylov_dim"]}
            found = self.package.flow.solve_flow(self.problem(image), weights, **options)
            wrong, nodes = wrong + int((found.labels != truth).sum()), nodes + truth.size
        return 100.0 * wrong / nodes

    def gradient(self, predictor: Any) -> tuple[float, float, list[Any]]:
        losses, parts, wrong, nodes = [], [], 0, 0
        # All examples are turned before the first is used.
        batch = [_turned(list(x), self.rng) if self.options["augment"] else list(x) for x in self.training]
        for image, truth, _ in batch:
            graph, features = predictor.features(image)
            given = self.package.predictor.packed_prediction(predictor, graph, features)
            names = ("time", "krylov_dim", "rank", "regularization")
            found = self.package.gradient.loss_gradient(
                self.problem(image), graph.unpack_weights(given[1]), truth, **{n: self.options[n] for n in names}
            )
            packed = graph.pack_weights(found.gradient)
            part = self.package.predictor.pull_back(predictor, graph, features, *given, packed)
            losses.append(found.loss)
            parts.append((part.prototypes, part.directions, part.scale))
            wrong, nodes = wrong + int((found.solution.labels != truth).sum()), nodes + truth.size
        means = [sum(column) / len(batch) for column in zip(*parts, strict=True)]
        return float(np.mean(losses)), 100.0 * wrong / nodes, means


OPTIONS: dict[str, Any] = {
    "steps": 3,
    "step_size": 0.3,
    "validate_every": 2,
    "patience": 8,
    "augment": True,
    "time": 1.5,
    "distance_scale": 0.8,
    "krylov_dim": 4,
    "rank": 2,
    "regularization": 0.0,
}


@cache
def _replay(case: str) -> Replay:
    scenes = [scene((5, 6), 1), scene((6, 4), 2), scene((7, 5), 4)]
    return {
        "augmented": lambda: Replay(scenes[:2], scenes[1:], **OPTIONS),
        "stale": lambda: Replay(
            scenes[:2], scenes[2:], **{**OPTIONS, "augment": False, "validate_every": 1, "patience": 2, "steps": 20}
        ),
        "regularized": lambda: Replay(
            scenes[:2], scenes[2:], **{**OPTIONS, "augment": False, "regularization": 0.01, "validate_every": 1}
        ),
        "impatient": lambda: Replay(
            scenes[:2],
            [(np.full((4, 4, 1), 0.1), np.zeros((4, 4), int), scenes[0][0])],
            **{**OPTIONS, "validate_every": 1, "patience": 1, "steps": 6},
        ),
    }[case]().run()


def _check(package: Any, case: str) -> None:
    replay = _replay(case)
    seen: list[Any] = []
    found = package.training.train_predictor(
        [image for image, _, _ in replay.training],
        [truth for _, truth, _ in replay.training],
        clean_images=[clean for _, _, clean in replay.training],
        validation=([image for image, _, _ in replay.validating], [truth for _, truth, _ in replay.validating]),
        label_prototypes=COLORS,
        prototypes=6,
        rng=np.random.default_rng(SEED),
        callback=seen.append,
        **replay.options,
    )
    assert tuple(seen) == found.history
    assert [entry.step for entry in seen] == list(range(len(replay.history)))
    for entry, (loss, wrong, measured) in zip(seen, replay.history, strict=True):
        close(entry.loss, loss, 1e-9)
        close(entry.wrong_percent, wrong, 1e-12)
        assert (entry.validation_percent is None) == (measured is None)
        assert measured is None or abs(entry.validation_percent - measured) < 1e-9
    assert found.best_step == replay.best_step
    assert found.used_uniform == (replay.best_step < 0)
    close(found.validation_percent, replay.best_percent, 1e-12)
    close(found.uniform_percent, replay.uniform, 1e-12)
    close(found.predictor.prototypes, replay.best.prototypes, 1e-8)
    close(found.predictor.directions, replay.best.directions, 1e-8)
    close(found.predictor.scale, replay.best.scale, 1e-9)
    same(found.label_prototypes, COLORS)


def check_augmented_training(package: Any) -> None:
    _check(package, "augmented")


def check_training_that_gets_stale(package: Any) -> None:
    _check(package, "stale")


def check_mean_gradient(package: Any) -> None:
    """Adam does not feel the size of a gradient, so that the mean over images needs a check of its own."""
    replay = _replay("regularized")
    predictor = replay.best
    names = ("time", "krylov_dim", "rank", "regularization")
    options = package.gradient.GradientOptions(method="low-rank", **{name: replay.options[name] for name in names})
    own = package.predictor.WeightPredictor(predictor.prototypes, predictor.directions, predictor.scale)
    pairs = [(image, truth) for image, truth, _ in replay.training]
    images = package.batch.labelled_images([*pairs, pairs[0]], COLORS, 1, replay.options["distance_scale"])
    assert images[0].problem.graph is images[2].problem.graph  # equal shapes share what belongs to the shape
    assert images[0].problem.graph is not images[1].problem.graph
    wanted = replay.gradient(predictor)
    with package.parallel.spread_over_threads(2) as spread:
        batch = package.batch.ImageBatch(options, spread)
        for _ in range(2):  # the second time in the same arrays
            loss, wrong, found = batch.gradient(own, images[:2], [None, None])
            close([loss, wrong], wanted[:2], 1e-10)
            for part, expected in zip((found.prototypes, found.directions, found.scale), wanted[2], strict=True):
                close(part, expected, 1e-9)
        room = batch._rooms.room
        batch.gradient(own, images[1:2], [None])
        assert batch._rooms.room is room  # the arrays of an image serve the next one of its size
        batch.gradient(own, images[:1], [None])
        assert batch._rooms.room is not room


def check_spreading(package: Any) -> None:
    """Which pool is made of which settings, and that results keep the order of the items."""
    module, true = package.parallel, package.parallel.numba
    for threads, layer, most, workers, share in (
        (4, "omp", 2, 2, 2),
        (5, "tbb", 2, 2, 2),
        (4, "omp", 9, 4, 1),
        (2, "omp", 2, 2, 1),
        (4, "workqueue", 4, 0, 0),
        (4, "omp", 1, 0, 0),
        (1, "omp", 4, 0, 0),
    ):
        told: list[int] = []
        module.numba = SimpleNamespace(
            get_num_threads=lambda threads=threads: threads,
            set_num_threads=told.append,
            threading_layer=lambda layer=layer: layer,
        )
        together = threading.Barrier(workers or 1, timeout=10)

        def work(item: int, together: Any = together) -> tuple[int, bool]:
            together.wait()  # ends only if all workers are at work
            return item, threading.current_thread() is threading.main_thread()

        try:
            with module.spread_over_threads(most) as spread:
                found = spread(work, iter(range(8)))
        finally:
            module.numba = true
        assert found == [(item, not workers) for item in range(8)]
        assert told == [share] * workers


def check_training_in_threads(package: Any) -> None:
    module, true = package.parallel, package.parallel.numba
    scenes = [scene(shape, seed) for shape, seed in (((5, 6), 1), ((6, 5), 2), ((4, 4), 3), ((5, 6), 4))]
    images, truths = [item[0] for item in scenes], [item[1] for item in scenes]
    asked: list[int] = []

    @contextmanager
    def two(most: int) -> Iterator[Any]:
        asked.append(most)
        module.numba = SimpleNamespace(
            get_num_threads=lambda: 2, set_num_threads=true.set_num_threads, threading_layer=lambda: "omp"
        )
        try:
            with module.spread_over_threads(most) as spread:
                yield spread
        finally:
            module.numba = true

    options: dict[str, Any] = {"prototypes": 5, "steps": 2, "validate_every": 1}
    wanted = package.training.train_predictor(images, truths, **options)
    own, package.training.spread_over_threads = package.training.spread_over_threads, two
    try:
        for workers in (None, 2, 1):
            found = package.training.train_predictor(images, truths, workers=workers, **options)
            assert found.history == wanted.history
            same(found.predictor.directions, wanted.predictor.directions)
        package.training.train_predictor(images[:1], truths[:1], validation=(images, truths), steps=1, prototypes=5)
    finally:
        package.training.spread_over_threads = own
    assert asked == [3, 2, 1, 4]  # as many as there are images to train or to validate on
    refuses(
        ValueRangeError, "workers is 0", lambda: package.training.train_predictor(images, truths, workers=0, **options)
    )


def check_regularized_training(package: Any) -> None:
    _check(package, "regularized")


def check_impatient_training(package: Any) -> None:
    _check(package, "impatient")


def check_training_defaults(package: Any) -> None:
    """What is not given is what is said: seed 0, mean colours, a quarter held out, images for clean ones."""
    train = package.training.train_predictor
    scenes = [scene((5, 6), seed) for seed in (1, 2, 3, 4)]
    images, truths = [item[0] for item in scenes], [item[1] for item in scenes]
    short = {"steps": 1, "prototypes": 5}
    default = train(images, truths, **short)
    pixels, labels = np.concatenate([i.reshape(-1, 1) for i in images]), np.concatenate([t.ravel() for t in truths])
    colors = np.array([pixels[labels == label].mean(axis=0) for label in range(2)])
    close(default.label_prototypes, colors, 1e-14)
    told = train(
        images[:3],
        truths[:3],
        label_prototypes=default.label_prototypes,
        clean_images=images[:3],
        validation=(images[3:], truths[3:]),
        feature_radius=1,
        radius=1,
        time=3.0,
        distance_scale=1.0,
        krylov_dim=6,
        rank=3,
        regularization=0.0,
        step_size=0.3,
        validate_every=5,
        patience=8,
        augment=True,
        rng=np.random.default_rng(0),
        **short,
    )
    assert told.history == default.history
    same(told.predictor.directions, default.predictor.directions)
    other = train(images, truths, feature_radius=0, radius=2, **short)
    assert (other.predictor.feature_radius, other.predictor.radius) == (0, 2)


def check_split(package: Any) -> None:
    training = package.training

    def example(shape: tuple[int, ...]) -> Any:
        truth = np.arange(np.prod(shape)).reshape(shape)
        return training.Example(1.0 * truth[..., None], truth, 2.0 * truth[..., None])

    several = [example((2, 2)) for _ in range(9)]
    for fraction, count in ((0.25, 2), (0.01, 1), (0.99, 8), (0.5, 4)):
        learn, check = training._split(several, None, fraction)
        assert learn == several[:-count]
        assert check == several[-count:]
    assert training._split(several, several[:1], 0.5) == (several, several[:1])
    pair = training._split(several[:2], None, 0.9)
    assert pair == (several[:1], several[1:2])
    for shape, fraction, cut in (((6, 32), 0.25, 24), ((40, 3), 0.4, 24), ((16, 5), 0.5, 8), ((3, 33), 0.25, 25)):
        only = example(shape)
        ((learn,), (check,)) = training._split([only], None, fraction)
        axis = int(np.argmax(shape))
        for name in ("image", "truth", "clean"):
            whole = getattr(only, name)
            parts = np.split(whole, [cut], axis=axis)
            same(getattr(learn, name), parts[0])
            same(getattr(check, name), parts[1])
    for shape, fraction in (((15, 5), 0.5), ((31, 31), 0.24), ((20, 20), 0.7)):
        small = [example(shape)]
        assert training._split(small, None, fraction) == (small, small)


def check_symmetries(package: Any) -> None:
    """Draws as documented; a predictor turned back predicts for an image what it predicts for the turned image."""
    symmetry = package.grid_symmetry.GridSymmetry
    rng = np.random.default_rng(4)
    for dimensions, count in ((1, 2), (2, 8), (3, 48)):
        again = np.random.default_rng()
        again.bit_generator.state = rng.bit_generator.state
        drawn = [symmetry.drawn(dimensions, rng) for _ in range(40 * count)]
        for item in drawn:
            assert item.axes == tuple(int(a) for a in again.permutation(dimensions))
            assert item.flipped == tuple(axis for axis in range(dimensions) if again.random() < 0.5)
        assert len(set(drawn)) == count
    image = rng.random((4, 3, 2))
    predictor = package.predictor.WeightPredictor(
        rng.random((3, 50)), rng.standard_normal((3, 9)), 1.3, feature_radius=2
    )
    for item in _of_the_plane(symmetry):
        found = package.predictor.predict_weights(item.turned_back(predictor), image).reshape(4, 3, 3, 3)
        for first in (0, 2):
            axes = list(range(4))
            axes[first : first + 2] = [first + axis for axis in item.axes]
            found = found.transpose(axes)
            for axis in item.flipped:
                found = np.flip(found, first + axis)
        turned = image.transpose((*item.axes, 2))
        for axis in item.flipped:
            turned = np.flip(turned, axis)
        close(found.reshape(*turned.shape[:2], 9), package.predictor.predict_weights(predictor, turned), 1e-13)
        given = package.predictor.PredictorGradient(rng.random((3, 50)), rng.random((3, 9)), 0.7)
        moved, back = item.turned(given, predictor), item.turned_back(predictor)
        for name in ("prototypes", "directions"):
            assert getattr(moved, name).shape == getattr(given, name).shape
            pairing = np.sum(getattr(given, name) * getattr(back, name))
            close(np.sum(getattr(moved, name) * getattr(predictor, name)), pairing, 1e-13)
        assert (moved.scale, back.scale, back.feature_radius) == (0.7, 1.3, 2)


def _of_the_plane(symmetry: Any) -> list[Any]:
    """All symmetries of the plane."""
    flips: list[tuple[int, ...]] = [(), (0,), (1,), (0, 1)]
    return [symmetry(axes, flipped) for axes in ((0, 1), (1, 0)) for flipped in flips]


def check_examples(package: Any) -> None:
    """Any integers, any sizes with the same axes and channels, one label or more."""
    images = [np.ones((3, 4, 2)), np.zeros((2, 2, 2))]
    truths: list[Any] = [np.zeros((3, 4), np.uint8), np.ones((2, 2), np.int32)]
    found = package.training._examples(images, truths, None)
    assert [example.truth.dtype for example in found] == [np.int64, np.int64]
    for example, image, truth in zip(found, images, truths, strict=True):
        same(example.image, image)
        same(example.clean, image)
        same(example.truth, truth.astype(np.int64))
    cleans = [2 * image for image in images]
    same(package.training._examples(images, truths, cleans)[1].clean, cleans[1])
    package.training._check_labels(found, 2)
    same(package.training._label_prototypes([[1, 2]], found), np.array([[1.0, 2.0]]))
    close(package.training._label_prototypes(None, found), [[1.0, 1.0], [0.0, 0.0]], 1e-15)
    assert (
        len(package.training._examples([image.tolist() for image in images], [t.tolist() for t in truths], None)) == 2
    )
    whole = truths[0].astype(np.int64)
    assert package.training._examples(images[:1], [whole], None)[0].truth is whole
