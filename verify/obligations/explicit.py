"""O3: the same claims at explicit small sizes, evaluated exactly in finite fields with dual numbers."""

from __future__ import annotations

import time

from derivations.algebra.lemma import Lemma
from verify.obligations.outcome import Effort, Outcome, holds_unless


def discharge(lemma: Lemma, effort: Effort) -> Outcome:
    """Every claim and every program, at the lemma's sizes."""
    faults, rows = [], []
    for claim in lemma.all_claims():
        begin = time.perf_counter()
        agreement = claim.agreement(lemma.sizes)
        seconds = time.perf_counter() - begin
        rows.append({"claim": claim.name, "agrees": agreement.holds, "sizes": agreement.sizes, "seconds": seconds})
        if not agreement.holds:
            faults.append(f"{claim.name}: {agreement.witness}")
    return holds_unless(faults, f"{len(rows)} agree at random points", claims=rows)
