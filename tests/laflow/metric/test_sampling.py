"""Sampled points lie on X and on lines, have the stated density and weights, and come again from an equal generator."""

from itertools import permutations
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laflow.errors import ConvergenceError, ShapeError, ValueRangeError
from laflow.metric.geometry.estimates import estimated_mean
from laflow.metric.geometry.hypersurface import Hypersurface
from laflow.metric.geometry.polynomial import fermat
from laflow.metric.geometry.sampling import charted, points_on, sample_points
from tests.laflow.metric.surfaces import DIMENSIONS, KINDS, random_basis, sampled, surface

SURFACES = [(kind, dimension) for kind in KINDS for dimension in DIMENSIONS]


@pytest.mark.parametrize(("kind", "dimension"), SURFACES)
def test_points_lie_on_the_hypersurface_to_rounding(kind, dimension):
    sample = sampled(kind, dimension, 5000)
    polynomial = sample.hypersurface.polynomial
    # After Newton's last step the value is rounding of its terms: 1.5 of their ε measured, 4.7 without that step.
    assert np.all(np.abs(polynomial.value(sample.points)) <= 2.2 * np.finfo(float).eps * polynomial.size(sample.points))
    # Off the largest slope, the same as a distance.
    assert sample.hypersurface.distances(sample.points).max() <= 1e-14


@pytest.mark.parametrize(("kind", "dimension"), SURFACES)
def test_the_points_of_a_line_lie_on_a_line_and_are_all_its_intersections(kind, dimension):
    sample = sampled(kind, dimension, 6000)
    degree = dimension + 2
    lines = sample.points.reshape(-1, degree, degree)
    assert np.all(sample.line.reshape(-1, degree) == np.arange(lines.shape[0])[:, None])
    spread = np.linalg.svd(lines / np.linalg.norm(lines, axis=2, keepdims=True), compute_uv=False)
    assert spread[:, 2:].max() <= 1e-12  # rank 2
    # d different points: Newton's method has not brought two eigenvalues to one root.
    inner = np.abs(np.einsum("lai,lbi->lab", lines, lines.conj()))
    norms = np.linalg.norm(lines, axis=2)
    cosines = inner / (norms[:, :, None] * norms[:, None]) - np.eye(degree)
    assert cosines.max() < 1.0 - 1e-12


