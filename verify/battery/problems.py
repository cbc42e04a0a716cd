"""Small problems for the battery: plain arrays, and the same in a package's public form."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from verify.instances import Instance, grid_instance
from verify.oracles import dense_flow
from verify.oracles.complex_step import gradient as complex_gradient
from verify.oracles.neighbourhoods import dense_weights, gather_weights, graph_neighbours, random_weights

GRAPH_ROWS = ((0, 1, 3), (1,), (2, 0, 1), (3, 2), (0, 4, 3))


@cache
def instances() -> dict[str, Instance]:
    """Grids of one to three axes, radii 1 and 2, 2 to 4 labels, and a directed graph with uneven rows."""
    return {
        "plane": grid_instance((2, 3), 3, time=2.0, seed=1),
        "line": grid_instance((5,), 4, radius=2, time=1.5, seed=2),
        "space": grid_instance((2, 1, 3), 2, time=2.5, seed=3),
        "graph": graph_instance(3, 2.0),
    }


def graph_instance(labels: int, time: float) -> Instance:
    """A random problem on a general graph."""
    rng = np.random.default_rng(4)
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in GRAPH_ROWS])])
    neighbours = graph_neighbours(indptr, np.array([k for row in GRAPH_ROWS for k in row]))
    return Instance(
        distances=4.0 * rng.random((len(GRAPH_ROWS), labels)),
        truth=rng.integers(0, labels, len(GRAPH_ROWS)),
        weights=random_weights(neighbours, rng),
        neighbours=neighbours,
        time=time,
        distance_scale=1.7,
    )


def graph_of(package: Any, instance: Instance) -> Any:
    if instance.shape is None:
        return package.graph.SparseGraph(*instance.csr[:2])
    return package.graph.GridGraph(instance.shape, instance.radius)


def problem_of(package: Any, instance: Instance) -> Any:
    """The instance as a problem of this package."""
    problem = package.flow.LabelingProblem
    if instance.shape is None:
        graph = graph_of(package, instance)
        return problem(instance.distances, graph, distance_scale=instance.distance_scale)
    distances = instance.distances.reshape(*instance.shape, -1)
    return problem(distances, radius=instance.radius, distance_scale=instance.distance_scale)


def public(instance: Instance, pairs: np.ndarray) -> np.ndarray:
    """Values on pairs (I, K) in the public layout: zero outside of a grid, one entry an edge on a graph."""
    if instance.shape is None:
        return pairs[instance.neighbours >= 0]
    return np.where(instance.neighbours >= 0, pairs, 0.0).reshape(*instance.shape, -1)


def truth_of(instance: Instance) -> np.ndarray:
    return instance.truth.reshape(instance.shape or -1)


@cache
def exact_tangent(name: str) -> np.ndarray:
    """V(T), (I, J), of one of the `instances`, by a dense exponential."""
    instance = instances()[name]
    return dense_flow.final_tangent(instance.dense, instance.log_likelihood, instance.time)


@cache
def exact_gradient(name: str) -> np.ndarray:
    """The gradient (I, K) of the direction loss of one of the `instances`, by complex steps of the dense flow."""
    instance = instances()[name]

    def loss(pairs: np.ndarray) -> np.ndarray:
        dense = dense_weights(pairs.reshape(instance.weights.shape), instance.neighbours)
        return dense_flow.loss(dense, instance.log_likelihood, instance.target, instance.time)

    partials = complex_gradient(loss, instance.weights.ravel()).reshape(instance.weights.shape)
    return np.where(instance.neighbours >= 0, partials, 0.0)


def quadrature_gradient(instance: Instance, weights: np.ndarray) -> np.ndarray:
    """The gradient (I, K) at other weights, by quadrature: quicker than complex steps."""
    dense = dense_weights(weights, instance.neighbours)
    found = dense_flow.gradient_by_quadrature(dense, instance.log_likelihood, instance.target, instance.time)
    return gather_weights(found, instance.neighbours)


def close(found: Any, wanted: Any, tolerance: float = 1e-10) -> None:
    """Agreement of shape and, up to `tolerance` of the largest entry, of values."""
    left, right = np.asarray(found), np.asarray(wanted)
    assert left.shape == right.shape, f"shape {left.shape}, not {right.shape}"
    if right.size:
        scale = max(float(np.abs(right).max()), 1e-300)
        assert float(np.abs(left - right).max()) <= tolerance * scale


def same(found: Any, wanted: Any) -> None:
    """Equal in every bit, and in type."""
    left, right = np.asarray(found), np.asarray(wanted)
    assert left.dtype == right.dtype, f"type {left.dtype}, not {right.dtype}"
    assert np.array_equal(left, right), f"{left} is not {right}"


def refuses(kind: type[Exception], told: str, action: Callable[[], Any]) -> None:
    """The action ends in an error of exactly this class, whose message holds the pattern `told`."""
    error = raised(action)
    assert type(error) is kind, f"{error!r}"
    assert re.search(told, str(error), re.DOTALL), f"{error} does not tell: {told}"


def raised(action: Callable[[], Any]) -> BaseException | None:
    """The error, or the interruption, in which the action ends."""
    try:
        action()
    except (Exception, KeyboardInterrupt) as error:
        return error
    return None
