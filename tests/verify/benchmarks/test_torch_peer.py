"""The PyTorch peer computes the same gradient: a benchmark against a wrong peer would be worth nothing."""

import numpy as np
import pytest

from verify.instances import grid_instance
from verify.oracles import autodiff

torch_flow = pytest.importorskip("verify.peers.torch_flow", reason="PyTorch (extra `bench`) is not installed")


# Every scheme once, with step numbers that JAX has compiled for other tests; other layouts with the cheapest scheme.
CASES = [
    ((5, 6), 1, "euler", 256),
    ((5, 6), 1, "runge-kutta", 16),
    ((5, 6), 1, "krylov", 9),
    ((9,), 2, "euler", 6),
    ((3, 3, 3), 1, "euler", 6),
]


def test_taylor_polynomials_reach_the_reference():
    """‖TA‖ ≤ 1 here: what degree 14 leaves out is below 1e-12, the reference's own error is 1e-9."""
    instance = grid_instance((5, 6), 3, radius=1, time=2.0, seed=5)
    flow = torch_flow.torch_flow(*instance.plain, shape=(5, 6), radius=1)
    found = np.where(instance.neighbours >= 0, flow.plain(flow.gradient("taylor", 14)), 0.0)
    expected = autodiff.reference_gradient(*instance.plain, tolerance=1e-9).gradient
    assert np.linalg.norm(found - expected) <= 3e-9 * np.linalg.norm(expected)


@pytest.mark.parametrize(("shape", "radius", "scheme", "steps"), CASES)
def test_it_agrees_with_the_jax_oracle(shape, radius, scheme, steps):
    """Same scheme, same steps, other tool: equal up to rounding, which so few steps amplify little."""
    instance = grid_instance(shape, 3, radius=radius, time=2.0, seed=5)
    flow = torch_flow.torch_flow(*instance.plain, shape=shape, radius=radius)
    found = np.where(instance.neighbours >= 0, flow.plain(flow.gradient(scheme, steps)), 0.0)
    expected = autodiff.discrete_gradient(*instance.plain, scheme=scheme, steps=steps).gradient
    assert np.linalg.norm(found - expected) <= 1e-11 * np.linalg.norm(expected)
