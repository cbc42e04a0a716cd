"""Symmetries read off a polynomial, against the effect on its values; lattices against brute force."""

from itertools import permutations, product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from laflow.metric.features.symmetries import (
    PhaseLattice,
    conjugation_is_a_symmetry,
    indecomposable_invariants,
    interchangeable_variables,
    permuted,
    phase_blocks,
    phase_lattice,
    term_orbits,
)
from laflow.metric.geometry.polynomial import Polynomial, dwork, fermat

MONOMIALS = [e for e in product(range(4), repeat=3) if sum(e) == 3]


@st.composite
def cubics(draw):
    """Few terms with coefficients of few values, so that symmetries are common."""
    exponents = draw(st.lists(st.sampled_from(MONOMIALS), min_size=1, max_size=6, unique=True))
    values = st.sampled_from([1.0, -1.0, 2.0, 1.0j, 1.0 + 1.0j])
    coefficients = draw(st.lists(values, min_size=len(exponents), max_size=len(exponents)))
    return Polynomial(np.array(exponents), np.array(coefficients))


def some_points(count=8):
    return np.random.default_rng(5).standard_normal((count, 3, 2)) @ np.array([1.0, 1.0j])


@given(cubics())
def test_exactly_the_variables_whose_exchange_keeps_the_variety_are_interchangeable(polynomial):
    points, classes = some_points(), interchangeable_variables(polynomial)
    values = polynomial.value(points)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        swapped = points.copy()
        swapped[:, [i, j]] = points[:, [j, i]]
        after = polynomial.value(swapped)
        keeps = min(np.abs(after - values).max(), np.abs(after + values).max()) < 1e-12 * np.abs(values).max()
        assert keeps == any(i in members and j in members for members in classes)
    assert sorted(i for members in classes for i in members) == [0, 1, 2]


@given(cubics())
def test_orbits_of_terms_are_closed_under_the_permutations(polynomial):
    classes, orbits = interchangeable_variables(polynomial), None
    orbits = term_orbits(polynomial, classes)
    assert sorted(e for orbit in orbits for e in orbit) == sorted(map(tuple, polynomial.exponents.tolist()))
    for orbit in orbits:
        for order in permutations(range(3)):
            if all(any(i in members and order[i] in members for members in classes) for i in range(3)):
                assert {tuple(e[i] for i in order) for e in orbit} == set(orbit)


@given(cubics())
def test_conjugation_keeps_the_variety_exactly_where_it_is_found(polynomial):
    points = some_points()
    ratio = polynomial.value(points.conj()).conj() / polynomial.value(points)
    keeps = np.abs(ratio - ratio[0]).max() < 1e-10 and abs(abs(ratio[0]) - 1.0) < 1e-10
    assert keeps == conjugation_is_a_symmetry(polynomial)


@given(
    st.lists(st.lists(st.integers(-4, 4), min_size=3, max_size=3), min_size=1, max_size=3),
    st.lists(st.integers(-3, 3), min_size=3, max_size=3),
    st.lists(st.integers(-5, 5), min_size=3, max_size=3),
)
def test_a_lattice_contains_the_integer_combinations_of_its_generators_and_nothing_else(generators, factors, vector):
    origin = (0, 0, 0)
    lattice = PhaseLattice().with_differences([origin, *map(tuple, generators)])
    inside = np.array(factors[: len(generators)]) @ np.array(generators)
    assert lattice.contains(inside.tolist())
    # A vector is in the lattice if and only if it adds nothing to the gcds of minors (the determinantal divisors).
    assert lattice.contains(vector) == (divisors(generators) == divisors([*generators, vector]))


def divisors(rows):
    """The gcd of all k×k minors of an integer matrix, k = 1, 2, 3: they tell a lattice from a larger one."""
    matrix, found = np.array(rows, dtype=np.int64), []
    for k in (1, 2, 3):
        minors = [0]
        for chosen in product(range(len(rows)), repeat=k):
            for columns in product(range(3), repeat=k):
                if list(chosen) == sorted(set(chosen)) and list(columns) == sorted(set(columns)):
                    minors.append(round(np.linalg.det(matrix[np.ix_(chosen, columns)])))
        found.append(np.gcd.reduce(minors))
    return found


def test_fermats_phases_part_all_variables_and_a_generic_polynomial_has_none():
    lattice = phase_lattice(fermat(3))
    assert phase_blocks(lattice, 5) == ((0,), (1,), (2,), (3,), (4,))
    assert lattice.contains([5, -5, 0, 0, 0])
    assert not lattice.contains([1, 1, 1, 1, -4])
    assert phase_lattice(dwork(3, 0.5)).contains([1, 1, 1, 1, -4])
    generic = Polynomial(np.array(MONOMIALS), np.arange(1.0, 11.0))
    assert phase_blocks(phase_lattice(generic), 3) == ((0, 1, 2),)


def test_coefficients_that_differ_by_rounding_are_equal():
    exponents = 3 * np.eye(3, dtype=np.int64)
    assert interchangeable_variables(Polynomial(exponents, np.array([0.3, 0.1 + 0.2, 0.3]))) == ((0, 1, 2),)
    assert interchangeable_variables(Polynomial(exponents, np.array([0.3, 0.3001, 0.3]))) == ((0, 2), (1,))


@given(cubics())
def test_every_invariant_monomial_is_a_product_of_indecomposable_ones_and_moduli(polynomial):
    lattice, most = phase_lattice(polynomial), 4
    generators = set(indecomposable_invariants(lattice, 3, most))
    generators |= {tuple(-a for a in vector) for vector in generators}
    invariant = {v for v in product(range(-most, most + 1), repeat=3) if sum(v) == 0 and lattice.contains(v)}
    small = {v for v in invariant if 0 < sum(max(a, 0) for a in v) <= most}

    def fits(part, whole):
        return all(0 <= a <= b or b <= a <= 0 for a, b in zip(part, whole, strict=True))

    for vector in small:
        parts = [g for g in generators if fits(g, vector)]
        assert parts
        # A generator has no other one in it: nothing is listed that others make.
        assert (vector in generators) == (parts == [vector])


def test_permutations_within_classes_are_all_there_and_no_others():
    assert permuted((3, -1, -2), [(0, 1, 2)]) == set(permutations((3, -1, -2)))
    assert permuted((3, -1, -2), [(0,), (1, 2)]) == {(3, -1, -2), (3, -2, -1)}
