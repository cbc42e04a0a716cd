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

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp

from derivations.algebra.language import Array, Delta, Entry, Index, Largest, Total

# An atom is a tuple whose first item names its kind; a monomial a frozenset of (atom, exponent) pairs;
# a polynomial a frozenset of (monomial, coefficient) pairs. Frozen, so that equal things compare equal.
Atom = tuple[Any, ...]
Monomial = frozenset[tuple[Atom, sp.Rational]]
Terms = dict[Monomial, sp.Rational]

ONE: Monomial = frozenset()


class NotInLanguage(TypeError):
    """An expression uses something that the normal form has no rule for."""


def normal_form(expr: sp.Expr) -> Terms:
    """The polynomial of ``expr``; empty if and only if the rules show it to be zero."""
    return _clear_inverses(_apply_free_deltas(_convert(sp.sympify(expr))))


# --- polynomials ------------------------------------------------------------------------------------------------


def _add(*parts: Terms) -> Terms:
    result: Terms = {}
    for part in parts:
        for monomial, coefficient in part.items():
            new = result.get(monomial, 0) + coefficient
            if new == 0:
                result.pop(monomial, None)
            else:
                result[monomial] = new
    return result


def _scale(terms: Terms, factor: sp.Rational) -> Terms:
    return {monomial: coefficient * factor for monomial, coefficient in terms.items()} if factor != 0 else {}


def _times(left: Terms, right: Terms) -> Terms:
    result: Terms = {}
    expand: list[Terms] = []
    for (m1, c1), (m2, c2) in itertools.product(left.items(), right.items()):
        monomial, grown = _join(m1, m2)
        if grown:
            expand.append(_scale(_product([{monomial: sp.Integer(1)}, *grown]), c1 * c2))
            continue
        new = result.get(monomial, 0) + c1 * c2
        if new == 0:
            result.pop(monomial, None)
        else:
            result[monomial] = new
    return _add(result, *expand) if expand else result


def _product(factors: Iterable[Terms]) -> Terms:
    result: Terms = {ONE: sp.Integer(1)}
    for factor in factors:
        result = _times(result, factor)
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
        elif exponent > 1 and (atom[0] == "delta" or (atom[0] == "entry" and atom[1].mask)):
            exponents[atom] = sp.Integer(1)
    return frozenset(exponents.items()), grown


def _power(base: Terms, exponent: sp.Rational) -> Terms:
    if exponent.is_Integer and exponent >= 0:
        return _product([base] * int(exponent))
    if not base:
        raise ZeroDivisionError("a zero expression stands in a denominator")
    if len(base) == 1:
        ((monomial, coefficient),) = base.items()
        raised = frozenset((atom, e * exponent) for atom, e in monomial)
        return _times({raised: sp.Integer(1)}, _number_power(coefficient, exponent))
    content, primitive = _primitive(base)
    atom = ("sum", frozenset(primitive.items()))
    return _times(_power(content, exponent), {frozenset({(atom, exponent)}): sp.Integer(1)})


def _number_power(number: sp.Rational, exponent: sp.Rational) -> Terms:
    """A power of a number: rational, times powers of primes (and of -1) with exponents between 0 and 1."""
    rational, roots = sp.Integer(1), {}
    for prime, times in _prime_factors(number):
        power = times * exponent
        rational *= prime ** sp.floor(power)
        if power != sp.floor(power):
            roots[("number", prime)] = power - sp.floor(power)
    return {frozenset(roots.items()): rational}


def _prime_factors(number: sp.Rational) -> list[tuple[sp.Integer, int]]:
    """Primes (and -1) with the exponents that multiply to ``number``."""
    return [(sp.Integer(prime), times) for prime, times in sorted(sp.factorrat(number).items()) if prime != 1]


