"""How a claim was derived, step by step: the very expressions that the prover compared, set in type."""

from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp
from markupsafe import Markup

from derivations.algebra.language import Array, Index, Range, Tensor
from derivations.algebra.leftover import as_expression
from derivations.algebra.lemma import Claim
from derivations.algebra.polynomial import Terms
from derivations.algebra.typeset import distinct
from verify.pages import latex
from verify.report.mathml import boxed

LONGEST = 6000  # characters of LaTeX beyond which nobody reads a formula
SHOWN = 4  # terms of a leftover that are set in type
LONGEST_LEFT_OVER = 1200  # characters of LaTeX beyond which the prover's own text says as much


@dataclass(frozen=True)
class Step:
    """What was done, and what came of it."""

    what: str
    formula: Markup


def steps(claim: Claim) -> Iterator[Step]:
    """From the map to the empty difference."""
    free = distinct(claim.derived.free)
    derived, claimed = claim.derived[free], claim.claimed[free]
    if claim.directions is None and claim.symbol is None:
        yield Step("One side, as the lemma file has it", formula(derived))
        yield Step("The other side", formula(claimed))
    else:
        what = "The map paired with a covector" if claim.paired_with is not None else "The map"
        yield Step(what, formula(claim.mapping.expr))
        yield Step(_how(claim), formula(derived))
        yield Step("What is claimed of it, typed in from the paper", formula(claimed))
    rest = claim.remainder()
    yield Step("The difference of the last two in normal form, for all sizes", left_over(claim, rest))


def _how(claim: Claim) -> str:
    if claim.symbol is not None:
        return f"Its derivative with respect to the scalar {claim.symbol.name}, by SymPy"
    assert claim.directions is not None
    curves = ", ".join(f"{array.name} + e·{_named(towards)}" for array, towards in claim.directions.items())
    if claim.paired_with is not None:
        (variable,) = claim.directions
        return (
            f"Its derivative by SymPy at e = 0 along {variable.name} + e·(1 at one entry, 0 elsewhere): that entry of "
            "the adjoint; no delta has been worked out yet"
        )
    return f"Its derivative by SymPy at e = 0 along the curve {curves}"


def _named(direction: Array | Tensor) -> str:
    return direction.name if isinstance(direction, Array) else "(a direction that depends on the variables)"


def left_over(claim: Claim, rest: Terms) -> Markup:
    """What is left of a difference; 0 if nothing is."""
    if not rest:
        return boxed("0")
    ordered = sorted(rest.items(), key=lambda item: (len(str(item[0])), str(item[0])))
    shown = [readable(as_expression({monomial: factor}), claim) for monomial, factor in ordered[:SHOWN]]
    if any(len(latex(term)) > LONGEST_LEFT_OVER or term.has(sp.I) for term in shown):
        return Markup("<p>{} terms, too long to set</p>").format(len(rest))
    more = len(rest) - len(shown)
    note = Markup("<p>… and {} more terms</p>").format(more) if more else Markup("")
    return Markup("").join(formula(term) for term in shown) + note


def formula(expr: sp.Expr) -> Markup:
    """A displayed formula, or how long it is if nobody would read it."""
    text = latex(expr)
    if len(text) > LONGEST:
        return Markup("<p class='dim'>a formula of {} characters of LaTeX, too long to set</p>").format(len(text))
    return boxed(text)


def readable(expr: sp.Expr, claim: Claim) -> sp.Expr:
    """Bound indices of a normal form under the letters that the claim uses for their ranges."""
    letters: dict[Range, str] = {}
    for side in (claim.claimed.expr, claim.mapping.expr):
        for index in sorted(side.atoms(Index), key=lambda item: (item.name, item.serial)):
            letters.setdefault(index.range, index.name)
    found = sorted((index for index in expr.atoms(Index) if index.serial == -2), key=lambda item: item.name)
    renaming = {
        index: Index(letters.get(index.range, index.range.name[0]), index.range, -1000 - number)
        for number, index in enumerate(found)
    }
    free = dict(zip(claim.derived.free, distinct(claim.derived.free), strict=True))
    return expr.xreplace({**renaming, **free})
