"""Krylov spaces by powers and by Arnoldi's method: the same relation, functions of A, breakdowns that are successes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm, solve_triangular

from laflow.krylov import DEPENDENT, arnoldi, krylov_space, phi_trajectory, relative_residual, van_loan_core
from laflow.linalg import gram, mix_rows, row_products, subtract_rows

BUILDERS = pytest.mark.parametrize("build", [krylov_space, arnoldi])


def space_of(matrix, start, krylov_dim, build=krylov_space):
    def apply(vector, image):
        image[...] = matrix @ vector

    storage = np.zeros((krylov_dim + 1, start.size))
    storage[0] = start
    return build(apply, storage)


def basis_of(space):
    """The orthonormal vectors that the coordinates belong to, as rows."""
    return solve_triangular(space.triangle, space.vectors, trans="T")


def phi_times(matrix, vector, time):
    """time phi(time matrix) vector by one dense exponential."""
    size = vector.size
    augmented = np.zeros((size + 1, size + 1))
    augmented[:-1, :-1], augmented[:-1, -1] = matrix, vector
    return expm(time * augmented)[:-1, -1]


def end_of(space, time):
    """time phi(time A) b as found in the space."""
    out = np.empty((1, space.vectors.shape[1]))
    space.combine(phi_trajectory(space, time)[-1:], out)
    return out[0]


def check_relation(space, matrix, start, tolerance):
    """The basis is orthonormal, begins with the start, and A acts on it as the coordinates say."""
    basis, dimension = basis_of(space), space.dimension
    scale = np.linalg.norm(matrix, 2)
    np.testing.assert_allclose(basis @ basis.T, np.eye(space.coordinates), atol=tolerance)
    np.testing.assert_allclose(space.start_norm * basis[0], start, atol=1e-14 * np.linalg.norm(start))
    images = np.zeros((dimension, start.size))
    images += space.hessenberg.T @ basis[:dimension]
    if not space.breakdown:
        images[-1] += space.next_norm * basis[-1]
    np.testing.assert_allclose(basis[:dimension] @ matrix.T, images, atol=tolerance * scale)


@given(size=st.integers(1, 30), krylov_dim=st.integers(1, 40), seed=st.integers(0, 10**6))
def test_the_arnoldi_relation_holds_and_the_basis_is_orthonormal(size, krylov_dim, seed):
    rng = np.random.default_rng(seed)
    matrix, start = rng.standard_normal((size, size)), rng.standard_normal(size)
    space = space_of(matrix, start, krylov_dim, arnoldi)
    assert space.dimension <= min(size, krylov_dim)
    check_relation(space, matrix, start, 1e-12)


@given(size=st.integers(1, 30), krylov_dim=st.integers(1, 40), seed=st.integers(0, 10**6))
def test_powers_and_their_gram_matrix_give_the_same_relation(size, krylov_dim, seed):
    rng = np.random.default_rng(seed)
    matrix, start = rng.standard_normal((size, size)), rng.standard_normal(size)
    space = space_of(matrix, start, krylov_dim)
    # A Gram matrix holds squares: its factor is accurate to the rounding over the smallest share that is accepted.
    check_relation(space, matrix, start, 100 * np.finfo(float).eps / DEPENDENT**0.5)
    assert space.dimension <= min(size, krylov_dim)


def test_powers_count_their_products_and_leave_the_start_as_it_was():
    rng = np.random.default_rng(2)
    matrix, start = rng.standard_normal((50, 50)), rng.standard_normal(50)
    space = space_of(matrix, start, 4)
    assert (space.products, space.dimension, space.coordinates) == (4, 4, 5)
    np.testing.assert_array_equal(space.vectors[0], start)
    np.testing.assert_allclose(space.vectors[2], matrix @ (matrix @ start), rtol=1e-12)


@pytest.mark.parametrize("krylov_dim", [3, 6, 9, 14])
def test_functions_are_as_accurate_by_powers_as_by_orthonormal_vectors(krylov_dim):
    # Eigenvalues between -0.1 and 0.4 and a time of 20, where the powers are nearly dependent.
    rng = np.random.default_rng(3)
    vectors = np.linalg.qr(rng.standard_normal((400, 400)))[0]
    matrix = vectors @ np.diag(rng.uniform(-0.1, 0.4, 400)) @ vectors.T
    start = rng.standard_normal(400)
    exact = phi_times(matrix, start, 20.0)
    errors = [
        np.linalg.norm(end_of(space_of(matrix, start, krylov_dim, b), 20.0) - exact) for b in (krylov_space, arnoldi)
    ]
    # The last coordinates of nearly dependent powers are accurate to a few per cent, and matter least.
    assert errors[0] <= 1.1 * errors[1] + 1e-13 * np.linalg.norm(exact)


def test_dependent_powers_are_replaced_by_orthonormal_vectors():
    matrix = np.diag([1.0, 1.0 + 1e-9, 1.0 + 2e-9, 1.0 + 3e-9, 2.0])
    space = space_of(matrix, np.ones(5), 4)
    np.testing.assert_array_equal(space.triangle, np.eye(space.coordinates))
    assert space.products == 4 + space.dimension
    check_relation(space, matrix, np.ones(5), 1e-12)


def test_nearly_dependent_directions_stay_orthonormal():
    # Each product is almost a multiple of the vector before it: one pass of Gram-Schmidt is not enough.
    size = 40
    matrix = np.eye(size) + 1e-9 * np.random.default_rng(0).standard_normal((size, size))
    space = space_of(matrix, np.ones(size), 10)
    assert space.dimension == 10
    np.testing.assert_allclose(space.vectors @ space.vectors.T, np.eye(11), atol=1e-12)


@BUILDERS
def test_a_zero_start_gives_an_empty_space_and_a_flow_that_stands_still(build):
    space = space_of(np.eye(4), np.zeros(4), 3, build)
    assert (space.dimension, space.breakdown, space.coordinates) == (0, True, 0)
    assert phi_trajectory(space, 2.0).shape[1] == 0
    assert relative_residual(space, phi_trajectory(space, 2.0), 2.0) == 0.0


@BUILDERS
@pytest.mark.parametrize("factor", [1e-50, 1.0, 1e50])
def test_an_invariant_subspace_is_found_whatever_the_scale(factor, build):
    matrix = factor * np.diag([1.0, 2.0, 3.0, 4.0, 5.0])
    start = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
    space = space_of(matrix, start, 5, build)
    assert space.breakdown
    assert space.dimension == 3


@BUILDERS
def test_more_dimensions_than_unknowns_give_the_exact_flow(build):
    rng = np.random.default_rng(3)
    matrix, start = rng.standard_normal((6, 6)), rng.standard_normal(6)
    space = space_of(matrix, start, 50, build)
    assert space.dimension <= 6
    np.testing.assert_allclose(end_of(space, 1.5), phi_times(matrix, start, 1.5), rtol=1e-10)


@BUILDERS
def test_a_short_space_estimates_its_error_within_an_order_of_magnitude(build):
    rng = np.random.default_rng(4)
    matrix, start = 0.4 * rng.standard_normal((80, 80)) / np.sqrt(80), rng.standard_normal(80)
    exact = phi_times(matrix, start, 4.0)
    for krylov_dim in (3, 5, 7, 9):
        space = space_of(matrix, start, krylov_dim, build)
        trajectory = phi_trajectory(space, 4.0)
        error = np.linalg.norm(end_of(space, 4.0) - exact) / np.linalg.norm(exact)
        assert 0.1 < relative_residual(space, trajectory, 4.0) / error < 10.0


@BUILDERS
def test_the_core_is_the_integral_of_the_outer_products(build):
    rng = np.random.default_rng(5)
    matrix, time = 0.5 * rng.standard_normal((5, 5)), 1.3
    forward_start, adjoint_start = rng.standard_normal(5), rng.standard_normal(5)
    forward, adjoint = space_of(matrix, forward_start, 5, build), space_of(matrix.T, adjoint_start, 5, build)
    core, covector = van_loan_core(adjoint, forward, time)
    # Gauss-Legendre with 20 points is exact to rounding for these entire functions.
    points, weights = np.polynomial.legendre.leggauss(20)
    moments, integral = np.zeros((5, 5)), np.zeros(5)
    for point, weight in zip(0.5 * time * (points + 1.0), 0.5 * time * weights, strict=True):
        costate = expm((time - point) * matrix.T) @ adjoint_start
        moments += weight * np.outer(costate, phi_times(matrix, forward_start, point))
        integral += weight * costate
    np.testing.assert_allclose(basis_of(adjoint).T @ core @ basis_of(forward), moments, atol=1e-11)
    np.testing.assert_allclose(covector @ basis_of(adjoint), integral, atol=1e-11)


def test_the_next_vector_is_worth_almost_one_more_product():
    rng = np.random.default_rng(6)
    matrix = rng.standard_normal((80, 80)) / np.sqrt(80)
    # Nearly symmetric, as A is: then the guess of what A does to the next vector is a fair one.
    matrix, start = 0.2 * (matrix + matrix.T) + 0.05 * (matrix - matrix.T), rng.standard_normal(80)
    exact = phi_times(matrix, start, 3.0)
    for krylov_dim in (3, 5, 7):
        space = space_of(matrix, start, krylov_dim)
        small = phi_times(space.hessenberg, space.start_norm * np.eye(krylov_dim)[0], 3.0)
        without = small @ basis_of(space)[:krylov_dim]
        assert np.linalg.norm(end_of(space, 3.0) - exact) < 0.3 * np.linalg.norm(without - exact)


def test_the_guess_of_the_last_column_helps_where_the_operator_is_symmetric():
    rng = np.random.default_rng(7)
    matrix = rng.standard_normal((80, 80)) / np.sqrt(80)
    matrix, start = 0.2 * (matrix + matrix.T), rng.standard_normal(80)
    exact = phi_times(matrix, start, 3.0)
    for krylov_dim in (3, 5, 7):
        space = space_of(matrix, start, krylov_dim)
        generator = space.generator.copy()
        generator[:, -1] = 0.0
        zero = phi_times(generator, space.start_norm * np.eye(krylov_dim + 1)[0], 3.0) @ basis_of(space)
        assert np.linalg.norm(end_of(space, 3.0) - exact) < 0.8 * np.linalg.norm(zero - exact)


@given(rows=st.integers(0, 8), count=st.integers(1, 6), length=st.integers(1, 5000))
def test_rows_are_mixed_in_place_as_by_one_product(rows, count, length):
    rng = np.random.default_rng(rows + 7 * count + 49 * length)
    matrix = rng.standard_normal((max(rows, count), length))
    coefficients = rng.standard_normal((count, rows))
    expected = coefficients @ matrix[:rows]
    mix_rows(coefficients, matrix[:rows], matrix[:count])
    # Up to eight products of standard normal numbers are added.
    np.testing.assert_allclose(matrix[:count], expected, atol=1e-13)


@given(rows=st.integers(1, 8), known=st.integers(0, 8), length=st.integers(1, 5000), seed=st.integers(0, 99))
def test_gram_matrices_are_those_of_numpy_whatever_is_known_of_them(rows, known, length, seed):
    matrix = np.random.default_rng(seed).standard_normal((rows, length))
    expected = matrix @ matrix.T
    given_part = expected[: min(known, rows), : min(known, rows)] if known else None
    np.testing.assert_allclose(gram(matrix, given_part), expected, atol=1e-15 * length + 1e-13)


def test_sums_over_rows_of_single_precision_are_taken_in_double_precision():
    matrix = np.random.default_rng(1).standard_normal((4, 200_000)).astype(np.float32)
    exact = matrix.astype(float) @ matrix.astype(float).T
    # Single precision would miss by about 1e-7 times the size of the terms, that is by more than 1e-4.
    np.testing.assert_allclose(gram(matrix), exact, atol=1e-7)
    np.testing.assert_allclose(row_products(matrix, matrix[0])[0], exact[:, 0], atol=1e-7)


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
