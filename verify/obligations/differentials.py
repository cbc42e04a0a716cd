"""O6: complex step, dot product and Taylor remainder agree with every claim about a differential.

- *Complex step*: Im F(x + ihY)/h against the claim, for claims that state a differential or a derivative.
- *Dot product*: <Z, dF(x)Y> (by complex step) against <dF(x)ᵀZ, Y> from the claim, for claims that state an adjoint.
- *Taylor*: the remainder F(x + hY) - F(x) - h dF(x)Y in 200-bit balls falls like h² (a map that is linear along Y
  leaves none). Its slope is blind to small faults; the other two see relative ones of about 1e-14.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb

from derivations.algebra.language import Tensor
from derivations.algebra.lemma import Claim, Lemma
from verify.arithmetic import ComplexFloats, Rounded, RoundedBalls
from verify.claim_instances import ClaimInstance, claim_instance
from verify.obligations.outcome import Effort, Outcome, absent, holds_unless

STEP = 1e-150  # its square is 0 in float64, so that no truncation is left
AGREES = 1e-13  # relative; rounding of a few hundred operations
SLOPE, SLOPE_WITHIN = 2.0, 0.02


def discharge(lemma: Lemma, effort: Effort) -> Outcome:
    """All claims of the lemma that state a differential, a derivative or an adjoint."""
    claims = [claim for claim in lemma.claims if claim.directions is not None or claim.symbol is not None]
    if not claims:
        return absent("states identities only, no differential")
    faults: list[str] = []
    rows: list[dict[str, Any]] = []
    for number, claim in enumerate(claims):
        for draw in range(1 if effort is Effort.QUICK else 3):
            instance = claim_instance(claim, np.random.default_rng([number, draw]))
            error = step_error(instance)
            slope = taylor_slope(instance)
            kind = "dot product" if claim.paired_with is not None else "complex step"
            rows.append({"claim": claim.name, "kind": kind, "error": error, "slope": slope})
            if not error <= AGREES:
                faults.append(f"{claim.name}: {kind} differs by {error:.2g}, more than {AGREES:g}")
            if slope is not None and not abs(slope - SLOPE) <= SLOPE_WITHIN:
                faults.append(f"{claim.name}: Taylor order {slope:.3f}, not {SLOPE:g} ± {SLOPE_WITHIN:g}")
    worst = max(row["error"] for row in rows)
    slopes = [row["slope"] for row in rows if row["slope"] is not None]
    order = f", Taylor order {min(slopes):.3f} to {max(slopes):.3f}" if slopes else ", linear"
    return holds_unless(faults, f"steps agree to {worst:.1e}{order}", claims=rows)


def step_error(instance: ClaimInstance) -> float:
    """Relative difference of the complex step and the claim, in the norm over all entries."""
    claim = instance.claim
    moved = {name: instance.arrays[name] + 1j * STEP * along for name, along in instance.direction().items()}
    scalars = {} if claim.symbol is None else {claim.symbol.name: instance.scalars[claim.symbol.name] + 1j * STEP}
    stepped = instance.evaluator(ComplexFloats(), moved, **scalars)(claim.mapping)
    seen = np.array(stepped, dtype=complex).imag / STEP
    stated = np.array(instance.evaluator(ComplexFloats(), {})(_aligned(claim)), dtype=complex).real
    size = float(np.linalg.norm(stated))
    difference = float(np.linalg.norm(seen - stated))
    return difference / size if size > 0.0 else difference


def taylor_slope(instance: ClaimInstance) -> float | None:
    """The order at which the first-order remainder falls, from two steps; None if there is no remainder."""
    small, large = _remainder(instance, 2.0**-40), _remainder(instance, 2.0**-39)
    if small == 0.0:
        return None
    return math.log2(large / small)


def _remainder(instance: ClaimInstance, step: float) -> float:
    claim, balls = instance.claim, RoundedBalls()
    along = instance.direction_in(balls)
    moved = {name: _moved(instance.arrays[name], direction, step) for name, direction in along.items()}
    scalars = {}
    if claim.symbol is not None:
        value = instance.scalars[claim.symbol.name]
        scalars = {claim.symbol.name: Rounded(arb(value) + arb(step), arb(0))}
    after = instance.evaluator(balls, moved, **scalars)(claim.mapping)
    before = instance.evaluator(balls, {})(claim.mapping)
    slope = instance.evaluator(balls, {})(_aligned(claim))
    square = arb(0)
    for moved_to, base, along_it in zip(after.flat, before.flat, slope.flat, strict=True):
        square += (moved_to.value - base.value - arb(step) * along_it.value) ** 2
    norm = square.sqrt() if not square.contains(arb(0)) else arb(0)
    return float(norm.mid())


def _moved(values: np.ndarray, direction: Any, step: float) -> np.ndarray:
    moved = np.empty(values.shape, dtype=object)
    for at in np.ndindex(*values.shape):
        moved[at] = Rounded(arb(float(values[at])) + arb(step) * direction[at].value, arb(0))
    return moved


def _aligned(claim: Claim) -> Tensor:
    """The claim with its free indices in the order of the mapping's."""
    stated = claim.evaluated()
    return Tensor(claim.mapping.free, stated[claim.mapping.free])
