"""`laflow demo`: a real image and a Voronoi scene, from learning weights to labelling an unseen image."""

import json as json_format
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from laflow.cli import console, files, options


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for pictures and report.json.")] = Path("out/demo"),
    quick: Annotated[bool, typer.Option("--quick", help="Smaller images and fewer steps.")] = False,
    seed: options.Seed = 0,
    json: options.Json = False,
) -> None:
    """Learn weights, train a predictor on one image, label an unseen one: real, then a Voronoi scene."""
    files.check_writable(out / "report.json")

    from laflow.cli.demo_cases import demo_cases, learn_case
    from laflow.cli.demo_pictures import draw_outcome

    scenes = []
    for case in demo_cases(np.random.default_rng(seed), quick):
        outcome = learn_case(case, np.random.default_rng(seed))
        scenes.append(outcome.report())
        draw_outcome(outcome, out)
    report = {"seed": seed, "quick": quick, "scenes": scenes}
    text = json_format.dumps(report, indent=2, allow_nan=False) + "\n"
    files.write_file(out / "report.json", lambda stream: stream.write(text.encode()))
    if json:
        console.show_json(report)
    else:
        _show(scenes, out)


def _show(scenes: list[dict[str, Any]], out: Path) -> None:
    from laflow.cli.demo_cases import KINDS

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
