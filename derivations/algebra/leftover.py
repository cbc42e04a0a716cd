"""What a proof leaves over, for people: as text, and as an expression that can be set in type."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from derivations.algebra.language import Delta, Entry, Index, Total
from derivations.algebra.polynomial import Atom, Monomial, Terms, monomial_key, order_key


def as_expression(terms: Terms) -> sp.Expr:
    """The expression that a normal form stands for: what a reader may set in type, or bring to normal form again."""
    return sp.Add(*(terms[monomial] * _monomial_expression(monomial) for monomial in sorted(terms, key=monomial_key)))


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
    for monomial in sorted(terms, key=monomial_key):
        coefficient = terms[monomial]
        sign = "-" if coefficient < 0 else "+"
        size = abs(coefficient)
        body = _text(monomial)
        shown.append(f"{sign} {body if size == 1 and body != '1' else f'{size} {body}'.removesuffix(' 1')}")
    return Leftover(tuple(shown))


def _text(monomial: Monomial) -> str:
    pieces = []
    for atom, exponent in sorted(monomial, key=lambda pair: order_key(pair[0])):
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
