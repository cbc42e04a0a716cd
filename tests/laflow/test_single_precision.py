"""Single precision on request: half the memory, sums over the image in double precision, errors of its rounding."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import laflow
from laflow import scenes
from laflow.errors import ValueRangeError

ROUNDING = float(np.finfo(np.float32).eps)


def random_problem(shape, labels, seed):
    rng = np.random.default_rng(seed)
    distances, truth = rng.random((*shape, labels)), rng.integers(0, labels, shape)
    return [laflow.LabelingProblem(distances, precision=p) for p in ("double", "single")], truth


@settings(max_examples=25)
@given(
    shape=st.tuples(st.integers(2, 7), st.integers(2, 7)),
    labels=st.integers(2, 5),
    seed=st.integers(0, 10**6),
)
def test_gradients_differ_from_those_in_double_precision_by_rounding(shape, labels, seed):
    # Twelve dimensions: nothing but rounding is left.
    problems, truth = random_problem(shape, labels, seed)
    double, single = (
        laflow.loss_gradient(problem, None, truth, time=3.0, method="factored", krylov_dim=12) for problem in problems
    )
    assert single.gradient.dtype == np.float32
    # The loss only sees directions: dividing by |V| loses what the flow is shorter than 1. Where the loss is at its
    # least the gradient cancels: rounding is relative to what cancels, which is of order 1.
    scale = max(1.0, float(np.linalg.norm(double.gradient)))
    lost = max(1.0, 1.0 / float(np.linalg.norm(double.solution.tangent)))
    assert np.linalg.norm(single.gradient - double.gradient) <= 300 * ROUNDING * scale * lost
    assert abs(single.loss - double.loss) <= 100 * ROUNDING * lost


def test_every_array_of_a_problem_has_the_precision_asked_for():
    (double, single), truth = random_problem((5, 4), 3, 0)
    assert (double.log_likelihood.dtype, single.log_likelihood.dtype) == (np.float64, np.float32)
    found = laflow.solve_flow(single)
    assert found.tangent.dtype == found.probabilities.dtype == np.float32
    np.testing.assert_allclose(found.probabilities.sum(axis=-1), 1.0, rtol=1e-6)
    assert laflow.learn_weights(single, truth, steps=2).weights.dtype == np.float32


def test_general_graphs_have_it_too():
    indptr, indices = np.array([0, 2, 4, 6]), np.array([0, 1, 1, 2, 2, 0])
    distances, truth = np.random.default_rng(0).random((3, 3)), np.array([0, 2, 1])
    found = [
        laflow.loss_gradient(
            laflow.LabelingProblem(distances, laflow.SparseGraph(indptr, indices, precision)), None, truth, time=2.0
        ).gradient
        for precision in ("double", "single")
    ]
    assert found[1].dtype == np.float32
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4, atol=100 * ROUNDING * np.abs(found[0]).max())


def test_learning_in_single_precision_labels_as_learning_in_double_precision_does():
    rng = np.random.default_rng(1)
    scene = scenes.voronoi_lines((24, 24), rng=rng, noise=0.2)
    distances = laflow.distances_to_colors(scene.image, scene.prototypes)
    wrong = [
        laflow.learn_weights(laflow.LabelingProblem(distances, precision=p), scene.truth, steps=15).wrong_percent
        for p in ("double", "single")
    ]
    assert wrong[1] <= wrong[0] + 1.0


@pytest.mark.parametrize(
    "make", [lambda p: laflow.GridGraph((3, 3), 1, p), lambda p: laflow.SparseGraph([0, 1], [0], p)]
)
def test_another_precision_is_refused(make):
    with pytest.raises(ValueRangeError, match="the precision is 'half': choose one of double, single"):
        make("half")
