"""The language refuses ill-typed expressions and never captures an index."""

import pickle

import pytest
import sympy as sp

from derivations.algebra import Array, Delta, Index, differential, substitute, tensor, total
from derivations.algebra.language import free_indices
from derivations.algebra.normal_form import normal_form
from tests.derivations.algebra.expressions import columns, i, j, k, matrix, q, rows, table, vector, weight


def test_an_array_refuses_an_index_of_another_range():
    with pytest.raises(TypeError, match=r"table is indexed by \(rows, columns\), but was given \(columns, rows\)"):
        table[j, i]


def test_a_delta_refuses_two_ranges():
    with pytest.raises(TypeError, match="a delta needs one range"):
        Delta(i, j)


def test_a_tensor_refuses_an_index_of_another_range():
    with pytest.raises(TypeError, match="expected"):
        tensor(i, vector[i])[j]


def test_an_array_is_no_sequence():
    with pytest.raises(TypeError):
        iter(vector)


def test_a_sum_binds_its_index():
    assert free_indices(total(table[i, j], j)) == {i}


def test_an_inner_sum_over_the_same_name_is_its_own():
    nested = total(table[i, j] * total(table[i, j], j), j)
    assert not normal_form(nested - total(table[i, j], j) * total(table[i, q], q))


def test_evaluating_a_tensor_at_a_bound_name_does_not_capture():
    averages = tensor(i, total(matrix[i, k] * vector[k], k))
    assert not normal_form(averages[k] - total(matrix[k, i] * vector[i], i))
    swapped = tensor((i, k), matrix[i, k])[k, i]
    assert swapped == matrix[k, i]


def test_substituting_a_sum_into_itself_does_not_capture():
    step = tensor(i, total(matrix[i, k] * vector[k], k))
    twice = substitute(step.expr, {vector: step})
    inner = rows.index("inner")
    assert not normal_form(twice - total(matrix[i, k] * total(matrix[k, inner] * vector[inner], inner), k))
    thrice = substitute(twice, {vector: step})
    last = rows.index("last")
    claimed = total(matrix[i, k] * matrix[k, inner] * matrix[inner, last] * vector[last], k, inner, last)
    assert not normal_form(thrice - claimed)


def test_a_direction_may_name_the_bound_index_of_the_map():
    mapping = tensor(i, total(matrix[i, k] * vector[k] ** 2, k))
    along = differential(mapping, {vector: tensor(k, total(matrix[i, k] * vector[i], i))})
    inner = rows.index("inner")
    claimed = total(2 * matrix[i, k] * vector[k] * total(matrix[inner, k] * vector[inner], inner), k)
    assert not normal_form(along.expr - claimed)


def test_indices_are_equal_by_name_range_and_serial():
    assert Index("i", rows) == i
    assert Index("i", columns) != i
    assert i.fresh() != i.fresh()


def test_arrays_survive_pickling_inside_expressions():
    expr = total(weight[q] * sp.exp(table[i, q]), q)
    assert pickle.loads(pickle.dumps(i)) == i
    assert not normal_form(expr - expr.copy())


def test_arrays_that_differ_in_declared_sums_differ():
    assert Array("x", rows) != Array("x", rows, sums={0: 1})
