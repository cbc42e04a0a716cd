"""The loss gradient by matfree's `funm_arnoldi` and its own adjoint of the Arnoldi iteration, on the fast JAX layout.

The same method as the oracle `verify.oracles.matfree_gradient`, with the products of `jax_flow` in place of gathers and
without reorthogonalisation.
"""

import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from matfree import decomp, funm

from verify.peers.jax_flow import JaxFlow, average, direction_loss, flow_parts, replicate


@dataclass(frozen=True)
class MatfreeFlow:
    """The problem of a `JaxFlow`."""

    flow: JaxFlow

    def gradient(self, dimension: int) -> jax.Array:
        """∂f(V_T(Ω)), (K, cells), on a Krylov space of 𝒜 of this dimension (one more than that of A)."""
        flow = self.flow
        # Its adjoint makes arrays of JAX's default type, which must be that of the problem.
        with jax.enable_x64(flow.weights.dtype == np.float64):
            return _gradient(
                flow.weights,
                flow.log_likelihood,
                flow.target,
                flow.interior,
                offsets=flow.layout.offsets,
                time=flow.time,
                dimension=dimension,
            ).block_until_ready()

    def plain(self, gradient: jax.Array) -> np.ndarray:
        """The gradient as (I, K)."""
        return self.flow.plain(gradient)


@functools.partial(jax.jit, static_argnames=("offsets", "time", "dimension"))
def _gradient(
    weights: jax.Array,
    log_likelihood: jax.Array,
    target: jax.Array,
    interior: jax.Array,
    offsets: tuple[int, ...],
    time: float,
    dimension: int,
) -> jax.Array:
    arnoldi = decomp.hessenberg(dimension, reortho="none", reortho_vjp="none", custom_vjp=True)
    exponential = funm.funm_arnoldi(funm.dense_funm_pade_exp(), arnoldi)
    last = jnp.zeros(log_likelihood.size + 1, log_likelihood.dtype).at[-1].set(1.0)

    def augmented(vector: jax.Array, *parts: jax.Array) -> jax.Array:
        """T𝒜 (v, c) = T (R_S Ω v + c b, 0)."""
        weights, back, similarity, source = parts
        moved = replicate(similarity, average(weights, back, vector[:-1].reshape(source.shape), offsets))
        return time * jnp.append((moved + vector[-1] * source).reshape(-1), 0.0)

    def loss(weights: jax.Array) -> jax.Array:
        parts = flow_parts(weights, log_likelihood, interior, offsets)
        tangent = exponential(augmented, last, weights, *parts)[:-1].reshape(target.shape)
        return direction_loss(tangent, target)

    return jax.grad(loss)(weights)
