"""Arnoldi's relation, orthonormality, and breakdowns that are successes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from laflow.krylov import arnoldi, phi_trajectory, relative_residual, van_loan_core
from laflow.linalg import mix_rows, row_products, subtract_rows


def space_of(matrix, start, krylov_dim):
    def apply(vector, image):
        image[...] = matrix @ vector

    return arnoldi(apply, start.copy(), krylov_dim)


def phi_times(matrix, vector, time):
    """time phi(time matrix) vector by one dense exponential."""
    size = vector.size
    augmented = np.zeros((size + 1, size + 1))
    augmented[:-1, :-1], augmented[:-1, -1] = matrix, vector
    return expm(time * augmented)[:-1, -1]


def end_of(space, time):
    """time phi(time A) b as found in the space."""
    out = np.empty((1, space.basis.shape[1]))
    space.combine(phi_trajectory(space, time)[-1:], out)
    return out[0]


@given(size=st.integers(1, 30), krylov_dim=st.integers(1, 40), seed=st.integers(0, 10**6))
def test_the_arnoldi_relation_holds_and_the_basis_is_orthonormal(size, krylov_dim, seed):
    rng = np.random.default_rng(seed)
    matrix, start = rng.standard_normal((size, size)), rng.standard_normal(size)
    space = space_of(matrix, start, krylov_dim)
    basis, dimension = space.basis, space.dimension
    scale = np.linalg.norm(matrix, 2)
    assert dimension <= min(size, krylov_dim)
    np.testing.assert_allclose(basis @ basis.T, np.eye(dimension), atol=1e-12)
    np.testing.assert_allclose(space.start_norm * basis[0], start, atol=1e-14 * np.linalg.norm(start))
    left_over = (matrix @ basis.T - basis.T @ space.hessenberg).T
    np.testing.assert_allclose(left_over[:-1], 0.0, atol=1e-12 * scale)
    if space.breakdown:
        np.testing.assert_allclose(left_over[-1], 0.0, atol=1e-12 * scale)
    else:
        np.testing.assert_allclose(left_over[-1], space.next_norm * space.next_vector, atol=1e-12 * scale)
        np.testing.assert_allclose(basis @ space.next_vector, 0.0, atol=1e-12)


def test_nearly_dependent_directions_stay_orthonormal():
    # Each product is almost a multiple of the vector before it: one pass of Gram-Schmidt is not enough.
    size = 40
    matrix = np.eye(size) + 1e-9 * np.random.default_rng(0).standard_normal((size, size))
    space = space_of(matrix, np.ones(size), 10)
    assert space.dimension == 10
    np.testing.assert_allclose(space.basis @ space.basis.T, np.eye(10), atol=1e-12)


def test_a_zero_start_gives_an_empty_space_and_a_flow_that_stands_still():
    space = space_of(np.eye(4), np.zeros(4), 3)
    assert (space.dimension, space.breakdown, space.coordinates) == (0, True, 0)
    assert phi_trajectory(space, 2.0).shape[1] == 0
    assert relative_residual(space, phi_trajectory(space, 2.0), 2.0) == 0.0


@pytest.mark.parametrize("factor", [1e-120, 1.0, 1e120])
def test_an_invariant_subspace_is_found_whatever_the_scale(factor):
    matrix = factor * np.diag([1.0, 2.0, 3.0, 4.0, 5.0])
    start = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
    space = space_of(matrix, start, 5)
    assert space.breakdown
    assert space.dimension == 3


def test_more_dimensions_than_unknowns_give_the_exact_flow():
    rng = np.random.default_rng(3)
    matrix, start = rng.standard_normal((6, 6)), rng.standard_normal(6)
    space = space_of(matrix, start, 50)
    assert space.dimension <= 6
    np.testing.assert_allclose(phi_trajectory(space, 1.5)[-1] @ space.basis, phi_times(matrix, start, 1.5), rtol=1e-10)


def test_a_short_space_estimates_its_error_within_an_order_of_magnitude():
    rng = np.random.default_rng(4)
    matrix, start = 0.4 * rng.standard_normal((80, 80)) / np.sqrt(80), rng.standard_normal(80)
    exact = phi_times(matrix, start, 4.0)
    for krylov_dim in (3, 5, 7, 9):
        space = space_of(matrix, start, krylov_dim)
        trajectory = phi_trajectory(space, 4.0)
        error = np.linalg.norm(end_of(space, 4.0) - exact) / np.linalg.norm(exact)
        assert 0.1 < relative_residual(space, trajectory, 4.0) / error < 10.0


def test_the_core_is_the_integral_of_the_outer_products():
    rng = np.random.default_rng(5)
    matrix, time = 0.5 * rng.standard_normal((5, 5)), 1.3
    forward_start, adjoint_start = rng.standard_normal(5), rng.standard_normal(5)
    forward, adjoint = space_of(matrix, forward_start, 5), space_of(matrix.T, adjoint_start, 5)
    core, covector = van_loan_core(adjoint, forward, time)
    # Gauss-Legendre with 20 points is exact to rounding for these entire functions.
    points, weights = np.polynomial.legendre.leggauss(20)
    moments, integral = np.zeros((5, 5)), np.zeros(5)
    for point, weight in zip(0.5 * time * (points + 1.0), 0.5 * time * weights, strict=True):
        costate = expm((time - point) * matrix.T) @ adjoint_start
        moments += weight * np.outer(costate, phi_times(matrix, forward_start, point))
        integral += weight * costate
    np.testing.assert_allclose(adjoint.basis.T @ core @ forward.basis, moments, atol=1e-11)
    np.testing.assert_allclose(covector @ adjoint.basis, integral, atol=1e-11)


def test_the_next_vector_is_worth_almost_one_more_product():
    rng = np.random.default_rng(6)
    matrix, start = 0.4 * rng.standard_normal((80, 80)) / np.sqrt(80), rng.standard_normal(80)
    exact = phi_times(matrix, start, 3.0)
    for krylov_dim in (3, 5, 7):
        space = space_of(matrix, start, krylov_dim)
        without = phi_times(space.hessenberg, space.start_norm * np.eye(krylov_dim)[0], 3.0) @ space.basis
        assert np.linalg.norm(end_of(space, 3.0) - exact) < 0.3 * np.linalg.norm(without - exact)


@given(rows=st.integers(0, 6), count=st.integers(1, 6), length=st.integers(1, 5000), with_last=st.booleans())
def test_rows_are_mixed_in_place_as_by_one_product(rows, count, length, with_last):
    rng = np.random.default_rng(rows + 7 * count + 49 * length)
    matrix, last = rng.standard_normal((max(rows, count), length)), rng.standard_normal(length)
    coefficients = rng.standard_normal((count, rows + with_last))
    used = np.vstack([matrix[:rows], last]) if with_last else matrix[:rows]
    expected = coefficients @ used
    mix_rows(coefficients, matrix[:rows], matrix[:count], last if with_last else None)
    # Up to seven products of standard normal numbers are added.
    np.testing.assert_allclose(matrix[:count], expected, atol=1e-13)


@given(rows=st.integers(0, 6), length=st.integers(1, 5000))
def test_products_and_subtraction_of_rows_are_those_of_numpy(rows, length):
    rng = np.random.default_rng(rows + 7 * length)
    matrix, vector = rng.standard_normal((rows, length)), rng.standard_normal(length)
    products, square = row_products(matrix, vector)
    tolerance = 1e-15 * length + 1e-13
    np.testing.assert_allclose(products, matrix @ vector, atol=tolerance)
    np.testing.assert_allclose(square, vector @ vector, atol=tolerance)
    coefficients = rng.standard_normal(rows)
    expected = 0.5 * (vector - coefficients @ matrix)
    subtract_rows(matrix, coefficients, 0.5, vector)
    np.testing.assert_allclose(vector, expected, atol=1e-13)
