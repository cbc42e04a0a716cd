"""The loss gradient by JAX, jitted: autodiff through explicit Euler, Runge-Kutta, or exponential integration.

The schemes are those of `torch_flow`. What took time and pays (128², J=8, one core): the flat layout of `flat_grid`;
custom vector-Jacobian products of Ω V and of R_S X, because XLA turns the derivative of a slice into a select over
the whole field; barriers between them, because XLA otherwise repeats the shifts inside every sum over labels; sums
over labels written out, which become vector loops; and `lax.scan`, whose backward pass adds up in place. Taylor of
degree 6 takes 146 ms without the products, 39 with all of it.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from verify.peers.flat_grid import FlatGrid, flat_grid

SCHEMES = ("euler", "runge-kutta", "krylov", "taylor")
SUBSTEPS, TERMS = 8, 18  # of the small exponential: 1/18! = 2e-16 is left out where ‖T𝒜‖ ≤ 8
_barrier = jax.lax.optimization_barrier


@dataclass(frozen=True)
class JaxFlow:
    """A problem on a grid as JAX arrays over the cells of `layout`."""

    weights: jax.Array  # (K, cells), zero on the halo and beyond the border
    log_likelihood: jax.Array  # (J, cells)
    target: jax.Array  # (J, cells), zero on the halo
    interior: jax.Array  # (1, cells), 1 on nodes
    layout: FlatGrid
    time: float

    def gradient(self, scheme: str, steps: int) -> jax.Array:
        """∂f(V_T(Ω)), (K, cells), finished: `steps` are steps, a Krylov dimension or a degree."""
        if scheme not in SCHEMES:
            raise ValueError(f"unknown scheme {scheme!r}: choose one of {', '.join(SCHEMES)}")
        with jax.enable_x64(True):
            return _gradient(
                self.weights,
                self.log_likelihood,
                self.target,
                self.interior,
                offsets=self.layout.offsets,
                time=self.time,
                scheme=scheme,
                steps=steps,
            ).block_until_ready()

    def plain(self, gradient: jax.Array) -> np.ndarray:
        """The gradient as (I, K)."""
        return self.layout.gather(np.asarray(gradient))


def jax_flow(
    weights: np.ndarray,
    neighbours: np.ndarray,
    log_likelihood: np.ndarray,
    target: np.ndarray,
    time: float,
    *,
    shape: Sequence[int],
    radius: int,
    dtype: type = np.float64,
) -> JaxFlow:
    """Lay out plain arrays (see `verify.oracles`) for JAX. `shape` and `radius` are the grid's."""
    layout = flat_grid(shape, radius)

    def spread(field: np.ndarray) -> jax.Array:
        with jax.enable_x64(True):
            return jnp.asarray(layout.spread(field, dtype))

    return JaxFlow(
        weights=spread(np.where(neighbours >= 0, weights, 0.0)),
        log_likelihood=spread(log_likelihood),
        target=spread(target),
        interior=spread(np.ones((layout.cells.size, 1))),
        layout=layout,
        time=time,
    )


def halo(field: jax.Array, offsets: Sequence[int]) -> jax.Array:
    """The field with zeros around it, so that shifting is slicing."""
    reach = max(offsets)
    return _barrier(jnp.pad(field, ((0, 0), (reach, reach))))


def _shifted(weights: jax.Array, padded: jax.Array, offsets: Sequence[int], sign: int) -> jax.Array:
    reach, cells = max(offsets), weights.shape[1]
    starts = [reach + sign * offset for offset in offsets]
    return _barrier(sum(weights[k] * padded[:, start : start + cells] for k, start in enumerate(starts)))


def transposed(weights: jax.Array, offsets: Sequence[int]) -> jax.Array:
    """The weights of Ωᵀ, which goes with offsets of the other sign; a constant to autodiff."""
    padded, reach, cells = halo(jax.lax.stop_gradient(weights), offsets), max(offsets), weights.shape[1]
    return jnp.stack([padded[k, reach - offset : reach - offset + cells] for k, offset in enumerate(offsets)])


def _over_labels(left: jax.Array, right: jax.Array) -> jax.Array:
    return _barrier(sum(left[label] * right[label] for label in range(left.shape[0])))


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def average(weights: jax.Array, back: jax.Array, field: jax.Array, offsets: tuple[int, ...]) -> jax.Array:
    """Ω V; `back` are the transposed weights."""
    return _shifted(weights, halo(field, offsets), offsets, 1)


