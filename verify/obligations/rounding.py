"""O5: each kernel stays within two bounds on its rounding error around a ball enclosure of the derived formula.

The running bound follows from the program's own operations at the very inputs; the stated one is what the kernel's
docstring says (``Program.bound``), evaluated there. No error may exceed the running bound, and no running bound the
stated one: then the docstring is true at these inputs, and not only by luck of rounding. The figure is the worst error
over running bound. Inputs are ordinary, extreme and worst-case ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from derivations.algebra.lemma import Lemma
from derivations.algebra.program import Program
from verify.formulas import enclose, error_bounds
from verify.kernel_inputs import ROUNDING_KINDS, UNEVEN_GRAPH, kernel_case
from verify.kernel_instances import Instance, Layout, graph_layout, grid_layout, interpreted, over_sites, site_layout
from verify.obligations.outcome import Effort, Outcome, absent, holds_unless

HUB = [[0], [0, 1], [0, 2], [0, 3], [0, 4], [0, 5], [0, 6]]  # one node is a neighbour of all, none has more than two


@dataclass(frozen=True)
class Ratios:
    """Worst over the entries of one output: error over running bound, error over stated, running over stated."""

    running: float
    stated: float
    covered: float


def layouts(program: Program, effort: Effort) -> list[tuple[str, Layout]]:
    """Grids of one to three dimensions, a wider radius, and a graph with unequal patches; or sites."""
    if over_sites(program):
        return [("sites", site_layout(4))]
    found = [("image 2x3", grid_layout((2, 3), 1))]
    if not program.grid_only:
        found.append(("graph", graph_layout(UNEVEN_GRAPH)))
    if effort is Effort.FULL and not program.grid_only:
        found.append(("hub", graph_layout(HUB)))
    if effort is Effort.FULL:
        found += [("line, radius 2", grid_layout((4,), 2)), ("volume 2x2x2", grid_layout((2, 2, 2), 1))]
    return found


def cases(program: Program, effort: Effort) -> Iterator[tuple[str, Instance]]:
    """Instances with a label each; deterministic."""
    for place, layout in layouts(program, effort):
        for kind in ROUNDING_KINDS[:-1]:
            for number in range(1 if effort is Effort.QUICK else 2):
                rng = np.random.default_rng([ROUNDING_KINDS.index(kind), number])
                yield f"{place}, {kind} {number}", kernel_case(program, layout, kind, rng)
    # sums over all pairs of labels in balls are slow: many labels on few nodes
    kind, rng = ROUNDING_KINDS[-1], np.random.default_rng(64)
    if not over_sites(program):
        yield f"line of 2, {kind}", kernel_case(program, grid_layout((2,), 1), kind, rng)


def worst_ratios(instance: Instance, kernel: object) -> dict[str, Ratios]:
    """For each output the worst ratios; infinite where a value is not finite but should be."""
    found = instance.run(kernel)  # type: ignore[arg-type]
    program = instance.program
    bounds = error_bounds(program, instance.dense, instance.scalars, instance.sizes)
    ratios = {}
    for output, meaning in program.means.items():
        exact = enclose(meaning, instance.dense, instance.scalars, instance.sizes)
        there = instance.present(output)
        error = np.abs(found[output.name] - exact.middle)[there]
        running, stated = bounds[output].running[there], bounds[output].stated[there]
        radius = exact.radius[there]
        ratios[output.name] = Ratios(
            _worst(error, running + radius), _worst(error, stated + radius), _worst(running, stated)
        )
    return ratios


def _worst(above: np.ndarray, below: np.ndarray) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(above == 0.0, 0.0, above / below)
    return float(np.max(np.where(np.isnan(ratio), np.inf, ratio), initial=0.0))


def discharge(lemma: Lemma, effort: Effort) -> Outcome:
    """The worst ratios over all inputs, for every kernel of the lemma."""
    if not lemma.programs:
        return absent("no kernel")
    faults: list[str] = []
    worst: dict[str, float] = {}
    worst_on: dict[str, str] = {}
    stated: dict[str, float] = {}
    covered: dict[str, float] = {}
    every: dict[str, list[float]] = {}
    for program in lemma.programs:
        kernel = interpreted(program.name)
        for label, instance in cases(program, effort):
            with np.errstate(all="ignore"):
                ratios = worst_ratios(instance, kernel)
            for output, ratio in ratios.items():
                name = f"{program.name}.{output}"
                if ratio.running >= worst.get(name, 0.0):
                    worst[name], worst_on[name] = ratio.running, label
                stated[name] = max(stated.get(name, 0.0), ratio.stated)
                covered[name] = max(covered.get(name, 0.0), ratio.covered)
                every.setdefault(name, []).append(ratio.running)
                faults += _faults(name, label, ratio)
    figure = f"worst error {max(worst.values()):.2f} of the bound, {max(stated.values()):.2f} of the one in words"
    return holds_unless(faults, figure, worst=worst, worst_on=worst_on, stated=stated, covered=covered, ratios=every)


def _faults(name: str, label: str, ratio: Ratios) -> list[str]:
    faults = []
    if not ratio.running <= 1.0:
        faults.append(f"{name} on {label}: error {ratio.running:.3g} times its running bound")
    if not ratio.stated <= 1.0:
        faults.append(f"{name} on {label}: error {ratio.stated:.3g} times the bound in its docstring")
    if not ratio.covered <= 1.0 + 1e-12:  # equal bounds may be summed in another order
        faults.append(f"{name} on {label}: the docstring's bound is {ratio.covered:.3g} times too small")
    return faults
