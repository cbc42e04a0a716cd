"""Learning removes the wrong pixels, by every optimiser, and keeps the weights on the simplex."""

import numpy as np
import pytest

from laflow import GridGraph, LabelingProblem, distances_to_colors, learn_weights, solve_flow
from laflow.assignment.learning import SMALLEST_WEIGHT
from laflow.optimizers import MomentOptimizer
from laflow.scenes import voronoi_colors, voronoi_lines
from tests.laflow.problems import as_sparse, make_case


def problem_of(scene):
    return LabelingProblem(distances_to_colors(scene.image, scene.prototypes))


def lines(side, seed=0):
    return voronoi_lines((side, side), np.random.default_rng(seed), 0.3)


def test_eight_noisy_colours_are_learned_to_a_thousandth_within_fifty_steps():
    scene = voronoi_colors((128, 128), np.random.default_rng(1), 0.6)
    problem = problem_of(scene)
    assert 45.0 < problem.wrong_percent(problem.pixelwise_labels(), scene.truth) < 55.0
    learned = learn_weights(problem, scene.truth, steps=25, krylov_dim=6, rank=3)
    assert learned.wrong_percent <= 0.1


def test_thin_lines_are_learned_without_a_single_wrong_pixel():
    scene = lines(128)
    learned = learn_weights(problem_of(scene), scene.truth, steps=40, krylov_dim=6, rank=3)
    assert learned.history[0].wrong_percent > 5.0
    assert learned.wrong_percent == 0.0


@pytest.mark.parametrize("optimizer", ["riemannian", "adam", "adamax"])
def test_every_optimiser_learns_and_stays_on_the_simplex(optimizer):
    scene = lines(32)
    problem = problem_of(scene)
    learned = learn_weights(problem, scene.truth, time=3.0, steps=25, optimizer=optimizer, krylov_dim=5, rank=2)
    assert learned.history[0].wrong_percent > 5.0
    assert learned.wrong_percent <= 0.5
    assert learned.history[-1].loss < 0.5 * learned.history[0].loss
    problem.graph.check_weights(learned.weights, positive=True)


def test_learning_works_on_general_graphs():
    case = make_case((6, 6), 3, time=2.0, seed=3)
    graph, edges = as_sparse(case.graph, case.weights)
    problem = LabelingProblem(case.distances.reshape(-1, 3), graph)
    learned = learn_weights(problem, case.truth.ravel(), weights=edges, time=2.0, steps=15)
    assert learned.history[-1].loss < learned.history[0].loss
    graph.check_weights(learned.weights)


def test_the_result_is_the_best_of_the_history_and_its_solution_belongs_to_its_weights():
    scene = lines(24, seed=2)
    problem = problem_of(scene)
    seen = []
    # Steps far too long: the last weights are not the best.
    learned = learn_weights(problem, scene.truth, steps=12, step_size=60.0, callback=seen.append)
    assert tuple(seen) == learned.history
    assert [step.step for step in seen] == list(range(13))
    assert learned.wrong_percent == min(step.wrong_percent for step in seen)
    again = solve_flow(problem, learned.weights, time=5.0, krylov_dim=8)
    np.testing.assert_allclose(again.tangent, learned.solution.tangent, atol=1e-9 * np.abs(again.tangent).max())
    assert problem.wrong_percent(again.labels, scene.truth) == learned.wrong_percent


def test_weights_never_fall_to_zero_inside_however_long_the_steps():
    scene = lines(16)
    problem = problem_of(scene)
    learned = learn_weights(problem, scene.truth, steps=8, step_size=300.0)
    inside = problem.graph.uniform_weights() > 0
    assert learned.weights[inside].min() >= SMALLEST_WEIGHT
    assert not learned.weights[~inside].any()


def test_weights_in_single_precision_stay_positive_however_long_the_steps():
    scene = lines(16)
    problem = LabelingProblem(
        distances_to_colors(scene.image, scene.prototypes), GridGraph((16, 16), precision="single")
    )
    learned = learn_weights(problem, scene.truth, steps=4, step_size=300.0)
    inside = problem.graph.uniform_weights() > 0
    assert learned.weights[inside].min() > 0.0
    assert not learned.weights[~inside].any()


def test_regularisation_keeps_weights_closer_to_uniform():
    scene = lines(24)
    problem = problem_of(scene)
    spread = [
        np.ptp(learn_weights(problem, scene.truth, steps=15, regularization=tau).weights, axis=-1).mean()
        for tau in (0.0, 1e-3)
    ]
    assert spread[1] < 0.7 * spread[0]


def test_learning_ends_where_the_gradient_is_zero():
    problem = LabelingProblem(np.ones((4, 4, 3)))
    learned = learn_weights(problem, np.zeros((4, 4), dtype=int), steps=10)
    assert len(learned.history) == 1
    np.testing.assert_array_equal(learned.weights, problem.graph.uniform_weights())


@pytest.mark.parametrize("kind", ["adam", "adamax"])
def test_moment_optimisers_do_not_feel_the_size_of_the_gradient(kind):
    gradients = np.random.default_rng(0).standard_normal((5, 7))
    directions = []
    for factor in (1.0, 1e-30):
        optimizer = MomentOptimizer(kind)
        directions.append([optimizer.descend(factor * gradient) for gradient in gradients])
    np.testing.assert_allclose(directions[0], directions[1], rtol=1e-10)
    # The first step of both methods is the sign of the gradient.
    np.testing.assert_allclose(directions[0][0], np.sign(gradients[0]), rtol=1e-6)


@pytest.mark.parametrize("kind", ["adam", "adamax"])
def test_moment_optimisers_find_the_minimum_of_a_badly_scaled_bowl(kind):
    optimizer, point = MomentOptimizer(kind), np.array([1.0, -2.0])
    for step in range(600):
        point = point - 0.1 * 0.99**step * optimizer.descend(np.array([100.0, 0.01]) * point)
    assert np.abs(point).max() < 0.05
