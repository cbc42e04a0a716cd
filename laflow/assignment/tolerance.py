"""A gradient to a tolerance: the spaces grow product by product until the certificate is below it.

What decides on the way is cheap and an estimate (`expected_gradient_error`); what is returned carries the certificate,
which decides in the end. See laflow/assignment/certificate.py for what it bounds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from laflow.assignment.certificate import (
    FLOAT32_ROUNDOFF,
    FLOAT64_ROUNDOFF,
    Certificate,
    CutCore,
    FlowErrors,
    LikelihoodSizes,
    adjoint_errors,
    certify,
    distance,
    expected_gradient_error,
    forward_errors,
    moved,
    node_energies,
    rank_for,
    refuse_unattainable,
    relative,
)
from laflow.assignment.flow import (
    FlowSolution,
    LabelingProblem,
    linear_map_into,
    source_into,
    target_into,
)
from laflow.assignment.low_rank import FlowGradient, adjoint_map_into, assemble_gradient
from laflow.assignment.objective import Moments, direction_gradient_into, packed_moments
from laflow.assignment.operator_sizes import OperatorSizes, operator_sizes
from laflow.blas import one_blas_thread
from laflow.errors import ConvergenceError
from laflow.graph import FloatArray, IntArray
from laflow.kernels import similarity
from laflow.krylov import Apply, KrylovSpace, krylov_space, require_finite, van_loan_core
from laflow.residual_growth import Trajectory, arnoldi_approximation, pieces_for

# Products before the first look, and how many there may be: far more than any flow needs that does not overflow.
FIRST_PRODUCTS, MOST_PRODUCTS = 3, 200

# Rows of a large array that a search has at first, and the bytes that it then may take: what is not written costs
# nothing.
ROWS, ROWS_BYTES = 16, 2**31

# The share of a tolerance that the forward space may take: the adjoint space inherits its error.
FORWARD_SHARE = 0.3

# How often the certificate may disagree with the estimate before the search ends, and how much lower it aims then.
ATTEMPTS, LOWER = 8, 0.5

# What a sharp certificate gains on the estimate is about the number of labels, over so much; and by how much less than
# the first gradient the core of the second is cut.
SHARPER, FINER = 2.0, 0.1


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """Large arrays that searches need; reusing them spares the page faults of fresh memory.

    `forward` and `adjoint` (rows, J, P) hold powers, `mixed` (rows, J, P) combinations of them, `similarity` (J, P) S.
    Whoever needs more rows takes fresh memory.
    """

    forward: FloatArray
    adjoint: FloatArray
    mixed: FloatArray
    similarity: FloatArray

    @staticmethod
    def allocate(problem: LabelingProblem) -> "SearchSpace":
        """Room for spaces of the usual size."""
        field = problem.graph.empty_nodes
        similar = field(problem.labels)
        rows = max(FIRST_PRODUCTS + 1, min(ROWS, ROWS_BYTES // similar.nbytes))
        forward, adjoint, mixed = (field(rows, problem.labels) for _ in range(3))
        return SearchSpace(forward, adjoint, mixed, similar)


@dataclass(frozen=True, eq=False)
class _Search:
    """A problem whose gradient is wanted, and what every bound needs of it."""

    room: SearchSpace
    problem: LabelingProblem
    weights: FloatArray
    truth: IntArray
    time: float
    similar: FloatArray
    sizes: OperatorSizes
    likelihood: LikelihoodSizes

    @property
    def roundoff(self) -> float:
        """Unit roundoff of the stored fields."""
        return FLOAT64_ROUNDOFF if self.similar.dtype == np.float64 else FLOAT32_ROUNDOFF

    def trajectory(self, space: KrylovSpace, forced: bool, pieces: int) -> Trajectory:
        """Of v (forced) or lambda, in the coordinates of which every column of A is known."""
        return Trajectory(arnoldi_approximation(space, self.sizes.norm), forced, self.time, pieces)

    def forward_errors(self, trajectory: Trajectory) -> FlowErrors:
        """Those of v along its trajectory."""
        return forward_errors(trajectory, self.sizes, self.likelihood, self.problem.graph, self.roundoff)

    def pieces(self, *spaces: KrylovSpace) -> int:
        """How finely time is cut for bounds."""
        return pieces_for(self.time, *(arnoldi_approximation(space, self.sizes.norm) for space in spaces))


@dataclass(frozen=True, eq=False)
class _Forward:
    """A forward space that suffices, v_T in it, and the loss there."""

    space: KrylovSpace
    trajectory: Trajectory
    errors: FlowErrors
    tangent: FloatArray
    moments: Moments

    def along(self, search: _Search, pieces: int) -> tuple[Trajectory, FlowErrors]:
        """The trajectory and its errors in so many `pieces`."""
        if pieces == self.trajectory.pieces:
            return self.trajectory, self.errors
        finer = search.trajectory(self.space, True, pieces)
        return finer, search.forward_errors(finer)


@one_blas_thread()
def certified_tangent(problem: LabelingProblem, weights: FloatArray, *, time: float, tolerance: float) -> FlowSolution:
    """The flow at `time` with a relative error of v_T of at most `tolerance`, as its bound says.

    Raises `ValueRangeError` if rounding alone may exceed the tolerance.
    """
    search = _search(problem, weights, np.zeros(problem.graph.shape, np.int64), time)
    space, trajectory, errors = _grow_forward(
        search, tolerance, lambda found, length: relative(found.end, length) <= tolerance
    )
    tangent = _end(search, space, trajectory)
    bound = relative(errors.end, float(np.linalg.norm(tangent)))
    return FlowSolution(problem.graph, tangent, space.dimension, space.products, bound, certified=True)


def certified_flow_gradient(
    problem: LabelingProblem,
    weights: FloatArray,
    truth: IntArray,
    *,
    time: float,
    tolerance: float,
    sharp: bool = False,
    room: SearchSpace | None = None,
) -> FlowGradient:
    """The gradient of packed, checked `weights` with a relative error of at most `tolerance`, as its certificate says.

    With `sharp`, a second gradient tells how far the first is off. The result holds no reference to `room`.
    Raises `ValueRangeError` if rounding alone may exceed the tolerance, `ConvergenceError` if no space suffices.
    """
    search, aim, bound = _search(problem, weights, truth, time, room), tolerance, float("inf")
    for _ in range(ATTEMPTS):
        found = (_sharp_attempt if sharp else _attempt)(search, aim, tolerance)
        assert found.certificate is not None
        bound = found.certificate.gradient_relative
        if bound <= tolerance or not found.solution.krylov_dim:  # without a flow the gradient is zero
            return found
        norm = float(np.linalg.norm(found.gradient))
        rounding = found.certificate.gradient_rounding
        refuse_unattainable(tolerance, rounding, norm, search.roundoff, "the gradient's norm")
        aim *= LOWER * (tolerance / bound if np.isfinite(bound) else LOWER)
    raise ConvergenceError(
        f"after {ATTEMPTS} attempts the gradient is certified to {bound:.2g} of its norm only, the tolerance is "
        f"{tolerance:.3g}: give a larger tolerance, a smaller time, or no tolerance but a Krylov dimension"
    )


def _search(
    problem: LabelingProblem, weights: FloatArray, truth: IntArray, time: float, room: SearchSpace | None = None
) -> _Search:
    own = SearchSpace.allocate(problem) if room is None else room
    problem.graph.run(similarity, (weights, problem.log_likelihood), (own.similarity,))
    sizes = operator_sizes(problem.graph, weights, own.similarity)
    return _Search(own, problem, weights, truth, time, own.similarity, sizes, problem.likelihood_sizes)


def _attempt(search: _Search, aim: float, tolerance: float) -> FlowGradient:
    """A gradient whose estimated error is below `aim`, with its certificate."""
    forward = _forward(search, aim, tolerance)
    adjoint, trajectories, errors = _grow_adjoint(search, forward, aim)
    gradient, core = _assembled(search, adjoint, forward.space, aim)
    certificate = _certificate(search, trajectories, errors, core, forward.moments, gradient)
    return _found(search, forward, adjoint, gradient, core, certificate)


def _sharp_attempt(search: _Search, aim: float, tolerance: float) -> FlowGradient:
    """A gradient as in `_attempt` but certified by another one, of a product more in each space.

    Its error is at most its distance from that one, which is found, not bounded, plus the bound of that one.
    """
    loose = aim * max(1.0, search.problem.labels / SHARPER)
    forward = _forward(search, loose, tolerance, more=1)
    adjoint, trajectories, errors = _grow_adjoint(search, forward, loose, more=1)
    gradient, core = _assembled(search, _shorter(adjoint), _shorter(forward.space), aim)
    finer, finer_core = _assembled(search, adjoint, forward.space, aim * FINER)
    bounds = _certificate(search, trajectories, errors, finer_core, forward.moments, finer)
    certificate = moved(bounds, distance(gradient, finer, search.roundoff), float(np.linalg.norm(gradient)))
    found = _found(search, forward, adjoint, gradient, core, certificate)
    used = max(_shorter(space).coordinates for space in (forward.space, adjoint))
    return replace(found, krylov_dim=used)


def _assembled(search: _Search, adjoint: KrylovSpace, forward: KrylovSpace, aim: float) -> tuple[FloatArray, CutCore]:
    """The packed gradient made in Arnoldi's own approximations, its core cut where that matters little for `aim`."""
    graph, used, used_adjoint = search.problem.graph, forward.without_last(), adjoint.without_last()
    small, integral = van_loan_core(used_adjoint, used, search.time)
    vectors, values, others = np.linalg.svd(small, full_matrices=False)
    kept = rank_for(values, graph.nodes, aim)
    left, right = vectors[:, :kept].T, others[:kept]
    fields = _rows(search, search.room.mixed, 2 * kept + 1)
    lefts, rights = fields[: kept + 1], fields[kept + 1 :]
    _mix_into(used_adjoint, np.vstack([left, integral]), lefts)
    _mix_into(used, right, rights)
    energies = node_energies(graph, lefts[:-1]), node_energies(graph, rights)
    core = CutCore(left, right, *energies, values, float(np.linalg.norm(integral)))
    lefts[:-1] *= values[:kept, None, None].astype(lefts.dtype)
    gradient = graph.empty_weights()
    assemble_gradient(search.problem, search.weights, search.similar, lefts[:-1], rights, lefts[-1], gradient)
    return gradient, core


