"""O7: every mutant of a kernel's text is killed, or listed as equivalent with the reason.

A mutant runs interpreted, layer by layer, until one notices: it stops with an error; it leaves the rounding bound on
ordinary inputs; on extreme ones; when nodes are spread over many blocks and tasks, which then run in another order, or
over strips, which are called one after the other; on patches of three and of nineteen neighbours; or it leaves
something else where no node is (the halo must stay as it was). (That its text differs from the committed one is O4's
business and is not counted.)
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from derivations.algebra.language import Array
from derivations.algebra.lemma import Lemma
from derivations.algebra.program import Program
from derivations.compiler.lowering import VISITED
from verify.equivalent_mutants import reason_of_equivalence
from verify.formulas import enclose, rounding_bounds
from verify.kernel_inputs import KINDS, UNEVEN_GRAPH, kernel_case
from verify.kernel_instances import KERNELS, Instance, graph_layout, grid_layout, interpreted, over_sites, site_layout
from verify.mutation import Mutant, mutants
from verify.obligations.outcome import Effort, Outcome, absent, holds_unless
from verify.time_limit import time_limit

LAYERS = ("stops", "ordinary inputs", "extreme inputs", "blocks and tasks", "other patches")
SAMPLE = 40  # one mutant in so many is run under QUICK
SECONDS = 10  # a mutant that runs longer has lost its way and counts as stopped


@dataclass(frozen=True)
class Trial:
    """One call with what it must give."""

    layer: str
    label: str
    instance: Instance
    block: int
    tasks: int
    backwards: bool
    exact: dict[str, np.ndarray]
    allowed: dict[str, np.ndarray]
    beyond: dict[str, np.ndarray]
    strips: int = 1

    def run(self, kernel: dict[str, Any]) -> dict[str, np.ndarray]:
        """The kernel's outputs, its blocks of the trial's length, its tasks in the trial's order."""
        kernel["BLOCK"] = self.block  # the kernel's own globals, which its functions read
        kernel["prange"] = (lambda count: reversed(range(count))) if self.backwards else range
        return self.instance.run_packed(kernel, self.tasks, self.strips)

    def passes(self, kernel: dict[str, Any]) -> bool:
        """Whether the kernel's outputs stay within what is allowed."""
        packed = self.run(kernel)
        for array in self.instance.program.outputs:
            if not np.array_equal(self.instance.beyond(array, packed[array.name]), self.beyond[array.name], True):
                return False
            if array.name not in self.exact:
                continue
            seen, allowed = self.instance.unpacked(array, packed[array.name]), self.allowed[array.name]
            there = np.isfinite(allowed)
            if not np.all(np.abs(seen - self.exact[array.name])[there] <= allowed[there]):
                return False
        return True


def trials(program: Program) -> list[Trial]:
    """Ordinary inputs first, then each extreme kind, many blocks, and other patches; on grids and a graph or sites."""
    sited = over_sites(program)
    places = [site_layout(6) if sited else grid_layout((2, 3), 1)]
    if not program.grid_only and not sited:
        places.append(graph_layout(UNEVEN_GRAPH))
    found = []
    for number, layout in enumerate(places):
        for kind in KINDS:
            rng = np.random.default_rng([number, KINDS.index(kind)])
            layer = "ordinary inputs" if kind == "ordinary" else "extreme inputs"
            label = f"{layout.kind}, {kind}"
            found.append(_trial(layer, label, kernel_case(program, layout, kind, rng), 256, 1, False))
        for block, tasks, backwards in ((1, 3, True), (2, 2, False), (3, 1, False), (4, 2, True)):
            rng = np.random.default_rng([number, 99])
            case = kernel_case(program, layout, "ordinary", rng)
            label = f"{layout.kind}, blocks of {block}, {tasks} tasks"
            found.append(_trial("blocks and tasks", label, case, block, tasks, backwards))
    if not sited and not any(_is_sum(array) for array in program.outputs):
        case = kernel_case(program, grid_layout((4, 3), 1), "ordinary", np.random.default_rng(8))
        found.append(_trial("blocks and tasks", "grid, in strips", case, 2, 3, False, strips=4))
    if sited:
        case = kernel_case(program, site_layout(2), "many labels", np.random.default_rng(7))
        found.append(_trial("other patches", "many directions", case, 256, 1, False))
    for shape, radius, kind in () if sited else (((3,), 1, "ordinary"), ((10,), 9, "many labels")):
        case = kernel_case(program, grid_layout(shape, radius), kind, np.random.default_rng(7))
        found.append(_trial("other patches", f"grid of radius {radius}", case, 256, 1, False))
    return sorted(found, key=lambda trial: LAYERS.index(trial.layer))


