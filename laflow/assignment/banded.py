"""The low-rank gradient of a large image band by band: nothing of the size of a field is kept but the results.

Powers of A are made in a band, used and forgotten. Whatever must be known of all of them before the next step can be
taken, their Gram matrix and then v_T, is gathered in a pass over the bands of its own:

| pass | made in every band | gathered |
|---|---|---|
| 1 | powers of A | their Gram matrix, and so the forward space |
| 2 | powers of A | v_T and its moments |
| 3 | powers of the transpose | their Gram matrix, and so the adjoint space and the core |
| 4 | both | the gradient |

That is 5 m products instead of 2 m. They cost less each as long as a band stays in the cache, and for margins half as
much again at most.
"""

from collections.abc import Callable
from dataclasses import astuple, dataclass

import numpy as np

from laflow.assignment.flow import FlowSolution, LabelingProblem, source_rounding, target_into
from laflow.assignment.low_rank import Core, FlowGradient, truncated_core
from laflow.assignment.objective import Moments, direction_gradient_into, packed_moments
from laflow.bands import Band, bands
from laflow.graph import FloatArray, GridGraph, IntArray
from laflow.kernels import linear_map, linear_map_adjoint, low_rank_gradient, similarity, source
from laflow.krylov import KrylovSpace, phi_trajectory, relative_residual, space_of_powers
from laflow.linalg import lower_products, mix_fields, whole_gram

# Bytes of one field in a band, unless margins need more, and those of a field of the image from which on it is cut.
BAND, LARGE = 3 * 2**19, 2**23


@dataclass(frozen=True)
class _Problem:
    """The gradient that is wanted."""

    problem: LabelingProblem
    weights: FloatArray
    truth: IntArray
    time: float
    rank: int


@dataclass(frozen=True)
class _Room:
    """The arrays of one band: what is cut out of the image, S, powers of one space, and mixtures of either."""

    weights: FloatArray
    log_likelihood: FloatArray
    similarity: FloatArray
    powers: FloatArray
    lefts: FloatArray
    rights: FloatArray

    @staticmethod
    def allocate(graph: GridGraph, labels: int, krylov_dim: int, rank: int) -> "_Room":
        field, mixed = graph.zeros_nodes, min(rank, krylov_dim + 1)
        return _Room(
            graph.zeros_weights(),
            field(labels),
            field(labels),
            field(krylov_dim + 1, labels),
            field(mixed + 1, labels),
            field(mixed, labels),
        )


