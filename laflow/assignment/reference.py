"""The gradient as the paper writes it: one Kronecker sum, for small problems, to check the fast form against.

With the augmented generator G = [[A, b], [0, 0]], Lemma 3.5, all of dL is one matrix

    X = T phi(-T G^T (+) T G) (b1 (x) b2),   b1 = expm(T G^T) (g; 0),   b2 = e_{n+1},   Eq. (3.36)

whose leading n x n block pulls back through dA, Lemma 3.4, and whose last column through db, Lemma 3.3. The
augmented form holds both summands of (3.28a): nothing may be added to it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from laflow.assignment.flow import (
    FlowSolution,
    LabelingProblem,
    packed_similarity,
    source_vanishes,
    target_into,
)
from laflow.assignment.low_rank import FlowGradient, assemble_gradient
from laflow.assignment.objective import Moments, direction_gradient_into, packed_moments
from laflow.errors import ProblemSizeError
from laflow.graph import FloatArray, IntArray
from laflow.kernels import linear_map, source
from laflow.krylov import arnoldi, finite_expm, phi_trajectory, relative_residual

# Unknowns n = I J up to which the methods run: the dense one holds several matrices with (n + 1)^4 entries,
# the other krylov_dim vectors with (n + 1)^2.
DENSE_LIMIT = 48
KRYLOV_LIMIT = 1024


@dataclass(frozen=True)
class _Linearization:
    """The flow's generator as a matrix, its end point, and the loss there, in interior unknowns only."""

    similar: FloatArray
    generator: FloatArray
    solution: FlowSolution
    moments: Moments
    covector: FloatArray


def dense_flow_gradient(problem: LabelingProblem, weights: FloatArray, truth: IntArray, *, time: float) -> FlowGradient:
    """The gradient by the dense exponential of the Kronecker sum. Raises `ProblemSizeError` beyond
    `DENSE_LIMIT`.
    """
    _require_size(problem, "dense", DENSE_LIMIT)
    linear = _linearize(problem, weights, truth, time)
    size = problem.unknowns + 1
    scaled = time * linear.generator
    identity = np.eye(size)
    augmented = np.zeros((size * size + 1,) * 2)
    augmented[:-1, :-1] = np.kron(-scaled.T, identity) + np.kron(identity, scaled)
    augmented[:-1, -1] = _start(linear, time).ravel()
    # The last column of expm([[K, x], [0, 0]]) is phi(K) x.
    vector = finite_expm(augmented, time)[:-1, -1]
    integral = time * vector.reshape(size, size)
    return _pull_back(problem, weights, linear, integral, size - 1, 0, 0.0)


def krylov_flow_gradient(
    problem: LabelingProblem, weights: FloatArray, truth: IntArray, *, time: float, krylov_dim: int
) -> FlowGradient:
    """The gradient in one Krylov space of that sum. Raises `ProblemSizeError` beyond `KRYLOV_LIMIT`."""
    _require_size(problem, "krylov", KRYLOV_LIMIT)
    linear = _linearize(problem, weights, truth, time)
    size = problem.unknowns + 1
    storage = np.zeros((min(krylov_dim, size * size) + 1, size * size))
    storage[0] = _start(linear, time).ravel()
    space = arnoldi(_kronecker_sum(linear.generator), storage)
    trajectory = phi_trajectory(space, time)
    integral = np.zeros((size, size))
    space.combine(trajectory[-1:], integral.reshape(1, -1))
    error = relative_residual(space, trajectory, time)
    return _pull_back(problem, weights, linear, integral, space.dimension, space.dimension, error)


def _kronecker_sum(generator: FloatArray) -> Callable[[FloatArray, FloatArray], None]:
    """vec_r(X) -> vec_r(X G^T - G^T X): the Kronecker sum of -G^T and G."""
    size = generator.shape[0]

    def apply(vector: FloatArray, image: FloatArray) -> None:
        matrix = vector.reshape(size, size)
        image.reshape(size, size)[...] = matrix @ generator.T - generator.T @ matrix

    return apply


def _start(linear: _Linearization, time: float) -> FloatArray:
    """b1 (x) b2 as a matrix."""
    size = linear.generator.shape[0]
    matrix = np.zeros((size, size))
    matrix[:, -1] = finite_expm(time * linear.generator.T, time)[:, :-1] @ linear.covector
    return matrix


def _linearize(problem: LabelingProblem, weights: FloatArray, truth: IntArray, time: float) -> _Linearization:
    graph, size = problem.graph, problem.unknowns
    similar = packed_similarity(problem, weights)
    generator = np.zeros((size + 1, size + 1))
    unit, image = graph.zeros_nodes(problem.labels), graph.zeros_nodes(problem.labels)
    graph.run(source, (similar,), (image,))
    if not source_vanishes(image.reshape(-1), problem):
        generator[:-1, -1] = graph.interior(image).ravel()
    for column in range(size):
        graph.interior(unit)[np.unravel_index(column, (problem.labels, *graph.shape))] = 1.0
        graph.run(linear_map, (weights, similar, unit), (image,))
        generator[:-1, column] = graph.interior(image).ravel()
        unit[...] = 0.0
    end = finite_expm(time * generator, time)[:-1, -1]
    tangent, target = graph.zeros_nodes(problem.labels), graph.zeros_nodes(problem.labels)
    graph.interior(tangent)[...] = end.reshape(problem.labels, *graph.shape)
    target_into(problem.graph, truth, target)
    moments = packed_moments(graph, target, tangent)
    covector = graph.zeros_nodes(problem.labels)
    direction_gradient_into(graph, target, tangent, moments, covector)
    solution = FlowSolution(graph, tangent, size, size, 0.0)
    return _Linearization(similar, generator, solution, moments, graph.interior(covector).ravel())


def _pull_back(
    problem: LabelingProblem,
    weights: FloatArray,
    linear: _Linearization,
    integral: FloatArray,
    krylov_dim: int,
    matvecs: int,
    error: float,
) -> FlowGradient:
    """Lemmas 3.3-3.5 on the whole matrix: column c of the leading block goes with the unit vector e_c."""
    fields = (problem.unknowns, problem.labels, *problem.graph.shape)
    columns = problem.graph.zeros_nodes(problem.unknowns, problem.labels)
    units = problem.graph.zeros_nodes(problem.unknowns, problem.labels)
    last = problem.graph.zeros_nodes(problem.labels)
    problem.graph.interior(columns)[...] = integral[:-1, :-1].T.reshape(fields)
    problem.graph.interior(units)[...] = np.eye(problem.unknowns).reshape(fields)
    problem.graph.interior(last)[...] = integral[:-1, -1].reshape(fields[1:])
    gradient = problem.graph.empty_weights()
    assemble_gradient(problem, weights, linear.similar, columns, units, last, gradient)
    return FlowGradient(gradient, linear.moments, linear.solution, krylov_dim, problem.unknowns, matvecs, error)


def _require_size(problem: LabelingProblem, method: str, limit: int) -> None:
    if problem.unknowns > limit:
        raise ProblemSizeError(
            f"the problem has {problem.unknowns} unknowns (nodes times labels), and method '{method}' takes "
            "at most "
            f"{limit}: use method 'factored' or 'low-rank', which keep only krylov_dim vectors"
        )
