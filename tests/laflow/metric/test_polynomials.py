"""Values, gradients and Hessians are those of the polynomial; text says which polynomial it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpc, mpf

from laflow.errors import ShapeError, ValueRangeError
from laflow.metric.geometry.polynomial import Polynomial, dwork, fermat
from laflow.metric.geometry.polynomial_text import parse_polynomial, polynomial_text

NUMBERS = st.floats(-2.0, 2.0).map(lambda x: 0.0 if abs(x) < 1e-3 else x)
COMPLEX = st.builds(complex, NUMBERS, NUMBERS)


@st.composite
def polynomials_with_points(draw):
    variables = draw(st.integers(1, 5))
    terms = draw(st.lists(st.lists(st.integers(0, 5), min_size=variables, max_size=variables), min_size=1, max_size=6))
    coefficients = draw(st.lists(COMPLEX, min_size=len(terms), max_size=len(terms)))
    coefficients[0] += 10.0  # never p = 0
    points = draw(st.lists(st.lists(COMPLEX, min_size=variables, max_size=variables), min_size=1, max_size=3))
    return terms, coefficients, np.array(points)


def exact_value(terms, coefficients, z):
    """Σ c z^e in the numbers of mpmath, straight from the definition."""
    total = mpc(0)
    for exponents, coefficient in zip(terms, coefficients, strict=True):
        factor = mpc(coefficient)
        for value, power in zip(z, exponents, strict=True):
            factor *= value**power
        total += factor
    return total


def difference(terms, coefficients, z, directions):
    """A mixed difference quotient in 100 digits, steps of 1e-20: 20 digits are right."""
    step = mpf("1e-20")
    total = mpc(0)
    for subset in range(2 ** len(directions)):
        moved = [mpc(value) for value in z]
        for k, i in enumerate(directions):
            moved[i] += step * (subset >> k & 1)
        total += (-1) ** (len(directions) - subset.bit_count()) * exact_value(terms, coefficients, moved)
    return complex(total / step ** len(directions))


# Up to 6 terms of degree 25 with factors to 3: each is right to about 60 ε of the sum of the terms' sizes.
RELATIVE = 100 * np.finfo(np.float64).eps


@given(polynomials_with_points())
def test_values_and_derivatives_are_those_of_the_definition(case):
    terms, coefficients, points = case
    polynomial = Polynomial(np.array(terms), np.array(coefficients))
    sizes = Polynomial(np.array(terms), np.abs(coefficients) + 1e-300)
    value, gradient, hessian = (f(points) for f in (polynomial.value, polynomial.gradient, polynomial.hessian))
    bounds = [f(np.abs(points)).real for f in (sizes.value, sizes.gradient, sizes.hessian)]
    variables = points.shape[1]
    with mp.workdps(100):
        for row, z in enumerate(points):
            assert abs(value[row] - complex(exact_value(terms, coefficients, z))) <= RELATIVE * bounds[0][row]
            for i in range(variables):
                found = difference(terms, coefficients, z, (i,))
                # 1e-17: truncation of the difference quotients.
                assert abs(gradient[row, i] - found) <= RELATIVE * bounds[1][row, i] + 1e-17 * bounds[0][row] + 1e-15
                for j in range(i, variables):
                    found = difference(terms, coefficients, z, (i, j))
                    assert abs(hessian[row, i, j] - found) <= RELATIVE * bounds[2][row, i, j] + 1e-13
                    assert hessian[row, j, i] == hessian[row, i, j]


@given(st.integers(1, 3), st.integers(0, 2**32 - 1), COMPLEX)
def test_homogeneous_polynomials_obey_eulers_identity(dimension, seed, psi):
    polynomial = dwork(dimension, psi)
    points = np.random.default_rng(seed).standard_normal((4, dimension + 2, 2)) @ np.array([1.0, 1.0j])
    scale = polynomial.size(points)
    along = np.sum(points * polynomial.gradient(points), axis=1)
    assert np.all(np.abs(along - polynomial.degree * polynomial.value(points)) <= 1e-13 * scale)


def test_equal_monomials_are_gathered_and_order_does_not_matter():
    one = Polynomial(np.array([[2, 0], [0, 1], [2, 0]]), np.array([1.0, 5.0, 2.0]))
    other = Polynomial(np.array([[0, 1], [2, 0], [1, 1]]), np.array([5.0, 3.0, 0.0]))
    assert one == other
    assert hash(one) == hash(other)
    assert one != fermat(1)
    assert not one.homogeneous


def test_dworks_pencil_is_fermats_for_no_product():
    assert dwork(2, 0.0) == fermat(2)
    assert fermat(3) == parse_polynomial("z0^5+z1^5+z2^5+z3^5+z4^5")
    assert dwork(1, 2.0) == parse_polynomial("z0**3 + z1**3 + z2**3 - 6 z0 z1 z2")


@given(polynomials_with_points())
def test_text_is_read_back_to_the_same_polynomial(case):
    terms, coefficients, _ = case
    # The last variable must occur, or text cannot know of it.
    terms = [*terms, [0] * (len(terms[0]) - 1) + [7]]
    polynomial = Polynomial(np.array(terms), np.array([*coefficients, 1.0]))
    assert parse_polynomial(polynomial_text(polynomial)) == polynomial


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("-z0^3 + 2 z1**2 z0", {(3, 0): -1, (1, 2): 2}),
        ("z0*z1*z0", {(2, 1): 1}),
        ("(1-0.5j)*z0 - 2.5e-3*z1", {(1, 0): 1 - 0.5j, (0, 1): -2.5e-3}),
        ("2j z0 - (-1)*z1", {(1, 0): 2j, (0, 1): 1}),
        ("z0 + z1 + z1", {(1, 0): 1, (0, 1): 2}),
    ],
)
def test_text_says_signs_powers_and_complex_numbers(text, terms):
    assert parse_polynomial(text) == Polynomial(np.array(list(terms)), np.array(list(terms.values())))


@pytest.mark.parametrize(
    "text", ["", "z0+", "z0**", "z0 * * z1", "+-z0", "sin(z0)", "z0^-2", "z99", "(1+2)z0", "z0^999", "__import__('os')"]
)
def test_text_of_anything_else_is_refused(text):
    with pytest.raises(ValueRangeError):
        parse_polynomial(text)


@pytest.mark.parametrize(
    ("exponents", "coefficients", "error"),
    [
        ([[1, 2]], [1.0, 2.0], ShapeError),
        ([1, 2], [1.0, 2.0], ShapeError),
        ([[1.5, 2.0]], [1.0], ShapeError),
        ([[-1, 2]], [1.0], ValueRangeError),
        ([[1, 2]], [np.nan], ValueRangeError),
        ([[1, 2], [1, 2]], [1.0, -1.0], ValueRangeError),
    ],
)
def test_wrong_exponents_and_coefficients_are_refused(exponents, coefficients, error):
    with pytest.raises(error, match="give"):
        Polynomial(np.array(exponents), np.array(coefficients))


def test_points_of_another_space_are_refused():
    with pytest.raises(ShapeError, match=r"\(points, 3\)"):
        fermat(1).value(np.ones((2, 4)))
