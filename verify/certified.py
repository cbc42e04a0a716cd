"""Certified gradients step by step, from laflow's parts: what tests of certificates and their experiment look at."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

import laflow
from laflow.assignment import certificate as certificates
from laflow.assignment.flow import forward_space, packed_similarity, target_into
from laflow.assignment.low_rank import adjoint_map_into, assemble_gradient
from laflow.assignment.objective import direction_gradient_into, packed_moments
from laflow.assignment.operator_sizes import OperatorSizes, operator_sizes
from laflow.graph import Precision
from laflow.krylov import KrylovSpace, krylov_space, phi_trajectory, van_loan_core
from laflow.residual_growth import Trajectory, arnoldi_approximation, guessed_approximation, pieces_for
from verify import bridge
from verify.instances import Instance

LastColumn = Literal["exact", "guessed"]


@dataclass(frozen=True)
class Certified:
    """A gradient (I, K), tangent (I, J) and loss with their certificate, and what the certificate is made of."""

    gradient: np.ndarray
    tangent: np.ndarray
    loss: float
    certificate: certificates.Certificate
    sizes: OperatorSizes
    rank: int
    products: int
    expected: float
    values: np.ndarray


def certified_gradient(
    instance: Instance,
    krylov_dim: int,
    rank: int | None = None,
    last_column: LastColumn = "exact",
    precision: Precision = "double",
) -> Certified:
    """The gradient of `instance` with `krylov_dim` products in each space, and its certificate.

    With the last column "exact", the last power serves as the residual only (Arnoldi's own approximation); "guessed"
    uses it too. Without a `rank`, nothing is cut.
    """
    problem = _problem(instance, precision)
    graph, labels = problem.graph, problem.labels
    weights, truth = graph.check_weights(bridge.public_weights(instance)), bridge.public_truth(instance)
    similar = packed_similarity(problem, weights)
    sizes = operator_sizes(graph, weights, similar)
    likelihood = certificates.likelihood_sizes(graph, problem.log_likelihood)
    approximate = arnoldi_approximation if last_column == "exact" else guessed_approximation

    forward = _space(problem, weights, similar, krylov_dim, None)
    tangent = graph.zeros_nodes(labels)
    used = _used(forward, last_column)
    used.combine(phi_trajectory(used, instance.time)[-1:], tangent.reshape(1, -1))
    target, covector = graph.zeros_nodes(labels), graph.zeros_nodes(labels)
    target_into(problem.graph, problem.check_truth(truth), target)
    moments = packed_moments(graph, target, tangent)
    direction_gradient_into(graph, target, tangent, moments, covector)
    adjoint = _space(problem, weights, similar, krylov_dim, covector)

    approximations = approximate(forward, sizes.norm), approximate(adjoint, sizes.norm)
    pieces = pieces_for(instance.time, *approximations)
    ahead = Trajectory(approximations[0], True, instance.time, pieces)
    back = Trajectory(approximations[1], False, instance.time, pieces)
    roundoff = certificates.FLOAT64_ROUNDOFF if precision == "double" else certificates.FLOAT32_ROUNDOFF
    tangent_errors = certificates.forward_errors(ahead, sizes, likelihood, graph, roundoff)
    costate_errors = certificates.adjoint_errors(back, sizes, likelihood, roundoff, tangent_errors, moments)

    used_adjoint = _used(adjoint, last_column)
    small, integral = van_loan_core(used_adjoint, used, instance.time)
    vectors, values, others = np.linalg.svd(small, full_matrices=False)
    kept = values.size if rank is None else min(rank, values.size)
    left, right = graph.zeros_nodes(kept, labels), graph.zeros_nodes(kept, labels)
    covector_integral = graph.zeros_nodes(1, labels)
    length = similar.size
    used_adjoint.combine(np.ascontiguousarray(vectors[:, :kept].T), left.reshape(kept, length))
    used.combine(np.ascontiguousarray(others[:kept]), right.reshape(kept, length))
    used_adjoint.combine(integral[None], covector_integral.reshape(1, -1))
    core = certificates.CutCore(
        vectors[:, :kept].T,
        others[:kept],
        certificates.node_energies(graph, left),
        certificates.node_energies(graph, right),
        values,
        float(np.linalg.norm(integral)),
    )
    scaled = left * values[:kept, None, None].astype(left.dtype)
    gradient = graph.zeros_weights()
    assemble_gradient(problem, weights, similar, scaled, right, covector_integral[0], gradient)
    return Certified(
        bridge.plain_weights(instance, graph.unpack_weights(gradient)),
        graph.unpack_nodes(tangent).reshape(-1, labels),
        moments.loss,
        certificates.certify(
            graph,
            weights,
            sizes,
            likelihood,
            (ahead, back),
            (tangent_errors, costate_errors),
            core,
            moments,
            float(np.linalg.norm(gradient.astype(np.float64))),
            roundoff,
        ),
        sizes,
        kept,
        forward.products + adjoint.products,
        certificates.expected_gradient_error(likelihood, labels, (ahead, back), (tangent_errors, costate_errors)),
        values,
    )


def _problem(instance: Instance, precision: Precision) -> laflow.LabelingProblem:
    problem = bridge.labeling_problem(instance)
    graph = replace(problem.graph, precision=precision)
    distances = instance.distances.reshape(*graph.shape, -1)
    return laflow.LabelingProblem(distances, graph, distance_scale=instance.distance_scale)


def _space(
    problem: laflow.LabelingProblem,
    weights: np.ndarray,
    similar: np.ndarray,
    krylov_dim: int,
    start: np.ndarray | None,
) -> KrylovSpace:
    """The space of (A, b), or of (A^T, `start`)."""
    graph = problem.graph
    storage = graph.zeros_nodes(min(krylov_dim, problem.unknowns) + 1, problem.labels)
    if start is None:
        return forward_space(problem, weights, similar, storage)
    storage[0] = start
    scratch = graph.zeros_nodes(problem.labels)

    def back(vector: np.ndarray, image: np.ndarray) -> None:
        adjoint_map_into(problem, weights, similar, vector, scratch, image)

    return krylov_space(back, storage.reshape(storage.shape[0], -1))


def _used(space: KrylovSpace, last_column: LastColumn) -> KrylovSpace:
    """The space with the coordinates that are used."""
    return space if last_column == "guessed" else space.without_last()
