"""Random labeling problems for the tests of the runtime, and the same problem seen in other ways."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from laflow import GridGraph, LabelingProblem, SparseGraph
from laflow.graph import Graph

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A problem with weights, truth and time; `distances` are the public ones that it was made from."""

    problem: LabelingProblem
    distances: Array
    weights: Array
    truth: NDArray[np.int64]
    time: float

    @property
    def graph(self) -> Graph:
        return self.problem.graph

    @property
    def conditioning(self) -> float:
        """exp(T |A|), |A| <= |R_S| |Omega| <= sqrt(largest column sum) / 2: how much the flow can amplify
        rounding.
        """
        columns = column_sums(self.graph, self.weights)
        return float(np.exp(0.5 * self.time * np.sqrt(columns.max())))


def column_sums(graph: Graph, weights: Array) -> Array:
    sparse, edges = (graph, weights) if isinstance(graph, SparseGraph) else as_sparse(graph, weights)
    return np.bincount(sparse.indices, weights=edges, minlength=sparse.nodes)


def make_case(
    shape: tuple[int, ...],
    labels: int,
    *,
    radius: int = 1,
    time: float = 3.0,
    spread: float = 1.0,
    dyadic: bool = False,
    seed: int = 0,
) -> Case:
    """A random problem on a grid; `dyadic` weights are normalised powers 2^-e, near the boundary of the
    simplex.
    """
    rng = np.random.default_rng(seed)
    distances = 3.0 * rng.random((*shape, labels))
    problem = LabelingProblem(distances, radius=radius)
    weights = random_weights(problem.graph, rng, spread, dyadic)
    return Case(problem, distances, weights, rng.integers(0, labels, shape), time)


def random_weights(graph: Graph, rng: np.random.Generator, spread: float = 1.0, dyadic: bool = False) -> Array:
    """Random positive weights, normalised in each patch."""
    weights = graph.uniform_weights()
    if dyadic:
        factors = 2.0 ** -rng.integers(0, 41, weights.shape).astype(float)
    else:
        factors = np.exp(spread * rng.standard_normal(weights.shape))
    weights = weights * factors
    if isinstance(graph, GridGraph):
        return weights / weights.sum(axis=-1, keepdims=True)
    sums = np.add.reduceat(weights, graph.indptr[:-1])
    return weights / np.repeat(sums, np.diff(graph.indptr))


def tangent_direction(graph: Graph, weights: Array, rng: np.random.Generator) -> Array:
    """R_Omega y of a random y: keeps every patch on the simplex, and moves a small weight by little."""
    moved = weights * rng.standard_normal(weights.shape)
    if isinstance(graph, GridGraph):
        return moved - weights * moved.sum(axis=-1, keepdims=True)
    sums = np.add.reduceat(moved, graph.indptr[:-1])
    return moved - weights * np.repeat(sums, np.diff(graph.indptr))


def grid_edges(grid: GridGraph) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """All (node, neighbour position, neighbouring node) of a grid in order, by plain loops."""
    nodes = list(np.ndindex(*grid.shape))
    found = []
    for number, node in enumerate(nodes):
        for position, step in enumerate(grid.displacements.tolist()):
            other = tuple(a + b for a, b in zip(node, step, strict=True))
            if all(0 <= a < side for a, side in zip(other, grid.shape, strict=True)):
                found.append((number, position, int(np.ravel_multi_index(other, grid.shape))))
    columns = np.array(found, dtype=np.int64).T
    return columns[0], columns[1], columns[2]


def as_sparse(grid: GridGraph, weights: Array) -> tuple[SparseGraph, Array]:
    """The same neighbourhoods as a general graph, and its weights."""
    node, position, other = grid_edges(grid)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(node, minlength=grid.nodes))])
    return SparseGraph(indptr, other), weights.reshape(grid.nodes, -1)[node, position]


def random_sparse_graph(nodes: int, rng: np.random.Generator) -> SparseGraph:
    """A random directed graph in which every node has itself and up to four others as neighbours."""
    rows = []
    for node in range(nodes):
        others = rng.choice(nodes, size=int(rng.integers(0, min(5, nodes))), replace=False)
        rows.append(np.unique(np.append(others, node)))
    return SparseGraph(np.concatenate([[0], np.cumsum([row.size for row in rows])]), np.concatenate(rows))


@st.composite
def cases(draw: st.DrawFn, unknowns: int = 400, most_labels: int = 20) -> Case:
    """Grids of one to three axes and radius 1 or 2, or random graphs, with 2 to 20 labels."""
    labels = draw(st.integers(2, most_labels))
    nodes = max(1, unknowns // labels)
    seed = draw(st.integers(0, 2**32 - 1))
    dyadic = draw(st.booleans())
    time = draw(st.sampled_from([0.5, 1.0, 3.0]))
    rng = np.random.default_rng(seed)
    if draw(st.booleans()):
        size = draw(st.integers(1, nodes))
        graph = random_sparse_graph(size, rng)
        distances = 3.0 * rng.random((size, labels))
        problem = LabelingProblem(distances, graph)
        weights = random_weights(graph, rng, 1.0, dyadic)
        return Case(problem, distances, weights, rng.integers(0, labels, size), time)
    dimensions = draw(st.integers(1, 3))
    longest = max(1, int(nodes ** (1.0 / dimensions)))
    shape = tuple(draw(st.integers(1, longest)) for _ in range(dimensions))
    radius = draw(st.integers(1, 2))
    return make_case(shape, labels, radius=radius, time=time, dyadic=dyadic, seed=seed)
