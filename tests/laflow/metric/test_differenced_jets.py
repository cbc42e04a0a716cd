"""Differences on circles give the derivatives that closed forms have, to the fourth order of their step."""

import numpy as np
import pytest

from laflow.errors import ConvergenceError, ShapeError
from laflow.metric.geometry.fubini_study import fubini_study
from laflow.metric.model.phi_model import PhiModel
from laflow.metric.quality.differenced_jets import differenced_jets, metric_jets, shifted
from laflow.metric.quality.metric_jets import fubini_study_jets
from tests.laflow.metric.surfaces import DIMENSIONS, KINDS, random_basis, sampled


def worst(found, exact):
    """The largest relative error over points, for the first and for the mixed second derivatives."""
    axes = {"first": (1, 2, 3), "second": (1, 2, 3, 4)}
    return [
        float(
            np.max(
                np.abs(getattr(found, name) - getattr(exact, name)).max(axis=where)
                / np.abs(getattr(exact, name)).max(axis=where)
            )
        )
        for name, where in axes.items()
    ]


def other_metric(degree):
    """Fubini–Study's metric of other coordinates, whose jets `fubini_study_jets` has in closed form."""
    basis = random_basis(degree, 3)
    return basis, lambda points: fubini_study(points.points @ basis, points.frame @ basis)


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_differences_are_the_exact_derivatives(kind, dimension):
    sample = sampled(kind, dimension, 60)
    basis, form = other_metric(dimension + 2)
    first, second = worst(differenced_jets(form, sample), fubini_study_jets(sample, basis))
    # The worst of 200 points of each surface had 3e-8 and 1.1e-6, where X bends most.
    assert first <= 2e-7
    assert second <= 1e-5


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_errors_fall_with_the_fourth_power_of_the_step(dimension):
    sample = sampled("dwork", dimension, 60)
    basis, form = other_metric(dimension + 2)
    exact = fubini_study_jets(sample, basis)
    coarse, fine = (worst(differenced_jets(form, sample, step=step), exact) for step in (0.04, 0.02))
    for large, small in zip(coarse, fine, strict=True):
        assert np.log2(large / small) == pytest.approx(4.0, abs=0.3)  # 3.9 to 4.1 as found


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_shifted_points_lie_on_the_surface_with_the_coordinates_asked_for(dimension):
    sample = sampled("generic", dimension, 20)
    rng = np.random.default_rng(0)
    offsets = 0.02 * (rng.standard_normal((20, 3, dimension, 2)) @ np.array([1.0, 1.0j]))
    moved = shifted(sample, offsets)
    moved.hypersurface.require_on(moved.points, within=1e-14)
    local = sample.hypersurface.local(sample.patch, sample.dependent)
    for k in range(3):
        change = moved.points[k::3] - sample.points
        np.testing.assert_allclose(np.take_along_axis(change, local, axis=1), offsets[:, k], atol=1e-15)
        np.testing.assert_array_equal(change[np.arange(20), sample.patch], 0.0)
    np.testing.assert_array_equal(moved.line, np.repeat(sample.line, 3))


def test_the_jets_of_a_model_are_symmetric_as_those_of_a_kahler_metric():
    sample = sampled("fermat", 2, 40)
    model = PhiModel.fresh(sample, np.random.default_rng(0), width=8)
    jets = metric_jets(model, sample)
    np.testing.assert_allclose(jets.metric, model.metric(sample), rtol=1e-13)
    size = float(np.abs(jets.second).max())
    # ∂_c g_ab̄ = ∂_a g_cb̄, though each is differenced from another component of the metric.
    np.testing.assert_allclose(jets.first, jets.first.swapaxes(1, 2), atol=1e-7 * size)
    np.testing.assert_allclose(jets.second, jets.second.swapaxes(1, 3), atol=1e-6 * size)


def test_what_cannot_be_differenced_is_refused():
    sample = sampled("fermat", 2, 5)
    with pytest.raises(ShapeError, match=r"offsets have shape \(5, 4, 3\): give \(5, any, 2\)"):
        shifted(sample, np.zeros((5, 4, 3), dtype=complex))

    # To where 1 + x_0⁴ + x_1⁴ = 0, so that z_dep = 0 is a root of order four: the chart ends.
    local = np.take_along_axis(sample.points, sample.hypersurface.local(sample.patch, sample.dependent), axis=1)
    offsets = np.zeros((5, 1, 2), dtype=complex)
    offsets[:, 0, 0] = (-1.0 - local[:, 1] ** 4) ** 0.25 - local[:, 0]
    with pytest.raises(ConvergenceError, match="take a smaller step"):
        shifted(sample, offsets)
