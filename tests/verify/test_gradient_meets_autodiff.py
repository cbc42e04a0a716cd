"""laflow's gradient is what automatic differentiation of time integrators converges to."""

import numpy as np
import pytest

from verify import bridge
from verify.instances import Instance, grid_instance
from verify.oracles import autodiff
from verify.oracles.neighbourhoods import OUTSIDE, graph_neighbours, random_weights


def random_graph_instance() -> Instance:
    rng = np.random.default_rng(3)
    patches = [np.unique(np.append(rng.integers(0, 30, rng.integers(1, 6)), node)) for node in range(30)]
    indptr = np.concatenate([[0], np.cumsum([patch.size for patch in patches])])
    listed = graph_neighbours(indptr, np.concatenate(patches))
    # As wide as a 3×3 patch, so that JAX compiles once for both instances.
    neighbours = np.pad(listed, ((0, 0), (0, 9 - listed.shape[1])), constant_values=OUTSIDE)
    return Instance(
        distances=3.0 * rng.random((30, 3)),
        truth=rng.integers(0, 3, 30),
        weights=random_weights(neighbours, rng),
        neighbours=neighbours,
        time=4.0,
    )


GRID = grid_instance((5, 6), 3, time=4.0, seed=20)
GRAPH = random_graph_instance()
INSTANCES = [pytest.param(GRID, id="grid"), pytest.param(GRAPH, id="graph")]


def converged_gradient(instance: Instance) -> np.ndarray:
    """Krylov spaces and rank so large that their error (below 1e-12) hides behind that of any scheme here."""
    return bridge.gradient(instance, method="low-rank", krylov_dim=24, rank=16)[0]


def relative_difference(left: np.ndarray, right: np.ndarray) -> float:
    return float(np.linalg.norm(left - right) / np.linalg.norm(right))


@pytest.mark.parametrize("instance", INSTANCES)
def test_euler_autodiff_converges_to_it_at_order_one(instance):
    """The order fitted over halved steps is 1.00 ± 0.05; were the limit another gradient, it would be 0."""
    exact = converged_gradient(instance)
    steps = np.array([256, 512, 1024])
    errors = [
        relative_difference(autodiff.discrete_gradient(*instance.plain, scheme="euler", steps=int(n)).gradient, exact)
        for n in steps
    ]
    order = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert abs(order - 1.0) <= 0.05


@pytest.mark.parametrize("instance", INSTANCES)
def test_fine_runge_kutta_autodiff_meets_it(instance):
    reference = autodiff.reference_gradient(*instance.plain, tolerance=1e-9, least_steps=32)
    assert relative_difference(converged_gradient(instance), reference.gradient) <= 2.0 * reference.error + 1e-12


@pytest.mark.parametrize("instance", INSTANCES)
def test_exponential_autodiff_meets_it(instance):
    """Both are exact up to rounding, which the problem amplifies by less than 1e3."""
    reference = autodiff.exponential_gradient(*instance.plain)
    gradient, result = bridge.gradient(instance, method="low-rank", krylov_dim=24, rank=16)
    assert relative_difference(gradient, reference.gradient) <= 1e-12
    assert result.loss == pytest.approx(reference.loss, rel=1e-13)


def test_krylov_autodiff_of_the_same_dimension_errs_alike():
    """Same space, same m: projecting before and after differentiation err by the same order of magnitude."""
    exact = converged_gradient(GRID)
    ours = relative_difference(bridge.gradient(GRID, method="factored", krylov_dim=9)[0], exact)
    theirs = relative_difference(autodiff.discrete_gradient(*GRID.plain, scheme="krylov", steps=9).gradient, exact)
    assert 0.0 < ours <= 100.0 * theirs


def test_a_gradient_that_is_wrong_by_one_millionth_would_be_seen():
    reference = autodiff.exponential_gradient(*GRID.plain)
    assert relative_difference(converged_gradient(GRID) * (1.0 + 1e-6), reference.gradient) > 1e-7
