"""Bends of the output and gradients by contraction are those that jets carried through the layers give."""

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laflow.errors import ShapeError
from laflow.metric.learning.objective import SITES_AT_ONCE, MetricObjective, even_size
from laflow.metric.model.activations import ACTIVATIONS
from laflow.metric.model.contracted_bend import contractible
from laflow.metric.model.jet_network import PARAMETRISATIONS, JetNetwork
from laflow.metric.model.kernel_workspace import one_kernel_thread
from laflow.metric.model.phi_model import PhiModel
from tests.laflow.metric.networks import random_jets, random_network
from tests.laflow.metric.surfaces import DIMENSIONS, sampled

EPS = np.finfo(float).eps
# Sums of at most 6 units in each of 4 layers, in another order; in random networks of order one parts cancel.
RELATIVE = 2000 * EPS


@st.composite
def cases(draw):
    """A network of any dimension, depth, activation and parametrisation, its parameters, jets, and a generator."""
    depth = draw(st.integers(0, 3))
    sizes = (draw(st.integers(1, 5)), *(draw(st.integers(1, 6)) for _ in range(depth)), 1)
    dimension = draw(st.integers(1, 3))
    network = JetNetwork(
        sizes, draw(st.sampled_from(sorted(ACTIVATIONS))), draw(st.sampled_from(PARAMETRISATIONS)), dimension
    )
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    return (
        network,
        network.initial_parameters(rng),
        random_jets(dimension, draw(st.integers(1, 7)), sizes[0], seed),
        rng,
    )


def carried(network, parameters, jets, covector):
    """The bend, and the gradient of its contraction, by jets carried through the layers."""
    tape = network.forward(parameters, jets)
    whole = np.zeros_like(tape.output)
    whole[1 + 2 * network.dimension :] = covector.reshape(-1, covector.shape[2])
    return tape.output[1 + 2 * network.dimension :].reshape(covector.shape), network.gradient(tape, whole)


def size_of_parts(network, parameters, jets):
    """How large what is summed may be: by it rounding errors are measured, since parts may cancel."""
    slopes = max(1.0, np.abs(jets).max()) ** 2
    weights = [max(1.0, np.abs(weight).sum()) ** 2 for weight, _ in network.layers(parameters)]
    # Every order of the square activation grows with the values, at each layer anew.
    values = max(np.abs(layer.before).max() for layer in network.forward(parameters, jets).layers)
    return slopes * np.prod(weights) * max(1.0, values)


@given(cases())
def test_bend_and_gradient_are_those_of_carried_jets(case):
    network, parameters, jets, rng = case
    covector = rng.standard_normal((network.dimension, network.dimension, jets.shape[1]))
    bend, gradient = carried(network, parameters, jets, covector)
    passed = contractible(network, parameters, jets)
    scale = size_of_parts(network, parameters, jets)
    np.testing.assert_allclose(passed.bend, bend, rtol=0, atol=RELATIVE * scale)
    found = passed.gradient(covector)
    assert found.shape == gradient.shape
    np.testing.assert_allclose(found, gradient, rtol=0, atol=RELATIVE * scale * jets.shape[1])


@pytest.mark.parametrize("parametrisation", PARAMETRISATIONS)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("depth", range(4))
@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_agreement_is_to_rounding_in_networks_of_ordinary_size(dimension, depth, activation, parametrisation):
    """Against the size of the whole result, which a part missing or a sign would change by about itself."""
    sizes = (3, *[8] * depth, 1)
    network, parameters = random_network(dimension, sizes=sizes, activation=activation, parametrisation=parametrisation)
    jets = random_jets(dimension, 20, 3)
    covector = np.random.default_rng(1).standard_normal((dimension, dimension, 20))
    bend, gradient = carried(network, parameters, jets, covector)
    passed = contractible(network, parameters, jets)
    # A few hundred roundings in the longest sums.
    np.testing.assert_allclose(passed.bend, bend, rtol=0, atol=300 * EPS * np.abs(bend).max())
    np.testing.assert_allclose(passed.gradient(covector), gradient, rtol=0, atol=300 * EPS * np.abs(gradient).max())


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_the_objective_has_the_loss_and_gradient_of_carried_jets_over_several_chunks(dimension):
    sample = sampled("dwork", dimension, 407)
    model = PhiModel.fresh(sample, np.random.default_rng(2), width=160, depth=2)
    objective = MetricObjective(model.network, model.prepare(sample, np.float64))
    rows = objective.rows(model.parameters)
    loss, gradient = objective.gradient(model.parameters)
    wanted = 2 * rows.jacobian.T @ rows.residual
    assert even_size(407, SITES_AT_ONCE // 160) < 407
    # Sums of 407 points in another order.
    np.testing.assert_allclose(gradient, wanted, rtol=0, atol=1e4 * EPS * np.abs(wanted).max())
    for found in (loss, objective.loss(model.parameters)):
        assert found.value == pytest.approx(rows.loss.value, rel=1e4 * EPS)
        assert found.sigma == pytest.approx(rows.loss.sigma, rel=1e4 * EPS)
        assert found.positive is rows.loss.positive


@given(st.integers(0, 10**6), st.integers(0, 5000))
def test_chunks_are_even_and_not_larger_than_allowed(count, most):
    size = even_size(count, most)
    assert 1 <= size <= max(50, most)
    number = -(-count // size)
    assert number <= -(-count // max(50, most))
    assert number * size - count < max(1, number)


def test_single_precision_stays_single_and_close_to_double():
    network, parameters = random_network(3, sizes=(4, 8, 8, 1), activation="gelu")
    jets, covector = random_jets(3, 30, 4), np.random.default_rng(3).standard_normal((3, 3, 30))
    double = contractible(network, parameters, jets)
    single = contractible(network, parameters.astype(np.float32), jets.astype(np.float32))
    assert single.bend.dtype == np.float32
    found, wanted = single.gradient(covector), double.gradient(covector)
    assert found.dtype == np.float32
    # A few hundred roundings of 2⁻²⁴ at worst.
    np.testing.assert_allclose(found, wanted, atol=2e-5 * np.abs(wanted).max())


def test_kernels_get_their_threads_back_even_after_an_error():
    before, inside = numba.get_num_threads(), []

    def fail():
        with one_kernel_thread():
            inside.append(numba.get_num_threads())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert inside == [1]
    assert numba.get_num_threads() == before


def test_wrong_shapes_are_refused():
    network, parameters = random_network(2)
    jets = random_jets(2, 5, 3)
    with pytest.raises(ShapeError, match="jets have shape"):
        contractible(network, parameters, jets[:-1])
    with pytest.raises(ShapeError, match="give one type"):
        contractible(network, parameters.astype(np.float32), jets)
    with pytest.raises(ShapeError, match="the covector has shape"):
        contractible(network, parameters, jets).gradient(np.zeros((2, 2, 4)))
