"""Φ is that of SciPy to the rounding of the type, everywhere."""

import numpy as np
import pytest
from scipy.special import ndtr

from laflow.metric.model.normal_distribution import COEFFICIENTS, normal_distribution


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_it_is_within_one_unit_in_the_last_place_of_1(kind):
    u = np.linspace(-45.0, 45.0, 1_000_001).astype(kind)
    near = np.random.default_rng(0).normal(scale=2.0, size=1_000_000).astype(kind)
    for values in (u, near):
        found = normal_distribution(values)
        assert found.dtype == kind
        assert np.abs(found - ndtr(values.astype(np.float64))).max() <= np.finfo(kind).eps


def test_single_precision_has_the_limits_and_the_middle():
    values = np.array([-np.inf, -1e30, -40.0, 0.0, 40.0, 1e30, np.inf], dtype=np.float32)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(normal_distribution(values), [0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0])
    assert np.isnan(normal_distribution(np.array([np.nan], dtype=np.float32)))[0]


def test_the_slope_at_0_is_the_density_to_the_precision_of_the_fit():
    assert COEFFICIENTS[-1] / 2 == pytest.approx(1 / np.sqrt(2 * np.pi), rel=1e-6)


def test_the_reflection_is_exact_in_single_precision_but_for_its_last_addition():
    u = np.random.default_rng(1).normal(size=1000).astype(np.float32)
    np.testing.assert_allclose(normal_distribution(u) + normal_distribution(-u), 1.0, rtol=0, atol=2.0**-23)
