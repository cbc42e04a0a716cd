"""A learned metric sharpens the estimate of the volume that its own equation needs."""

import numpy as np
import pytest

from laflow.metric.geometry.volume import estimate_volume, exact_volume, kappa
from laflow.metric.learning.training import train_metric
from laflow.metric.model.phi_model import PhiModel
from laflow.metric.quality.controlled_volume import controlled_kappa, controlled_volume
from tests.laflow.metric.surfaces import sampled

# 4 standard errors are passed once in 16 000 draws; the draws here are fixed.
SURE = 4.0


def learned(kind, dimension, steps):
    sample = sampled(kind, dimension, 1000)
    rng = np.random.default_rng(3)
    return train_metric(PhiModel.fresh(sample, rng, width=8), sample, steps=steps, rng=rng).model


@pytest.mark.parametrize(("kind", "dimension"), [("dwork", 1), ("fermat", 2), ("fermat", 3)])
def test_the_error_falls_as_the_metric_is_learned_and_the_exact_value_stays_within_it(kind, dimension):
    model, fresh = learned(kind, dimension, 8), sampled(kind, dimension, 3000, 1)
    plain, sharp = estimate_volume(fresh), controlled_volume(model, fresh)
    exact = exact_volume(fresh.hypersurface)
    assert abs(sharp.value - exact) <= SURE * sharp.standard_error
    assert sharp.standard_error <= 0.1 * plain.standard_error  # a twentieth or less, as found
    constant = controlled_kappa(model, fresh)
    assert abs(constant.value - kappa(fresh.hypersurface).value) <= SURE * constant.standard_error


def test_an_unlearned_metric_does_no_harm():
    sample = sampled("fermat", 2, 1500)
    model = PhiModel.fresh(sample, np.random.default_rng(3), width=8)
    plain, other = estimate_volume(sample), controlled_volume(model, sample)
    assert other.standard_error <= 1.001 * plain.standard_error
    flat = model.with_parameters(np.zeros_like(model.parameters))  # Fubini–Study: det g tells nothing
    assert controlled_volume(flat, sample).value == pytest.approx(plain.value)
