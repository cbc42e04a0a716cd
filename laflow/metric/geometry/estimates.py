"""Monte-Carlo means with honest standard errors: the points of one sampling line are correlated."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from laflow.errors import ShapeError, ValueRangeError


@dataclass(frozen=True)
class Estimate:
    """A Monte-Carlo value and its standard error."""

    value: float
    standard_error: float

    def scaled(self, factor: float) -> "Estimate":
        """The estimate of `factor` times the quantity."""
        return Estimate(self.value * factor, self.standard_error * abs(factor))


def estimated_ratio(numerator: ArrayLike, denominator: ArrayLike, line: NDArray[np.int64]) -> Estimate:
    """Σ a / Σ b over points, with the standard error of a ratio of sums over independent lines.

    `numerator` a (N,) and `denominator` b (N,) (or a number) belong to points on the lines `line` (N,). Lines are the
    sampling units: e = a - (Σa/Σb) b is summed on each of the L lines, and the variance of the ratio is
    L/(L-1) Σ_l e_l² / (Σ b)² (linearised ratio estimator; Cochran, Sampling Techniques, 1977, §6.4 and §9A).
    """
    top = np.asarray(numerator, dtype=np.float64)
    bottom = np.broadcast_to(np.asarray(denominator, dtype=np.float64), top.shape)
    if top.ndim != 1 or line.shape != top.shape:
        raise ShapeError(f"values have shape {top.shape}, lines {line.shape}: give one line index for each value (N,)")
    distinct, cluster = np.unique(line, return_inverse=True)
    if distinct.size < 2:
        raise ValueRangeError(f"the points come from {distinct.size} line: a standard error takes 2 lines or more")
    total = float(bottom.sum())
    ratio = float(top.sum()) / total
    excess = np.bincount(cluster, weights=top - ratio * bottom)
    variance = float(np.sum(excess**2)) * distinct.size / (distinct.size - 1)
    return Estimate(ratio, float(np.sqrt(variance)) / abs(total))


def estimated_mean(values: ArrayLike, line: NDArray[np.int64]) -> Estimate:
    """The mean of `values` (N,) over points on the lines `line` (N,), with its standard error by lines."""
    return estimated_ratio(values, 1.0, line)
