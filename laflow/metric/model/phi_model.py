"""The φ-model: g = g_FS + ∂∂̄φ with φ a network of functions on X, so that every metric lies in the class of g_FS."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laflow.blas import one_blas_thread
from laflow.checks import whole_number
from laflow.errors import ShapeError, ValueRangeError
from laflow.metric.features.feature_map import FeatureMap, symmetric_invariants
from laflow.metric.geometry.estimates import Estimate
from laflow.metric.geometry.hypersurface import Hypersurface
from laflow.metric.geometry.polynomial import ComplexArray
from laflow.metric.geometry.sampling import PointSample
from laflow.metric.geometry.volume import kappa
from laflow.metric.model.jet_network import JetNetwork
from laflow.metric.model.kernel_workspace import one_kernel_thread
from laflow.metric.model.monge_ampere import pack, residuals, unpack

Array = NDArray[Any]
FloatArray = NDArray[np.float64]

# ∂∂̄φ of a fresh model against g_FS: small enough for a positive metric, large enough for units to differ.
INITIAL_BEND = 0.02
# Standard deviation of a feature, at most. Invariant features of bend 1 have less; z_i z̄_j/|z|² would have 1.7.
LARGEST_SPREAD = 0.55
# Points of the sample that the scales of a fresh model are taken from.
SCALING_POINTS = 2000
# Points worked on at once: their layers stay in the cache.
CHUNK = 250


@dataclass(frozen=True, eq=False)
class MetricData:
    """What training needs of points: jets of the features, g_FS, κ|Ω|² and weights.

    jets: (channels, N, features). reference: (n, n, N) packed g_FS. target: (N,). weights: (N,), of mean 1.
    """

    jets: Array
    reference: Array
    target: Array
    weights: Array

    def __len__(self) -> int:
        return int(self.target.shape[0])

    def slice(self, part: slice) -> "MetricData":
        """Consecutive points, copied only as far as BLAS needs it."""
        return MetricData(
            self.jets[:, part], np.ascontiguousarray(self.reference[:, :, part]), self.target[part], self.weights[part]
        )

    def take(self, chosen: NDArray[np.int64]) -> "MetricData":
        """The points of these indices."""
        return MetricData(self.jets[:, chosen], self.reference[:, :, chosen], self.target[chosen], self.weights[chosen])


@dataclass(frozen=True, eq=False)
class PhiModel:
    """A metric on X: the network φ of the features (f - centre) / scale, and κ of the Monge–Ampère equation.

    centre, scale: (features,). parameters: (P,) float64. Only ∂∂̄φ matters: φ is known up to a constant.
    """

    hypersurface: Hypersurface
    features: FeatureMap
    centre: FloatArray
    scale: FloatArray
    network: JetNetwork
    parameters: FloatArray
    kappa: Estimate

    def __post_init__(self) -> None:
        count = self.features.count
        if self.network.sizes[0] != count or self.centre.shape != (count,) or self.scale.shape != (count,):
            raise ShapeError(
                f"the network takes {self.network.sizes[0]} features, centre and scale have shapes {self.centre.shape} "
                f"and {self.scale.shape}: there are {count} features"
            )
        if self.network.dimension != self.hypersurface.dimension:
            raise ShapeError(
                f"the network carries jets of dimension {self.network.dimension}, the hypersurface has "
                f"{self.hypersurface.dimension}"
            )
        if self.parameters.shape != (self.network.parameter_count,):
            raise ShapeError(
                f"the parameters have shape {self.parameters.shape}: give ({self.network.parameter_count},)"
            )

    @staticmethod
    def fresh(
        sample: PointSample,
        rng: np.random.Generator,
        *,
        features: FeatureMap | None = None,
        width: int = 32,
        depth: int = 2,
        activation: str = "gelu",
        parametrisation: str = "standard",
        largest_spread: float = LARGEST_SPREAD,
    ) -> "PhiModel":
        """A model with random parameters, its scales taken from the points of `sample`.

        Features (default: those invariant under the symmetries of X) are scaled to bends ∂∂̄f of root mean square 1,
        since it is by them that parameters act on the metric, and to values of standard deviation `largest_spread` at
        most: units of wide inputs are steep, and their kernel is rough. The last layer is scaled so that ∂∂̄φ is 2 %
        of g_FS. `depth` hidden layers of `width` units.
        """
        if not largest_spread > 0.0:
            raise ValueRangeError(f"largest_spread is {largest_spread!r}: give a number larger than 0")
        surface = sample.hypersurface
        chosen = symmetric_invariants(surface.polynomial) if features is None else features
        sizes = (chosen.count, *[whole_number(width, "width")] * whole_number(depth, "depth"), 1)
        network = JetNetwork(sizes, activation, parametrisation, surface.dimension)
        some = sample.take(np.arange(min(len(sample), SCALING_POINTS)))
        jets = chosen.jets(some.points, some.frame)
        centre = jets[0].mean(axis=0)
        scale = _scales(jets, surface.dimension, largest_spread)
        model = PhiModel(
            surface, chosen, centre, scale, network, network.initial_parameters(rng), kappa(surface, sample)
        )
        return model._with_initial_bend(some)

    def with_parameters(self, parameters: Array) -> "PhiModel":
        """The same model with other parameters."""
        return replace(self, parameters=np.asarray(parameters, dtype=np.float64))

    def prepare(self, sample: PointSample, dtype: Any = np.float32) -> MetricData:
        """The features' jets and the other data of `sample`, in the given type: once for all steps of a training."""
        self._require_surface(sample)
        kind = np.dtype(dtype)
        weights = sample.weights / sample.weights.mean()
        # All in one array of its own type: the jets of all points in double precision would take twice the memory.
        jets = np.empty((self.network.channels, len(sample), self.features.count), dtype=kind)
        for part in chunks(len(sample), 8 * CHUNK):
            jets[:, part] = self.scaled_jets(sample.take(np.arange(part.start, part.stop)))
        return MetricData(
            jets,
            pack(sample.fubini_study).astype(kind),
            (self.kappa.value * sample.omega_squared).astype(kind),
            weights.astype(kind),
        )

    def scaled_jets(self, sample: PointSample) -> FloatArray:
        """Jets (channels, N, features) of the network's inputs (f - centre) / scale."""
        jets = self.features.jets(sample.points, sample.frame)
        jets[0] -= self.centre
        jets /= self.scale
        return jets

    def potential_jets(self, sample: PointSample) -> FloatArray:
        """Jets (channels, N) of φ: value, real and imaginary parts of ∂_aφ, and the packed ∂_a∂̄_bφ, in float64."""
        self._require_surface(sample)
        found = np.empty((self.network.channels, len(sample)))
        with one_blas_thread(), one_kernel_thread():
            for part in chunks(len(sample), CHUNK):
                some = sample.take(np.arange(part.start, part.stop))
                found[:, part] = self.network.forward(self.parameters, self.scaled_jets(some)).output
        return found

    def potential(self, sample: PointSample) -> FloatArray:
        """φ at the points: (N,)."""
        value: FloatArray = self.potential_jets(sample)[0]
        return value

    def metric(self, sample: PointSample) -> ComplexArray:
        """g = g_FS + ∂∂̄φ (N, n, n) in local coordinates, in float64."""
        n = self.hypersurface.dimension
        bend = self.potential_jets(sample)[1 + 2 * n :].reshape(n, n, len(sample))
        found: ComplexArray = sample.fubini_study + unpack(bend)
        return found

    def _with_initial_bend(self, sample: PointSample) -> "PhiModel":
        n = self.hypersurface.dimension
        bend = self.potential_jets(sample)[1 + 2 * n :]
        size = float(np.sqrt(np.mean(bend**2)))
        if not (size > 0.0 and np.isfinite(size)):
            raise ValueRangeError(f"∂∂̄φ has the size {size}: give features and an activation that vary smoothly")
        reference = pack(sample.fubini_study)
        factor = INITIAL_BEND * float(np.sqrt(np.mean(reference**2))) / size
        # Bends may be far larger at some points than on average.
        target = self.kappa.value * sample.omega_squared
        while not residuals(reference + factor * bend.reshape(reference.shape), target).positive.all():
            factor *= 0.5
        parameters = self.parameters.copy()
        parameters[-(self.network.sizes[-2] + 1) :] *= factor
        return self.with_parameters(parameters)

    def _require_surface(self, sample: PointSample) -> None:
        if sample.hypersurface.polynomial != self.hypersurface.polynomial:
            raise ValueRangeError("the points lie on another hypersurface than the model: sample its own")


def chunks(count: int, size: int) -> Iterator[slice]:
    """Slices of `size` consecutive points, the last one perhaps smaller."""
    for begin in range(0, count, size):
        yield slice(begin, min(begin + size, count))


def _scales(jets: FloatArray, dimension: int, largest_spread: float) -> FloatArray:
    bend = np.sqrt(np.mean(jets[1 + 2 * dimension :] ** 2, axis=(0, 1)))
    slope = np.sqrt(np.mean(jets[1 : 1 + 2 * dimension] ** 2, axis=(0, 1)))
    # Affine coordinates are harmonic: they have slopes and no bends.
    found: FloatArray = np.where(bend > 1e-12 * slope, bend, np.where(slope > 0.0, slope, 1.0))
    return np.maximum(found, jets[0].std(axis=0) / largest_spread)
