"""O3: the same claims at explicit small sizes, evaluated exactly in finite fields with dual numbers."""

from __future__ import annotations

from derivations.algebra.lemma import Lemma, prove
from verify.obligations.outcome import Effort, Outcome, holds_unless


def discharge(lemma: Lemma, effort: Effort) -> Outcome:
    """Every claim and every program, at the lemma's sizes."""
    verdicts = [prove(claim, lemma.sizes) for claim in lemma.all_claims()]
    faults = [f"{verdict.name}: {verdict.witness}" for verdict in verdicts if not verdict.agrees]
    rows = [{"claim": v.name, "agrees": v.agrees, "sizes": v.sizes, "seconds": v.explicit_seconds} for v in verdicts]
    return holds_unless(faults, f"{len(verdicts)} agree at random points", claims=rows)
