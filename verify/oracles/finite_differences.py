"""Central finite differences of fourth order with an error estimate of their own.

Computes  D_h = [8 (f(x+hd) - f(x-hd)) - (f(x+2hd) - f(x-2hd))] / (12 h)  =  f'(x)d + O(h⁴)  for a real scalar
f. Needs nothing of f but values, so it is the oracle of last resort where f is not analytic or not
differentiable by tools.

Accuracy: with h ~ ε^(1/5) truncation and rounding balance near ε^(4/5) ~ 3e-13 relative to |f|/|f'd|.
Detection limit: `DETECTION_LIMIT`, a relative fault of 1e-9, where |f| / |f'd| is of order one (measured in
its tests).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from verify.oracles.verdict import Verdict

DETECTION_LIMIT = 1e-9
_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class DirectionalDerivative:
    """A derivative f'(x)d and an estimate of its absolute error (truncation and rounding together)."""

    value: float
    uncertainty: float


def _difference_quotient(along: Callable[[float], float], step: float) -> tuple[float, float]:
    values = [along(shift * step) for shift in (-2.0, -1.0, 1.0, 2.0)]
    quotient = (8.0 * (values[2] - values[1]) - (values[3] - values[0])) / (12.0 * step)
    rounding = 1.5 * _EPSILON * max(abs(value) for value in values) / step
    return quotient, rounding


def directional_derivative(
    function: Callable[[np.ndarray], float],
    point: np.ndarray,
    direction: np.ndarray,
    *,
    reach: float = 1.0,
    noise: float = 4.0,
) -> DirectionalDerivative:
    """Derivative of `function` at `point` along `direction`.

    reach: length along `direction` over which the function varies (a point with weights of 1e-3 that a
    direction of
        size one pushes out of its domain has reach 1e-3). The step is ε^(1/5) · reach, and half of it.
    noise: relative rounding error of one value of the function, in units of ε.
    """
    step = _EPSILON**0.2 * reach

    def along(shift: float) -> float:
        return float(function(point + shift * direction))

    coarse, _ = _difference_quotient(along, step)
    fine, rounding = _difference_quotient(along, step / 2.0)
    return DirectionalDerivative(value=fine, uncertainty=abs(fine - coarse) + noise * rounding)


def check_gradient(
    function: Callable[[np.ndarray], float],
    point: np.ndarray,
    gradient: np.ndarray,
    direction: np.ndarray,
    *,
    reach: float = 1.0,
    noise: float = 4.0,
) -> Verdict:
    """Compare <gradient, direction> with the difference quotient of `function`."""
    derivative = directional_derivative(function, point, direction, reach=reach, noise=noise)
    scale = abs(derivative.value) + derivative.uncertainty
    if scale == 0.0:
        return Verdict(error=abs(float(np.sum(gradient * direction))), tolerance=0.0)
    error = abs(float(np.sum(gradient * direction)) - derivative.value)
    return Verdict(error=error / scale, tolerance=derivative.uncertainty / scale)
