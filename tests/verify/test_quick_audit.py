"""The quick audit of every lemma, as part of the tests: nothing fails, everything lacking has a reason."""

import json
import time

import pytest

from derivations.registry import lemmas
from verify.__main__ import main
from verify.audit import OBLIGATIONS

SECONDS = 90  # of processor time; the bar for two cores
NEVER_ABSENT = ("O1", "O3", "O8")


@pytest.mark.slow
def test_every_obligation_of_every_lemma_holds_or_is_absent_for_a_reason(tmp_path):
    before = time.process_time()
    code = main(["--quick", "--json", str(tmp_path / "audit.json"), "--html", str(tmp_path / "site")])
    spent = time.process_time() - before
    report = json.loads((tmp_path / "audit.json").read_text())
    faults = [
        f"{item['name']} {name}: {fault}"
        for item in report["lemmas"]
        for name, outcome in item["obligations"].items()
        for fault in outcome["faults"]
    ]
    assert faults == []
    assert code == 0
    assert [item["name"] for item in report["lemmas"]] == [item.name for item in lemmas()]
    for item in report["lemmas"]:
        assert list(item["obligations"]) == [obligation.name for obligation in OBLIGATIONS]
        for name, outcome in item["obligations"].items():
            assert outcome["status"] in ("holds", "absent")
            assert outcome["figure"]
            assert outcome["status"] == "holds" or name not in NEVER_ABSENT
    totals = report["totals"]
    assert totals["mutants"] == totals["killed"] + totals["equivalent"]
    assert totals["mutants"] > 0
    pages = {path.stem for path in (tmp_path / "site" / "lemmas").glob("*.html")}
    assert pages == {item.name for item in lemmas()}
    assert spent <= SECONDS


def test_the_exit_code_tells_of_a_fault(monkeypatch, tmp_path):
    from verify import audit
    from verify.obligations.outcome import Outcome, Status

    broken = tuple(
        audit.Obligation(item.name, item.title, lambda lemma, effort: Outcome(Status.FAILS, "planted", ("planted",)))
        for item in audit.OBLIGATIONS
    )
    monkeypatch.setattr(audit, "OBLIGATIONS", broken)
    assert main(["--quick", "low_rank"]) == 1
