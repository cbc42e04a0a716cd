"""The network's jet to first order in its parameters: ∂output/∂θ · direction, by forward mode.

The adjoint of `JetNetwork.gradient`; the two together are a product with the tangent kernel.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from laflow.metric.jet_network import JetNetwork, Layer, Tape

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
    """Change of σ(u)'s jet when the jet of u (channels, points, units) changes by `change`: the differential of
    σ(u), σ' ∂u and σ'' ∂u∂̄u + σ' ∂∂̄u, the last packed."""
    assert layer.derivatives is not None
    first, second, third = layer.derivatives
    n, before = dimension, layer.before
    slope_real, slope_imag, bend = _orders(n, before)
    real, imag, bend_change = _orders(n, change)
    after = np.empty_like(change)
    after_real, after_imag, after_bend = _orders(n, after)
    after[0] = first * change[0]
    turn, turn_of_second = second * change[0], third * change[0]
    for a in range(n):
        after_real[a] = turn * slope_real[a] + first * real[a]
        after_imag[a] = turn * slope_imag[a] + first * imag[a]
        for b in range(n):
            plus, minus = slope_real[a] + slope_imag[a], slope_imag[a] - slope_real[a]
            product = slope_real[b] * plus + slope_imag[b] * minus
            product_change = real[b] * plus + imag[b] * minus
            product_change += slope_real[b] * (real[a] + imag[a]) + slope_imag[b] * (imag[a] - real[a])
            after_bend[a, b] = turn_of_second * product + second * product_change
            after_bend[a, b] += turn * bend[a, b] + first * bend_change[a, b]
    return after


def _orders(n: int, jets: Array) -> tuple[Array, Array, Array]:
    shape = (n, n, *jets.shape[1:])
    return jets[1 : 1 + n], jets[1 + n : 1 + 2 * n], jets[1 + 2 * n :].reshape(shape)
