"""Predicting weights from what a patch looks like, so that unseen images can be labelled, Eqs. (4.1)-(4.4).

    s_in = exp(-sigma |f_i - p_n|),   Omega_i = exp_1(sum_n s_in nu_n / sum_n s_in)

Features f_i are raw patches; prototypes p_n, directions nu_n and the scale sigma are learned.
"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.vq import kmeans2

from laflow.assignment.distances import finite_array, patch_features
from laflow.checks import positive_number, whole_number
from laflow.errors import ModelError, ShapeError, ValueRangeError
from laflow.graph import FloatArray, GridGraph, IntArray
from laflow.kernels import predicted_weights as predicted_weights_kernel
from laflow.kernels import predictor_adjoint as predictor_adjoint_kernel

# Clustering needs a picture of the patches, not all of them.
CLUSTERED_PATCHES = 20_000
CLUSTERING_ROUNDS = 20


@dataclass(frozen=True, eq=False)
class WeightPredictor:
    """Prototypes ``(K, F)``, directions ``(K, |N|)`` and the scale of similarity, in 1 / (unit of the image).

    `feature_radius` and `radius` are the radii of the feature patches and of the weight patches on a grid of
    `dimensions` axes; ``F = (2 feature_radius + 1)^dimensions * channels``. Zero directions predict uniform
    weights.
    """

    prototypes: FloatArray
    directions: FloatArray
    scale: float
    feature_radius: int = 1
    radius: int = 1
    dimensions: int = 2

    def __post_init__(self) -> None:
        # Copies, because kernels are compiled for writable, contiguous arrays.
        prototypes = np.array(finite_array(self.prototypes, "the prototypes"), order="C")
        directions = np.array(finite_array(self.directions, "the directions"), order="C")
        patch = (2 * whole_number(self.feature_radius, "feature_radius", least=0) + 1) ** self.dimensions
        neighbours = (2 * whole_number(self.radius, "radius", least=0) + 1) ** self.dimensions
        if prototypes.ndim != 2 or not prototypes.size or prototypes.shape[1] % patch:
            raise ShapeError(
                f"the prototypes have shape {prototypes.shape}: give (prototypes, features), the features "
                f"being {patch} pixels times the channels"
            )
        if directions.shape != (prototypes.shape[0], neighbours):
            raise ShapeError(
                f"the directions have shape {directions.shape}: {prototypes.shape[0]} prototypes and "
                "patches of "
                f"{neighbours} weights need {(prototypes.shape[0], neighbours)}"
            )
        object.__setattr__(self, "prototypes", prototypes)
        object.__setattr__(self, "directions", directions)
        object.__setattr__(self, "scale", positive_number(self.scale, "scale"))

    @property
    def channels(self) -> int:
        """Channels of the images that this predictor takes."""
        return int(self.prototypes.shape[1] // (2 * self.feature_radius + 1) ** self.dimensions)

    def features(self, image: ArrayLike) -> tuple[GridGraph, FloatArray]:
        """The grid of an image ``(*shape, C)`` and its packed patch features ``(F, P)``.

        Raises `ModelError` for an image with another number of axes or channels.
        """
        self.require_image(np.shape(image))
        pixels = finite_array(image, "the image")
        graph = GridGraph(pixels.shape[:-1], self.radius)
        features = graph.zeros_nodes(self.prototypes.shape[1])
        features_into(pixels, self.feature_radius, graph, features)
        return graph, features

    def require_image(self, shape: tuple[int, ...]) -> None:
        """Raise `ModelError` unless an image of this shape has the axes and channels of the predictor."""
        if len(shape) != self.dimensions + 1 or shape[-1] != self.channels:
            raise ModelError(
                f"the image has shape {shape}, but the model was made for images with {self.dimensions} "
                "axes and "
                f"{self.channels} channels, (*shape, {self.channels}): give such an image, or fit another "
                "model"
            )

    def with_uniform_weights(self) -> "WeightPredictor":
        """The predictor whose directions are zero: it predicts uniform weights for every image."""
        return WeightPredictor(
            self.prototypes,
            np.zeros_like(self.directions),
            self.scale,
            self.feature_radius,
            self.radius,
            self.dimensions,
        )


@dataclass(frozen=True)
class PredictorGradient:
    """The gradient with respect to the predictor: prototypes ``(K, F)``, directions ``(K, |N|)``, scale."""

    prototypes: FloatArray
    directions: FloatArray
    scale: float


def predict_weights(predictor: WeightPredictor, image: ArrayLike) -> FloatArray:
    """Weights ``(*shape, |N|)`` for an image ``(*shape, C)``, Eq. (4.4)."""
    graph, features = predictor.features(image)
    return graph.unpack_weights(packed_prediction(predictor, graph, features)[1])


def features_into(image: FloatArray, feature_radius: int, graph: GridGraph, out: FloatArray) -> None:
    """Write the packed patch features of a checked image ``(*shape, C)`` into `out` ``(F, P)``, whose halo stays."""
    grid, shape = graph.interior(out), graph.shape
    padded = np.pad(image, [(feature_radius, feature_radius)] * len(shape) + [(0, 0)], mode="edge")
    for position, step in enumerate(product(range(2 * feature_radius + 1), repeat=len(shape))):
        window = tuple(slice(begin, begin + side) for begin, side in zip(step, shape, strict=True))
        first = position * image.shape[-1]
        grid[first : first + image.shape[-1]] = np.moveaxis(padded[window], -1, 0)


def packed_prediction(
    predictor: WeightPredictor,
    graph: GridGraph,
    features: FloatArray,
    out: tuple[FloatArray, FloatArray] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Memberships s_in / sum_n s_in, packed ``(K, P)``, and the packed weights ``(|N|, P)``, in `out` if given."""
    if out is None:
        out = graph.empty_nodes(predictor.prototypes.shape[0]), graph.empty_weights()
    membership, weights = out
    inputs = (features, predictor.prototypes, predictor.directions, predictor.scale, graph.inside)
    graph.run(predicted_weights_kernel, inputs, (membership, weights))
    return membership, weights


