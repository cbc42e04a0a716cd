"""Sums of monomials over ranges of symbolic size.

Sums are linear, factors free of the bound index move out (Fubini, by connected components), a delta with a bound index
substitutes it, and a declared sum of an array (Σ_j S_ij = 1) is carried out. What remains of a component is one atom, a
*contraction*, its bound indices named in a canonical way, so that sums equal up to renaming are one atom.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import sympy as sp

from derivations.algebra.elementary import exponential, logarithm
from derivations.algebra.language import Array, Index
from derivations.algebra.polynomial import (
    ONE,
    Atom,
    Monomial,
    Terms,
    add,
    index_key,
    indices_in,
    is_idempotent,
    monomial_key,
    multiply,
    nesting,
    power,
    product_of,
    scale,
    single,
)

Factors = list[tuple[Atom, sp.Rational]]


def sum_over(terms: Terms, bound: Index) -> Terms:
    """The sum of a polynomial over a range."""
    return add(*(scale(_contract(monomial, (bound,)), c) for monomial, c in terms.items()))


def _contract(monomial: Monomial, bounds: tuple[Index, ...]) -> Terms:
    """The sum of one monomial over the bound indices, by linearity, deltas, declared sums and components."""
    factors: Factors = []
    open_bounds = list(bounds)
    for atom, exponent in monomial:
        if atom[0] == "total" and exponent.is_Integer and exponent > 0 and indices_in(atom) & set(bounds):
            for _ in range(int(exponent)):  # a contraction that depends on the bound index is merged into this one
                renaming = {index: index.fresh() for index in atom[1]}
                open_bounds.extend(renaming.values())
                factors.extend((_rename(a, renaming), e) for a, e in atom[2])
        else:
            factors.append((atom, exponent))
    for position, (atom, _) in enumerate(factors):
        if atom[0] == "delta" and (atom[1] in open_bounds or atom[2] in open_bounds):
            gone, stays = (atom[1], atom[2]) if atom[1] in open_bounds else (atom[2], atom[1])
            rest = factors[:position] + factors[position + 1 :]
            remaining = tuple(index for index in open_bounds if index != gone)
            moved = product_of(_rename_factor(a, e, {gone: stays}) for a, e in rest)
            return add(*(scale(_contract(m, remaining), c) for m, c in moved.items()))
    result: Terms = {ONE: sp.Integer(1)}
    for inside, outside in _components(factors, open_bounds):
        if not inside:
            result = multiply(result, {frozenset(_merge(outside)): sp.Integer(1)})
            continue
        result = multiply(result, _component_sum(inside, outside))
    return result


def _component_sum(inside: list[Index], factors: Factors) -> Terms:
    """The sum of one connected component over its bound indices."""
    if not factors:
        (bound,) = inside
        return single(("symbol", bound.range.size))
    for bound in inside:
        touching = [place for place, (atom, _) in enumerate(factors) if bound in indices_in(atom)]
        if len(touching) != 1:
            continue
        atom, exponent = factors[touching[0]]
        if atom[0] != "entry" or exponent != 1:
            continue
        array: Array = atom[1]
        where = [axis for axis, index in enumerate(atom[2:]) if index == bound]
        known = dict(array.sums)
        if len(where) == 1 and where[0] in known:
            rest = frozenset(_merge(factors[: touching[0]] + factors[touching[0] + 1 :]))
            left = tuple(index for index in inside if index != bound)
            value: Terms = {ONE: known[where[0]]} if known[where[0]] != 0 else {}
            inner = _contract(rest, left) if left else {rest: sp.Integer(1)}
            return multiply(value, inner)
    return single(_canonical_total(tuple(inside), frozenset(_merge(factors))))


def _merge(factors: Factors) -> Factors:
    exponents: dict[Atom, sp.Rational] = {}
    for atom, exponent in factors:
        exponents[atom] = exponents.get(atom, sp.Integer(0)) + exponent
        if exponents[atom] > 1 and is_idempotent(atom):
            exponents[atom] = sp.Integer(1)
    return [(atom, exponent) for atom, exponent in exponents.items() if exponent != 0]


def _components(factors: Factors, bounds: list[Index]) -> list[tuple[list[Index], Factors]]:
    """Group factors that share bound indices; factors without any form one group of their own."""
    groups: list[tuple[set[Index], Factors]] = [({index}, []) for index in bounds]
    free: Factors = []
    for atom, exponent in factors:
        touched = indices_in(atom) & set(bounds)
        if not touched:
            free.append((atom, exponent))
            continue
        joined = [group for group in groups if group[0] & touched]
        merged = (set().union(*(g[0] for g in joined)), [f for g in joined for f in g[1]] + [(atom, exponent)])
        groups = [group for group in groups if not group[0] & touched] + [merged]
    ordered = [([index for index in bounds if index in group[0]], group[1]) for group in groups]
    return [*ordered, ([], free)]


def _canonical_total(bounds: tuple[Index, ...], monomial: Monomial) -> Atom:
    """Name the bound indices so that sums equal up to renaming become one atom."""
    level = 1 + max((nesting(atom) for atom, _ in monomial), default=0)
    by_range: dict[Any, list[Index]] = {}
    for index in bounds:
        by_range.setdefault(index.range, []).append(index)
    ranges = sorted(by_range)
    best: tuple[Any, tuple[Index, ...], Monomial] | None = None
    choices = [itertools.permutations(by_range[over]) for over in ranges]
    for choice in itertools.product(*choices):
        renaming, names = {}, []
        for over, ordered in zip(ranges, choice, strict=True):
            for number, index in enumerate(ordered):
                name = Index(f"{over.name}.{level}.{number}", over, -2)
                renaming[index] = name
                names.append(name)
        renamed = frozenset((_rename(atom, renaming), exponent) for atom, exponent in monomial)
        key = monomial_key(renamed)
        if best is None or key < best[0]:
            best = (key, tuple(names), renamed)
    assert best is not None
    return ("total", best[1], best[2])


# --- renaming indices ---


def _rename(value: Any, renaming: Mapping[Index, Index]) -> Any:
    """Rename free indices inside an atom; contractions are named anew, because their order may change."""
    if isinstance(value, Index):
        return renaming.get(value, value)
    if isinstance(value, frozenset):
        return frozenset(_rename(part, renaming) for part in value)
    if isinstance(value, tuple):
        if not indices_in(value) & set(renaming):
            return value
        if value and value[0] == "total":
            return _canonical_total(value[1], frozenset((_rename(a, renaming), e) for a, e in value[2]))
        if value and value[0] == "delta":
            left, right = sorted((_rename(v, renaming) for v in value[1:]), key=index_key)
            return ("delta", left, right)
        return tuple(_rename(part, renaming) for part in value)
    return value


def _rename_factor(atom: Atom, exponent: sp.Rational, renaming: Mapping[Index, Index]) -> Terms:
    """Rename within one factor; what the renaming makes trivial (a delta, a sum) is carried out."""
    if not indices_in(atom) & set(renaming):
        return {frozenset({(atom, exponent)}): sp.Integer(1)}
    if atom[0] == "delta":
        renamed = _rename(atom, renaming)
        return {ONE: sp.Integer(1)} if renamed[1] == renamed[2] else {frozenset({(renamed, exponent)}): sp.Integer(1)}
    if atom[0] == "sum":
        inner = add(*(scale(rename_monomial(m, renaming), c) for m, c in atom[1]))
        return power(inner, exponent)
    if atom[0] == "exp":
        return exponential(scale(rename_monomial(atom[1], renaming), exponent))
    if atom[0] == "log":
        return power(logarithm(_rename_factor(atom[1], sp.Integer(1), renaming)), exponent)
    if atom[0] == "total":
        bounds = {index: index.fresh() for index in atom[1]}
        inner = product_of(_rename_factor(_rename(a, bounds), e, renaming) for a, e in atom[2])
        summed = add(*(scale(_contract(m, tuple(bounds.values())), c) for m, c in inner.items()))
        return power(summed, exponent)
    return {frozenset({(_rename(atom, renaming), exponent)}): sp.Integer(1)}


def rename_monomial(monomial: Monomial, renaming: Mapping[Index, Index]) -> Terms:
    """A monomial with some of its free indices renamed; what becomes trivial is carried out."""
    return product_of(_rename_factor(atom, exponent, renaming) for atom, exponent in monomial)
