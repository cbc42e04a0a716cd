"""The gradient by all four methods, the step on the simplex, and what is told of the effort."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import expm

from verify.battery.flow import regularizer_gradient
from verify.battery.problems import (
    close,
    exact_gradient,
    exact_tangent,
    graph_of,
    instances,
    problem_of,
    public,
    same,
    truth_of,
)
from verify.bridge import plain_weights
from verify.oracles import dense_flow

METHODS = {"factored": (40, 40), "low-rank": (40, 40), "krylov": (60, 1), "dense": (1, 1)}


def _gradient(package: Any, name: str, method: str, krylov_dim: int, rank: int, **options: Any) -> Any:
    instance = instances()[name]
    return package.gradient.loss_gradient(
        problem_of(package, instance),
        public(instance, instance.weights),
        truth_of(instance),
        time=instance.time,
        method=method,
        krylov_dim=krylov_dim,
        rank=rank,
        **options,
    )


def _check_method(package: Any, method: str) -> None:
    for name, instance in instances().items():
        found = _gradient(package, name, method, *METHODS[method])
        close(plain_weights(instance, found.gradient), exact_gradient(name), 1e-9)
        exact = exact_tangent(name)
        close(found.solution.tangent.reshape(exact.shape), exact, 1e-10)
        loss = float(dense_flow.direction_loss(exact, instance.target))
        close(found.loss, loss, 1e-11)
        assert found.loss == found.flow_loss
        assert found.regularizer == 0.0
        assert found.method == method
        assert found.error_estimate < 1e-7
        assert not plain_weights(instance, found.gradient)[instance.neighbours < 0].any()


def check_factored_gradient(package: Any) -> None:
    _check_method(package, "factored")


def check_low_rank_gradient(package: Any) -> None:
    _check_method(package, "low-rank")


def check_dense_gradient(package: Any) -> None:
    _check_method(package, "dense")


def check_krylov_gradient(package: Any) -> None:
    _check_method(package, "krylov")


def check_effort(package: Any) -> None:
    found = _gradient(package, "plane", "low-rank", 4, 2)
    assert (found.krylov_dim, found.rank, found.matvecs) == (4, 2, 8)
    assert (found.solution.krylov_dim, found.solution.matvecs) == (4, 4)
    found = _gradient(package, "plane", "factored", 4, 2)
    assert (found.krylov_dim, found.rank, found.matvecs) == (4, 5, 8)
    found = _gradient(package, "plane", "dense", 4, 2)
    assert (found.krylov_dim, found.rank, found.matvecs, found.error_estimate) == (18, 18, 0, 0.0)
    assert (found.solution.krylov_dim, found.solution.matvecs, found.solution.error_estimate) == (18, 18, 0.0)
    found = _gradient(package, "plane", "krylov", 4, 2)
    assert (found.krylov_dim, found.rank, found.matvecs) == (4, 18, 4)
    found = _gradient(package, "space", "factored", 50, 2)
    # As many powers as there are unknowns are dependent: two spaces are built twice.
    unknowns = instances()["space"].distances.size
    assert found.matvecs == 2 * min(50, unknowns) + found.krylov_dim + found.solution.krylov_dim


def check_truncation(package: Any) -> None:
    """A core cut at a rank is the best of that rank, and the estimates follow the errors."""
    instance = instances()["plane"]
    exact = exact_gradient("plane")
    errors = []
    for rank in (1, 2, 4):
        found = _gradient(package, "plane", "low-rank", 18, rank)
        errors.append(float(np.linalg.norm(plain_weights(instance, found.gradient) - exact) / np.linalg.norm(exact)))
        assert found.rank == rank
        assert abs(found.error_estimate - _cut(rank)) <= 1e-6 * _cut(rank) + 1e-15
    assert errors[0] > errors[1] > errors[2]
    assert errors[0] < 0.5
    for krylov_dim in (2, 3, 5):
        found = _gradient(package, "plane", "factored", krylov_dim, 1)
        error = float(np.linalg.norm(plain_weights(instance, found.gradient) - exact) / np.linalg.norm(exact))
        assert 0.03 < found.error_estimate / error < 300.0


def _cut(rank: int) -> float:
    """The relative Frobenius norm of what a cut at `rank` leaves of the integral of λ vᵀ."""
    instance = instances()["plane"]
    moment, _ = dense_flow._moment_by_quadrature(
        instance.dense, instance.log_likelihood, instance.target, instance.time
    )
    values = np.linalg.svd(moment[:-1, :-1], compute_uv=False)
    return float(np.linalg.norm(values[rank:]) / np.linalg.norm(values))


def check_residual_of_the_core(package: Any) -> None:
    """The estimate from short spaces, recomputed from its definition."""
    instance = instances()["plane"]
    similar = dense_flow.similarity(instance.dense, instance.log_likelihood)
    matrix = dense_flow.system_matrix(instance.dense, similar)
    start = dense_flow.source(similar).ravel()
    for krylov_dim in (2, 4):
        found = _gradient(package, "plane", "factored", krylov_dim, 1)
        tangent = found.solution.tangent.reshape(-1, instance.labels)
        covector = dense_flow.direction_loss_gradient(tangent, instance.target).ravel()
        close(found.error_estimate, _estimate(matrix, start, covector, instance.time, krylov_dim), 1e-6)
        forward, _, _ = _samples(matrix, start, instance.time, krylov_dim)
        close(found.solution.error_estimate, forward, 1e-8)
        solution = package.flow.solve_flow(
            problem_of(package, instance), public(instance, instance.weights), time=instance.time, krylov_dim=krylov_dim
        )
        close(solution.error_estimate, forward, 1e-8)


def _space(matrix: np.ndarray, start: np.ndarray, krylov_dim: int) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Orthonormal vectors by modified Gram-Schmidt, twice; the generator; |b| and the largest |A q|."""
    vectors, generator, scale = [start / np.linalg.norm(start)], np.zeros((krylov_dim + 1,) * 2), 0.0
    for column in range(krylov_dim):
        image = matrix @ vectors[-1]
        scale = max(scale, float(np.linalg.norm(image)))
        for _ in range(2):
            for row, vector in enumerate(vectors):
                share = float(vector @ image)
                generator[row, column] += share
                image = image - share * vector
        generator[column + 1, column] = np.linalg.norm(image)
        vectors.append(image / np.linalg.norm(image))
    generator[-2, -1], generator[-1, -1] = generator[-1, -2], generator[-2, -2]
    return np.array(vectors), generator, float(np.linalg.norm(start)), scale


