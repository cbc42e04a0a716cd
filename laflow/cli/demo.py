"""`laflow demo`: a real image and a Voronoi scene, from learning weights to labelling an unseen image."""

import json as json_format
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from laflow.cli import console, files, options

if TYPE_CHECKING:  # importing the program has to be quick; these need Numba
    from laflow.assignment.learning import LearnedWeights
    from laflow.assignment.model import LabelingModel
    from laflow.assignment.training import TrainedPredictor
    from laflow.cli.pictures import Panel
    from laflow.scenes import Scene

# The labelings in the order of tables and pictures.
KINDS = {
    "pixelwise": "pixelwise",
    "uniform": "uniform weights",
    "learned": "learned weights",
    "predicted": "predicted weights",
}
SECTION = 18  # side, in pixels, of the sections whose weight patches are shown


@dataclass(frozen=True)
class Case:
    """One scene of the demo: an image to learn from, an unseen one, and how to learn."""

    name: str
    title: str
    train: "Scene"
    unseen: "Scene"
    time: float
    learning_steps: int
    training_steps: int


@dataclass(frozen=True)
class Outcome:
    """What was learned of a case, the labelings by kind of both images, and % wrong pixels of each."""

    case: Case
    learned: "LearnedWeights"
    trained: "TrainedPredictor"
    model: "LabelingModel"
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


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for pictures and report.json.")] = Path(
        "out/demo"
    ),
    quick: Annotated[bool, typer.Option("--quick", help="Smaller images and fewer steps.")] = False,
    seed: options.Seed = 0,
    json: options.Json = False,
) -> None:
    """Learn weights, train a predictor on one image, label an unseen one: real, then a Voronoi scene."""
    files.check_writable(out / "report.json")
    scenes = []
    for case in _cases(np.random.default_rng(seed), quick):
        outcome = _run(case, np.random.default_rng(seed))
        scenes.append(outcome.report())
        _draw(outcome, out)
    report = {"seed": seed, "quick": quick, "scenes": scenes}
    text = json_format.dumps(report, indent=2, allow_nan=False) + "\n"
    files.write_file(out / "report.json", lambda stream: stream.write(text.encode()))
    if json:
        console.show_json(report)
    else:
        _show(scenes, out)


def _cases(rng: np.random.Generator, quick: bool) -> Iterator[Case]:
    from laflow.scenes import nuclei, voronoi_lines

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


def _cropped(scene: "Scene", side: int) -> "Scene":
    from laflow.scenes import Scene

    window = (slice(0, side), slice(0, side))
    return Scene(scene.image[window], scene.truth[window], scene.prototypes, scene.clean[window])


def _run(case: Case, rng: np.random.Generator) -> Outcome:
    from laflow.assignment.flow import solve_flow
    from laflow.assignment.gradient import loss_gradient, riemannian_gradient
    from laflow.assignment.learning import learn_weights
    from laflow.assignment.model import LabelingModel
    from laflow.assignment.training import train_predictor
    from laflow.cli.fit import default_distance_scale

    begin = perf_counter()
    train, unseen = case.train, case.unseen
    scale = default_distance_scale([train.image], [train.truth], train.prototypes)
    with console.progress(
        f"{case.name}: training the predictor on one image", case.training_steps + 1
    ) as advance:
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
    with console.progress(
        f"{case.name}: learning the weights of one image", case.learning_steps + 1
    ) as advance:
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


