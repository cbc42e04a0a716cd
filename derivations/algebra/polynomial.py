"""Polynomials over atoms: what the prover calculates with.

A polynomial is a sum of rational coefficients times monomials, a monomial a product of atoms with rational exponents.
Everything is frozen and unordered, so that equal things compare equal; ``order_key`` gives an order that does not
depend on hashing. Atoms are tuples whose first item names their kind:

| kind | rest | meaning |
|---|---|---|
| ``entry`` | array, indices | an entry of an array |
| ``symbol`` | symbol | a scalar, or the size of a range |
| ``number`` | prime or -1 | a number under a root |
| ``delta`` | index, index | 1 where they agree |
| ``exp`` | monomial | its exponential |
| ``log`` | atom or number | its logarithm |
| ``sum`` | polynomial | a sum under an exponent that is no natural number |
| ``total`` | bound indices, monomial | the monomial summed over whole ranges (``contraction.py``) |
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import sympy as sp

from derivations.algebra.language import Array, Index

Atom = tuple[Any, ...]
Monomial = frozenset[tuple[Atom, sp.Rational]]
Terms = dict[Monomial, sp.Rational]

ONE: Monomial = frozenset()


def single(atom: Atom) -> Terms:
    """The polynomial that is one atom."""
    return {frozenset({(atom, sp.Integer(1))}): sp.Integer(1)}


def add(*parts: Terms) -> Terms:
    """The sum of polynomials."""
    result: Terms = {}
    for part in parts:
        for monomial, coefficient in part.items():
            new = result.get(monomial, 0) + coefficient
            if new == 0:
                result.pop(monomial, None)
            else:
                result[monomial] = new
    return result


def scale(terms: Terms, factor: sp.Rational) -> Terms:
    """A polynomial times a number."""
    return {monomial: coefficient * factor for monomial, coefficient in terms.items()} if factor != 0 else {}


def multiply(left: Terms, right: Terms) -> Terms:
    """The product of two polynomials."""
    result: Terms = {}
    expand: list[Terms] = []
    for (m1, c1), (m2, c2) in itertools.product(left.items(), right.items()):
        monomial, grown = _join(m1, m2)
        if grown:
            expand.append(scale(product_of([{monomial: sp.Integer(1)}, *grown]), c1 * c2))
            continue
        new = result.get(monomial, 0) + c1 * c2
        if new == 0:
            result.pop(monomial, None)
        else:
            result[monomial] = new
    return add(result, *expand) if expand else result


def product_of(factors: Iterable[Terms]) -> Terms:
    """The product of any number of polynomials."""
    result: Terms = {ONE: sp.Integer(1)}
    for factor in factors:
        result = multiply(result, factor)
    return result


def _join(left: Monomial, right: Monomial) -> tuple[Monomial, list[Terms]]:
    """Multiply two monomials; whole powers of sums and of numbers are handed back for expansion."""
    exponents = dict(left)
    for atom, exponent in right:
        exponents[atom] = exponents.get(atom, sp.Integer(0)) + exponent
    grown: list[Terms] = []
    for atom, exponent in list(exponents.items()):
        if exponent == 0:
            del exponents[atom]
        elif atom[0] in ("sum", "number") and exponent >= 1:
            whole = sp.floor(exponent)
            if exponent == whole:
                del exponents[atom]
            else:
                exponents[atom] = exponent - whole
            grown.extend([dict(atom[1]) if atom[0] == "sum" else {ONE: atom[1]}] * int(whole))
        elif exponent > 1 and is_idempotent(atom):
            exponents[atom] = sp.Integer(1)
    return frozenset(exponents.items()), grown


def is_idempotent(atom: Atom) -> bool:
    """Whether the atom is its own square: a delta, or an entry of a mask of zeros and ones."""
    return bool(atom[0] == "delta" or (atom[0] == "entry" and atom[1].mask))


def power(base: Terms, exponent: sp.Rational) -> Terms:
    """A polynomial to a rational exponent; a sum under an exponent that is no natural number becomes one atom."""
    if exponent.is_Integer and exponent >= 0:
        return product_of([base] * int(exponent))
    if not base:
        raise ZeroDivisionError("a zero expression stands in a denominator")
    if len(base) == 1:
        ((monomial, coefficient),) = base.items()
        raised = frozenset((atom, e * exponent) for atom, e in monomial)
        return multiply({raised: sp.Integer(1)}, _number_power(coefficient, exponent))
    content, primitive = primitive_part(base)
    if len(primitive) == 1:  # multiplied out, only one monomial is left
        return multiply(power(content, exponent), power(primitive, exponent))
    atom = ("sum", frozenset(primitive.items()))
    return multiply(power(content, exponent), {frozenset({(atom, exponent)}): sp.Integer(1)})


def _number_power(number: sp.Rational, exponent: sp.Rational) -> Terms:
    """A power of a number: rational, times powers of primes (and of -1) with exponents between 0 and 1."""
    rational, roots = sp.Integer(1), {}
    for prime, times in prime_factors(number):
        power = times * exponent
        rational *= prime ** sp.floor(power)
        if power != sp.floor(power):
            roots[("number", prime)] = power - sp.floor(power)
    return {frozenset(roots.items()): rational}


def prime_factors(number: sp.Rational) -> list[tuple[sp.Integer, int]]:
    """Primes (and -1) with the exponents that multiply to ``number``."""
    return [(sp.Integer(prime), times) for prime, times in sorted(sp.factorrat(number).items()) if prime != 1]


def primitive_part(base: Terms) -> tuple[Terms, Terms]:
    """Split off the common monomial and the leading coefficient, so that proportional sums give one atom."""
    monomials = list(base)
    common = dict(monomials[0])
    for monomial in monomials[1:]:
        here = dict(monomial)
        common = {atom: min(e, here[atom]) for atom, e in common.items() if atom in here}
    shared = {atom: e for atom, e in common.items() if atom[0] != "delta"}
    inverse = frozenset((atom, -e) for atom, e in shared.items())
    reduced = multiply(base, {inverse: sp.Integer(1)})  # whole powers of sums that this leaves are multiplied out
    if not reduced:
        raise ZeroDivisionError("a zero expression stands in a denominator, under a root or in a logarithm")
    leading = reduced[min(reduced, key=monomial_key)]
    return {frozenset(shared.items()): leading}, scale(reduced, 1 / leading)


# --- order, so that results do not depend on hashing ---


def index_key(index: Any) -> tuple[str, str, int]:
    """An order of indices."""
    return (index.range.name, index.name, index.serial)


@lru_cache(maxsize=50000)
def order_key(value: Any) -> str:
    """A text by which anything that polynomials are made of can be sorted."""
    if isinstance(value, Index):
        return "i" + ":".join(map(str, index_key(value)))
    if isinstance(value, Array):
        return value.name
    if isinstance(value, frozenset):
        return "{" + ",".join(sorted(order_key(part) for part in value)) + "}"
    if isinstance(value, tuple):
        return "(" + ",".join(order_key(part) for part in value) + ")"
    return str(value)


def monomial_key(monomial: Monomial) -> str:
    """An order of monomials."""
    return order_key(monomial)


# --- what is inside an atom ---


def _parts(value: Any) -> Iterable[Any]:
    return value if isinstance(value, tuple | frozenset) else ()


@lru_cache(maxsize=50000)
def indices_in(atom: Any) -> frozenset[Index]:
    """The free indices of an atom."""
    if isinstance(atom, Index):
        return frozenset({atom})
    found = frozenset().union(*(indices_in(part) for part in _parts(atom)))
    return found - frozenset(atom[1]) if isinstance(atom, tuple) and atom and atom[0] == "total" else found


@lru_cache(maxsize=50000)
def nesting(atom: Any) -> int:
    """How deep contractions nest inside an atom, so that bound names of different depth never meet."""
    inner = max((nesting(part) for part in _parts(atom)), default=0)
    return inner + 1 if isinstance(atom, tuple) and atom and atom[0] == "total" else inner
