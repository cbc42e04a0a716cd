"""The bounds in the kernels' docstrings are true, not empty, and what is enforced is what is written.

The audit checks them on all its inputs; here inputs are made so that large terms cancel in what is exponentiated, where
a bound that forgets the size of the terms, or their number, is exceeded.
"""

import dataclasses
import importlib

import numpy as np
import pytest
import sympy as sp

from derivations.algebra import EPS, TINY, bound
from derivations.algebra.bound import Bound
from derivations.algebra.program import Program
from derivations.compiler.module_text import bound_lines
from derivations.registry import lemmas
from verify.formulas import error_bounds
from verify.kernel_inputs import UNEVEN_GRAPH
from verify.kernel_instances import Instance, graph_layout, grid_layout, instance, interpreted, over_sites, site_layout
from verify.obligations.rounding import HUB, worst_ratios

PROGRAMS = {program.name: program for lemma in lemmas() for program in lemma.programs}
PLACES = {
    "image": grid_layout((2, 3), 1),
    "graph": graph_layout(UNEVEN_GRAPH),
    "hub": graph_layout(HUB),
}
SITES = site_layout(4)
SIZES = {"labels": 3, "prototypes": 3, "features": 2, "ranks": 2}
CANCELLING = [
    ("similarity", "log_likelihood"),
    ("exponential_step", "gradient"),
    ("predicted_weights", "directions"),
    ("linear_map", "tangent"),
    ("lift", "tangent"),
]


def cancelling(program: Program, enlarged: str, place: str, seed: int) -> Instance:
    """Node by node of either sign and nearly the same over labels: averages are small beside their terms."""
    rng = np.random.default_rng(seed)
    case = instance(program, PLACES[place], rng, SIZES)
    values = case.dense[enlarged]
    case.dense[enlarged] = values + 10.0 ** rng.uniform(0, 6) * rng.normal(size=(values.shape[0], 1))
    return case


@pytest.mark.parametrize(("name", "enlarged"), CANCELLING, ids=[name for name, _ in CANCELLING])
def test_the_bound_holds_where_terms_cancel_and_is_not_an_empty_one(name, enlarged):
    program = PROGRAMS[name]
    places = ["image"] if program.grid_only else list(PLACES)
    ratios = [
        ratio
        for place in places
        for seed in range(8)
        for ratio in worst_ratios(cancelling(program, enlarged, place, seed), interpreted(name)).values()
    ]
    assert max(ratio.running for ratio in ratios) <= 1.0
    assert max(ratio.covered for ratio in ratios) <= 1.0 + 1e-12
    assert max(ratio.stated for ratio in ratios) > 1e-3


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_what_is_enforced_is_what_the_docstring_says(program):
    """Every line that is evaluated stands, word by word, in the docstrings of all entry points."""
    module = importlib.import_module(f"laflow.kernels.{program.name}")
    entries = ("sites",) if over_sites(program) else ("grid", *(() if program.grid_only else ("graph",)))
    for entry in entries:
        written = " ".join(getattr(module, entry).py_func.__doc__.split())
        for line in bound_lines(program):
            assert " ".join(line.split()) in written


def halved(stated: Bound) -> Bound:
    errors = tuple(dataclasses.replace(line, value=line.value / 2) for line in stated.errors)
    return dataclasses.replace(stated, errors=errors)


TIGHT = ["similarity", "lift", "log_likelihood", "linear_map", "linear_map_adjoint", "riemannian_gradient", "source"]
TIGHT += ["jet_activation", "jet_activation_adjoint", "monge_ampere_2", "monge_ampere_3"]


@pytest.mark.parametrize("name", TIGHT)
def test_half_of_a_bound_would_be_found_too_small(name):
    program = PROGRAMS[name]
    careless = dataclasses.replace(program, bound=halved(program.bound))
    case = instance(careless, SITES if over_sites(program) else PLACES["graph"], np.random.default_rng(1), SIZES)
    assert max(ratio.covered for ratio in worst_ratios(case, interpreted(name)).values()) > 1.0


def test_a_bound_that_forgets_the_size_of_the_averaged_terms_is_exceeded_by_an_error():
    """One node whose average cancels: two heights of opposite sign under equal weights."""
    program = PROGRAMS["similarity"]
    (line,) = program.bound.errors
    size = next(entry.target for entry in program.bound.sizes if entry.array.name == "size")
    span = next(entry for entry in program.bound.sizes if entry.array.name == "span")
    forgetful = line.value.xreplace({size: sp.Integer(0)})
    careless = dataclasses.replace(program, bound=bound((line.target, forgetful), sizes=((span.target, span.value),)))
    case = instance(careless, PLACES["graph"], np.random.default_rng(0), {"labels": 3})
    weights, values = case.dense["weights"], case.dense["log_likelihood"]
    weights[:] = 0.0
    weights[0, [0, 1, 3]] = 0.375, 0.25, 0.375
    weights[1, 1] = weights[2, 2] = weights[3, 3] = weights[4, 4] = 1.0
    values[0], values[3] = values[0] + 1e9, values[3] - 1e9
    values[1:3] *= 1e-3
    (ratio,) = worst_ratios(case, interpreted("similarity")).values()
    assert ratio.stated > 1.0
    (honest,) = worst_ratios(dataclasses.replace(case, program=program), interpreted("similarity")).values()
    assert honest.stated <= 1.0


def test_a_bound_that_counts_neighbours_one_way_only_is_too_small_on_a_hub():
    """Ωᵀ sums over the nodes that share a neighbour: forty at a hub of which no node has more than two neighbours."""
    program, leaves = PROGRAMS["linear_map_adjoint"], 40
    wheel = graph_layout([[0], *([0, leaf] for leaf in range(1, leaves))])
    case = instance(program, wheel, np.random.default_rng(3), SIZES)
    found = error_bounds(program, case.dense, case.scalars, case.sizes)
    image = next(output for output in program.outputs if output.name == "image")
    at_hub = case.layout.node_at[0]
    few = found[image].stated[at_hub] * (2 + 3 + 2) / (leaves + 3 + 2)  # the same with N = 2
    assert np.any(found[image].running[at_hub] > few)


def test_constants_are_written_out():
    text = " ".join(bound_lines(PROGRAMS["linear_map"]))
    assert f"{EPS.name} = 2^-52, {TINY.name} = 2^-1074, J = number of labels" in text


def test_a_program_without_a_bound_for_an_output_or_with_an_unknown_size_is_refused():
    program = PROGRAMS["lift"]
    (line,) = program.bound.errors
    with pytest.raises(ValueError, match="no error bound for assignment"):
        dataclasses.replace(program, bound=bound())
    with pytest.raises(ValueError, match="reads span, which the program does not compute"):
        dataclasses.replace(program, bound=bound((line.target, line.value)))
