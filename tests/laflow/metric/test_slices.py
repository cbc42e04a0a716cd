"""Slices lie on their hypersurface; the plane over a cubic curve has the curve's area as its lattice's."""

import numpy as np
import pytest

from laflow.errors import ConvergenceError, ValueRangeError
from laflow.metric.geometry.slices import STEEPEST, periods, universal_cover, widest_disc
from laflow.metric.geometry.volume import estimate_volume, exact_volume
from tests.laflow.metric.surfaces import KINDS, sampled, surface


def cover(kind, side=5.0, cells=61):
    return universal_cover(surface(kind, 1), sampled(kind, 1, 9).points[0], side, cells)


@pytest.mark.parametrize("kind", KINDS)
def test_the_periods_span_the_area_of_the_curve(kind):
    first, second = periods(cover(kind))
    area = abs((first.conjugate() * second).imag)
    exact = exact_volume(surface(kind, 1))
    if exact is not None:
        # Runge and Kutta's error at this spacing, 0.08: 1e-5 as found, and 16 times less at half of it.
        assert area == pytest.approx(exact, rel=5e-5)
    else:
        estimate = estimate_volume(sampled(kind, 1, 20_000))
        assert abs(area - estimate.value) <= 4.0 * estimate.standard_error


def test_the_lattice_of_fermats_cubic_is_hexagonal():
    first, second = periods(cover("fermat"))
    ratio = second / first
    assert abs(abs(ratio) - 1.0) <= 1e-5
    assert abs(abs(ratio.real) - 0.5) <= 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_in_the_plane_is_the_integral_of_the_residue_form(kind):
    plane = cover(kind, side=0.5, cells=51)
    sample, spacing = plane.sample, 0.01
    rows = sample.points.reshape(51, 51, 3)
    compared = 0
    for i in range(50):
        for j in range(50):
            here, right, above = (51 * i + j, rows[i, j + 1], rows[i + 1, j])
            patch, dependent = sample.patch[here], sample.dependent[here]
            local = 3 - patch - dependent
            slope = sample.hypersurface.polynomial.gradient(sample.points[here][None])[0, dependent]
            steps = [(z / z[patch] - rows[i, j])[local] / slope for z in (right, above)]
            # Ω = ± dx/∂_dep p = du, with one sign for both directions; the quotients are off by half a spacing or so.
            sign = np.sign((steps[0] / spacing).real)
            assert abs(sign * steps[0] / spacing - 1.0) <= 0.1
            assert abs(sign * steps[1] / spacing - 1.0j) <= 0.1
            compared += 1
    assert compared == 2500


@pytest.mark.parametrize(("kind", "dimension"), [("fermat", 2), ("dwork", 3), ("generic", 2)])
def test_a_disc_lies_on_the_surface_along_a_line_of_its_local_coordinates(kind, dimension):
    found = widest_disc(sampled(kind, dimension, 50), np.random.default_rng(0), 21)
    sample = found.sample
    sample.hypersurface.require_on(sample.points, within=1e-13)
    assert found.inside.sum() == len(sample) > 100
    assert np.abs(found.parameter[found.inside]).max() <= 1.0
    # In one chart, all coordinates but the dependent one are affine in t; and that one changes slowly.
    middle = sample.take(found.image(np.arange(float(len(sample))))[10, 10].astype(int)[None])
    patch, dependent = int(middle.patch[0]), int(middle.dependent[0])
    chart = sample.points / sample.points[:, [patch]]
    t = found.parameter[found.inside]
    for i in range(dimension + 2):
        slope = (chart[:, i] - middle.points[0, i])[t != 0] / t[t != 0]
        if i == dependent:
            assert np.abs(slope).max() <= STEEPEST
        else:
            np.testing.assert_allclose(slope, slope[0], atol=1e-12)


def test_values_come_back_to_their_places():
    found = widest_disc(sampled("fermat", 2, 50), np.random.default_rng(0), 21)
    image = found.image(np.arange(float(len(found.sample))))
    assert np.isnan(image[~found.inside]).all()
    np.testing.assert_array_equal(image[found.inside], np.arange(len(found.sample)))


def test_what_has_no_plane_is_refused():
    with pytest.raises(ValueRangeError, match="dimension 2: give a curve"):
        universal_cover(surface("fermat", 2), np.ones(4), 1.0, 5)
    with pytest.raises(ValueRangeError, match="4 points a side"):
        universal_cover(surface("fermat", 1), np.ones(3), 1.0, 4)
    with pytest.raises(ConvergenceError, match="give a larger one"):
        periods(cover("fermat", side=1.0, cells=21))
