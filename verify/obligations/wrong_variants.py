"""O8: deliberately wrong variants of the lemma are rejected by both proofs."""

from __future__ import annotations

from derivations.algebra.lemma import Lemma
from verify.obligations.outcome import Effort, Outcome, holds_unless

FEWEST = 3  # wrong variants that every lemma must bring


def discharge(lemma: Lemma, effort: Effort) -> Outcome:
    """Something must be left over of each, and a point must show that it is not zero."""
    faults, rows = [], []
    results = lemma.reject_wrong_variants()
    for variant, verdict in results:
        rows.append(
            {
                "claim": variant.claim,
                "why": variant.why,
                "leftover": verdict.leftover,
                "witness": verdict.witness,
                "rejected": verdict.rejected,
            }
        )
        if verdict.proved:
            faults.append(f"{variant.why}: the normal form proves it")
        if verdict.agrees:
            faults.append(f"{variant.why}: no point tells it from the claim")
    if len(results) < FEWEST:
        faults.append(f"only {len(results)} wrong variants; at least {FEWEST} are asked for")
    return holds_unless(faults, f"{len(results)} of {len(results)} rejected", variants=rows)
