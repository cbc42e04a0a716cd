"""Automatic differentiation of each scheme converges to the dense gradient at the scheme's order."""

import numpy as np
import pytest

from verify.instances import grid_instance
from verify.oracles import autodiff, complex_step, dense_flow, neighbourhoods

# The sizes of the gradient tests: what JAX has compiled for one serves the other.
INSTANCE = grid_instance((5, 6), 3, time=4.0, seed=4)
EXACT = neighbourhoods.gather_weights(
    dense_flow.gradient_by_quadrature(*INSTANCE.dense_plain),
    INSTANCE.neighbours,
)


def relative_error(gradient):
    return np.linalg.norm(gradient - EXACT) / np.linalg.norm(EXACT)


def error_of(scheme, steps):
    return relative_error(autodiff.discrete_gradient(*INSTANCE.plain, scheme=scheme, steps=steps).gradient)


def order_of(scheme, steps):
    errors = [error_of(scheme, n) for n in steps]
    return -np.polyfit(np.log(steps), np.log(errors), 1)[0]


def test_explicit_euler_converges_at_order_one():
    assert abs(order_of("euler", (256, 512, 1024)) - 1.0) <= 0.05


def test_runge_kutta_converges_at_order_four():
    assert abs(order_of("runge-kutta", (16, 32, 64)) - 4.0) <= 0.2


def test_krylov_integration_converges_faster_than_any_order():
    assert error_of("krylov", 5) > 1e-5
    assert error_of("krylov", 9) < 1e-7


def test_the_dense_exponential_is_exact():
    """Relative to the gradient: its conditioning here (scale over norm, about 1e2) times rounding."""
    assert relative_error(autodiff.exponential_gradient(*INSTANCE.plain).gradient) <= autodiff.TOLERANCE


def test_the_reference_states_its_error_truly():
    reference = autodiff.reference_gradient(*INSTANCE.plain, least_steps=32)
    assert reference.error <= 1e-9
    assert relative_error(reference.gradient) <= 2.0 * reference.error + 1e-12


def test_a_reference_out_of_reach_is_refused():
    with pytest.raises(ArithmeticError, match="leave an error"):
        autodiff.reference_gradient(*INSTANCE.plain, tolerance=1e-16, most_steps=32)


def test_a_scaled_gradient_is_told_apart():
    gradient = autodiff.exponential_gradient(*INSTANCE.plain).gradient
    assert relative_error(gradient * (1.0 + 1e-11)) > autodiff.TOLERANCE


def test_euler_autodiff_is_the_complex_step_of_the_euler_scheme():
    """The discrete gradient is exact for its scheme: the recursion typed, differentiated by complex step."""
    steps = 256

    def euler_loss(weights):
        dense = neighbourhoods.dense_weights(weights, INSTANCE.neighbours)
        similar = dense_flow.similarity(dense, INSTANCE.log_likelihood)
        matrix, source = dense_flow.system_matrix(dense, similar), dense_flow.source(similar).reshape(-1)
        tangent = np.zeros_like(source)
        for _ in range(steps):
            tangent = tangent + INSTANCE.time / steps * (matrix @ tangent + source)
        return dense_flow.direction_loss(tangent.reshape(INSTANCE.target.shape), INSTANCE.target)

    found = autodiff.discrete_gradient(*INSTANCE.plain, scheme="euler", steps=steps).gradient
    direction = INSTANCE.weights * np.random.default_rng(1).standard_normal(INSTANCE.weights.shape)
    assert complex_step.check_gradient(euler_loss, INSTANCE.weights, found, direction, tolerance=1e-12).agrees


def test_an_unknown_scheme_is_refused():
    with pytest.raises(ValueError, match="unknown scheme 'heun'"):
        autodiff.discrete_gradient(*INSTANCE.plain, scheme="heun", steps=2)
