"""∂_a∂̄_b∂'_c∂̄'_d of the scalar tangent kernel, by nested automatic differentiation (JAX, float64).

The network is evaluated at features that are polynomials in real coordinates with the given Kähler jets at the origin;
its scalar kernel Θ_φ(x, x') = Σ_I ∂_I φ(x) ∂_I φ(x') is differentiated twice by the coordinates of x and twice by those
of x'. Nothing is packed, no channel rule and no adjoint is used. Rounding about 1e-14 relative.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

ACTIVATIONS = {"tanh": jnp.tanh, "erf": jax.scipy.special.erf, "sine": jnp.sin, "softplus": jax.nn.softplus}


def nested_kernel(layers: Sequence[tuple[np.ndarray, np.ndarray]], activation: str, jets: np.ndarray) -> np.ndarray:
    """Θ_ab̄cd̄ (N, n, n, N, n, n) complex for `layers` (weight (in, out), bias) in plain parametrisation.

    jets: (channels, N, features) of the inputs, in the order value, Re ∂_a, Im ∂_a, packed ∂_a∂̄_b.
    """
    n, points = int(np.sqrt(jets.shape[0])) - 1, jets.shape[1]
    sigma = ACTIVATIONS[activation]

    def potential(parameters: list, jet: jnp.ndarray, place: jnp.ndarray) -> jnp.ndarray:
        unit = _features(n, jet, place)
        for weight, bias in parameters[:-1]:
            unit = sigma(unit @ weight + bias)
        weight, bias = parameters[-1]
        return (unit @ weight + bias)[0]

    def scalar(parameters: list, jet: jnp.ndarray, other: jnp.ndarray, x: jnp.ndarray, y: jnp.ndarray) -> jnp.ndarray:
        left, right = (jax.grad(potential)(parameters, one, at) for one, at in ((jet, x), (other, y)))
        return sum(jnp.sum(a * b) for a, b in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True))

    with jax.enable_x64(True):
        parameters = [(jnp.asarray(weight), jnp.asarray(bias)) for weight, bias in layers]
        fourth = jax.jit(jax.hessian(jax.hessian(scalar, argnums=3), argnums=4))
        origin = jnp.zeros(2 * n)
        found = np.empty((points, n, n, points, n, n), dtype=np.complex128)
        for p in range(points):
            for q in range(points):
                real = np.asarray(fourth(parameters, jnp.asarray(jets[:, p]), jnp.asarray(jets[:, q]), origin, origin))
                found[p, :, :, q] = _wirtinger(n, _wirtinger(n, real).transpose(2, 3, 0, 1)).transpose(2, 3, 0, 1)
    return found


def _features(n: int, jet: jnp.ndarray, place: jnp.ndarray) -> jnp.ndarray:
    """f(x) = f_0 + 2 Re(f_a x_a) + Re f_ab̄ x_a x̄_b for x = place[:n] + i place[n:]: its Kähler jet at 0 is `jet`."""
    real, imag = place[:n], place[n:]
    slope_real, slope_imag, packed = jet[1 : 1 + n], jet[1 + n : 1 + 2 * n], jet[1 + 2 * n :].reshape(n, n, -1)
    symmetric, antisymmetric = (packed + packed.swapaxes(0, 1)) / 2, (packed - packed.swapaxes(0, 1)) / 2
    linear = 2 * (real @ slope_real - imag @ slope_imag)
    # Re of (S + iA)_ab x_a x̄_b, where Re x_a x̄_b = s_a s_b + t_a t_b and Im x_a x̄_b = t_a s_b - s_a t_b
    squares = jnp.outer(real, real) + jnp.outer(imag, imag)
    turns = jnp.outer(imag, real) - jnp.outer(real, imag)
    return jet[0] + linear + jnp.einsum("abf,ab->f", symmetric, squares) - jnp.einsum("abf,ab->f", antisymmetric, turns)


def _wirtinger(n: int, second: np.ndarray) -> np.ndarray:
    """∂_a∂̄_b from real second derivatives (2n, 2n, ...): (n, n, ...)."""
    xx, xy, yx, yy = second[:n, :n], second[:n, n:], second[n:, :n], second[n:, n:]
    found: np.ndarray = (xx + yy + 1j * (xy - yx)) / 4
    return found