def _shorter(space: KrylovSpace) -> KrylovSpace:
    """The space of one product less; an invariant one, or one of a single product, as it is."""
    size = space.dimension - 1
    return space if space.breakdown or not size else space.first(size)


def _found(
    search: _Search,
    forward: _Forward,
    adjoint: KrylovSpace,
    gradient: FloatArray,
    core: CutCore,
    certificate: Certificate,
) -> FlowGradient:
    space = forward.space
    bound = certificate.tangent_relative
    return FlowGradient(
        gradient,
        forward.moments,
        FlowSolution(search.problem.graph, forward.tangent, space.dimension, space.products, bound, certified=True),
        max(space.dimension, adjoint.dimension),
        core.rank,
        space.products + adjoint.products,
        certificate.gradient_relative,
        certificate,
    )


def _certificate(
    search: _Search,
    trajectories: tuple[Trajectory, Trajectory],
    errors: tuple[FlowErrors, FlowErrors],
    core: CutCore,
    moments: Moments,
    gradient: FloatArray,
) -> Certificate:
    return certify(
        search.problem.graph,
        search.weights,
        search.sizes,
        search.likelihood,
        trajectories,
        errors,
        core,
        moments,
        float(np.linalg.norm(gradient)),
        search.roundoff,
    )


def _forward(search: _Search, aim: float, tolerance: float, more: int = 0) -> _Forward:
    """The forward space, `more` products larger than suffices, v_T, and df there, which lies in ``mixed[1]``."""
    graph, labels = search.problem.graph, search.problem.labels
    # The gradient's bound is looser than that of v_T by about the number of labels.
    share = FORWARD_SHARE * aim / labels
    space, trajectory, errors = _grow_forward(
        search, tolerance, lambda found, length: float(found.truncation[-1]) <= share * length, more
    )
    tangent = _end(search, space, trajectory)
    target, covector = search.room.mixed[:2]
    target[...] = 0.0
    target_into(search.problem.graph, search.truth, target)
    moments = packed_moments(graph, target, tangent)
    direction_gradient_into(graph, target, tangent, moments, covector)
    return _Forward(space, trajectory, errors, tangent, moments)


