"""What a lemma file contains: claims with their wrong variants, and programs.

A claim sets something *derived* (by differentiation, or by taking an adjoint, or simply a left-hand side) against
something *typed in* from the paper. Every claim is proved twice: by the normal form for all sizes, and by exact
evaluation at small explicit ones. A wrong variant is a near miss that both must reject.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import sympy as sp

from derivations.algebra.differential import adjoint, derivative, differential, pairing
from derivations.algebra.explicit import Agreement, agree_at_points
from derivations.algebra.language import (
    Array,
    Delta,
    Entry,
    Index,
    Range,
    Tensor,
    Total,
    scalar,
)
from derivations.algebra.leftover import leftover
from derivations.algebra.normal_form import normal_form
from derivations.algebra.polynomial import Terms
from derivations.algebra.program import Program


@dataclass(frozen=True)
class Claim:
    """``derived`` equals ``claimed``, for all sizes.

    The second proof does not look at ``derived``: it evaluates ``mapping`` with dual numbers along ``directions`` and
    compares with ``evaluated`` of the claim (the claim itself, or its pairing with a direction for an adjoint).
    """

    name: str
    derived: Tensor
    claimed: Tensor
    mapping: Tensor
    directions: Mapping[Array, Array | Tensor] | None = None
    symbol: sp.Symbol | None = None
    paired_with: Array | None = None

    def evaluated(self) -> Tensor:
        """What the derivative of ``mapping`` must equal at a point."""
        return self.claimed if self.paired_with is None else scalar(pairing(self.paired_with, self.claimed))

    def remainder(self) -> Terms:
        """The first proof: what the normal form leaves of ``derived - claimed``; empty if it is proved."""
        return normal_form(self.derived.expr - self.claimed[self.derived.free])

    def agreement(self, sizes: Sequence[Mapping[str, int]] = ()) -> Agreement:
        """The second proof: whether exact values at random points agree, at the given sizes (by default a few)."""
        ranges = _ranges(self.mapping) | _ranges(self.evaluated())
        wanted = sizes or _default_sizes(ranges)
        assignments = [{over: size.get(over.name, 2) for over in sorted(ranges)} for size in wanted]
        return agree_at_points(
            self.mapping,
            self.evaluated(),
            directions=self.directions,
            symbol_directions={self.symbol: 1} if self.symbol is not None else None,
            sizes=assignments,
        )


def differential_claim(
    name: str, mapping: Tensor, directions: Mapping[Array, Array | Tensor], claimed: Tensor
) -> Claim:
    """The differential of ``mapping`` along ``directions`` is ``claimed``."""
    return Claim(name, differential(mapping, directions), claimed, mapping, directions)


def derivative_claim(name: str, mapping: Tensor, symbol: sp.Symbol, claimed: Tensor) -> Claim:
    """The derivative of ``mapping`` with respect to a scalar is ``claimed``."""
    return Claim(name, derivative(mapping, symbol), claimed, mapping, symbol=symbol)


def adjoint_claim(name: str, mapping: Tensor, variable: Array, covector: Array | Tensor, claimed: Tensor) -> Claim:
    """The adjoint differential of ``mapping`` with respect to ``variable``, applied to ``covector``, is ``claimed``."""
    direction = Array(f"{variable.name}_direction", *variable.axes)
    paired = scalar(pairing(covector, mapping))
    derived = adjoint(mapping, variable, covector, claimed.free)
    return Claim(name, derived, claimed, paired, {variable: direction}, paired_with=direction)


def gradient_claim(name: str, function: sp.Expr, variable: Array, claimed: Tensor) -> Claim:
    """The gradient of a scalar function with respect to ``variable`` is ``claimed``."""
    return adjoint_claim(name, scalar(function), variable, scalar(1), claimed)


def identity(name: str, left: Tensor, right: Tensor) -> Claim:
    """Two expressions are equal."""
    return Claim(name, left, right, left)


@dataclass(frozen=True)
class Wrong:
    """A near miss of a claim, which every proof must reject."""

    claim: str
    why: str
    claimed: Tensor


@dataclass(frozen=True)
class Verdict:
    """The outcome of both proofs of one claim."""

    name: str
    proved: bool
    agrees: bool
    leftover: str
    witness: str
    sizes: str
    seconds: float
    explicit_seconds: float

    @property
    def holds(self) -> bool:
        return self.proved and self.agrees

    @property
    def rejected(self) -> bool:
        """Refuted by both: something is left over, and a point shows that it is not zero."""
        return not self.proved and not self.agrees


@dataclass(frozen=True)
class Lemma:
    """One statement of a paper: reference, text, claims, wrong variants, programs.

    ``statement`` is Markdown with LaTeX. ``limits`` says plainly what is not proved for symbolic sizes, if anything.
    ``runs_in`` names the runtime module for statements that need no kernel of their own; ``family`` the folder.
    """

    name: str
    title: str
    reference: str
    statement: str
    claims: Sequence[Claim]
    wrong: Sequence[Wrong]
    programs: Sequence[Program] = ()
    runs_in: str = ""
    limits: str = ""
    sizes: Sequence[Mapping[str, int]] = field(default=())
    family: str = "assignment"

    def __post_init__(self) -> None:
        names = [claim.name for claim in self.claims]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name}: two claims share a name")
        for variant in self.wrong:
            if variant.claim not in names:
                raise ValueError(f"{self.name}: the wrong variant '{variant.why}' names no claim: {variant.claim}")

    def all_claims(self) -> list[Claim]:
        """The paper's claims, and for every program that its outputs equal their formulas."""
        found = list(self.claims)
        for program in self.programs:
            for output, meaning in program.means.items():
                label = f"program {program.name}: {output.name}"
                found.append(identity(label, program.inlined(output), meaning))
        return found

    def prove(self) -> list[Verdict]:
        """Prove every claim twice."""
        return [prove(claim, self.sizes) for claim in self.all_claims()]

    def reject_wrong_variants(self) -> list[tuple[Wrong, Verdict]]:
        """Try to prove every wrong variant; each verdict should be ``rejected``."""
        by_name = {claim.name: claim for claim in self.claims}
        return [
            (variant, prove(replace(by_name[variant.claim], claimed=variant.claimed), self.sizes))
            for variant in self.wrong
        ]


