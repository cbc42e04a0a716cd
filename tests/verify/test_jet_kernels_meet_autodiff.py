"""Jets through an activation, their adjoint, and determinants of packed metrics, against autodiff and complex matrices.

u(x) = value + 2 Re Σ ∂_a u x_a + Σ ∂_a ∂̄_b u x_a x̄_b has any given Kähler jet at x = 0; JAX differentiates tanh of it
by real coordinates, which shares nothing with the lemmas.
"""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from laflow.kernels import activation_tanh, jet_activation, jet_activation_adjoint, jet_activation_tangent

jax.config.update("jax_enable_x64", True)
SITES = 7


def packed(hermitian):
    return hermitian.real + hermitian.imag


def jet_of_tanh(value, real, imag, bend):
    """Value, real and imaginary slope, packed bend of tanh(u) at 0, from real gradients and Hessians."""
    n = real.shape[0]
    form = (bend + bend.T) / 2 + 0.5j * (bend - bend.T)

    def function(place):
        x = place[:n] + 1j * place[n:]
        return jnp.tanh(value + 2 * jnp.real((real + 1j * imag) @ x) + jnp.real(x @ form @ jnp.conj(x)))

    origin = jnp.zeros(2 * n)
    gradient, hessian = jax.grad(function)(origin), jax.hessian(function)(origin)
    xx, xy, yy = hessian[:n, :n], hessian[:n, n:], hessian[n:, n:]
    # ∂ = (∂_x - i ∂_y)/2, ∂̄ = (∂_x + i ∂_y)/2
    mixed = (xx + yy + 1j * (xy - xy.T)) / 4
    return function(origin), gradient[:n] / 2, -gradient[n:] / 2, packed(mixed)


def jets(n, rng):
    return rng.normal(size=SITES), *(rng.normal(size=(n, SITES)) for _ in range(2)), rng.normal(size=(n, n, SITES))


def outputs(*arrays):
    return [np.full_like(array, np.nan) for array in arrays]


def work(kernel, *inputs):
    return np.empty((1, max(1, kernel.work_rows(*inputs)), kernel.BLOCK))


def derivatives(value):
    found = outputs(value, value, value, value)
    activation_tanh.sites(value, *found, work(activation_tanh, value))
    return found


# second derivatives of functions of order one, in double precision by both
CLOSE = {"rtol": 0.0, "atol": 1e-13}


@pytest.mark.parametrize("n", [1, 2, 3])
def test_jets_through_tanh_are_those_of_autodiff(n):
    value, *slopes = jets(n, np.random.default_rng(n))
    activated, first, second, _ = derivatives(value)
    found = outputs(*slopes)
    jet_activation.sites(first, second, *slopes, *found, work(jet_activation, first, second, *slopes))
    exact = jax.jit(jax.vmap(jet_of_tanh, in_axes=-1, out_axes=-1))(value, *slopes)
    for seen, wanted in zip((activated, *found), exact, strict=True):
        np.testing.assert_allclose(seen, wanted, **CLOSE)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_adjoint_is_the_transposed_derivative_that_autodiff_finds(n):
    rng = np.random.default_rng(10 + n)
    value, *slopes = jets(n, rng)
    covectors = jets(n, rng)
    _, *derived = derivatives(value)
    found = outputs(value, *slopes)
    given = (*derived, *slopes, *covectors)
    jet_activation_adjoint.sites(*given, *found, work(jet_activation_adjoint, *given))

    def one(jet, covector):
        return jax.vjp(jet_of_tanh, *jet)[1](covector)

    exact = jax.jit(jax.vmap(one, in_axes=-1, out_axes=-1))((value, *slopes), covectors)
    for seen, wanted in zip(found, exact, strict=True):
        # the factor: sums of up to nine products of third derivatives
        np.testing.assert_allclose(seen, wanted, rtol=0.0, atol=10 * CLOSE["atol"])


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_tangent_is_the_derivative_that_autodiff_finds(n):
    rng = np.random.default_rng(20 + n)
    value, *slopes = jets(n, rng)
    turn, *changes = jets(n, rng)
    _, *derived = derivatives(value)
    found = outputs(value, *slopes)
    given = (*derived, *slopes, turn, *changes)
    jet_activation_tangent.sites(*given, *found, work(jet_activation_tangent, *given))

    def one(jet, change):
        return jax.jvp(jet_of_tanh, jet, change)[1]

    exact = jax.jit(jax.vmap(one, in_axes=-1, out_axes=-1))((value, *slopes), (turn, *changes))
    for seen, wanted in zip(found, exact, strict=True):
        np.testing.assert_allclose(seen, wanted, rtol=0.0, atol=10 * CLOSE["atol"])


@pytest.mark.parametrize("n", [1, 2, 3])
def test_determinants_and_slopes_are_those_of_complex_matrices(n):
    rng = np.random.default_rng(n)
    root = rng.normal(size=(SITES, n, n)) + 1j * rng.normal(size=(SITES, n, n))
    sign = np.where(np.arange(SITES) % 2, 1.0, -0.5)[:, None, None]
    hermitian = root @ root.conj().swapaxes(1, 2) + sign * np.eye(n)  # positive ones and others
    entries = [np.ascontiguousarray(packed(hermitian)[:, a, b]) for a in range(n) for b in range(n)]
    kernel = importlib.import_module(f"laflow.kernels.monge_ampere_{n}")
    determinant, *slopes = outputs(entries[0], *entries)
    kernel.sites(*entries, determinant, *slopes, work(kernel, *entries))
    exact = np.linalg.det(hermitian).real
    size = np.abs(hermitian).sum(axis=(1, 2)) ** n  # bounds what is added up
    assert np.all(np.abs(determinant - exact) <= 1e-14 * size)
    adjugate = exact[:, None, None] * packed(np.linalg.inv(hermitian))  # packed as g is, its transpose taken twice
    for seen, wanted in zip(slopes, adjugate.reshape(SITES, -1).T, strict=True):
        assert np.all(np.abs(seen - wanted) <= 1e-11 * size)  # the inverse loses digits where g is near singular
