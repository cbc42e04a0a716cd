"""laflow's jets of networks, their gradients and Jacobians, and the loss, against JAX's autodiff: no shared code."""

import numpy as np
import pytest

from laflow.metric.geometry.hypersurface import Hypersurface
from laflow.metric.geometry.polynomial import dwork
from laflow.metric.geometry.sampling import sample_points
from laflow.metric.learning.objective import MetricObjective
from laflow.metric.model.jet_network import JetNetwork
from laflow.metric.model.phi_model import PhiModel
from verify.peers.jax_phi_model import WAYS, AdamState, Inputs, JaxPhiModel, inputs

# Each of up to 16 channels goes through 3 layers of at most 5 units of size about 1: 1e3 roundings.
ROUNDING = 1e-12


def bare(jets: np.ndarray, n: int) -> Inputs:
    count = jets.shape[1]
    return inputs(jets, np.zeros((n, n, count)), np.ones(count), np.ones(count))


def peer(network: JetNetwork, way: str, **options: int) -> JaxPhiModel:
    return JaxPhiModel(network.sizes, network.activation, way, network.parametrisation, **options)


def close(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING * max(1.0, np.abs(expected).max()))


# Compiling an example takes seconds: every activation, dimension, parametrisation and way once, and not all of them.
EXAMPLES = [
    (1, "gelu", "ntk", "hessian"),
    (1, "square", "standard", "forward-over-reverse"),
    (2, "tanh", "standard", "forward-over-reverse"),
    (2, "softplus", "standard", "forward-over-reverse"),
    (2, "sine", "ntk", "forward-over-reverse"),
    (3, "gelu", "standard", "forward-over-reverse"),
    (3, "erf", "ntk", "forward-over-forward"),
    (2, "gelu", "standard", "jets"),
]


@pytest.mark.parametrize(("dimension", "activation", "parametrisation", "way"), EXAMPLES)
def test_outputs_gradients_and_jacobians_equal_autodiff(dimension, activation, parametrisation, way):
    network = JetNetwork((3, 5, 4, 1), activation, parametrisation, dimension)
    rng = np.random.default_rng(dimension)
    model = peer(network, way)
    for _ in range(3):
        parameters = network.initial_parameters(rng)
        jets, covector = rng.standard_normal((network.channels, 6, 3)), rng.standard_normal((network.channels, 6))
        points = bare(jets, dimension)
        tape = network.forward(parameters, jets)
        close(tape.output, model.output(parameters, points))
        close(network.gradient(tape, covector), model.gradient_of(parameters, points, covector))
        alone = np.zeros_like(covector)
        alone[:, 2] = covector[:, 2]
        close(network.jacobian(tape, covector)[2], model.gradient_of(parameters, points, alone))


def objective(dimension: int, points: int, dtype: type) -> tuple[PhiModel, MetricObjective, Inputs]:
    sample = sample_points(Hypersurface(dwork(dimension, 0.3)), points, np.random.default_rng(dimension))
    model = PhiModel.fresh(sample, np.random.default_rng(0), width=8)
    data = model.prepare(sample, dtype)
    given_ = inputs(data.jets, data.reference, data.target, data.weights)
    return model, MetricObjective(model.network, data), given_


@pytest.mark.parametrize(("dimension", "way"), [(1, WAYS[2]), (2, WAYS[0]), (3, WAYS[1])])
def test_the_loss_of_the_metric_and_its_gradient_equal_autodiff(dimension, way):
    model, ours, points = objective(dimension, 60, np.float64)
    expected, expected_gradient = peer(model.network, way, chunk=20).loss_and_gradient(model.parameters, points)
    loss, gradient = ours.gradient(model.parameters)
    assert loss.value == pytest.approx(float(expected), rel=1e-12)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=0, atol=1e-11 * np.abs(gradient).max())


def test_the_peers_loss_does_not_depend_on_its_chunks_nor_on_how_it_differentiates():
    model, _, points = objective(2, 60, np.float64)
    found = [
        float(peer(model.network, way, chunk=chunk).loss_and_gradient(model.parameters, points)[0])
        for way, chunk in (("forward-over-reverse", 60), ("jets", 13))
    ]
    assert found[1] == pytest.approx(found[0], rel=1e-13)


def test_the_peer_learns():
    model, ours, points = objective(2, 200, np.float32)
    jax_model = peer(model.network, "forward-over-reverse")
    state = AdamState.begin(model.parameters.astype(np.float32))
    for step in range(100):
        state = jax_model.adam_step(state, points, np.arange(200), 1e-2 * (1 - step / 100))
    before, after = (ours.loss(np.asarray(p, dtype=np.float64)) for p in (model.parameters, state.parameters))
    assert after.value < 0.2 * before.value