def _simpson(samples: np.ndarray, time: float) -> float:
    return float(np.dot([1, 4, 2, 4, 2, 4, 2, 4, 1], samples)) * time / 24.0


def _samples(
    matrix: np.ndarray, start: np.ndarray, time: float, krylov_dim: int
) -> tuple[float, np.ndarray, tuple[np.ndarray, np.ndarray, float, float]]:
    """The relative residual, and t φ(tG) |b| e_1 at nine times."""
    space = _space(matrix, start, krylov_dim)
    first = space[2] * np.eye(krylov_dim + 1)[0]
    states = np.array([time * k / 8 * dense_flow.phi(time * k / 8 * space[1], first) for k in range(9)])
    residual = space[3] * _simpson(np.abs(states[:, -1]), time)
    return residual / float(np.linalg.norm(states[-1])), states, space


def _estimate(matrix: np.ndarray, start: np.ndarray, covector: np.ndarray, time: float, krylov_dim: int) -> float:
    _, states, forward = _samples(matrix, start, time, krylov_dim)
    _, primitive, adjoint = _samples(matrix.T, covector, time, krylov_dim)
    costate = primitive @ adjoint[1].T
    costate[:, 0] += adjoint[2]
    forward_error = forward[3] * _simpson(np.abs(states[:, -1]), time)
    adjoint_error = adjoint[3] * _simpson(np.abs(costate[:, -1]), time)
    residual = forward_error * _simpson(np.linalg.norm(costate, axis=1), time)
    residual += adjoint_error * _simpson(np.linalg.norm(states, axis=1), time)
    points, shares = np.polynomial.legendre.leggauss(24)
    core = np.zeros((krylov_dim + 1,) * 2)
    for point, share in zip(0.5 * time * (points + 1.0), 0.5 * time * shares, strict=True):
        state = point * dense_flow.phi(point * forward[1], forward[2] * np.eye(krylov_dim + 1)[0])
        core += share * np.outer(adjoint[2] * expm((time - point) * adjoint[1])[:, 0], state)
    return float(residual / np.linalg.norm(core))


