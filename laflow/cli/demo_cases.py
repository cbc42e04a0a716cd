"""The two scenes of `laflow demo`, and what is learned of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from laflow.assignment.flow import solve_flow
from laflow.assignment.gradient import loss_gradient, riemannian_gradient
from laflow.assignment.learning import LearnedWeights, learn_weights
from laflow.assignment.model import LabelingModel
from laflow.assignment.training import TrainedPredictor, train_predictor
from laflow.cli import console
from laflow.cli.fit import default_distance_scale
from laflow.scenes import Scene, nuclei, voronoi_lines

# The labelings in the order of tables and pictures.
KINDS = {
    "pixelwise": "pixelwise",
    "uniform": "uniform weights",
    "learned": "learned weights",
    "predicted": "predicted weights",
}


@dataclass(frozen=True)
class Case:
    """One scene of the demo: an image to learn from, an unseen one, and how to learn."""

    name: str
    title: str
    train: Scene
    unseen: Scene
    time: float
    learning_steps: int
    training_steps: int


@dataclass(frozen=True)
class Outcome:
    """What was learned of a case, the labelings by kind of both images, and % wrong pixels of each."""

    case: Case
    learned: LearnedWeights
    trained: TrainedPredictor
    model: LabelingModel
    gradient_norm: np.ndarray
    train_labels: dict[str, np.ndarray]
    unseen_labels: dict[str, np.ndarray]
    seconds: float

    @property
    def train_wrong(self) -> dict[str, float]:
        return _wrong(self.train_labels, self.case.train.truth)

    @property
    def unseen_wrong(self) -> dict[str, float]:
        return _wrong(self.unseen_labels, self.case.unseen.truth)

    def report(self) -> dict[str, Any]:
        """The entry of `report.json`; the first four are % wrong pixels."""
        train, unseen = self.train_wrong, self.unseen_wrong
        return {
            "name": self.case.name,
            "pixelwise": train["pixelwise"],
            "uniform": train["uniform"],
            "learned": train["learned"],
            "predicted": unseen["predicted"],
            "training_image": train,
            "unseen_image": unseen,
            "used_uniform": self.trained.used_uniform,
            "seconds": round(self.seconds, 2),
        }


def demo_cases(rng: np.random.Generator, quick: bool) -> Iterator[Case]:
    side = 64 if quick else 256
    steps = 10 if quick else 50
    yield Case(
        name="nuclei",
        title="Cell nuclei, fluorescence microscopy",
        train=_cropped(nuclei("train"), side),
        unseen=_cropped(nuclei("unseen"), side),
        time=3.0,
        learning_steps=steps,
        training_steps=2 * steps,
    )
    side = min(side, 128)
    yield Case(
        name="voronoi-lines",
        title="Thin lines between Voronoi cells, noise of standard deviation 0.3",
        train=voronoi_lines((side, side), rng, 0.3),
        unseen=voronoi_lines((side, side), rng, 0.3),
        time=3.0,
        learning_steps=steps,
        training_steps=4 * steps,
    )


def _cropped(scene: Scene, side: int) -> Scene:
    window = (slice(0, side), slice(0, side))
    return Scene(scene.image[window], scene.truth[window], scene.prototypes, scene.clean[window])


def learn_case(case: Case, rng: np.random.Generator) -> Outcome:
    begin = perf_counter()
    train, unseen = case.train, case.unseen
    scale = default_distance_scale([train.image], [train.truth], train.prototypes)
    with console.progress(f"{case.name}: training the predictor on one image", case.training_steps + 1) as advance:
        trained = train_predictor(
            [train.image],
            [train.truth],
            label_prototypes=train.prototypes,
            clean_images=[train.clean],
            feature_radius=3,
            time=case.time,
            distance_scale=scale,
            steps=case.training_steps,
            rng=rng,
            callback=lambda step: advance(f"{step.wrong_percent:.2f} % wrong"),
        )
    model = LabelingModel(trained.predictor, train.prototypes, time=case.time, distance_scale=scale)
    problem, unseen_problem = model.problem(train.image), model.problem(unseen.image)
    with console.progress(f"{case.name}: learning the weights of one image", case.learning_steps + 1) as advance:
        learned = learn_weights(
            problem,
            train.truth,
            time=case.time,
            steps=case.learning_steps,
            callback=lambda step: advance(f"{step.wrong_percent:.2f} % wrong"),
        )
    weights = problem.graph.uniform_weights()
    gradient = loss_gradient(problem, weights, train.truth, time=case.time).gradient
    return Outcome(
        case=case,
        learned=learned,
        trained=trained,
        model=model,
        gradient_norm=np.linalg.norm(riemannian_gradient(problem.graph, weights, gradient), axis=-1),
        train_labels={
            "pixelwise": problem.pixelwise_labels(),
            "uniform": solve_flow(problem, time=case.time).labels,
            "learned": learned.solution.labels,
            "predicted": model.label(train.image).labels,
        },
        unseen_labels={
            "pixelwise": unseen_problem.pixelwise_labels(),
            "uniform": solve_flow(unseen_problem, time=case.time).labels,
            "predicted": model.label(unseen.image).labels,
        },
        seconds=perf_counter() - begin,
    )


def _wrong(labels: dict[str, np.ndarray], truth: np.ndarray) -> dict[str, float]:
    return {kind: 100.0 * float(np.mean(found != truth)) for kind, found in labels.items()}
