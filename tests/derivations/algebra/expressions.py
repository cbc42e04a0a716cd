"""Random expressions of the language, and their values in plain floating point: an oracle for both provers."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from derivations.algebra import Array, Delta, Index, standard_range, total
from derivations.algebra.language import Entry, Total

rows = standard_range("rows", "I")
columns = standard_range("columns", "J")

vector = Array("vector", rows)
weight = Array("weight", columns)
matrix = Array("matrix", rows, rows)
table = Array("table", rows, columns)
share = Array("share", rows, columns, sums={1: 1})
offset = Array("offset", rows, columns, sums={1: 0})
ARRAYS = (vector, weight, matrix, table, share, offset)
NAMES = {rows: ("i", "k"), columns: ("j", "q")}  # few names, so that inner sums reuse outer ones

i, k = rows.indices("i k")
j, q = columns.indices("j q")


class Values:
    """Positive random values for every array at given sizes; arrays with declared sums obey them."""

    def __init__(self, seed: int, sizes: Mapping[Any, int]) -> None:
        rng = np.random.default_rng(seed)
        self.sizes = sizes
        self.arrays: dict[str, np.ndarray] = {}
        for array in ARRAYS:
            value = rng.uniform(0.2, 1.0, tuple(sizes[over] for over in array.axes))
            for axis, wanted in array.sums:
                mean = value.mean(axis, keepdims=True)
                value = value - mean if wanted == 0 else value / (mean * value.shape[axis]) * float(wanted)
            self.arrays[array.name] = value

    def of(self, expr: sp.Expr, at: Mapping[Index, int]) -> float:
        """The value of an expression, sums written out."""
        if expr.is_Rational:
            return float(expr)
        if isinstance(expr, Entry):
            return float(self.arrays[expr.array.name][tuple(at[index] for index in expr.indices)])
        if isinstance(expr, Delta):
            return float(at[expr.args[0]] == at[expr.args[1]])
        if isinstance(expr, Total):
            return math.fsum(self.of(expr.summand, {**at, expr.bound: n}) for n in range(self.sizes[expr.bound.range]))
        if isinstance(expr, sp.Symbol):
            return float(next(n for over, n in self.sizes.items() if over.size == expr))
        inner = [self.of(arg, at) for arg in expr.args]
        if isinstance(expr, sp.Add):
            return math.fsum(inner)
        if isinstance(expr, sp.Mul):
            return math.prod(inner)
        if isinstance(expr, sp.exp):
            return math.exp(inner[0])
        if isinstance(expr, sp.log):
            return math.log(inner[0])
        if isinstance(expr, sp.Pow):
            return inner[0] ** inner[1]
        raise TypeError(f"no value for {type(expr).__name__}")

    def of_terms(self, terms: Any, at: Mapping[Index, int]) -> float:
        """The value of a normal form, atom by atom."""
        items = terms.items() if hasattr(terms, "items") else terms
        return math.fsum(float(coefficient) * self._monomial(monomial, at) for monomial, coefficient in items)

    def _monomial(self, monomial: Any, at: Mapping[Index, int]) -> float:
        return math.prod(self._atom(atom, at) ** float(exponent) for atom, exponent in monomial)

    def _atom(self, atom: Any, at: Mapping[Index, int]) -> float:
        kind = atom[0]
        if kind == "entry":
            return float(self.arrays[atom[1].name][tuple(at[index] for index in atom[2:])])
        if kind == "delta":
            return float(at[atom[1]] == at[atom[2]])
        if kind == "symbol":
            return self.of(atom[1], at)
        if kind == "number":
            return float(atom[1])
        if kind == "exp":
            return math.exp(self._monomial(atom[1], at))
        if kind == "log":
            return math.log(self._atom(atom[1], at) if isinstance(atom[1], tuple) else float(atom[1]))
        if kind == "sum":
            return self.of_terms(atom[1], at)
        assert kind == "total"
        return self._summed(atom[1], atom[2], at)

    def _summed(self, bounds: tuple[Index, ...], monomial: Any, at: Mapping[Index, int]) -> float:
        if not bounds:
            return self._monomial(monomial, at)
        first, *rest = bounds
        return math.fsum(self._summed(tuple(rest), monomial, {**at, first: n}) for n in range(self.sizes[first.range]))


def positive(expr: sp.Expr) -> sp.Expr:
    """An expression that is positive wherever ``expr`` is not absurdly large."""
    return expr**2 + 1


@st.composite
def expressions(draw: Any, scope: tuple[Index, ...] = (i, j), depth: int = 3, smooth: bool = True) -> sp.Expr:
    """An expression whose free indices lie in ``scope``; ``smooth`` admits exp, log and division."""
    kinds = ["entry", "number", "size", "delta"]
    if depth:
        kinds += ["add", "multiply", "total", "total", "multiply"] + (["exp", "log", "divide"] if smooth else [])
    kind = draw(st.sampled_from(kinds))
    if kind == "number":
        return sp.Rational(draw(st.integers(-3, 3)), draw(st.integers(1, 3)))
    if kind == "size":
        return draw(st.sampled_from([rows, columns])).size
    if kind == "delta":
        over = draw(st.sampled_from([rows, columns]))
        inside = [index for index in scope if index.range == over]
        return Delta(draw(st.sampled_from(inside)), draw(st.sampled_from(inside)))
    if kind == "entry":
        array = draw(st.sampled_from(ARRAYS))
        at = [draw(st.sampled_from([index for index in scope if index.range == over])) for over in array.axes]
        return array[tuple(at)]
    if kind == "total":
        over = draw(st.sampled_from([rows, columns]))
        bound = over.index(draw(st.sampled_from(NAMES[over])))
        wider = scope if bound in scope else (*scope, bound)
        return total(draw(expressions(wider, depth - 1, smooth)), bound)
    # No logarithm inside an exponential: it would be a root, and most random values have none modulo a prime.
    left = draw(expressions(scope, depth - 1, smooth and kind != "exp"))
    if kind == "exp":
        return sp.exp(left / 8)
    if kind == "log":
        return sp.log(positive(left))
    right = draw(expressions(scope, depth - 1, smooth))
    if kind == "divide":
        return left / positive(right)
    return left + right if kind == "add" else left * right
