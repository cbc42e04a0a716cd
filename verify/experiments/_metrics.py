"""What the experiments on metrics share: hypersurfaces, features, models, points that no run has seen, and progress."""

import sys
from dataclasses import dataclass, replace
from functools import cache
from time import monotonic
from typing import Literal

import numpy as np

from laflow.metric.features.feature_map import FeatureMap, coordinates, invariants, symmetric_invariants
from laflow.metric.geometry.hypersurface import Hypersurface
from laflow.metric.geometry.polynomial import fermat
from laflow.metric.geometry.sampling import PointSample, sample_points
from laflow.metric.model.monge_ampere import residuals
from laflow.metric.model.phi_model import MetricData, PhiModel

FeatureName = Literal["coordinates", "invariants", "symmetric"]
SURFACES = {1: "cubic", 2: "K3", 3: "quintic"}


@dataclass(frozen=True, eq=False)
class Points:
    """Points of Fermat's hypersurface from lines of their own: to train on, to choose by, and to report on."""

    train: PointSample
    validation: PointSample
    test: PointSample


@cache
def surface(dimension: int) -> Hypersurface:
    """Fermat's cubic curve, quartic K3 or quintic threefold."""
    return Hypersurface(fermat(dimension))


def features(name: FeatureName, dimension: int) -> FeatureMap:
    """Affine coordinates, z_i z̄_j/|z|², or what is invariant under all symmetries."""
    if name == "symmetric":
        return symmetric_invariants(surface(dimension).polynomial)
    return (coordinates if name == "coordinates" else invariants)(dimension + 2)


def points(dimension: int, count: int, held_out: int, seed: int) -> Points:
    """`count` points to train on and `held_out` each to choose by and to report on."""
    rng = np.random.default_rng([seed, dimension])
    train, validation, test = (
        sample_points(surface(dimension), size, rng) for size in (count, held_out // 2, held_out)
    )
    return Points(train, validation, test)


def fresh_model(sample: PointSample, name: FeatureName, seed: int, *, width: int, **options: str | int) -> PhiModel:
    """A φ-model in NTK parametrisation, random parameters of this seed; inputs of bends 1, however wide they are."""
    rng, dimension = np.random.default_rng([seed, 7]), sample.hypersurface.dimension
    return PhiModel.fresh(
        sample,
        rng,
        features=features(name, dimension),
        width=width,
        depth=int(options.get("depth", 2)),
        activation=str(options.get("activation", "gelu")),
        parametrisation="ntk",
        largest_spread=np.inf,
    )


def with_input_spread(model: PhiModel, sample: PointSample, spread: float) -> PhiModel:
    """The model with inputs of this standard deviation, its last layer scaled to the ∂∂̄φ that it had."""
    some = sample.take(np.arange(min(len(sample), 2000)))
    values = model.features.jets(some.points, some.frame)[0]
    # Constant features, such as the patch's own coordinate, stay constant.
    deviation = values.std(axis=0)
    scaled = replace(model, scale=np.where(deviation > 0.0, deviation, spread) / spread)
    bends = [np.linalg.norm(one.potential_jets(some)[1 + 2 * model.network.dimension :]) for one in (model, scaled)]
    parameters = scaled.parameters.copy()
    parameters[-(model.network.sizes[-2] + 1) :] *= bends[0] / bends[1]
    return scaled.with_parameters(parameters)


def packed_sigma(metric: np.ndarray, data: MetricData) -> float:
    """σ of packed metrics (n, n, N) at prepared points."""
    found = residuals(np.ascontiguousarray(metric, dtype=np.float64), data.target)
    return float(data.weights @ np.abs(found.residual) / data.weights.sum())


def model_sigma(model: PhiModel, data: MetricData) -> float:
    """σ of a φ-model at prepared points."""
    bend = model.network.forward(model.parameters, data.jets).output[1 + 2 * model.network.dimension :]
    return packed_sigma(data.reference + bend.reshape(data.reference.shape), data)


def spread(values: list[float]) -> str:
    """Mean and standard deviation over seeds, as text."""
    array = np.asarray(values)
    if not array.size:
        return "-"
    digits = 4 if array.mean() < 0.0995 else 3
    text = f"{array.mean():.{digits}f}" if array.mean() >= 1e-3 else f"{array.mean():.1e}"
    if array.size == 1:
        return text
    deviation = array.std(ddof=1)
    return f"{text} ± {deviation:.{digits}f}" if array.mean() >= 1e-3 else f"{text} ± {deviation:.0e}"


class Progress:
    """One line on stderr for every case, with the seconds since the beginning."""

    def __init__(self, cases: int) -> None:
        self._cases, self._done, self._begun = cases, 0, monotonic()

    def case(self, text: str) -> None:
        """Say that the next case begins."""
        self._done += 1
        print(f"[{monotonic() - self._begun:5.0f} s] {self._done}/{self._cases} {text}", file=sys.stderr, flush=True)
