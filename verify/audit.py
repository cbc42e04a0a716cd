"""The audit: every obligation of every lemma, discharged and counted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from derivations.algebra.lemma import Lemma
from verify.obligations import (
    committed_text,
    differentials,
    explicit,
    mutants,
    rounding,
    symbolic,
    wrong_variants,
)
from verify.obligations.outcome import Discharge, Effort, Outcome, Status, timed


@dataclass(frozen=True)
class Obligation:
    """Number, title and the function that discharges it."""

    name: str
    title: str
    discharge: Discharge


OBLIGATIONS = (
    Obligation("O1", "derivation = claim, all sizes", symbolic.claims_are_proved),
    Obligation("O2", "program = claim, all sizes", symbolic.programs_are_proved),
    Obligation("O3", "the same at small sizes, exactly", explicit.discharge),
    Obligation("O4", "committed kernel = generated kernel", committed_text.discharge),
    Obligation("O5", "kernel within its rounding bound", rounding.discharge),
    Obligation("O6", "complex step, dot product, Taylor", differentials.discharge),
    Obligation("O7", "mutants of the kernel killed", mutants.discharge),
    Obligation("O8", "wrong variants rejected", wrong_variants.discharge),
)


@dataclass(frozen=True)
class Audited:
    """One lemma with the outcome of each obligation."""

    lemma: Lemma
    outcomes: dict[str, Outcome]

    @property
    def holds(self) -> bool:
        """Whether no obligation fails."""
        return all(outcome.status is not Status.FAILS for outcome in self.outcomes.values())


def discharge(lemma: Lemma, effort: Effort, told: Callable[[str], None] = lambda _: None) -> Audited:
    """Discharge all obligations of one lemma; ``told`` hears of each as it begins."""
    outcomes = {}
    for obligation in OBLIGATIONS:
        told(f"{lemma.name} {obligation.name}")
        outcomes[obligation.name] = timed(obligation.discharge, lemma, effort)
    return Audited(lemma, outcomes)


def audit(lemmas: Iterable[Lemma], effort: Effort, told: Callable[[str], None] = lambda _: None) -> Iterator[Audited]:
    """Audit lemma by lemma."""
    for lemma in lemmas:
        yield discharge(lemma, effort, told)


def totals(audited: Iterable[Audited]) -> dict[str, int]:
    """Counts over all lemmas and obligations, and over all mutants."""
    results = list(audited)
    outcomes = [outcome for result in results for outcome in result.outcomes.values()]
    counted = {"lemmas": len(results)}
    for status in Status:
        counted[status.value] = sum(outcome.status is status for outcome in outcomes)
    for what in ("mutants", "killed", "equivalent"):
        counted[what] = sum(int(outcome.detail.get(what, 0)) for outcome in outcomes)
    for what in ("program_mutants", "program_mutants_rejected"):
        counted[what] = sum(int(outcome.detail.get(what, 0)) for outcome in outcomes)
    counted["wrong_variants"] = sum(len(outcome.detail.get("variants", ())) for outcome in outcomes)
    return counted


def _finite(value: Any) -> Any:
    """The same data without infinities and NaN, for which JSON has no number: they become text."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def as_json(audited: Iterable[Audited], effort: Effort) -> dict[str, Any]:
    """The report for machines: lemmas with their obligations, and totals."""
    results = list(audited)
    rows = [
        {
            "name": result.lemma.name,
            "title": result.lemma.title,
            "reference": result.lemma.reference,
            "limits": result.lemma.limits,
            "obligations": {
                name: {
                    "status": outcome.status.value,
                    "figure": outcome.figure,
                    "seconds": round(outcome.seconds, 4),
                    "faults": list(outcome.faults),
                    "detail": _finite(outcome.detail),
                }
                for name, outcome in result.outcomes.items()
            },
        }
        for result in results
    ]
    return {"effort": effort.value, "lemmas": rows, "totals": totals(results)}
