"""From plain arrays to laflow's public interface and back: the one place that knows its conventions."""

import numpy as np

import laflow
from laflow.assignment.gradient import Method
from verify.instances import Instance


def labeling_problem(instance: Instance) -> laflow.LabelingProblem:
    """The instance as laflow's problem: on a grid where it has a shape, else on a general graph."""
    if instance.shape is None:
        indptr, indices, _ = instance.csr
        graph = laflow.SparseGraph(indptr, indices)
        return laflow.LabelingProblem(instance.distances, graph, distance_scale=instance.distance_scale)
    distances = instance.distances.reshape(*instance.shape, -1)
    return laflow.LabelingProblem(distances, radius=instance.radius or 0, distance_scale=instance.distance_scale)


def public_weights(instance: Instance) -> np.ndarray:
    """The weights as laflow takes them: (*shape, K) on a grid, (E,) on a graph."""
    if instance.shape is None:
        return instance.csr[2]
    return np.where(instance.neighbours >= 0, instance.weights, 0.0).reshape(*instance.shape, -1)


def public_truth(instance: Instance) -> np.ndarray:
    """The truth as laflow takes it."""
    return instance.truth if instance.shape is None else instance.truth.reshape(instance.shape)


def plain_weights(instance: Instance, public: np.ndarray) -> np.ndarray:
    """Weights, or a gradient by weights, from laflow's public layout to (I, K)."""
    if instance.shape is not None:
        return np.asarray(public).reshape(instance.weights.shape)
    plain = np.zeros(instance.weights.shape)
    plain[instance.neighbours >= 0] = public
    return plain


def gradient(
    instance: Instance,
    *,
    method: Method = "low-rank",
    krylov_dim: int = 8,
    rank: int = 4,
    regularization: float = 0.0,
) -> tuple[np.ndarray, laflow.LossGradient]:
    """laflow's loss gradient as (I, K), and the whole result."""
    result = laflow.loss_gradient(
        labeling_problem(instance),
        public_weights(instance),
        public_truth(instance),
        time=instance.time,
        method=method,
        krylov_dim=krylov_dim,
        rank=rank,
        regularization=regularization,
    )
    return plain_weights(instance, result.gradient), result
