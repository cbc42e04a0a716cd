"""Measures of metrics: known values for Fubini–Study, integrals that topology fixes, and errors that they notice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laflow.errors import ShapeError, ValueRangeError
from laflow.metric.geometry.fubini_study import fubini_study, projective_angle
from laflow.metric.geometry.sampling import points_on
from laflow.metric.geometry.volume import kappa
from laflow.metric.quality import measures
from laflow.metric.quality.curvature import scalar_curvature
from laflow.metric.quality.metric_jets import fubini_study_jets
from tests.laflow.metric.surfaces import DIMENSIONS, KINDS, random_basis, sampled

SIGMA = {1: 0.097, 2: 0.230, 3: 0.373}
EULER = {1: 0, 2: 24, 3: -200}
# 4 standard errors are passed once in 16 000 draws; the draws here are fixed.
SURE = 4.0


def exact_kappa(sample):
    return kappa(sample.hypersurface).value


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_sigma_of_fubini_study_is_the_known_one(dimension):
    sample = sampled("fermat", dimension, 40_000)
    found = measures.sigma(sample, sample.fubini_study_determinant, exact_kappa(sample))
    assert abs(found.value - SIGMA[dimension]) <= 0.003 + SURE * found.standard_error
    assert found.standard_error <= 0.003


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_metric_with_the_determinant_of_the_residue_form_has_no_residual(dimension):
    sample = sampled("fermat", dimension, 100)
    constant = exact_kappa(sample)
    for measure in (measures.sigma, measures.mean_square):
        assert measure(sample, constant * sample.omega_squared, constant).value <= 1e-15
        # r = 1/4 everywhere.
        expected = 0.25 if measure is measures.sigma else 0.0625
        assert measure(sample, 1.25 * constant * sample.omega_squared, constant).value == pytest.approx(expected)


@given(st.sampled_from(DIMENSIONS), st.integers(0, 99))
def test_the_mean_residual_of_a_metric_of_the_class_is_zero_and_the_square_bounds_sigma(dimension, seed):
    sample = sampled("fermat", dimension, 4000)
    basis = random_basis(dimension + 2, seed, 0.1)
    determinant = measures.determinants(fubini_study(sample.points @ basis, sample.frame @ basis))
    constant = exact_kappa(sample)
    sigma, square = (m(sample, determinant, constant) for m in (measures.sigma, measures.mean_square))
    assert sigma.value**2 <= square.value
    residual = measures.residuals(sample, determinant, constant)
    assert sigma.value == pytest.approx(np.average(np.abs(residual), weights=sample.weights), rel=1e-12)
    assert square.value == pytest.approx(np.average(residual**2, weights=sample.weights), rel=1e-12)
    mean = measures.estimated_ratio(sample.weights * residual, sample.weights, sample.line)
    assert abs(mean.value) <= SURE * np.hypot(mean.standard_error, 0.002)


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_fubini_study_is_in_its_class_to_rounding(kind, dimension):
    sample = sampled(kind, dimension, 2000)
    found = measures.class_number(sample, sample.fubini_study)
    assert found.value == pytest.approx(dimension + 2, rel=1e-12)
    pairing = measures.class_pairing(sample, sample.fubini_study, sample.fubini_study)
    assert pairing.value == pytest.approx(dimension + 2, rel=1e-12)


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_other_metrics_of_the_class_are_found_in_it_and_others_are_not(kind, dimension):
    """g_FS + ∂∂̄φ with φ = (1/π) log(|zL|²/|z|²)."""
    sample = sampled(kind, dimension, 40_000)
    basis = random_basis(dimension + 2)
    metric = fubini_study(sample.points @ basis, sample.frame @ basis)
    found = measures.class_number(sample, metric)
    pairing = measures.class_pairing(sample, metric, sample.fubini_study)
    for estimate in (found, pairing):
        assert abs(estimate.value - (dimension + 2)) <= SURE * estimate.standard_error
        assert estimate.standard_error <= 0.05 * (dimension + 2)
    assert np.abs(metric / sample.fubini_study - 1.0).max() > 0.5  # another metric indeed
    outside = measures.class_pairing(sample, 1.2 * metric, sample.fubini_study)
    assert abs(outside.value - (dimension + 2)) > SURE * outside.standard_error


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_chern_numbers_are_those_of_the_hypersurface_from_any_metric(kind, dimension):
    sample = sampled(kind, dimension, 8000)
    for basis in (None, random_basis(dimension + 2, size=0.1)):
        jets = fubini_study_jets(sample, basis)
        found = measures.euler_number(sample, jets)
        assert abs(found.value - EULER[dimension]) <= SURE * found.standard_error
        for order in range(1, dimension + 1):
            number = measures.chern_number(sample, jets, order)
            exact = measures.exact_chern_number(dimension, order)
            assert abs(number.value - exact) <= SURE * number.standard_error
        assert number.value == pytest.approx(found.value, abs=1e-9)


@pytest.mark.parametrize(("dimension", "numbers"), [(1, (3, 0)), (2, (4, 0, 24)), (3, (5, 0, 50, -200))])
def test_exact_chern_numbers_are_the_published_ones(dimension, numbers):
    assert tuple(measures.exact_chern_number(dimension, k) for k in range(dimension + 1)) == numbers
    with pytest.raises(ValueRangeError, match=f"0 to {dimension}"):
        measures.exact_chern_number(dimension, dimension + 1)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_the_ricci_measure_is_a_mean_of_the_scalar_curvature(dimension):
    sample = sampled("dwork", dimension, 500)
    jets = fubini_study_jets(sample)
    scalar = scalar_curvature(jets)
    found = measures.ricci_measure(sample, sample.fubini_study_determinant, scalar)
    assert found.value == pytest.approx(np.abs(scalar).mean(), rel=1e-12)  # points have the density det g_FS
    assert measures.ricci_measure(sample, sample.fubini_study_determinant, np.zeros(500)).value == 0.0
    # c_1 = 0: the scalar curvature integrates to 0.
    mean = measures.integral(sample, scalar * sample.fubini_study_determinant)
    assert abs(mean.value) <= SURE * mean.standard_error


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_measures_do_not_depend_on_scale_phase_or_order_of_coordinates(dimension):
    sample = sampled("fermat", dimension, 1000)
    degree = dimension + 2
    rng = np.random.default_rng(dimension)
    scale = np.exp(rng.standard_normal((1000, 2)) @ np.array([1.0, 1.0j]))[:, None]
    phases = np.exp(2j * np.pi * rng.integers(0, degree, degree) / degree)
    again = points_on(sample.hypersurface, (scale * phases * sample.points)[:, rng.permutation(degree)], sample.line)
    constant = exact_kappa(sample)
    for one, two in (
        (sample.omega_squared / sample.fubini_study_determinant, again.omega_squared / again.fubini_study_determinant),
        (
            measures.residuals(sample, measures.determinants(sample.fubini_study), constant),
            measures.residuals(again, measures.determinants(again.fubini_study), constant),
        ),
        (scalar_curvature(fubini_study_jets(sample)), scalar_curvature(fubini_study_jets(again))),
    ):
        # Curvature at the worst of the points is a difference of numbers 1e3 times as large.
        np.testing.assert_allclose(two, one, rtol=1e-10, atol=1e-10)


@given(st.integers(2, 5), st.floats(-9.0, 0.0), st.integers(0, 99))
def test_projective_angles_are_right_also_where_they_are_tiny(size, exponent, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((size, size, 2)) @ np.array([1.0, 1.0j])
    basis, _ = np.linalg.qr(vectors)
    angle = 10.0**exponent
    one, two = basis[0], np.cos(angle) * basis[0] + np.sin(angle) * basis[1]
    phases = np.exp(1j * rng.standard_normal(2)) * np.array([3.0, 1e-5])
    found = projective_angle(phases[0] * one, phases[1] * two)
    # Rows of a QR factor are orthonormal to 1e-15 each, an absolute error of angles.
    assert found == pytest.approx(angle, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_small_angles_are_lengths_of_the_fubini_study_metric(dimension):
    """π g_FS(v, v̄) |ε|² is the squared angle between z(x) and z(x + εv), to the second order."""
    sample = sampled("generic", dimension, 40)
    velocity = np.random.default_rng(0).standard_normal((40, dimension, 2)) @ np.array([1.0, 1.0j])
    step = 1e-6
    moved = sample.points + step * np.einsum("pa,pai->pi", velocity, sample.frame)
    metric = fubini_study(sample.points, sample.frame)
    length = np.sqrt(np.pi * np.einsum("pa,pab,pb->p", velocity, metric, velocity.conj()).real)
    np.testing.assert_allclose(projective_angle(sample.points, moved), step * length, rtol=1e-4)


def test_values_that_are_not_one_a_point_are_refused():
    sample = sampled("fermat", 1, 30)
    with pytest.raises(ShapeError, match="one for each of the 30 points"):
        measures.kahler_volume(sample, np.ones(29))
    with pytest.raises(ValueRangeError, match="kappa is -1"):
        measures.sigma(sample, np.ones(30), -1.0)
