"""`laflow weights`: learn the weight patches of one image from its truth."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from laflow.cli import console, files, long_runs, options
from laflow.cli.fit import default_distance_scale, read_pairs
from laflow.errors import FileError


def weights(
    image: options.OneImage,
    truth: Annotated[Path, typer.Option(metavar="TRUTH", help="Label of each pixel: PNG, TIFF or NPY.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.npy", help="Where to save the weights, (*shape, |N|), float64."),
    ] = None,
    radius: options.Radius = 1,
    time: options.Time = 5.0,
    steps: options.Steps = 50,
    distance_scale: options.DistanceScale = None,
    regularization: options.Regularization = 0.0,
    seed: options.SeedUnused = 0,
    checkpoint: options.Checkpoint = None,
    checkpoint_every: options.CheckpointEvery = 60.0,
    resume: options.Resume = False,
    json: options.Json = False,
) -> None:
    """Learn the weights with which the flow labels IMAGE as TRUTH does."""
    if out is not None:
        if out.suffix.lower() != ".npy":
            raise FileError(f"--out is {out}; weights are saved as .npy")
        files.check_writable(out)
    long_runs.check(checkpoint, resume, option="--out", result=out)
    (observed,), labels = read_pairs([image], [truth])
    (label_map,) = labels.labels

    from laflow.assignment.distances import distances_to_colors, mean_colors
    from laflow.assignment.flow import LabelingProblem, solve_flow
    from laflow.assignment.learning import learn_weights

    colors = mean_colors([observed], [label_map], labels.values.size)
    scale = default_distance_scale([observed], [label_map], colors) if distance_scale is None else distance_scale
    problem = LabelingProblem(distances_to_colors(observed, colors), radius=radius, distance_scale=scale)
    uniform = solve_flow(problem, time=time)
    kept = long_runs.checkpoints(checkpoint, checkpoint_every, resume)
    with long_runs.resumable(checkpoint), console.progress("learning weights", steps + 1) as advance:
        learned = learn_weights(
            problem,
            label_map,
            time=time,
            steps=steps,
            regularization=regularization,
            callback=lambda step: advance(f"{step.wrong_percent:.2f} % wrong", step.step + 1),
            checkpoints=kept,
        )
    if out is not None:
        files.write_file(out, lambda stream: np.save(stream, learned.weights, allow_pickle=False))
    result: dict[str, Any] = {
        "image": str(image),
        "labels": labels.values.tolist(),
        "pixelwise": problem.wrong_percent(problem.pixelwise_labels(), label_map),
        "uniform": problem.wrong_percent(uniform.labels, label_map),
        "learned": problem.wrong_percent(learned.solution.labels, label_map),
        "weights": None if out is None else str(out),
        "shape": list(learned.weights.shape),
    }
    if json:
        console.show_json(result)
        return
    row = [str(image), *(console.percent(result[key]) for key in ("pixelwise", "uniform", "learned"))]
    console.show_table("Wrong pixels", ("image", "pixelwise", "uniform weights", "learned weights"), [row])
    if out is not None:
        console.show_line(f"weights of shape {learned.weights.shape} saved to {out}")
