"""The PyTorch peer computes the same gradient: a benchmark against a wrong peer would be worth nothing."""

import numpy as np
import pytest

from verify.instances import grid_instance
from verify.oracles import autodiff

torch_flow = pytest.importorskip("verify.peers.torch_flow", reason="PyTorch (extra `bench`) is not installed")


@pytest.mark.parametrize(("shape", "radius"), [((5, 6), 1), ((9,), 2), ((3, 3, 3), 1)])
@pytest.mark.parametrize("scheme", torch_flow.SCHEMES)
def test_it_agrees_with_the_jax_oracle(shape, radius, scheme):
    """Same scheme, same steps, other tool: equal up to rounding, which 6 steps amplify little."""
    instance = grid_instance(shape, 3, radius=radius, time=2.0, seed=5)
    flow = torch_flow.torch_flow(*instance.plain, shape=shape, radius=radius)
    found = np.where(instance.neighbours >= 0, flow.plain(flow.gradient(scheme, 6)), 0.0)
    expected = autodiff.discrete_gradient(*instance.plain, scheme=scheme, steps=6).gradient
    assert np.linalg.norm(found - expected) <= 1e-12 * np.linalg.norm(expected)
