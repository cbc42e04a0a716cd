"""The pictures that `laflow demo` makes of each scene."""

from pathlib import Path

import numpy as np

from laflow.assignment.predictor import predict_weights
from laflow.cli.demo_cases import KINDS, Outcome
from laflow.cli.pictures import (
    PALETTE,
    Curve,
    Panel,
    save_gradient_norm,
    save_labelings,
    save_training_curves,
    save_weight_patches,
)
from laflow.scenes import Scene

SECTION = 12  # side, in pixels, of the sections whose weight patches are shown


def draw_outcome(outcome: Outcome, folder: Path) -> None:
    case, name = outcome.case, outcome.case.name
    train, unseen = case.train, case.unseen
    save_labelings(
        folder / f"{name}_labelings.png",
        case.title,
        [
            ("training image", _panels(train, outcome.train_labels)),
            ("unseen image", _panels(unseen, outcome.unseen_labels)),
        ],
        "Wrong pixels are marked in orange, their share stands above each labeling.",
    )
    save_gradient_norm(folder / f"{name}_gradient_norm.png", case.title, train.image, outcome.gradient_norm)
    learned_section = _section(outcome.gradient_norm)
    unseen_section = _section(_boundary(unseen.truth))
    weights = outcome.learned.weights, predict_weights(outcome.model.predictor, unseen.image)
    save_weight_patches(
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
    history, trained = outcome.learned.history, outcome.trained
    wrong = Curve("learned weights", np.array([step.wrong_percent for step in history]))
    loss = Curve("learned weights", np.array([step.loss for step in history]))
    batches = Curve("training part, turned at random", np.array([step.wrong_percent for step in trained.history]))
    held_out = Curve(
        "held-out part",
        np.array([np.nan if s.validation_percent is None else s.validation_percent for s in trained.history]),
        color=PALETTE[6],
        style="o--",
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


def _panels(scene: Scene, labels: dict[str, np.ndarray]) -> list[Panel | None]:
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
