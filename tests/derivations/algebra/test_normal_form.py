"""The first prover: its normal form keeps the value of an expression, and equal expressions get equal forms."""

import math

import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st

from derivations.algebra import Array, Delta, largest, total
from derivations.algebra.leftover import as_expression, leftover
from derivations.algebra.normal_form import NotInLanguage, normal_form
from tests.derivations.algebra.expressions import (
    Values,
    columns,
    expressions,
    i,
    j,
    k,
    matrix,
    offset,
    q,
    rows,
    share,
    table,
    vector,
    weight,
)

SIZES = st.sampled_from([{rows: 2, columns: 3}, {rows: 3, columns: 2}, {rows: 1, columns: 1}])
PLACE = {i: 0, j: 0}


def proved(left: sp.Expr, right: sp.Expr) -> bool:
    return not normal_form(left - right)


def without_inverse_sums(expr: sp.Expr) -> sp.Expr:
    """Clearing denominators multiplies a form: evaluate only expressions whose form has none."""
    parts = sp.preorder_traversal(expr)
    assume(not any(isinstance(part, sp.Pow) and part.exp.is_negative and part.base.has(sp.Add) for part in parts))
    return expr


@given(expressions(smooth=False), SIZES, st.integers(0, 10**6))
def test_the_normal_form_of_a_polynomial_has_its_value(expr, sizes, seed):
    values = Values(seed, sizes)
    for row in range(sizes[rows]):
        at = {i: row, j: sizes[columns] - 1}
        want, have = values.of(expr, at), values.of_terms(normal_form(expr), at)
        assert have == pytest.approx(want, rel=1e-9, abs=1e-9)


@given(expressions(), SIZES, st.integers(0, 10**6))
def test_the_normal_form_of_a_smooth_expression_has_its_value(expr, sizes, seed):
    expr = without_inverse_sums(expr)
    values = Values(seed, sizes)
    try:
        want = values.of(expr, PLACE)
    except OverflowError:
        assume(False)
    assume(math.isfinite(want) and abs(want) < 1e12)
    assert values.of_terms(normal_form(expr), PLACE) == pytest.approx(want, rel=1e-6, abs=1e-6)


@given(expressions())
def test_a_normal_form_written_as_an_expression_has_the_same_normal_form(expr):
    terms = normal_form(without_inverse_sums(expr))
    assert normal_form(as_expression(terms)) == terms


@given(expressions(), expressions(), st.integers(-3, 3))
def test_the_normal_form_is_linear(left, right, factor):
    assert proved(total(factor * left + right, k), factor * total(left, k) + total(right, k))


@given(expressions(smooth=False), expressions(smooth=False))
def test_products_of_polynomials_distribute(left, right):
    assert proved(left * (right + table[i, j]), left * right + left * table[i, j])


@given(expressions(scope=(i, j, k)))
def test_bound_indices_can_be_renamed(expr):
    other = rows.index("another")
    assert proved(total(expr, k), total(expr.xreplace({k: other}), other))


@given(expressions(scope=(i, j, k, q)))
def test_sums_can_be_exchanged(expr):
    assert proved(total(total(expr, k), q), total(total(expr, q), k))


@given(expressions(scope=(i, j)), expressions(scope=(i, j, k), smooth=False))
def test_factors_without_the_bound_index_move_out(constant, expr):
    assert proved(total(constant * expr, k), constant * total(expr, k))


@given(expressions(scope=(i, j, k)))
def test_a_delta_picks_one_summand(expr):
    assert proved(total(Delta(i, k) * expr, k), expr.xreplace({k: i}))


@given(expressions(scope=(i, j), smooth=False), expressions(scope=(i, j), smooth=False), st.integers(0, 10**6))
def test_what_is_proved_holds_at_a_point(left, right, seed):
    if proved(left, right):
        values = Values(seed, {rows: 2, columns: 3})
        assert values.of(left, PLACE) == pytest.approx(values.of(right, PLACE), rel=1e-9, abs=1e-9)


@given(expressions(), st.sampled_from([vector[i], table[i, j], sp.Integer(1), total(weight[q], q)]))
def test_a_difference_that_is_added_is_found(expr, difference):
    assert not proved(expr + difference, expr)


