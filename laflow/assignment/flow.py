"""The labeling problem and its linearized assignment flow, Eqs. (2.15)-(2.29) and (3.49).

V' = R_S Omega V + B with V(0) = 0 and S = softmax(Omega L), linearized at the barycentre; the assignment is
W(T) = Exp(V(T)). The flow is integrated exactly in time, in a Krylov space: V(T) = T phi(TA) b.
"""

from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from laflow.assignment.distances import finite_array
from laflow.blas import one_blas_thread
from laflow.checks import positive_number, whole_number
from laflow.errors import ShapeError, ValueRangeError
from laflow.graph import FloatArray, Graph, GridGraph, IntArray, Precision, Structure
from laflow.kernels import euler_step, lift, linear_map, log_likelihood, similarity, source
from laflow.krylov import KrylovSpace, krylov_space, phi_trajectory, relative_residual
from laflow.linalg import row_products
from laflow.strips import powers_in_strips

if TYPE_CHECKING:
    from laflow.assignment.certificate import LikelihoodSizes

# S is computed to a few rounding errors, so b = (S - 1/J)/J below this many of them is the zero vector.
SOURCE_ROUNDING = 8.0


@dataclass(frozen=True, eq=False, init=False)
class LabelingProblem:
    """What is to be labelled: how far every node is from every label, and who neighbours whom.

    Made from `distances` ``(*shape, J)``, non-negative, in any unit, of which it keeps the packed
    `log_likelihood` L = -Pi_0 D / rho; `distance_scale` (rho > 0) is in the same unit. `graph` defaults to
    the grid of that shape, `radius` and `precision` (a graph brings its own). Raises `ShapeError` for a wrong or
    empty shape and `ValueRangeError` for negative or non-finite distances, fewer than two labels, or a wrong scale.
    """

    graph: Graph
    distance_scale: float
    log_likelihood: FloatArray = field(repr=False)

    def __init__(
        self,
        distances: ArrayLike,
        graph: Graph | None = None,
        radius: int = 1,
        distance_scale: float = 1.0,
        precision: Precision = "double",
    ) -> None:
        checked = _checked_distances(distances)
        scale = positive_number(distance_scale, "distance_scale")
        nodes = GridGraph(checked.shape[:-1], radius, precision) if graph is None else graph
        likelihood = nodes.empty_nodes(checked.shape[-1])
        nodes.run(log_likelihood, (nodes.pack_nodes(checked), scale), (likelihood,))
        object.__setattr__(self, "graph", nodes)
        object.__setattr__(self, "distance_scale", scale)
        object.__setattr__(self, "log_likelihood", likelihood)

    @property
    def labels(self) -> int:
        """Number of labels J."""
        return int(self.log_likelihood.shape[0])

    @property
    def unknowns(self) -> int:
        """Number of unknowns n = I J."""
        return self.graph.nodes * self.labels

    @cached_property
    def likelihood_sizes(self) -> "LikelihoodSizes":
        """What certificates need of L: found once."""
        # Here, as certificates are made of flows.
        from laflow.assignment.certificate import likelihood_sizes

        return likelihood_sizes(self.graph, self.log_likelihood)

    def pixelwise_labels(self) -> IntArray:
        """The nearest label of every node, ``(*shape,)``: what labeling without neighbours gives."""
        nearest = self.graph.interior(self.log_likelihood).argmax(axis=0)
        return nearest.astype(np.int64)

    def check_truth(self, truth: ArrayLike) -> IntArray:
        """Return true labels ``(*shape,)`` as integers, or say what is wrong with them."""
        array = np.asarray(truth)
        if array.shape != self.graph.shape:
            raise ShapeError(
                f"the truth has shape {array.shape}, the problem {self.graph.shape}: they must show the same nodes"
            )
        if not (np.issubdtype(array.dtype, np.integer) or array.dtype == np.bool_):
            raise ShapeError(f"the truth has type {array.dtype}: give whole numbers, 0 to {self.labels - 1}")
        if array.min() < 0 or array.max() >= self.labels:
            wrong = array.min() if array.min() < 0 else array.max()
            raise ValueRangeError(
                f"the truth holds label {wrong}: this problem has labels 0 to {self.labels - 1} "
                "(renumber the truth, or add distances to the missing labels)"
            )
        return array.astype(np.int64, copy=False)

    def wrong_percent(self, labels: ArrayLike, truth: ArrayLike) -> float:
        """Percentage of nodes whose label differs from the truth."""
        return 100.0 * float(np.mean(np.asarray(labels) != np.asarray(truth)))


