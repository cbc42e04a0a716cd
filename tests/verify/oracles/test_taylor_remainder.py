"""The Taylor remainder falls at order two for the gradient, and sees a fault of 1e-3 but not of 1e-6."""

import numpy as np
import pytest

from verify.instances import grid_instance
from verify.oracles import complex_step, dense_flow, taylor_remainder

INSTANCE = grid_instance((2, 3), 2, time=2.0, seed=1)
DIRECTION = np.random.default_rng(2).standard_normal((6, 6)) * INSTANCE.dense


def flow_loss(weights):
    return dense_flow.loss(weights, INSTANCE.log_likelihood, INSTANCE.target, INSTANCE.time)


GRADIENT = complex_step.gradient(flow_loss, INSTANCE.dense)


def check(gradient):
    return taylor_remainder.check_gradient(flow_loss, INSTANCE.dense, gradient, DIRECTION)


def test_the_exact_gradient_is_accepted():
    assert check(GRADIENT).agrees


@pytest.mark.parametrize("factor", [0.0, -1.0, 2.0, 0.9, 1.1, 0.99, 1.01, 0.999, 1.001])
def test_a_scaled_gradient_is_rejected_down_to_the_detection_limit(factor):
    assert not check(factor * GRADIENT).agrees


def test_a_fault_of_one_millionth_passes_unseen():
    assert check(GRADIENT * (1.0 + 1e-6)).agrees


def test_the_slope_is_two_for_a_parabola_and_infinite_for_a_line():
    point, direction = np.array([1.0]), np.array([1.0])
    parabola = taylor_remainder.remainder_slope(lambda x: float(x[0] ** 2), point, 2.0 * point, direction)
    line = taylor_remainder.remainder_slope(lambda x: float(3.0 * x[0]), point, np.array([3.0]), direction)
    assert abs(parabola - 2.0) < 1e-3
    assert line == float("inf")
