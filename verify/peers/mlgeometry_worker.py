"""MLGeometry-JAX on given points, in its own interpreter: `PYTHON mlgeometry_worker.py DATA SECONDS SEED BEGUN RESULT`.

Not imported by anything here: MLGeometry-JAX (Douglas, Lakshminarasimhan and Qi, arXiv:2012.04797) brings flax, optax
and jaxopt, so it has an environment of its own. DATA is an .npz file of training points (points, frame, omega_squared,
weights) and test points (test_points, test_frame). Its bihomogeneous network, 3 layers of 64 squares, is trained with
its own loss (weighted mean of squares) and Adam, annealed by half a cosine until SECONDS after BEGUN (of `time.time`).
Its training step runs in a loop of ours, which spares what its trainer spends between steps. RESULT gets det g at the
test points in double precision, for g in the hyperplane's class, and the number of steps.
"""

import sys
import time
from math import cos, pi
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax  # type: ignore[import-not-found]
from flax import linen as nn  # type: ignore[import-not-found]
from MLGeometry import bihomoNN, loss  # type: ignore[import-not-found]

# Of two and three layers, batches of 50 to 5000, and rates of 3e-3 and 1e-2, what has the lowest σ after a minute and
# after five, on one core. Two layers end at 0.006 however long they take; three with other batches or rates often stay
# far above, up to a collapse.
LAYERS, WIDTH, BATCH, RATE = 3, 64, 100, 3e-3
EVALUATED_AT_ONCE = 500


class Potential(nn.Module):
    """log h, h bihomogeneous of degree 2^LAYERS."""

    coordinates: int

    @nn.compact
    def __call__(self, points: jax.Array) -> jax.Array:
        passed = bihomoNN.Bihomogeneous(d=self.coordinates)(points)
        for _ in range(LAYERS):
            passed = bihomoNN.SquareDense(WIDTH)(passed)
        return jnp.log(bihomoNN.SquareDense(1, activation=None)(passed))


def trained(model: Potential, data: dict[str, jax.Array], end: float, begun: float, seed: int) -> tuple[Any, int]:
    """Parameters and the number of steps."""
    variables = data["points"].shape[1]
    parameters = model.init(jax.random.PRNGKey(seed), jnp.ones((1, variables), dtype=jnp.complex64))
    adam = optax.scale_by_adam()

    @jax.jit
    def step(parameters: Any, moments: Any, chosen: jax.Array, rate: float) -> tuple[Any, Any]:
        batch = {name: array[chosen] for name, array in data.items()}
        gradient = jax.grad(lambda p: loss.compute_loss(model, p, batch, loss.weighted_MSE))(parameters)
        change, moments = adam.update(gradient, moments)
        return jax.tree.map(lambda p, c: p - rate * c, parameters, change), moments

    moments, rng, order, steps, longest = adam.init(parameters), np.random.default_rng(seed), np.zeros(0, int), 0, 0.0
    while time.time() + longest < begun + end:
        if order.size < BATCH:
            order = rng.permutation(data["points"].shape[0])
        chosen, order = order[:BATCH], order[BATCH:]
        start = time.time()
        rate = 0.5 * RATE * (1 + cos(pi * min(1.0, (start - begun) / end)))
        parameters, moments = jax.block_until_ready(step(parameters, moments, chosen, rate))
        steps += 1
        # The first step compiles.
        longest = time.time() - start if steps > 1 else 0.0
    return parameters, steps


def main(arguments: list[str]) -> int:
    """Train, evaluate, write."""
    source, seconds, seed, begun, result = (
        arguments[0],
        float(arguments[1]),
        int(arguments[2]),
        float(arguments[3]),
        arguments[4],
    )
    with np.load(source, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    data = {
        "points": jnp.asarray(arrays["points"], dtype=jnp.complex64),
        "restriction": jnp.asarray(arrays["frame"], dtype=jnp.complex64),
        "Omega_Omegabar": jnp.asarray(arrays["omega_squared"], dtype=jnp.float32),
        "mass": jnp.asarray(arrays["weights"], dtype=jnp.float32),
    }
    model = Potential(arrays["points"].shape[1])
    parameters, steps = trained(model, data, seconds, begun, seed)
    spent = time.time() - begun
    jax.config.update("jax_enable_x64", True)
    parameters = jax.tree.map(lambda array: jnp.asarray(np.asarray(array), dtype=jnp.float64), parameters)

    @jax.jit
    def determinant(points: jax.Array, frame: jax.Array) -> jax.Array:
        batch = {"points": points, "restriction": frame}
        # ∂∂̄ log h lies in 2^LAYERS π times the hyperplane's class.
        metric = loss.compute_cy_metric(model, parameters, batch) / (2**LAYERS * pi)
        return jnp.linalg.det(metric).real

    found = [
        np.asarray(determinant(arrays["test_points"][i : i + EVALUATED_AT_ONCE], frame))
        for i in range(0, len(arrays["test_points"]), EVALUATED_AT_ONCE)
        for frame in [arrays["test_frame"][i : i + EVALUATED_AT_ONCE]]
    ]
    np.savez(result, determinant=np.concatenate(found), steps=steps, seconds=spent)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