def check_krylov_method_estimates(package: Any) -> None:
    """The one Krylov space of the Kronecker sum, cut short: the estimate recomputed from its definition."""
    instance = instances()["plane"]
    augmented = instance.time * dense_flow.augmented_matrix(instance.dense, instance.log_likelihood)
    size = augmented.shape[0]
    covector = dense_flow.direction_loss_gradient(exact_tangent("plane"), instance.target).ravel()
    start = np.kron(expm(augmented).T[:, :-1] @ covector, np.eye(size)[-1])
    matrix = np.kron(-augmented.T, np.eye(size)) + np.kron(np.eye(size), augmented)
    for krylov_dim in (6, 9):
        found = _gradient(package, "plane", "krylov", krylov_dim, 1)
        close(found.error_estimate, _samples(matrix, start, 1.0, krylov_dim)[0], 1e-6)


def check_regularized_gradient(package: Any) -> None:
    for name in ("plane", "graph"):
        instance = instances()[name]
        found = _gradient(package, name, "factored", 40, 40, regularization=0.05)
        wanted = exact_gradient(name) + regularizer_gradient(instance.weights, instance.neighbours, 0.05)
        close(plain_weights(instance, found.gradient), wanted, 1e-10)
        penalty = dense_flow.regularizer(instance.weights, instance.neighbours, 0.05)
        close(found.regularizer, penalty, 1e-12)
        assert found.loss == found.flow_loss + found.regularizer


def check_uniform_weights_are_the_default(package: Any) -> None:
    instance = instances()["plane"]
    problem = problem_of(package, instance)
    uniform = package.gradient.loss_gradient(problem, problem.graph.uniform_weights(), truth_of(instance))
    same(package.gradient.loss_gradient(problem, None, truth_of(instance)).gradient, uniform.gradient)
    # Weights of zero are no fault as long as nobody takes their logarithm.
    zero = problem.graph.uniform_weights()
    zero[0, 0] = 0.0
    zero[0, 0, 4] = 1.0
    assert np.isfinite(package.gradient.loss_gradient(problem, zero, truth_of(instance)).gradient).all()


def check_no_flow_no_gradient(package: Any) -> None:
    problem = package.flow.LabelingProblem(np.ones((2, 3, 2)))
    for method in METHODS:
        found = package.gradient.loss_gradient(problem, None, np.zeros((2, 3), dtype=int), method=method)
        assert found.loss == 1.0
        assert not found.gradient.any()
        assert not found.solution.tangent.any()
        assert found.error_estimate == 0.0
    # Distances that differ by one rounding error are equal.
    values = np.ones((2, 3, 2))
    values[..., 1] += 2.0**-52
    for method in METHODS:
        problem = package.flow.LabelingProblem(values)
        found = package.gradient.loss_gradient(problem, None, np.zeros((2, 3), dtype=int), method=method)
        assert found.loss == 1.0
        assert not found.gradient.any()


def check_constant_image(package: Any) -> None:
    """Both spaces are invariant before the dimension asked for."""
    problem = package.flow.LabelingProblem(np.broadcast_to([0.3, 0.1, 0.7], (2, 3, 3)))
    truth = np.array([[0, 2, 1], [2, 2, 0]])
    found = package.gradient.loss_gradient(problem, None, truth, krylov_dim=60, rank=60)
    dense = package.gradient.loss_gradient(problem, None, truth, method="dense")
    close(found.gradient, dense.gradient, 1e-9)
    assert found.solution.krylov_dim <= 2
    # Powers of both were tried first, and are dependent.
    assert found.matvecs == 2 * problem.unknowns + found.solution.krylov_dim + found.krylov_dim


