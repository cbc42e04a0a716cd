"""Finite differences see a gradient fault of their published limit, and honestly not much less."""

import numpy as np
import pytest

from verify.instances import grid_instance
from verify.oracles import dense_flow, finite_differences

INSTANCE = grid_instance((2, 3), 2, time=2.0, seed=1)
DIRECTION = np.random.default_rng(2).standard_normal((6, 6)) * INSTANCE.dense
GRADIENT = dense_flow.gradient_by_kronecker_sum(*INSTANCE.dense_plain)


def flow_loss(weights):
    return float(dense_flow.loss(weights, INSTANCE.log_likelihood, INSTANCE.target, INSTANCE.time))


def check(gradient):
    return finite_differences.check_gradient(flow_loss, INSTANCE.dense, gradient, DIRECTION)


def test_the_exact_gradient_is_accepted():
    assert check(GRADIENT).agrees


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("exponent", range(1, 10))
def test_a_scaled_gradient_is_rejected_down_to_the_detection_limit(sign, exponent):
    assert 10.0**-exponent >= finite_differences.DETECTION_LIMIT
    assert not check(GRADIENT * (1.0 + sign * 10.0**-exponent)).agrees


def test_the_detection_limit_is_not_understated():
    assert check(GRADIENT * (1.0 + 1e-4 * finite_differences.DETECTION_LIMIT)).agrees


def test_the_estimated_uncertainty_covers_the_true_error():
    rng = np.random.default_rng(3)
    for _ in range(20):
        direction = rng.standard_normal((6, 6)) * INSTANCE.dense
        derivative = finite_differences.directional_derivative(flow_loss, INSTANCE.dense, direction)
        assert abs(derivative.value - np.sum(GRADIENT * direction)) <= derivative.uncertainty


def test_a_gradient_that_is_not_a_number_is_rejected():
    assert not check(np.full_like(GRADIENT, np.nan)).agrees


def test_a_constant_function_accepts_the_zero_gradient_and_no_other():
    point = np.ones(3)
    assert finite_differences.check_gradient(lambda x: 0.0, point, np.zeros(3), point).agrees
    assert not finite_differences.check_gradient(lambda x: 0.0, point, np.full(3, 1e-300), point).agrees
