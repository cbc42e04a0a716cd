"""Formulas and programs of the derivations, evaluated at numbers, entry by entry with all sums written out.

A *formula* is evaluated as derived: no step of a program, no loop nest, no shift by a maximum. A *program* is evaluated
step by step. Both run in any arithmetic of ``arithmetic.py``; in balls a formula gives an enclosure of the exact
value, and a program the bound on its rounding error that follows from its own operations and these very inputs.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
import sympy as sp

from derivations.algebra.language import (
    Array,
    Delta,
    Entry,
    Index,
    Largest,
    Range,
    Tensor,
    Total,
    free_indices,
)
from derivations.algebra.program import Program
from verify.arithmetic import UNIT, Arithmetic, Number, Rounded, RoundedBalls


class Evaluator(Generic[Number]):
    """Evaluates tensors for given arrays, scalars and sizes; sums already computed are kept."""

    def __init__(
        self,
        arithmetic: Arithmetic[Number],
        arrays: Mapping[str, np.ndarray],
        scalars: Mapping[str, Any],
        sizes: Mapping[Range, int],
    ) -> None:
        self.arithmetic, self.sizes = arithmetic, sizes
        self.arrays = {name: _numbers(arithmetic, values) for name, values in arrays.items()}
        known = {**scalars, **{over.size_name: size for over, size in sizes.items()}}
        self.scalars = {name: arithmetic.number(value) for name, value in known.items()}
        self._sums: dict[tuple[sp.Expr, tuple[int, ...]], Number] = {}

    def __call__(self, formula: Tensor) -> np.ndarray:
        """Every entry of ``formula`` (an array of numbers), axes in the order of its free indices."""
        shape = tuple(self.sizes[index.range] for index in formula.free)
        values = np.empty(shape, dtype=object)
        for at in np.ndindex(*shape):
            values[at] = self.number(formula.expr, dict(zip(formula.free, at, strict=True)))
        return values

    def number(self, expr: sp.Expr, at: Mapping[Index, int]) -> Number:
        """The value of an expression where its free indices are given."""
        arithmetic = self.arithmetic
        if expr.is_Rational:
            return arithmetic.rational(int(expr.p), int(expr.q))
        if isinstance(expr, sp.Symbol):
            return self.scalars[expr.name]
        if isinstance(expr, Entry):
            value: Number = self.arrays[expr.array.name][tuple(at[index] for index in expr.indices)]
            return value
        if isinstance(expr, Delta):
            left, right = (at[index] for index in expr.args)
            return arithmetic.rational(int(left == right), 1)
        if isinstance(expr, Total):
            return self._total(expr, at)
        if isinstance(expr, Largest):
            return arithmetic.largest([self.number(expr.summand, here) for here in self._admitted(expr, at)])
        if isinstance(expr, sp.Mul):
            return self._product(expr, at)
        if isinstance(expr, sp.Add):
            return arithmetic.sum([self.number(arg, at) for arg in expr.args])
        if isinstance(expr, sp.exp):
            return arithmetic.exp(self.number(expr.args[0], at))
        if isinstance(expr, sp.log):
            return arithmetic.log(self.number(expr.args[0], at))
        if isinstance(expr, sp.Pow) and expr.exp.is_Rational:
            return arithmetic.power(self.number(expr.base, at), expr.exp)
        if isinstance(expr, sp.Pow):  # x^y for x > 0
            exponent = self.number(expr.exp, at)
            return arithmetic.exp(arithmetic.times(exponent, arithmetic.log(self.number(expr.base, at))))
        raise TypeError(f"{type(expr).__name__} has no value here: {expr}")

    def _product(self, expr: sp.Mul, at: Mapping[Index, int]) -> Number:
        masks = [arg for arg in expr.args if isinstance(arg, Entry) and arg.array.mask]
        if any(self.arithmetic.is_zero(self.number(mask, at)) for mask in masks):
            return self.arithmetic.rational(0, 1)  # what a mask hides need not be defined
        factors = [self.number(arg, at) for arg in expr.args if arg not in masks]
        result = factors[0] if factors else self.arithmetic.rational(1, 1)
        for factor in factors[1:]:
            result = self.arithmetic.times(result, factor)
        return result

    def _total(self, expr: Total, at: Mapping[Index, int]) -> Number:
        fixed = sorted(free_indices(expr), key=lambda index: (index.name, index.range.name, index.serial))
        key = (expr, tuple(at[index] for index in fixed))
        if key not in self._sums:
            here = range(self.sizes[expr.bound.range])
            terms = [self.number(expr.summand, {**at, expr.bound: number}) for number in here]
            self._sums[key] = self.arithmetic.sum(terms)
        return self._sums[key]

    def _admitted(self, expr: Largest, at: Mapping[Index, int]) -> list[dict[Index, int]]:
        places = [{**at, expr.bound: number} for number in range(self.sizes[expr.bound.range])]
        if expr.where is None:
            return places
        return [here for here in places if not self.arithmetic.is_zero(self.number(expr.where, here))]


def _numbers(arithmetic: Arithmetic[Number], values: np.ndarray) -> np.ndarray:
    numbers = np.empty(np.shape(values), dtype=object)
    for at in np.ndindex(*np.shape(values)):
        numbers[at] = arithmetic.number(values[at])
    return numbers


@dataclass(frozen=True)
class Enclosure:
    """Exact values to within ``radius``, rounded to float64: ``middle`` may be off by half a unit besides."""

    middle: np.ndarray
    radius: np.ndarray


def enclose(
    formula: Tensor, arrays: Mapping[str, np.ndarray], scalars: Mapping[str, float], sizes: Mapping[Range, int]
) -> Enclosure:
    """A rigorous enclosure of every entry of a formula at float64 inputs."""
    values = Evaluator(RoundedBalls(), arrays, scalars, sizes)(formula)
    middle, radius = np.zeros(values.shape), np.zeros(values.shape)
    for at in np.ndindex(*values.shape):
        entry: Any = values[at]
        middle[at] = float(entry.value.mid())
        radius[at] = float(entry.value.rad()) + UNIT * abs(middle[at])
    return Enclosure(middle, radius)


def rounding_bounds(
    program: Program,
    arrays: Mapping[str, np.ndarray],
    scalars: Mapping[str, float],
    sizes: Mapping[Range, int],
) -> dict[Array, np.ndarray]:
    """For every output of a program, a first-order bound on the absolute rounding error of each entry.

    The program runs step by step in balls; each operation is charged as ``RoundedBalls`` says. A step whose inputs a
    mask hides (the number of neighbours of a node that has none) is not computed, as in the kernel.
    """
    known: dict[str, Any] = dict(arrays)
    for item in program.steps:
        evaluator = Evaluator(RoundedBalls(), known, scalars, sizes)
        known[item.array.name] = evaluator(Tensor(item.free, item.value))
    return {output: _bounds(known[output.name]) for output in program.outputs}


def _bounds(values: np.ndarray) -> np.ndarray:
    bounds = np.zeros(values.shape)
    for at, value in zip(itertools.product(*map(range, values.shape)), values.ravel(), strict=True):
        assert isinstance(value, Rounded)
        bounds[at] = float(value.error.upper()) * UNIT
    return bounds