def check_workspace(package: Any) -> None:
    """A workspace is used, reused, and no result refers to it."""
    instance = instances()["plane"]
    problem, gradient = problem_of(package, instance), package.gradient
    packed = problem.graph.check_weights(public(instance, instance.weights))
    cases = (("low-rank", 6, 3, 14), ("factored", 4, 1, 12), ("low-rank", 4, 4, 10), ("low-rank", 1, 1, 4))
    for method, krylov_dim, rank, rows in cases:
        options = gradient.GradientOptions(2.0, method, krylov_dim, rank)
        free = gradient.packed_loss_gradient(problem, packed, truth_of(instance), options)
        room = gradient.gradient_workspace(problem, options)
        assert room.fields.shape == (rows, 3, problem.graph.padded_nodes)
        assert room.forward.shape == room.adjoint.shape == (krylov_dim + 1, 3, problem.graph.padded_nodes)
        assert not np.shares_memory(room.forward, room.adjoint)
        assert room.similarity.shape == (3, problem.graph.padded_nodes)
        for array in (room.fields, room.similarity):
            problem.graph.interior(array)[...] = np.nan
        for _ in range(2):
            found = gradient.packed_loss_gradient(problem, packed, truth_of(instance), options, room)
            close(found.gradient, free.gradient, 1e-13)
            close(found.solution.tangent, free.solution.tangent, 1e-14)  # the same mix, by other calls
            for array in (room.fields, room.similarity):
                assert not np.shares_memory(array, found.packed_gradient)
                assert not np.shares_memory(array, found.solution.packed_tangent)
        assert np.isfinite(problem.graph.interior(room.similarity)).all()
        assert found.matvecs == free.matvecs
    for method in ("krylov", "dense"):
        assert gradient.gradient_workspace(problem, gradient.GradientOptions(2.0, method)) is None
    large = package.low_rank.Workspace.allocate(problem, 500, 700)
    assert large.forward.shape[0] == large.adjoint.shape[0] == problem.unknowns + 1
    assert large.fields.shape[0] == 2 * (problem.unknowns + 2)


def check_options(package: Any) -> None:
    made = package.gradient.GradientOptions(2, "low-rank", 3.0, 3.0, 0)
    assert (made.time, made.krylov_dim, made.rank, made.regularization) == (2.0, 3, 3, 0.0)
    assert [type(v) for v in (made.time, made.krylov_dim, made.rank, made.regularization)] == [float, int, int, float]
    for method in ("factored", "krylov", "dense"):
        package.gradient.GradientOptions(2.0, method, 3, 9)


def check_descent(package: Any) -> None:
    """R_Ω ∂L and Ω exp(-h ∂L), against NumPy."""
    for instance in instances().values():
        graph, inside = graph_of(package, instance), instance.neighbours >= 0
        weights, given = np.where(inside, instance.weights, 0.0), np.random.default_rng(0).random(inside.shape)
        found = package.gradient.riemannian_gradient(graph, public(instance, weights), public(instance, given))
        wanted = weights * (given - (weights * given).sum(axis=1, keepdims=True))
        close(plain_weights(instance, found), np.where(inside, wanted, 0.0), 1e-13)
        moved = package.gradient.exponential_step(graph, public(instance, weights), public(instance, given), 0.7)
        grown = weights * np.exp(-0.7 * given)
        close(plain_weights(instance, moved), grown / grown.sum(axis=1, keepdims=True), 1e-13)


def check_size_limits(package: Any) -> None:
    """The reference methods take problems up to their limits."""
    reference = package.reference
    for unknowns, limit in ((reference.DENSE_LIMIT, 48), (reference.KRYLOV_LIMIT, 1024)):
        assert unknowns == limit
        problem = package.flow.LabelingProblem(np.ones((unknowns // 2, 2)))
        reference._require_size(problem, "dense", unknowns)
        try:
            reference._require_size(problem, "dense", unknowns - 1)
        except reference.ProblemSizeError:
            continue
        raise AssertionError("a problem too large was taken")
