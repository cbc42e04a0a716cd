"""The φ-model by JAX: the same network and loss, with derivatives in x and in the parameters by autodiff, jitted.

φ is a network of real features f of which values, slopes and bends in x are given (the arrays that laflow takes too):
∂_a∂̄_bφ = Σ_FG φ_FG ∂_a f_F ∂̄_b f_G + Σ_F φ_F ∂_a∂̄_b f_F. Four ways to the second derivatives of φ
(`python -m verify.benchmarks calabi-yau` times them):

- hessian: all of φ_FG, point by point (`jax.hessian` under `vmap`);
- forward-over-reverse: H v for the 2n real directions v, by `jvp` of the gradient;
- forward-over-forward: vᵀHw for the 2n² pairs of real directions that are needed, by `jvp` of `jvp`, never the fastest;
- jets: no autodiff in x: value, slopes and bends carried through the layers by the chain rule written out, as laflow
  does, and autodiff for the parameters alone.

It shares no code with laflow, so it is an oracle too: `output` in float64 against laflow's jets. Channels are those of
a Kähler jet: value, Re ∂_a, Im ∂_a, and the Hermitian ∂_a∂̄_b as real plus imaginary part, row by row.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

WAYS = ("hessian", "forward-over-reverse", "forward-over-forward", "jets")
ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "gelu": functools.partial(jax.nn.gelu, approximate=False),
    "tanh": jnp.tanh,
    "softplus": jax.nn.softplus,
    "sine": jnp.sin,
    "square": jnp.square,
    "erf": jax.lax.erf,
}


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Inputs:
    """Points as JAX arrays, points first: features' jets by order, and what the loss takes.

    value: (N, F). real, imaginary: (N, n, F) slopes. bend: (N, n, n, F). reference: (N, n, n) packed g_FS. target: (N,)
    κ|Ω|². weights: (N,).
    """

    value: jax.Array
    real: jax.Array
    imaginary: jax.Array
    bend: jax.Array
    reference: jax.Array
    target: jax.Array
    weights: jax.Array

    def take(self, chosen: jax.Array) -> "Inputs":
        """The points of these indices."""
        return jax.tree.map(lambda array: array[chosen], self)

    def chunks(self, size: int) -> "Inputs":
        """A new first axis, over chunks of `size` points, which must divide their number."""
        return jax.tree.map(lambda array: array.reshape(-1, size, *array.shape[1:]), self)


def inputs(jets: np.ndarray, reference: np.ndarray, target: np.ndarray, weights: np.ndarray) -> Inputs:
    """From jets (channels, N, F) and reference (n, n, N), target (N,), weights (N,), in the type of these arrays."""
    n = reference.shape[0]
    rows = np.moveaxis(jets, 1, 0)
    bend = rows[:, 1 + 2 * n :].reshape(rows.shape[0], n, n, -1)
    slopes = (rows[:, 1 : 1 + n], rows[:, 1 + n : 1 + 2 * n])
    with _types(jets):
        arrays = (rows[:, 0], *slopes, bend, np.moveaxis(reference, -1, 0), target, weights)
        return Inputs(*(jnp.asarray(np.ascontiguousarray(array)) for array in arrays))


@dataclass(frozen=True)
class JaxPhiModel:
    """The network: `sizes` (features, width, ..., 1), parameters flat: weight (in, out) by rows, bias, layer by layer.

    `way` is one of WAYS. parametrisation "ntk" puts a factor 1/√in before each weight. chunk: points at a time in the
    loss and its gradient (the largest divisor of their number up to it): what a few points take stays in the cache,
    which makes XLA three to six times as fast as all points of a batch at once.
    """

    sizes: tuple[int, ...]
    activation: str
    way: str
    parametrisation: str = "standard"
    chunk: int = 25

    def output(self, parameters: np.ndarray, given: Inputs) -> np.ndarray:
        """The Kähler jet ((n+1)², N) of φ."""
        with _types(parameters):
            return np.asarray(_output(self, jnp.asarray(parameters), given))

    def gradient_of(self, parameters: np.ndarray, given: Inputs, covector: np.ndarray) -> np.ndarray:
        """Σ covector[c, p] ∂output[c, p]/∂parameters (P,)."""
        with _types(parameters):
            return np.asarray(_pulled_back(self, jnp.asarray(parameters), given, jnp.asarray(covector)))

    def loss_and_gradient(self, parameters: Any, given: Inputs) -> tuple[jax.Array, jax.Array]:
        """Σ w r²/Σ w with r = det g/(κ|Ω|²) - 1, and its gradient (P,), finished."""
        with _types(parameters):
            return jax.block_until_ready(_loss_and_gradient(self, parameters, given))

    def adam_step(self, state: "AdamState", given: Inputs, chosen: jax.Array, rate: float) -> "AdamState":
        """One step of Adam on the points `chosen`, all of it compiled together; `state` is given up."""
        with _types(state.parameters):
            return jax.block_until_ready(_adam_step(self, state, given, chosen, rate))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class AdamState:
    """Parameters, moments and the number of steps taken."""

    parameters: jax.Array
    first: jax.Array
    second: jax.Array
    count: jax.Array

    @staticmethod
    def begin(parameters: np.ndarray) -> "AdamState":
        """Before the first step."""
        with _types(parameters):
            start = jnp.array(parameters)
            return AdamState(start, jnp.zeros_like(start), jnp.zeros_like(start), jnp.zeros((), dtype=start.dtype))


def _types(array: Any) -> Any:
    return jax.enable_x64(array.dtype == np.float64)


def _layers(model: JaxPhiModel, parameters: jax.Array) -> list[tuple[jax.Array, jax.Array]]:
    found, begin = [], 0
    for fan_in, fan_out in zip(model.sizes[:-1], model.sizes[1:], strict=True):
        end = begin + fan_in * fan_out
        factor = 1.0 / sqrt(fan_in) if model.parametrisation == "ntk" else 1.0
        found.append((factor * parameters[begin:end].reshape(fan_in, fan_out), parameters[end : end + fan_out]))
        begin = end + fan_out
    return found


def _potential(model: JaxPhiModel, parameters: jax.Array, features: jax.Array) -> jax.Array:
    """φ (...,) of features (..., F)."""
    passed, layers = features, _layers(model, parameters)
    for weight, bias in layers[:-1]:
        passed = ACTIVATIONS[model.activation](passed @ weight + bias)
    weight, bias = layers[-1]
    return (passed @ weight + bias)[..., 0]


def _jet(model: JaxPhiModel, parameters: jax.Array, given: Inputs) -> tuple[jax.Array, ...]:
    """φ (N,), its real and imaginary slopes (n, N) and packed bends (n, n, N)."""
    real, imaginary = (jnp.moveaxis(part, 1, 0) for part in (given.real, given.imaginary))
    bend = jnp.moveaxis(given.bend, 0, 2)
    if model.way == "jets":
        return _carried(model, parameters, given.value, real, imaginary, bend)
    value, slope, square = _second_order(model, parameters, given.value, real, imaginary)
    along = [jnp.einsum("nf,anf->an", slope, part) for part in (real, imaginary)]
    return value, *along, square + jnp.einsum("nf,abnf->abn", slope, bend)


def _second_order(
    model: JaxPhiModel, parameters: jax.Array, features: jax.Array, real: jax.Array, imaginary: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """φ, its gradient by the features (N, F), and the packed Σ φ_FG ∂_a f_F ∂̄_b f_G (n, n, N).

    Packed it is vᵀHw summed over two pairs: v = Re ∂_b f, w = (Re + Im) ∂_a f, and v = Im ∂_b f, w = (Im - Re) ∂_a f.
    """

    def phi(f: jax.Array) -> jax.Array:
        return _potential(model, parameters, f)

    left = jnp.stack([real, imaginary])
    right = jnp.stack([real + imaginary, imaginary - real])
    if model.way == "hessian":
        # XLA drops what the value, the gradient and the Hessian compute twice.
        hessian = jax.vmap(jax.hessian(phi))(features)
        value, slope = jax.vmap(jax.value_and_grad(phi))(features)
        moved = jnp.einsum("nfg,sang->sanf", hessian, right)
        return value, slope, jnp.einsum("sbnf,sanf->abn", left, moved)
    if model.way == "forward-over-reverse":
        slope, along = jax.linearize(jax.grad(lambda f: phi(f).sum()), features)
        by_real, by_imaginary = jax.vmap(jax.vmap(along))(left)
        moved = jnp.stack([by_real + by_imaginary, by_imaginary - by_real])
        return phi(features), slope, jnp.einsum("sbnf,sanf->abn", left, moved)
    if model.way == "forward-over-forward":

        def twice(v: jax.Array, w: jax.Array) -> jax.Array:
            return jax.jvp(lambda f: jax.jvp(phi, (f,), (v,))[1], (features,), (w,))[1]

        pairs = jax.vmap(jax.vmap(twice, in_axes=(0, None)), in_axes=(None, 0))  # over b, then over a
        square = pairs(left[0], right[0]) + pairs(left[1], right[1])
        value, pull = jax.vjp(phi, features)
        return value, pull(jnp.ones_like(value))[0], square
    raise ValueError(f"unknown way {model.way!r}: choose one of {', '.join(WAYS)}")


def _carried(
    model: JaxPhiModel,
    parameters: jax.Array,
    value: jax.Array,
    real: jax.Array,
    imaginary: jax.Array,
    bend: jax.Array,
) -> tuple[jax.Array, ...]:
    """The chain rule written out, layer by layer; derivatives of the activation by autodiff."""
    act = ACTIVATIONS[model.activation]

    def first(u: jax.Array) -> jax.Array:
        return jax.jvp(act, (u,), (jnp.ones_like(u),))[1]

    *hidden, (weight, bias) = _layers(model, parameters)
    for matrix, shift in hidden:
        value, real, imaginary, bend = value @ matrix + shift, real @ matrix, imaginary @ matrix, bend @ matrix
        slope, curve = jax.jvp(first, (value,), (jnp.ones_like(value),))
        left, right = imaginary - real, real + imaginary
        bend = curve * (right[:, None] * real[None] + left[:, None] * imaginary[None]) + slope * bend
        value, real, imaginary = act(value), slope * real, slope * imaginary
    found = (value @ weight + bias, real @ weight, imaginary @ weight, bend @ weight)
    return tuple(array[..., 0] for array in found)


def _determinant(packed: jax.Array) -> jax.Array:
    """det h (N,) of packed Hermitian matrices (n, n, N), n = 1, 2, 3."""
    n = packed.shape[0]
    re, im = (packed + packed.swapaxes(0, 1)) / 2, (packed - packed.swapaxes(0, 1)) / 2
    if n == 1:
        return re[0, 0]
    size = [[re[a, b] ** 2 + im[a, b] ** 2 for b in range(n)] for a in range(n)]
    if n == 2:
        return re[0, 0] * re[1, 1] - size[0][1]
    # Re h_01 h_12 h_20
    x, y = re[0, 1] * re[1, 2] - im[0, 1] * im[1, 2], re[0, 1] * im[1, 2] + im[0, 1] * re[1, 2]
    cyclic = x * re[2, 0] - y * im[2, 0]
    return (
        re[0, 0] * re[1, 1] * re[2, 2]
        + 2 * cyclic
        - re[0, 0] * size[1][2]
        - re[1, 1] * size[0][2]
        - re[2, 2] * size[0][1]
    )


def _squares(model: JaxPhiModel, parameters: jax.Array, given: Inputs) -> jax.Array:
    """Σ w r²."""
    bend = _jet(model, parameters, given)[3]
    residual = _determinant(jnp.moveaxis(given.reference, 0, 2) + bend) / given.target - 1
    return jnp.sum(given.weights * residual**2)


def _in_chunks(model: JaxPhiModel, parameters: jax.Array, given: Inputs) -> tuple[jax.Array, jax.Array]:
    """Σ w r²/Σ w and its gradient, chunk by chunk."""
    points = given.target.shape[0]
    size = max(divisor for divisor in range(1, min(model.chunk, points) + 1) if points % divisor == 0)

    def add(sums: tuple[jax.Array, jax.Array], part: Inputs) -> tuple[tuple[jax.Array, jax.Array], None]:
        found = jax.value_and_grad(lambda p: _squares(model, p, part))(parameters)
        return jax.tree.map(jnp.add, sums, found), None

    start = (jnp.zeros((), parameters.dtype), jnp.zeros_like(parameters))
    (loss, gradient), _ = jax.lax.scan(add, start, given.chunks(size))
    total = jnp.sum(given.weights)
    return loss / total, gradient / total


@functools.partial(jax.jit, static_argnums=0)
def _output(model: JaxPhiModel, parameters: jax.Array, given: Inputs) -> jax.Array:
    value, real, imaginary, bend = _jet(model, parameters, given)
    return jnp.concatenate([value[None], real, imaginary, bend.reshape(-1, value.size)])


@functools.partial(jax.jit, static_argnums=0)
def _pulled_back(model: JaxPhiModel, parameters: jax.Array, given: Inputs, covector: jax.Array) -> jax.Array:
    return jax.grad(lambda p: jnp.sum(covector * _output(model, p, given)))(parameters)


@functools.partial(jax.jit, static_argnums=0)
def _loss_and_gradient(model: JaxPhiModel, parameters: jax.Array, given: Inputs) -> tuple[jax.Array, jax.Array]:
    return _in_chunks(model, parameters, given)


@functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
def _adam_step(model: JaxPhiModel, state: AdamState, given: Inputs, chosen: jax.Array, rate: float) -> AdamState:
    _, gradient = _in_chunks(model, state.parameters, given.take(chosen))
    count = state.count + 1
    first = 0.9 * state.first + 0.1 * gradient
    second = 0.999 * state.second + 0.001 * gradient**2
    size = jnp.sqrt(second / (1 - 0.999**count)) + 1e-8
    change = first / (1 - 0.9**count) / size
    return AdamState(state.parameters - rate * change, first, second, count)
