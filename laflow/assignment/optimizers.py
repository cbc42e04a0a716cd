"""Adam and AdaMax (Kingma and Ba 2015) as directions of descent, free of the gradient's absolute size.

The gradient of the direction loss is as small as 1/|V|, so that the usual absolute epsilon of these methods
would swallow it. Here epsilon is relative to the largest entry.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass
class MomentOptimizer:
    """Running moments of a gradient of fixed shape. `descend` returns the direction to subtract.

    With kind ``adam`` the second moment is a mean of squares, with ``adamax`` a decaying maximum. Directions
    have entries of size about 1: the caller multiplies by the step size.
    """

    kind: Literal["adam", "adamax"] = "adam"
    first_decay: float = 0.9
    second_decay: float = 0.999
    epsilon: float = 1e-8
    count: int = field(default=0, init=False)
    first: FloatArray | None = field(default=None, init=False)
    second: FloatArray | None = field(default=None, init=False)

    def descend(self, gradient: FloatArray) -> FloatArray:
        """Take in one gradient and return the direction, an array of the same shape."""
        if self.first is None or self.second is None:
            self.first, self.second = np.zeros_like(gradient), np.zeros_like(gradient)
        self.count += 1
        self.first += (1.0 - self.first_decay) * (gradient - self.first)
        if self.kind == "adam":
            self.second += (1.0 - self.second_decay) * (np.square(gradient) - self.second)
            size = np.sqrt(self.second / (1.0 - self.second_decay**self.count))
        else:
            np.maximum(self.second_decay * self.second, np.abs(gradient), out=self.second)
            size = self.second.copy()
        largest = float(size.max(initial=0.0))
        if largest == 0.0:
            return np.zeros_like(gradient)
        size += self.epsilon * largest
        mean: FloatArray = self.first / (1.0 - self.first_decay**self.count)
        mean /= size
        return mean
