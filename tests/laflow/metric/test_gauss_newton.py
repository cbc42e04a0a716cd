"""Steps of second order: the systems they solve, what they refuse, and that they train."""

import numpy as np
import pytest

from laflow.metric.learning import gauss_newton
from laflow.metric.learning.gauss_newton import Damping, gauss_newton_step
from laflow.metric.learning.limited_memory import Memory, begin, limited_memory_step
from laflow.metric.learning.objective import Loss, MetricObjective
from laflow.metric.model.phi_model import PhiModel
from tests.laflow.metric.surfaces import sampled


@pytest.fixture(name="problem")
def made():
    sample = sampled("fermat", 2, 400)
    model = PhiModel.fresh(sample, np.random.default_rng(0), width=8)
    return model.parameters, MetricObjective(model.network, model.prepare(sample, np.float64))


def test_the_kernel_s_step_is_that_of_the_normal_equations(problem):
    parameters, objective = problem
    few = objective.first(40)
    normal, kernel = gauss_newton._NormalSystem(few, parameters), gauss_newton._KernelSystem(few, parameters)
    assert normal.loss == kernel.loss
    first, second = normal.solve(1e-2), kernel.solve(1e-2)
    # (JᵀJ + λ)⁻¹Jᵀ = Jᵀ(JJᵀ + λ)⁻¹, conditioned by 1/λ relative.
    np.testing.assert_allclose(first, second, atol=1e-9 * np.abs(first).max())
    assert normal.predicted(first) == pytest.approx(kernel.predicted(second), rel=1e-8)


def test_the_step_minimises_the_damped_linear_model(problem):
    parameters, objective = problem
    system = gauss_newton._NormalSystem(objective, parameters)
    rows = objective.rows(parameters)
    size = np.trace(rows.jacobian.T @ rows.jacobian) / parameters.size
    change = system.solve(1e-3)
    slope = rows.jacobian.T @ (rows.residual + rows.jacobian @ change) + 1e-3 * size * change
    assert np.abs(slope).max() <= 1e-10 * np.abs(rows.jacobian.T @ rows.residual).max()
    left = rows.residual + rows.jacobian @ change
    assert system.predicted(change) == pytest.approx(system.loss.value - left @ left, rel=1e-9)


@pytest.mark.parametrize("kernel", [False, True])
def test_steps_lower_the_loss_and_keep_the_metric_positive(problem, kernel, monkeypatch):
    parameters, objective = problem
    if kernel:
        monkeypatch.setattr(gauss_newton, "MOST_PARAMETERS", 10)
        monkeypatch.setattr(gauss_newton, "KERNEL_POINTS", 80)
    damping, rng = Damping(points=200), np.random.default_rng(0)
    before = objective.loss(parameters).value
    for _ in range(12):
        step = gauss_newton_step(objective, parameters, damping, rng)
        parameters, damping = step.parameters, step.damping
        assert step.loss.sound
    after = objective.loss(parameters)
    assert after.sound
    assert after.value < before / 30
    if not kernel:
        assert damping.points == len(objective.data)


def test_a_step_that_does_not_lower_the_loss_is_refused_and_the_damping_raised(problem, monkeypatch):
    parameters, objective = problem
    solve = gauss_newton._NormalSystem.solve
    monkeypatch.setattr(gauss_newton._NormalSystem, "solve", lambda self, damping: -solve(self, damping))
    step = gauss_newton_step(objective, parameters, Damping(points=400), np.random.default_rng(0))
    assert not step.moved
    assert step.parameters is parameters
    assert step.damping.value == pytest.approx(Damping().value * 5.0**gauss_newton.ATTEMPTS)


