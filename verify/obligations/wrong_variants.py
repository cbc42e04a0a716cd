"""O8: deliberately wrong variants of the lemma, and mutants of its programs, are rejected by the proofs."""

from __future__ import annotations

from derivations.algebra.lemma import Lemma
from verify.obligations.outcome import Effort, Outcome, holds_unless
from verify.program_mutants import try_mutants

FEWEST = 3  # wrong variants that every lemma must bring
SAMPLE = 12  # one mutant of the programs in so many is tried under QUICK


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
    tried = try_mutants(lemma, 1 if effort is Effort.FULL else SAMPLE)
    faults += [item.fault for item in tried if item.fault]
    kept = [{"mutant": item.mutant.label, "reason": item.reason} for item in tried if item.reason]
    rejected = sum(item.rejected for item in tried)
    figure = f"{sum(bool(row['rejected']) for row in rows)} of {len(results)} rejected"
    if tried:
        figure += f"; {rejected} mutants of programs rejected, {len(kept)} equivalent"
    return holds_unless(
        faults,
        figure,
        variants=rows,
        program_mutants=len(tried),
        program_mutants_rejected=rejected,
        program_mutants_equivalent=kept,
    )