def prove(claim: Claim, sizes: Sequence[Mapping[str, int]] = ()) -> Verdict:
    """Both proofs of one claim."""
    begin = time.perf_counter()
    rest = claim.remainder()
    middle = time.perf_counter()
    agreement = claim.agreement(sizes)
    end = time.perf_counter()
    return Verdict(
        claim.name,
        not rest,
        agreement.holds,
        str(leftover(rest)) if rest else "",
        agreement.witness,
        agreement.sizes,
        middle - begin,
        end - middle,
    )


def _default_sizes(ranges: set[Range]) -> list[dict[str, int]]:
    """All sizes 2; then pairwise different sizes, so that no two ranges can be confused."""
    ordered = sorted(ranges)
    if not ordered:
        return [{}]
    return [
        {over.name: 2 for over in ordered},
        {over.name: 2 + (number % 2) for number, over in enumerate(ordered)},
        {over.name: 3 - (number % 2) for number, over in enumerate(ordered)},
    ]


def _ranges(value: Tensor) -> set[Range]:
    found = {index.range for index in value.free}
    for node in sp.preorder_traversal(value.expr):
        if isinstance(node, Entry):
            found |= set(node.array.axes)
        elif isinstance(node, Total):
            found.add(node.bound.range)
        elif isinstance(node, Delta):
            found |= {index.range for index in node.args if isinstance(index, Index)}
    return found | {over for over in _STANDARD if value.expr.has(over.size)}


_STANDARD: set[Range] = set()


def standard_range(name: str, size_name: str) -> Range:
    """A range whose size symbol may stand alone in expressions."""
    over = Range(name, size_name)
    _STANDARD.add(over)
    return over