def _draw(outcome: Outcome, folder: Path) -> None:
    from laflow.assignment.predictor import predict_weights
    from laflow.cli import pictures

    case, name = outcome.case, outcome.case.name
    train, unseen = case.train, case.unseen
    pictures.save_labelings(
        folder / f"{name}_labelings.png",
        case.title,
        [
            ("training image", _panels(train, outcome.train_labels)),
            ("unseen image", _panels(unseen, outcome.unseen_labels)),
        ],
        "Wrong pixels are marked in orange, their share stands above each labeling.",
    )
    pictures.save_gradient_norm(
        folder / f"{name}_gradient_norm.png", case.title, train.image, outcome.gradient_norm
    )
    learned_section = _section(outcome.gradient_norm)
    unseen_section = _section(_boundary(unseen.truth))
    weights = outcome.learned.weights, predict_weights(outcome.model.predictor, unseen.image)
    pictures.save_weight_patches(
        folder / f"{name}_weight_patches.png",
        case.title,
        [
            (
                "training image, section",
                train.image[learned_section],
                "learned weight patches",
                weights[0][learned_section],
            ),
            (
                "unseen image, section",
                unseen.image[unseen_section],
                "predicted weight patches",
                weights[1][unseen_section],
            ),
        ],
        "Each pixel of the section is shown as the 3×3 patch of its weights.",
    )
    _draw_training(outcome, folder / f"{name}_training.png")


def _draw_training(outcome: Outcome, path: Path) -> None:
    from laflow.cli.pictures import PALETTE, Curve, save_training_curves

    history, trained = outcome.learned.history, outcome.trained
    wrong = Curve("learned weights", np.array([step.wrong_percent for step in history]))
    loss = Curve("learned weights", np.array([step.loss for step in history]))
    batches = Curve(
        "training part, turned at random", np.array([step.wrong_percent for step in trained.history])
    )
    held_out = Curve(
        "held-out part",
        np.array([np.nan if s.validation_percent is None else s.validation_percent for s in trained.history]),
        color=PALETTE[6],
        style="o",
    )
    pixelwise = ("pixelwise", outcome.train_wrong["pixelwise"])
    save_training_curves(
        path,
        outcome.case.title,
        [
            ("Weights of the training image", "wrong pixels in %", [wrong], [pixelwise]),
            ("Weights of the training image", "loss", [loss], []),
            (
                "Predictor",
                "wrong pixels in %",
                [batches, held_out],
                [("held-out part, uniform weights", trained.uniform_percent)],
            ),
        ],
    )


def _panels(scene: "Scene", labels: dict[str, np.ndarray]) -> "list[Panel | None]":
    from laflow.cli.pictures import Panel

    count = len(scene.prototypes)

    def labeling(kind: str) -> Panel | None:
        if kind not in labels:
            return None  # its place stays empty, so that the columns of both rows agree
        title = KINDS[kind] + f", {100 * np.mean(labels[kind] != scene.truth):.2f} %"
        return Panel(title, labels[kind], count, scene.truth)

    return [Panel("image", scene.image), Panel("truth", scene.truth, count), *map(labeling, KINDS)]


def _boundary(truth: np.ndarray) -> np.ndarray:
    """1 where a pixel's label differs from that of the next pixel below or to the right."""
    differs = np.zeros(truth.shape)
    differs[:-1] += truth[1:] != truth[:-1]
    differs[:, :-1] += truth[:, 1:] != truth[:, :-1]
    return np.minimum(differs, 1.0)


def _section(interest: np.ndarray) -> tuple[slice, slice]:
    """The window of `SECTION` pixels a side, clear of the border, with most `interest` `(H, W)`."""
    side = min(SECTION, min(interest.shape) - 2)
    inner = interest[1:-1, 1:-1]
    sums = np.lib.stride_tricks.sliding_window_view(inner, (side, side)).sum(axis=(-1, -2))
    row, column = np.unravel_index(sums.argmax(), sums.shape)
    return slice(row + 1, row + 1 + side), slice(column + 1, column + 1 + side)


def _show(scenes: list[dict[str, Any]], out: Path) -> None:
    rows = []
    for scene in scenes:
        for image, key in (("training", "training_image"), ("unseen", "unseen_image")):
            wrong = scene[key]
            shown = [f"{wrong[kind]:.2f}" if kind in wrong else "-" for kind in KINDS]
            rows.append([scene["name"], image, *shown])
    console.show_table(
        "Wrong pixels in %, by the weights of the flow",
        ("scene", "image", "pixelwise", "uniform", "learned", "predicted"),
        rows,
        caption="pixelwise: no flow. learned: from the truth of this very image.\n"
        "predicted: by a predictor that was trained on the training image.",
    )
    console.show_line(f"pictures and report.json are in {out}")
