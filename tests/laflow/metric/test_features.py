"""Features: their jets against values on circles, their invariance, and that they see what they should."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laflow.errors import ShapeError, ValueRangeError
from laflow.metric.features.feature_map import FeatureMap, coordinates, invariants, symmetric_invariants
from laflow.metric.geometry.hypersurface import Hypersurface
from laflow.metric.geometry.polynomial import Polynomial, dwork, fermat
from laflow.metric.geometry.sampling import sample_points
from tests.laflow.metric.circles import Chart
from tests.laflow.metric.surfaces import DIMENSIONS, KINDS, sampled

MAPS = ("symmetric", "invariants", "coordinates")


def made(kind, polynomial):
    if kind == "symmetric":
        return symmetric_invariants(polynomial)
    return {"invariants": invariants, "coordinates": coordinates}[kind](polynomial.variables)


def plain(features, points):
    """The features' definition, spelled out: (N, F)."""
    if features.kind == "coordinates":
        return np.stack([part(points[:, i]) for i in range(points.shape[1]) for part in (np.real, np.imag)], axis=1)
    square = np.sum(np.abs(points) ** 2, axis=1)
    t = np.abs(points) ** 2 / square[:, None]
    found = [sum(t[:, i] ** k for i in members) for members, k in features.recipe.power_sums]
    carried = []
    for carrier in features.recipe.carriers:
        value = 0.0
        for exponents, coefficient in carrier.monomials:
            tau = t @ np.array(exponents) / sum(exponents)
            value = value + coefficient * np.prod(points ** np.array(exponents), axis=1) * tau**carrier.moment
        carried.append(value / np.sqrt(square) ** sum(carrier.monomials[0][0]))
    for part, first, second in features.recipe.products:
        product_ = carried[first] * carried[second].conj()
        found.append(product_.real if part == "Re" else product_.imag)
    for item in features.recipe.mixed:
        value = 0.0
        for vector in np.array(item.vectors):
            above, below = np.maximum(vector, 0), np.maximum(-vector, 0)
            monomial = np.prod(points**above, axis=1) * np.prod(points.conj() ** below, axis=1) / square ** above.sum()
            value = value + monomial * (t @ below / below.sum()) ** item.moment
        found.append(value.real if item.part == "Re" else value.imag)
    return np.stack(found, axis=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("features", MAPS)
@settings(max_examples=10)
@given(dimension=st.sampled_from(DIMENSIONS), row=st.integers(0, 19))
def test_jets_are_the_derivatives_of_the_definition_along_the_hypersurface(kind, features, dimension, row):
    sample = sampled(kind, dimension, 20)
    n, chart, mapped = dimension, Chart(sample, row), made(features, sample.hypersurface.polynomial)
    one = sample.take([row])
    jet = mapped.jets(one.points, one.frame)[:, 0]
    slopes, bends = chart.jet(lambda points: plain(mapped, points))
    np.testing.assert_allclose(jet[0], plain(mapped, one.points)[0], rtol=0, atol=1e-13)
    scale = 1.0 + np.abs(bends).max()
    # Rounding over the square of the least radius is 1e-11; truncation is (radius / distance to where the implicit
    # function ends)^10, and that distance may be as small as 0.1.
    np.testing.assert_allclose(jet[1 : 1 + n] + 1j * jet[1 + n : 1 + 2 * n], slopes, rtol=0, atol=1e-8 * scale)
    packed = (bends.real + bends.imag).reshape(n * n, -1)
    np.testing.assert_allclose(jet[1 + 2 * n :], packed, rtol=0, atol=1e-6 * scale)


@st.composite
def symmetric_polynomials(draw):
    """Polynomials with a phase symmetry z_i ↦ e^(2πi q_i/m) z_i, all monomials of one weight, sums over permutations.

    Also the weights q, m and the permuted variables. Smooth or not: invariance does not need points of X.
    """
    variables = draw(st.integers(3, 5))
    moved = draw(st.integers(1, variables))
    order = draw(st.integers(1, variables))
    weight = draw(st.integers(0, order - 1))
    weights = [weight] * moved + [draw(st.integers(0, order - 1)) for _ in range(variables - moved)]
    everything = [e for e in product(range(variables + 1), repeat=variables) if sum(e) == variables]
    wanted = (variables * weight) % order
    allowed = [e for e in everything if sum(q * a for q, a in zip(weights, e, strict=True)) % order == wanted]
    chosen = draw(st.lists(st.sampled_from(allowed), min_size=1, max_size=6, unique=True))
    real = draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    coefficients = {}
    for exponents in [*chosen, (variables,) + (0,) * (variables - 1)]:
        orbit = (*sorted(exponents[:moved]), *exponents[moved:])
        coefficients.setdefault(orbit, rng.standard_normal() + (0 if real else 1j * rng.standard_normal()))
    terms = [e for e in everything if (*sorted(e[:moved]), *e[moved:]) in coefficients]
    values = [coefficients[(*sorted(e[:moved]), *e[moved:])] for e in terms]
    return Polynomial(np.array(terms), np.array(values)), np.array(weights) / order, moved


def anywhere(variables, seed, count=3):
    return np.random.default_rng(seed).standard_normal((count, variables, 2)) @ np.array([1.0, 1.0j])


@given(symmetric_polynomials(), st.integers(0, 2**16))
def test_symmetric_features_do_not_change_under_the_symmetries_of_the_polynomial(made_, seed):
    polynomial, turns, moved = made_
    features = symmetric_invariants(polynomial)
    points = anywhere(polynomial.variables, seed)
    before = plain(features, points)
    order = np.random.default_rng(seed).permutation(moved)
    permuted = points.copy()
    permuted[:, :moved] = points[:, order]
    images = [permuted, points * np.exp(2j * np.pi * turns), points * (0.3 - 2.0j)]
    for image in images:
        # Sums of at most 126 terms of size 1 at most, times coefficients of size 3, squared.
        np.testing.assert_allclose(plain(features, image), before, rtol=0, atol=1e-11)


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("psi", [0.0, 0.4, 0.4 + 0.2j])
def test_only_real_polynomials_have_features_that_conjugation_keeps(dimension, psi):
    features = symmetric_invariants(dwork(dimension, psi))
    points = anywhere(dimension + 2, dimension)
    kept = np.abs(plain(features, points.conj()) - plain(features, points)).max() < 1e-12
    assert kept == (np.imag(psi) == 0)


@given(st.sampled_from(KINDS), st.sampled_from(DIMENSIONS), st.sampled_from(("symmetric", "invariants")))
def test_jets_do_not_depend_on_the_scale_of_homogeneous_coordinates(kind, dimension, features):
    sample = sampled(kind, dimension, 20)
    mapped = made(features, sample.hypersurface.polynomial)
    before = mapped.jets(sample.points, sample.frame)
    after = mapped.jets((2.0 - 1.0j) * sample.points, (2.0 - 1.0j) * sample.frame)
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-13 * np.abs(before).max())


