"""∂∂̄ of a network's output, and the gradient of its contractions, without bends carried through the layers.

Bends of units enter that of the output linearly, weighted by the derivative δ of the output by the unit, which one
backward pass gives. So values and slopes go forward, 2n + 1 channels in place of (n+1)², δ goes back, and
∂∂̄φ = Σ δ σ'' ∂u ∂̄u over all units plus Σ δ ∂∂̄f over the features. For the gradient of ⟨C, ∂∂̄φ⟩ by the parameters
the contraction ⟨C, ∂∂̄u⟩ goes forward as one channel, whose covector is δ, and values and slopes go back. The lemmas are
`derivations/metric/contracted_bend.py` and its adjoint. `jet_network` carries bends, which Jacobians point by point
need.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laflow.errors import ShapeError
from laflow.kernels import bend_contraction, contracted_bend, contracted_bend_adjoint
from laflow.metric.model.activations import checked_activation
from laflow.metric.model.jet_network import JetNetwork
from laflow.metric.model.kernel_workspace import workspace

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Layer:
    """A hidden layer's values and slopes, (2n+1, units, points): what it is given, and what its activation meets.

    derivatives: the first three of the activation at the units, each (units, points). weight: (in, out), as it acts.
    """

    weight: Array
    given: Array
    before: Array
    derivatives: tuple[Array, Array, Array]


@dataclass(frozen=True, eq=False)
class Pull:
    """The derivatives of the output by a hidden layer's units: after and before the activation, (units, points)."""

    after: Array
    before: Array


@dataclass(frozen=True, eq=False)
class Contractible:
    """One pass through the network: `bend` is the packed ∂∂̄ of the output, (n, n, points)."""

    network: JetNetwork
    feature_bends: Array
    layers: tuple[Layer, ...]
    pulls: tuple[Pull, ...]
    bend: Array

    def gradient(self, covector: Array) -> Array:
        """Σ over points p and entries a, b of covector[a, b, p] ∂bend[a, b, p]/∂parameters: (P,)."""
        if covector.shape != self.bend.shape:
            raise ShapeError(f"the covector has shape {covector.shape}: give that of the bend, {self.bend.shape}")
        covector = np.ascontiguousarray(covector, dtype=self.bend.dtype)
        contracted = [self._contracted_features(covector)]
        turned = []
        for layer in self.layers:
            found, after = _contracted(layer, layer.weight.T @ contracted[-1], covector)
            turned.append(found)
            contracted.append(after)
        # The output's bias moves no derivative.
        output = contracted[-1].sum(axis=1) * self._factor(len(self.layers))
        parts = [output, np.zeros(1, dtype=output.dtype)]
        for number in range(len(self.layers) - 1, -1, -1):
            layer, pull = self.layers[number], self.pulls[number]
            if number == len(self.layers) - 1:
                reached = np.zeros_like(layer.before)
            pulled = _pulled_back(layer, pull, turned[number], reached)
            weight = np.matmul(layer.given, pulled.transpose(0, 2, 1)).sum(axis=0)
            weight += contracted[number] @ pull.before.T
            parts[:0] = [weight.ravel() * self._factor(number), pulled[0].sum(axis=1)]
            if number:
                reached = np.matmul(layer.weight, pulled)
        return np.concatenate(parts)

    def _contracted_features(self, covector: Array) -> Array:
        """⟨C, ∂∂̄f⟩ of the features: (features, points)."""
        flat = covector.reshape(-1, covector.shape[2])
        found: Array = np.einsum("cp,cpf->pf", flat, self.feature_bends).T
        return found

    def _factor(self, number: int) -> Any:
        """The factor of the parametrisation in front of a layer's weights."""
        return self.network.factor(self.network.sizes[number], self.bend.dtype)


@dataclass(frozen=True, eq=False)
class _Turned:
    """⟨C, ∂∂̄u⟩ and ⟨C, ∂u ∂̄u⟩ (units, points), and the latter's gradient by the slopes of u, (2n, units, points)."""

    contracted: Array
    form: Array
    turns: Array


def contractible(network: JetNetwork, parameters: Array, jets: Array) -> Contractible:
    """Carry values and slopes of jets (channels, points, features) through the network, and its output's pull back.

    All in the type of `parameters` (P,). `ShapeError` for jets of another shape or type.
    """
    network.require_jets(parameters, jets)
    n = network.dimension
    *hidden, (last, _) = network.layers(parameters)
    given, layers = jets[: 1 + 2 * n].transpose(0, 2, 1), []
    activation = checked_activation(network.activation)
    for weight, bias in hidden:
        before = np.matmul(weight.T, given)
        before[0] += bias[:, None]
        value, first, second, third = activation(before[0])
        layers.append(Layer(weight, given, before, (first, second, third)))
        given = np.empty_like(before)
        given[0] = value
        np.multiply(before[1:], first, out=given[1:])
    after, pulls = np.repeat(last, jets.shape[1], axis=1), []
    bend = np.zeros((n, n, jets.shape[1]), dtype=jets.dtype)
    for layer in reversed(layers):
        bend += _own_part(layer, after)
        pulls.append(Pull(after, after * layer.derivatives[0]))
        after = layer.weight @ pulls[-1].before
    feature_bends = jets[1 + 2 * n :]
    bend += np.einsum("cpf,pf->cp", feature_bends, np.ascontiguousarray(after.T)).reshape(bend.shape)
    return Contractible(network, feature_bends, tuple(layers), tuple(reversed(pulls)), bend)


def _own_part(layer: Layer, pull: Array) -> Array:
    """What the units of one layer add to the bend of the output."""
    real, imaginary = _slopes(layer.before)
    part = np.empty((real.shape[0], real.shape[0], real.shape[2]), dtype=real.dtype)
    inputs = (pull, layer.derivatives[1], real, imaginary)
    contracted_bend.sites(*inputs, part, workspace(contracted_bend, *inputs, sites=pull.shape[1]))
    return part


def _contracted(layer: Layer, contracted: Array, covector: Array) -> tuple[_Turned, Array]:
    """The contraction of bends through an activation: what the way back needs of it, and what comes out."""
    first, second, _ = layer.derivatives
    inputs = (first, second, contracted, *_slopes(layer.before), covector)
    turns = np.empty((layer.before.shape[0] - 1, *first.shape), dtype=first.dtype)
    form, after = np.empty_like(first), np.empty_like(first)
    outputs = (*_halves(turns), form, after)
    bend_contraction.sites(*inputs, *outputs, workspace(bend_contraction, *inputs, sites=first.shape[1]))
    return _Turned(contracted, form, turns), after


def _pulled_back(layer: Layer, pull: Pull, turned: _Turned, reached: Array) -> Array:
    """Covectors of values and slopes before the activation from those after it."""
    pulled = np.empty_like(layer.before)
    here = (*layer.derivatives, pull.after, turned.contracted, turned.form, *_slopes(layer.before))
    inputs = (*here, *_halves(turned.turns), reached[0], *_slopes(reached))
    work = workspace(contracted_bend_adjoint, *inputs, sites=reached.shape[2])
    contracted_bend_adjoint.sites(*inputs, pulled[0], *_slopes(pulled), work)
    return pulled


def _slopes(channels: Array) -> tuple[Array, Array]:
    """Real and imaginary slopes (n, units, points) of values and slopes, not copied."""
    return _halves(channels[1:])


def _halves(channels: Array) -> tuple[Array, Array]:
    """The real and the imaginary channels, not copied."""
    n = channels.shape[0] // 2
    return channels[:n], channels[n:]
