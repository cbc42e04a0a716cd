"""The dense oracle agrees with itself along routes that have little in common, and with closed forms."""

import numpy as np
import pytest

from verify.instances import grid_instance
from verify.oracles import complex_step, dense_flow, finite_differences, neighbourhoods

CASES = [((4,), 4, 1, 1.0), ((2, 3), 2, 1, 5.0), ((3, 3), 2, 2, 20.0), ((2, 2, 2), 2, 1, 5.0)]
INSTANCES = [
    grid_instance(shape, labels, radius=radius, time=time, seed=seed)
    for seed, (shape, labels, radius, time) in enumerate(CASES)
]


def distance_to_quadrature(instance, gradient):
    problem = instance.dense_plain
    difference = np.linalg.norm(gradient - dense_flow.gradient_by_quadrature(*problem))
    return difference / dense_flow.gradient_scale(*problem)


@pytest.mark.parametrize("instance", INSTANCES)
def test_the_kronecker_sum_gives_the_gradient_by_quadrature(instance):
    gradient = dense_flow.gradient_by_kronecker_sum(*instance.dense_plain)
    assert distance_to_quadrature(instance, gradient) <= dense_flow.TOLERANCE


@pytest.mark.parametrize("instance", INSTANCES)
def test_the_complex_step_gives_the_gradient_by_quadrature(instance):
    gradient = complex_step.gradient(
        lambda weights: dense_flow.loss(weights, instance.log_likelihood, instance.target, instance.time),
        instance.dense,
    )
    assert distance_to_quadrature(instance, gradient) <= dense_flow.TOLERANCE


@pytest.mark.parametrize("instance", INSTANCES)
def test_frechet_derivatives_give_the_gradient_by_quadrature(instance):
    problem = (instance.log_likelihood, instance.target, instance.time)
    by_frechet = dense_flow.gradient_by_frechet(instance.dense, instance.neighbours, *problem)
    everywhere = dense_flow.gradient_by_quadrature(instance.dense, *problem)
    outside = everywhere - neighbourhoods.dense_weights(
        neighbourhoods.gather_weights(everywhere, instance.neighbours), instance.neighbours
    )
    dense = neighbourhoods.dense_weights(by_frechet, instance.neighbours) + outside
    assert distance_to_quadrature(instance, dense) <= dense_flow.TOLERANCE


@pytest.mark.parametrize("fault", [1e-3, 1e-6, 1e-9])
def test_a_scaled_gradient_is_told_apart(fault):
    instance = INSTANCES[1]
    gradient = dense_flow.gradient_by_kronecker_sum(*instance.dense_plain)
    assert distance_to_quadrature(instance, gradient * (1.0 + fault)) > dense_flow.TOLERANCE


def test_counting_the_source_differential_twice_is_told_apart():
    """The trap of (3.28a): the augmented form carries df2 already."""
    instance = INSTANCES[1]
    problem = instance.dense_plain
    covector = dense_flow.adjoint_integral(*problem)
    extra = np.zeros_like(instance.dense)
    for node, other in np.ndindex(extra.shape):
        change = np.zeros_like(extra)
        change[node, other] = 1.0
        moved = dense_flow.source_differential(instance.dense, instance.log_likelihood, change)
        extra[node, other] = moved @ covector.reshape(-1)
    wrong = dense_flow.gradient_by_kronecker_sum(*problem) + extra
    assert distance_to_quadrature(instance, wrong) > 1e6 * dense_flow.TOLERANCE


def test_differentials_are_those_of_the_augmented_matrix():
    instance = INSTANCES[1]
    change = np.random.default_rng(5).standard_normal(instance.dense.shape)
    found = complex_step.directional_derivative(
        lambda weights: dense_flow.augmented_matrix(weights, instance.log_likelihood), instance.dense, change
    )
    claimed = dense_flow.augmented_differential(instance.dense, instance.log_likelihood, change)
    assert np.abs(found - claimed).max() <= 1e-14 * np.abs(claimed).max()


def test_the_direction_loss_gradient_is_its_complex_step():
    rng = np.random.default_rng(6)
    tangent, target = rng.standard_normal((2, 5, 3))
    found = complex_step.gradient(lambda v: dense_flow.direction_loss(v, target), tangent)
    claimed = dense_flow.direction_loss_gradient(tangent, target)
    assert np.abs(found - claimed).max() <= 1e-14 * np.abs(claimed).max()


def test_one_node_has_the_closed_solution():
    """I = 1, J = 2, Ω = 1: A has the eigenvalue 2 s (1-s) on T0, so v_T = φ(Tλ) T b."""
    likelihood = np.array([[0.6, -0.6]])
    share = 1.0 / (1.0 + np.exp(-1.2))
    rate = 2.0 * share * (1.0 - share)
    source = 0.5 * (share - 0.5)
    expected = source * np.expm1(3.0 * rate) / rate
    found = dense_flow.final_tangent(np.ones((1, 1)), likelihood, 3.0)
    assert np.allclose(found, [[expected, -expected]], rtol=1e-14, atol=0.0)


def test_the_quadrature_is_exhausted(monkeypatch):
    """More nodes change nothing: the integral is computed to rounding also at T = 20."""
    instance = INSTANCES[2]
    problem = instance.dense_plain
    once = dense_flow.gradient_by_quadrature(*problem)
    monkeypatch.setattr(dense_flow, "_QUADRATURE_NODES", 80)
    again = dense_flow.gradient_by_quadrature(*problem)
    assert np.linalg.norm(once - again) <= dense_flow.TOLERANCE * dense_flow.gradient_scale(*problem)


def test_the_regularizer_vanishes_at_uniform_weights_and_scales_with_its_parameter():
    instance = INSTANCES[1]
    uniform = neighbourhoods.uniform_weights(instance.neighbours)
    assert dense_flow.regularizer(uniform, instance.neighbours, 2.0) <= 1e-28
    one = dense_flow.regularizer(instance.weights, instance.neighbours, 1.0)
    assert np.isclose(dense_flow.regularizer(instance.weights, instance.neighbours, 3.0), 3.0 * one, rtol=1e-15)


def test_finite_differences_of_the_loss_confirm_the_gradient():
    instance = INSTANCES[0]
    problem = (instance.log_likelihood, instance.target, instance.time)
    gradient = dense_flow.gradient_by_kronecker_sum(instance.dense, *problem)
    verdict = finite_differences.check_gradient(
        lambda weights: float(dense_flow.loss(weights, *problem)), instance.dense, gradient, instance.dense
    )
    assert verdict.agrees
    assert verdict.tolerance <= 1e-8
