"""Arithmetics in which a formula can be evaluated: complex floats, rigorous balls, balls with a rounding bound.

One evaluator (``formulas.py``) serves them all; each says what its numbers mean and what they can be trusted for.
"""

from __future__ import annotations

import cmath
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import sympy as sp
from flint import arb, ctx

Number = TypeVar("Number")
PRECISION = 200  # bits; exponents up to ±700 cancel about 1000 bits only if a formula is badly conditioned

UNIT = 2.0**-53
TINY = 2.0**-1074


class Arithmetic(Protocol[Number]):
    """What the evaluator needs of a kind of number."""

    def number(self, value: Any) -> Number: ...
    def rational(self, numerator: int, denominator: int) -> Number: ...
    def sum(self, terms: Sequence[Number]) -> Number: ...
    def times(self, left: Number, right: Number) -> Number: ...
    def power(self, base: Number, exponent: sp.Rational) -> Number: ...
    def exp(self, value: Number) -> Number: ...
    def log(self, value: Number) -> Number: ...
    def largest(self, values: Sequence[Number]) -> Number: ...
    def is_zero(self, value: Number) -> bool: ...


class ComplexFloats:
    """Complex float64: for the complex step, on formulas that are analytic in what is perturbed."""

    def number(self, value: Any) -> complex:
        return complex(value)

    def rational(self, numerator: int, denominator: int) -> complex:
        return complex(numerator / denominator)

    def sum(self, terms: Sequence[complex]) -> complex:
        return sum(terms, 0j)

    def times(self, left: complex, right: complex) -> complex:
        return left * right

    def power(self, base: complex, exponent: sp.Rational) -> complex:
        if exponent == sp.Rational(1, 2):
            return cmath.sqrt(base)
        if exponent.is_Integer:
            return complex(base ** int(exponent))
        return complex(cmath.exp(float(exponent) * cmath.log(base)))

    def exp(self, value: complex) -> complex:
        return cmath.exp(value)

    def log(self, value: complex) -> complex:
        return cmath.log(value)

    def largest(self, values: Sequence[complex]) -> complex:
        return max(values, key=lambda value: value.real)

    def is_zero(self, value: complex) -> bool:
        return value == 0


@dataclass(frozen=True)
class Rounded:
    """An exact value as a ball, and a bound on a float64 evaluation's error in units of 2^-53."""

    value: arb
    error: arb


class RoundedBalls:
    """Balls of 200 bits with a running bound on what the same operations cost in float64.

    Each operation adds half a unit in the last place of its result (one unit for ``exp`` and ``log``, which libraries
    round within one) and passes on its operands' errors, to first order; products, quotients and exponentials add the
    smallest denormal. A sum of n terms is charged for n - 1 additions of the sum of magnitudes: any order is covered.
    """

    def __init__(self) -> None:
        ctx.prec = PRECISION
        self.zero = arb(0)
        self.denormal = arb(TINY) / arb(UNIT)

    def number(self, value: Any) -> Rounded:
        return value if isinstance(value, Rounded) else Rounded(arb(float(value)), self.zero)

    def rational(self, numerator: int, denominator: int) -> Rounded:
        value = arb(numerator) / denominator
        return Rounded(value, self.zero if denominator == 1 else abs(value))

    def sum(self, terms: Sequence[Rounded]) -> Rounded:
        value, error, size = self.zero, self.zero, self.zero
        for term in terms:
            value, error, size = value + term.value, error + term.error, size + abs(term.value)
        return Rounded(value, error + max(len(terms) - 1, 0) * size)

    def times(self, left: Rounded, right: Rounded) -> Rounded:
        value = left.value * right.value
        passed = abs(left.value) * right.error + abs(right.value) * left.error
        return Rounded(value, passed + abs(value) + self.denormal)

    def power(self, base: Rounded, exponent: sp.Rational) -> Rounded:
        root = base.value if exponent.q == 1 else base.value.sqrt()
        if exponent.q not in (1, 2):
            raise TypeError(f"only whole and half powers are computed by kernels, not {exponent}")
        times = int(exponent.p)
        value = root**times
        if not base.error > 0:
            slope = self.zero
        elif exponent.q == 1 and times > 0:
            slope = times * abs(base.value) ** (times - 1)
        else:
            slope = abs(value) * abs(times) / (exponent.q * abs(base.value))
        operations = abs(times) + (exponent.q == 2)
        return Rounded(value, slope * base.error + operations * abs(value) + self.denormal)

    def exp(self, value: Rounded) -> Rounded:
        result = value.value.exp()
        return Rounded(result, result * (value.error + 2) + self.denormal)

    def log(self, value: Rounded) -> Rounded:
        result = value.value.log()
        return Rounded(result, value.error / abs(value.value) + 2 * abs(result))

    def largest(self, values: Sequence[Rounded]) -> Rounded:
        best = values[0].value
        for value in values[1:]:
            best = value.value if value.value > best else best
        return Rounded(best, self.zero)  # a stabiliser: whatever it is rounded to, results do not depend on it

    def is_zero(self, value: Rounded) -> bool:
        return bool(value.value == 0)