@dataclass(frozen=True, eq=False)
class FlowSolution:
    """The flow at time T, and what it took to get there.

    `krylov_dim` is the dimension reached, `matvecs` the number of products with A, and `error_estimate` the relative
    error of the tangent vector: a bound if it is `certified`, as it is when a tolerance was asked for, and else an
    estimate, the integrated residual of the Krylov approximation without the growth of the flow (see
    `krylov.relative_residual`).
    """

    graph: Graph
    packed_tangent: FloatArray = field(repr=False)
    krylov_dim: int
    matvecs: int
    error_estimate: float
    certified: bool = False

    @cached_property
    def tangent(self) -> FloatArray:
        """V(T), ``(*shape, J)``; every row sums to zero."""
        return self.graph.unpack_nodes(self.packed_tangent)

    @cached_property
    def probabilities(self) -> FloatArray:
        """The assignment W(T) = Exp(V(T)), ``(*shape, J)``; every row sums to one."""
        assignment = self.graph.empty_nodes(self.packed_tangent.shape[0])
        self.graph.run(lift, (self.packed_tangent,), (assignment,))
        return self.graph.unpack_nodes(assignment)

    @cached_property
    def labels(self) -> IntArray:
        """The most probable label of every node, ``(*shape,)``; the lowest one of equals."""
        return self.graph.interior(self.packed_tangent).argmax(axis=0).astype(np.int64)


def solve_flow(
    problem: LabelingProblem,
    weights: ArrayLike | None = None,
    *,
    time: float = 5.0,
    krylov_dim: int = 10,
    tol: float | None = None,
) -> FlowSolution:
    """Integrate the linearized assignment flow from the barycentre to `time` T > 0, Eq. (2.29).

    `weights` are ``(*shape, |N|)`` on a grid or ``(E,)`` on a general graph; uniform ones by default. The
    Krylov space has at most `krylov_dim` dimensions, each of which keeps one node field in memory. With a tolerance
    `tol` > 0 it has as many as it takes to certify that the error of the tangent is at most `tol` times its norm.
    """
    graph = problem.graph
    packed = graph.packed_uniform_weights() if weights is None else graph.check_weights(weights)
    duration = positive_number(time, "time")
    dimension = whole_number(krylov_dim, "krylov_dim")
    if tol is None:
        return solve_packed_flow(problem, packed, duration, dimension)
    # Here, as certificates are made of flows.
    from laflow.assignment.tolerance import certified_tangent

    return certified_tangent(problem, packed, time=duration, tolerance=positive_number(tol, "tol"))


@one_blas_thread()
def solve_packed_flow(problem: LabelingProblem, weights: FloatArray, time: float, krylov_dim: int) -> FlowSolution:
    """`solve_flow` for packed, checked weights."""
    graph, labels = problem.graph, problem.labels
    rows = min(krylov_dim, problem.unknowns)
    similar = packed_similarity(problem, weights)
    space = forward_space(problem, weights, similar, graph.empty_nodes(rows + 1, labels))
    trajectory = phi_trajectory(space, time)
    tangent = graph.empty_nodes(labels)
    space.combine(trajectory[-1:], tangent.reshape(1, -1))
    estimate = relative_residual(space, trajectory, time)
    return FlowSolution(graph, tangent, space.dimension, space.products, estimate)


def packed_similarity(problem: LabelingProblem, weights: FloatArray) -> FloatArray:
    """S = softmax(Omega L), packed, Eq. (2.17) at the barycentre."""
    similar = problem.graph.empty_nodes(problem.labels)
    problem.graph.run(similarity, (weights, problem.log_likelihood), (similar,))
    return similar


