"""The loss gradient by a third party: matfree's `funm_arnoldi` and its adjoint of the Arnoldi iteration.

V_T is the leading part of exp(T𝒜) e on an Arnoldi basis of 𝒜 = [[A, b], [0, 0]] (Lemma 3.5), with S, A and b written
in JAX. Through the iteration goes matfree's own vector-Jacobian product (Krämer and others, "Gradients of functions of
large matrices", 2024), which solves an adjoint recurrence; `custom_vjp=False` unrolls the same iteration instead.

Accuracy: the Krylov approximation's error, which falls faster than any power of 1/dimension, and rounding. The
dimension must stay below that at which the space is exhausted: there matfree divides by zero, and so a result that is
not finite is refused.
Detection limit: `DETECTION_LIMIT`, a relative fault of 2e-12, twice `TOLERANCE`, from 20 dimensions on where T‖A‖ ≤ 5.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from matfree import decomp, funm

from verify.oracles.autodiff import AutodiffGradient

TOLERANCE, DETECTION_LIMIT = 1e-12, 2e-12


def gradient(
    weights: np.ndarray,
    neighbours: np.ndarray,
    log_likelihood: np.ndarray,
    target: np.ndarray,
    time: float,
    *,
    dimension: int,
    custom_vjp: bool = True,
) -> AutodiffGradient:
    """Loss, gradient (I, K) and tangent (I, J) on a Krylov space of `dimension` (that of 𝒜: one more than that of A).

    Raises ArithmeticError where the space is exhausted before, which matfree does not notice.
    """
    inside = neighbours >= 0
    with jax.enable_x64(True):
        arrays = (weights, log_likelihood, target, time)
        given = [jnp.asarray(item, dtype=jnp.float64) for item in arrays]
        places = jnp.asarray(np.where(inside, neighbours, 0))
        (loss, tangent), slope = _value_and_gradient(
            *given, places, jnp.asarray(inside), dimension=dimension, custom_vjp=custom_vjp
        )
        found = AutodiffGradient(float(loss), np.asarray(slope), np.asarray(tangent))
    if not (np.isfinite(found.loss) and np.all(np.isfinite(found.gradient))):
        raise ArithmeticError(f"matfree's result on {dimension} dimensions is not finite: the space holds fewer")
    return found


@partial(jax.jit, static_argnames=("dimension", "custom_vjp"))
def _value_and_gradient(
    weights: jax.Array,
    log_likelihood: jax.Array,
    target: jax.Array,
    time: jax.Array,
    neighbours: jax.Array,
    inside: jax.Array,
    dimension: int,
    custom_vjp: bool,
) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
    size = log_likelihood.size
    # matfree 0.6.3 hands `reortho` to the adjoint and `reortho_vjp` to the iteration: both say the same here.
    arnoldi = decomp.hessenberg(dimension, reortho="full", reortho_vjp="full", custom_vjp=custom_vjp)
    exponential = funm.funm_arnoldi(funm.dense_funm_pade_exp(), arnoldi)
    last = jnp.zeros(size + 1).at[-1].set(1.0)

    def average(shares: jax.Array, field: jax.Array) -> jax.Array:
        return jnp.sum(shares[:, :, None] * field[neighbours], axis=1)

    def augmented(vector: jax.Array, shares: jax.Array) -> jax.Array:
        """T𝒜 (v, c) = T (R_S Ω v + c b, 0), with everything as a function of the weights."""
        similar = jax.nn.softmax(average(shares, log_likelihood), axis=1)
        mean = average(shares, vector[:-1].reshape(log_likelihood.shape))
        moved = similar * mean - similar * jnp.sum(similar * mean, axis=1, keepdims=True)
        source = (similar - 1.0 / similar.shape[1]) / similar.shape[1]
        return time * jnp.append((moved + vector[-1] * source).reshape(-1), 0.0)

    def loss(shares: jax.Array) -> tuple[jax.Array, jax.Array]:
        tangent = exponential(augmented, last, jnp.where(inside, shares, 0.0))[:-1].reshape(target.shape)
        inner = jnp.vdot(tangent, target)
        return 1.0 - inner / (jnp.linalg.norm(tangent) * jnp.linalg.norm(target)), tangent

    return jax.value_and_grad(loss, has_aux=True)(weights)