@pytest.mark.parametrize("kernel", [False, True])
def test_a_step_to_where_there_is_no_metric_is_refused_however_low_its_loss(problem, kernel, monkeypatch):
    parameters, objective = problem
    if kernel:
        monkeypatch.setattr(gauss_newton, "MOST_PARAMETERS", 10)
    judged, losses = MetricObjective.loss, [Loss(1e-9, 1e-9, False), Loss(1e-9, 1e-9, False)]

    def losing(self, where):
        return losses.pop() if losses else judged(self, where)

    monkeypatch.setattr(MetricObjective, "loss", losing)
    # After two refusals, the damping is raised by 25 before a step is taken, and then lowered or kept.
    step = gauss_newton_step(objective, parameters, Damping(points=400), np.random.default_rng(0))
    assert step.moved
    assert step.loss.sound
    assert step.damping.value >= 0.2 * 25 * Damping().value * (1.0 - 1e-12)


def test_the_kernel_is_that_of_points_drawn_anew_for_each_step(problem, monkeypatch):
    parameters, objective = problem
    monkeypatch.setattr(gauss_newton, "MOST_PARAMETERS", 10)
    monkeypatch.setattr(gauss_newton, "KERNEL_POINTS", 80)
    seen, system = [], gauss_newton._KernelSystem

    def watching(drawn, at):
        seen.append(drawn.data.target)
        return system(drawn, at)

    monkeypatch.setattr(gauss_newton, "_KernelSystem", watching)
    rng = np.random.default_rng(0)
    for _ in range(20):
        gauss_newton_step(objective, parameters, Damping(), rng)
    assert {target.size for target in seen} == {80}
    assert all(np.unique(target).size == 80 for target in seen)
    assert not np.isin(seen[0], seen[1]).all()
    # 20 draws of a fifth of the points miss one of them with a chance of 0.8^20 = 1.2 %.
    drawn = np.unique(np.concatenate(seen)).size
    assert drawn >= 0.95 * len(objective.data)


def test_a_system_that_rounding_makes_indefinite_is_damped_more(problem, monkeypatch):
    parameters, objective = problem
    tried = []
    solved = gauss_newton._solved

    def refusing(matrix, vector):
        tried.append(matrix[0, 0])
        return None if len(tried) < 3 else solved(matrix, vector)

    monkeypatch.setattr(gauss_newton, "_solved", refusing)
    assert gauss_newton_step(objective, parameters, Damping(points=400), np.random.default_rng(0)).moved
    assert tried[0] < tried[1] < tried[2]


def test_the_limited_memory_direction_is_newton_s_on_a_quadratic_it_has_learned():
    rng = np.random.default_rng(0)
    basis = rng.normal(size=(4, 4))
    hessian = basis @ basis.T + np.eye(4)
    memory = Memory.empty(4)
    conjugate = np.linalg.inv(np.linalg.cholesky(hessian)).T  # columns s with <s, H s'> = 0
    for step in conjugate.T:
        memory = memory.remembering(step, hessian @ step)
    gradient = rng.normal(size=4)
    np.testing.assert_allclose(memory.direction(gradient), -np.linalg.solve(hessian, gradient), rtol=1e-10)
    assert memory.remembering(conjugate[:, 0], -conjugate[:, 0]) is memory


def test_limited_memory_steps_lower_the_loss(problem):
    parameters, objective = problem
    at = begin(objective, parameters)
    for _ in range(30):
        after = limited_memory_step(objective, at)
        assert after.loss.value <= at.loss.value
        at = after
    assert at.loss.value < objective.loss(parameters).value / 20
    assert at.loss.sound


def test_the_two_loops_apply_the_inverse_of_bfgs():
    rng = np.random.default_rng(1)
    memory = Memory.empty(6)
    pairs = [(step, step * rng.uniform(0.5, 2.0, 6)) for step in rng.normal(size=(3, 6))]
    for step, change in pairs:
        memory = memory.remembering(step, change)
    last_step, last_change = pairs[-1]
    inverse = np.eye(6) * (last_step @ last_change) / (last_change @ last_change)
    for step, change in pairs:  # Nocedal & Wright, Eq. (6.17)
        left = np.eye(6) - np.outer(step, change) / (step @ change)
        inverse = left @ inverse @ left.T + np.outer(step, step) / (step @ change)
    gradient = rng.normal(size=6)
    np.testing.assert_allclose(memory.direction(gradient), -inverse @ gradient, rtol=1e-10)