@given(st.sampled_from(KINDS), st.sampled_from(DIMENSIONS), st.sampled_from(MAPS))
def test_features_tell_all_directions_apart_and_none_is_redundant(kind, dimension, features):
    """Their slopes have the full rank 2n at a point, their values over points full rank with a constant."""
    sample = sampled(kind, dimension, 400)
    mapped = made(features, sample.hypersurface.polynomial)
    jets = mapped.jets(sample.points, sample.frame)
    slopes = jets[1 : 1 + 2 * dimension]
    ranks = [np.linalg.matrix_rank(slopes[:, row], tol=1e-9) for row in range(20)]
    assert ranks == [2 * dimension] * 20
    if features == "symmetric":
        spread = jets[0] - jets[0].mean(axis=0)
        singular = np.linalg.svd(spread / spread.std(axis=0), compute_uv=False)
        # A redundant feature has rounding here, 1e-14; the closest of the cubic's have 1e-4.
        assert singular[-1] > 1e-6 * singular[0]


def test_fermats_features_are_power_sums_and_moments_of_its_terms():
    names = symmetric_invariants(fermat(1)).names
    assert names == (
        "t0^2+t1^2+t2^2",
        "t0^3+t1^3+t2^3",
        "Re <z2^3*t, z2^3*t>",
        "Re <z2^3*t, z2^3*t^2>",
        "Re <z2^3*t^2, z2^3*t^2>",
    )
    assert [symmetric_invariants(fermat(n)).count for n in DIMENSIONS] == [5, 6, 7]
    assert symmetric_invariants(fermat(3), highest_moment=3).count == 10
    assert all(symmetric_invariants(fermat(n)).recipe.mixed == () for n in DIMENSIONS)


