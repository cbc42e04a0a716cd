"""Pictures of experiments: curves, label maps, weight patches. Written beside the file, then moved there."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def new_figure(columns: int, rows: int = 1, *, width: float = 4.2, height: float = 3.4) -> tuple[Any, Any]:
    """A figure and a (rows, columns) array of axes, without any window system."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def save(figure: Any, folder: Path, name: str) -> Path:
    """Write `folder`/`name`.png."""
    folder.mkdir(parents=True, exist_ok=True)
    path, temporary = folder / f"{name}.png", folder / f".{name}.part"
    try:
        figure.savefig(temporary, format="png", dpi=130)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def draw_curves(axes: Any, curves: Mapping[str, Sequence[float]], *, title: str, ylabel: str) -> None:
    """Curves over the step number; later ones are thinner and dashed, so that coinciding ones all show."""
    styles = ("-", "--", ":", "-.", (0, (5, 1, 1, 1)), (0, (1, 3)))
    for number, (name, values) in enumerate(curves.items()):
        width = max(1.2, 3.4 - 0.7 * number)
        axes.plot(values, linestyle=styles[number % len(styles)], linewidth=width, label=name)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("step")
    axes.set_ylabel(ylabel)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


def draw_image(axes: Any, image: np.ndarray, *, title: str) -> None:
    """An image (H, W) or (H, W, C), values clipped to [0, 1]."""
    picture = np.clip(image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image, 0.0, 1.0)
    axes.imshow(picture, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()


def draw_field(
    figure: Any,
    axes: Any,
    values: np.ndarray,
    *,
    title: str,
    limits: tuple[float | None, float | None] = (None, None),
) -> None:
    """A scalar field (H, W) with its colour bar, which runs between `limits` (by default the values' own)."""
    drawn = axes.imshow(values, cmap="magma", interpolation="nearest", vmin=limits[0], vmax=limits[1])
    figure.colorbar(drawn, ax=axes, shrink=0.85)
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()


def weight_mosaic(weights: np.ndarray) -> np.ndarray:
    """Weight patches (H, W, 9) as one picture: each a 3×3 tile, scaled by its largest weight, one pixel apart."""
    height, width, _ = weights.shape
    tiles = weights / weights.max(axis=-1, keepdims=True)
    picture = np.full((height, 4, width, 4), 0.35)
    picture[:, :3, :, :3] = tiles.reshape(height, width, 3, 3).transpose(0, 2, 1, 3)
    return picture.reshape(4 * height, 4 * width)[:-1, :-1]