def forward_space(
    problem: LabelingProblem, weights: FloatArray, similar: FloatArray, storage: FloatArray
) -> KrylovSpace:
    """The Krylov space of (A, b), Eqs. (2.20)-(2.29), of dimension m in `storage` ``(m + 1, J, P)``."""
    source_into(problem, similar, storage[0])

    def apply(vector: FloatArray, image: FloatArray, strip: Structure | None = None) -> None:
        linear_map_into(problem, weights, similar, vector, image, strip)

    fill = partial(powers_in_strips, problem.graph, apply, storage)
    return krylov_space(apply, storage.reshape(storage.shape[0], -1), fill=fill)


def source_into(problem: LabelingProblem, similar: FloatArray, out: FloatArray) -> None:
    """Write b, Eq. (2.23), into the packed field `out`; exactly zero where there is no flow."""
    problem.graph.run(source, (similar,), (out,))
    if source_vanishes(out.reshape(-1), problem):
        out[...] = 0.0


def linear_map_into(
    problem: LabelingProblem,
    weights: FloatArray,
    similar: FloatArray,
    vector: FloatArray,
    image: FloatArray,
    strip: Structure | None = None,
) -> None:
    """Write A times `vector` into `image`, both flat or (J, P), at all nodes or at those of a `strip`, Eq. (2.23)."""
    fields = vector.reshape(similar.shape), image.reshape(similar.shape)
    problem.graph.run(linear_map, (weights, similar, fields[0]), (fields[1],), strip)


def source_vanishes(start: FloatArray, problem: LabelingProblem) -> bool:
    """Whether b is zero up to the rounding of S: then there is no flow, and its direction would be noise."""
    _, square = row_products(start[None][:0], start)
    return bool(square <= source_rounding(problem))


def source_rounding(problem: LabelingProblem) -> float:
    """The largest |b|^2 that may come of the rounding of S alone."""
    rounding = SOURCE_ROUNDING * float(np.finfo(problem.graph.dtype).eps) / problem.labels**2
    return rounding**2 * problem.unknowns


def euler_flow(
    problem: LabelingProblem, weights: ArrayLike | None = None, *, time: float = 5.0, steps: int = 100
) -> FlowSolution:
    """Integrate the flow by `steps` explicit Euler steps, Eq. (3.49): slow, first order, easy to trust.

    The error estimate is infinite: nothing is known of it.
    """
    graph = problem.graph
    packed = graph.packed_uniform_weights() if weights is None else graph.check_weights(weights)
    count = whole_number(steps, "steps")
    step_size = positive_number(time, "time") / count
    similar = packed_similarity(problem, packed)
    constant, tangent, following = (graph.zeros_nodes(problem.labels) for _ in range(3))
    graph.run(source, (similar,), (constant,))
    for _ in range(count):
        graph.run(euler_step, (packed, similar, constant, tangent, step_size), (following,))
        tangent, following = following, tangent
    return FlowSolution(graph, tangent, 0, count, float("inf"))


def _checked_distances(values: ArrayLike) -> FloatArray:
    distances = finite_array(values, "the distances")
    if distances.ndim < 2 or distances.size == 0:
        raise ShapeError(
            f"the distances have shape {distances.shape}: give a non-empty array (*shape, labels), "
            "with at least one node axis"
        )
    if distances.shape[-1] < 2:
        raise ValueRangeError(f"there is {distances.shape[-1]} label: labeling needs at least 2")
    if distances.min() < 0.0:
        position = tuple(np.argwhere(distances < 0.0)[0].tolist())
        raise ValueRangeError(
            f"the distance at {position} is {distances[position]:.6g}: distances must not be negative "
            "(subtract the minimum of each node, which changes nothing)"
        )
    return distances


def target_into(graph: Graph, truth: IntArray, out: FloatArray) -> None:
    """Write V* = Pi_0 W*, Eq. (3.2), of checked true labels into the packed field `out` (halo untouched, zero)."""
    grid, labels = graph.interior(out), out.shape[0]
    for label in range(labels):
        np.subtract(truth == label, 1.0 / labels, out=grid[label])
