"""Drawings of what was measured, on matplotlib's Agg canvas, used as objects."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from verify.benchmarks import Row

# Okabe and Ito's palette: it survives colour blindness and grey print.
COLORS = ("#000000", "#d55e00", "#e69f00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9")
MARKERS = "osD^vPX"


def error_against_time(rows: Sequence[Row], path: Path) -> None:
    """Each configuration a point; a line joins those that no other of the same kind beats in both."""
    figure, axes = _canvas()
    names = list(dict.fromkeys(row.who for row in rows))
    for name, color, marker in zip(names, COLORS, MARKERS, strict=False):
        points = sorted((row.error, row.ms) for row in rows if row.who == name and row.error and row.ms)
        axes.plot(*zip(*points, strict=True), marker, color=color, markersize=4, alpha=0.5, linestyle="none")
        axes.plot(*zip(*front(points), strict=True), marker=marker, color=color, markersize=5, label=name)
    axes.set(xscale="log", yscale="log", xlabel="relative error of the gradient", ylabel="ms (median)")
    _finish(figure, axes, path)


def front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points that no other one beats in error and in time, by falling error."""
    best, kept = float("inf"), []
    for error, ms in sorted(points):
        if ms < best:
            best = ms
            kept.append((error, ms))
    return kept[::-1]


def time_per_pixel(series: dict[str, Sequence[tuple[float, float]]], path: Path) -> None:
    """ns a pixel over the number of pixels."""
    figure, axes = _canvas()
    for (name, points), color, marker in zip(series.items(), COLORS, MARKERS, strict=False):
        axes.plot(*zip(*points, strict=True), marker=marker, color=color, markersize=5, label=name)
    axes.set(xscale="log", yscale="log", xlabel="pixels", ylabel="ns a pixel")
    _finish(figure, axes, path)


def sigma_over_time(rows: Sequence[Row], path: Path) -> None:
    """σ of metrics over the seconds that their training took."""
    figure, axes = _canvas()
    names = list(dict.fromkeys(row.who for row in rows if row.sigma is not None))
    for name, color, marker in zip(names, COLORS, MARKERS, strict=False):
        points = sorted((row.ms / 1e3, row.sigma) for row in rows if row.who == name and row.sigma and row.ms)
        axes.plot(*zip(*points, strict=True), marker=marker, color=color, markersize=5, label=name)
    axes.set(xscale="log", yscale="log", xlabel="seconds of training", ylabel="σ on other points")
    _finish(figure, axes, path)


def _canvas() -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.5), layout="constrained")
    return figure, figure.add_subplot()


def _finish(figure: Any, axes: Any, path: Path) -> None:
    axes.grid(True, which="major", linewidth=0.4, alpha=0.5)
    figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    figure.savefig(path, dpi=150)
