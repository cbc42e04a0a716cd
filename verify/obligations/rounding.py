"""O5: each kernel stays within its rounding bound around a ball enclosure of the derived formula.

The bound follows from the program's own operations at the very inputs (``formulas.rounding_bounds``); the figure is the
worst error over bound, which must not exceed 1. Inputs are ordinary, extreme and worst-case ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from derivations.algebra.lemma import Lemma
from derivations.algebra.program import Program
from verify.formulas import enclose, rounding_bounds
from verify.kernel_inputs import KINDS, kernel_case
from verify.kernel_instances import Instance, Layout, graph_layout, grid_layout, interpreted
from verify.obligations.outcome import Effort, Outcome, absent, holds_unless

GRAPH = [[0, 1, 3], [1], [2, 0, 1, 4], [3, 2], [4, 3, 0]]


def layouts(program: Program, effort: Effort) -> list[tuple[str, Layout]]:
    """Grids of one to three dimensions, a wider radius, and a graph with unequal patches."""
    found = [("image 2x3", grid_layout((2, 3), 1))]
    if not program.grid_only:
        found.append(("graph", graph_layout(GRAPH)))
    if effort is Effort.FULL:
        found += [("line, radius 2", grid_layout((4,), 2)), ("volume 2x2x2", grid_layout((2, 2, 2), 1))]
    return found


def cases(program: Program, effort: Effort) -> Iterator[tuple[str, Instance]]:
    """Instances with a label each; deterministic."""
    for place, layout in layouts(program, effort):
        for kind in KINDS:
            for number in range(1 if effort is Effort.QUICK else 3):
                rng = np.random.default_rng([KINDS.index(kind), number])
                yield f"{place}, {kind} {number}", kernel_case(program, layout, kind, rng)


def worst_ratio(instance: Instance, kernel: object) -> dict[str, float]:
    """For each output, the largest error over bound; infinite where a value is not finite but should be."""
    found = instance.run(kernel)  # type: ignore[arg-type]
    program = instance.program
    bounds = rounding_bounds(program, instance.dense, instance.scalars, instance.sizes)
    ratios = {}
    for output, meaning in program.means.items():
        exact = enclose(meaning, instance.dense, instance.scalars, instance.sizes)
        there = instance.present(output)
        error = np.abs(found[output.name] - exact.middle)[there]
        allowed = (bounds[output] + exact.radius)[there]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(error == 0.0, 0.0, error / allowed)
        ratios[output.name] = float(np.max(np.where(np.isnan(ratio), np.inf, ratio)))
    return ratios


def discharge(lemma: Lemma, effort: Effort) -> Outcome:
    """The worst ratio over all inputs, for every kernel of the lemma."""
    if not lemma.programs:
        return absent("no kernel")
    faults: list[str] = []
    worst: dict[str, float] = {}
    worst_on: dict[str, str] = {}
    every: dict[str, list[float]] = {}
    for program in lemma.programs:
        kernel = interpreted(program.name)
        for label, instance in cases(program, effort):
            with np.errstate(all="ignore"):
                ratios = worst_ratio(instance, kernel)
            for output, ratio in ratios.items():
                name = f"{program.name}.{output}"
                if ratio >= worst.get(name, 0.0):
                    worst[name], worst_on[name] = ratio, label
                every.setdefault(name, []).append(ratio)
                if not ratio <= 1.0:
                    faults.append(f"{name} on {label}: {ratio:.3g} times its bound")
    figure = f"worst error {max(worst.values()):.2f} of the bound"
    return holds_unless(faults, figure, worst=worst, worst_on=worst_on, ratios=every)
