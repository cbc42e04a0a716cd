"""The pictures of `laflow demo`: labelings, gradient norm, weight patches, training curves.

Colours survive colour blindness and grey print: label colours are Okabe and Ito's, maps of numbers cividis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, PowerNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from laflow.cli.files import write_file

PALETTE = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
WRONG = "#D55E00"
STYLE: dict[str, Any] = {"fontsize": 9}
DPI = 200


@dataclass(frozen=True)
class Panel:
    """One image of a row: `values` are `(H, W, C)` intensities or `(H, W)` labels of `labels` kinds."""

    title: str
    values: np.ndarray
    labels: int | None = None
    truth: np.ndarray | None = None


@dataclass(frozen=True)
class Curve:
    """Values after 0, 1, 2, … steps; NaN where there is none."""

    name: str
    values: np.ndarray
    color: str = PALETTE[5]
    style: str = "-"


def save_labelings(path: Path, title: str, rows: Sequence[tuple[str, Sequence[Panel | None]]], note: str) -> None:
    """Rows of as many images each (None leaves a gap), the name of the row at the left.

    In two-label maps the wrong pixels are marked.
    """
    columns = max(len(panels) for _, panels in rows)
    figure = new_figure(2.05 * columns + 0.35, 2.35 * len(rows) + 0.75)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for (name, panels), line in zip(rows, axes, strict=True):
        for axis, panel in zip(line, panels, strict=True):
            if panel is None:
                axis.set_axis_off()
                continue
            axis.imshow(_colors(panel), interpolation="nearest")
            axis.set_title(panel.title, **STYLE)
            _frame(axis)
        line[0].set_ylabel(name, **STYLE)
    figure.suptitle(title, fontsize=11)
    figure.supxlabel(note, fontsize=8, color="0.35")
    save_figure(figure, path)


def save_gradient_norm(path: Path, title: str, image: np.ndarray, norm: np.ndarray) -> None:
    """The image and, beside it, the norm of each pixel's gradient `(H, W)` on a logarithmic scale."""
    figure = new_figure(7.2, 3.5)
    left, right = figure.subplots(1, 2)
    left.imshow(_intensities(image), interpolation="nearest")
    left.set_title("training image", **STYLE)
    floor = norm.max() * 1e-4
    shown = right.imshow(
        np.log10(np.maximum(norm, floor) / norm.max()),
        cmap="cividis",
        interpolation="nearest",
        vmin=-4,
        vmax=0,
    )
    right.set_title("norm of its gradient, uniform weights (largest = 1)", **STYLE)
    bar = figure.colorbar(shown, ax=right, shrink=0.85, ticks=[-4, -3, -2, -1, 0])
    bar.ax.set_yticklabels(["≤ 10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "1"])
    bar.ax.tick_params(labelsize=8)
    for axis in (left, right):
        _frame(axis)
    figure.suptitle(title, fontsize=11)
    save_figure(figure, path)


def save_weight_patches(
    path: Path, title: str, parts: Sequence[tuple[str, np.ndarray, str, np.ndarray]], note: str
) -> None:
    """Sections of images beside the weight patches of their pixels.

    Each part is (title, image section `(h, w, C)`, title, weights `(h, w, |N|)` with |N| an odd square).
    """
    figure = new_figure(7.2, 3.55 * len(parts) + 0.5)
    axes = figure.subplots(len(parts), 2, squeeze=False)
    for (image_title, image, weights_title, weights), (left, right) in zip(parts, axes, strict=True):
        left.imshow(_intensities(image), interpolation="nearest")
        left.set_title(image_title, **STYLE)
        # The square root leaves differences visible among small weights, beside the few large ones.
        norm = PowerNorm(0.5, vmin=0.0, vmax=float(weights.max()))
        shown = right.imshow(_tiles(weights), cmap=_cividis_on_white(), interpolation="nearest", norm=norm)
        right.set_title(weights_title, **STYLE)
        figure.colorbar(shown, ax=right, shrink=0.85).ax.tick_params(labelsize=8)
        for axis in (left, right):
            _frame(axis)
    figure.suptitle(title, fontsize=11)
    figure.supxlabel(note, fontsize=8, color="0.35")
    save_figure(figure, path)


def save_training_curves(
    path: Path, title: str, panels: Sequence[tuple[str, str, Sequence[Curve], Sequence[tuple[str, float]]]]
) -> None:
    """Curves over training steps. A panel is (title, ordinate, curves, named horizontal lines)."""
    figure = new_figure(3.7 * len(panels), 3.1)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (panel_title, ordinate, curves, levels) in zip(axes, panels, strict=True):
        for curve in curves:
            shown = np.flatnonzero(np.isfinite(curve.values))
            axis.plot(
                shown,
                curve.values[shown],
                curve.style,
                color=curve.color,
                linewidth=1.3,
                markersize=2.5,
                label=curve.name,
            )
        for (name, level), style in zip(levels, (":", "-.", "--"), strict=False):
            axis.axhline(level, color="0.45", linestyle=style, linewidth=1.0, label=name)
        axis.set_title(panel_title, **STYLE)
        axis.set_xlabel("step", **STYLE)
        axis.set_ylabel(ordinate, **STYLE)
        axis.set_xlim(0, max(len(curve.values) for curve in curves) - 1)
        axis.set_ylim(bottom=0)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25, linewidth=0.5)
        if len(curves) + len(levels) > 1:
            axis.legend(fontsize=8, frameon=False)
    figure.suptitle(title, fontsize=11)
    save_figure(figure, path)


def new_figure(width: float, height: float) -> Figure:
    """A figure in inches, without pyplot: no global state, no display."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole or not at all."""
    write_file(path, lambda stream: figure.savefig(stream, format="png", dpi=DPI))


def _frame(axis: Axes) -> None:
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_color("0.6")
        spine.set_linewidth(0.6)


def _intensities(image: np.ndarray) -> np.ndarray:
    """`(H, W, C)` as RGB in [0, 1]: three channels as they are, else the first one in grey.

    The range shown leaves out half a percent at both ends, so that a few outliers do not darken the rest.
    """
    if image.shape[-1] == 3:
        return np.clip(image, 0.0, 1.0)
    low, high = np.percentile(image[..., 0], [0.5, 99.5])
    grey = np.clip((image[..., 0] - low) / max(high - low, 1e-12), 0.0, 1.0)
    return np.repeat(grey[..., None], 3, axis=-1)


def _colors(panel: Panel) -> np.ndarray:
    """RGB of a panel; of two labels, 0 is black and 1 is white, and what differs from the truth is marked."""
    if panel.labels is None:
        return _intensities(panel.values)
    if panel.labels > 2:
        return label_colors(panel.labels)[panel.values]
    shown = np.repeat(panel.values[..., None].astype(np.float64), 3, axis=-1)
    if panel.truth is not None:
        shown[panel.values != panel.truth] = to_rgb(WRONG)
    return shown


def label_colors(labels: int) -> np.ndarray:
    """RGB in [0, 1] of each label, `(labels, 3)`: Okabe and Ito's colours, then steps of cividis."""
    from matplotlib import colormaps

    named = np.array([to_rgb(color) for color in PALETTE[:labels]])
    more = colormaps["cividis"](np.linspace(0.05, 0.95, max(labels - len(PALETTE), 1)))[:, :3]
    return np.concatenate([named, more])[:labels]


def _tiles(weights: np.ndarray) -> np.ndarray:
    """Patches `(h, w, |N|)` side by side, with empty (NaN) lines between them."""
    height, width, neighbours = weights.shape
    side = round(neighbours**0.5)
    tiles = np.full((height, side + 1, width, side + 1), np.nan)
    tiles[:, :side, :, :side] = weights.reshape(height, width, side, side).transpose(0, 2, 1, 3)
    return tiles.reshape(height * (side + 1), width * (side + 1))[:-1, :-1]


def _cividis_on_white() -> Colormap:
    from matplotlib import colormaps

    return colormaps["cividis"].with_extremes(bad="white")
