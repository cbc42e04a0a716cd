"""The rounding bound that judges kernels covers float64 arithmetic in any order, and charges nothing that is exact."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb

from derivations.algebra import Array, Range, tensor, total
from verify.arithmetic import UNIT, Rounded, RoundedBalls
from verify.formulas import Evaluator

BALLS = RoundedBalls()


def numbers(*values: float) -> list[Rounded]:
    return [BALLS.number(value) for value in values]


def allowed(result: Rounded) -> Fraction:
    return Fraction(float(result.error.upper()) * UNIT)


@pytest.mark.parametrize("seed", range(20))
def test_a_sum_in_any_order_errs_by_no_more_than_it_is_charged(seed):
    rng = np.random.default_rng(seed)
    terms = [float(x) for x in rng.normal(size=5) * 10.0 ** rng.integers(-8, 8, size=5)]
    exact, bound = sum(map(Fraction, terms)), allowed(BALLS.sum(numbers(*terms)))
    errors = []
    for order in itertools.permutations(terms):
        accumulated = 0.0
        for term in order:
            accumulated += term
        errors.append(abs(Fraction(accumulated) - exact))
    assert max(errors) <= bound
    assert bound <= 5 * Fraction(UNIT) * sum(map(abs, map(Fraction, terms)))  # and is no empty charge


@pytest.mark.parametrize("seed", range(40))
def test_a_product_in_any_order_errs_by_no_more_than_it_is_charged_also_where_parts_underflow(seed):
    rng = np.random.default_rng(seed)
    factors = [float(x) for x in rng.uniform(1, 2, size=4) * 2.0 ** rng.choice([-1060, -500, -20, 0, 30, 480], size=4)]
    exact, bound = math.prod(map(Fraction, factors)), allowed(BALLS.product(numbers(*factors)))
    for order in itertools.permutations(factors):
        found = math.prod(order)
        if math.isfinite(found):
            assert abs(Fraction(found) - exact) <= bound + Fraction(UNIT) * exact * 4  # second order, far below


def test_what_is_exact_costs_nothing():
    third = Rounded(arb(1) / 3, arb(1))
    zero, one = numbers(0.0, 1.0)
    assert BALLS.sum([third, zero, zero]).error == 1
    assert BALLS.product([third, one, *numbers(-1.0)]).error == 1
    assert BALLS.product([zero, *numbers(0.1)]).error == 0
    assert BALLS.sum(numbers(1.0, 1.0, 1.0, 5.0)).error == 0


def test_two_terms_are_charged_for_their_sum_only():
    """Sterbenz: 1 + 2^-30 less 1 is exact; the charge is half a unit of the difference, not of the terms."""
    charged = BALLS.sum(numbers(1.0 + 2.0**-30, -1.0)).error
    assert charged <= 2.0**-30


def test_a_zero_that_was_computed_is_not_nothing():
    lost = Rounded(arb(0), arb(1))
    assert BALLS.sum([lost, *numbers(1.5, 0.25)]).error >= 2
    assert BALLS.product([lost, *numbers(3.0)]).error > 2.99


def test_a_sum_over_two_ranges_is_one_long_sum_as_a_kernel_accumulates_it():
    """6 · 7 equal terms: 41 additions of their sum, not (6 - 1) + (7 - 1)."""
    rows, columns = Range("rows", "P"), Range("columns", "Q")
    table = Array("table", rows, columns)
    (p,), (q,) = rows.indices("p"), columns.indices("q")
    evaluator = Evaluator(BALLS, {"table": np.full((6, 7), 0.3)}, {}, {rows: 6, columns: 7})
    formula = tensor((), total(table[p, q], p, q))
    entry = evaluator.accumulated(formula)[()]
    nested = evaluator(formula)[()]
    assert abs(entry.error - 41 * 42 * arb(0.3)) < 1e-9
    assert nested.error < entry.error / 3
    assert abs(entry.value - nested.value) < 1e-50


def test_a_factor_before_a_sum_is_rounded_on_every_term():
    rows = Range("rows", "P")
    values, weight = Array("values", rows), Array("weight", rows)
    p, q = rows.indices("p q")
    arrays = {"values": np.array([3.1, -3.1, 0.7]), "weight": np.array([0.3, 0.3, 0.3])}
    evaluator = Evaluator(BALLS, arrays, {}, {rows: 3})
    inside = evaluator.accumulated(tensor(q, weight[q] * total(values[p], p)))[0]
    outside = evaluator(tensor(q, weight[q] * total(values[p], p)))[0]
    assert inside.error > 3 * arb(0.3) * 3.1 > outside.error / 10
