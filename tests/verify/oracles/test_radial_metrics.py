"""Jets of radial metrics are difference quotients of each other, and their determinants are the known ones."""

import numpy as np
import pytest

from verify.oracles.radial_metrics import eguchi_hanson_slopes, projective_slopes, radial_jets

X = np.random.default_rng(0).standard_normal((4, 2, 2)) @ np.array([1.0, 1.0j])
STEP = 1e-5


@pytest.mark.parametrize("slopes", [projective_slopes, eguchi_hanson_slopes])
@pytest.mark.parametrize("direction", [0, 1])
def test_derivatives_are_difference_quotients(slopes, direction):
    unit = np.eye(2)[direction]

    def moved(factor):
        plus, minus = (radial_jets(slopes, X + sign * STEP * factor * unit) for sign in (1, -1))
        return [(p - m) / (2.0 * STEP) for p, m in zip(plus, minus, strict=True)]

    along, across = moved(1.0), moved(1.0j)
    metric, first, second = radial_jets(slopes, X)
    # ∂ = (∂_re - i ∂_im)/2 and its conjugate; central differences err by STEP² and 1e-16/STEP.
    np.testing.assert_allclose((along[0] - 1j * across[0]) / 2.0, first[:, direction], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose((along[1] + 1j * across[1]) / 2.0, second[:, :, direction], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(metric, metric.conj().swapaxes(1, 2), rtol=1e-14, atol=1e-16)


def test_determinants_are_the_known_ones():
    size = np.sum(np.abs(X) ** 2, axis=1)
    np.testing.assert_allclose(np.linalg.det(radial_jets(eguchi_hanson_slopes, X)[0]), 1.0, rtol=1e-13)
    expected = 1.0 / np.pi**2 / (1.0 + size) ** 3
    np.testing.assert_allclose(np.linalg.det(radial_jets(projective_slopes, X)[0]), expected, rtol=1e-13)