def test_equal_generators_give_equal_points_and_other_generators_others():
    hypersurface = surface("dwork", 2)
    one, two, three = (sample_points(hypersurface, 101, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one.points, two.points)
    assert not np.isclose(one.points, three.points).all(axis=1).any()


@given(st.integers(1, 40), st.sampled_from(DIMENSIONS))
def test_the_count_asked_for_is_given_also_where_it_breaks_a_line(count, dimension):
    sample = sample_points(surface("fermat", dimension), count, np.random.default_rng(count))
    assert len(sample) == count
    sizes = np.bincount(sample.line)
    assert np.all(sizes[:-1] == dimension + 2)
    assert np.all(np.diff(sample.line) >= 0)


def test_a_broken_line_gives_points_chosen_at_random():
    """Eigenvalues come in an order that knows |t|: the first of them would be biased."""
    chosen = set()
    for seed in range(60):
        whole, one = (sample_points(surface("fermat", 2), n, np.random.default_rng(seed)) for n in (4, 1))
        (place,) = np.flatnonzero((whole.points == one.points).all(axis=1))
        chosen.add(int(place))
    assert chosen == {0, 1, 2, 3}


@pytest.mark.parametrize(("kind", "dimension"), SURFACES)
def test_newtons_method_mends_roots_that_are_off(kind, dimension, monkeypatch):
    """From roots with an error of 1e-3 it comes to the same points, along their lines."""
    from laflow.metric.geometry import sampling

    exact = sample_points(surface(kind, dimension), 600, np.random.default_rng(3))
    rough = sampling._roots
    monkeypatch.setattr(sampling, "_roots", lambda coefficients: rough(coefficients) * (1.0 + 1e-3j))
    mended = sample_points(surface(kind, dimension), 600, np.random.default_rng(3))
    # Roots close to one another are badly conditioned: half of the digits at worst among these.
    np.testing.assert_allclose(mended.points, exact.points, rtol=0, atol=1e-9)


def test_more_lines_than_are_worked_on_at_once_are_the_same_lines(monkeypatch):
    whole = sampled("fermat", 1, 300)
    monkeypatch.setattr("laflow.metric.geometry.sampling.LINES_AT_ONCE", 7)
    np.testing.assert_array_equal(
        sample_points(surface("fermat", 1), 300, np.random.default_rng(0)).points, whole.points
    )


@pytest.mark.parametrize(("kind", "dimension"), SURFACES)
def test_weights_are_the_residue_form_over_the_density_of_the_lines(kind, dimension):
    """Against the determinant of the pulled-back metric itself, not its closed form."""
    sample = sampled(kind, dimension, 2000)
    density = np.linalg.det(sample.fubini_study).real * factorial(dimension) / (dimension + 2)
    # Condition numbers of the 3×3 determinants stay below 1e3 in these charts.
    np.testing.assert_allclose(sample.weights, sample.omega_squared / density, rtol=1e-12)
    np.testing.assert_allclose(sample.fubini_study_determinant, np.linalg.det(sample.fubini_study).real, rtol=1e-12)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_no_coordinate_of_fermats_is_preferred(dimension):
    """With the density n! det g_FS/d, E|z_i|²/|z|² = 1/(n+2) on Fermat's by its symmetry."""
    sample = sampled("fermat", dimension, 40_000)
    share = np.abs(sample.points) ** 2 / np.sum(np.abs(sample.points) ** 2, axis=1, keepdims=True)
    for i in range(dimension + 2):
        found = estimated_mean(share[:, i], sample.line)
        assert abs(found.value - 1.0 / (dimension + 2)) <= 4.0 * found.standard_error


def test_means_over_the_curve_agree_with_a_quadrature_in_one_coordinate():
    """Fermat's cubic by x = z_0/z_2 where z_1 is largest, a third of it by symmetry: no lines, no weights."""
    sample = sampled("fermat", 1, 60_000)
    squares = np.abs(sample.points) ** 2
    found = estimated_mean(np.sum(squares**2, axis=1) / np.sum(squares, axis=1) ** 2, sample.line)
    # Midpoints on the sphere of x.
    count = 500
    theta, phi = np.meshgrid(
        (np.arange(count) + 0.5) * np.pi / count, np.arange(2 * count) * np.pi / count, indexing="ij"
    )
    x = np.tan(theta / 2.0) * np.exp(1j * phi)
    y = (-1.0 - x**3) ** (1 / 3)
    slope = -(x**2) / y**2
    norm = 1.0 + np.abs(x) ** 2 + np.abs(y) ** 2
    metric = (1.0 + np.abs(slope) ** 2) / norm - np.abs(x.conj() + slope * y.conj()) ** 2 / norm**2
    measure = np.sin(theta) * (1.0 + np.abs(x) ** 2) ** 2 * metric * (np.abs(y) >= np.maximum(1.0, np.abs(x)))
    exact = np.sum(measure * (1.0 + np.abs(x) ** 4 + np.abs(y) ** 4) / norm**2) / np.sum(measure)
    # The region is cut at midpoints, which errs by less than 1e-4.
    assert abs(found.value - exact) <= 4.0 * found.standard_error + 1e-4
    assert found.standard_error <= 1e-3


@given(st.sampled_from(SURFACES), st.complex_numbers(min_magnitude=1e-6, max_magnitude=1e6), st.integers(0, 999))
def test_weights_do_not_depend_on_the_scale_of_the_coordinates(case, factor, row):
    sample = sampled(*case, 1000)
    again = points_on(sample.hypersurface, factor * sample.points[[row]])
    np.testing.assert_allclose(again.weights, sample.weights[[row]], rtol=1e-12)
    np.testing.assert_allclose(again.points, sample.points[[row]], rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_weights_of_fermats_do_not_change_under_permutations_and_phases(dimension):
    sample = sampled("fermat", dimension, 200)
    degree = dimension + 2
    phases = np.exp(2j * np.pi * np.arange(degree) ** 2 / degree)
    for order in list(permutations(range(degree)))[:: max(1, factorial(degree) // 12)]:
        again = points_on(sample.hypersurface, (phases * sample.points)[:, order])
        np.testing.assert_allclose(again.weights, sample.weights, rtol=1e-12)
        np.testing.assert_allclose(
            again.omega_squared / again.fubini_study_determinant,
            sample.omega_squared / sample.fubini_study_determinant,
            rtol=1e-12,
        )


@given(st.floats(0.01, 0.99), st.integers(0, 99))
def test_training_and_test_points_share_no_line_and_are_all_points(share, seed):
    sample = sampled("fermat", 2, 203)
    train, test = sample.split(share, np.random.default_rng(seed))
    assert len(train) + len(test) == len(sample)
    assert not set(train.line) & set(test.line)
    assert len(set(test.line)) == min(max(round(share * 51), 1), 50)
    np.testing.assert_array_equal(np.sort(np.append(train.weights, test.weights)), np.sort(sample.weights))
    np.testing.assert_allclose(train.hypersurface.distances(train.points), 0.0, atol=1e-14)


def test_taking_points_takes_all_that_belongs_to_them():
    sample = sampled("dwork", 3, 50)
    some = sample.take([5, 3])
    np.testing.assert_array_equal(some.frame, sample.frame[[5, 3]])
    np.testing.assert_array_equal(some.weights, sample.weights[[5, 3]])
    masked = sample.take(sample.line == 2)
    assert len(masked) == 5


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5])
def test_an_empty_share_is_refused(share):
    with pytest.raises(ValueRangeError, match="between 0 and 1"):
        sampled("fermat", 1, 30).split(share, np.random.default_rng(0))


def test_no_points_at_all_are_refused():
    with pytest.raises(ValueRangeError, match="1 or more"):
        sample_points(surface("fermat", 1), 0, np.random.default_rng(0))


def test_charts_that_do_not_fit_are_refused():
    sample = sampled("fermat", 1, 30)
    charts = sample.hypersurface, sample.points, sample.patch
    with pytest.raises(ShapeError, match="do not fit"):
        charted(*charts, sample.dependent[:-1], sample.line)
    with pytest.raises(ShapeError, match="from 0 to 2"):
        charted(*charts, sample.dependent + 3, sample.line)
    with pytest.raises(ValueRangeError, match="two different"):
        charted(*charts, sample.patch, sample.line)


def test_newtons_method_that_does_not_end_says_so(monkeypatch):
    monkeypatch.setattr("laflow.metric.geometry.sampling.STEP_BELOW", 0.0)
    monkeypatch.setattr("laflow.metric.geometry.sampling.NEWTON_STEPS", 1)
    with pytest.raises(ConvergenceError, match="close to singular"):
        sample_points(surface("fermat", 1), 30, np.random.default_rng(0))


def test_a_hypersurface_in_unitary_coordinates_has_the_same_mean_weight():
    """The sampler knows no preferred coordinates: ∫|Ω|² is unchanged by unitary changes of them, det = 1 in modulus."""
    from tests.laflow.metric.test_hypersurfaces import substituted

    turn, _ = np.linalg.qr(random_basis(3, seed=4, size=1.0))
    turned = Hypersurface(substituted(fermat(1), turn))
    found = [
        estimated_mean(sample.weights, sample.line)
        for sample in (sampled("fermat", 1, 30_000), sample_points(turned, 30_000, np.random.default_rng(9)))
    ]
    error = np.hypot(found[0].standard_error, found[1].standard_error)
    assert abs(found[0].value - found[1].value) <= 4.0 * error
