"""Errors against their bound as a histogram: how far from 1, over how many inputs."""

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

LOWEST, PER_DECADE = -4, 4  # the axis: error / bound from 1e-4 to 1, in quarters of a decade
WIDTH, HEIGHT, FOOT, HEAD = 560, 150, 34, 18


def counts(ratios: Sequence[float]) -> list[int]:
    """Numbers of ratios: exactly 0; below the axis; one for each bin of the axis; above the bound (or not finite)."""
    bins = -LOWEST * PER_DECADE
    found = [0] * (bins + 3)
    for ratio in ratios:
        if ratio == 0.0:
            found[0] += 1
        elif not ratio <= 1.0:
            found[-1] += 1
        else:
            place = math.floor((math.log10(ratio) - LOWEST) * PER_DECADE)
            found[1 if place < 0 else 2 + min(place, bins - 1)] += 1
    return found


def histogram(ratios: Sequence[float], title: str) -> Markup:
    """The SVG; a broken line marks the bound, bars beyond it are marked as faults."""
    found = counts(ratios)
    tallest, bins = max(found), len(found)
    step = (WIDTH - 20) / bins
    parts = []
    for place, count in enumerate(found):
        if count == 0:
            continue
        height = (HEIGHT - FOOT - HEAD) * count / tallest
        left, top = 10 + place * step, HEIGHT - FOOT - height
        kind = "beyond" if place == bins - 1 else "exact" if place == 0 else "within"
        parts.append(
            f'<rect class="{kind}" x="{left + 1:.1f}" y="{top:.1f}" width="{step - 2:.1f}" height="{height:.1f}"/>'
        )
        parts.append(f'<text x="{left + step / 2:.1f}" y="{top - 3:.1f}" text-anchor="middle">{count}</text>')
    base, bound = HEIGHT - FOOT, 10 + (bins - 1) * step
    parts.append(f'<line class="axis" x1="10" x2="{WIDTH - 10}" y1="{base}" y2="{base}"/>')
    parts.append(f'<line class="bound" x1="{bound:.1f}" x2="{bound:.1f}" y1="2" y2="{base}"/>')
    parts.append(_label(10 + step / 2, "exact"))
    for decade in range(LOWEST, 0):
        parts.append(_label(10 + (2 + (decade - LOWEST) * PER_DECADE) * step, f"1e{decade}"))
    parts.append(_label(bound, "bound"))
    middle = f'<text x="{WIDTH / 2:.0f}" y="{HEIGHT - 4}" text-anchor="middle">error / bound</text>'
    return Markup(
        f'<svg class="histogram" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}{middle}</svg>"
    )


def _label(x: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{HEIGHT - FOOT + 14}" text-anchor="middle">{text}</text>'
