"""A network that carries Kähler jets: of every unit the value, ∂_a, and ∂_a∂̄_b, and their derivatives by parameters.

A jet is (n+1)² real channels: value, real and imaginary parts of ∂_a, and the packed Hermitian ∂_a∂̄_b (its real part
plus its imaginary part: one symmetric, one antisymmetric, so nothing is lost). An affine layer acts on each channel
alike, which makes it one product of matrices over channels and points; an activation mixes channels by the chain
rule, in generated kernels (`derivations/metric/jet_activation.py` and its adjoint). No differentiation by tape.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laflow.checks import whole_number
from laflow.errors import ShapeError, ValueRangeError
from laflow.kernels import jet_activation, jet_activation_adjoint
from laflow.metric.model.activations import checked_activation
from laflow.metric.model.kernel_workspace import workspace

Array = NDArray[Any]

PARAMETRISATIONS = ("standard", "ntk")
BIAS_SCALE = 0.1


@dataclass(frozen=True, eq=False)
class Layer:
    """What a layer is given, and what its activation meets: jets (channels, points, units).

    derivatives: the first three of the activation at the units, each (points, units). The last layer has none: its
    `before` is the output.
    """

    given: Array
    before: Array
    derivatives: tuple[Array, Array, Array] | None


@dataclass(frozen=True, eq=False)
class Tape:
    """One pass through the network: its parameters and its layers."""

    parameters: Array
    layers: tuple[Layer, ...]

    @property
    def output(self) -> Array:
        """Jet of the network's one output: (channels, points)."""
        return self.layers[-1].before[..., 0]


