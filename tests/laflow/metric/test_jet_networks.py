"""A network's jets are the derivatives of its value along X, and its gradients those of its jets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laflow.errors import ShapeError, ValueRangeError
from laflow.metric.model.activations import ACTIVATIONS, activation_jet
from laflow.metric.model.jet_network import JetNetwork
from laflow.metric.model.monge_ampere import unpack

EPS = np.finfo(float).eps


@st.composite
def networks(draw):
    """A network of any dimension, depth, activation and parametrisation, its parameters, and a generator."""
    depth = draw(st.integers(0, 3))
    sizes = (draw(st.integers(1, 5)), *(draw(st.integers(1, 6)) for _ in range(depth)), 1)
    network = JetNetwork(
        sizes,
        draw(st.sampled_from(sorted(ACTIVATIONS))),
        draw(st.sampled_from(["standard", "ntk"])),
        draw(st.integers(1, 3)),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return network, network.initial_parameters(rng), rng


def value_by_hand(network, parameters, inputs):
    """The network's output for inputs (points, features), written out without jets."""
    functions = {
        "tanh": np.tanh,
        "softplus": lambda u: np.log1p(np.exp(u)),
        "sine": np.sin,
        "square": lambda u: u * u,
    }
    here, begin = inputs, 0
    for fan_in, fan_out in zip(network.sizes[:-1], network.sizes[1:], strict=True):
        factor = 1 / np.sqrt(fan_in) if network.parametrisation == "ntk" else 1.0
        weight = parameters[begin : begin + fan_in * fan_out].reshape(fan_in, fan_out) * factor
        begin += fan_in * fan_out
        here = here @ weight + parameters[begin : begin + fan_out]
        begin += fan_out
        if begin < parameters.size:
            here = functions[network.activation](here)
    return here[:, 0]


def jets_of_quadratics(network, rng, points):
    """Jets at x = 0 of random real quadratics f_k(x) of x in C^n, and the functions themselves."""
    n, features = network.dimension, network.sizes[0]
    constant = rng.normal(size=(points, features))
    slope = rng.normal(size=(points, features, n)) + 1j * rng.normal(size=(points, features, n))
    square = rng.normal(size=(points, features, n, n)) + 1j * rng.normal(size=(points, features, n, n))
    mixed = square + square.conj().swapaxes(2, 3)

    def functions(x):
        """f_k = c + 2 Re <s, x> + <x̄, M x> at one x (n,): (points, features)."""
        return constant + 2 * (slope @ x).real + np.einsum("pkab,a,b->pk", mixed, x, x.conj()).real

    jets = np.concatenate(
        [
            constant[None],
            slope.real.transpose(2, 0, 1),
            slope.imag.transpose(2, 0, 1),
            (mixed.real + mixed.imag).transpose(2, 3, 0, 1).reshape(n * n, points, features),
        ]
    )
    return jets, functions


@given(networks().filter(lambda made: made[0].activation not in ("gelu", "erf")))
def test_the_output_s_jet_is_the_derivatives_of_its_value(made):
    network, parameters, rng = made
    jets, functions = jets_of_quadratics(network, rng, 3)
    n, step = network.dimension, 2e-3
    output = network.forward(parameters, np.ascontiguousarray(jets)).output

    def value(x):
        return value_by_hand(network, parameters, functions(x))

    unit = np.eye(n)
    slope = output[1 : 1 + n] + 1j * output[1 + n : 1 + 2 * n]
    bend = unpack(output[1 + 2 * n :].reshape(n, n, -1))

    def second(direction, other):
        """∂_s∂_t of value(s·direction + t·other) at 0, by differences of order h⁴ (Richardson)."""

        def plain(h):
            corners = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
            return sum(a * b * value(h * (a * direction + b * other)) for a, b in corners) / (4 * h * h)

        return (4 * plain(step / 2) - plain(step)) / 3

    size = 1 + np.abs(output).max()
    # Differences: truncation h⁴ against rounding eps/h², and constants of deep polynomials ("square") in front.
    scale = 1e-4 * size**3
    np.testing.assert_allclose(output[0], value(np.zeros(n)), rtol=1e-12, atol=1e-13 * size)
    for a in range(n):
        along = [(value(h * step * unit[a]) - value(-h * step * unit[a])) / (2 * h * step) for h in (0.5, 1.0)]
        across = [
            (value(1j * h * step * unit[a]) - value(-1j * h * step * unit[a])) / (2 * h * step) for h in (0.5, 1.0)
        ]
        real, imag = ((4 * half - whole) / 3 for half, whole in (along, across))
        np.testing.assert_allclose(slope[a], (real - 1j * imag) / 2, atol=scale)
        for b in range(n):
            parts = second(unit[a], unit[b]) + second(1j * unit[a], 1j * unit[b])
            turned = second(unit[a], 1j * unit[b]) - second(1j * unit[a], unit[b])
            np.testing.assert_allclose(bend[:, a, b], (parts + 1j * turned) / 4, atol=scale)


