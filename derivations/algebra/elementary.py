"""Exponentials and logarithms of polynomials.

exp(a + b) = exp(a) exp(b); log(a b) = log(a) + log(b), where what stands in a logarithm is taken as positive, factor by
factor.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra.polynomial import (
    ONE,
    Atom,
    Terms,
    add,
    multiply,
    power,
    prime_factors,
    primitive_part,
    scale,
    single,
)


def exponential(terms: Terms) -> Terms:
    """The exponential of a polynomial: a product of exponentials of monomials."""
    result: Terms = {ONE: sp.Integer(1)}
    for monomial, coefficient in terms.items():
        if len(monomial) == 1:
            ((atom, exponent),) = monomial
            if atom[0] == "log" and exponent == 1:
                base = {ONE: atom[1]} if isinstance(atom[1], sp.Rational) else _single_or_sum(atom[1])
                result = multiply(result, power(base, coefficient))
                continue
        result = multiply(result, {frozenset({(("exp", monomial), coefficient)}): sp.Integer(1)})
    return result


def _single_or_sum(atom: Atom) -> Terms:
    return dict(atom[1]) if atom[0] == "sum" else single(atom)


def logarithm(terms: Terms) -> Terms:
    """The logarithm of a polynomial, its factors taken as positive."""
    if len(terms) != 1:
        content, primitive = primitive_part(terms)
        if min(content.values()) < 0:  # the argument is positive: keep both of its factors so
            content, primitive = scale(content, sp.Integer(-1)), scale(primitive, sp.Integer(-1))
        if len(primitive) == 1:  # multiplied out, only one monomial is left
            return add(logarithm(content), logarithm(primitive))
        return add(logarithm(content), single(("log", ("sum", frozenset(primitive.items())))))
    ((monomial, coefficient),) = terms.items()
    parts: list[Terms] = []
    for prime, times in prime_factors(coefficient):
        parts.append(scale(single(("log", prime)), sp.Integer(times)))
    for atom, exponent in monomial:
        if atom[0] == "exp":
            parts.append({atom[1]: exponent})
        elif atom[0] == "number":
            parts.append(scale(single(("log", atom[1])), exponent))
        else:
            parts.append(scale(single(("log", atom)), exponent))
    return add(*parts)
