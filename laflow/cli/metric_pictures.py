"""The pictures of `laflow metric`: σ over time, slices of det g, spectra of the tangent kernel."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes

from laflow.cli.metric_options import surface_text
from laflow.cli.pictures import PALETTE, STYLE, new_figure, save_figure
from laflow.metric.hypersurface import Hypersurface

COLORS = (PALETTE[5], PALETTE[6], PALETTE[3], PALETTE[1], PALETTE[7], PALETTE[2], PALETTE[0])
DASHES = ("-", "--", "-.", ":")
EVENT_MARKS = {"recovered": "x", "restarted": "o"}


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


def surface_title(surface: Hypersurface) -> str:
    """The equation of a surface as a title in matplotlib's mathematics, where it is short."""
    terms = surface_text(surface).split(" + ")[::-1]
    if len(terms) > 8:
        return f"a hypersurface of degree {surface.degree} in $P^{surface.degree - 1}$"
    powers = re.sub(r"z(\d+)\^?(\d*)", r"z_{\1}^{\2}", " + ".join(terms))
    return f"${powers.replace('*', '').replace('^{}', '')} = 0$"


def _plain(axis: Axes) -> None:
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(alpha=0.25, linewidth=0.5)
