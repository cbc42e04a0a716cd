"""Volumes: closed forms against periods and quadratures, estimates against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laflow.errors import ValueRangeError
from laflow.metric.geometry.hypersurface import Hypersurface
from laflow.metric.geometry.polynomial import Polynomial, dwork, fermat
from laflow.metric.geometry.sampling import sample_points
from laflow.metric.geometry.volume import estimate_volume, exact_volume, kappa, kappa_of_volume
from tests.laflow.metric.surfaces import DIMENSIONS, sampled, surface
from verify.oracles import cubic_periods

# To 8 digits as in the literature on Fermat's, computed there from gamma functions.
PUBLISHED = {1: 2.7028761, 2: 11.8170450, 3: 47.2975609}
IN_DISC = st.builds(lambda r, t: r * np.exp(1j * t), st.floats(0.0, 0.98), st.floats(0.0, 7.0))


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_volumes_of_fermats_are_the_published_ones(dimension):
    assert exact_volume(surface("fermat", dimension)) == pytest.approx(PUBLISHED[dimension], abs=6e-8)


def test_kappa_of_the_quintic_is_the_published_one():
    found = kappa(surface("fermat", 3))
    assert found.value == pytest.approx(0.01761895, abs=6e-9)
    assert found.standard_error == 0.0


@given(IN_DISC)
def test_volumes_of_cubics_are_the_areas_of_their_period_lattices(psi):
    # The series has relative rounding of 1e-14/(1 - |ψ|).
    exact = cubic_periods.pencil_volume(psi)
    assert exact_volume(Hypersurface(dwork(1, psi))) == pytest.approx(exact, rel=1e-14 / (1.0 - abs(psi)))


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("psi", [0.0, 0.7, -0.6, 0.5 + 0.5j, 0.95j])
def test_estimated_volumes_lie_within_four_standard_errors_of_exact_ones(dimension, psi):
    hypersurface = Hypersurface(dwork(dimension, psi))
    found = estimate_volume(sample_points(hypersurface, 20_000, np.random.default_rng(7)))
    exact = exact_volume(hypersurface)
    assert exact is not None
    assert abs(found.value - exact) <= 4.0 * found.standard_error
    assert found.standard_error <= 0.02 * exact


@given(st.sampled_from(DIMENSIONS), IN_DISC, st.integers(0, 6))
def test_volumes_in_the_pencil_do_not_change_with_the_phase_that_coordinates_absorb(dimension, psi, power):
    turned = psi * np.exp(2j * np.pi * power / (dimension + 2))
    one, two = (exact_volume(Hypersurface(dwork(dimension, value))) for value in (psi, turned))
    assert one == pytest.approx(two, rel=1e-12 / (1.0 - abs(psi)))


@given(st.sampled_from(DIMENSIONS), st.integers(0, 99))
def test_scaled_coordinates_scale_the_volume_as_the_substitution_says(dimension, seed):
    """p(f_i z_i) has the volume of p over Π|f_i|²."""
    rng = np.random.default_rng(seed)
    degree = dimension + 2
    factors = rng.uniform(0.7, 1.4, degree) * np.exp(2j * np.pi * rng.random(degree))
    standard = dwork(dimension, 0.5)
    scaled = Polynomial(standard.exponents, standard.coefficients * np.prod(factors**standard.exponents, axis=1))
    found, before = exact_volume(Hypersurface(scaled)), exact_volume(Hypersurface(standard))
    assert found == pytest.approx(before / np.prod(np.abs(factors)) ** 2, rel=1e-12)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_where_no_closed_form_is_known_none_is_claimed(dimension):
    assert exact_volume(surface("generic", dimension)) is None
    assert exact_volume(Hypersurface(dwork(dimension, 1.5))) is None
    with pytest.raises(ValueRangeError, match="give a sample"):
        kappa(surface("generic", dimension))


def test_estimated_kappa_is_the_degree_over_the_volume_with_its_relative_error():
    sample = sampled("generic", 2, 4000)
    volume, found = estimate_volume(sample), kappa(sample.hypersurface, sample)
    assert found.value * volume.value == pytest.approx(2.0)
    assert found.standard_error / found.value == pytest.approx(volume.standard_error / volume.value)


def test_no_positive_volume_is_refused():
    with pytest.raises(ValueRangeError, match="positive"):
        kappa_of_volume(Hypersurface(fermat(1)), 0.0)
