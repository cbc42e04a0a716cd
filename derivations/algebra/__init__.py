"""The language of the lemmas and its prover.

``language`` (ranges, arrays, sums) → ``differential`` (Gateaux derivative, adjoint) → ``normal_form`` (first proof, all
sizes) and ``explicit`` (second proof, small sizes) → ``program`` (stable steps) → ``lemma`` (what a file says).
The first proof is made of ``polynomial`` → ``elementary`` (exp, log) → ``contraction`` (sums over ranges) →
``normal_form``; ``leftover`` and ``typeset`` show results to people.
"""

from derivations.algebra.bound import EPS, TINY, Bound, bound
from derivations.algebra.differential import adjoint, derivative, differential, pairing
from derivations.algebra.functions import commuting, phi
from derivations.algebra.language import (
    Array,
    Delta,
    Index,
    Range,
    Tensor,
    largest,
    magnitude,
    scalar,
    substitute,
    tensor,
    total,
)
from derivations.algebra.lemma import (
    Claim,
    Lemma,
    Verdict,
    Wrong,
    adjoint_claim,
    derivative_claim,
    differential_claim,
    gradient_claim,
    identity,
    standard_range,
)
from derivations.algebra.program import Program, Step, stabiliser, step

__all__ = [
    "EPS",
    "TINY",
    "Array",
    "Bound",
    "Claim",
    "Delta",
    "Index",
    "Lemma",
    "Program",
    "Range",
    "Step",
    "Tensor",
    "Verdict",
    "Wrong",
    "adjoint",
    "adjoint_claim",
    "bound",
    "commuting",
    "derivative",
    "derivative_claim",
    "differential",
    "differential_claim",
    "gradient_claim",
    "identity",
    "largest",
    "magnitude",
    "pairing",
    "phi",
    "scalar",
    "stabiliser",
    "standard_range",
    "step",
    "substitute",
    "tensor",
    "total",
]
