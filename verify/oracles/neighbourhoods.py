"""Who is whose neighbour: index arrays of grids and of general graphs, and dense weight matrices from them.

Exact integer work; no rounding, hence no detection limit.
"""

import itertools

import numpy as np

OUTSIDE = -1


def grid_neighbours(shape: tuple[int, ...], radius: int) -> np.ndarray:
    """Neighbour indices (I, (2r+1)^d) of a grid in any dimension, in lexicographic order of the displacement.

    The node itself is its own neighbour. Neighbours beyond the border are `OUTSIDE` (-1).
    """
    displacements = np.array(list(itertools.product(range(-radius, radius + 1), repeat=len(shape))))
    positions = np.indices(shape).reshape(len(shape), -1).T
    targets = positions[:, None, :] + displacements[None, :, :]
    sides = np.array(shape)
    inside = np.all((targets >= 0) & (targets < sides), axis=-1)
    flat = np.ravel_multi_index(tuple(np.moveaxis(np.clip(targets, 0, sides - 1), -1, 0)), shape)
    return np.where(inside, flat, OUTSIDE)


def graph_neighbours(indptr: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Neighbour indices (I, K) of a graph in CSR form, rows filled up with `OUTSIDE`."""
    degrees = np.diff(indptr)
    neighbours = np.full((degrees.size, int(degrees.max(initial=0))), OUTSIDE, dtype=np.int64)
    for node, degree in enumerate(degrees):
        neighbours[node, :degree] = indices[indptr[node] : indptr[node + 1]]
    return neighbours


def dense_weights(weights: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """Weight matrix Ω (I, I) from weights (I, K); weights of outside neighbours are left out."""
    nodes = neighbours.shape[0]
    dense = np.zeros((nodes, nodes), dtype=weights.dtype)
    node, column = np.nonzero(neighbours != OUTSIDE)
    dense[node, neighbours[node, column]] = weights[node, column]
    return dense


def gather_weights(dense: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """Entries (I, K) of a dense (I, I) array at the neighbours; 0 outside."""
    gathered = np.take_along_axis(dense, np.maximum(neighbours, 0), axis=1)
    return np.where(neighbours != OUTSIDE, gathered, 0.0)


def uniform_weights(neighbours: np.ndarray) -> np.ndarray:
    """Weights (I, K) equal over the neighbours that exist."""
    inside = (neighbours != OUTSIDE).astype(np.float64)
    return inside / inside.sum(axis=1, keepdims=True)


def random_weights(neighbours: np.ndarray, rng: np.random.Generator, spread: float = 1.0) -> np.ndarray:
    """Weights (I, K) in the open simplex over existing neighbours: normalised exp(spread · normal)."""
    positive = np.exp(spread * rng.standard_normal(neighbours.shape)) * (neighbours != OUTSIDE)
    return positive / positive.sum(axis=1, keepdims=True)
