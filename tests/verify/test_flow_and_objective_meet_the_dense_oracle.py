"""Tangent, assignment, regulariser and descent steps of laflow are those of the dense oracle."""

import numpy as np
import pytest
from hypothesis import given, settings

import laflow
from verify import bridge
from verify.instances import Instance, grid_instance
from verify.oracles import complex_step, dense_flow
from verify.strategies import instances

EPSILON = float(np.finfo(np.float64).eps)
ROUNDINGS = 300.0


@given(instance=instances(unknowns=60))
@settings(max_examples=100, deadline=None)
def test_the_tangent_at_time_t_is_the_dense_one(instance):
    """Tested on V_T itself: a factor of T too many would leave every label as it is.

    The error of an exponential is relative to e^{T‖A‖}, and that of b to 1/J: S is known to rounding only.
    """
    size = instance.distances.size
    solution = laflow.solve_flow(
        bridge.labeling_problem(instance),
        bridge.public_weights(instance),
        time=instance.time,
        krylov_dim=size,
    )
    dense, log_likelihood, _, time = instance.dense_plain
    exact = dense_flow.final_tangent(dense, log_likelihood, time)
    similar = dense_flow.similarity(dense, log_likelihood)
    growth = np.exp(time * np.linalg.norm(dense_flow.system_matrix(dense, similar), 2))
    input_error = 1.0 + np.abs(log_likelihood).max()
    tolerance = ROUNDINGS * EPSILON * (np.linalg.norm(exact) + time * growth * input_error / instance.labels)
    assert np.linalg.norm(solution.tangent.reshape(exact.shape) - exact) <= tolerance


@given(instance=instances(unknowns=60))
@settings(max_examples=50, deadline=None)
def test_the_assignment_lies_on_the_simplex_and_names_the_labels(instance):
    solution = laflow.solve_flow(bridge.labeling_problem(instance), bridge.public_weights(instance), time=instance.time)
    probabilities = solution.probabilities
    assert np.all(probabilities >= 0.0)
    assert np.allclose(probabilities.sum(axis=-1), 1.0, rtol=0.0, atol=1e-14 * instance.labels)
    best = np.take_along_axis(solution.tangent, solution.labels[..., None], axis=-1)[..., 0]
    assert np.all(best == solution.tangent.max(axis=-1))


@given(instance=instances(unknowns=60))
@settings(max_examples=50, deadline=None)
def test_the_regularizer_and_its_gradient_are_the_dense_ones(instance):
    """Exact up to the rounding of logarithms (40 log 2 at most) and of the division by tiny weights."""
    tau = 0.7
    problem = bridge.labeling_problem(instance)
    value = laflow.regularizer(problem.graph, bridge.public_weights(instance), tau)
    exact = float(dense_flow.regularizer(instance.weights, instance.neighbours, tau))
    # ‖Π0 log ω‖² is a sum of squares of differences of logarithms of size up to 28.
    absolute = ROUNDINGS * EPSILON * 28.0**2 * instance.weights.size
    assert value == pytest.approx(exact, rel=1e-13, abs=absolute)
    without, _ = bridge.gradient(instance)
    with_penalty, result = bridge.gradient(instance, regularization=tau)
    inside = instance.neighbours >= 0
    exact_gradient = np.zeros_like(instance.weights)
    for row, mask in enumerate(inside):
        logarithm = np.log(instance.weights[row, mask])
        exact_gradient[row, mask] = tau * (logarithm - logarithm.mean()) / instance.weights[row, mask]
    scale = np.where(inside, tau * 28.0 / np.where(inside, instance.weights, 1.0), 0.0) + np.abs(without)
    assert np.all(np.abs(with_penalty - without - exact_gradient) <= ROUNDINGS * EPSILON * scale)
    assert result.regularizer == pytest.approx(exact, rel=1e-13, abs=absolute)
    assert result.loss == result.flow_loss + result.regularizer


def test_the_oracles_regularizer_gradient_is_its_complex_step():
    """The formula typed above, checked: dR(Ω)Y = τ Σ <Π0 log Ω_i, Y_i/Ω_i>."""
    instance = grid_instance((3, 4), 2, seed=2)
    gradient = complex_step.gradient(
        lambda weights: dense_flow.regularizer(weights, instance.neighbours, 0.7),
        np.where(instance.neighbours >= 0, instance.weights, 1.0),
    )
    without, _ = bridge.gradient(instance)
    with_penalty, _ = bridge.gradient(instance, regularization=0.7)
    assert np.allclose(with_penalty - without, gradient, rtol=1e-11, atol=1e-12)


@given(instance=instances(unknowns=60))
@settings(max_examples=50, deadline=None)
def test_descent_moves_along_the_replicated_gradient_and_stays_on_the_simplex(instance):
    problem, weights = bridge.labeling_problem(instance), bridge.public_weights(instance)
    rng = np.random.default_rng(0)
    inside = instance.neighbours >= 0
    euclidean = np.where(inside, rng.standard_normal(inside.shape), 0.0)
    public = euclidean[inside] if instance.shape is None else euclidean.reshape(weights.shape)
    riemannian = bridge.plain_weights(instance, laflow.riemannian_gradient(problem.graph, weights, public))
    exact = np.array([dense_flow.replicator(p) @ g for p, g in zip(instance.weights, euclidean, strict=True)])
    assert np.abs(riemannian - exact).max() <= 50.0 * EPSILON * np.abs(euclidean).max()

    stepped = bridge.plain_weights(instance, laflow.exponential_step(problem.graph, weights, public, 0.3))
    powers = instance.weights * np.exp(-0.3 * euclidean)
    expected = powers / powers.sum(axis=1, keepdims=True)
    assert np.all(np.abs(stepped - expected) <= 100.0 * EPSILON * expected)
    assert np.all(stepped[~inside] == 0.0)


def test_euler_steps_of_laflow_are_those_of_the_matrix():
    instance = grid_instance((3, 4), 3, time=2.0, seed=3)
    similar = dense_flow.similarity(instance.dense, instance.log_likelihood)
    matrix = dense_flow.system_matrix(instance.dense, similar)
    source = dense_flow.source(similar).reshape(-1)
    tangent = np.zeros_like(source)
    for _ in range(16):
        tangent = tangent + 0.125 * (matrix @ tangent + source)
    found = laflow.euler_flow(bridge.labeling_problem(instance), bridge.public_weights(instance), time=2.0, steps=16)
    assert np.allclose(found.tangent.reshape(-1), tangent, rtol=0.0, atol=1e-14 * np.abs(tangent).max() * 16)


def test_a_constant_image_exhausts_its_krylov_space_at_once():
    """On it every field is constant: the space has few dimensions, and the solution is exact."""
    base = grid_instance((4, 5), 3, time=5.0, seed=4)
    instance = Instance(**{**vars(base), "distances": np.tile(base.distances[:1], (20, 1))})
    solution = laflow.solve_flow(
        bridge.labeling_problem(instance), bridge.public_weights(instance), time=5.0, krylov_dim=30
    )
    assert solution.krylov_dim <= 3
    exact = dense_flow.final_tangent(instance.dense, instance.log_likelihood, 5.0)
    assert np.allclose(solution.tangent.reshape(exact.shape), exact, rtol=1e-12, atol=0.0)
