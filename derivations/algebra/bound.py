"""A-priori bounds on a kernel's rounding error, as expressions of the language: stated in words and enforced as such.

A bound says, for every output and to first order in ``EPS``, how far each entry may be from the exact value of its
formula at the very inputs. It is written in the program's inputs, in the exact values of its steps, in magnitudes of
both, in sizes of ranges, and in two constants: ``EPS``, the distance from 1 to the next number, and ``TINY``, the
smallest positive number, which stands for what underflow loses.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from derivations.algebra.language import Array, Entry, Index, Range, arrays_in, free_indices, names

EPS = sp.Symbol("eps", positive=True)
TINY = sp.Symbol("tiny", positive=True)
CONSTANTS = {EPS: "2^-52", TINY: "2^-1074"}


@dataclass(frozen=True)
class Line:
    """``target`` is a size that a bound is written in, or an output whose error is bounded by ``value``."""

    target: Entry
    value: sp.Expr

    @property
    def array(self) -> Array:
        return self.target.array

    @property
    def free(self) -> tuple[Index, ...]:
        return self.target.indices


@dataclass(frozen=True)
class Bound:
    """Named sizes, each written in what stands before it, and one bound for each output (scratch included)."""

    sizes: tuple[Line, ...]
    errors: tuple[Line, ...]

    def lines(self) -> tuple[Line, ...]:
        return (*self.sizes, *self.errors)

    def refuse_unknown(self, name: str, known: set[Array], outputs: set[Array]) -> None:
        """Raise ValueError where a line reads what no step computes, or an output has no bound."""
        known = set(known)
        for line in self.lines():
            if unknown := arrays_in(line.value) - known:
                raise ValueError(f"{name}: the error bound reads {names(unknown)}, which the program does not compute")
            if stray := free_indices(line.value) - set(line.free):
                raise ValueError(f"{name}: the bound of {line.array.name} leaves the index {names(stray)} open")
            known.add(line.array)
        if unbounded := outputs - {line.array for line in self.errors}:
            raise ValueError(f"{name}: no error bound for {names(unbounded)}")


def bound(*lines: tuple[Entry, object], sizes: tuple[tuple[Entry, object], ...] = ()) -> Bound:
    """A bound from pairs (entry of an output, bound on its error) and the sizes that these are written in."""
    return Bound(
        tuple(Line(target, sp.sympify(value)) for target, value in sizes),
        tuple(Line(target, sp.sympify(value)) for target, value in lines),
    )


def symbols_of(stated: Bound, ranges: tuple[Range, ...]) -> list[str]:
    """What each constant and size in the bound stands for, in words."""
    used = {symbol for line in stated.lines() for symbol in line.value.free_symbols}
    words = [f"{symbol.name} = {value}" for symbol, value in CONSTANTS.items() if symbol in used]
    words += [f"{over.size_name} = {_meaning(over)}" for over in ranges if over.size in used]
    return words


def _meaning(over: Range) -> str:
    if over.name == "neighbours":
        return "largest number of neighbours of a node, or of nodes that share one"
    return "number of nodes that are summed" if over.name == "nodes" else f"number of {over.name}"
