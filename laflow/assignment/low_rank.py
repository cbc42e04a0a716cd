"""The gradient in two small Krylov spaces, Theorem 3.8 with Eqs. (3.36)-(3.47), written for computing.

    dL Y = integral <lambda(T - s), (dA Y) v(s)> ds + <Lambda, db Y>,   Lambda = integral_0^T lambda

The first integral is a matrix M of rank at most m, M = P^T C Q with the small core C of Van Loan's
exponential; its singular value decomposition, cut at rank r, feeds one pass over the pixels. The second
summand needs Lambda only and is taken exactly: inside the low-rank part it would dominate the error at r = 1.

Memory: two bases of m node fields, S, and one field more. The gradient of the loss is formed where the second
basis begins, and the bases are turned into singular vectors in place.
"""

from dataclasses import dataclass

import numpy as np

from laflow.assignment.flow import (
    FlowSolution,
    LabelingProblem,
    forward_space,
    linear_map_into,
    target_into,
)
from laflow.assignment.objective import Moments, direction_gradient_into, packed_moments
from laflow.graph import FloatArray, IntArray
from laflow.kernels import linear_map_adjoint, low_rank_gradient, similarity, source
from laflow.krylov import (
    KrylovSpace,
    arnoldi,
    phi_trajectory,
    relative_residual,
    residual_integral,
    simpson,
    van_loan_core,
)
from laflow.linalg import subtract_rows


@dataclass(frozen=True)
class FlowGradient:
    """The gradient of the flow's loss in packed weights, and what it took."""

    gradient: FloatArray
    moments: Moments
    solution: FlowSolution
    krylov_dim: int
    rank: int
    matvecs: int
    error_estimate: float


@dataclass(frozen=True)
class Workspace:
    """Large arrays that a gradient needs; reusing one spares the page faults of fresh memory."""

    forward: FloatArray
    adjoint: FloatArray
    similarity: FloatArray

    @staticmethod
    def allocate(problem: LabelingProblem, krylov_dim: int, rank: int) -> "Workspace":
        """Room for `krylov_dim` basis vectors, which `rank` singular vectors and one more field reuse."""
        dimension = min(krylov_dim, problem.unknowns)
        # a space has up to one coordinate more than basis vectors: the next vector counts too
        rows = max(dimension, min(rank, dimension + 1) + 1)
        field = problem.graph.empty_nodes
        return Workspace(field(rows, problem.labels), field(rows, problem.labels), field(problem.labels))


@dataclass(frozen=True)
class _Factors:
    """M = sum_r left_r right_r^T, Lambda and v_T, as views into a workspace, and what they took."""

    left: FloatArray
    right: FloatArray
    adjoint_integral: FloatArray
    tangent: FloatArray
    moments: Moments
    dimensions: tuple[int, int]
    matvecs: int
    tangent_error: float
    error_estimate: float


@dataclass(frozen=True)
class _Core:
    """Singular triplets of M in coordinates of the two bases, and an estimate of what is missing."""

    left: FloatArray
    right: FloatArray
    covector: FloatArray
    error_estimate: float


def low_rank_flow_gradient(
    problem: LabelingProblem,
    weights: FloatArray,
    truth: IntArray,
    *,
    time: float,
    krylov_dim: int,
    rank: int,
    workspace: Workspace | None = None,
) -> FlowGradient:
    """The gradient with a core cut at `rank` (``rank = krylov_dim + 1``: the full core).

    `weights` are packed and checked, `truth` is checked. The result holds no reference to `workspace`.
    """
    room = Workspace.allocate(problem, krylov_dim, rank) if workspace is None else workspace
    problem.graph.run(similarity, (weights, problem.log_likelihood), (room.similarity,))
    factors = _factorize(problem, weights, truth, room, time, krylov_dim, rank)
    gradient = assemble_gradient(
        problem, weights, room.similarity, factors.left, factors.right, factors.adjoint_integral
    )
    kept, moments, estimate = factors.left.shape[0], factors.moments, factors.error_estimate
    tangent, dimensions, matvecs = factors.tangent, factors.dimensions, factors.matvecs
    forward_dim, tangent_error = dimensions[0], factors.tangent_error
    # Before the tangent is copied out of the first basis, let go of the second one.
    del room, factors
    solution = FlowSolution(problem.graph, tangent.copy(), forward_dim, forward_dim, tangent_error)
    return FlowGradient(gradient, moments, solution, max(dimensions), kept, matvecs, estimate)


