"""The second prover: exact evaluation modulo primes agrees with true identities and refutes false ones."""

import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st

from derivations.algebra import Array, Tensor, differential, phi, scalar, tensor, total
from derivations.algebra.explicit import PRIMES, NoPoint, Point, agree_at_points
from tests.derivations.algebra.expressions import (
    ARRAYS,
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
from tests.derivations.algebra.test_normal_form import FALSE, TRUE

SIZES = [{rows: 2, columns: 3}, {rows: 3, columns: 2}]
time, a, b = sp.symbols("T a b")


def agrees(left: sp.Expr, right: sp.Expr) -> bool:
    free = (i, j, k)
    return agree_at_points(tensor(free, left), tensor(free, right), sizes=SIZES).holds


# Modulo a prime a root has a sign of its own, and the logarithm of a sum is an unknown: a residue cannot show that the
# factors are positive, which the normal form uses.
BEYOND = {name for name in TRUE if name.startswith("inverses of a sum")}


@pytest.mark.parametrize("name", sorted(set(TRUE) - BEYOND))
def test_an_identity_agrees(name):
    assert agrees(*TRUE[name])


@pytest.mark.parametrize("name", sorted(BEYOND))
def test_an_identity_that_rests_on_positive_factors_of_a_sum_is_refused_and_not_guessed(name):
    assert not agrees(*TRUE[name])


@pytest.mark.parametrize("name", FALSE)
def test_a_non_identity_is_refuted(name):
    assert not agrees(*FALSE[name])


def test_a_refutation_names_the_entry_and_the_sizes():
    found = agree_at_points(tensor((i, k), matrix[i, k]), tensor((i, k), matrix[k, i]), sizes=SIZES)
    assert "entry (0, 1) at I=2, J=3" in found.witness


def test_an_identity_that_holds_at_one_size_only_is_refuted_at_the_other():
    assert not agrees(total(1, q), sp.Integer(3))


@given(expressions(scope=(i, j), smooth=False), expressions(scope=(i, j), smooth=False))
def test_evaluation_respects_sums_and_products(left, right):
    point = Point(SIZES[0], (0,) * len(PRIMES), {}, {})
    free = (i, j)
    one, two = point.tensor(tensor(free, left)), point.tensor(tensor(free, right))
    both = point.tensor(tensor(free, left + right)), point.tensor(tensor(free, left * right))
    for at in one:
        for level, prime in enumerate(PRIMES):
            x, y = one[at].level(level), two[at].level(level)
            assert both[0][at].level(level) == (x + y) % prime
            assert both[1][at].level(level) == x * y % prime


@given(expressions(scope=(i, j)))
def test_an_expression_and_its_expansion_agree_while_a_shifted_one_does_not(expr):
    try:
        assert agrees(expr, sp.expand(expr))
        assert not agrees(expr, sp.expand(expr) + 1)
    except (NoPoint, NotImplementedError):  # a logarithm of zero, or exponentials nested too deep
        assume(False)


@given(expressions(scope=(i, j)), st.sampled_from([vector, table, share, matrix]))
def test_dual_numbers_agree_with_the_symbolic_differential(expr, variable):
    direction = Array("direction", *variable.axes)
    mapping = tensor((i, j), expr)
    along = differential(mapping, {variable: direction})
    try:
        assert agree_at_points(mapping, along, directions={variable: direction}, sizes=SIZES[:1]).holds
        shifted = Tensor(along.free, along.expr + weight[j])
        assert not agree_at_points(mapping, shifted, directions={variable: direction}, sizes=SIZES[:1]).holds
    except (NoPoint, NotImplementedError):
        assume(False)


SCALARS = [
    sp.exp(time * a) * b,
    time * phi(time * a),
    sp.sqrt(time + a**2) / (time + b),
    sp.log(time * a) + time**3,
    a**time,
    sp.exp(sp.exp(time)),
    (1 + time) ** sp.Rational(-3, 2),
]


@pytest.mark.parametrize("function", SCALARS, ids=str)
def test_dual_numbers_agree_with_sympy_along_a_symbol(function):
    slope = function.diff(time)
    assert agree_at_points(scalar(function), scalar(slope), symbol_directions={time: 1}, sizes=[{}]).holds
    assert not agree_at_points(scalar(function), scalar(slope + 1), symbol_directions={time: 1}, sizes=[{}]).holds
    assert not agree_at_points(scalar(function), scalar(-slope), symbol_directions={time: 1}, sizes=[{}]).holds


def test_a_direction_may_depend_on_the_variable():
    mapping = tensor(i, vector[i] ** 2)
    along = {vector: tensor(i, vector[i])}
    assert agree_at_points(mapping, tensor(i, 2 * vector[i] ** 2), directions=along, sizes=SIZES).holds
    assert not agree_at_points(mapping, tensor(i, 2 * vector[i]), directions=along, sizes=SIZES).holds


def test_declared_sums_hold_modulo_every_prime():
    point = Point(SIZES[0], (3, 4, 5), {}, {})
    for array, wanted in ((share, 1), (offset, 0)):
        sums = point.tensor(tensor(i, total(array[i, q], q)))
        assert all(value.level(n) == wanted % prime for value in sums.values() for n, prime in enumerate(PRIMES))


def test_roots_inside_nested_exponentials_find_a_point():
    distances = tensor((i, j), sp.sqrt(table[i, j] ** 2 + vector[i]))
    nested = tensor((i, j), sp.exp(sp.exp(-distances[i, j]) * weight[j]))
    split = tensor((i, j), sp.exp(sp.exp(-distances[i, j]) * weight[j] / 2) ** 2)
    assert agree_at_points(nested, split, sizes=SIZES).holds


def test_the_primes_form_a_chain_with_generators():
    for order, prime in zip(PRIMES[1:], PRIMES, strict=False):
        assert sp.isprime(prime)
        assert prime == 2 * order + 1
    assert sp.isprime(PRIMES[-1])


def test_an_expression_without_values_is_refused():
    with pytest.raises(TypeError, match="no value"):
        agree_at_points(scalar(sp.sin(time)), scalar(time), sizes=[{}])


def test_a_division_by_zero_at_every_point_is_reported():
    with pytest.raises(NoPoint):
        agree_at_points(scalar(1 / (total(share[i, q] * 1, q, i) - rows.size)), scalar(1), sizes=SIZES)


def test_every_array_of_the_tests_is_drawn_differently():
    point = Point(SIZES[0], (0,) * len(PRIMES), {}, {})
    values = [tuple(v.value for v in point.tensor(tensor(x.axes and _free(x), x[_free(x)])).values()) for x in ARRAYS]
    assert len(set(values)) == len(ARRAYS)


def _free(array: Array):
    return tuple(over.index(f"at{axis}") for axis, over in enumerate(array.axes))