def _average_forward(
    weights: jax.Array, back: jax.Array, field: jax.Array, offsets: tuple[int, ...]
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return average(weights, back, field, offsets), (back, field)


def _average_backward(
    offsets: tuple[int, ...], kept: tuple[jax.Array, jax.Array], covector: jax.Array
) -> tuple[jax.Array, None, jax.Array]:
    back, field = kept
    padded, reach, (labels, cells) = halo(field, offsets), max(offsets), field.shape
    starts = [reach + offset for offset in offsets]
    by_weights = jnp.stack(
        [sum(covector[j] * padded[j, start : start + cells] for j in range(labels)) for start in starts]
    )
    return _barrier(by_weights), None, _shifted(back, halo(covector, offsets), offsets, -1)


average.defvjp(_average_forward, _average_backward)


@jax.custom_vjp
def replicate(similarity: jax.Array, field: jax.Array) -> jax.Array:
    """R_S X = S ∘ (X - <S, X>)."""
    return _barrier(similarity * (field - _over_labels(similarity, field)))


def _replicate_forward(similarity: jax.Array, field: jax.Array) -> tuple[jax.Array, tuple[jax.Array, ...]]:
    mean = _over_labels(similarity, field)
    return _barrier(similarity * (field - mean)), (similarity, field, mean)


def _replicate_backward(kept: tuple[jax.Array, ...], covector: jax.Array) -> tuple[jax.Array, jax.Array]:
    similarity, field, mean = kept
    covector_mean = _over_labels(similarity, covector)
    by_similarity = covector * (field - mean) - covector_mean * field
    return _barrier(by_similarity), _barrier(similarity * (covector - covector_mean))


replicate.defvjp(_replicate_forward, _replicate_backward)


def direction_loss(tangent: jax.Array, target: jax.Array) -> jax.Array:
    """f(V) = 1 - <V*, V> / (‖V*‖ ‖V‖)."""
    return 1.0 - jnp.vdot(target, tangent) / (jnp.linalg.norm(target) * jnp.linalg.norm(tangent))


def flow_parts(
    weights: jax.Array, log_likelihood: jax.Array, interior: jax.Array, offsets: tuple[int, ...]
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Transposed weights, S and b."""
    back = transposed(weights, offsets)
    similarity = jax.nn.softmax(average(weights, back, log_likelihood, offsets), axis=0)
    labels = similarity.shape[0]
    return back, similarity, (similarity - 1.0 / labels) * (interior / labels)


@functools.partial(jax.jit, static_argnames=("offsets", "time", "scheme", "steps"))
def _gradient(
    weights: jax.Array,
    log_likelihood: jax.Array,
    target: jax.Array,
    interior: jax.Array,
    offsets: tuple[int, ...],
    time: float,
    scheme: str,
    steps: int,
) -> jax.Array:
    def loss(weights: jax.Array) -> jax.Array:
        back, similarity, source = flow_parts(weights, log_likelihood, interior, offsets)

        def apply(field: jax.Array) -> jax.Array:
            return replicate(similarity, average(weights, back, field, offsets))

        integrate = {"euler": _euler, "runge-kutta": _runge_kutta, "krylov": _krylov, "taylor": _taylor}[scheme]
        return direction_loss(integrate(apply, source, time, steps), target)

    return jax.grad(loss)(weights)


Apply = Callable[[jax.Array], jax.Array]


def _euler(apply: Apply, source: jax.Array, time: float, steps: int) -> jax.Array:
    def advance(tangent: jax.Array, _: None) -> tuple[jax.Array, None]:
        return tangent + time / steps * (apply(tangent) + source), None

    # The first step starts at zero, where the velocity is the source.
    return jax.lax.scan(advance, time / steps * source, None, length=steps - 1)[0]


def _runge_kutta(apply: Apply, source: jax.Array, time: float, steps: int) -> jax.Array:
    step = time / steps

    def advance(tangent: jax.Array, _: None) -> tuple[jax.Array, None]:
        first = apply(tangent) + source
        second = apply(tangent + 0.5 * step * first) + source
        third = apply(tangent + 0.5 * step * second) + source
        fourth = apply(tangent + step * third) + source
        return tangent + step / 6.0 * (first + 2.0 * (second + third) + fourth), None

    return jax.lax.scan(advance, jnp.zeros_like(source), None, length=steps)[0]


def _taylor(apply: Apply, source: jax.Array, time: float, degree: int) -> jax.Array:
    """T φ(TA) b ≈ T (b + T/2 A (b + T/3 A (b + …))), `degree` products."""

    def advance(tangent: jax.Array, factor: jax.Array) -> tuple[jax.Array, None]:
        return source + factor * apply(tangent), None

    factors = time / jnp.arange(degree + 1, 1, -1, dtype=source.dtype)
    return time * jax.lax.scan(advance, source, factors)[0]


def _krylov(apply: Apply, source: jax.Array, time: float, dimension: int) -> jax.Array:
    """T‖b‖ Q φ(TH) e_1. A loop written out: in a scan every product would meet the whole basis."""
    norm = jnp.linalg.norm(source)
    basis, columns = [source / norm], []
    for column in range(dimension):
        vector = apply(basis[-1])
        spanned = jnp.stack(basis).reshape(column + 1, -1)
        shares = spanned @ vector.reshape(-1)
        entries = [shares]
        if column + 1 < dimension:
            vector = vector - (shares @ spanned).reshape(vector.shape)
            length = jnp.linalg.norm(vector)
            basis.append(vector / length)
            entries.append(length[None])
        entries.append(jnp.zeros(dimension + 1 - sum(entry.size for entry in entries), source.dtype))
        columns.append(jnp.concatenate(entries))
    start = norm * jnp.eye(dimension + 1, dtype=source.dtype)[0]
    weights = _last_column_of_expm(time * jnp.stack([*columns, start], 1))[:dimension]
    return (weights @ jnp.stack(basis).reshape(dimension, -1)).reshape(source.shape)


def _last_column_of_expm(matrix: jax.Array) -> jax.Array:
    """By Taylor steps: JAX's own expm takes seconds to compile."""

    def term(state: tuple[jax.Array, jax.Array], number: jax.Array) -> tuple[tuple[jax.Array, jax.Array], None]:
        power, total = state
        power = matrix @ power / (SUBSTEPS * number)
        return (power, total + power), None

    def substep(start: jax.Array, _: None) -> tuple[jax.Array, None]:
        return jax.lax.scan(term, (start, start), jnp.arange(1.0, TERMS, dtype=matrix.dtype))[0][1], None

    last = jnp.zeros(matrix.shape[0], matrix.dtype).at[-1].set(1.0)
    return jax.lax.scan(substep, last, None, length=SUBSTEPS)[0]
