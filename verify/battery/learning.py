"""Learning step by step, against descent written anew in NumPy with gradients by quadrature."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from verify.battery.flow import regularizer_gradient
from verify.battery.problems import (
    close,
    graph_of,
    instances,
    problem_of,
    public,
    quadrature_gradient,
    same,
    truth_of,
)
from verify.bridge import plain_weights
from verify.instances import Instance
from verify.oracles import dense_flow
from verify.oracles.neighbourhoods import dense_weights, uniform_weights

SIZES = {"riemannian": 1.0, "adam": 0.2, "adamax": 0.2}
STEPS = 3


def _step(weights: np.ndarray, direction: np.ndarray, size: float) -> np.ndarray:
    grown = weights * np.exp(-size * direction)
    return grown / grown.sum(axis=1, keepdims=True)


def _riemannian(weights: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    return weights * (gradient - (weights * gradient).sum(axis=1, keepdims=True))


class Moments:
    """Adam and AdaMax as published, with the regularising constant relative to the largest entry."""

    def __init__(self, kind: str) -> None:
        self.kind, self.steps = kind, 0
        self.first: Any = 0.0
        self.second: Any = 0.0

    def direction(self, gradient: np.ndarray) -> np.ndarray:
        self.steps += 1
        self.first = 0.9 * self.first + 0.1 * gradient
        if self.kind == "adam":
            self.second = 0.999 * self.second + 0.001 * gradient**2
            size = (self.second / (1.0 - 0.999**self.steps)) ** 0.5
        else:
            self.second = np.maximum(0.999 * self.second, np.abs(gradient))
            size = self.second
        found: np.ndarray = self.first / (1.0 - 0.9**self.steps) / (size + 1e-8 * np.max(size))
        return found


Trajectory = list[tuple[float, float, float, np.ndarray]]


@cache
def _trajectory(name: str, optimizer: str, size: float, tau: float, uniform: bool, time: float) -> Trajectory:
    """Loss, loss of the flow, wrong percent and weights before every step, and after the last."""
    instance = instances()[name]
    inside = instance.neighbours >= 0
    weights = uniform_weights(instance.neighbours) if uniform else np.where(inside, instance.weights, 0.0)
    moments, found = Moments(optimizer), []
    for _ in range(STEPS + 1):
        found.append((*_values(instance, weights, tau, time), weights))
        moved = Instance(**{**vars(instance), "time": time})
        gradient = quadrature_gradient(moved, weights) * inside
        if tau:
            gradient = gradient + regularizer_gradient(weights, instance.neighbours, tau)
        if optimizer == "riemannian":
            direction = gradient / np.abs(gradient).max()
        else:
            direction = moments.direction(_riemannian(weights, gradient))
        weights = _step(weights, direction, size)
    return found


def _values(instance: Instance, weights: np.ndarray, tau: float, time: float) -> tuple[float, float, float]:
    tangent = dense_flow.final_tangent(dense_weights(weights, instance.neighbours), instance.log_likelihood, time)
    flow_loss = float(dense_flow.direction_loss(tangent, instance.target))
    penalty = float(dense_flow.regularizer(weights, instance.neighbours, tau)) if tau else 0.0
    wrong = 100.0 * float(np.mean(tangent.argmax(axis=1) != instance.truth))
    return flow_loss + penalty, flow_loss, wrong


def _check(package: Any, name: str, optimizer: str, size: float | None, tau: float, uniform: bool) -> None:
    instance = instances()[name]
    seen: list[Any] = []
    learned = package.learning.learn_weights(
        problem_of(package, instance),
        truth_of(instance),
        weights=None if uniform else public(instance, instance.weights),
        time=instance.time,
        steps=STEPS,
        step_size=size,
        optimizer=optimizer,
        regularization=tau,
        method="factored",
        krylov_dim=30,
        callback=seen.append,
    )
    wanted = _trajectory(name, optimizer, size or SIZES[optimizer], tau, uniform, instance.time)
    assert tuple(seen) == learned.history
    assert [entry.step for entry in seen] == list(range(STEPS + 1))
    for entry, (loss, flow_loss, wrong, _) in zip(seen, wanted, strict=True):
        close([entry.loss, entry.flow_loss], [loss, flow_loss], 1e-8)
        close(entry.wrong_percent, wrong, 1e-12)
    best = min(range(STEPS + 1), key=lambda k: (wanted[k][2], wanted[k][0]))
    assert learned.best_step == best
    close(plain_weights(instance, learned.weights), wanted[best][3], 1e-7)
    close(learned.wrong_percent, wanted[best][2], 1e-12)
    again = package.flow.solve_flow(problem_of(package, instance), learned.weights, time=instance.time, krylov_dim=30)
    close(learned.solution.tangent, again.tangent, 1e-9)


def check_moment_directions(package: Any) -> None:
    gradients = np.random.default_rng(0).standard_normal((5, 7))
    for kind in ("adam", "adamax"):
        for factor in (1.0, 1e-30):
            optimizer, wanted = package.optimizers.MomentOptimizer(kind), Moments(kind)
            for gradient in factor * gradients:
                before = gradient.copy()
                close(optimizer.descend(gradient), wanted.direction(gradient), 1e-13)
                same(gradient, before)
        optimizer = package.optimizers.MomentOptimizer(kind)
        assert not optimizer.descend(np.zeros(3)).any()
        assert optimizer.descend(np.zeros(3)).shape == (3,)
        assert package.optimizers.MomentOptimizer(kind).descend(np.zeros((0, 2))).shape == (0, 2)
        # An entry of nothing beside others: its direction is 0, not 0/0.
        close(package.optimizers.MomentOptimizer(kind).descend(np.array([0.0, 2.0])), [0.0, 1.0], 1e-7)
    assert package.optimizers.MomentOptimizer().kind == "adam"


def check_better(package: Any) -> None:
    step = package.learning.LearningStep
    assert step(0, 1.0, 1.0, 2.0).better_than(step(1, 0.5, 0.5, 3.0))
    assert step(0, 0.4, 1.0, 3.0).better_than(step(1, 0.5, 0.5, 3.0))
    assert not step(0, 0.5, 0.5, 3.0).better_than(step(1, 0.5, 0.5, 3.0))


def check_riemannian_learning(package: Any) -> None:
    _check(package, "plane", "riemannian", None, 0.0, True)
    _check(package, "graph", "riemannian", 0.5, 0.05, False)
    _check(package, "plane", "riemannian", 30.0, 0.0, False)


def check_adam_learning(package: Any) -> None:
    _check(package, "plane", "adam", None, 0.0, True)
    _check(package, "graph", "adam", 0.1, 0.02, False)


def check_adamax_learning(package: Any) -> None:
    _check(package, "graph", "adamax", None, 0.0, True)
    _check(package, "plane", "adamax", 0.1, 0.02, False)


def check_learning_defaults(package: Any) -> None:
    """The defaults are what they are said to be: the low-rank gradient, time 5, 50 steps."""
    learning, instance = package.learning, instances()["plane"]
    problem, truth = problem_of(package, instance), truth_of(instance)
    wanted = learning.learn_weights(
        problem, truth, time=5.0, steps=2, step_size=1.0, method="low-rank", krylov_dim=8, rank=4
    )
    same(learning.learn_weights(problem, truth, steps=2).weights, wanted.weights)
    assert len(learning.learn_weights(problem, truth, steps=1).history) == 2


def check_learning_ends_without_a_gradient(package: Any) -> None:
    problem = package.flow.LabelingProblem(np.ones((3, 2, 3)))
    for optimizer in SIZES:
        learned = package.learning.learn_weights(problem, np.zeros((3, 2), int), steps=4, optimizer=optimizer)
        assert len(learned.history) == 1
        assert learned.best_step == 0
        same(learned.weights, problem.graph.uniform_weights())


def check_scaled_gradient(package: Any) -> None:
    for values in ([3.0, -1.0], [1.0, -4.0], [-2.0, -1.0], [2.0, 1.0]):
        given = np.array(values)
        found = package.learning._scaled(given)
        assert found is given  # no memory of its own
        close(found, np.array(values) / np.abs(values).max(), 1e-15)
    assert package.learning._scaled(np.zeros(3)) is None


def check_weights_stay_positive(package: Any) -> None:
    instance = instances()["plane"]
    graph = graph_of(package, instance)
    direction = np.random.default_rng(0).standard_normal(graph.inside.shape)
    moved = package.learning._step(graph, graph.packed_uniform_weights(), direction, 1e4)
    assert moved[graph.inside > 0].min() == package.learning.SMALLEST_WEIGHT == 1e-100
    assert not moved[graph.inside == 0].any()
    close(graph.unpack_weights(moved).sum(axis=-1), np.ones(instance.shape), 1e-12)
