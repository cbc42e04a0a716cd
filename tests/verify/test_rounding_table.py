"""The recorded worst rounding errors are of every kernel, hold today, and may only improve."""

import dataclasses
import json

import pytest

from derivations.registry import lemmas
from verify import rounding_table
from verify.obligations.outcome import Effort
from verify.rounding_table import Worst, measure, merged, read, worse

RECORDED = read()
LEMMAS = {lemma.name: lemma for lemma in lemmas() if lemma.programs}


def test_every_output_of_every_kernel_is_recorded_and_nothing_else():
    outputs = {
        f"{program.name}.{output.name}"
        for lemma in LEMMAS.values()
        for program in lemma.programs
        for output in program.means
    }
    assert set(RECORDED) == outputs


def test_every_recorded_error_is_within_both_bounds():
    assert all(0.0 <= row.running <= 1.0 and 0.0 <= row.stated <= 1.0 for row in RECORDED.values())


def test_only_outputs_of_one_rounding_or_none_are_exact_to_the_last_place():
    """A single product is the rounded exact value, which is what errors are measured from."""
    exact = {name for name, row in RECORDED.items() if row.running == 0.0}
    assert exact <= {
        "jet_activation.real_slope_out",
        "jet_activation.imag_slope_out",
        "jet_activation_adjoint.bend_pull",
        "jet_activation_tangent.value_out",
        "monge_ampere_1.determinant",
        *(f"monge_ampere_{n}.slope_{a}{b}" for n in (1, 2) for a in (1, 2) for b in (1, 2)),
    }


@pytest.mark.parametrize("lemma", LEMMAS.values(), ids=LEMMAS)
def test_a_fresh_run_is_no_worse_than_the_record(lemma):
    """On the audit's quick inputs, which are among those that were recorded."""
    assert worse(measure([lemma], Effort.QUICK), RECORDED) == []


ROW = Worst(0.4, 0.2, "an input")


def test_a_worse_figure_is_named_and_a_nan_is_worse():
    assert worse({"k.o": dataclasses.replace(ROW, running=0.6)}, {"k.o": ROW})[0].startswith("k.o: error over running")
    assert worse({"k.o": dataclasses.replace(ROW, stated=float("nan"))}, {"k.o": ROW})
    assert not worse({"k.o": dataclasses.replace(ROW, running=0.45)}, {"k.o": ROW})


def test_figures_only_fall_unless_a_reason_is_given():
    better, slightly = dataclasses.replace(ROW, running=0.3, on="another"), dataclasses.replace(ROW, running=0.45)
    assert merged({"k.o": better}, {"k.o": ROW}, "")["k.o"] == better
    assert merged({"k.o": slightly}, {"k.o": ROW}, "")["k.o"] == ROW
    much = dataclasses.replace(ROW, running=0.9)
    assert merged({"k.o": much}, {"k.o": ROW}, "new inputs")["k.o"] == dataclasses.replace(much, because="new inputs")


@pytest.mark.parametrize(("arguments", "status", "after"), [([], 1, 0.4), (["--because", "why not"], 0, 0.9)])
def test_the_command_refuses_to_write_a_worse_figure_unless_told_why(tmp_path, monkeypatch, arguments, status, after):
    table = tmp_path / "table.json"
    table.write_text(json.dumps({"outputs": {"k.o": dataclasses.asdict(ROW)}}), encoding="utf-8")
    monkeypatch.setattr(rounding_table, "TABLE", table)
    monkeypatch.setattr(rounding_table, "read", lambda: read(table))
    monkeypatch.setattr(rounding_table, "measure", lambda *_: {"k.o": dataclasses.replace(ROW, running=0.9)})
    assert rounding_table.main(arguments) == status
    assert read(table)["k.o"].running == after