def pull_back(
    predictor: WeightPredictor,
    graph: GridGraph,
    features: FloatArray,
    membership: FloatArray,
    weights: FloatArray,
    gradient: FloatArray,
) -> PredictorGradient:
    """The predictor's gradient from the packed Euclidean gradient ``(|N|, P)`` in the weights that it
    predicted.

    Where a feature equals a prototype the norm has no derivative; the subgradient zero is taken.
    """
    blocks = graph.blocks(predictor_adjoint_kernel)
    directions = np.zeros((*predictor.directions.shape, blocks))
    prototypes = np.zeros((*predictor.prototypes.shape, blocks))
    scale = np.zeros(blocks)
    inputs = (
        features,
        predictor.prototypes,
        predictor.directions,
        predictor.scale,
        graph.inside,
        membership,
        weights,
        gradient,
    )
    graph.run(predictor_adjoint_kernel, inputs, (directions, prototypes, scale))
    return PredictorGradient(prototypes.sum(axis=-1), directions.sum(axis=-1), float(scale.sum()))


def initial_predictor(
    images: list[FloatArray],
    truths: list[NDArray[np.integer]],
    *,
    prototypes: int = 50,
    feature_radius: int = 1,
    radius: int = 1,
    strength: float = 2.0,
    rng: np.random.Generator,
) -> WeightPredictor:
    """A predictor to start learning from: clustered patches, directed toward the label of their centre.

    `images` are ``(*shape, C)``, noise-free where available, of any sizes; `truths` are their labels.
    Direction n prefers, by `strength`, the neighbours that carry the label of the centre in the patches of
    cluster n. The scale is 1. There are fewer prototypes where there are fewer distinct patches.
    """
    count = whole_number(prototypes, "prototypes")
    total = sum(truth.size for truth in truths)
    sample = np.arange(total) if total <= CLUSTERED_PATCHES else rng.choice(total, CLUSTERED_PATCHES, replace=False)
    patches = _sampled(sample, truths, (_rows(patch_features(image, feature_radius)) for image in images))
    agreement = _sampled(sample, truths, (_rows(_agreement(truth, radius)) for truth in truths))
    distinct = np.unique(patches, axis=0)
    if distinct.shape[0] <= count:
        centres = distinct
        owner = np.square(patches[:, None] - centres[None]).sum(axis=-1).argmin(axis=1)
    else:
        centres, owner = _cluster(patches, count, rng)
    means = np.zeros((centres.shape[0], agreement.shape[1]))
    np.add.at(means, owner, agreement)
    sizes = np.bincount(owner, minlength=centres.shape[0])
    kept = sizes > 0
    means = means[kept] / sizes[kept, None]
    directions = strength * (means - means.mean(axis=1, keepdims=True))
    return WeightPredictor(centres[kept], directions, 1.0, feature_radius, radius, truths[0].ndim)


def _sampled(sample: IntArray, truths: list[NDArray[np.integer]], rows: Iterable[FloatArray]) -> FloatArray:
    """The rows with the numbers `sample`, counted through all images; those of one image at a time are in memory."""
    parts, order, begin = [], [], 0
    for truth, of_image in zip(truths, rows, strict=True):
        (places,) = np.nonzero((sample >= begin) & (sample < begin + truth.size))
        parts.append(of_image[sample[places] - begin])
        order.append(places)
        begin += truth.size
    found = np.concatenate(parts)
    found[np.concatenate(order)] = found.copy()
    return found


def _cluster(patches: FloatArray, count: int, rng: np.random.Generator) -> tuple[FloatArray, NDArray[np.integer]]:
    """k-means. A cluster without members keeps its centre, which SciPy warns of; the caller drops it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="One of the clusters is empty")
        centres, owner = kmeans2(patches, count, iter=CLUSTERING_ROUNDS, minit="++", rng=rng)
    return np.asarray(centres), np.asarray(owner)


def _agreement(truth: NDArray[np.integer], radius: int) -> FloatArray:
    """1 where the neighbour carries the label of the node, else 0: ``(*shape, |N|)``."""
    if not truth.size:
        raise ValueRangeError(f"a truth image is empty, of shape {truth.shape}: give at least one pixel")
    # Patches of the label map itself: its one channel is the label.
    neighbours = patch_features(truth[..., None].astype(np.float64), radius)
    return (neighbours == truth[..., None]).astype(np.float64)


def _rows(values: FloatArray) -> FloatArray:
    return values.reshape(-1, values.shape[-1])
