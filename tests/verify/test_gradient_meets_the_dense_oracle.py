"""laflow's gradient is that of the dense oracle, by every method, on random grids and graphs.

Tolerances are relative to the oracle's `gradient_scale`, the size of the terms that are summed: different
orders of summation may differ by machine epsilon times that, times the number of roundings along the way
(products with A, the exponential's squarings, and the sums over n entries), for which `ROUNDINGS` stands.
"""

import numpy as np
import pytest
from hypothesis import given, settings

from verify import bridge
from verify.instances import Instance, grid_instance
from verify.oracles import complex_step, dense_flow, finite_differences, taylor_remainder
from verify.oracles.neighbourhoods import dense_weights, gather_weights
from verify.strategies import instances

ROUNDINGS = 300.0
EPSILON = float(np.finfo(np.float64).eps)


def oracle_gradient(instance: Instance) -> np.ndarray:
    return gather_weights(dense_flow.gradient_by_quadrature(*instance.dense_plain), instance.neighbours)


def error_in_roundings(instance: Instance, gradient: np.ndarray) -> float:
    scale = dense_flow.gradient_scale(*instance.dense_plain)
    return float(np.linalg.norm(gradient - oracle_gradient(instance))) / (EPSILON * scale)


@given(instance=instances(unknowns=24))
@settings(max_examples=60, deadline=None)
def test_the_dense_method_gives_the_oracle_gradient(instance):
    gradient, _ = bridge.gradient(instance, method="dense")
    assert error_in_roundings(instance, gradient) <= ROUNDINGS


@given(instance=instances(unknowns=24))
@settings(max_examples=40, deadline=None)
def test_one_krylov_space_of_the_kronecker_sum_gives_the_oracle_gradient(instance):
    gradient, _ = bridge.gradient(instance, method="krylov", krylov_dim=60)
    assert error_in_roundings(instance, gradient) <= ROUNDINGS


@given(instance=instances(unknowns=60))
@settings(max_examples=100, deadline=None)
def test_two_exhausted_krylov_spaces_give_the_oracle_gradient(instance):
    gradient, result = bridge.gradient(instance, method="factored", krylov_dim=instance.distances.size)
    assert error_in_roundings(instance, gradient) <= ROUNDINGS
    assert result.loss == pytest.approx(float(dense_flow.loss(*instance.dense_plain)), abs=1e-12)


@given(instance=instances(unknowns=60))
@settings(max_examples=60, deadline=None)
def test_full_rank_is_the_full_core(instance):
    size = instance.distances.size
    gradient, _ = bridge.gradient(instance, method="low-rank", krylov_dim=size, rank=size)
    assert error_in_roundings(instance, gradient) <= ROUNDINGS


@pytest.mark.parametrize("method", ["dense", "krylov", "factored", "low-rank"])
@pytest.mark.parametrize(
    ("shape", "labels", "radius", "time"), [((4,), 4, 1, 1.0), ((2, 3), 2, 2, 5.0), ((2, 2, 2), 2, 1, 20.0)]
)
def test_every_method_gives_the_kronecker_sum_of_the_paper(method, shape, labels, radius, time):
    instance = grid_instance(shape, labels, radius=radius, time=time, seed=7)
    # More dimensions than the Kronecker sum has distinct directions here, so that its one space is exhausted too.
    gradient, _ = bridge.gradient(instance, method=method, krylov_dim=80, rank=16)
    paper = dense_flow.gradient_by_kronecker_sum(*instance.dense_plain)
    scale = dense_flow.gradient_scale(*instance.dense_plain)
    difference = np.linalg.norm(gradient - gather_weights(paper, instance.neighbours))
    assert difference <= ROUNDINGS * EPSILON * scale


def test_the_gradient_is_the_complex_step_of_the_oracle_loss():
    instance = grid_instance((3, 4), 3, time=5.0, seed=8)
    gradient, _ = bridge.gradient(instance, method="factored", krylov_dim=36)
    rng = np.random.default_rng(0)
    for _ in range(5):
        direction = dense_weights(instance.weights * rng.standard_normal(instance.weights.shape), instance.neighbours)
        verdict = complex_step.check_gradient(
            lambda weights: dense_flow.loss(weights, instance.log_likelihood, instance.target, instance.time),
            instance.dense,
            dense_weights(gradient, instance.neighbours),
            direction,
            tolerance=1e-12,
        )
        assert verdict.agrees


def loss_of_laflow(instance: Instance):
    """laflow's own loss along directions that keep every patch's sum: it refuses weights off the simplex."""

    def loss(weights: np.ndarray) -> float:
        moved = Instance(**{**vars(instance), "weights": weights})
        return bridge.gradient(moved, method="factored", krylov_dim=36)[1].loss

    return loss


def tangent_direction(instance: Instance, seed: int) -> np.ndarray:
    noise = instance.weights * np.random.default_rng(seed).standard_normal(instance.weights.shape)
    return noise - instance.weights * noise.sum(axis=1, keepdims=True)


def test_the_gradient_is_the_difference_quotient_of_laflows_own_loss():
    instance = grid_instance((3, 4), 3, time=5.0, seed=9)
    gradient, _ = bridge.gradient(instance, method="factored", krylov_dim=36)
    for seed in range(3):
        verdict = finite_differences.check_gradient(
            loss_of_laflow(instance),
            instance.weights,
            gradient,
            tangent_direction(instance, seed),
            noise=100.0,
        )
        assert verdict.agrees
        assert verdict.tolerance <= 1e-7


def test_the_remainder_of_laflows_own_loss_falls_at_order_two():
    instance = grid_instance((3, 4), 3, time=5.0, seed=10)
    gradient, _ = bridge.gradient(instance, method="factored", krylov_dim=36)
    direction = tangent_direction(instance, 0)
    assert taylor_remainder.check_gradient(loss_of_laflow(instance), instance.weights, gradient, direction).agrees


def test_the_truncated_gradient_is_as_accurate_as_measured():
    """m=8, r=4 on an ordinary problem: 1e-8 was measured at 128², far below what m=5 or rank 2 leave."""
    instance = grid_instance((9, 10), 3, time=5.0, contrast=2.0, seed=11)
    exact = oracle_gradient(instance)
    errors = {}
    for krylov_dim, rank in ((4, 2), (8, 2), (8, 4), (10, 6)):
        gradient, _ = bridge.gradient(instance, method="low-rank", krylov_dim=krylov_dim, rank=rank)
        errors[krylov_dim, rank] = np.linalg.norm(gradient - exact) / np.linalg.norm(exact)
    assert errors[10, 6] < errors[8, 4] < errors[8, 2] < 1e-2
    assert errors[8, 4] < errors[4, 2]
    assert errors[8, 4] <= 1e-6


def test_the_custom_path_ran():
    """Agreement to the last bit would mean that the oracle was compared with itself."""
    instance = grid_instance((2, 3), 2, seed=12)
    gradient, _ = bridge.gradient(instance, method="dense")
    assert not np.array_equal(gradient, oracle_gradient(instance))


def test_without_a_source_the_gradient_is_zero():
    """Distances that favour no label: b = 0, and V_T = 0 has no direction, by convention nothing to learn."""
    instance = Instance(**{**vars(grid_instance((3, 3), 3)), "distances": np.ones((9, 3))})
    for method in ("dense", "krylov", "factored", "low-rank"):
        gradient, result = bridge.gradient(instance, method=method)
        assert not gradient.any()
        assert result.loss == 1.0
