"""`laflow metric train`: a potential φ with g_FS + ∂∂̄φ Ricci-flat, learned by a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import numpy as np
import typer

from laflow.cli import console, files, long_runs, metric_options, options
from laflow.cli.metric_report import Watch, as_json, short, training_of, training_progress, with_error
from laflow.errors import ProblemSizeError, ValueRangeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from laflow.checkpoint import Checkpoints
    from laflow.metric.geometry.hypersurface import Hypersurface
    from laflow.metric.geometry.sampling import PointSample
    from laflow.metric.learning.training import TrainedMetric, TrainingOptions
    from laflow.metric.model.jet_network import JetNetwork
    from laflow.metric.model.phi_model import PhiModel
    from laflow.metric.quality.evaluation import Evaluation

SECONDS = 60.0
POINTS = 20_000
# The figures at the end come from fresh points: those held out have chosen the model.
FRESH_POINTS = 10_000
SUMMARY = ("σ = mean |r|", "mean r²", "largest |r|", "least eigenvalue")
CAPTION = "r = det g/(κ|Ω|²) - 1; eigenvalues of g relative to g_FS"


@dataclass(frozen=True)
class Network:
    """The options that shape a network."""

    features: str
    width: int
    depth: int
    activation: str
    parametrisation: str

    def layers(self, surface: Hypersurface) -> JetNetwork:
        """The layers alone, before there are parameters."""
        from laflow.metric.model.jet_network import JetNetwork

        count = metric_options.feature_map(self.features, surface).count
        sizes = (count, *[self.width] * self.depth, 1)
        return JetNetwork(sizes, self.activation, self.parametrisation, surface.dimension)

    def fresh(self, sample: PointSample, seed: int) -> PhiModel:
        """A model with random parameters."""
        from laflow.metric.model.phi_model import PhiModel

        return PhiModel.fresh(
            sample,
            metric_options.generator(seed, metric_options.TRAINING),
            features=metric_options.feature_map(self.features, sample.hypersurface),
            width=self.width,
            depth=self.depth,
            activation=self.activation,
            parametrisation=self.parametrisation,
        )


def train(
    surface: metric_options.SurfaceOrPoints,
    out: Annotated[
        Path | None, typer.Option(metavar="MODEL.npz", help="Where to save the model (default: metric.npz).")
    ] = None,
    points: Annotated[
        int | None, typer.Option(min=20, help="Points to sample, a tenth of them held out (default: 20000).")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="How long to train (default: 60, if no --steps).")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="How many steps; with --seconds, what ends first.")] = None,
    method: Annotated[metric_options.MethodName, typer.Option(help="How to train.")] = "gauss-newton",
    features: metric_options.FeatureKind = "symmetric",
    width: metric_options.Width = 32,
    depth: metric_options.Depth = 2,
    activation: metric_options.Activation = "gelu",
    parametrisation: metric_options.Parametrisation = "standard",
    batch: metric_options.Batch = None,
    learning_rate: metric_options.LearningRate = None,
    precision: metric_options.Precision = "single",
    seed: options.Seed = 0,
    checkpoint: options.Checkpoint = None,
    checkpoint_every: options.CheckpointEvery = 60.0,
    resume: options.Resume = False,
    picture: metric_options.Picture = None,
    json: options.Json = False,
) -> None:
    """Learn the Ricci-flat metric of SURFACE; save the model, and tell how flat it is on fresh points."""
    path = metric_options.output_path(out, "metric.npz", "--out", "a model is saved")
    metric_options.check_output(picture, "--picture", ".png", "a picture is saved")
    long_runs.check(checkpoint, resume, option="--out", result=path)
    limit = SECONDS if seconds is None and steps is None else seconds
    network = Network(features, width, depth, activation, parametrisation)

    from laflow.metric.learning.training_methods import BATCHED
    from laflow.metric.model.model_files import save_metric
    from laflow.metric.quality.evaluation import evaluate, evaluate_metric

    (chosen,) = training_options([method], limit, steps, batch, learning_rate, precision)
    sample = training_sample(surface, points, seed, network, [chosen])
    kept = long_runs.checkpoints(checkpoint, checkpoint_every, resume)
    model = network.fresh(sample, seed)
    with long_runs.resumable(checkpoint), training_progress("training the metric", limit) as watch:
        trained = train_on(sample, model, chosen, seed, watch, kept)
    training = training_of(trained)
    notes = {
        "method": method,
        "points": len(sample),
        "seed": seed,
        "precision": precision,
        **({"batch": chosen.batch} if method in BATCHED else {}),
        **training,
    }
    learned = with_sharper_kappa(trained.model, seed)
    files.make_folder(path)
    save_metric(learned, path, notes)
    if picture is not None:
        draw_training(picture, [(method, training)], sample)
    fresh = metric_options.fresh_sample(sample.hypersurface, None, None, FRESH_POINTS, seed)
    found = evaluate(learned, fresh)
    reference = evaluate_metric(fresh.fubini_study, fresh, learned.kappa)
    result: dict[str, Any] = {
        "model": str(path),
        "surface": metric_options.surface_text(sample.hypersurface),
        "dimension": sample.hypersurface.dimension,
        "parameters": learned.network.parameter_count,
        "training": notes,
        "evaluation": as_json(found),
        "fubini_study": as_json(reference),
        "picture": None if picture is None else str(picture),
    }
    if json:
        console.show_json(result)
        return
    measured = [summary(reference), summary(found)]
    rows = [list(row) for row in zip(SUMMARY, *measured, strict=True)]
    console.show_table(f"On {len(fresh)} fresh points", ("", "Fubini–Study", "trained"), rows, caption=CAPTION)
    took = f"{trained.steps} steps in {trained.seconds:.1f} s"
    events = f", {trained.recoveries} recoveries, {trained.restarts} restarts"
    if learned.kappa.standard_error:
        console.show_line(f"κ {with_error(learned.kappa)}, by the learned metric; {with_error(model.kappa)} by points")
    console.show_line(took + (events if trained.recoveries or trained.restarts else ""))
    console.show_line(f"model saved to {path}" + (f", picture to {picture}" if picture else ""))


def training_options(
    methods: Sequence[str],
    seconds: float | None,
    steps: int | None,
    batch: int | None,
    learning_rate: float | None,
    precision: str,
) -> list[TrainingOptions]:
    """How each method trains. Raises `ValueRangeError` for --batch or --learning-rate where no method uses it."""
    from laflow.metric.learning.training import TrainingOptions
    from laflow.metric.learning.training_methods import BATCHED, WITH_RATE

    using = {"--batch": (batch, BATCHED), "--learning-rate": (learning_rate, WITH_RATE)}
    found = [
        # Which methods there are is checked by TrainingOptions.
        TrainingOptions(
            cast(metric_options.MethodName, name),
            seconds,
            steps,
            **({} if batch is None else {"batch": batch}),
            learning_rate=learning_rate if name in WITH_RATE else None,
            precision=precision,
        )
        for name in methods
    ]
    for option, (value, users) in using.items():
        if value is not None and methods and not set(methods) & set(users):
            raise ValueRangeError(
                f"{option} is {value}, but {' and '.join(methods)} would not use it: leave it out, or give --method "
                f"{' or '.join(users)}"
            )
    return found


def train_on(
    sample: PointSample,
    model: PhiModel,
    chosen: TrainingOptions,
    seed: int,
    watch: Watch,
    checkpoints: Checkpoints | None = None,
) -> TrainedMetric:
    """Train a model as chosen. What overflows on the way is noticed by the training, and needs no warning."""
    from laflow.metric.learning.training import train_metric

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return train_metric(
            model,
            sample,
            method=chosen.method,
            seconds=chosen.seconds,
            steps=chosen.steps,
            batch=chosen.batch,
            learning_rate=chosen.learning_rate,
            precision=chosen.precision,
            rng=metric_options.generator(seed, metric_options.TRAINING),
            callback=watch,
            checkpoints=checkpoints,
        )


def with_sharper_kappa(model: PhiModel, seed: int) -> PhiModel:
    """The model with κ estimated anew, its metric being the control variate; as it is where κ is known exactly."""
    from laflow.metric.quality.controlled_volume import controlled_kappa

    if not model.kappa.standard_error:
        return model
    sample = metric_options.fresh_sample(
        model.hypersurface, None, None, FRESH_POINTS, seed, stream=metric_options.KAPPA
    )
    return replace(model, kappa=controlled_kappa(model, sample))


def training_sample(
    surface: str, points: int | None, seed: int, network: Network, chosen: Sequence[TrainingOptions]
) -> PointSample:
    """The points to train on. What they and the trainings take of the memory is found out before.

    Raises `ProblemSizeError` where none of the trainings fits; one of several that does not fit says so itself.
    """
    if metric_options.is_points_file(surface):
        sample = metric_options.read_sample(surface, points, POINTS, seed)
        require_room(network, sample.hypersurface, len(sample), chosen)
        return sample
    variety, count = metric_options.read_surface(surface), POINTS if points is None else points
    require_room(network, variety, count, chosen)
    channels = (variety.dimension + 1) ** 2
    number = 4 if all(one.precision == "single" for one in chosen) else 8
    each = channels * metric_options.feature_map(network.features, variety).count * number
    return metric_options.read_sample(surface, points, POINTS, seed, each)


def require_room(network: Network, surface: Hypersurface, points: int, chosen: Sequence[TrainingOptions]) -> None:
    """Raises `ProblemSizeError` where memory will do for none of the trainings."""
    from laflow.metric.learning.training_memory import require_training_room

    shape, refusals = network.layers(surface), []
    for one in chosen:
        try:
            rate_given = one.learning_rate is not None
            require_training_room(shape, one.method, points, precision=one.precision, rate_given=rate_given)
        except ProblemSizeError as error:
            refusals.append(error)
    if refusals and len(refusals) == len(chosen):
        raise refusals[0]


def summary(found: Evaluation) -> list[str]:
    """The measures that `SUMMARY` names."""
    positive = "" if found.positive_share == 1.0 else f", no metric at {100 * (1 - found.positive_share):.2g} %"
    return [
        with_error(found.sigma),
        with_error(found.mean_square),
        short(found.largest_residual),
        f"{found.least_eigenvalue:.3g}{positive}",
    ]


def draw_training(path: Path, runs: list[tuple[str, dict[str, Any]]], sample: PointSample) -> None:
    """σ on held-out points over the seconds of trainings, as a picture."""
    from laflow.cli.metric_pictures import Run, save_sigma, surface_title

    shown = [
        Run(name, [(seen["seconds"], seen["sigma"], seen["event"]) for seen in training["history"]])
        for name, training in runs
    ]
    save_sigma(path, surface_title(sample.hypersurface), shown, runs[0][1]["held_out_fubini_study_sigma"])
