"""Divided differences in many digits give the known metrics of curves that are known in closed form."""

import numpy as np
import pytest

from verify.oracles.implicit_surface import DETECTION_LIMIT, ImplicitSurface

X = 0.3 - 0.4j


def conic(basis=None):
    """z_0 z_2 = z_1² at (x², x, 1): a sphere with |z|² = 1 + |x|² + |x|⁴."""
    terms = [(1.0, (1, 0, 1)), (-1.0, (0, 2, 0))]
    return ImplicitSurface(terms, np.array([X**2, X, 1.0]), 2, 0, basis)


# In this basis |zL|² = (1 + |x|²)²: twice the metric of a round sphere.
ROUND = np.diag([1.0, np.sqrt(2.0), 1.0])


def test_a_round_sphere_has_its_metric_and_its_ricci_form():
    surface = conic(ROUND)
    # √2 in double precision is off by 1e-16, so is everything.
    metric = 2.0 / np.pi / (1.0 + abs(X) ** 2) ** 2
    assert surface.metric()[0, 0] == pytest.approx(metric, rel=1e-14)
    assert surface.ricci_form()[0, 0] == pytest.approx(2.0 / (1.0 + abs(X) ** 2) ** 2, rel=1e-13)
    slope = -2.0 * X.conjugate() / (1.0 + abs(X) ** 2) * metric
    assert surface.metric_slopes()[0, 0, 0] == pytest.approx(slope, rel=1e-13)
    bend = metric * (6.0 * abs(X) ** 2 / (1.0 + abs(X) ** 2) ** 2 - 2.0 / (1.0 + abs(X) ** 2))
    assert surface.metric_bends()[0, 0, 0, 0] == pytest.approx(bend, rel=1e-13)


def test_a_conic_has_the_metric_of_its_potential():
    size = abs(X) ** 2
    norm, slope, bend = 1.0 + size + size**2, X.conjugate() * (1.0 + 2.0 * size), 1.0 + 4.0 * size
    expected = (bend / norm - abs(slope) ** 2 / norm**2) / np.pi
    assert conic().metric()[0, 0] == pytest.approx(expected, rel=1e-14)


def test_the_frame_is_that_of_the_explicit_solution():
    np.testing.assert_allclose(conic().frame(), [[2.0 * X, 1.0, 0.0]], rtol=0, atol=1e-15)


def test_a_fault_of_the_detection_limit_is_seen():
    """Nothing but the rounding of the answer to double precision stands between the oracle and the truth."""
    from mpmath import mp, mpc, mpf

    with mp.workdps(60):
        x = mpc(X)
        size = abs(x) ** 2
        # √2 as given, not as meant.
        twist = mpf(float(np.sqrt(2.0))) ** 2
        norm = 1 + twist * size + size**2
        exact = ((twist + 4 * size) / norm - abs(mp.conj(x) * (twist + 2 * size)) ** 2 / norm**2) / mp.pi
        assert abs(mpf(float(conic(ROUND).metric()[0, 0].real)) / exact - 1) < DETECTION_LIMIT


def test_a_point_far_from_the_surface_where_newton_fails_is_an_error():
    terms = [(1.0, (3, 0, 0)), (1.0, (0, 3, 0)), (1.0, (0, 0, 3))]
    lost = ImplicitSurface(terms, np.array([0.0, np.inf, 1.0]), 2, 0)
    with pytest.raises((ArithmeticError, ZeroDivisionError)):
        lost.metric()
