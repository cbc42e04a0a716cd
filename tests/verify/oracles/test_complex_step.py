"""The complex step sees a gradient fault of 1e-13, and refuses functions that are not analytic."""

import numpy as np
import pytest

from verify.instances import grid_instance
from verify.oracles import complex_step, dense_flow

INSTANCE = grid_instance((2, 3), 2, time=2.0, seed=1)
GRADIENT = dense_flow.gradient_by_kronecker_sum(*INSTANCE.dense_plain)


def flow_loss(weights):
    return dense_flow.loss(weights, INSTANCE.log_likelihood, INSTANCE.target, INSTANCE.time)


def check(gradient):
    return complex_step.check_gradient(flow_loss, INSTANCE.dense, gradient, INSTANCE.dense)


def test_the_exact_gradient_is_accepted():
    assert check(GRADIENT).agrees


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("exponent", [*range(1, 13), 12.69])
def test_a_scaled_gradient_is_rejected_down_to_the_detection_limit(sign, exponent):
    """The limit is twice the tolerance: at the tolerance itself the rounding of the flow decides."""
    assert 10.0**-exponent >= complex_step.DETECTION_LIMIT
    assert not check(GRADIENT * (1.0 + sign * 10.0**-exponent)).agrees


def test_known_derivatives_are_found_to_rounding():
    point, direction = np.array([0.3, 0.7]), np.array([1.0, -2.0])
    found = complex_step.directional_derivative(lambda x: np.exp(x[0]) * np.sin(x[1]), point, direction)
    exact = np.exp(0.3) * np.sin(0.7) - 2.0 * np.exp(0.3) * np.cos(0.7)
    assert abs(found - exact) <= 4.0 * np.finfo(float).eps * abs(exact)


def test_a_path_that_drops_the_imaginary_part_is_refused():
    with pytest.raises(TypeError, match="not analytic"):
        complex_step.directional_derivative(lambda x: np.linalg.norm(x), np.ones(2), np.ones(2))
