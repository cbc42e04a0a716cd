"""The labeling problem, its flow and the loss, against the dense oracle."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from verify.battery.problems import (
    close,
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
from verify.oracles.neighbourhoods import dense_weights


def _flat(values: np.ndarray) -> np.ndarray:
    return np.asarray(values).reshape(-1, values.shape[-1])


def check_numbers(package: Any) -> None:
    checks = package.checks
    for given in (3, 3.0, np.float32(3.0), np.int64(3), "3"):
        assert checks.positive_number(given, "x") == 3.0
        assert type(checks.positive_number(given, "x")) is float
        assert checks.non_negative_number(given, "x") == 3.0
        assert type(checks.non_negative_number(given, "x")) is float
        assert checks.whole_number(given, "x") == 3
        assert type(checks.whole_number(given, "x")) is int
    assert checks.non_negative_number(0, "x") == 0.0
    assert checks.positive_number(0.3, "x") == checks.non_negative_number(0.3, "x") == 0.3
    assert checks.whole_number(1, "x") == 1
    assert checks.whole_number(0, "x", least=0) == 0


def check_problem(package: Any) -> None:
    for instance in instances().values():
        problem = problem_of(package, instance)
        graph = graph_of(package, instance)
        close(_flat(graph.unpack_nodes(problem.log_likelihood)), instance.log_likelihood, 1e-14)
        assert problem.labels == instance.labels
        assert problem.unknowns == instance.distances.size
        assert problem.distance_scale == instance.distance_scale
        assert type(problem.distance_scale) is float
        nearest = problem.pixelwise_labels()
        assert nearest.dtype == np.int64
        assert nearest.shape == graph.shape
        same(nearest.ravel(), instance.distances.argmin(axis=1))
        if instance.shape is not None:
            assert problem.graph == graph
    given = problem.graph
    assert package.flow.LabelingProblem(instance.distances, given).graph is given
    default = package.flow.LabelingProblem(np.ones((3, 4, 2)))
    assert default.graph.radius == 1
    assert default.distance_scale == 1.0
    # Distances of zero, and a single node, are no fault.
    assert package.flow.LabelingProblem(np.array([[[0.0, 1.0]]])).labels == 2
    before = np.array([[0.0, 2.0]])
    package.flow.LabelingProblem(before)
    same(before, np.array([[0.0, 2.0]]))


def check_truth(package: Any) -> None:
    problem = package.flow.LabelingProblem(np.ones((2, 3, 3)))
    truth = np.array([[0, 1, 2], [2, 1, 0]])
    same(problem.check_truth(truth), truth)
    same(problem.check_truth(truth.astype(np.uint8)), truth)
    same(problem.check_truth(truth > 1), (truth > 1).astype(np.int64))
    same(problem.check_truth(truth.tolist()), truth)
    assert problem.check_truth(truth) is truth
    assert problem.wrong_percent(truth, truth) == 0.0
    close(problem.wrong_percent([[0, 1, 2], [2, 1, 1]], truth.tolist()), 100.0 / 6.0, 1e-15)
    assert problem.wrong_percent([0, 0], [0, 1]) == 50.0


def check_tangent(package: Any) -> None:
    for name, instance in instances().items():
        problem = problem_of(package, instance)
        weights = public(instance, instance.weights)
        solution = package.flow.solve_flow(problem, weights, time=instance.time, krylov_dim=40)
        exact = exact_tangent(name)
        close(_flat(solution.tangent), exact, 1e-11)
        close(_flat(solution.probabilities), dense_flow.softmax(instance.labels * exact), 1e-11)
        assert solution.labels.dtype == np.int64
        assert solution.labels.shape == problem.graph.shape
        same(solution.labels.ravel(), exact.argmax(axis=1))
        # As many powers as there are unknowns are dependent: the space is built twice.
        tried = min(40, instance.distances.size)
        assert solution.krylov_dim == solution.matvecs - tried <= instance.distances.size
        assert solution.error_estimate <= 1e-10


def check_uniform_flow(package: Any) -> None:
    for instance in instances().values():
        problem = problem_of(package, instance)
        inside = (instance.neighbours >= 0).astype(float)
        dense = dense_weights(inside / inside.sum(axis=1, keepdims=True), instance.neighbours)
        exact = dense_flow.final_tangent(dense, instance.log_likelihood, 5.0)
        close(_flat(package.flow.solve_flow(problem, krylov_dim=40).tangent), exact, 1e-10)
        exact = dense_flow.final_tangent(dense, instance.log_likelihood, 0.5)
        euler = package.flow.euler_flow(problem, time=0.5, steps=400)
        error = np.abs(_flat(euler.tangent) - exact).max() / np.abs(exact).max()
        assert 1e-6 < error < 3e-3


def check_short_space(package: Any) -> None:
    """Dimension asked for, products spent, and the estimate, with a space too small to be exact."""
    instance = instances()["plane"]
    problem = problem_of(package, instance)
    solution = package.flow.solve_flow(problem, public(instance, instance.weights), time=2.0, krylov_dim=3)
    assert solution.krylov_dim == solution.matvecs == 3
    error = np.linalg.norm(_flat(solution.tangent) - exact_tangent("plane")) / np.linalg.norm(exact_tangent("plane"))
    assert 1.0 / 30.0 < solution.error_estimate / error < 30.0


def check_euler(package: Any) -> None:
    for instance in instances().values():
        problem = problem_of(package, instance)
        weights = public(instance, instance.weights)
        solution = package.flow.euler_flow(problem, weights, time=instance.time, steps=7)
        similar = dense_flow.similarity(instance.dense, instance.log_likelihood)
        matrix = dense_flow.system_matrix(instance.dense, similar)
        source = dense_flow.source(similar).ravel()
        tangent = np.zeros(source.size)
        for _ in range(7):
            tangent = tangent + instance.time / 7 * (matrix @ tangent + source)
        close(_flat(solution.tangent).ravel(), tangent, 1e-12)
        assert (solution.krylov_dim, solution.matvecs, solution.error_estimate) == (0, 7, np.inf)


def check_no_flow(package: Any) -> None:
    for labels in (2, 3, 7):
        values = np.random.default_rng(0).random((3, 2, 1))
        problem = package.flow.LabelingProblem(np.repeat(values, labels, axis=-1))
        solution = package.flow.solve_flow(problem, krylov_dim=5)
        assert (solution.krylov_dim, solution.matvecs, solution.error_estimate) == (0, 0, 0.0)
        assert not solution.tangent.any()
        assert not solution.labels.any()
    # Distances that differ by 1e-12 flow, those that differ by one rounding error do not.
    for size, dimension in ((1e-12, True), (2.0**-52, False)):
        values = np.ones((2, 2, 2))
        values[..., 1] += size
        solution = package.flow.solve_flow(package.flow.LabelingProblem(values), krylov_dim=5)
        assert (solution.krylov_dim > 0) == dimension


def check_source_rounding(package: Any) -> None:
    """The source counts as zero up to eight rounding errors of S, root mean square over all unknowns."""
    flow = package.flow
    cases: tuple[tuple[tuple[int, ...], int], ...] = (((1, 1), 2), ((3, 4), 5))
    for shape, labels in cases:
        problem = flow.LabelingProblem(np.ones((*shape, labels)))
        rounding = 8.0 * np.finfo(float).eps / labels**2
        field = problem.graph.zeros_nodes(labels)
        for factor, vanishes in ((0.99, True), (1.01, False)):
            problem.graph.interior(field)[...] = factor * rounding
            found = flow.source_vanishes(field.ravel(), problem)
            assert found is vanishes


def check_target(package: Any) -> None:
    instance = instances()["plane"]
    problem = problem_of(package, instance)
    out = problem.graph.zeros_nodes(instance.labels)
    package.flow.target_into(problem.graph, truth_of(instance), out)
    same(out, problem.graph.pack_nodes(instance.target.reshape(*problem.graph.shape, -1)))


def check_loss(package: Any) -> None:
    objective = package.objective
    for name, instance in instances().items():
        shape = instance.shape or (instance.distances.shape[0],)
        tangent = exact_tangent(name).reshape(*shape, -1)
        found = objective.direction_loss(tangent, truth_of(instance))
        close(found, dense_flow.direction_loss(exact_tangent(name), instance.target), 1e-14)
        assert type(found) is float
        assert objective.direction_loss(tangent.tolist(), truth_of(instance).astype(np.uint8)) == found
    assert objective.direction_loss(np.zeros((2, 3)), np.array([0, 2])) == 1.0
    assert objective.Moments(0.0, 0.0, 1.0).loss == 1.0
    assert objective.Moments(1.0, 4.0, 1.0).loss == 0.5


def check_loss_gradient_in_place(package: Any) -> None:
    objective, graph = package.objective, package.graph.GridGraph((2, 3))
    rng = np.random.default_rng(0)
    tangent, target = rng.standard_normal((2, 6, 3))
    packed = [graph.pack_nodes(values.reshape(2, 3, 3)) for values in (target, tangent)]
    moments = objective.packed_moments(graph, *packed)
    objective.direction_gradient_into(graph, packed[0], packed[1], moments, packed[1])
    found = graph.unpack_nodes(packed[1]).reshape(6, 3)
    close(found, dense_flow.direction_loss_gradient(tangent, target), 1e-13)
    for still in (objective.Moments(0.0, 0.0, 2.0), objective.Moments(0.0, 2.0, 0.0)):
        out = np.full_like(packed[0], 3.0)
        objective.direction_gradient_into(graph, packed[0], graph.zeros_nodes(3), still, out)
        assert not out.any()


def check_regularizer(package: Any) -> None:
    for instance in instances().values():
        graph = graph_of(package, instance)
        weights = public(instance, instance.weights)
        found = package.objective.regularizer(graph, weights, 0.3)
        close(found, dense_flow.regularizer(instance.weights, instance.neighbours, 0.3), 1e-13)
        assert package.objective.regularizer(graph, weights, 0) == 0.0
        packed = graph.check_weights(weights)
        gradient = np.ones_like(packed)
        package.objective.add_regularizer_gradient(graph, packed, 0.3, gradient)
        added = plain_weights(instance, graph.unpack_weights(gradient - graph.inside))
        close(added, regularizer_gradient(instance.weights, instance.neighbours, 0.3) + _outside(instance), 1e-12)


def _outside(instance: Any) -> np.ndarray:
    """What `check_regularizer` leaves outside of a grid: the ones that it began with."""
    return (instance.neighbours < 0).astype(float) if instance.shape is not None else np.zeros(instance.weights.shape)


def regularizer_gradient(weights: np.ndarray, neighbours: np.ndarray, tau: float) -> np.ndarray:
    """τ (Π0 log Ω_i) / Ω_i, (I, K)."""
    found = np.zeros(weights.shape)
    for node, inside in enumerate(neighbours >= 0):
        logarithm = np.log(weights[node, inside])
        found[node, inside] = tau * (logarithm - logarithm.mean()) / weights[node, inside]
    return found


DEFAULTS: dict[str, dict[str, Any]] = {
    "flow.solve_flow": {"weights": None, "time": 5.0, "krylov_dim": 10},
    "flow.euler_flow": {"weights": None, "time": 5.0, "steps": 100},
    "gradient.GradientOptions": {
        "time": 5.0,
        "method": "low-rank",
        "krylov_dim": 8,
        "rank": 4,
        "regularization": 0.0,
    },
    "learning.learn_weights": {"time": 5.0, "steps": 50, "step_size": None, "krylov_dim": 8, "rank": 4},
    "predictor.initial_predictor": {"prototypes": 50, "feature_radius": 1, "radius": 1, "strength": 2.0},
    "training.train_predictor": {
        "validation_fraction": 0.25,
        "prototypes": 50,
        "feature_radius": 1,
        "radius": 1,
        "time": 3.0,
        "distance_scale": 1.0,
        "krylov_dim": 6,
        "rank": 3,
        "regularization": 0.0,
        "steps": 100,
        "step_size": 0.3,
        "validate_every": 5,
        "patience": 8,
        "augment": True,
    },
    "gradient.loss_gradient": {"time": 5.0, "method": "low-rank", "krylov_dim": 8, "rank": 4, "regularization": 0.0},
}


def check_defaults(package: Any) -> None:
    for name, wanted in DEFAULTS.items():
        module, function = name.split(".")
        parameters = inspect.signature(getattr(getattr(package, module), function)).parameters
        assert {key: parameters[key].default for key in wanted} == wanted