def _factorize(
    problem: LabelingProblem,
    weights: FloatArray,
    truth: IntArray,
    room: Workspace,
    time: float,
    krylov_dim: int,
    rank: int,
) -> _Factors:
    """Both Krylov spaces, turned in place into the singular vectors of M, Lambda and v_T."""
    graph = problem.graph
    dimension = min(krylov_dim, problem.unknowns)
    first, last = room.forward[0], graph.empty_nodes(problem.labels)
    forward = forward_space(problem, weights, room.similarity, room.forward[:dimension], last)
    trajectory = phi_trajectory(forward, time)
    forward.combine(trajectory[-1:], room.adjoint[0].reshape(1, -1))

    # From here on the first and the last vector of the first space give their memory to V* and to the products
    # with A^T: they are cheap to compute again.
    first[...] = 0.0
    target_into(problem, truth, first)
    moments = packed_moments(graph, first, room.adjoint[0])
    direction_gradient_into(graph, first, room.adjoint[0], moments, room.adjoint[0])
    adjoint = _adjoint_space(problem, weights, room, first, last, dimension)

    core = _truncated_core(adjoint, forward, trajectory, time, rank)
    kept = core.left.shape[0]
    adjoint.combine(np.vstack([core.left, core.covector]), _flat(room.adjoint[: kept + 1]))
    _restore_ends(problem, weights, room.similarity, forward)
    forward.combine(np.vstack([core.right, trajectory[-1]]), _flat(room.forward[: kept + 1]))
    return _Factors(
        room.adjoint[:kept],
        room.forward[:kept],
        room.adjoint[kept],
        room.forward[kept],
        moments,
        (forward.dimension, adjoint.dimension),
        forward.dimension + adjoint.dimension + (not forward.breakdown),
        relative_residual(forward, trajectory, time),
        core.error_estimate,
    )


def assemble_gradient(
    problem: LabelingProblem,
    weights: FloatArray,
    similar: FloatArray,
    left: FloatArray,
    right: FloatArray,
    adjoint_integral: FloatArray,
) -> FloatArray:
    """The packed gradient from M = sum_r left_r right_r^T and Lambda: Lemmas 3.2-3.5 in one pass over the
    pixels.

    `left` and `right` are (R, J, P), `adjoint_integral` is (J, P).
    """
    gradient = problem.graph.empty_weights()
    inputs = (weights, similar, problem.log_likelihood, left, right, adjoint_integral)
    problem.graph.run(low_rank_gradient, inputs, (gradient,))
    return gradient


def _flat(fields: FloatArray) -> FloatArray:
    return fields.reshape(fields.shape[0], -1)


def _adjoint_space(
    problem: LabelingProblem,
    weights: FloatArray,
    room: Workspace,
    scratch: FloatArray,
    last: FloatArray,
    dimension: int,
) -> KrylovSpace:
    """The Krylov space of (A^T, g), Eq. (3.41), g being the first row of the second basis."""

    def apply(vector: FloatArray, image: FloatArray) -> None:
        inputs = (weights, room.similarity, vector.reshape(scratch.shape))
        problem.graph.run(linear_map_adjoint, inputs, (scratch, image.reshape(scratch.shape)))

    rows = _flat(room.adjoint)
    return arnoldi(apply, rows[0], dimension, storage=rows, spare=last.reshape(-1))


def _restore_ends(problem: LabelingProblem, weights: FloatArray, similar: FloatArray, forward: KrylovSpace) -> None:
    """Compute q_1 = b / |b| again, and the next vector by the last step of Arnoldi's method."""
    if not forward.dimension:
        return
    first = forward.basis[0]
    problem.graph.run(source, (similar,), (first.reshape(similar.shape),))
    first *= 1.0 / forward.start_norm
    if forward.next_vector is not None:
        linear_map_into(problem, weights, similar, forward.basis[-1], forward.next_vector)
        coefficients = np.ascontiguousarray(forward.hessenberg[:, -1])
        subtract_rows(forward.basis, coefficients, 1.0 / forward.next_norm, forward.next_vector)


def _truncated_core(
    adjoint: KrylovSpace, forward: KrylovSpace, trajectory: FloatArray, time: float, rank: int
) -> _Core:
    """The singular triplets of M that are kept, Eqs. (3.45)-(3.47), with sigma_r in the left factor."""
    core, covector = van_loan_core(adjoint, forward, time)
    if not core.size:
        empty = np.zeros((0, adjoint.coordinates)), np.zeros((0, forward.coordinates))
        return _Core(*empty, covector, 0.0)
    vectors, values, others = np.linalg.svd(core, full_matrices=False)
    kept = min(rank, values.size)
    cut = float(np.linalg.norm(values[kept:]))
    residual = _core_residual(adjoint, forward, trajectory, time)
    size = float(np.linalg.norm(values))
    return _Core(
        (vectors[:, :kept] * values[:kept]).T,
        others[:kept],
        covector,
        float(np.hypot(cut, residual)) / size if size > 0.0 else 0.0,
    )


def _core_residual(adjoint: KrylovSpace, forward: KrylovSpace, trajectory: FloatArray, time: float) -> float:
    """Estimated error of M (Frobenius norm) from the residuals of its two factors.

    M is bilinear in v and lambda, so that its error is at most that of v times the integral of |lambda|, plus
    the reverse, to first order.
    """
    primitive = phi_trajectory(adjoint, time)
    costate = primitive @ adjoint.generator.T
    costate[:, 0] += adjoint.start_norm
    forward_error = residual_integral(forward, trajectory, time)
    adjoint_error = residual_integral(adjoint, costate, time)
    return forward_error * simpson(np.linalg.norm(costate, axis=1), time) + adjoint_error * simpson(
        np.linalg.norm(trajectory, axis=1), time
    )
