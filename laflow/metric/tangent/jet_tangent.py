"""The network's jet to first order in its parameters: ∂output/∂θ · direction, by forward mode.

The adjoint of `JetNetwork.gradient`; the two together are a product with the tangent kernel.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from laflow.kernels import jet_activation_tangent
from laflow.metric.model.jet_network import JetNetwork, Layer, Tape
from laflow.metric.model.kernel_workspace import workspace

Array = NDArray[Any]


def output_tangent(network: JetNetwork, tape: Tape, direction: Array) -> Array:
    """∂output/∂θ · direction (channels, points) for a direction (P,) of parameter space, by forward mode."""
    weights, turns = network.layers(tape.parameters), network.layers(np.ascontiguousarray(direction))
    given_change: Array | None = None
    for layer, (weight, _), (weight_change, bias_change) in zip(tape.layers, weights, turns, strict=True):
        change = np.matmul(layer.given, weight_change)
        change[0] += bias_change
        if given_change is not None:
            change += np.matmul(given_change, weight)
        if layer.derivatives is None:
            output: Array = change[..., 0]
            return output
        given_change = activation_tangent(network.dimension, layer, change)
    raise AssertionError("a network's last layer has no activation")


def activation_tangent(dimension: int, layer: Layer, change: Array) -> Array:
    """Change of σ(u)'s jet when the jet of u (channels, points, units) changes by `change`, in the same order.

    By the kernel of `derivations/metric/jet_activation_tangent.py`.
    """
    assert layer.derivatives is not None
    after = np.empty_like(change)
    _, *jet = _orders(dimension, layer.before)
    given = [*(array.ravel() for array in layer.derivatives), *jet, *_orders(dimension, change)]
    jet_activation_tangent.sites(*given, *_orders(dimension, after), workspace(jet_activation_tangent, *given))
    return after


def _orders(n: int, jets: Array) -> tuple[Array, Array, Array, Array]:
    """Value (sites,), slopes (n, sites) and bend (n, n, sites) of jets (channels, points, units), not copied."""
    flat = jets.reshape(jets.shape[0], -1)
    return flat[0], flat[1 : 1 + n], flat[1 + n : 1 + 2 * n], flat[1 + 2 * n :].reshape(n, n, -1)
