"""The audit's table on a terminal, and what the command refuses."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from derivations.registry import lemmas
from verify.__main__ import main
from verify.audit import OBLIGATIONS, Audited
from verify.obligations.outcome import Outcome, Status
from verify.terminal import show


def _all(status: Status) -> list[Audited]:
    outcome = Outcome(status, "a figure", ("a [fault] of it",) if status is Status.FAILS else ())
    return [Audited(item, {obligation.name: outcome for obligation in OBLIGATIONS}) for item in lemmas()]


def shown(results: list[Audited], width: int) -> str:
    stream = io.StringIO()
    show(results, 1.0, Console(file=stream, width=width))
    return stream.getvalue()


@pytest.mark.parametrize("width", [80, 90, 100, 120, 160])
def test_names_and_marks_are_never_cut_short(width):
    text = shown(_all(Status.HOLDS), width)
    rows = [line for line in text.splitlines() if line.startswith("│")]
    assert [line.split("│")[1].strip() for line in rows] == [item.name for item in lemmas()]
    assert all(line.count("✓") == len(OBLIGATIONS) for line in rows)
    assert max(map(cell_len, text.splitlines())) <= width


def test_references_are_whole_where_there_is_room():
    text = shown(_all(Status.HOLDS), 160)
    assert all(item.reference in text for item in lemmas())


@pytest.mark.parametrize(("status", "mark"), [(Status.HOLDS, "✓"), (Status.FAILS, "✗"), (Status.ABSENT, "–")])
def test_each_status_has_its_mark_and_the_marks_are_explained(status, mark):
    text = shown(_all(status), 100)
    assert text.count(mark) >= len(lemmas()) * len(OBLIGATIONS)
    assert "✓ holds  ✗ fails  – absent" in text


def test_every_fault_is_printed_as_it_is():
    assert shown(_all(Status.FAILS), 100).count("a [fault] of it") == len(lemmas()) * len(OBLIGATIONS)


def test_piped_output_is_wide_enough_for_every_reference(capsys):
    show(_all(Status.HOLDS), 1.0)
    printed = capsys.readouterr().out
    assert all(item.reference in printed for item in lemmas())


def test_an_unknown_lemma_is_refused_with_the_names_there_are(capsys):
    assert main(["lemma_9_9"]) == 2
    assert "low_rank" in capsys.readouterr().err


def test_the_table_of_all_lemmas_is_refused_for_some(tmp_path, capsys):
    assert main(["--quick", "--assurance", str(tmp_path / "assurance.md"), "low_rank"]) == 2
    assert "all lemmas" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