def _primitive(base: Terms) -> tuple[Terms, Terms]:
    """Split off the common monomial and the leading coefficient, so that proportional sums give one atom."""
    monomials = list(base)
    common = dict(monomials[0])
    for monomial in monomials[1:]:
        here = dict(monomial)
        common = {atom: min(e, here[atom]) for atom, e in common.items() if atom in here}
    shared = {atom: e for atom, e in common.items() if atom[0] != "delta"}
    inverse = frozenset((atom, -e) for atom, e in shared.items())
    reduced = {_join(monomial, inverse)[0]: c for monomial, c in base.items()}
    leading = reduced[min(reduced, key=_monomial_key)]
    return {frozenset(shared.items()): leading}, _scale(reduced, 1 / leading)


# --- from SymPy -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=20000)
def _convert_cached(expr: sp.Expr) -> frozenset[tuple[Monomial, sp.Rational]]:
    return frozenset(_convert_new(expr).items())


def _convert(expr: sp.Expr) -> Terms:
    return dict(_convert_cached(expr))


def _single(atom: Atom) -> Terms:
    return {frozenset({(atom, sp.Integer(1))}): sp.Integer(1)}


def _convert_new(expr: sp.Expr) -> Terms:
    if expr.is_Rational:
        return {ONE: expr} if expr != 0 else {}
    if isinstance(expr, sp.Add):
        return _add(*(_convert(arg) for arg in expr.args))
    if isinstance(expr, sp.Mul):
        return _product(_convert(arg) for arg in expr.args)
    if isinstance(expr, sp.exp):
        return _exponential(_convert(expr.args[0]))
    if expr == sp.E:
        return _exponential({ONE: sp.Integer(1)})
    if isinstance(expr, sp.Pow):
        base, exponent = expr.args
        if exponent.is_Rational:
            return _power(_convert(base), exponent)
        if base == sp.E:
            return _exponential(_convert(exponent))
        return _exponential(_times(_convert(exponent), _logarithm(_convert(base))))
    if isinstance(expr, sp.log):
        return _logarithm(_convert(expr.args[0]))
    if isinstance(expr, Entry):
        return _single(("entry", expr.array, *expr.indices))
    if isinstance(expr, Delta):
        left, right = sorted(expr.args, key=_index_key)
        return _single(("delta", left, right))
    if isinstance(expr, Total):
        return _sum_over(_convert(expr.summand), expr.bound)
    if isinstance(expr, sp.Symbol):
        return _single(("symbol", expr))
    if isinstance(expr, Largest):
        raise NotInLanguage(f"{expr} is a stabiliser: free it before a proof (Program.inlined does)")
    raise NotInLanguage(f"{type(expr).__name__} has no rule here: {expr}")


def _exponential(terms: Terms) -> Terms:
    result: Terms = {ONE: sp.Integer(1)}
    for monomial, coefficient in terms.items():
        if len(monomial) == 1:
            ((atom, exponent),) = monomial
            if atom[0] == "log" and exponent == 1:
                base = {ONE: atom[1]} if isinstance(atom[1], sp.Rational) else _single_or_sum(atom[1])
                result = _times(result, _power(base, coefficient))
                continue
        result = _times(result, {frozenset({(("exp", monomial), coefficient)}): sp.Integer(1)})
    return result


def _single_or_sum(atom: Atom) -> Terms:
    return dict(atom[1]) if atom[0] == "sum" else _single(atom)


def _logarithm(terms: Terms) -> Terms:
    if len(terms) != 1:
        content, primitive = _primitive(terms)
        if min(content.values()) < 0:  # the argument is positive: keep both of its factors so
            content, primitive = _scale(content, sp.Integer(-1)), _scale(primitive, sp.Integer(-1))
        return _add(_logarithm(content), _single(("log", ("sum", frozenset(primitive.items())))))
    ((monomial, coefficient),) = terms.items()
    parts: list[Terms] = []
    for prime, times in _prime_factors(coefficient):
        parts.append(_scale(_single(("log", prime)), sp.Integer(times)))
    for atom, exponent in monomial:
        if atom[0] == "exp":
            parts.append({atom[1]: exponent})
        elif atom[0] == "number":
            parts.append(_scale(_single(("log", atom[1])), exponent))
        else:
            parts.append(_scale(_single(("log", atom)), exponent))
    return _add(*parts)


