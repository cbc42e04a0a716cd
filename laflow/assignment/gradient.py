"""The gradient of the loss with respect to the weights, by four methods with one interface, Theorem 3.8."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from laflow.assignment.banded import banded_flow_gradient
from laflow.assignment.certificate import Certificate
from laflow.assignment.flow import FlowSolution, LabelingProblem
from laflow.assignment.low_rank import FlowGradient, Workspace, low_rank_flow_gradient
from laflow.assignment.objective import add_regularizer_gradient, packed_regularizer
from laflow.assignment.reference import dense_flow_gradient, krylov_flow_gradient
from laflow.assignment.tolerance import SearchSpace, certified_flow_gradient
from laflow.blas import one_blas_thread
from laflow.checks import non_negative_number, positive_number, whole_number
from laflow.errors import ValueRangeError
from laflow.graph import FloatArray, Graph, IntArray
from laflow.kernels import exponential_step as exponential_step_kernel
from laflow.kernels import riemannian_gradient as riemannian_gradient_kernel

Method = Literal["low-rank", "factored", "krylov", "dense"]


@dataclass(frozen=True)
class GradientOptions:
    """How to compute a gradient: checked when made.

    `time` T > 0; `krylov_dim` m >= 1; `rank` r between 1 and m; `regularization` tau >= 0. With a `tol` > 0, for method
    ``low-rank`` only, dimensions and rank are chosen such that the certified relative error is at most that, by a
    certificate that may be `sharp`.
    """

    time: float = 5.0
    method: Method = "low-rank"
    krylov_dim: int = 8
    rank: int = 4
    regularization: float = 0.0
    tol: float | None = None
    sharp: bool = False

    def __post_init__(self) -> None:
        if self.sharp and self.tol is None:
            raise ValueRangeError("sharp is True without a tolerance: give tol, or leave sharp out")
        if self.tol is not None:
            object.__setattr__(self, "tol", positive_number(self.tol, "tol"))
            if self.method != "low-rank":
                raise ValueRangeError(
                    f"a tolerance goes with method 'low-rank', not with {self.method!r}: leave out one of them"
                )
        if self.method not in get_args(Method):
            raise ValueRangeError(f"the method is {self.method!r}: choose one of {', '.join(get_args(Method))}")
        object.__setattr__(self, "time", positive_number(self.time, "time"))
        object.__setattr__(self, "krylov_dim", whole_number(self.krylov_dim, "krylov_dim"))
        object.__setattr__(self, "rank", whole_number(self.rank, "rank"))
        tau = non_negative_number(self.regularization, "regularization")
        object.__setattr__(self, "regularization", tau)
        if self.method == "low-rank" and self.rank > self.krylov_dim:
            raise ValueRangeError(
                f"the rank is {self.rank}, larger than krylov_dim {self.krylov_dim}: a core of that size "
                "has no more "
                "singular values; lower rank or raise krylov_dim"
            )


@dataclass(frozen=True, eq=False)
class LossGradient:
    """The loss at some weights, its Euclidean gradient, and what it took.

    `loss = flow_loss + regularizer`. `krylov_dim` and `rank` are those reached, at most those asked for;
    `matvecs` counts products with A and its transpose. `error_estimate` estimates (it does not bound) the
    relative error of the integral that the gradient is linear in: the singular values cut, and the residuals
    of both Krylov spaces without the growth of the flow. Where a tolerance was asked for, `certificate` bounds the
    errors of the gradient, of v_T and of the loss, all without the regulariser, and `error_estimate` is the first of
    these bounds, relative.
    """

    graph: Graph
    packed_gradient: FloatArray = field(repr=False)
    loss: float
    flow_loss: float
    regularizer: float
    solution: FlowSolution
    method: Method
    krylov_dim: int
    rank: int
    matvecs: int
    error_estimate: float
    certificate: Certificate | None = None

    @cached_property
    def gradient(self) -> FloatArray:
        """The Euclidean gradient, ``(*shape, |N|)`` or ``(E,)``; zero for neighbours outside the image."""
        return self.graph.unpack_weights(self.packed_gradient)


def loss_gradient(
    problem: LabelingProblem,
    weights: ArrayLike | None,
    truth: ArrayLike,
    *,
    time: float = 5.0,
    method: Method = "low-rank",
    krylov_dim: int = 8,
    rank: int = 4,
    regularization: float = 0.0,
    tol: float | None = None,
    sharp: bool = False,
) -> LossGradient:
    """The loss (3.2)-(3.5) of `weights` and its Euclidean gradient, Theorem 3.8.

    `weights` ``(*shape, |N|)`` or ``(E,)``, uniform if None; `truth` integers ``(*shape,)``; `time` T > 0.
    Methods: ``low-rank`` (rank `rank` of the core in two Krylov spaces of `krylov_dim`, the part of b exact),
    ``factored`` (the full core), ``krylov`` (one Krylov space of the Kronecker sum), and ``dense`` (its dense
    exponential); the last two are references for small problems. Raises subclasses of `LaflowError`.

    With a tolerance `tol` > 0 the certified relative error is at most that. `sharp` certifies by a second gradient,
    whose spaces have a product more: the bound is then within a few times the true error, for a second assembly.
    """
    options = GradientOptions(time, method, krylov_dim, rank, regularization, tol, sharp)
    graph = problem.graph
    if weights is None:
        packed = graph.packed_uniform_weights()
    else:
        packed = graph.check_weights(weights, positive=options.regularization > 0.0)
    return packed_loss_gradient(problem, packed, problem.check_truth(truth), options)


@one_blas_thread()
def packed_loss_gradient(
    problem: LabelingProblem,
    weights: FloatArray,
    truth: IntArray,
    options: GradientOptions,
    workspace: Workspace | SearchSpace | None = None,
) -> LossGradient:
    """`loss_gradient` of packed weights and truth, both checked; `workspace` is for ``low-rank`` and
    ``factored``.
    """
    result = _flow_gradient(problem, weights, truth, options, workspace)
    penalty, tau = 0.0, options.regularization
    if tau > 0.0:
        penalty = packed_regularizer(problem.graph, weights, tau)
        add_regularizer_gradient(problem.graph, weights, tau, result.gradient)
    flow_loss = result.moments.loss
    return LossGradient(
        problem.graph,
        result.gradient,
        flow_loss + penalty,
        flow_loss,
        penalty,
        result.solution,
        options.method,
        result.krylov_dim,
        result.rank,
        result.matvecs,
        result.error_estimate,
        result.certificate,
    )


def _flow_gradient(
    problem: LabelingProblem,
    weights: FloatArray,
    truth: IntArray,
    options: GradientOptions,
    workspace: Workspace | SearchSpace | None,
) -> FlowGradient:
    if options.tol is not None:
        room = workspace if isinstance(workspace, SearchSpace) else None
        return certified_flow_gradient(
            problem, weights, truth, time=options.time, tolerance=options.tol, sharp=options.sharp, room=room
        )
    if options.method == "dense":
        return dense_flow_gradient(problem, weights, truth, time=options.time)
    if options.method == "krylov":
        return krylov_flow_gradient(problem, weights, truth, time=options.time, krylov_dim=options.krylov_dim)
    krylov_dim, rank = options.krylov_dim, _rank(options)
    own = workspace if isinstance(workspace, Workspace) else None
    if own is None:
        found = banded_flow_gradient(problem, weights, truth, time=options.time, krylov_dim=krylov_dim, rank=rank)
        if found is not None:
            return found
    return low_rank_flow_gradient(
        problem, weights, truth, time=options.time, krylov_dim=krylov_dim, rank=rank, workspace=own
    )


def _rank(options: GradientOptions) -> int:
    """Where to cut the core; the full core has as many rows as a Krylov space has coordinates."""
    return options.rank if options.method == "low-rank" else options.krylov_dim + 1


def gradient_workspace(problem: LabelingProblem, options: GradientOptions) -> Workspace | SearchSpace | None:
    """Memory for many gradients of problems of this size; None for methods that use none."""
    if options.tol is not None:
        return SearchSpace.allocate(problem)
    if options.method not in ("low-rank", "factored"):
        return None
    return Workspace.allocate(problem, options.krylov_dim, _rank(options))


def riemannian_gradient(graph: Graph, weights: ArrayLike, gradient: ArrayLike) -> FloatArray:
    """R_Omega dL, Eq. (3.7): the gradient on the simplex of every patch, in the layout of the weights."""
    packed = graph.check_weights(weights)
    result = graph.empty_weights()
    graph.run(riemannian_gradient_kernel, (packed, _direction(graph, gradient), graph.inside), (result,))
    return graph.unpack_weights(result)


def exponential_step(graph: Graph, weights: ArrayLike, gradient: ArrayLike, step_size: float) -> FloatArray:
    """One step of Riemannian gradient descent, Eq. (3.8): Omega exp(-h dL), each patch normalised.

    `gradient` is the Euclidean one. Exp_Omega(-h R_Omega dL) is the same point.
    """
    packed = graph.check_weights(weights)
    result = graph.empty_weights()
    inputs = (packed, _direction(graph, gradient), graph.inside, positive_number(step_size, "step_size"))
    graph.run(exponential_step_kernel, inputs, (result,))
    return graph.unpack_weights(result)


def _direction(graph: Graph, gradient: ArrayLike) -> FloatArray:
    packed = graph.pack_weights(gradient)
    if not np.all(np.isfinite(packed)):
        raise ValueRangeError("the gradient holds values that are not finite: the flow or a step has overflowed")
    return packed