def _is_sum(array: Array) -> bool:
    """Whether an output is summed over the nodes, by blocks of all of them."""
    return not any(over.name in VISITED for over in array.axes)


def _trial(
    layer: str, label: str, instance: Instance, block: int, tasks: int, backwards: bool, strips: int = 1
) -> Trial:
    program = instance.program
    bounds = rounding_bounds(program, instance.dense, instance.scalars, instance.sizes)
    exact, allowed = {}, {}
    for output, meaning in program.means.items():
        enclosure = enclose(meaning, instance.dense, instance.scalars, instance.sizes)
        exact[output.name] = enclosure.middle
        # where there is no edge there is nothing to compare
        allowed[output.name] = np.where(instance.present(output), bounds[output] + enclosure.radius, np.inf)
    trial = Trial(layer, label, instance, block, tasks, backwards, exact, allowed, {}, strips)
    with np.errstate(all="ignore"):
        packed = trial.run(interpreted(program.name))
    beyond = {array.name: instance.beyond(array, packed[array.name]) for array in program.outputs}
    return replace(trial, beyond=beyond)


def killed_by(mutant: Mutant, name: str, tried: list[Trial]) -> str | None:
    """The first layer that notices the mutant; None if it survives."""
    try:
        with np.errstate(all="ignore"), time_limit(SECONDS):
            kernel = interpreted(name, mutant.text)
            for trial in tried:
                if not trial.passes(kernel):
                    return trial.layer
    except Exception:
        return "stops"
    return None


def discharge(lemma: Lemma, effort: Effort) -> Outcome:
    """All mutants of all kernels of the lemma; a fixed sample of them under QUICK."""
    if not lemma.programs:
        return absent("no kernel")
    faults: list[str] = []
    rows: list[dict[str, str]] = []
    matrix: dict[str, Counter[str]] = {}
    kinds: dict[str, Counter[str]] = {}
    for program in lemma.programs:
        tried = trials(program)
        kernel = interpreted(program.name)
        with np.errstate(all="ignore"):
            faults += [f"{program.name} itself fails on {trial.label}" for trial in tried if not trial.passes(kernel)]
        found = mutants((KERNELS / f"{program.name}.py").read_text(encoding="utf-8"))
        for mutant in found if effort is Effort.FULL else found[::SAMPLE]:
            layer = killed_by(mutant, program.name, tried)
            reason = "" if layer else reason_of_equivalence(program.name, mutant)
            verdict = layer or ("equivalent" if reason else "survives")
            matrix.setdefault(program.name, Counter())[verdict] += 1
            kinds.setdefault(mutant.kind, Counter())[verdict] += 1
            if layer is None:
                rows.append({"kernel": program.name, "mutant": mutant.label, "reason": reason})
            if verdict == "survives":
                faults.append(f"{program.name}: {mutant.label} survives")
    totals = sum(matrix.values(), Counter[str]())
    killed = sum(totals[layer] for layer in LAYERS)
    figure = f"{killed} killed, {totals['equivalent']} equivalent, {totals['survives']} survive"
    counts = {name: dict(row) for name, row in matrix.items()}
    return holds_unless(
        faults,
        figure,
        mutants=sum(totals.values()),
        killed=killed,
        equivalent=totals["equivalent"],
        matrix=counts,
        kinds={kind: dict(row) for kind, row in sorted(kinds.items())},
        not_killed=rows,
    )