# --- sums over ranges -------------------------------------------------------------------------------------------


def _sum_over(terms: Terms, bound: Index) -> Terms:
    return _add(*(_scale(_contract(monomial, (bound,)), c) for monomial, c in terms.items()))


def _contract(monomial: Monomial, bounds: tuple[Index, ...]) -> Terms:
    """The sum of one monomial over the bound indices, by linearity, deltas, declared sums and components."""
    factors: list[tuple[Atom, sp.Rational]] = []
    open_bounds = list(bounds)
    for atom, exponent in monomial:
        if atom[0] == "total" and exponent.is_Integer and exponent > 0 and _indices(atom) & set(bounds):
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
            moved = _product(_rename_factor(a, e, {gone: stays}) for a, e in rest)
            return _add(*(_scale(_contract(m, remaining), c) for m, c in moved.items()))
    result: Terms = {ONE: sp.Integer(1)}
    for inside, outside in _components(factors, open_bounds):
        if not inside:
            result = _times(result, {frozenset(_merge(outside)): sp.Integer(1)})
            continue
        result = _times(result, _component_sum(inside, outside))
    return result


def _component_sum(inside: list[Index], factors: list[tuple[Atom, sp.Rational]]) -> Terms:
    """The sum of one connected component over its bound indices."""
    if not factors:
        (bound,) = inside
        return _single(("symbol", bound.range.size))
    for bound in inside:
        touching = [place for place, (atom, _) in enumerate(factors) if bound in _indices(atom)]
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
            value = _convert(known[where[0]])
            inner = _contract(rest, left) if left else {rest: sp.Integer(1)}
            return _times(value, inner)
    return _single(_canonical_total(tuple(inside), frozenset(_merge(factors))))


def _merge(factors: Iterable[tuple[Atom, sp.Rational]]) -> list[tuple[Atom, sp.Rational]]:
    exponents: dict[Atom, sp.Rational] = {}
    for atom, exponent in factors:
        exponents[atom] = exponents.get(atom, sp.Integer(0)) + exponent
        if exponents[atom] > 1 and atom[0] == "entry" and atom[1].mask:
            exponents[atom] = sp.Integer(1)
    return [(atom, exponent) for atom, exponent in exponents.items() if exponent != 0]


def _components(
    factors: list[tuple[Atom, sp.Rational]], bounds: list[Index]
) -> list[tuple[list[Index], list[tuple[Atom, sp.Rational]]]]:
    """Group factors that share bound indices; factors without any form one group of their own."""
    groups: list[tuple[set[Index], list[tuple[Atom, sp.Rational]]]] = [({index}, []) for index in bounds]
    free: list[tuple[Atom, sp.Rational]] = []
    for atom, exponent in factors:
        touched = _indices(atom) & set(bounds)
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
    level = 1 + max((_level(atom) for atom, _ in monomial), default=0)
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
        key = _monomial_key(renamed)
        if best is None or key < best[0]:
            best = (key, tuple(names), renamed)
    assert best is not None
    return ("total", best[1], best[2])


# --- walking through atoms --------------------------------------------------------------------------------------


def _parts(value: Any) -> Iterable[Any]:
    return value if isinstance(value, tuple | frozenset) else ()


@lru_cache(maxsize=50000)
def _indices(atom: Any) -> frozenset[Index]:
    """The free indices of an atom."""
    if isinstance(atom, Index):
        return frozenset({atom})
    found = frozenset().union(*(_indices(part) for part in _parts(atom)))
    return found - frozenset(atom[1]) if isinstance(atom, tuple) and atom and atom[0] == "total" else found


