"""Formulas of the derivations evaluated at numbers, with the rounding error that evaluating them may cost.

Values are computed entry by entry with all sums written out, in 40-digit arithmetic, from the *derived* formula: no
step of a program, no loop nest, no shift by a maximum. Beside each value runs the first-order bound on the error of a
float64 evaluation (every operation adds half a unit in the last place of its result and passes on its operands'
errors), so that a comparison has a tolerance that follows from the conditioning of the formula.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import mpmath
import numpy as np
import sympy as sp

from derivations.algebra.language import Delta, Entry, Index, Range, Tensor, Total, free_indices

UNIT = 2.0**-53
_context = mpmath.mp.clone()
_context.dps = 40
Number = mpmath.mpf


@dataclass(frozen=True)
class Rounded:
    """A value, and the error of a float64 evaluation in units of 2^-53 of it."""

    value: Number
    error: Number


@dataclass(frozen=True)
class Values:
    """All entries of a tensor: ``value`` in float64, ``error`` the absolute first-order bound."""

    value: np.ndarray
    error: np.ndarray


class FormulaValues:
    """Evaluates tensors for given arrays, scalars and sizes; sums already computed are kept."""

    def __init__(
        self,
        arrays: Mapping[str, np.ndarray],
        scalars: Mapping[str, float],
        sizes: Mapping[Range, int],
    ) -> None:
        self.arrays, self.sizes = arrays, sizes
        self.scalars = {**scalars, **{over.size_name: float(size) for over, size in sizes.items()}}
        self._sums: dict[tuple[sp.Expr, tuple[int, ...]], Rounded] = {}

    def __call__(self, formula: Tensor) -> Values:
        """Every entry of ``formula``, axes in the order of its free indices."""
        shape = tuple(self.sizes[index.range] for index in formula.free)
        value, error = np.zeros(shape), np.zeros(shape)
        for at in np.ndindex(*shape):
            result = self._number(formula.expr, dict(zip(formula.free, at, strict=True)))
            value[at], error[at] = float(result.value), float(result.error) * UNIT
        return Values(value, error)

    def _number(self, expr: sp.Expr, at: Mapping[Index, int]) -> Rounded:
        if expr.is_Rational:
            return Rounded(_context.mpf(int(expr.p)) / int(expr.q), _context.mpf(0))
        if isinstance(expr, sp.Symbol):
            return Rounded(_context.mpf(self.scalars[expr.name]), _context.mpf(0))
        if isinstance(expr, Entry):
            place = tuple(at[index] for index in expr.indices)
            return Rounded(_context.mpf(float(self.arrays[expr.array.name][place])), _context.mpf(0))
        if isinstance(expr, Delta):
            left, right = (at[index] for index in expr.args)
            return Rounded(_context.mpf(int(left == right)), _context.mpf(0))
        if isinstance(expr, Total):
            return self._total(expr, at)
        if isinstance(expr, sp.Mul):
            return self._product(expr, at)
        operands = [self._number(arg, at) for arg in expr.args]
        if isinstance(expr, sp.Add):
            return _sum(operands)
        if isinstance(expr, sp.exp):
            value = _context.exp(operands[0].value)
            return Rounded(value, abs(value) * (operands[0].error + 1))
        if isinstance(expr, sp.log):
            value = _context.log(operands[0].value)
            return Rounded(value, operands[0].error / abs(operands[0].value) + abs(value))
        if isinstance(expr, sp.Pow) and expr.exp.is_Rational:
            return _power(operands[0], expr.exp)
        raise TypeError(f"{type(expr).__name__} has no value here: {expr}")

    def _product(self, expr: sp.Mul, at: Mapping[Index, int]) -> Rounded:
        masks = [arg for arg in expr.args if isinstance(arg, Entry) and arg.array.mask]
        result = Rounded(_context.mpf(1), _context.mpf(0))
        if any(self._number(mask, at).value == 0 for mask in masks):
            return Rounded(_context.mpf(0), _context.mpf(0))  # what a mask hides need not be defined
        for arg in expr.args:
            factor = self._number(arg, at)
            value = result.value * factor.value
            error = abs(result.value) * factor.error + abs(factor.value) * result.error + abs(value)
            result = Rounded(value, error)
        return result

    def _total(self, expr: Total, at: Mapping[Index, int]) -> Rounded:
        fixed = sorted(free_indices(expr), key=lambda index: (index.name, index.serial))
        key = (expr, tuple(at[index] for index in fixed))
        if key not in self._sums:
            here = range(self.sizes[expr.bound.range])
            self._sums[key] = _sum([self._number(expr.summand, {**at, expr.bound: n}) for n in here])
        return self._sums[key]


def _sum(terms: list[Rounded]) -> Rounded:
    value = _context.fsum(term.value for term in terms)
    error = _context.fsum(term.error for term in terms)
    # every partial sum is at most the sum of magnitudes, in whatever order a kernel adds
    additions = (len(terms) - 1) * _context.fsum(abs(term.value) for term in terms)
    return Rounded(value, error + additions)


def _power(base: Rounded, exponent: sp.Rational) -> Rounded:
    power = _context.mpf(int(exponent.p)) / int(exponent.q)
    value = base.value**power
    if value == 0:
        return Rounded(value, base.error)
    return Rounded(value, abs(power * value / base.value) * base.error + abs(value) * abs(int(exponent.p)))