def banded_flow_gradient(
    problem: LabelingProblem, weights: FloatArray, truth: IntArray, *, time: float, krylov_dim: int, rank: int
) -> FlowGradient | None:
    """`low_rank_flow_gradient` of packed, checked `weights` with as little memory as can be.

    None where it does not apply: on general graphs, on images that are small anyway, and where powers do not span the
    space, as without a flow. (What was tried until that was seen is not counted.)
    """
    graph, labels = problem.graph, problem.labels
    if not isinstance(graph, GridGraph) or problem.log_likelihood.nbytes < LARGE:
        return None
    row = problem.log_likelihood.nbytes // graph.shape[0]
    pieces = bands(graph, (krylov_dim + 1) * graph.radius, BAND // row)
    if len(pieces) == 1:
        return None
    wanted = _Problem(problem, weights, truth, time, rank)
    room = _Room.allocate(pieces[0].graph, labels, krylov_dim, rank)
    return _in_bands(wanted, pieces, room)


def _in_bands(wanted: _Problem, pieces: tuple[Band, ...], room: _Room) -> FlowGradient | None:
    problem, graph, time = wanted.problem, wanted.problem.graph, wanted.time
    forward = _space(wanted, pieces, room, lambda band: _forward_powers(band, room))
    if forward is None or forward.start_norm**2 <= source_rounding(problem):
        return None
    trajectory = phi_trajectory(forward, time)
    tangent = graph.empty_nodes(problem.labels)
    moments = _solve(wanted, pieces, room, forward.mixing(trajectory[-1:]), tangent)
    adjoint = _space(wanted, pieces, room, lambda band: _adjoint_powers(wanted, band, room, moments, tangent))
    if adjoint is None:
        return None
    core = truncated_core(adjoint, forward, trajectory, time, wanted.rank)
    gradient = _assemble(wanted, pieces, room, forward, adjoint, core, moments, tangent)
    solution = FlowSolution(
        graph, tangent, forward.dimension, 2 * forward.products, relative_residual(forward, trajectory, time)
    )
    products = 3 * forward.products + 2 * adjoint.products
    return FlowGradient(
        gradient, moments, solution, forward.dimension, core.left.shape[0], products, core.error_estimate
    )


def _space(wanted: _Problem, pieces: tuple[Band, ...], room: _Room, fill: Callable[[Band], None]) -> KrylovSpace | None:
    """The space of the powers that `fill` makes in a band, by the sum of their Gram matrices over all bands."""
    total = np.zeros((room.powers.shape[0],) * 2)
    for band in pieces:
        _cut(wanted, band, room)
        fill(band)
        total += lower_products(room.powers, 0, band.own.start, band.own.stop)
    gone = room.powers[:, 0, :0]  # powers of all bands but the last
    return space_of_powers(gone, whole_gram(total), gone.shape[0] - 1)


def _solve(wanted: _Problem, pieces: tuple[Band, ...], room: _Room, mixing: FloatArray, tangent: FloatArray) -> Moments:
    """Write v_T, mixed of powers of A, into `tangent`, and sum its moments over the bands."""
    found = []
    for band in pieces:
        _cut(wanted, band, room)
        _forward_powers(band, room)
        mixed, target = room.lefts[:1], room.lefts[1]
        mix_fields(mixing, room.powers, mixed, band.own.start, band.own.stop)
        band.put(mixed[0], tangent)
        _cut_target(wanted, band, target)
        found.append(astuple(packed_moments(band.graph, target, mixed[0], band.nodes)))
    return Moments(*np.sum(found, axis=0).tolist())


def _assemble(
    wanted: _Problem,
    pieces: tuple[Band, ...],
    room: _Room,
    forward: KrylovSpace,
    adjoint: KrylovSpace,
    core: Core,
    moments: Moments,
    tangent: FloatArray,
) -> FloatArray:
    """The packed gradient of M and Lambda, whose vectors are mixed of the powers in each band."""
    left, right = adjoint.mixing(np.vstack([core.left, core.covector])), forward.mixing(core.right)
    gradient, made = wanted.problem.graph.empty_weights(), pieces[0].graph.zeros_weights()
    # Spaces of powers have m + 1 coordinates: as many vectors are kept as there is room for. The last left is Lambda.
    lefts, rights = room.lefts, room.rights
    inputs = (room.weights, room.similarity, room.log_likelihood, lefts[:-1], rights, lefts[-1])
    for band in pieces:
        _cut(wanted, band, room)
        _forward_powers(band, room)
        mix_fields(right, room.powers, rights, band.own_and_near.start, band.own_and_near.stop)
        _adjoint_powers(wanted, band, room, moments, tangent)
        mix_fields(left, room.powers, lefts, band.own.start, band.own.stop)
        band.graph.run(low_rank_gradient, inputs, (made,), band.around(0))
        band.put(made, gradient)
    return gradient


def _forward_powers(band: Band, room: _Room) -> None:
    """b, Ab, ... in a band, right on its own rows and those next to them."""
    run, last = band.graph.run, room.powers.shape[0] - 1
    run(source, (room.similarity,), (room.powers[0],))
    for power in range(last):
        inputs = (room.weights, room.similarity, room.powers[power])
        run(linear_map, inputs, (room.powers[power + 1],), band.around((last - power) * band.graph.radius))


def _adjoint_powers(wanted: _Problem, band: Band, room: _Room, moments: Moments, tangent: FloatArray) -> None:
    """g, A^T g, ... in a band, right on its own rows."""
    run, last, (target, scratch) = band.graph.run, room.powers.shape[0] - 1, room.lefts[:2]
    _cut_target(wanted, band, target)
    band.cut(tangent, scratch)
    direction_gradient_into(band.graph, target, scratch, moments, room.powers[0])
    for power in range(last):
        inputs = (room.weights, room.similarity, room.powers[power])
        outputs = (scratch, room.powers[power + 1])
        run(linear_map_adjoint, inputs, outputs, band.around((last - 1 - power) * band.graph.radius))


def _cut(wanted: _Problem, band: Band, room: _Room) -> None:
    """Weights, likelihood and S of a band."""
    band.cut(wanted.weights, room.weights)
    band.cut(wanted.problem.log_likelihood, room.log_likelihood)
    band.graph.run(similarity, (room.weights, room.log_likelihood), (room.similarity,))


def _cut_target(wanted: _Problem, band: Band, out: FloatArray) -> None:
    """V* of a band."""
    out[...] = 0.0
    target_into(band.graph, wanted.truth[band.rows], out)
