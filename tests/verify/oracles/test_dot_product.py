"""The dot product test sees one wrong entry of an adjoint, and takes a wrong map with its exact transpose."""

import numpy as np
import pytest

from verify.oracles import dot_product

RNG = np.random.default_rng(0)
MATRIX = RNG.standard_normal((7, 5))
VECTOR, COVECTOR = RNG.standard_normal(5), RNG.standard_normal(7)


def check(adjoint):
    return dot_product.check_adjoint(MATRIX @ VECTOR, COVECTOR, VECTOR, adjoint @ COVECTOR)


def test_the_transpose_is_accepted():
    assert check(MATRIX.T).agrees


def test_the_matrix_in_place_of_its_transpose_is_rejected():
    square = RNG.standard_normal((5, 5))
    vector, covector = RNG.standard_normal(5), RNG.standard_normal(5)
    assert not dot_product.check_adjoint(square @ vector, covector, vector, square @ covector).agrees


@pytest.mark.parametrize("exponent", range(1, 13))
def test_a_scaled_adjoint_is_rejected_near_the_detection_limit(exponent):
    assert not check(MATRIX.T * (1.0 + 10.0**-exponent)).agrees


def test_one_wrong_entry_is_rejected():
    wrong = MATRIX.T.copy()
    wrong[2, 3] *= 1.0 + 1e-10
    assert not check(wrong).agrees


def test_sums_are_correctly_rounded():
    left = np.array([1e16, 1.0, -1e16])
    assert dot_product.inner_product(left, np.ones(3)) == 1.0


def test_zero_maps_agree():
    assert dot_product.check_adjoint(np.zeros(3), np.ones(3), np.ones(2), np.zeros(2)).agrees
