"""How far a metric is from Ricci-flat, and whether it lies in its class: integrals with Monte-Carlo errors."""

from math import comb, factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from laflow.errors import ShapeError, ValueRangeError
from laflow.metric.geometry.estimates import Estimate, estimated_mean, estimated_ratio
from laflow.metric.geometry.polynomial import ComplexArray
from laflow.metric.geometry.sampling import PointSample
from laflow.metric.quality.curvature import chern_density, curvature_endomorphism, wedge
from laflow.metric.quality.metric_jets import MetricJets

FloatArray = NDArray[np.float64]


def determinants(metric: ComplexArray) -> FloatArray:
    """det g (N,) of Hermitian metrics (N, n, n)."""
    found: FloatArray = np.linalg.det(metric).real
    return found


def residuals(sample: PointSample, determinant: ArrayLike, kappa: float) -> FloatArray:
    """r (N,) = det g/(κ|Ω|²) - 1, 0 where the metric is Ricci-flat in the sense of Monge–Ampère."""
    if not kappa > 0.0:
        raise ValueRangeError(f"kappa is {kappa}: give a positive number, for example of volume.kappa")
    return _per_point(sample, determinant, "determinants") / (kappa * sample.omega_squared) - 1.0


def sigma(sample: PointSample, determinant: ArrayLike, kappa: float) -> Estimate:
    """σ = Σ w|r| / Σ w, the mean of |r| over the measure |Ω|² (Douglas et al., arXiv:hep-th/0612075)."""
    excess = np.abs(residuals(sample, determinant, kappa))
    return estimated_ratio(sample.weights * excess, sample.weights, sample.line)


def mean_square(sample: PointSample, determinant: ArrayLike, kappa: float) -> Estimate:
    """Σ w r² / Σ w, the L² loss."""
    excess = residuals(sample, determinant, kappa)
    return estimated_ratio(sample.weights * excess**2, sample.weights, sample.line)


def integral(sample: PointSample, density: ArrayLike) -> Estimate:
    """∫ f d^(2n)x of a density f (N,) in each point's local coordinates: (d/n!) times the mean of f/det g_FS."""
    measure = sample.hypersurface.degree / factorial(sample.hypersurface.dimension)
    values = _per_point(sample, density, "densities") / sample.fubini_study_determinant
    return estimated_mean(values, sample.line).scaled(measure)


def kahler_volume(sample: PointSample, determinant: ArrayLike) -> Estimate:
    """∫ det g d^(2n)x; d/n! for every metric in the hyperplane's class."""
    return integral(sample, determinant)


def class_number(sample: PointSample, metric: ComplexArray) -> Estimate:
    """∫ J^n = n! ∫ det g d^(2n)x; the degree d for every metric in the hyperplane's class."""
    return kahler_volume(sample, determinants(metric)).scaled(factorial(sample.hypersurface.dimension))


def class_pairing(sample: PointSample, metric: ComplexArray, reference: ComplexArray) -> Estimate:
    """∫ J ∧ J_0^(n-1) with the forms of `metric` and `reference` (N, n, n): d if both lie in the hyperplane's class.

    Linear in the metric, so it sees a wrong class to which ∫ J^n happens to be blind.
    """
    powers = [reference] * (sample.hypersurface.dimension - 1)
    return integral(sample, wedge(metric, *powers).real)


def ricci_measure(sample: PointSample, determinant: ArrayLike, scalar: ArrayLike) -> Estimate:
    """∫ |R| det g d^(2n)x / ∫ det g d^(2n)x, the mean |R| over the metric's own volume; 0 for Ricci-flat metrics.

    `scalar` is `curvature.scalar_curvature` (N,). Metrics of one class have one volume, so no factor of it is
    taken in (Anderson et al., arXiv:2012.04656, have Vol^(1/n) more).
    """
    volume = _per_point(sample, determinant, "determinants") / sample.fubini_study_determinant
    return estimated_ratio(np.abs(_per_point(sample, scalar, "scalar curvatures")) * volume, volume, sample.line)


def euler_number(sample: PointSample, jets: MetricJets) -> Estimate:
    """∫ c_n of any metric on X: 0, 24, -200 for n = 1, 2, 3 at degree n+2."""
    return integral(sample, chern_density(curvature_endomorphism(jets), sample.hypersurface.dimension))


def chern_number(sample: PointSample, jets: MetricJets, order: int) -> Estimate:
    """∫ c_k ∧ J^(n-k) with J that of the same metric: c_1 gives 0, c_2 of the quintic 50."""
    return integral(sample, chern_density(curvature_endomorphism(jets), order, jets.metric))


def exact_chern_number(dimension: int, order: int) -> int:
    """∫ c_k ∧ J^(n-k) of a smooth hypersurface of degree d = n+2: d times the J^k coefficient of (1+J)^d / (1+dJ)."""
    degree = dimension + 2
    if not 0 <= order <= dimension:
        raise ValueRangeError(f"the order is {order}: give 0 to {dimension}")
    return degree * sum(comb(degree, order - j) * (-degree) ** j for j in range(order + 1))


def _per_point(sample: PointSample, values: ArrayLike, what: str) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (len(sample),):
        raise ShapeError(f"the {what} have shape {array.shape}: give one for each of the {len(sample)} points")
    return array
