"""`laflow fit`: learn from images with truth to label others like them."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from typer.core import TyperCommand

from laflow.cli import console, files, images, long_runs, options
from laflow.errors import FileError, ShapeError

# In multiples of the mean distance between a pixel and its label's prototype. From 1 to 10 the flow learns
# about equally well; below, the likelihoods saturate and gradients vanish.
DISTANCE_SCALE = 3.0


class FitCommand(TyperCommand):
    """Lets one `--truth` take all truths: `--truth A B` means `--truth A --truth B`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return list(super().parse_args(ctx, repeated(args, "--truth")))
        except typer.TyperException as error:
            if "IMAGE" in error.format_message() and "--truth" in args:
                raise ShapeError(
                    "no image: what follows --truth is taken for truths; give the images first: "
                    "laflow fit IMAGE... --truth TRUTH... --model M"
                ) from error
            raise


def repeated(arguments: list[str], name: str) -> list[str]:
    """The arguments with the option `name` in front of each of its values, which end at the next option."""
    result: list[str] = []
    inside, first = False, False
    for argument in arguments:
        if argument == name:
            inside, first = True, True
        elif argument.startswith("-"):
            inside = False
        elif inside and not first:
            result.append(name)
        else:
            first = False
        result.append(argument)
    return result


def fit(
    image: options.Images,
    truth: Annotated[
        list[Path],
        typer.Option(metavar="TRUTH...", help="Label of each pixel, one file an image, in their order."),
    ],
    model: Annotated[Path, typer.Option(metavar="M.npz", help="Where to save the model.")],
    prototypes: Annotated[int, typer.Option(min=1, help="Number N of prototypical patches.")] = 50,
    feature_radius: Annotated[
        int, typer.Option(min=0, max=7, help="Radius of the patches from which weights are predicted.")
    ] = 2,
    radius: options.Radius = 1,
    time: options.Time = 3.0,
    steps: options.Steps = 100,
    distance_scale: options.DistanceScale = None,
    regularization: options.Regularization = 0.0,
    seed: options.Seed = 0,
    checkpoint: options.Checkpoint = None,
    checkpoint_every: options.CheckpointEvery = 60.0,
    resume: options.Resume = False,
    json: options.Json = False,
) -> None:
    """Learn from each IMAGE and its TRUTH to label images like them; save the model."""
    if len(image) != len(truth):
        raise ShapeError(
            f"{len(image)} images and {len(truth)} truths; give one truth for each image, in the same order: "
            "laflow fit IMAGE... --truth TRUTH... --model M"
        )
    if model.suffix.lower() != ".npz":
        raise FileError(f"--model is {model}; a model is saved as .npz")
    files.check_writable(model)
    long_runs.check(checkpoint, resume, option="--model", result=model)
    observed, truths = read_pairs(image, truth)

    from laflow.assignment.distances import mean_colors
    from laflow.assignment.model import LabelingModel, save_model
    from laflow.assignment.training import train_predictor

    colors = mean_colors(observed, truths.labels, truths.values.size)
    scale = default_distance_scale(observed, truths.labels, colors) if distance_scale is None else distance_scale
    kept = long_runs.checkpoints(checkpoint, checkpoint_every, resume)
    with long_runs.resumable(checkpoint), console.progress("training the predictor", steps + 1) as advance:
        trained = train_predictor(
            observed,
            truths.labels,
            label_prototypes=colors,
            prototypes=prototypes,
            feature_radius=feature_radius,
            radius=radius,
            time=time,
            distance_scale=scale,
            regularization=regularization,
            steps=steps,
            rng=np.random.default_rng(seed),
            callback=lambda step: advance(f"{step.wrong_percent:.2f} % wrong", step.step + 1),
            checkpoints=kept,
        )
    fitted = LabelingModel(
        trained.predictor, colors, time=time, distance_scale=scale, label_values=truths.values.tolist()
    )
    files.make_folder(model)
    save_model(fitted, model)
    if trained.used_uniform:
        console.note("uniform weights validated better than all that was learned; the model uses them")
    result = {
        "model": str(model),
        "labels": truths.values.tolist(),
        "validation": {"uniform": trained.uniform_percent, "predicted": trained.validation_percent},
        "used_uniform": trained.used_uniform,
        "images": [
            {"image": str(path), **wrong_pixels(fitted, pixels, label_map)}
            for path, pixels, label_map in zip(image, observed, truths.labels, strict=True)
        ],
    }
    _show(result, json)


def read_pairs(image_paths: list[Path], truth_paths: list[Path]) -> tuple[list[np.ndarray], images.Truths]:
    """Images `(*shape, C)` and their truths, of the same sizes."""
    truths = images.read_truths(truth_paths)
    observed: list[np.ndarray] = []
    for path, truth_path, label_map in zip(image_paths, truth_paths, truths.labels, strict=True):
        array = images.read_array(path)
        images.check_same_shape(array, path, label_map, truth_path)
        pixels = images.as_image(array, path, label_map.ndim)
        if observed and observed[0].shape[-1] != pixels.shape[-1]:
            raise ShapeError(
                f"{path} has {pixels.shape[-1]} channels, but {image_paths[0]} has {observed[0].shape[-1]}; "
                "all images have to have the same channels"
            )
        observed.append(pixels)
    return observed, truths


def default_distance_scale(observed: list[np.ndarray], label_maps: list[np.ndarray], colors: np.ndarray) -> float:
    """ρ: `DISTANCE_SCALE` times the mean distance between a pixel and its label's prototype."""
    from laflow.assignment.distances import distances_to_colors

    own = [
        np.take_along_axis(distances_to_colors(image, colors), label_map[..., None], axis=-1).ravel()
        for image, label_map in zip(observed, label_maps, strict=True)
    ]
    mean = float(np.concatenate(own).mean())
    return DISTANCE_SCALE * mean if mean > 0.0 else 1.0  # 0: noise-free images, for which any scale serves


def wrong_pixels(model: Any, image: np.ndarray, label_map: np.ndarray) -> dict[str, float]:
    """% wrong pixels of an image: nearest prototype, and the flow with uniform and with predicted weights."""
    from laflow.assignment.flow import solve_flow

    problem = model.problem(image)
    labelings = {
        "pixelwise": problem.pixelwise_labels(),
        "uniform": solve_flow(problem, time=model.time, krylov_dim=model.krylov_dim).labels,
        "predicted": model.label(image).labels,
    }
    return {name: problem.wrong_percent(labels, label_map) for name, labels in labelings.items()}


def _show(result: dict[str, Any], json: bool) -> None:
    if json:
        console.show_json(result)
        return
    kinds = ("pixelwise", "uniform", "predicted")
    rows = [[item["image"], *(console.percent(item[kind]) for kind in kinds)] for item in result["images"]]
    held_out = result["validation"]
    rows.append(
        [
            "held out for validation",
            "",
            console.percent(held_out["uniform"]),
            console.percent(held_out["predicted"]),
        ]
    )
    headings = ("training image", "pixelwise", "uniform weights", "predicted weights")
    console.show_table("Wrong pixels", headings, rows)
    console.show_line(f"model saved to {result['model']}")
