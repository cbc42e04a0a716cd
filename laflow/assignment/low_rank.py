"""The gradient in two small Krylov spaces, Theorem 3.8 with Eqs. (3.36)-(3.47), written for computing.

    dL Y = integral <lambda(T - s), (dA Y) v(s)> ds + <Lambda, db Y>,   Lambda = integral_0^T lambda

The first integral is a matrix M of rank at most m, M = P^T C Q with the small core C of Van Loan's
exponential; its singular value decomposition, cut at rank r, feeds one pass over the pixels. The second
summand needs Lambda only and is taken exactly: inside the low-rank part it would dominate the error at r = 1.

Memory: two bases of m node fields, S, and one scratch field. The gradient of the loss is formed where the second
basis begins, and the bases are turned into singular vectors in place.
"""

from dataclasses import dataclass

import numpy as np

from laflow.assignment.flow import (
    FlowSolution,
    LabelingProblem,
    forward_space,
    target_into,
)
from laflow.assignment.objective import Moments, direction_gradient_into, packed_moments
from laflow.graph import FloatArray, IntArray
from laflow.kernels import linear_map_adjoint, low_rank_gradient, similarity, source
from laflow.krylov import (
    KrylovSpace,
    arnoldi,
    combine_rows,
    phi_trajectory,
    relative_residual,
    residual_integral,
    simpson,
    van_loan_core,
)


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
        rows = max(min(krylov_dim, problem.unknowns), min(rank, problem.unknowns) + 1)
        field = problem.graph.zeros_nodes
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
    """The gradient with a core cut at `rank` (``rank = krylov_dim``: the full core).

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
    scratch = graph.zeros_nodes(problem.labels)

    # The last product of the first space lands in the second basis, which is not in use yet.
    forward = forward_space(problem, weights, room.similarity, room.forward[:dimension], room.adjoint[dimension - 1])
    trajectory = phi_trajectory(forward, time)
    target_into(problem, truth, scratch)
    moments = _loss_gradient_start(problem, scratch, forward, trajectory[-1], room.adjoint[0])

    # The last product of the second space lands on q_1 = b / |b|, which is computed again afterwards.
    adjoint = _adjoint_space(problem, weights, room, scratch, dimension)
    if forward.dimension:
        graph.run(source, (room.similarity,), (room.forward[0],))
        room.forward[0] *= 1.0 / forward.start_norm

    core = _truncated_core(adjoint, forward, trajectory, time, rank)
    kept = core.left.shape[0]
    combine_rows(np.vstack([core.left, core.covector]), _flat(room.adjoint))
    combine_rows(np.vstack([core.right, trajectory[-1]]), _flat(room.forward))
    return _Factors(
        room.adjoint[:kept],
        room.forward[:kept],
        room.adjoint[kept],
        room.forward[kept],
        moments,
        (forward.dimension, adjoint.dimension),
        forward.matvecs + adjoint.matvecs,
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


def _loss_gradient_start(
    problem: LabelingProblem,
    target: FloatArray,
    forward: KrylovSpace,
    coefficients: FloatArray,
    out: FloatArray,
) -> Moments:
    """Write g = df(v_T) into `out`, by way of v_T."""
    np.matmul(coefficients, forward.basis, out=out.reshape(-1))
    moments = packed_moments(problem.graph, target, out)
    direction_gradient_into(problem.graph, target, out, moments, out)
    return moments


def _adjoint_space(
    problem: LabelingProblem, weights: FloatArray, room: Workspace, scratch: FloatArray, dimension: int
) -> KrylovSpace:
    """The Krylov space of (A^T, g), Eq. (3.41), g being the first row of the second basis."""

    def apply(vector: FloatArray, image: FloatArray) -> None:
        inputs = (weights, room.similarity, vector.reshape(scratch.shape))
        problem.graph.run(linear_map_adjoint, inputs, (scratch, image.reshape(scratch.shape)))

    rows = _flat(room.adjoint)
    return arnoldi(apply, rows[0], dimension, storage=rows, spare=room.forward[0].reshape(-1))


def _truncated_core(
    adjoint: KrylovSpace, forward: KrylovSpace, trajectory: FloatArray, time: float, rank: int
) -> _Core:
    """The singular triplets of M that are kept, Eqs. (3.45)-(3.47), with sigma_r in the left factor."""
    core, covector = van_loan_core(adjoint, forward, time)
    if not core.size:
        empty = np.zeros((0, adjoint.dimension)), np.zeros((0, forward.dimension))
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
    costate = primitive @ adjoint.hessenberg.T
    costate[:, 0] += adjoint.start_norm
    forward_error = residual_integral(forward, trajectory, time)
    adjoint_error = residual_integral(adjoint, costate, time)
    return forward_error * simpson(np.linalg.norm(costate, axis=1), time) + adjoint_error * simpson(
        np.linalg.norm(trajectory, axis=1), time
    )
