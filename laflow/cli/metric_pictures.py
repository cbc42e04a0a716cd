"""The pictures of `laflow metric`: σ over time, slices of det g, spectra of the tangent kernel."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.ticker import ScalarFormatter
from numpy.typing import NDArray

from laflow.cli.pictures import PALETTE, STYLE, new_figure, save_figure
from laflow.metric.geometry.hypersurface import Hypersurface

FloatArray = NDArray[np.float64]

COLORS = (PALETTE[5], PALETTE[6], PALETTE[3], PALETTE[1], PALETTE[7], PALETTE[2], PALETTE[0])
DASHES = ("-", "--", "-.", ":")
MOST_TERMS = 8
EVENT_MARKS = {"recovered": "x", "restarted": "o", "ended": "s"}


@dataclass(frozen=True)
class Run:
    """A training: (seconds, σ on held-out points or None, event) of each look."""

    name: str
    looks: Sequence[tuple[float, float | None, str]]


def save_sigma(path: Path, title: str, runs: Sequence[Run], fubini_study: float) -> None:
    """σ over seconds, on a logarithmic scale, with Fubini–Study's as a line; events are marked."""
    figure = new_figure(6.0, 3.6)
    axis = figure.subplots()
    for index, run in enumerate(runs):
        color = COLORS[index % len(COLORS)]
        looks = [(seconds, sigma, event) for seconds, sigma, event in run.looks if sigma is not None and sigma > 0.0]
        axis.plot(
            [look[0] for look in looks],
            [look[1] for look in looks],
            DASHES[index // len(COLORS) % len(DASHES)],
            color=color,
            linewidth=1.5,
            label=run.name,
        )
        for event, mark in EVENT_MARKS.items():
            at = [(seconds, sigma) for seconds, sigma, what in looks if what == event]
            if at:
                axis.plot(*zip(*at, strict=True), mark, color=color, markersize=5, label=f"{run.name}: {event}")
    axis.axhline(fubini_study, color="0.45", linestyle=":", linewidth=1.2, label="Fubini–Study")
    axis.set_yscale("log")
    axis.set_xlabel("seconds of training", **STYLE)
    axis.set_ylabel("σ on held-out points", **STYLE)
    axis.set_xlim(left=0.0)
    _plain(axis)
    axis.legend(fontsize=8, frameon=False)
    figure.suptitle(title, fontsize=10)
    save_figure(figure, path)


@dataclass(frozen=True)
class Residuals:
    """r = det g/(κ|Ω|²) - 1 of a metric: on a slice of X (H, W), NaN outside, and at points (N,) of given weights."""

    name: str
    on_slice: FloatArray
    at_points: FloatArray


@dataclass(frozen=True)
class SliceFrame:
    """Where a slice lies: its parameter t (H, W), and the periods of the lattice for a curve."""

    parameter: NDArray[np.complex128]
    label: str
    periods: tuple[complex, complex] | None


def save_residuals(
    path: Path, title: str, metrics: Sequence[Residuals], weights: FloatArray, frame: SliceFrame, note: str
) -> None:
    """log(det g/κ|Ω|²) of each metric on a slice, and how |r| is distributed over X."""
    figure = new_figure(3.3 * len(metrics) + 3.9, 3.6)
    axes = figure.subplots(1, len(metrics) + 1, width_ratios=[*[1.0] * len(metrics), 1.05])
    half = float(np.abs(frame.parameter.real).max())
    for axis, metric in zip(axes, metrics, strict=False):
        # Where det g is not positive there is no logarithm: the slice stays white.
        shown = np.log(np.where(metric.on_slice > -1.0, 1.0 + metric.on_slice, np.nan))
        size = float(np.nanmax(np.abs(shown), initial=0.0)) or 1.0
        image = axis.imshow(
            shown, cmap=_cividis_on_white(), vmin=-size, vmax=size, origin="lower", extent=(-half, half, -half, half)
        )
        digits = ScalarFormatter(useMathText=True)
        digits.set_powerlimits((-2, 3))
        bar = figure.colorbar(image, ax=axis, shrink=0.8, format=digits)
        bar.ax.tick_params(labelsize=7)
        bar.ax.yaxis.get_offset_text().set_fontsize(7)
        if frame.periods is not None:
            _cell(axis, frame.periods, half)
        axis.set_title(f"{metric.name}: log(det g/κ|Ω|²)", **STYLE)
        axis.set_xlabel(f"Re {frame.label}", **STYLE)
        axis.set_ylabel(f"Im {frame.label}", **STYLE)
        axis.tick_params(labelsize=7)
    last = axes[-1]
    for metric, color in zip(metrics, COLORS[1::-1], strict=False):
        order = np.argsort(np.abs(metric.at_points))
        share = np.cumsum(weights[order]) / weights.sum()
        last.plot(np.abs(metric.at_points)[order], 100.0 * share, color=color, linewidth=1.5, label=metric.name)
    last.set_xscale("log")
    last.set_xlim(left=max(float(np.abs(metrics[-1].at_points).max()) * 1e-3, 1e-16))
    last.set_ylim(0.0, 100.0)
    last.set_title("share of X with |r| below", **STYLE)
    last.set_xlabel("|r|, r = det g/κ|Ω|² - 1", **STYLE)
    last.set_ylabel("% of the volume", **STYLE)
    last.legend(fontsize=8, frameon=False)
    _plain(last)
    figure.suptitle(title, fontsize=10)
    figure.supxlabel(note, fontsize=8, color="0.35")
    save_figure(figure, path)


def _cell(axis: Axes, periods: tuple[complex, complex], half: float) -> None:
    """The lattice's parallelogram around the middle."""
    first, second = periods
    corner = -0.5 * (first + second)
    outline = np.array([corner, corner + first, corner + first + second, corner + second, corner])
    axis.plot(outline.real, outline.imag, color="white", linewidth=1.4)
    axis.plot(outline.real, outline.imag, color="black", linewidth=0.7, linestyle="--")
    axis.set_xlim(-half, half)
    axis.set_ylim(-half, half)


def _cividis_on_white() -> Colormap:
    return colormaps["cividis"].with_extremes(bad="white")


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues (N,) of a kernel from the largest, and the energies (N,) of the residual along its modes."""

    name: str
    eigenvalues: FloatArray
    energies: FloatArray


def save_spectra(path: Path, title: str, spectra: Sequence[Spectrum]) -> None:
    """Eigenvalues by rank, and the share of the residual that lies in the modes beyond a rank."""
    figure = new_figure(7.6, 3.4)
    left, right = figure.subplots(1, 2)
    for spectrum, color in zip(spectra, COLORS[1::-1], strict=False):
        ranks = np.arange(1, spectrum.eigenvalues.size + 1)
        # Below rounding, eigenvalues of a positive semidefinite kernel mean nothing.
        floor = spectrum.eigenvalues[0] * spectrum.eigenvalues.size * np.finfo(np.float64).eps
        sound = spectrum.eigenvalues > floor
        left.loglog(ranks[sound], spectrum.eigenvalues[sound], color=color, linewidth=1.5, label=spectrum.name)
        beyond = np.cumsum(spectrum.energies[::-1])[::-1] / spectrum.energies.sum()
        right.semilogx(ranks, 100.0 * beyond, color=color, linewidth=1.5, label=spectrum.name)
    left.set_title("eigenvalues of the tangent kernel", **STYLE)
    left.set_ylabel("λ: a mode of r decays as exp(-2 λ t)", **STYLE)
    right.set_title("share of mean r² in modes from this rank on", **STYLE)
    right.set_ylabel("%", **STYLE)
    right.set_ylim(0.0, 102.0)
    for axis in (left, right):
        axis.set_xlabel("rank", **STYLE)
        axis.legend(fontsize=8, frameon=False)
        _plain(axis)
    figure.suptitle(title, fontsize=10)
    save_figure(figure, path)


def surface_title(surface: Hypersurface) -> str:
    """The equation of a surface as a title in matplotlib's mathematics, where it is short."""
    polynomial = surface.polynomial
    if len(polynomial.coefficients) > MOST_TERMS:
        return f"a hypersurface of degree {surface.degree} in $P^{surface.degree - 1}$"
    terms = zip(polynomial.exponents[::-1].tolist(), polynomial.coefficients[::-1].tolist(), strict=True)
    sums = "".join(_term(exponents, coefficient) for exponents, coefficient in terms)
    return f"${sums.removeprefix('+')} = 0$"


def _term(exponents: list[int], coefficient: complex) -> str:
    powers = "".join(f"z_{i}" + (f"^{e}" if e > 1 else "") for i, e in enumerate(exponents) if e)
    if coefficient.imag:
        return f"+({coefficient:.3g}){powers}"
    return {1.0: "+", -1.0: "-"}.get(coefficient.real, f"{coefficient.real:+.4g}") + powers


def _plain(axis: Axes) -> None:
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(alpha=0.25, linewidth=0.5)
