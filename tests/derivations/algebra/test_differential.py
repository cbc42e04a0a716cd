"""Differentials and adjoints are derived consistently: <Z, dF Y> = <dFᵀ Z, Y> for every map."""

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from derivations.algebra import Array, adjoint, derivative, differential, pairing, scalar, tensor, total
from derivations.algebra.normal_form import normal_form
from tests.derivations.algebra.expressions import (
    Values,
    columns,
    expressions,
    i,
    j,
    k,
    matrix,
    q,
    rows,
    table,
    vector,
    weight,
)

covector = Array("covector", rows, columns)


@given(expressions(scope=(i, j)), st.sampled_from([vector, weight, matrix, table]))
def test_the_adjoint_is_the_transpose_of_the_differential(expr, variable):
    mapping = tensor((i, j), expr)
    direction = Array("direction", *variable.axes)
    at = tuple(over.index(f"at{axis}") for axis, over in enumerate(variable.axes))
    forward = pairing(covector, differential(mapping, {variable: direction}))
    backward = pairing(direction, adjoint(mapping, variable, covector, at))
    assert not normal_form(forward - backward)


@given(expressions(scope=(i, j)), st.integers(0, 10**6))
def test_the_differential_is_the_limit_of_difference_quotients(expr, seed):
    values = Values(seed, {rows: 2, columns: 3})
    mapping = tensor((i, j), expr)
    along = differential(mapping, {vector: tensor(i, 1)})
    at = {i: 1, j: 2}
    slope, base = values.of(along.expr, at), values.arrays["vector"].copy()
    step = 1e-5
    values.arrays["vector"] = base + step
    above = values.of(expr, at)
    values.arrays["vector"] = base - step
    below = values.of(expr, at)
    # Truncation is of order step² times the third derivative, cancellation of order 1e-16 |f| / step.
    assert (above - below) / (2 * step) == pytest.approx(slope, rel=1e-4, abs=1e-4 + 1e-9 * abs(above))


def test_the_differential_in_two_variables_is_the_sum_of_both():
    mapping = tensor(i, total(matrix[i, k] * vector[k], k))
    other_matrix, other_vector = Array("other_matrix", rows, rows), Array("other_vector", rows)
    along = differential(mapping, {matrix: other_matrix, vector: other_vector})
    claimed = total(other_matrix[i, k] * vector[k] + matrix[i, k] * other_vector[k], k)
    assert not normal_form(along.expr - claimed)


def test_the_adjoint_of_a_matrix_is_transposed():
    mapping = tensor(i, total(matrix[i, k] * vector[k], k))
    dual = Array("dual", rows)
    assert not normal_form(adjoint(mapping, vector, dual, (i,)).expr - total(matrix[k, i] * dual[k], k))
    assert normal_form(adjoint(mapping, vector, dual, (i,)).expr - total(matrix[i, k] * dual[k], k))


def test_the_derivative_along_a_symbol_passes_through_sums():
    time = sp.Symbol("T")
    mapping = tensor(i, total(sp.exp(time * table[i, q]), q))
    claimed = total(table[i, q] * sp.exp(time * table[i, q]), q)
    assert not normal_form(derivative(mapping, time).expr - claimed)


def test_the_pairing_of_a_scalar_is_a_product():
    assert not normal_form(pairing(scalar(3), scalar(vector[i])) - 3 * vector[i])
