"""Adam and AdaMax (Kingma and Ba 2015) as directions of descent, free of the gradient's absolute size.

The gradient of the direction loss is as small as 1/|V|, so that the usual absolute epsilon of these methods
would swallow it. Here epsilon is relative to the largest entry.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments:
    """Running moments after `count` gradients. Their arrays are never written again: a state may hold on to them."""

    count: int
    first: FloatArray
    second: FloatArray


@dataclass
class MomentOptimizer:
    """Running moments of a gradient of fixed shape. `descend` returns the direction to subtract.

    With kind ``adam`` the second moment is a mean of squares, with ``adamax`` a decaying maximum. Directions
    have entries of size about 1: the caller multiplies by the step size. `moments` is None before the first
    gradient.
    """

    kind: Literal["adam", "adamax"] = "adam"
    first_decay: float = 0.9
    second_decay: float = 0.999
    epsilon: float = 1e-8
    moments: Moments | None = field(default=None)

    def descend(self, gradient: FloatArray) -> FloatArray:
        """Take in one gradient and return the direction, an array of the same shape."""
        if self.moments is None:
            self.moments = Moments(0, np.zeros_like(gradient), np.zeros_like(gradient))
        count = self.moments.count + 1
        first = _moved(self.moments.first, gradient, 1.0 - self.first_decay)
        if self.kind == "adam":
            second = _moved(self.moments.second, np.square(gradient), 1.0 - self.second_decay)
            size = np.sqrt(second / (1.0 - self.second_decay**count))
        else:
            second = np.maximum(self.second_decay * self.moments.second, np.abs(gradient))
            size = second.copy()
        self.moments = Moments(count, first, second)
        largest = float(size.max(initial=0.0))
        if largest == 0.0:
            return np.zeros_like(gradient)
        size += self.epsilon * largest
        mean: FloatArray = first / (1.0 - self.first_decay**count)
        mean /= size
        return mean


def _moved(mean: FloatArray, value: FloatArray, share: float) -> FloatArray:
    """mean + share (value - mean), with one new array."""
    moved: FloatArray = value - mean
    moved *= share
    moved += mean
    return moved