@dataclass(frozen=True)
class JetNetwork:
    """Architecture of an MLP with one output; parameters are flat vectors apart from it.

    sizes: (features, width, ..., 1). parametrisation: "standard" (weights N(0, 1/fan-in)) or "ntk" (weights N(0, 1)
    under a factor 1/√fan-in, of Jacot et al. 2018, so that one learning rate serves all widths). dimension: n.
    Parameters stand layer by layer, weight (in, out) by rows, then bias (out,).
    """

    sizes: tuple[int, ...]
    activation: str = "gelu"
    parametrisation: str = "standard"
    dimension: int = 3

    def __post_init__(self) -> None:
        if len(self.sizes) < 2 or self.sizes[-1] != 1:
            raise ShapeError(f"the layers have sizes {self.sizes}: give (features, width, ..., 1)")
        for size in self.sizes:
            whole_number(size, "a layer's size")
        whole_number(self.dimension, "dimension")
        checked_activation(self.activation)
        if self.parametrisation not in PARAMETRISATIONS:
            raise ValueRangeError(
                f"the parametrisation is {self.parametrisation!r}: give one of {', '.join(PARAMETRISATIONS)}"
            )

    @property
    def channels(self) -> int:
        """Real channels of a jet: (n+1)²."""
        return (self.dimension + 1) ** 2

    @property
    def parameter_count(self) -> int:
        """Number of weights and biases."""
        return sum(fan_in * fan_out + fan_out for fan_in, fan_out in self._shapes)

    @property
    def _shapes(self) -> list[tuple[int, int]]:
        return list(zip(self.sizes[:-1], self.sizes[1:], strict=True))

    def initial_parameters(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Random parameters (P,): every unit begins with a variance of about that of its inputs; biases N(0, 0.01)."""
        parts = []
        for fan_in, fan_out in self._shapes:
            scale = 1.0 if self.parametrisation == "ntk" else 1.0 / sqrt(fan_in)
            parts.append(scale * rng.standard_normal(fan_in * fan_out))
            parts.append(BIAS_SCALE * rng.standard_normal(fan_out))
        return np.concatenate(parts)

    def layers(self, parameters: Array) -> list[tuple[Array, Array]]:
        """The weight (in, out) and the bias (out,) of each layer, as they act: with the factor of "ntk"."""
        if parameters.shape != (self.parameter_count,):
            raise ShapeError(f"the parameters have shape {parameters.shape}: give ({self.parameter_count},)")
        found, begin = [], 0
        for fan_in, fan_out in self._shapes:
            weight = parameters[begin : begin + fan_in * fan_out].reshape(fan_in, fan_out)
            begin += fan_in * fan_out
            found.append((weight * self.factor(fan_in, parameters.dtype), parameters[begin : begin + fan_out]))
            begin += fan_out
        return found

    def factor(self, fan_in: int, kind: Any) -> Any:
        """What stands before the weights of a layer of so many inputs, as a number of the given type."""
        return np.dtype(kind).type(1.0 / sqrt(fan_in) if self.parametrisation == "ntk" else 1.0)

    def forward(self, parameters: Array, jets: Array) -> Tape:
        """Carry jets (channels, points, features) through the network; all in the type of `parameters`."""
        self.require_jets(parameters, jets)
        activation = checked_activation(self.activation)
        given, passed = jets, []
        affine = self.layers(parameters)
        for number, (weight, bias) in enumerate(affine):
            before = np.matmul(given, weight)
            before[0] += bias
            if number == len(affine) - 1:
                passed.append(Layer(given, before, None))
                break
            value, *derivatives = activation(before[0])
            passed.append(Layer(given, before, (derivatives[0], derivatives[1], derivatives[2])))
            given = self._activated(before, value, derivatives[0], derivatives[1])
        return Tape(parameters, tuple(passed))

    def require_jets(self, parameters: Array, jets: Array) -> None:
        """`ShapeError` unless these jets can go through the network, in the type of the parameters."""
        if jets.ndim != 3 or jets.shape[0] != self.channels or jets.shape[2] != self.sizes[0]:
            raise ShapeError(
                f"the jets have shape {jets.shape}: give (channels {self.channels}, points, features {self.sizes[0]})"
            )
        if jets.dtype != parameters.dtype:
            raise ShapeError(f"the jets are {jets.dtype}, the parameters {parameters.dtype}: give one type for both")

    def gradient(self, tape: Tape, covector: Array) -> Array:
        """Σ over channels c and points p of covector[c, p] ∂output[c, p]/∂parameters: (P,)."""
        parts: list[Array] = []
        for (fan_in, _), layer, pulled in self._backward(tape, covector):
            flat = pulled.reshape(-1, pulled.shape[2])
            weight = layer.given.reshape(-1, fan_in).T @ flat
            parts[:0] = [weight.ravel() * self.factor(fan_in, weight.dtype), pulled[0].sum(axis=0)]
        return np.concatenate(parts)

    def jacobian(self, tape: Tape, covector: Array) -> Array:
        """Row p: Σ over channels c of covector[c, p] ∂output[c, p]/∂parameters: (points, P)."""
        points = covector.shape[1]
        rows = np.empty((points, self.parameter_count), dtype=tape.parameters.dtype)
        end = self.parameter_count
        for (fan_in, fan_out), layer, pulled in self._backward(tape, covector):
            rows[:, end - fan_out : end] = pulled[0]
            end -= fan_out
            weight = np.matmul(layer.given.transpose(1, 2, 0), pulled.transpose(1, 0, 2))
            weight *= self.factor(fan_in, weight.dtype)
            rows[:, end - fan_in * fan_out : end] = weight.reshape(points, -1)
            end -= fan_in * fan_out
        return rows

    def _backward(self, tape: Tape, covector: Array) -> "list[tuple[tuple[int, int], Layer, Array]]":
        """From the last layer to the first: its shape, what it was given, and the covector of its affine output."""
        if covector.shape != tape.output.shape:
            raise ShapeError(f"the covector has shape {covector.shape}: give that of the output, {tape.output.shape}")
        pulled = np.ascontiguousarray(covector, dtype=tape.parameters.dtype)[..., None]
        affine, found = self.layers(tape.parameters), []
        for number in range(len(affine) - 1, -1, -1):
            layer = tape.layers[number]
            if layer.derivatives is not None:
                pulled = self._pulled_back(layer, pulled)
            found.append((self._shapes[number], layer, pulled))
            if number:
                pulled = np.matmul(pulled, affine[number][0].T)
        return found

    def _activated(self, before: Array, value: Array, first: Array, second: Array) -> Array:
        after = np.empty_like(before)
        after[0] = value
        _, *inputs = self._by_order(before)
        _, *outputs = self._by_order(after)
        work = workspace(jet_activation, first, second, *inputs)
        jet_activation.sites(first.ravel(), second.ravel(), *inputs, *outputs, work)
        return after

    def _pulled_back(self, layer: Layer, covector: Array) -> Array:
        assert layer.derivatives is not None
        pulled = np.empty_like(covector)
        derivatives = [array.ravel() for array in layer.derivatives]
        _, *slopes = self._by_order(layer.before)
        covectors, outputs = self._by_order(covector), self._by_order(pulled)
        work = workspace(jet_activation_adjoint, *derivatives, *slopes, *covectors)
        jet_activation_adjoint.sites(*derivatives, *slopes, *covectors, *outputs, work)
        return pulled

    def _by_order(self, jets: Array) -> tuple[Array, Array, Array, Array]:
        """Value (sites,), slopes (n, sites) and bend (n, n, sites) of jets (channels, points, units), not copied."""
        n = self.dimension
        flat = jets.reshape(jets.shape[0], -1)
        return flat[0], flat[1 : 1 + n], flat[1 + n : 1 + 2 * n], flat[1 + 2 * n :].reshape(n, n, -1)
