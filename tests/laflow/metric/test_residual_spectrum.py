"""The spectrum foretells how a small gradient step moves the loss."""

import numpy as np
import pytest

from laflow.errors import ProblemSizeError
from laflow.metric.learning.objective import MetricObjective
from laflow.metric.model.phi_model import PhiModel
from laflow.metric.tangent.residual_spectrum import residual_spectrum
from tests.laflow.metric.surfaces import DIMENSIONS, sampled


def fresh(dimension):
    return PhiModel.fresh(sampled("fermat", dimension, 300), np.random.default_rng(3), width=5, depth=1)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_energies_sum_up_to_the_loss_and_their_mean_rate_is_the_gradients_square(dimension):
    """dL/dt = -4 ρᵀKρ = -|∂L|² along gradient descent, by the chain rule and by the spectrum."""
    model, sample = fresh(dimension), sampled("fermat", dimension, 60, 1)
    found = residual_spectrum(model, sample)
    loss, gradient = MetricObjective(model.network, model.prepare(sample, np.float64)).gradient(model.parameters)
    assert found.energies.sum() == pytest.approx(loss.value, rel=1e-12)
    assert 4.0 * found.eigenvalues @ found.energies == pytest.approx(gradient @ gradient, rel=1e-10)


def test_the_kernel_has_no_more_modes_than_parameters_and_eigenvalues_fall():
    model = fresh(2)
    found = residual_spectrum(model, sampled("fermat", 2, 120, 1))
    assert (np.diff(found.eigenvalues) <= 0.0).all()
    assert found.rank_within(1e-12) <= model.network.parameter_count
    assert 1.0 <= found.effective_rank <= found.rank_within(1e-12)
    assert found.energy_share(120) == pytest.approx(1.0)
    assert 0.0 <= found.energy_share(5) <= found.energy_share(20) <= 1.0


def test_a_spectrum_that_does_not_fit_is_refused_with_the_largest_that_does(monkeypatch):
    monkeypatch.setattr("laflow.metric.tangent.residual_spectrum.available_memory", lambda: 4 * 100_000)
    with pytest.raises(ProblemSizeError, match=r"the kernel of 300 points .* at most 1\d\d points fit"):
        residual_spectrum(fresh(1), sampled("fermat", 1, 300))
