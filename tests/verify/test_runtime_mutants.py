"""The battery passes on the runtime as it stands, sees an obvious fault in every module, and tells of survivors."""

import json
import sys

import pytest

from verify import runtime_mutants
from verify.battery import checks
from verify.mutation import Mutant
from verify.private_package import MODULES, load, source_of
from verify.runtime_equivalents import REASONS
from verify.runtime_mutants import Baseline, _strict, as_json, judge, main, share_killed

# An obvious fault in each module, the function it is in, and a quick check that must see it.
PLANTED = {
    "archives": ("read", "(self.format, self.version)", "found", "checkpoints.files_of_states"),
    "checks": ("whole_number", "return int(number)", "return number", "flow.numbers"),
    "linalg": ("row_products", "sums[:-1]", "-sums[:-1]", "krylov.row_algebra"),
    "krylov": ("phi_trajectory", "states[:, :size] *", "2.0 * states[:, :size] *", "krylov.trajectory"),
    "aligned": ("_aligned", "-room.ctypes.data", "room.ctypes.data", "graphs.aligned_arrays"),
    "graph": ("packed_uniform_weights", "weights /= ", "weights *= ", "graphs.uniform_weights"),
    "assignment.distances": ("distances_to_colors", "pixels - color", "pixels + color", "predictor.color_distances"),
    "assignment.flow": ("wrong_percent", "100.0 *", "1.0 *", "flow.truth"),
    "assignment.objective": ("loss", "1.0 - self.inner", "1.0 + self.inner", "flow.loss"),
    "neighbour_sums": ("_row", "before(i, j), u", "before(i, j), v", "neighbours.sums_over_neighbours"),
    "strips": (
        "strips",
        "pieces[-1].early_last",
        "pieces[-1].last",
        "strips.strips_and_early_ranges_cover_all_nodes_once",
    ),
    "bands": ("put", "field[..., self.own]", "field[..., self.own] + 1.0", "bands.cutting_and_putting_back"),
    "assignment.banded": ("_in_bands", "products = 3 * forward", "products = 2 * forward", "bands.gradient_in_bands"),
    "assignment.low_rank": ("_result", "+ adjoint.products", "", "gradient.effort"),
    "assignment.reference": ("_pull_back", "[:-1, :-1].T.reshape", "[:-1, :-1].reshape", "gradient.dense_gradient"),
    "assignment.gradient": ("_rank", "krylov_dim + 1", "krylov_dim - 1", "gradient.workspace"),
    "optimizers": (
        "descend",
        "1.0 - self.first_decay)",
        "self.first_decay)",
        "learning.moment_directions",
    ),
    "assignment.learning": (
        "_scaled",
        "np.divide(gradient, largest",
        "np.multiply(gradient, largest",
        "learning.scaled_gradient",
    ),
    "assignment.predictor": ("_agreement", "neighbours == truth", "neighbours != truth", "predictor.first_predictor"),
    "parallel": ("spread_over_threads", "threads // workers", "threads + workers", "training.spreading"),
    "checkpoint": ("reached", "step - self", "step + self", "checkpoints.when_states_are_written"),
    "assignment.grid_symmetry": ("turned", "[:, order]", "[:, ::-1]", "training.symmetries"),
    "assignment.batch": ("gradient", "1.0 / len", "2.0 / len", "training.mean_gradient"),
    "assignment.training": ("_split", "fraction * side", "side - fraction * side", "training.split"),
}


def planted(module, function, before, after):
    text = source_of(module)
    assert before in text
    return Mutant("planted", function, 1, before, after, "", text.replace(before, after))


def baseline_of(module, function, check):
    return Baseline({check: 0.0}, {check: frozenset({(module, function)})})


@pytest.mark.parametrize("name", checks())
def test_the_runtime_as_it_stands_passes(name):
    with _strict():
        checks()[name](load())


def test_the_interpreted_linear_algebra_passes():
    with _strict():
        for name in ("krylov.row_algebra", "krylov.field_algebra", "krylov.mixing"):
            checks()[name](load("linalg", source_of("linalg")))


@pytest.mark.parametrize("module", MODULES)
def test_an_obvious_fault_is_seen_in_every_module(module):
    function, before, after, check = PLANTED[module]
    verdict = judge(module, planted(module, function, before, after), baseline_of(module, function, check))
    assert (verdict.verdict, verdict.killed_by, verdict.stopped) == ("killed", check, False)


@pytest.mark.parametrize("module", ["krylov", "assignment.learning"])
def test_a_mutant_that_changes_nothing_survives_and_is_told_of(module):
    function, before, _, check = PLANTED[module]
    verdict = judge(module, planted(module, function, before, before), baseline_of(module, function, check))
    assert verdict.verdict == "survives"
    assert share_killed([verdict]) == 0.0
    assert as_json([verdict], 1)["totals"] == {"mutants": 1, "share_killed": 0.0, "survives": 1}


def test_a_mutant_that_never_ends_or_asks_for_what_is_not_there_stops(monkeypatch):
    monkeypatch.setattr(runtime_mutants, "SECONDS", 0.3)
    function, before, _, check = PLANTED["assignment.learning"]
    endless = planted("assignment.learning", function, "    largest = max", "    while True: pass\n    largest = max")
    missing = planted("assignment.learning", function, before, "np.divide(gradient, nothing")
    for mutant in (endless, missing):
        verdict = judge("assignment.learning", mutant, baseline_of("assignment.learning", function, check))
        assert verdict.verdict == "killed"
        assert verdict.stopped


def test_a_mutant_that_would_write_where_nothing_is_its_own_is_stopped_before_the_kernel_runs():
    fault = planted("graph", "zeros_nodes", "(*channels, self.padded_nodes)", "(*channels, 2)")
    verdict = judge("graph", fault, baseline_of("graph", "zeros_nodes", "flow.euler"))
    assert verdict.verdict == "killed"
    assert verdict.stopped


def test_mutants_leave_no_trace_outside_of_their_copy():
    import laflow.krylov

    before = {name: id(module) for name, module in sys.modules.items() if name.startswith("laflow")}
    function, old, new, _ = PLANTED["krylov"]
    package = load("krylov", planted("krylov", function, old, new).text)
    assert package.krylov is not laflow.krylov
    assert package.flow.krylov_space is package.krylov.krylov_space
    assert package.graph is load().graph  # what does not depend on the mutated module is shared
    assert {name: id(module) for name, module in sys.modules.items() if name.startswith("laflow")} == before


def test_reasons_name_modules_that_exist_and_say_why():
    for reason in REASONS:
        assert reason.module == ".*" or reason.module in MODULES
        assert len(reason.why.split()) >= 4 or reason.why in ("the matrix is square", "both are set together")


def test_the_command_judges_a_sample_and_refuses_what_it_does_not_know(tmp_path, monkeypatch, capsys):
    function, _, _, check = PLANTED["assignment.learning"]
    monkeypatch.setattr(runtime_mutants, "baseline", lambda module: baseline_of(module, function, check))
    report = tmp_path / "report.json"
    assert main(["assignment.learning", "--sample", "15", "--json", str(report)]) == 1
    content = json.loads(report.read_text())
    assert content["totals"]["mutants"] == len(content["verdicts"]) > 5
    assert content["totals"]["survives"] > 0  # one check of one function cannot see the others
    assert "survive" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["nothing"])
    with pytest.raises(SystemExit):
        main(["--sample", "0"])