def _grow_forward(
    search: _Search, tolerance: float, suffices: Callable[[FlowErrors, float], bool], more: int = 0
) -> tuple[KrylovSpace, Trajectory, FlowErrors]:
    """A space of (A, b) whose errors suffice for v_T of that length, unless rounding exceeds the tolerance."""
    problem = search.problem

    def apply(vector: FloatArray, image: FloatArray) -> None:
        linear_map_into(problem, search.weights, search.similar, vector, image)

    def begin(start: FloatArray) -> None:
        source_into(problem, search.similar, start)

    enough = 0
    for space in _growing(search, apply, begin, search.room.forward):
        trajectory = search.trajectory(space, True, search.pieces(space))
        if not space.dimension:
            return space, trajectory, search.forward_errors(trajectory)
        length = float(trajectory.norms[-1])
        if not space.breakdown and not suffices(_without_growth(trajectory), length):
            continue
        errors = search.forward_errors(trajectory)
        refuse_unattainable(tolerance, float(errors.rounding[-1]), length, search.roundoff, "the flow's norm")
        if suffices(errors, length) or space.breakdown or enough:
            if space.breakdown or enough >= more:
                return space, trajectory, errors
            enough += 1
    raise _not_reached("forward")


def _without_growth(trajectory: Trajectory) -> FlowErrors:
    """What errors are at least: while these do not suffice, nobody needs to know more."""
    return FlowErrors(trajectory.least_errors, np.zeros(trajectory.pieces + 1))


