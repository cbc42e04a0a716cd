"""Formulas and programs of the derivations, evaluated at numbers, entry by entry with all sums written out.

A *formula* is evaluated as derived: no step of a program, no loop nest, no shift by a maximum. A *program* is evaluated
step by step. Both run in any arithmetic of ``arithmetic.py``; in balls a formula gives an enclosure of the exact
value, and a program the bound on its rounding error that follows from its own operations and these very inputs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
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
    Magnitude,
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
        if isinstance(expr, Magnitude):
            return arithmetic.magnitude(self.number(expr.inner, at))
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
            return arithmetic.exp(arithmetic.product([exponent, arithmetic.log(self.number(expr.base, at))]))
        raise TypeError(f"{type(expr).__name__} has no value here: {expr}")

    def accumulated(self, formula: Tensor) -> np.ndarray:
        """Every entry as a kernel accumulates it: all terms of all sums in one number, factors before a sum on each.

        Exactly the same values, but sums over two ranges, and sums added to one another, are one long sum.
        """
        shape = tuple(self.sizes[index.range] for index in formula.free)
        values = np.empty(shape, dtype=object)
        parts = [_summands(part) for part in sp.Add.make_args(formula.expr)]
        for at in np.ndindex(*shape):
            here = dict(zip(formula.free, at, strict=True))
            if not any(bound for _, bound in parts):
                values[at] = self.number(formula.expr, here)
            else:
                values[at] = self.arithmetic.sum([term for part in parts for term in self._terms(*part, here)])
        return values

    def _terms(self, summand: sp.Expr, bound: list[Index], at: Mapping[Index, int]) -> list[Number]:
        places = itertools.product(*(range(self.sizes[index.range]) for index in bound))
        return [self.number(summand, {**at, **dict(zip(bound, place, strict=True))}) for place in places]

    def _product(self, expr: sp.Mul, at: Mapping[Index, int]) -> Number:
        masks = [arg for arg in expr.args if isinstance(arg, Entry) and arg.array.mask]
        if any(self.arithmetic.is_zero(self.number(mask, at)) for mask in masks):
            return self.arithmetic.rational(0, 1)  # what a mask hides need not be defined
        factors = [self.number(arg, at) for arg in expr.args if arg not in masks]
        return self.arithmetic.product(factors)

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


def _summands(part: sp.Expr) -> tuple[sp.Expr, list[Index]]:
    """A summand without its sums, and the indices that these bind; the compiler lowers steps in the same way."""
    factors = sp.Mul.make_args(part)
    sums = [factor for factor in factors if isinstance(factor, Total)]
    if not sums:
        return part, []
    (inner,) = sums  # a product of sums is not compilable
    bound = []
    while isinstance(inner, Total):
        bound.append(inner.bound)
        inner = inner.summand
    return sp.Mul(*(factor for factor in factors if factor not in sums), inner), bound


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


@dataclass(frozen=True)
class Bounds:
    """Two bounds on the absolute rounding error of every entry of an output, both to first order.

    ``running`` follows from the program's own operations at these very inputs; ``stated`` is what the kernel's
    docstring says, evaluated at the same inputs.
    """

    running: np.ndarray
    stated: np.ndarray


def rounding_bounds(
    program: Program,
    arrays: Mapping[str, np.ndarray],
    scalars: Mapping[str, float],
    sizes: Mapping[Range, int],
) -> dict[Array, np.ndarray]:
    """For every output of a program, the running bound on the absolute rounding error of each entry.

    The program runs step by step in balls; each operation is charged as ``RoundedBalls`` says. A step whose inputs a
    mask hides (the number of neighbours of a node that has none) is not computed, as in the kernel.
    """
    known = _steps(program, arrays, scalars, sizes)
    return {output: _upper(known[output.name], lambda entry: entry.error * UNIT) for output in program.outputs}


def error_bounds(
    program: Program,
    arrays: Mapping[str, np.ndarray],
    scalars: Mapping[str, float],
    sizes: Mapping[Range, int],
) -> dict[Array, Bounds]:
    """For every output, the running bound and the one that the program states (``Program.bound``)."""
    known = _steps(program, arrays, scalars, sizes)
    running = {output: _upper(known[output.name], lambda entry: entry.error * UNIT) for output in program.outputs}
    constants = {"eps": 2.0**-52, "tiny": 2.0**-1074, "N": _neighbours(program, arrays), **scalars}
    for line in program.bound.sizes:
        known[line.array.name] = Evaluator(RoundedBalls(), known, constants, sizes)(Tensor(line.free, line.value))
    evaluator: Evaluator[Rounded] = Evaluator(RoundedBalls(), known, constants, sizes)
    found = {}
    for line in program.bound.errors:
        stated = _upper(evaluator(Tensor(line.free, line.value)), lambda entry: entry.value)
        found[line.array] = Bounds(running[line.array], stated)
    return found


def _steps(
    program: Program,
    arrays: Mapping[str, np.ndarray],
    scalars: Mapping[str, float],
    sizes: Mapping[Range, int],
) -> dict[str, Any]:
    """Inputs and all steps, each entry with its exact value and the bound on its error."""
    known: dict[str, Any] = dict(arrays)
    for item in program.steps:
        evaluator = Evaluator(RoundedBalls(), known, scalars, sizes)
        known[item.array.name] = evaluator.accumulated(Tensor(item.free, item.value))
    return known


def _neighbours(program: Program, arrays: Mapping[str, np.ndarray]) -> float:
    """The largest number of neighbours of a node, or of nodes that share one, as the weights show it."""
    sparse = [arrays[item.name] for item in program.inputs if isinstance(item, Array) and item.sparse]
    counts = [np.count_nonzero(matrix, axis=axis).max() for matrix in sparse for axis in (0, 1)]
    return float(max(counts, default=0))


def _upper(values: np.ndarray, choose: Callable[[Rounded], Any]) -> np.ndarray:
    """Upper ends of balls, rounded up."""
    ends = np.zeros(values.shape)
    for at in np.ndindex(*values.shape):
        entry: Any = values[at]
        ends[at] = np.nextafter(float(choose(entry).upper()), np.inf)
    return ends
