"""Taylor remainder: |f(x+hd) - f(x) - h <g,d>| falls as h² when g is the gradient, and as h when it is not.

Computes the slope of log remainder over log h, fitted where the remainder stands above rounding.

Accuracy: a slope is a weak witness. A relative fault η of the gradient shows only once h falls below
η |g·d| / |f''|, and the remainder drowns in rounding near h ~ 1e-5.
Detection limit: `DETECTION_LIMIT`, a relative fault of 1e-3; 1e-6 passes unseen (both measured in its tests).
It tells that a derivative is *of the right function*; `complex_step` tells that it is accurate.
"""

from collections.abc import Callable

import numpy as np

from verify.oracles.verdict import Verdict

DETECTION_LIMIT = 1e-3
HALVINGS = 12
_EPSILON = float(np.finfo(np.float64).eps)


def remainder_slope(
    function: Callable[[np.ndarray], float],
    point: np.ndarray,
    gradient: np.ndarray,
    direction: np.ndarray,
    *,
    reach: float = 0.1,
) -> float:
    """Order at which the remainder falls over the last halvings of h = reach, reach/2, … above rounding.

    Returns infinity where the remainder vanishes at every step (an affine function with its exact gradient).
    """
    start = float(function(point))
    slope = float(np.sum(gradient * direction))
    steps = reach * 0.5 ** np.arange(HALVINGS)
    values = np.array([float(function(point + step * direction)) for step in steps])
    remainders = np.abs(values - start - steps * slope)
    floor = 64.0 * _EPSILON * np.maximum(np.abs(values), abs(start))
    seen = np.flatnonzero(remainders > floor)
    if seen.size < 2:
        return float("inf")
    last = seen[-4:]
    return float(np.polyfit(np.log(steps[last]), np.log(remainders[last]), 1)[0])


def check_gradient(
    function: Callable[[np.ndarray], float],
    point: np.ndarray,
    gradient: np.ndarray,
    direction: np.ndarray,
    *,
    reach: float = 0.1,
) -> Verdict:
    """Agree where the remainder falls at order 2 or faster; `error` is how much of the order is missing."""
    order = remainder_slope(function, point, gradient, direction, reach=reach)
    return Verdict(error=max(0.0, 2.0 - order), tolerance=0.1)
