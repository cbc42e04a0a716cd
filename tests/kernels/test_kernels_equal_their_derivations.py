"""Every generated kernel computes the formula that was derived, on grids, graphs and sites, compiled as interpreted.

The formula is enclosed in 200-bit balls from the lemma's claim. The tolerance is the rounding bound of the program at
these very inputs: every operation is charged half a unit in the last place, errors are passed on to first order.
"""

import importlib
from typing import Any

import numpy as np
import pytest

from derivations.algebra.program import Program
from derivations.registry import lemmas
from verify.formulas import enclose, rounding_bounds
from verify.kernel_inputs import UNEVEN_GRAPH
from verify.kernel_instances import Layout, graph_layout, grid_layout, instance, interpreted, over_sites, site_layout

PROGRAMS = {program.name: program for lemma in lemmas() for program in lemma.programs}
LAYOUTS: dict[str, Layout] = {
    "line": grid_layout((5,), 1),
    "wide line": grid_layout((4,), 2),
    "image": grid_layout((2, 3), 1),
    "volume": grid_layout((2, 2, 2), 1),
    "graph": graph_layout(UNEVEN_GRAPH),
    "one-way graph": graph_layout([[1, 2], [2], [2, 0]]),
    "sites": site_layout(5),
}
CASES = [
    pytest.param(program, layout, id=f"{program.name}-{label}")
    for program in PROGRAMS.values()
    for label, layout in LAYOUTS.items()
    if over_sites(program) == (layout.kind == "sites") and not (program.grid_only and layout.kind == "graph")
]


def faults(program: Program, layout: Layout, kernel: Any, seed: int, labels: int) -> list[str]:
    """Outputs of a kernel that leave the tolerance around their formula."""
    sizes = {"labels": labels, "ranks": 2, "prototypes": 3, "features": 2, "directions": 3}
    case = instance(program, layout, np.random.default_rng(seed), sizes)
    found = case.run(kernel)
    bounds = rounding_bounds(program, case.dense, case.scalars, case.sizes)
    wrong = []
    for output, meaning in program.means.items():
        exact, seen = enclose(meaning, case.dense, case.scalars, case.sizes), found[output.name]
        compared = case.present(output)  # a pair that is no edge has no place in a kernel's arrays
        error = np.abs(seen - exact.middle)[compared]
        bound = (bounds[output] + exact.radius)[compared]
        if not compared.any() or not np.all(error <= bound):
            wrong.append(f"{output.name}: error {error.max():.3g}, bound {bound.max():.3g}")
    return wrong


@pytest.mark.parametrize(("program", "layout"), CASES)
def test_an_interpreted_kernel_equals_its_formula(program: Program, layout: Layout) -> None:
    assert faults(program, layout, interpreted(program.name), seed=7, labels=3) == []


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_compiled_kernel_equals_the_interpreted_one_bitwise_for_any_number_of_tasks(program: Program) -> None:
    kernel = importlib.import_module(f"laflow.kernels.{program.name}")
    shapes = [site_layout(1100) if over_sites(program) else grid_layout((23, 17), 1)]  # more than one block
    if not program.grid_only and not over_sites(program):
        rng = np.random.default_rng(3)
        rows = [[n, *map(int, rng.choice(300, size=rng.integers(1, 5), replace=False))] for n in range(300)]
        shapes.append(graph_layout([sorted(set(row)) for row in rows]))
    for layout in shapes:
        sizes = {"labels": 4, "ranks": 2, "prototypes": 5, "features": 3, "directions": 3}
        case = instance(program, layout, np.random.default_rng(11), sizes)
        plain = case.run(interpreted(program.name))
        for tasks in (1, 2, 3):
            compiled = case.run(kernel, tasks)
            for name, values in plain.items():
                np.testing.assert_array_equal(compiled[name], values, err_msg=f"{name} with {tasks} tasks")


def test_every_kernel_file_belongs_to_a_lemma_and_every_program_has_its_file() -> None:
    import laflow.kernels

    found = {path.stem for path in map(_path, laflow.kernels.__path__) for path in path.glob("*.py")}
    assert found - {"__init__"} == set(PROGRAMS)


def _path(name: str) -> Any:
    from pathlib import Path

    return Path(name)


MUTATIONS = [
    ("linear_map", " - ", " + "),
    ("linear_map", "gather(image", "gather_transposed(image"),
    ("linear_map_adjoint", "gather_transposed(image", "gather(image"),
    ("low_rank_gradient", "projected_row + ranks * labels", "averaged_row + ranks * labels"),
    ("similarity", "exp(out_p[p] - shift_p[p])", "exp(out_p[p]) * 2.0 - shift_p[p]"),
    ("source", " / labels", ""),
    ("low_rank_gradient", "adjoint_integral_p[p] / labels", "adjoint_integral_p[p]"),
    ("regularizer_gradient", "if inside_p[p] > 0.0", "if True"),
    ("exponential_step", "-gradient_p[p]", "gradient_p[p]"),
    ("predicted_weights", "membership_p[p] * this_directions", "membership_p[p]"),
    ("jet_activation", "imag_slope_p[p] * minus_p[p] + plus_p[p]", "imag_slope_p[p] * plus_p[p] + plus_p[p]"),
    (
        "jet_activation_adjoint",
        "bend_covector[other_direction, direction, start:stop]",
        "bend_covector[direction, 0, start:stop]",
    ),
    ("contracted_bend", "imag_slope_p[p] * shared_minus_p[p]", "imag_slope_p[p] * shared_plus_p[p]"),
    ("bend_contraction", "dual_p2[p] - dual_p[p]", "dual_p[p] - dual_p2[p]"),
    ("contracted_bend_adjoint", "pull_p[p] * slopes_form_p[p]", "slopes_form_p[p]"),
    ("jet_activation_tangent", "imag_change_p[p] + real_change_p[p]", "imag_change_p[p] - real_change_p[p]"),
    ("monge_ampere_3", "imag_13_p[p] * m_23_p[p] + m_32_p[p]", "imag_13_p[p] * m_32_p[p] + m_23_p[p]"),
]


@pytest.mark.parametrize(("name", "old", "new"), MUTATIONS)
def test_a_broken_kernel_is_noticed(name: str, old: str, new: str) -> None:
    text = (__import__("verify.kernel_instances", fromlist=["KERNELS"]).KERNELS / f"{name}.py").read_text()
    body = text.replace(old, new)
    assert body != text, f"{name} no longer holds '{old}': choose another fault to plant"
    with np.errstate(all="ignore"):
        try:
            layout = LAYOUTS["sites" if over_sites(PROGRAMS[name]) else "image"]
            seen = faults(PROGRAMS[name], layout, interpreted(name, body), seed=7, labels=3)
        except (ValueError, IndexError):  # a domain error or a stray index: noticed too
            return
    assert seen != []