@given(networks())
def test_the_gradient_is_the_derivative_of_the_paired_output(made):
    network, parameters, rng = made
    points = 4
    jets = rng.normal(size=(network.channels, points, network.sizes[0]))
    covector = rng.normal(size=(network.channels, points))
    direction = rng.normal(size=parameters.shape)

    def paired(step):
        return float(np.sum(covector * network.forward(parameters + step * direction, jets).output))

    gradient = network.gradient(network.forward(parameters, jets), covector)
    # Central differences of order h⁴ (Richardson): h = 1e-3 leaves 1e-10 or so of what varies.
    h = 1e-3
    plain = [(paired(s) - paired(-s)) / (2 * s) for s in (h / 2, h)]
    difference = (4 * plain[0] - plain[1]) / 3
    size = np.abs(gradient) @ np.abs(direction) + abs(paired(0.0)) + 1
    assert abs(gradient @ direction - difference) <= 1e-7 * size


@given(networks())
def test_rows_of_the_jacobian_add_up_to_the_gradient_and_each_is_of_its_own_point(made):
    network, parameters, rng = made
    jets = rng.normal(size=(network.channels, 5, network.sizes[0]))
    covector = rng.normal(size=(network.channels, 5))
    tape = network.forward(parameters, jets)
    rows = network.jacobian(tape, covector)
    size = np.abs(rows).sum() + 1
    np.testing.assert_allclose(rows.sum(axis=0), network.gradient(tape, covector), atol=100 * EPS * size)
    alone = network.gradient(network.forward(parameters, jets[:, 2:3].copy()), covector[:, 2:3].copy())
    np.testing.assert_allclose(rows[2], alone, atol=100 * EPS * size)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_an_activation_s_derivatives_are_those_of_its_value(name):
    u = np.linspace(-6.0, 6.0, 97)
    h = 1e-3
    here = activation_jet(name, u)
    for order in range(3):
        plain = [
            (activation_jet(name, u + s)[order] - activation_jet(name, u - s)[order]) / (2 * s) for s in (h / 2, h)
        ]
        # Order h⁴ of fifth derivatives up to about 100, and rounding eps/h of values up to 36.
        np.testing.assert_allclose(here[order + 1], (4 * plain[0] - plain[1]) / 3, atol=2e-10)


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"square"}))
def test_an_activation_stays_finite_and_of_its_type_far_out(name):
    for kind in (np.float32, np.float64):
        found = activation_jet(name, np.array([-1e4, -100.0, 0.0, 100.0, 1e4], dtype=kind))
        assert all(np.isfinite(part).all() and part.dtype == kind for part in found)


def test_single_precision_stays_single_and_agrees_to_its_rounding():
    rng = np.random.default_rng(0)
    network = JetNetwork((4, 16, 16, 1), "gelu", "ntk", 2)
    parameters = network.initial_parameters(rng)
    jets, covector = rng.normal(size=(9, 7, 4)), rng.normal(size=(9, 7))
    wide = network.forward(parameters, jets)
    narrow = network.forward(parameters.astype(np.float32), jets.astype(np.float32))
    assert narrow.output.dtype == np.float32
    assert network.jacobian(narrow, covector.astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(narrow.output, wide.output, atol=1e-4 * np.abs(wide.output).max())


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        (((3,),), ShapeError, r"\(3,\)"),
        (((3, 4),), ShapeError, r"\(3, 4\)"),
        (((3, 0, 1),), ValueRangeError, "layer's size is 0"),
        (((3, 4, 1), "relu"), ValueRangeError, "'relu'.*gelu"),
        (((3, 4, 1), "gelu", "mup"), ValueRangeError, "'mup'.*ntk"),
        (((3, 4, 1), "gelu", "ntk", 0), ValueRangeError, "dimension is 0"),
    ],
)
def test_an_architecture_that_makes_no_sense_is_refused(arguments, error, told):
    with pytest.raises(error, match=told):
        JetNetwork(*arguments)


def test_arrays_that_do_not_fit_are_refused():
    network = JetNetwork((3, 4, 1), dimension=2)
    parameters = network.initial_parameters(np.random.default_rng(0))
    jets = np.zeros((9, 5, 3))
    with pytest.raises(ShapeError, match=r"\(4,\): give \(21,\)"):
        network.forward(parameters[:4], jets)
    with pytest.raises(ShapeError, match=r"channels 9"):
        network.forward(parameters, jets[:4])
    with pytest.raises(ShapeError, match="float32"):
        network.forward(parameters.astype(np.float32), jets)
    with pytest.raises(ShapeError, match=r"\(9, 5\)"):
        network.gradient(network.forward(parameters, jets), np.zeros((9, 4)))