@lru_cache(maxsize=50000)
def _level(atom: Any) -> int:
    """How deep contractions nest inside an atom, so that bound names of different depth never meet."""
    inner = max((_level(part) for part in _parts(atom)), default=0)
    return inner + 1 if isinstance(atom, tuple) and atom and atom[0] == "total" else inner


def _rename(value: Any, renaming: Mapping[Index, Index]) -> Any:
    """Rename free indices inside an atom; contractions are named anew, because their order may change."""
    if isinstance(value, Index):
        return renaming.get(value, value)
    if isinstance(value, frozenset):
        return frozenset(_rename(part, renaming) for part in value)
    if isinstance(value, tuple):
        if not _indices(value) & set(renaming):
            return value
        if value and value[0] == "total":
            return _canonical_total(value[1], frozenset((_rename(a, renaming), e) for a, e in value[2]))
        if value and value[0] == "delta":
            left, right = sorted((_rename(v, renaming) for v in value[1:]), key=_index_key)
            return ("delta", left, right)
        return tuple(_rename(part, renaming) for part in value)
    return value


def _rename_factor(atom: Atom, exponent: sp.Rational, renaming: Mapping[Index, Index]) -> Terms:
    """Rename within one factor; what the renaming makes trivial (a delta, a sum) is carried out."""
    if not _indices(atom) & set(renaming):
        return {frozenset({(atom, exponent)}): sp.Integer(1)}
    if atom[0] == "delta":
        renamed = _rename(atom, renaming)
        return {ONE: sp.Integer(1)} if renamed[1] == renamed[2] else {frozenset({(renamed, exponent)}): sp.Integer(1)}
    if atom[0] == "sum":
        inner = _add(*(_scale(_rename_monomial(m, renaming), c) for m, c in atom[1]))
        return _power(inner, exponent)
    if atom[0] == "exp":
        return _exponential(_scale(_rename_monomial(atom[1], renaming), exponent))
    if atom[0] == "log":
        return _power(_logarithm(_rename_factor(atom[1], sp.Integer(1), renaming)), exponent)
    if atom[0] == "total":
        bounds = {index: index.fresh() for index in atom[1]}
        inner = _product(_rename_factor(_rename(a, bounds), e, renaming) for a, e in atom[2])
        summed = _add(*(_scale(_contract(m, tuple(bounds.values())), c) for m, c in inner.items()))
        return _power(summed, exponent)
    return {frozenset({(_rename(atom, renaming), exponent)}): sp.Integer(1)}


def _rename_monomial(monomial: Monomial, renaming: Mapping[Index, Index]) -> Terms:
    return _product(_rename_factor(atom, exponent, renaming) for atom, exponent in monomial)


# --- order, so that results do not depend on hashing ------------------------------------------------------------


def _index_key(index: Any) -> tuple[str, str, int]:
    return (index.range.name, index.name, index.serial)


@lru_cache(maxsize=50000)
def _key(value: Any) -> str:
    if isinstance(value, Index):
        return "i" + ":".join(map(str, _index_key(value)))
    if isinstance(value, Array):
        return value.name
    if isinstance(value, frozenset):
        return "{" + ",".join(sorted(_key(part) for part in value)) + "}"
    if isinstance(value, tuple):
        return "(" + ",".join(_key(part) for part in value) + ")"
    return str(value)


def _monomial_key(monomial: Monomial) -> str:
    return _key(monomial)


def _apply_free_deltas(terms: Terms) -> Terms:
    """delta(i, k) f(k) = delta(i, k) f(i): write the other factors with the first index."""
    result: Terms = {}
    for monomial, coefficient in terms.items():
        deltas = sorted((atom for atom, _ in monomial if atom[0] == "delta"), key=_key)
        part: Terms = {monomial: sp.Integer(1)}
        for delta in deltas:
            unit = frozenset({(delta, sp.Integer(1))})
            moved = [_scale(_rename_monomial(m - unit, {delta[2]: delta[1]}), c) for m, c in part.items() if unit <= m]
            part = _times(_add(*moved), {unit: sp.Integer(1)})
        result = _add(result, _scale(part, coefficient))
    return result


