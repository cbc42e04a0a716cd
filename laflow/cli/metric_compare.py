"""`laflow metric compare`: methods of training and trained models, side by side on the same points."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from laflow.cli import console, metric_options, options
from laflow.cli.metric_report import as_json, note_where_no_metric, short, training_of, training_progress, with_error
from laflow.cli.metric_train import (
    FRESH_POINTS,
    Network,
    train_on,
    training_options,
    training_sample,
    with_sharper_kappa,
)
from laflow.errors import ConvergenceError, FileError, LaflowError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from laflow.metric.geometry.sampling import PointSample
    from laflow.metric.learning.training import TrainingOptions
    from laflow.metric.model.phi_model import PhiModel
    from laflow.metric.quality.evaluation import Evaluation

SECONDS = 20.0
METHODS = ("gauss-newton", "adam", "lbfgs")
# Shares of the longest training after which σ stands in the table.
MARKS = (0.25, 0.5, 1.0)


@dataclass(frozen=True, eq=False)
class Contestant:
    """A trained model with its training's account (None if the file has none), or why there is no model."""

    name: str
    model: PhiModel | None
    training: dict[str, Any] | None
    error: str | None = None


def compare(
    surface: Annotated[
        str | None,
        typer.Argument(metavar="SURFACE", help="What to train on, as for train; only with --model it may be missing."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD",
            help="Train with this method, one of those of train; may be repeated (default: gauss-newton, adam, lbfgs).",
        ),
    ] = None,
    model: Annotated[
        list[Path] | None, typer.Option(metavar="MODEL.npz", help="Compare this model too; may be repeated.")
    ] = None,
    points: Annotated[int | None, typer.Option(min=20, help="Points to sample for training (default: 20000).")] = None,
    seconds: Annotated[float | None, typer.Option(help="How long each trains (default: 20, if no --steps).")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="How many steps; with --seconds, what ends first.")] = None,
    features: metric_options.FeatureKind = "symmetric",
    width: metric_options.Width = 32,
    depth: metric_options.Depth = 2,
    activation: metric_options.Activation = "gelu",
    parametrisation: metric_options.Parametrisation = "standard",
    batch: metric_options.Batch = None,
    learning_rate: metric_options.LearningRate = None,
    precision: metric_options.Precision = "single",
    seed: options.Seed = 0,
    picture: metric_options.Picture = None,
    json: options.Json = False,
) -> None:
    """Train on SURFACE with several methods, from one start on the same points, and compare σ over time."""
    metric_options.check_output(picture, "--picture", ".png", "a picture is saved")
    if surface is None and not model:
        raise ShapeError("there is nothing to compare; give a SURFACE to train on, or models with --model")
    if surface is None and method:
        raise ShapeError(f"--method is {method[0]}, but there is no SURFACE to train on; give one")
    limit = SECONDS if seconds is None and steps is None else seconds

    from laflow.metric.quality.evaluation import evaluate, evaluate_metric

    loaded = read_models(model or [])
    sample = None
    contestants: list[Contestant] = []
    if surface is not None:
        network = Network(features, width, depth, activation, parametrisation)
        names = list(dict.fromkeys(method or (METHODS if not loaded else ())))
        chosen = training_options(names, limit, steps, batch, learning_rate, precision)
        sample = training_sample(surface, points, seed, network, chosen)
    variety = sample.hypersurface if sample is not None else loaded[0][1].hypersurface
    for path, learned, _ in loaded:
        if learned.hypersurface.polynomial != variety.polynomial:
            raise FileError(
                f"{path} is of {metric_options.surface_text(learned.hypersurface)} = 0, not of "
                f"{metric_options.surface_text(variety)} = 0: compare models of one surface"
            )
    if sample is not None:
        contestants = [contest(item, network.fresh(sample, seed), sample, seed) for item in chosen]
    contestants += [
        Contestant(str(path), learned, notes if notes.get("history") else None) for path, learned, notes in loaded
    ]
    if all(item.model is None for item in contestants):
        raise ConvergenceError("; ".join(f"{item.name} has failed: {item.error}" for item in contestants))
    fresh = metric_options.fresh_sample(variety, None, None, FRESH_POINTS, seed)
    found = [None if item.model is None else evaluate(item.model, fresh) for item in contestants]
    for item, measured in zip(contestants, found, strict=True):
        if measured is not None:
            note_where_no_metric(item.name, measured)
    kappa = next(item.model.kappa for item in contestants if item.model is not None)
    reference = evaluate_metric(fresh.fubini_study, fresh, kappa)
    if picture is not None:
        draw(picture, contestants, reference, fresh)
    result: dict[str, Any] = {
        "surface": metric_options.surface_text(variety),
        "dimension": variety.dimension,
        "points": None if sample is None else len(sample),
        "fubini_study": as_json(reference),
        "runs": [
            {
                "name": item.name,
                "error": item.error,
                "training": as_json(item.training),
                "evaluation": as_json(measured),
            }
            for item, measured in zip(contestants, found, strict=True)
        ],
        "picture": None if picture is None else str(picture),
    }
    if json:
        console.show_json(result)
        return
    show(contestants, found, reference, len(fresh))
    for item in contestants:
        if item.error is not None:
            console.note(f"{item.name} has failed: {item.error}")
    if picture is not None:
        console.show_line(f"picture saved to {picture}")


