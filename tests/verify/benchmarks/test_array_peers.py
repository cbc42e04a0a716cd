"""The peers compute the same gradient: a benchmark against a wrong peer would be worth nothing."""

import numpy as np
import pytest

from verify.instances import grid_instance
from verify.oracles import autodiff
from verify.peers.jax_flow import jax_flow
from verify.peers.matfree_flow import MatfreeFlow
from verify.peers.scipy_flow import scipy_flow

SHAPE, LABELS, RADIUS = (5, 6), 3, 1


@pytest.fixture(scope="module")
def instance():
    return grid_instance(SHAPE, LABELS, radius=RADIUS, time=2.0, seed=5)


@pytest.fixture(scope="module")
def truth(instance):
    """Runge-Kutta gradient whose own error is below 1e-9."""
    return autodiff.reference_gradient(*instance.plain, tolerance=1e-9).gradient


def relative_error(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def masked(instance, gradient):
    return np.where(instance.neighbours >= 0, gradient, 0.0)


@pytest.mark.parametrize(("scheme", "steps"), [("euler", 6), ("runge-kutta", 4), ("krylov", 5)])
def test_jax_agrees_with_the_oracle_scheme_by_scheme(instance, scheme, steps):
    """Same scheme, same steps, another program: equal up to rounding, which so few steps amplify little."""
    flow = jax_flow(*instance.plain, shape=SHAPE, radius=RADIUS)
    found = masked(instance, flow.plain(flow.gradient(scheme, steps)))
    expected = autodiff.discrete_gradient(*instance.plain, scheme=scheme, steps=steps).gradient
    assert relative_error(found, expected) <= 1e-11


def test_jax_by_taylor_polynomials_reaches_the_reference(instance, truth):
    """‖TA‖ ≤ 1 here: what degree 14 leaves out is below 1e-12, the reference's own error is 1e-9."""
    flow = jax_flow(*instance.plain, shape=SHAPE, radius=RADIUS)
    assert relative_error(masked(instance, flow.plain(flow.gradient("taylor", 14))), truth) <= 3e-9


@pytest.mark.parametrize(
    "compute",
    [lambda flow: flow.gradient("taylor", 14), lambda flow: MatfreeFlow(flow).gradient(8)],
    ids=["jax", "matfree"],
)
def test_float32_keeps_its_digits(instance, truth, compute):
    """float32 rounds by 6e-8; a hundred times that is what so short a computation may lose."""
    flow = jax_flow(*instance.plain, shape=SHAPE, radius=RADIUS, dtype=np.float32)
    gradient = compute(flow)
    assert gradient.dtype == np.float32
    assert relative_error(masked(instance, flow.plain(gradient)), truth) <= 6e-6


def test_matfree_reaches_the_reference(instance, truth):
    flow = MatfreeFlow(jax_flow(*instance.plain, shape=SHAPE, radius=RADIUS))
    assert relative_error(masked(instance, flow.plain(flow.gradient(12))), truth) <= 3e-9


def test_scipy_reaches_the_reference(instance, truth):
    """Ten pieces of a closed Newton-Cotes rule leave 1e-12 of so smooth an integrand."""
    assert relative_error(scipy_flow(*instance.plain).gradient(10), truth) <= 3e-9


def test_scipy_with_fewer_pieces_is_less_accurate(instance, truth):
    """The error is the quadrature's: it falls with the pieces, as the benchmark's sweep supposes."""
    errors = [relative_error(scipy_flow(*instance.plain).gradient(pieces), truth) for pieces in (2, 4, 6)]
    assert errors[0] > 10.0 * errors[1] > 100.0 * errors[2]


def test_an_unknown_scheme_is_refused(instance):
    with pytest.raises(ValueError, match="unknown scheme 'midpoint'"):
        jax_flow(*instance.plain, shape=SHAPE, radius=RADIUS).gradient("midpoint", 3)
