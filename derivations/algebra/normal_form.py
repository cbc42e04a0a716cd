"""A normal form for expressions over symbolic sizes; two expressions with one normal form are equal for all sizes.

An expression becomes a polynomial: a sum of rational coefficients times monomials, a monomial being a product of
atoms with rational exponents. The atoms are entries of arrays, symbols, ``exp`` of one monomial, ``log`` of one atom,
inverses of sums, and *contractions*: connected products summed over whole ranges, their bound indices named in a
canonical way. The rules are those of ordinary algebra:

- sums over ranges are linear, and factors free of the bound index move out (Fubini by connected components);
- a delta with a bound index substitutes it, and a declared sum of an array (Σ_j S_ij = 1) is carried out;
- a mask of zeros and ones is its own square;
- exp(a + b) = exp(a) exp(b); log(a b) = log(a) + log(b) and (a b)^r = a^r b^r: what stands in a logarithm or under a
  root is taken as positive, factor by factor;
- at the end, inverses of sums are cleared by multiplying out.

``Proved`` is therefore sound up to SymPy's differentiation. A leftover is *no* disproof: see ``explicit.py``.
"""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from derivations.algebra.contraction import rename_monomial, sum_over
from derivations.algebra.elementary import exponential, logarithm
from derivations.algebra.language import Delta, Entry, Largest, Total
from derivations.algebra.polynomial import (
    ONE,
    Atom,
    Monomial,
    Terms,
    add,
    index_key,
    multiply,
    order_key,
    power,
    product_of,
    scale,
    single,
)


class NotInLanguage(TypeError):
    """An expression uses something that the normal form has no rule for."""


def normal_form(expr: sp.Expr) -> Terms:
    """The polynomial of ``expr``; empty if and only if the rules show it to be zero."""
    return _clear_inverses(_apply_free_deltas(_convert(sp.sympify(expr))))


@lru_cache(maxsize=20000)
def _convert_cached(expr: sp.Expr) -> frozenset[tuple[Monomial, sp.Rational]]:
    return frozenset(_convert_new(expr).items())


def _convert(expr: sp.Expr) -> Terms:
    return dict(_convert_cached(expr))


def _convert_new(expr: sp.Expr) -> Terms:
    if expr.is_Rational:
        return {ONE: expr} if expr != 0 else {}
    if isinstance(expr, sp.Add):
        return add(*(_convert(arg) for arg in expr.args))
    if isinstance(expr, sp.Mul):
        return product_of(_convert(arg) for arg in expr.args)
    if isinstance(expr, sp.exp):
        return exponential(_convert(expr.args[0]))
    if expr == sp.E:
        return exponential({ONE: sp.Integer(1)})
    if isinstance(expr, sp.Pow):
        base, exponent = expr.args
        if exponent.is_Rational:
            return power(_convert(base), exponent)
        if base == sp.E:
            return exponential(_convert(exponent))
        return exponential(multiply(_convert(exponent), logarithm(_convert(base))))
    if isinstance(expr, sp.log):
        return logarithm(_convert(expr.args[0]))
    if isinstance(expr, Entry):
        return single(("entry", expr.array, *expr.indices))
    if isinstance(expr, Delta):
        left, right = sorted(expr.args, key=index_key)
        return single(("delta", left, right))
    if isinstance(expr, Total):
        return sum_over(_convert(expr.summand), expr.bound)
    if isinstance(expr, sp.Symbol):
        return single(("symbol", expr))
    if isinstance(expr, Largest):
        raise NotInLanguage(f"{expr} is a stabiliser: free it before a proof (Program.inlined does)")
    raise NotInLanguage(f"{type(expr).__name__} has no rule here: {expr}")


def _apply_free_deltas(terms: Terms) -> Terms:
    """delta(i, k) f(k) = delta(i, k) f(i): write the other factors with the first index."""
    result: Terms = {}
    for monomial, coefficient in terms.items():
        deltas = sorted((atom for atom, _ in monomial if atom[0] == "delta"), key=order_key)
        part: Terms = {monomial: sp.Integer(1)}
        for delta in deltas:
            unit = frozenset({(delta, sp.Integer(1))})
            moved = [scale(rename_monomial(m - unit, {delta[2]: delta[1]}), c) for m, c in part.items() if unit <= m]
            part = multiply(add(*moved), {unit: sp.Integer(1)})
        result = add(result, scale(part, coefficient))
    return result


def _clear_inverses(terms: Terms) -> Terms:
    """Multiply by the sums that stand in denominators; zero stays zero and non-zero stays non-zero."""
    for _ in range(64):
        worst: dict[Atom, sp.Rational] = {}
        for monomial in terms:
            for atom, exponent in monomial:
                if atom[0] == "sum" and exponent < 0:
                    worst[atom] = min(exponent, worst.get(atom, sp.Integer(0)))
        if not worst:
            return terms
        atom = min(worst, key=order_key)
        terms = multiply(terms, {frozenset({(atom, sp.Integer(-sp.floor(worst[atom])))}): sp.Integer(1)})
        if not terms:
            return terms
    return terms