def _grow_adjoint(
    search: _Search, forward: _Forward, aim: float, more: int = 0
) -> tuple[KrylovSpace, tuple[Trajectory, Trajectory], tuple[FlowErrors, FlowErrors]]:
    """A space of (A^T, g), `more` products larger than one that is expected to give a relative error below `aim`."""
    problem, (scratch, covector) = search.problem, search.room.mixed[:2]

    def apply(vector: FloatArray, image: FloatArray) -> None:
        adjoint_map_into(problem, search.weights, search.similar, vector, scratch, image)

    def begin(start: FloatArray) -> None:
        start[...] = covector

    previous, enough, first = np.inf, 0, max(FIRST_PRODUCTS, forward.space.dimension - 1)
    for space in _growing(search, apply, begin, search.room.adjoint, first):
        pieces = search.pieces(forward.space, space)
        ahead, tangent = forward.along(search, pieces)
        back = search.trajectory(space, False, pieces)
        if not space.breakdown and _expected(search, (ahead, back), (tangent, _without_growth(back))) > aim:
            continue
        costate = adjoint_errors(back, search.sizes, search.likelihood, search.roundoff, tangent, forward.moments)
        expected = _expected(search, (ahead, back), (tangent, costate))
        # What the forward space leaves, or rounding, is not made smaller by more products.
        if expected <= aim or space.breakdown or expected > 0.9 * previous or enough:
            if space.breakdown or enough >= more:
                return space, (ahead, back), (tangent, costate)
            enough += 1
        previous = expected
    raise _not_reached("adjoint")


def _growing(
    search: _Search,
    apply: Apply,
    begin: Callable[[FloatArray], None],
    storage: FloatArray,
    first: int = FIRST_PRODUCTS,
) -> Iterator[KrylovSpace]:
    """Larger and larger spaces of what `begin` writes, from `first` products on, in `storage` while it has the rows.

    The last one is invariant or has `MOST_PRODUCTS` dimensions.
    """
    space: KrylovSpace | None = None
    storage, size = _rows(search, storage, max(first + 1, storage.shape[0])), first
    begin(storage[0])
    while True:
        rows = storage[: size + 1]
        space = krylov_space(apply, rows.reshape(size + 1, -1), space)
        yield space
        if space.breakdown or size >= MOST_PRODUCTS:
            return
        if not space.by_powers:  # orthonormal vectors took their place
            begin(storage[0])
        size += 1
        if size >= storage.shape[0]:
            wider = _rows(search, storage, 2 * storage.shape[0])
            wider[: storage.shape[0]] = storage
            storage = wider


def _rows(search: _Search, storage: FloatArray, count: int) -> FloatArray:
    """The first `count` rows of `storage`, or as many fresh ones if it has fewer."""
    return storage[:count] if storage.shape[0] >= count else search.problem.graph.empty_nodes(count, storage.shape[1])


def _expected(
    search: _Search, trajectories: tuple[Trajectory, Trajectory], errors: tuple[FlowErrors, FlowErrors]
) -> float:
    return expected_gradient_error(search.likelihood, search.problem.labels, trajectories, errors)


def _end(search: _Search, space: KrylovSpace, trajectory: Trajectory) -> FloatArray:
    """v_T, packed (J, P), in memory of its own."""
    tangent = search.problem.graph.empty_nodes(search.problem.labels)
    require_finite(trajectory.states[-1:], search.time)
    _mix_into(space.without_last(), trajectory.states[-1:], tangent[None])
    return tangent


def _mix_into(space: KrylovSpace, coefficients: FloatArray, fields: FloatArray) -> None:
    space.combine(coefficients, fields.reshape(fields.shape[0], fields.shape[1] * fields.shape[2]))


def _not_reached(which: str) -> ConvergenceError:
    return ConvergenceError(
        f"the {which} space has {MOST_PRODUCTS} dimensions and does not suffice: "
        "give a smaller time or a larger tolerance"
    )
