"""Complex step: f'(x)d = Im f(x + i h d) / h, without subtraction and hence without cancellation.

Computes the derivative of any function whose every operation is analytic (no abs, no conjugate, no max except
as a shift that cancels): the functions of `dense_flow` are written that way.

Accuracy: truncation is of order h² and vanishes at h = 1e-100; what remains is the rounding of f itself.
Detection limit: `DETECTION_LIMIT`, a relative fault of 2e-13 of the derivative, twice `TOLERANCE`, when it is well
conditioned.
"""

from collections.abc import Callable

import numpy as np

from verify.oracles.verdict import Verdict

TOLERANCE, DETECTION_LIMIT = 1e-13, 2e-13
STEP = 1e-100


def directional_derivative(
    function: Callable[[np.ndarray], np.ndarray], point: np.ndarray, direction: np.ndarray
) -> np.ndarray:
    """Derivative of an analytic `function` (of any shape) at a real `point` along a real `direction`."""
    value = np.asarray(function(point + 1j * STEP * direction))
    if not np.iscomplexobj(value):
        raise TypeError("the function returned real values for complex input: its path is not analytic")
    return value.imag / STEP


def gradient(function: Callable[[np.ndarray], np.ndarray], point: np.ndarray) -> np.ndarray:
    """All partial derivatives of a scalar analytic `function`: one evaluation an entry of `point`."""
    partials = np.empty(point.size)
    for entry in range(point.size):
        direction = np.zeros(point.size)
        direction[entry] = 1.0
        partials[entry] = float(directional_derivative(function, point, direction.reshape(point.shape)))
    return partials.reshape(point.shape)


def check_gradient(
    function: Callable[[np.ndarray], np.ndarray],
    point: np.ndarray,
    gradient: np.ndarray,
    direction: np.ndarray,
    *,
    tolerance: float = TOLERANCE,
) -> Verdict:
    """Compare <gradient, direction> with the complex step of `function`."""
    derivative = float(directional_derivative(function, point, direction))
    claim = float(np.sum(gradient * direction))
    scale = abs(derivative)
    error = abs(claim - derivative)
    return Verdict(error=error / scale if scale else error, tolerance=tolerance)
