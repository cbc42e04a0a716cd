"""Arithmetics in which a formula can be evaluated: complex floats, rigorous balls, balls with a rounding bound.

One evaluator (``formulas.py``) serves them all; each says what its numbers mean and what they can be trusted for.
"""

from __future__ import annotations

import cmath
import math
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
    def product(self, factors: Sequence[Number]) -> Number: ...
    def power(self, base: Number, exponent: sp.Rational) -> Number: ...
    def exp(self, value: Number) -> Number: ...
    def log(self, value: Number) -> Number: ...
    def largest(self, values: Sequence[Number]) -> Number: ...
    def magnitude(self, value: Number) -> Number: ...
    def is_zero(self, value: Number) -> bool: ...


class ComplexFloats:
    """Complex float64: for the complex step, on formulas that are analytic in what is perturbed."""

    def number(self, value: Any) -> complex:
        return complex(value)

    def rational(self, numerator: int, denominator: int) -> complex:
        return complex(numerator / denominator)

    def sum(self, terms: Sequence[complex]) -> complex:
        return sum(terms, 0j)

    def product(self, factors: Sequence[complex]) -> complex:
        return math.prod(factors, start=1 + 0j) if len(factors) != 1 else factors[0]

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

    def magnitude(self, value: complex) -> complex:
        raise TypeError("a magnitude is not analytic: it occurs in bounds only, which are evaluated in balls")

    def is_zero(self, value: complex) -> bool:
        return value == 0


@dataclass(frozen=True)
class Rounded:
    """An exact value as a ball, and a bound on a float64 evaluation's error in units of 2^-53."""

    value: arb
    error: arb


def _whole_power(base: arb, times: int) -> arb:
    """A power by multiplication: arb's own gives no number where the ball holds 0."""
    if times < 0:
        return 1 / _whole_power(base, -times)
    return math.prod([base] * times, start=arb(1))


class RoundedBalls:
    """Balls of 200 bits with a running bound on what the same operations cost in float64.

    Each operation adds half a unit in the last place of its result (one unit for ``exp`` and ``log``, which libraries
    round within one) and passes on its operands' errors, to first order; products, quotients and exponentials whose
    result may be subnormal add the smallest number. A sum of n terms is charged for n - 1 additions of the sum of
    magnitudes: any order is covered. Two terms are one addition, charged for its result; adding 0 is exact, as
    are sums of whole numbers and products with 0, 1 and -1.
    """

    def __init__(self) -> None:
        ctx.prec = PRECISION
        self.zero = arb(0)
        self.denormal = arb(TINY) / arb(UNIT)
        self.smallest_normal = arb(2.0**-1000)  # with room for what the value's own error may hide

    def number(self, value: Any) -> Rounded:
        return value if isinstance(value, Rounded) else Rounded(arb(float(value)), self.zero)

    def rational(self, numerator: int, denominator: int) -> Rounded:
        value = arb(numerator) / denominator
        return Rounded(value, self.zero if denominator == 1 else abs(value))

    def sum(self, terms: Sequence[Rounded]) -> Rounded:
        value, error, size, count = self.zero, self.zero, self.zero, 0
        for term in terms:
            if self._is_nothing(term):
                continue
            value, error, size, count = value + term.value, error + term.error, size + abs(term.value), count + 1
        if size < 2**53 and all(self._is_whole(term) for term in terms):
            return Rounded(value, self.zero)
        if count == 2:
            return Rounded(value, error + abs(value))
        return Rounded(value, error + max(count - 1, 0) * size)

    def product(self, factors: Sequence[Rounded]) -> Rounded:
        """Any order is covered: what underflows first may be magnified by all other factors."""
        result = Rounded(arb(1), self.zero)
        smallest, largest = arb(1), arb(1)
        for factor in factors:
            result = self._times(result, factor)
            smallest, largest = smallest * abs(factor.value).min(1), largest * abs(factor.value).max(1)
        if self._is_nothing(result) or len(factors) < 2 or smallest > self.smallest_normal:
            return result
        return Rounded(result.value, result.error + (len(factors) - 1) * largest * self.denormal)

    def _times(self, left: Rounded, right: Rounded) -> Rounded:
        if self._is_nothing(left) or self._is_nothing(right):
            return Rounded(self.zero, self.zero)
        value = left.value * right.value
        if self._is_unit(left) or self._is_unit(right):
            return Rounded(value, left.error + right.error)
        passed = abs(left.value) * right.error + abs(right.value) * left.error
        return Rounded(value, passed + abs(value))

    def power(self, base: Rounded, exponent: sp.Rational) -> Rounded:
        root = base.value if exponent.q == 1 else base.value.sqrt()
        if exponent.q not in (1, 2):
            raise TypeError(f"only whole and half powers are computed by kernels, not {exponent}")
        times = int(exponent.p)
        value = _whole_power(root, times)
        if not base.error > 0:
            slope = self.zero
        elif exponent.q == 1 and times > 0:
            slope = times * _whole_power(abs(base.value), times - 1)
        else:
            slope = abs(value) * abs(times) / (exponent.q * abs(base.value))
        operations = (times - 1 if times > 0 else -times) + (exponent.q == 2)
        return Rounded(value, slope * base.error + operations * abs(value) + self._underflow(value))

    def exp(self, value: Rounded) -> Rounded:
        result = value.value.exp()
        return Rounded(result, result * (value.error + 2) + self._underflow(result))

    def log(self, value: Rounded) -> Rounded:
        result = value.value.log()
        return Rounded(result, value.error / abs(value.value) + 2 * abs(result))

    def largest(self, values: Sequence[Rounded]) -> Rounded:
        best = values[0].value
        for value in values[1:]:
            best = best.max(value.value)
        return Rounded(best, self.zero)  # a stabiliser: whatever it is rounded to, results do not depend on it

    def magnitude(self, value: Rounded) -> Rounded:
        return Rounded(abs(value.value), value.error)

    def _underflow(self, value: arb) -> arb:
        return self.zero if abs(value) > self.smallest_normal else self.denormal

    def _is_nothing(self, value: Rounded) -> bool:
        """Exactly 0, and computed as exactly that."""
        return bool(value.value == 0) and bool(value.error == 0)

    def _is_whole(self, value: Rounded) -> bool:
        return bool(value.error == 0) and bool(value.value.is_integer())

    def _is_unit(self, value: Rounded) -> bool:
        """Exactly 1 or -1: a factor that costs nothing."""
        return bool(abs(value.value) == 1) and bool(value.error == 0)

    def is_zero(self, value: Rounded) -> bool:
        return bool(value.value == 0)
