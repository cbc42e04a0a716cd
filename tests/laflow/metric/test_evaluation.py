"""What an evaluation says of a metric is true of it."""

from dataclasses import replace

import numpy as np
import pytest

from laflow.errors import ValueRangeError
from laflow.metric.geometry.volume import kappa
from laflow.metric.model.phi_model import PhiModel
from laflow.metric.quality.evaluation import evaluate, evaluate_curvature, evaluate_metric, relative_eigenvalues
from tests.laflow.metric.surfaces import DIMENSIONS, sampled

# 4 standard errors are passed once in 16 000 draws; the draws here are fixed.
SURE = 4.0


def fresh(dimension, kind="fermat"):
    return PhiModel.fresh(sampled(kind, dimension, 2000), np.random.default_rng(3), width=6, depth=1)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_model_lies_in_the_class_of_the_hyperplane_and_is_a_metric(dimension):
    found = evaluate(fresh(dimension), sampled("fermat", dimension, 2000, 1))
    assert abs(found.volume.value - found.exact_volume) <= SURE * found.volume.standard_error
    for estimate in (found.class_number, found.class_pairing):
        assert abs(estimate.value - found.degree) <= SURE * estimate.standard_error
    assert found.positive_share == 1.0
    assert 0.0 < found.least_eigenvalue < 1.0
    assert found.sigma.value**2 <= found.mean_square.value <= found.largest_residual**2
    assert found.kappa.standard_error == 0.0


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_metric_of_twice_the_size_is_seen_to_lie_in_another_class(dimension):
    sample = sampled("fermat", dimension, 2000, 1)
    found = evaluate_metric(2.0 * sample.fubini_study, sample, kappa(sample.hypersurface))
    assert found.class_number.value > 1.9 * found.degree
    assert found.class_pairing.value > 1.9 * found.degree
    assert found.least_eigenvalue == pytest.approx(2.0)


def test_a_form_that_is_no_metric_at_one_point_is_told_to_be_none():
    sample = sampled("fermat", 3, 50)
    form = sample.fubini_study.copy()
    form[7] = -form[7]
    found = evaluate_metric(form, sample, kappa(sample.hypersurface))
    assert found.positive_share == 49 / 50
    assert found.least_eigenvalue == pytest.approx(-1.0)


def test_eigenvalues_relative_to_fubini_study_do_not_depend_on_the_chart():
    model, sample = fresh(2), sampled("fermat", 2, 200, 1)
    pairs = zip(sample.patch, sample.dependent, strict=True)
    other = np.array([min({0, 1, 2, 3} - {int(i) for i in pair}) for pair in pairs])
    moved = replace(sample, dependent=other, omega_squared=sample.hypersurface.omega_squared(sample.points, other))
    far = np.abs(sample.hypersurface.polynomial.gradient(sample.points)[np.arange(200), other]) > 0.2
    here, there = (relative_eigenvalues(model.metric(s), s)[far] for s in (sample, moved))
    assert far.sum() > 20
    np.testing.assert_allclose(here, there, rtol=1e-9)  # the slope 0.2 costs a few digits


@pytest.mark.parametrize(("dimension", "euler", "relative"), [(1, 0, 0.0), (2, 24, 0.2)])
def test_the_euler_number_is_that_of_the_surface_and_differences_cost_little(dimension, euler, relative):
    found = evaluate_curvature(fresh(dimension), sampled("fermat", dimension, 400, 1))
    assert found.exact_euler == euler
    assert abs(found.euler.value - euler) <= SURE * found.euler.standard_error
    assert found.euler.standard_error <= max(relative * euler, 0.5)  # so that a wrong one is seen
    assert 0.0 < found.ricci_difference <= 1e-5 * found.ricci.value
    assert 0.0 < found.euler_difference <= 1e-4


def test_fubini_study_and_a_flat_potential_have_the_same_curvature():
    """φ = 0: the Ricci measure is that of the exact jets of Fubini–Study."""
    from laflow.metric.quality.curvature import scalar_curvature
    from laflow.metric.quality.measures import ricci_measure
    from laflow.metric.quality.metric_jets import fubini_study_jets

    model, sample = fresh(2), sampled("fermat", 2, 200, 1)
    flat = model.with_parameters(np.zeros_like(model.parameters))
    exact = ricci_measure(sample, sample.fubini_study_determinant, scalar_curvature(fubini_study_jets(sample)))
    assert evaluate_curvature(flat, sample).ricci.value == pytest.approx(exact.value, rel=1e-12)


def test_a_metric_with_a_number_that_is_none_is_refused():
    sample = sampled("fermat", 1, 20)
    form = sample.fubini_study.copy()
    form[3] = np.nan
    with pytest.raises(ValueRangeError, match="not finite"):
        evaluate_metric(form, sample, kappa(sample.hypersurface))