TRUE = {
    "declared sum": (total(share[i, q] * vector[i], q), vector[i]),
    "declared sum of zero": (total(offset[i, q] * matrix[i, k], q), sp.Integer(0)),
    "declared sum inside an exponential": (sp.exp(total(share[i, q], q)), sp.exp(sp.Integer(1))),
    "sum of ones": (total(1, q), columns.size),
    "square of a sum": (total(weight[q], q) ** 2, total(weight[j] * weight[q], j, q)),
    "exponential of a sum": (sp.exp(vector[i] + weight[j]), sp.exp(vector[i]) * sp.exp(weight[j])),
    "logarithm of a product": (sp.log(vector[i] * weight[j]), sp.log(vector[i]) + sp.log(weight[j])),
    "exponential of a logarithm": (sp.exp(2 * sp.log(vector[i])), vector[i] ** 2),
    "power of a power": (sp.sqrt(vector[i] ** 4), vector[i] ** 2),
    "common denominator": (
        1 / (1 + vector[i]) + 1 / (1 + weight[j]),
        (2 + vector[i] + weight[j]) / ((1 + vector[i]) * (1 + weight[j])),
    ),
    "common denominator under a root": (
        1 / sp.sqrt(1 + vector[i]) - vector[i] / (1 + vector[i]) ** sp.Rational(3, 2),
        1 / (1 + vector[i]) ** sp.Rational(3, 2),
    ),
    "root of a number": ((1 + sp.sqrt(2) * vector[i]) ** 2, 1 + 2 * sp.sqrt(2) * vector[i] + 2 * vector[i] ** 2),
    "logarithm of a number": (sp.log(6 * vector[i]), sp.log(2) + sp.log(3) + sp.log(vector[i])),
    "softmax shift": (
        sp.exp(weight[j] - vector[i]) / total(sp.exp(weight[q] - vector[i]), q),
        sp.exp(weight[j]) / total(sp.exp(weight[q]), q),
    ),
    "free delta": (Delta(i, k) * vector[k], Delta(i, k) * vector[i]),
    "squared delta": (Delta(i, k) ** 2, Delta(i, k)),
    "inverses of a sum under a root": (
        sp.sqrt(vector[i] / (1 + weight[j]) + table[i, j] / (1 + weight[j]) ** 2),
        sp.sqrt(vector[i] * (1 + weight[j]) + table[i, j]) / (1 + weight[j]),
    ),
    "inverses of a sum that leave one term under a root": (
        sp.sqrt(1 / (1 + weight[j]) - weight[j] / (1 + weight[j]) ** 2),
        1 / (1 + weight[j]),
    ),
    "inverses of a sum in a logarithm": (
        sp.log(vector[i] / (1 + weight[j]) + table[i, j] / (1 + weight[j]) ** 2),
        sp.log(vector[i] * (1 + weight[j]) + table[i, j]) - 2 * sp.log(1 + weight[j]),
    ),
    "trace of a product": (total(matrix[i, k] * matrix[k, i], i, k), total(matrix[k, i] * matrix[i, k], k, i)),
}
FALSE = {
    "declared sum with a second factor": (total(share[i, q] * weight[q], q), total(weight[q], q)),
    "declared sum over the other axis": (total(share[k, j], k), sp.Integer(1)),
    "declared sum of a square": (total(share[i, q] ** 2, q), sp.Integer(1)),
    "transposed matrix": (matrix[i, k], matrix[k, i]),
    "trace of a square": (total(matrix[i, k] * matrix[k, i], i, k), total(matrix[i, k] ** 2, i, k)),
    "sum of products": (total(weight[q] * table[i, q], q), total(weight[q], q) * total(table[i, q], q)),
    "capture": (total(table[i, j] * total(table[i, j], j), j), total(table[i, j] ** 2, j)),
    "size of another range": (total(1, q), rows.size),
    "exponential of a product": (sp.exp(vector[i] * weight[j]), sp.exp(vector[i]) * sp.exp(weight[j])),
    "exponential inside a sum": (total(sp.exp(weight[q]), q), sp.exp(total(weight[q], q))),
    "sum of inverses": (total(1 / weight[q], q), 1 / total(weight[q], q)),
    "two free deltas": (Delta(i, k) * vector[k], vector[i]),
    "inverses of a sum in a denominator": (
        1 / (vector[i] / (1 + weight[j]) + table[i, j] / (1 + weight[j]) ** 2),
        1 / (vector[i] / (1 + weight[j]) ** 2 + table[i, j] / (1 + weight[j]) ** 2),
    ),
    "inverses of a sum under a root": (
        sp.sqrt(vector[i] / (1 + weight[j]) + table[i, j] / (1 + weight[j]) ** 2),
        sp.sqrt(vector[i] / (1 + weight[j]) ** 2 + table[i, j] / (1 + weight[j]) ** 2),
    ),
    "half a softmax shift": (
        sp.exp(weight[j] - vector[i]) / total(sp.exp(weight[q]), q),
        sp.exp(weight[j]) / total(sp.exp(weight[q]), q),
    ),
}


@pytest.mark.parametrize("name", TRUE)
def test_an_identity_is_proved(name):
    assert proved(*TRUE[name])


@pytest.mark.parametrize("name", FALSE)
def test_a_non_identity_is_not_proved(name):
    assert not proved(*FALSE[name])


def test_arrays_of_one_name_with_other_declared_sums_are_not_confused():
    plain = Array("share", rows, columns)
    assert not proved(total(plain[i, q], q), sp.Integer(1))


def test_a_sum_that_vanishes_once_multiplied_out_has_no_inverse():
    whole = 1 + weight[j]
    with pytest.raises(ZeroDivisionError, match="zero expression"):
        normal_form(1 / (1 / whole - 1 / whole**2 - weight[j] / whole**2))


def test_a_maximum_is_refused():
    with pytest.raises(NotInLanguage, match="stabiliser"):
        normal_form(largest(table[i, j], j))


def test_an_unknown_function_is_refused():
    with pytest.raises(NotInLanguage, match="no rule"):
        normal_form(sp.sin(vector[i]))


def test_a_leftover_is_readable():
    assert str(leftover(normal_form(2 * vector[i] - total(weight[q], q)))) == "2 vector[i] - Σ_{c10'}(weight[c10'])"