def read_models(paths: Sequence[Path]) -> list[tuple[Path, PhiModel, dict[str, Any]]]:
    """Models and their notes."""
    from laflow.metric.model.model_files import load_metric_and_notes

    return [(path, *load_metric_and_notes(path)) for path in paths]


def contest(chosen: TrainingOptions, model: PhiModel, sample: PointSample, seed: int) -> Contestant:
    """Train with one method. One that fails is told, and the others go on."""
    try:
        with training_progress(chosen.method, chosen.seconds) as watch:
            trained = train_on(sample, model, chosen, seed, watch)
    except LaflowError as error:
        return Contestant(chosen.method, None, None, str(error))
    return Contestant(chosen.method, with_sharper_kappa(trained.model, seed), training_of(trained))


def show(
    contestants: Sequence[Contestant], found: Sequence[Evaluation | None], reference: Evaluation, points: int
) -> None:
    """The table: σ on held-out points along the way, and on fresh ones at the end."""
    longest = max((item.training["seconds"] for item in contestants if item.training), default=0.0)
    marks = [share * longest for share in MARKS] if longest else []
    rows = []
    for item, measured in zip(contestants, found, strict=True):
        along = [sigma_after(item.training, mark) for mark in marks]
        steps = "" if item.training is None else str(item.training["steps"])
        rows.append([item.name, *along, steps, "failed" if measured is None else with_error(measured.sigma)])
    rows.append(["Fubini–Study", *[""] * len(marks), "", with_error(reference.sigma)])
    headings = ("", *(f"{mark:.3g} s" for mark in marks), "steps", "fresh points")
    caption = "σ so far on held-out points after so many seconds of training" if marks else ""
    console.show_table(f"σ over time, and at the end on {points} fresh points", headings, rows, caption=caption)


def sigma_after(training: dict[str, Any] | None, seconds: float) -> str:
    """The best σ that a training has seen up to then, nothing before its first look and after its end."""
    if training is None or training["history"][-1]["seconds"] < 0.5 * seconds:
        return ""
    # The last look may come a moment after the time that it is for.
    looks = [look["sigma"] for look in training["history"] if look["seconds"] <= 1.001 * seconds]
    seen = [sigma for sigma in looks if sigma is not None]
    return short(min(seen)) if seen else ""


def draw(path: Path, contestants: Sequence[Contestant], reference: Evaluation, sample: PointSample) -> None:
    """σ over time of all that have a history, as a picture."""
    from laflow.cli.metric_pictures import Run, save_sigma, surface_title

    runs = [
        Run(item.name, [(look["seconds"], look["sigma"], look["event"]) for look in item.training["history"]])
        for item in contestants
        if item.training is not None
    ]
    save_sigma(path, surface_title(sample.hypersurface), runs, reference.sigma.value)