# --- inverses of sums, and the way back -------------------------------------------------------------------------


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
        atom = min(worst, key=_key)
        terms = _times(terms, {frozenset({(atom, sp.Integer(-sp.floor(worst[atom])))}): sp.Integer(1)})
        if not terms:
            return terms
    return terms


def as_expression(terms: Terms) -> sp.Expr:
    """The expression that a normal form stands for: what a reader may set in type, or bring to normal form again."""
    return sp.Add(*(terms[monomial] * _monomial_expression(monomial) for monomial in sorted(terms, key=_monomial_key)))


def _monomial_expression(monomial: Monomial) -> sp.Expr:
    return sp.Mul(*(_atom_expression(atom) ** exponent for atom, exponent in monomial))


def _atom_expression(atom: Atom) -> sp.Expr:
    kind = atom[0]
    if kind == "entry":
        return Entry(atom[1], *atom[2:])
    if kind == "delta":
        return Delta(atom[1], atom[2])
    if kind == "exp":
        return sp.exp(_monomial_expression(atom[1]))
    if kind == "log":
        return sp.log(_atom_expression(atom[1]) if isinstance(atom[1], tuple) else atom[1])
    if kind == "sum":
        return as_expression(dict(atom[1]))
    if kind == "total":
        summed = _monomial_expression(atom[2])
        for bound in atom[1]:
            summed = Total(summed, bound)
        return summed
    return sp.sympify(atom[1])


@dataclass(frozen=True)
class Leftover:
    """What remains of a difference that should have vanished, for people to read."""

    terms: tuple[str, ...]

    def __str__(self) -> str:
        shown = " ".join(self.terms[:6])
        more = f" … and {len(self.terms) - 6} more terms" if len(self.terms) > 6 else ""
        return (shown + more).removeprefix("+ ")


def leftover(terms: Terms) -> Leftover:
    """The terms as readable text, in a fixed order."""
    shown = []
    for monomial in sorted(terms, key=_monomial_key):
        coefficient = terms[monomial]
        sign = "-" if coefficient < 0 else "+"
        size = abs(coefficient)
        body = _text(monomial)
        shown.append(f"{sign} {body if size == 1 and body != '1' else f'{size} {body}'.removesuffix(' 1')}")
    return Leftover(tuple(shown))


def _text(monomial: Monomial) -> str:
    pieces = []
    for atom, exponent in sorted(monomial, key=lambda pair: _key(pair[0])):
        body = _atom_text(atom)
        pieces.append(
            body if exponent == 1 else f"{body}^{exponent}" if exponent.is_Integer else f"{body}^({exponent})"
        )
    return " ".join(pieces) or "1"


def _atom_text(atom: Atom) -> str:
    kind = atom[0]
    if kind == "entry":
        return f"{atom[1].name}[{','.join(_index_text(index) for index in atom[2:])}]"
    if kind == "delta":
        return f"delta({_index_text(atom[1])},{_index_text(atom[2])})"
    if kind == "exp":
        return f"exp({_text(atom[1])})"
    if kind == "log":
        return f"log({_atom_text(atom[1]) if isinstance(atom[1], tuple) else atom[1]})"
    if kind == "sum":
        return f"({leftover(dict(atom[1]))})"
    if kind == "total":
        return f"Σ_{{{','.join(_index_text(index) for index in atom[1])}}}({_text(atom[2])})"
    return str(atom[1])


def _index_text(index: Index) -> str:
    if index.serial != -2:
        return index.name
    name, level, number = index.name.rsplit(".", 2)
    return f"{name[0]}{level}{number}'"
