"""`laflow label`: label images with a model that `laflow fit` has learned."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from laflow.cli import console, files, images, options
from laflow.errors import FileError, LaflowError


def label(
    image: options.Images,
    model: Annotated[Path, typer.Option(metavar="M.npz", help="The model, from laflow fit.")],
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder for the labels: NAME_labels, of the same kind as the image."),
    ] = Path("labels"),
    colors: Annotated[bool, typer.Option("--colors", help="Also write NAME_colors.png, to look at (2-D).")] = False,
    seed: options.SeedUnused = 0,
    json: options.Json = False,
) -> None:
    """Label each IMAGE with the model M; labels have the values that the truth had in fitting."""
    targets = _targets(image, out)
    for target in targets:
        files.check_writable(target)

    from laflow.assignment.model import load_model

    learned = load_model(model)
    results: list[dict[str, Any]] = []
    with console.progress("labelling", len(image)) as advance:
        for path, target in zip(image, targets, strict=True):
            found = _label_one(learned, path)
            images.write_labels(target, np.asarray(learned.label_values)[found])
            written = {"image": str(path), "labels": str(target)}
            if colors and found.ndim == 2:
                picture = out / f"{path.stem}_colors.png"
                images.write_colors(picture, found, learned.labels)
                written["colors"] = str(picture)
            shares = np.bincount(found.ravel(), minlength=learned.labels) / found.size
            named = zip(learned.label_values, shares.tolist(), strict=True)
            results.append({**written, "shape": list(found.shape), "shares": dict(named)})
            advance(path.name)
    if json:
        console.show_json({"model": str(model), "images": results})
        return
    rows = [[item["image"], item["labels"], _shares(item["shares"])] for item in results]
    console.show_table("Labelled", ("image", "labels", "share of each label"), rows)


def _label_one(model: Any, path: Path) -> np.ndarray:
    """Labels 0..J-1 of the image in a file."""
    array = images.read_array(path)
    try:
        pixels = images.as_image(array, path, model.predictor.dimensions)
        return np.asarray(model.label(pixels).labels)
    except LaflowError as error:
        if str(path) in str(error):
            raise
        raise type(error)(f"{path}: {error}") from error


def _targets(paths: list[Path], folder: Path) -> list[Path]:
    targets = [folder / f"{path.stem}_labels{path.suffix.lower()}" for path in paths]
    twice = sorted({str(target) for target in targets if targets.count(target) > 1})
    if twice:
        raise FileError(f"more than one image would be labelled into {twice[0]}; label them into different folders")
    return targets


def _shares(shares: dict[int, float]) -> str:
    return ", ".join(f"{value}: {100 * share:.1f} %" for value, share in shares.items())
