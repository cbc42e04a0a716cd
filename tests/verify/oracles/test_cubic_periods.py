"""Areas of period lattices: the two routes to Fermat's agree with its beta function, and areas obey the symmetries."""

import numpy as np
import pytest
from mpmath import gamma, mp, mpf, pi

from verify.oracles import cubic_periods


def test_the_quadrature_is_the_complex_beta_function():
    with mp.workdps(30):
        third = mpf(1) / 3
        exact = pi * (gamma(third) / gamma(2 * third)) ** 3 / 9
        assert abs(cubic_periods.fermat_volume() / exact - 1) < cubic_periods.DETECTION_LIMIT


@pytest.mark.parametrize("psi", [0.3, 0.5j, -0.8, 1.7, 2.0 - 1.0j])
def test_third_roots_of_unity_and_conjugation_change_no_area(psi):
    area = cubic_periods.pencil_volume(psi)
    assert cubic_periods.pencil_volume(psi * np.exp(2j * np.pi / 3)) == pytest.approx(area, rel=1e-13)
    assert cubic_periods.pencil_volume(np.conj(psi)) == pytest.approx(area, rel=1e-13)


@pytest.mark.parametrize("psi", [0.3, 0.5j, -0.8, 1.7])
def test_the_hessian_group_maps_the_pencil_to_itself(psi):
    """z ↦ Fz with F = (ω^(ij)) turns ψ into (ψ+2)/(ψ-1): p(Fz) = 3(1-ψ)(Σz³ - 3ψ' Πz), and |det F|² = 27."""
    other = (psi + 2.0) / (psi - 1.0)
    scale = 27.0 / abs(3.0 * (1.0 - psi)) ** 2
    assert cubic_periods.pencil_volume(other) * scale == pytest.approx(cubic_periods.pencil_volume(psi), rel=1e-12)


def test_a_degenerating_curve_has_an_area_that_grows_like_a_logarithm():
    areas = [cubic_periods.pencil_volume(1.0 + 10.0**-k) for k in (4, 6, 8)]
    assert areas[2] - areas[1] == pytest.approx(areas[1] - areas[0], rel=1e-2)
