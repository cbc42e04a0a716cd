"""O1 and O2: the normal form shows what was derived, and every program, equal to the claim for all sizes."""

from __future__ import annotations

import time

from derivations.algebra.leftover import leftover
from derivations.algebra.lemma import Claim, Lemma
from verify.obligations.outcome import Effort, Outcome, absent, holds_unless

SLOWEST = 1.0  # seconds a symbolic proof may take


def claims_are_proved(lemma: Lemma, effort: Effort) -> Outcome:
    """O1."""
    return _prove(list(lemma.claims))


def programs_are_proved(lemma: Lemma, effort: Effort) -> Outcome:
    """O2."""
    if not lemma.programs:
        where = f"it runs in {lemma.runs_in}" if lemma.runs_in else "nothing of it runs"
        return absent(f"no program: {where}")
    return _prove(lemma.all_claims()[len(lemma.claims) :])


def _prove(claims: list[Claim]) -> Outcome:
    faults, rows, slowest = [], [], 0.0
    for claim in claims:
        begin = time.perf_counter()
        rest = claim.remainder()
        seconds = time.perf_counter() - begin
        slowest = max(slowest, seconds)
        left = str(leftover(rest)) if rest else ""
        rows.append({"claim": claim.name, "proved": not rest, "leftover": left, "seconds": seconds})
        if rest:
            faults.append(f"{claim.name}: not proved, left over: {left}")
        if seconds > SLOWEST:
            faults.append(f"{claim.name}: the proof took {seconds:.2f} s, more than {SLOWEST:g} s")
    return holds_unless(faults, f"{len(claims)} proved, slowest {slowest * 1e3:.0f} ms", claims=rows)
