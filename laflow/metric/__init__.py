"""Metric flows on Calabi–Yau hypersurfaces: geometry, neural potentials, and their tangent kernel.

A hypersurface X = {p = 0} of degree n+2 in P^(n+1) carries a nowhere vanishing form Ω, the Fubini–Study metric, and in
its class one Ricci-flat metric. Points z are rows of homogeneous coordinates; at each, `patch` is the coordinate
that is divided out, `dependent` the one that p = 0 determines, and the n others are local coordinates x.

Names are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from laflow.metric.features.feature_map import FeatureMap, coordinates, invariants, symmetric_invariants
    from laflow.metric.geometry.estimates import Estimate
    from laflow.metric.geometry.hypersurface import Hypersurface
    from laflow.metric.geometry.point_files import load_points, save_points
    from laflow.metric.geometry.polynomial import Polynomial, dwork, fermat
    from laflow.metric.geometry.polynomial_text import parse_polynomial, polynomial_text
    from laflow.metric.geometry.sampling import PointSample, points_on, sample_points
    from laflow.metric.geometry.volume import estimate_volume, exact_volume, kappa
    from laflow.metric.learning.training import TrainedMetric, TrainingStep, train_metric
    from laflow.metric.model.model_files import load_metric, save_metric
    from laflow.metric.model.phi_model import PhiModel
    from laflow.metric.quality.evaluation import Evaluation, evaluate, evaluate_curvature
    from laflow.metric.tangent.frozen_flow import LinearFlow
    from laflow.metric.tangent.infinite_width import GaussianKernel, WideNetwork
    from laflow.metric.tangent.tangent_kernel import (
        TangentRows,
        drift,
        metric_rows,
        potential_rows,
        residual_rows,
        spectrum,
        tangent_kernel,
    )

_HOME = {
    "laflow.metric.features.feature_map": "FeatureMap coordinates invariants symmetric_invariants",
    "laflow.metric.geometry.estimates": "Estimate",
    "laflow.metric.geometry.hypersurface": "Hypersurface",
    "laflow.metric.geometry.point_files": "load_points save_points",
    "laflow.metric.geometry.polynomial": "Polynomial dwork fermat",
    "laflow.metric.geometry.polynomial_text": "parse_polynomial polynomial_text",
    "laflow.metric.geometry.sampling": "PointSample points_on sample_points",
    "laflow.metric.geometry.volume": "estimate_volume exact_volume kappa",
    "laflow.metric.learning.training": "TrainedMetric TrainingStep train_metric",
    "laflow.metric.model.model_files": "load_metric save_metric",
    "laflow.metric.model.phi_model": "PhiModel",
    "laflow.metric.quality.evaluation": "Evaluation evaluate evaluate_curvature",
    "laflow.metric.tangent.frozen_flow": "LinearFlow",
    "laflow.metric.tangent.infinite_width": "GaussianKernel WideNetwork",
    "laflow.metric.tangent.tangent_kernel": (
        "TangentRows drift metric_rows potential_rows residual_rows spectrum tangent_kernel"
    ),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}

__all__ = [
    "Estimate",
    "Evaluation",
    "FeatureMap",
    "GaussianKernel",
    "Hypersurface",
    "LinearFlow",
    "PhiModel",
    "PointSample",
    "Polynomial",
    "TangentRows",
    "TrainedMetric",
    "TrainingStep",
    "WideNetwork",
    "coordinates",
    "drift",
    "dwork",
    "estimate_volume",
    "evaluate",
    "evaluate_curvature",
    "exact_volume",
    "fermat",
    "invariants",
    "kappa",
    "load_metric",
    "load_points",
    "metric_rows",
    "parse_polynomial",
    "points_on",
    "polynomial_text",
    "potential_rows",
    "residual_rows",
    "sample_points",
    "save_metric",
    "save_points",
    "spectrum",
    "symmetric_invariants",
    "tangent_kernel",
    "train_metric",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'laflow.metric' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
