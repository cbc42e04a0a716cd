"""Labeling problems as plain arrays, seeded: what the oracles, the benchmarks and the tests are fed with."""

from dataclasses import dataclass

import numpy as np

from verify.oracles import dense_flow
from verify.oracles.neighbourhoods import dense_weights, grid_neighbours, random_weights, uniform_weights


@dataclass(frozen=True)
class Instance:
    """One problem: distances (I, J) ≥ 0, truth (I,), weights and neighbours (I, K), time T and scale ρ.

    `shape` and `radius` are those of the grid, or None for a general graph.
    """

    distances: np.ndarray
    truth: np.ndarray
    weights: np.ndarray
    neighbours: np.ndarray
    time: float
    distance_scale: float = 1.0
    shape: tuple[int, ...] | None = None
    radius: int | None = None

    @property
    def labels(self) -> int:
        """J."""
        return self.distances.shape[1]

    @property
    def log_likelihood(self) -> np.ndarray:
        """L = -Π0 D/ρ, (I, J)."""
        return dense_flow.log_likelihood(self.distances, self.distance_scale)

    @property
    def target(self) -> np.ndarray:
        """V* = Π0 W*, (I, J)."""
        return dense_flow.target_direction(self.truth, self.labels)

    @property
    def dense(self) -> np.ndarray:
        """Ω (I, I)."""
        return dense_weights(self.weights, self.neighbours)

    @property
    def plain(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
        """The arguments that the automatic differentiation oracles take, in their order."""
        return self.weights, self.neighbours, self.log_likelihood, self.target, self.time

    @property
    def dense_plain(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """The arguments that the dense oracle takes, in their order."""
        return self.dense, self.log_likelihood, self.target, self.time

    @property
    def csr(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(indptr, indices, weights (E,)) of the neighbours that exist, row by row."""
        inside = self.neighbours >= 0
        indptr = np.concatenate([[0], np.cumsum(inside.sum(axis=1))])
        return indptr, self.neighbours[inside], self.weights[inside]


def grid_instance(
    shape: tuple[int, ...],
    labels: int,
    *,
    radius: int = 1,
    time: float = 5.0,
    spread: float = 1.0,
    contrast: float = 4.0,
    seed: int = 0,
) -> Instance:
    """Random distances in [0, contrast) and random weights, normalised exp(spread · normal), on a grid."""
    rng = np.random.default_rng(seed)
    neighbours = grid_neighbours(shape, radius)
    nodes = neighbours.shape[0]
    return Instance(
        distances=contrast * rng.random((nodes, labels)),
        truth=rng.integers(0, labels, size=(nodes,)),
        weights=random_weights(neighbours, rng, spread),
        neighbours=neighbours,
        time=time,
        shape=shape,
        radius=radius,
    )


def colors_instance(shape: tuple[int, int], labels: int, *, time: float = 5.0, seed: int = 0) -> Instance:
    """The paper's scenario (b) at the start of training: noisy Voronoi colours, uniform weights on 3×3
    patches, ρ=1.

    Gaussian noise of 0.6, which makes half of the pixels wrong at 8 labels; distances are Euclidean distances
    to the colours. The scene alone is laflow's: it is input, not what is checked.
    """
    from laflow.scenes import voronoi_colors

    scene = voronoi_colors(shape, np.random.default_rng(seed), labels=labels)
    neighbours = grid_neighbours(shape, 1)
    distances = np.linalg.norm(scene.image[..., None, :] - scene.prototypes, axis=-1)
    return Instance(
        distances=distances.reshape(-1, labels),
        truth=scene.truth.reshape(-1),
        weights=uniform_weights(neighbours),
        neighbours=neighbours,
        time=time,
        shape=shape,
        radius=1,
    )