def test_dworks_terms_share_factors_so_invariants_of_lower_degree_are_features_too():
    # The product of the terms z0 z1 z2 z3 z4 and z4^5 is |z4|² times the first of these: without it, potentials that
    # are linear in z4 near its zeros cannot be written (σ of ψ = 0.45 stayed at 0.01 instead of 0.0002).
    mixed = [name for name in symmetric_invariants(dwork(3, 0.4)).names if "conj" in name]
    assert mixed == [
        "Re conj z0*conj z1*conj z2*conj z3*z4^4",
        "Re conj z0^2*conj z1^2*conj z2^2*z3^3*z4^3",
        "Re conj z0^2*conj z1^2*conj z2^2*z3^3*z4^3*t",
    ]


def test_a_polynomial_without_symmetries_has_all_invariants_less_one():
    sample = sampled("generic", 3, 20)
    features = symmetric_invariants(sample.hypersurface.polynomial)
    assert sorted(features.names) == sorted(set(invariants(5).names) - {"t4"})


def test_phases_that_only_some_variables_share_leave_products_of_those():
    """z_2 appears as z_2³ only: z_0 z̄_1 is invariant, z_0 z̄_2 is not, (z_0/z_2)³ is."""
    exponents = np.array([[3, 0, 0], [1, 2, 0], [0, 3, 0], [0, 0, 3]])
    features = symmetric_invariants(Polynomial(exponents, np.array([1.0, 0.3, 2.0, 1.0])))
    assert features.names == (
        "t0",
        "t1",
        "Re <z0, z1>",
        "Im <z0, z1>",
        "Re <z2^3, z1^3>",
        "Im <z2^3, z1^3>",
        "Re z0^3*conj z2^3",
        "Re z0^2*z1*conj z2^3",
        "Re z0*z1^2*conj z2^3",
    )


def test_features_of_many_points_do_not_depend_on_how_they_are_cut():
    sample = sample_points(Hypersurface(dwork(2, 0.3)), 1100, np.random.default_rng(3))
    features = symmetric_invariants(sample.hypersurface.polynomial)
    whole = features.jets(sample.points, sample.frame)
    np.testing.assert_array_equal(whole[:, 700:], features.jets(sample.points[700:], sample.frame[700:]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("curved", 5), "give one of symmetric, invariants, coordinates"),
        (("symmetric", 5), "give one"),
        (("invariants", 5, fermat(3)), "with no other"),
        (("symmetric", 4, fermat(3)), "give 4"),
        (("invariants", 1), "2 or more"),
        (("symmetric", 5, fermat(3), -1), "give 0 or more"),
    ],
)
def test_maps_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises((ValueRangeError, ShapeError), match=message):
        FeatureMap(*arguments)


def test_points_of_another_space_are_refused():
    sample = sampled("fermat", 2, 20)
    with pytest.raises(ShapeError, match=r"give \(N, 5\)"):
        invariants(5).jets(sample.points, sample.frame)
    with pytest.raises(ShapeError, match="frames"):
        invariants(4).jets(sample.points, sample.frame[:10])
