"""How good a φ-model is on points it has not seen: σ, its class, positivity, and the curvature that is left.

Every integral comes with its Monte-Carlo error by lines. Evaluate on points that training has not used.
"""

from dataclasses import dataclass
from math import factorial

import numpy as np

from laflow.errors import ValueRangeError
from laflow.metric.geometry.estimates import Estimate, estimated_mean, estimated_ratio
from laflow.metric.geometry.polynomial import ComplexArray
from laflow.metric.geometry.sampling import PointSample
from laflow.metric.model.phi_model import FloatArray, PhiModel
from laflow.metric.quality import measures
from laflow.metric.quality.curvature import chern_density, curvature_endomorphism, scalar_curvature
from laflow.metric.quality.differenced_jets import STEP, metric_jets
from laflow.metric.quality.metric_jets import MetricJets

# Points on which differences are taken a second time, with half the step.
CHECKED_POINTS = 100


@dataclass(frozen=True)
class Evaluation:
    """Measures of a metric g on `points` points.

    sigma, mean_square: Σ w|r|/Σ w and Σ w r²/Σ w of r = det g/(κ|Ω|²) - 1; largest_residual: max |r|.
    volume: ∫ det g, `exact_volume` for every metric of the hyperplane's class. class_number: ∫ J^n; class_pairing:
    ∫ J ∧ J_FS^(n-1), linear in g; both `degree` for every metric of the class. positive_share: share of the points
    where g is positive definite. least_eigenvalue: the smallest eigenvalue of g relative to Fubini–Study's metric.
    kappa: of the Monge–Ampère equation; its standard error is 0 where the volume is known exactly.
    """

    points: int
    sigma: Estimate
    mean_square: Estimate
    largest_residual: float
    volume: Estimate
    exact_volume: float
    class_number: Estimate
    class_pairing: Estimate
    degree: int
    positive_share: float
    least_eigenvalue: float
    kappa: Estimate


@dataclass(frozen=True)
class CurvatureEvaluation:
    """What is left of the curvature, on `points` points.

    ricci: mean |R| over the metric's volume, 0 for Ricci-flat metrics. euler: the Euler number ∫ c_n, `exact_euler` for
    every metric. ricci_difference, euler_difference: bounds on the errors that differences bring into the two, from
    the mean change of the integrands at `CHECKED_POINTS` points with half the step.
    """

    points: int
    ricci: Estimate
    euler: Estimate
    exact_euler: int
    ricci_difference: float
    euler_difference: float


def evaluate(model: PhiModel, sample: PointSample) -> Evaluation:
    """The measures of the model's metric on `sample`: points of its hypersurface on two lines or more."""
    return evaluate_metric(model.metric(sample), sample, model.kappa)


def evaluate_metric(metric: ComplexArray, sample: PointSample, kappa: Estimate) -> Evaluation:
    """The measures of any `metric` (N, n, n) at the points of `sample`, for example `sample.fubini_study`."""
    if not np.isfinite(metric).all():
        raise ValueRangeError("the metric is not finite at some points: train the model again, with smaller steps")
    surface = sample.hypersurface
    determinant = measures.determinants(metric)
    eigenvalues = relative_eigenvalues(metric, sample)
    volume = measures.kahler_volume(sample, determinant)
    return Evaluation(
        points=len(sample),
        sigma=measures.sigma(sample, determinant, kappa.value),
        mean_square=measures.mean_square(sample, determinant, kappa.value),
        largest_residual=float(np.abs(measures.residuals(sample, determinant, kappa.value)).max()),
        volume=volume,
        exact_volume=surface.degree / factorial(surface.dimension),
        class_number=volume.scaled(factorial(surface.dimension)),
        class_pairing=measures.class_pairing(sample, metric, sample.fubini_study),
        degree=surface.degree,
        positive_share=float(np.mean(eigenvalues[:, 0] > 0.0)),
        least_eigenvalue=float(eigenvalues[:, 0].min()),
        kappa=kappa,
    )


def relative_eigenvalues(metric: ComplexArray, sample: PointSample) -> FloatArray:
    """Eigenvalues (N, n), increasing, of g_FS⁻¹ g: independent of coordinates, 1 for the Fubini–Study metric."""
    inverse_root = np.linalg.inv(np.linalg.cholesky(sample.fubini_study))
    found: FloatArray = np.linalg.eigvalsh(inverse_root @ metric @ inverse_root.conj().swapaxes(1, 2))
    return found


def evaluate_curvature(model: PhiModel, sample: PointSample) -> CurvatureEvaluation:
    """Ricci measure and Euler number of the model's metric on `sample`: points on two lines or more.

    Derivatives of ∂∂̄φ are differences in double precision (`differenced_jets`), which take 12 n² + 1 evaluations of the
    model for each point.
    """
    surface = sample.hypersurface
    few = sample.take(slice(0, CHECKED_POINTS))
    (coarse, fine) = (curvature_densities(metric_jets(model, few, step=step), few) for step in (STEP, STEP / 2))
    ricci, euler = curvature_densities(metric_jets(model, sample), sample)
    volume = measures.determinants(model.metric(sample)) / sample.fubini_study_determinant
    euler_number = estimated_mean(euler, sample.line).scaled(surface.degree / factorial(surface.dimension))
    return CurvatureEvaluation(
        points=len(sample),
        ricci=estimated_ratio(ricci, volume, sample.line),
        euler=euler_number,
        exact_euler=measures.exact_chern_number(surface.dimension, surface.dimension),
        ricci_difference=float(np.abs(fine[0] - coarse[0]).mean() / volume.mean()),
        euler_difference=float(np.abs(fine[1] - coarse[1]).mean()) * surface.degree / factorial(surface.dimension),
    )


def curvature_densities(jets: MetricJets, sample: PointSample) -> tuple[FloatArray, FloatArray]:
    """|R| det g and c_n (N,), both over det g_FS, of which means over points are integrals."""
    curvature = curvature_endomorphism(jets)
    scalar = scalar_curvature(jets, np.einsum("pcdaa->pcd", curvature))
    determinant = measures.determinants(jets.metric)
    top_class = chern_density(curvature, sample.hypersurface.dimension)
    reference = sample.fubini_study_determinant
    return np.abs(scalar) * determinant / reference, top_class / reference
