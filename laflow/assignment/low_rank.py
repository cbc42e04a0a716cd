"""The gradient in two small Krylov spaces, Theorem 3.8 with Eqs. (3.36)-(3.47), written for computing.

    dL Y = integral <lambda(T - s), (dA Y) v(s)> ds + <Lambda, db Y>,   Lambda = integral_0^T lambda

The first integral is a matrix M of rank at most m, M = P^T C Q with the small core C of Van Loan's
exponential; its singular value decomposition, cut at rank r, feeds one pass over the pixels. The second
summand needs Lambda only and is taken exactly: inside the low-rank part it would dominate the error at r = 1.

Memory: the powers that span two Krylov spaces, m + 1 node fields each, and S. b lends its memory and is computed again
from S; the powers are mixed into singular vectors in place. `laflow.assignment.banded` keeps none of these fields.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from laflow.assignment.certificate import Certificate
from laflow.assignment.flow import (
    FlowSolution,
    LabelingProblem,
    forward_space,
    target_into,
)
from laflow.assignment.objective import Moments, direction_gradient_into, packed_moments
from laflow.graph import FloatArray, IntArray, Structure
from laflow.kernels import linear_map_adjoint, low_rank_gradient, similarity, source
from laflow.krylov import (
    KrylovSpace,
    krylov_space,
    phi_trajectory,
    relative_residual,
    residual_integral,
    simpson,
    van_loan_core,
)
from laflow.linalg import mix_fields
from laflow.strips import early_range, powers_in_strips, strip_of, strips


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
    certificate: Certificate | None = None


@dataclass(frozen=True)
class Workspace:
    """Large arrays that a gradient needs; reusing one spares the page faults of fresh memory.

    `fields` (rows, J, P) hold `powers` = m + 1 powers of either space, first the forward ones.
    """

    fields: FloatArray
    similarity: FloatArray
    powers: int

    @staticmethod
    def allocate(problem: LabelingProblem, krylov_dim: int, rank: int) -> "Workspace":
        """Room for two spaces of `krylov_dim` and `rank` singular vectors."""
        powers = min(krylov_dim, problem.unknowns) + 1
        mixed = min(rank, powers) + 1
        rows = 2 * max(powers, mixed)
        field = problem.graph.empty_nodes
        return Workspace(field(rows, problem.labels), field(problem.labels), powers)

    @property
    def forward(self) -> FloatArray:
        """The forward powers b, Ab, ..., ``(m + 1, J, P)``."""
        return self.fields[: self.powers]

    @property
    def adjoint(self) -> FloatArray:
        """The adjoint powers g, A^T g, ..., ``(m + 1, J, P)``."""
        return self.fields[self.powers : 2 * self.powers]


@dataclass(frozen=True)
class Core:
    """Singular triplets of M in coordinates of the two bases, and an estimate of what is missing."""

    left: FloatArray
    right: FloatArray
    covector: FloatArray
    error_estimate: float


@dataclass(frozen=True)
class _Spaces:
    """Both Krylov spaces in a workspace, v_T and its moments, and the core of M in them.

    `saved` is the first forward vector where it cannot be computed again.
    """

    forward: KrylovSpace
    adjoint: KrylovSpace
    trajectory: FloatArray
    time: float
    moments: Moments
    core: Core
    saved: FloatArray | None


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
    return _assemble(problem, weights, truth, room, time, rank)


def _assemble(
    problem: LabelingProblem, weights: FloatArray, truth: IntArray, room: Workspace, time: float, rank: int
) -> FlowGradient:
    """The gradient strip by strip: the singular vectors of a strip are used while they are in the cache."""
    graph = problem.graph
    tangent = graph.empty_nodes(problem.labels)
    spaces = _spaces(problem, weights, truth, room, time, rank, tangent)
    forward, adjoint, core = spaces.forward, spaces.adjoint, spaces.core
    kept = core.left.shape[0]
    lefts, rights = room.fields[room.fields.shape[0] - kept - 1 :], room.fields[:kept]
    left, right = adjoint.mixing(np.vstack([core.left, core.covector])), forward.mixing(core.right)
    if spaces.saved is not None:
        forward.vectors[:1] = spaces.saved
    # Not in the workspace: there, later strips still hold powers.
    gradient = graph.empty_weights()
    for strip in strips(graph, problem.labels):
        begin, end = early_range(strip)
        if spaces.saved is None:
            graph.run(source, (room.similarity,), (room.fields[0],), strip_of(strip, begin, end))
        mix_fields(left, _layered(adjoint.vectors, tangent), lefts, begin, end)
        mix_fields(right, _layered(forward.vectors, tangent), rights, begin, end)
        assemble_gradient(problem, weights, room.similarity, lefts[:kept], rights, lefts[kept], gradient, strip)
    return _result(problem, spaces, gradient, tangent)


def _result(problem: LabelingProblem, spaces: _Spaces, gradient: FloatArray, tangent: FloatArray) -> FlowGradient:
    """What was found, and what it took."""
    forward, adjoint, core = spaces.forward, spaces.adjoint, spaces.core
    error = relative_residual(forward, spaces.trajectory, spaces.time)
    solution = FlowSolution(problem.graph, tangent, forward.dimension, forward.products, error)
    dimension, products = max(forward.dimension, adjoint.dimension), forward.products + adjoint.products
    kept = core.left.shape[0]
    return FlowGradient(gradient, spaces.moments, solution, dimension, kept, products, core.error_estimate)


def _spaces(
    problem: LabelingProblem,
    weights: FloatArray,
    truth: IntArray,
    room: Workspace,
    time: float,
    rank: int,
    tangent: FloatArray,
) -> _Spaces:
    """Both Krylov spaces, v_T in `tangent`, and the core. The first field serves others from then on."""
    graph = problem.graph
    forward = forward_space(problem, weights, room.similarity, room.forward)
    trajectory = phi_trajectory(forward, time)
    forward.combine(trajectory[-1:], tangent.reshape(1, -1))
    # An orthonormal vector, which only small or degenerate problems need, is not computed again but kept.
    saved = None if forward.by_powers else forward.vectors[:1].copy()

    # From here on the first power lends its memory.
    target = room.fields[0]
    target[...] = 0.0
    target_into(problem.graph, truth, target)
    moments = packed_moments(graph, target, tangent)
    direction_gradient_into(graph, target, tangent, moments, room.adjoint[0])
    adjoint = _adjoint_space(problem, weights, room)
    core = truncated_core(adjoint, forward, trajectory, time, rank)
    return _Spaces(forward, adjoint, trajectory, time, moments, core, saved)


def assemble_gradient(
    problem: LabelingProblem,
    weights: FloatArray,
    similar: FloatArray,
    left: FloatArray,
    right: FloatArray,
    adjoint_integral: FloatArray,
    gradient: FloatArray,
    strip: Structure | None = None,
) -> None:
    """Write the packed gradient from M = sum_r left_r right_r^T and Lambda: Lemmas 3.2-3.5 in one pass over the pixels.

    `left` and `right` are (R, J, P), `adjoint_integral` is (J, P); all pixels, or those of a `strip`.
    """
    inputs = (weights, similar, problem.log_likelihood, left, right, adjoint_integral)
    problem.graph.run(low_rank_gradient, inputs, (gradient,), strip)


def _flat(fields: FloatArray) -> FloatArray:
    return fields.reshape(fields.shape[0], -1)


def _layered(vectors: FloatArray, like: FloatArray) -> FloatArray:
    """Flat vectors (k, J P) as fields (k, J, P)."""
    return vectors.reshape(vectors.shape[0], *like.shape)


def _adjoint_space(problem: LabelingProblem, weights: FloatArray, room: Workspace) -> KrylovSpace:
    """The Krylov space of (A^T, g), Eq. (3.41), g being the first row of `room.adjoint`."""

    def apply(vector: FloatArray, image: FloatArray, strip: Structure | None = None) -> None:
        adjoint_map_into(problem, weights, room.similarity, vector, room.fields[0], image, strip)

    fill = partial(powers_in_strips, problem.graph, apply, room.adjoint)
    return krylov_space(apply, _flat(room.adjoint), fill=fill)


def adjoint_map_into(
    problem: LabelingProblem,
    weights: FloatArray,
    similar: FloatArray,
    vector: FloatArray,
    scratch: FloatArray,
    image: FloatArray,
    strip: Structure | None = None,
) -> None:
    """Write the transpose of A times `vector` into `image`, as `linear_map_into`; `scratch` is a packed field."""
    inputs = (weights, similar, vector.reshape(similar.shape))
    problem.graph.run(linear_map_adjoint, inputs, (scratch, image.reshape(similar.shape)), strip)


def truncated_core(adjoint: KrylovSpace, forward: KrylovSpace, trajectory: FloatArray, time: float, rank: int) -> Core:
    """The singular triplets of M that are kept, Eqs. (3.45)-(3.47), with sigma_r in the left factor."""
    core, covector = van_loan_core(adjoint, forward, time)
    if not core.size:
        empty = np.zeros((0, adjoint.coordinates)), np.zeros((0, forward.coordinates))
        return Core(*empty, covector, 0.0)
    vectors, values, others = np.linalg.svd(core, full_matrices=False)
    kept = min(rank, values.size)
    cut = float(np.linalg.norm(values[kept:]))
    residual = _core_residual(adjoint, forward, trajectory, time)
    size = float(np.linalg.norm(values))
    return Core(
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
