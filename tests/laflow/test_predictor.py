"""The predictor's gradient is a derivative, and what it learns helps on images that it has not seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laflow import (
    GridGraph,
    LabelingModel,
    WeightPredictor,
    initial_predictor,
    predict_weights,
    train_predictor,
)
from laflow.assignment.predictor import packed_prediction, pull_back
from laflow.scenes import voronoi_colors, voronoi_lines
from tests.laflow.problems import grid_edges


def random_predictor(rng, channels=2, prototypes=4, dimensions=2, feature_radius=1, radius=1):
    features = channels * (2 * feature_radius + 1) ** dimensions
    directions = rng.standard_normal((prototypes, (2 * radius + 1) ** dimensions))
    return WeightPredictor(rng.random((prototypes, features)), directions, 1.3, feature_radius, radius, dimensions)


def plain_prediction(predictor, image):
    """Eqs. (4.3)-(4.4) by loops over pixels."""
    grid = GridGraph(image.shape[:-1], predictor.radius)
    around = GridGraph(image.shape[:-1], predictor.feature_radius)
    node, position, _ = grid_edges(grid)
    weights = np.zeros((grid.nodes, grid.neighbours))
    for number, place in enumerate(np.ndindex(*grid.shape)):
        patch = []
        for step in around.displacements:
            inside = [min(max(a + b, 0), side - 1) for a, b, side in zip(place, step, grid.shape, strict=True)]
            patch.extend(image[tuple(inside)])
        similar = np.exp(-predictor.scale * np.linalg.norm(predictor.prototypes - np.array(patch), axis=1))
        tangent = similar @ predictor.directions / similar.sum()
        allowed = position[node == number]
        lifted = np.exp(tangent[allowed])
        weights[number, allowed] = lifted / lifted.sum()
    return weights.reshape(grid.weights_shape)


@pytest.mark.parametrize(("shape", "feature_radius", "radius"), [((4, 5), 1, 1), ((7,), 2, 1), ((3, 4), 1, 2)])
def test_predictions_are_those_of_the_formula(shape, feature_radius, radius):
    rng = np.random.default_rng(1)
    predictor = random_predictor(rng, dimensions=len(shape), feature_radius=feature_radius, radius=radius)
    image = rng.random((*shape, 2))
    np.testing.assert_allclose(predict_weights(predictor, image), plain_prediction(predictor, image), atol=1e-14)


def test_predicted_weights_are_weights_and_zero_directions_predict_uniform_ones():
    rng = np.random.default_rng(2)
    predictor, image = random_predictor(rng), rng.random((6, 5, 2))
    grid = GridGraph((6, 5))
    grid.check_weights(predict_weights(predictor, image), positive=True)
    uniform = predict_weights(predictor.with_uniform_weights(), image)
    np.testing.assert_allclose(uniform, grid.uniform_weights(), atol=1e-15)


@given(st.integers(0, 10**6))
def test_the_pulled_back_gradient_is_a_derivative(seed):
    rng = np.random.default_rng(seed)
    predictor, image = random_predictor(rng), rng.random((4, 5, 2))
    graph, features = predictor.features(image)
    membership, weights = packed_prediction(predictor, graph, features)
    covector = graph.pack_weights(rng.standard_normal(graph.weights_shape))
    gradient = pull_back(predictor, graph, features, membership, weights, covector)

    def value(prototypes, directions, scale):
        moved = WeightPredictor(prototypes, directions, scale)
        return float(np.sum(covector * packed_prediction(moved, graph, features)[1]))

    step = 1e-6
    for name in ("prototypes", "directions", "scale"):
        parameters = {
            "prototypes": predictor.prototypes,
            "directions": predictor.directions,
            "scale": predictor.scale,
        }
        move = rng.standard_normal(np.shape(parameters[name]))
        ends = []
        for sign in (1.0, -1.0):
            ends.append(value(**{**parameters, name: parameters[name] + sign * step * move}))
        slope = float(np.sum(np.asarray(getattr(gradient, name)) * move))
        # Rounding 1e-16 * 20 pixels over the step, and its square.
        assert slope == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8, rel=1e-6)


def test_a_feature_that_equals_a_prototype_has_a_finite_gradient():
    rng = np.random.default_rng(3)
    image = np.full((3, 3, 1), 0.5)
    predictor = WeightPredictor(np.vstack([np.full(9, 0.5), rng.random(9)]), rng.standard_normal((2, 9)), 1.0)
    graph, features = predictor.features(image)
    membership, weights = packed_prediction(predictor, graph, features)
    covector = graph.pack_weights(rng.standard_normal(graph.weights_shape))
    gradient = pull_back(predictor, graph, features, membership, weights, covector)
    assert np.isfinite(gradient.prototypes).all()
    assert np.isfinite(gradient.directions).all()
    assert np.isfinite(gradient.scale)


def test_the_first_directions_point_to_neighbours_with_the_label_of_the_centre():
    # Left half label 0, right half label 1: at the edge, a pixel should listen to its own side.
    truth = np.zeros((8, 8), dtype=int)
    truth[:, 4:] = 1
    image = truth[..., None].astype(float)
    predictor = initial_predictor([image], [truth], prototypes=10, rng=np.random.default_rng(0))
    assert predictor.scale == 1.0
    edge = int(np.argmin(np.abs(predictor.prototypes - [0, 0, 1, 0, 0, 1, 0, 0, 1]).sum(axis=1)))
    patch = predictor.directions[edge].reshape(3, 3)
    assert (patch[:, :2] > patch[:, 2:]).all()
    np.testing.assert_allclose(predictor.directions.sum(axis=1), 0.0, atol=1e-14)


def test_a_trained_predictor_beats_uniform_weights_and_pixels_alone_on_unseen_lines():
    rng = np.random.default_rng(5)
    # Two sizes: training works over images of different shapes.
    scenes = [voronoi_lines(shape, rng, 0.3) for shape in ((64, 64), (48, 72), (64, 48))]
    trained = train_predictor(
        [scene.image for scene in scenes],
        [scene.truth for scene in scenes],
        clean_images=[scene.clean for scene in scenes],
        label_prototypes=scenes[0].prototypes,
        prototypes=30,
        steps=30,
        rng=np.random.default_rng(0),
    )
    assert not trained.used_uniform
    assert trained.validation_percent < trained.uniform_percent
    model = LabelingModel(trained.predictor, trained.label_prototypes)
    uniform = LabelingModel(trained.predictor.with_uniform_weights(), trained.label_prototypes)
    unseen = voronoi_lines((96, 96), rng, 0.3)
    wrong = {
        name: np.mean(labels != unseen.truth)
        for name, labels in {
            "learned": model.label(unseen.image).labels,
            "uniform": uniform.label(unseen.image).labels,
            "pixelwise": model.problem(unseen.image).pixelwise_labels(),
        }.items()
    }
    assert wrong["learned"] < 0.7 * wrong["pixelwise"]
    assert wrong["learned"] < 0.5 * wrong["uniform"]


def test_training_is_reproducible_and_a_single_image_is_enough():
    scene = voronoi_lines((40, 30), np.random.default_rng(6), 0.3)
    runs = [
        train_predictor([scene.image], [scene.truth], prototypes=8, steps=4, rng=np.random.default_rng(1)).predictor
        for _ in range(2)
    ]
    np.testing.assert_array_equal(runs[0].directions, runs[1].directions)
    np.testing.assert_array_equal(runs[0].prototypes, runs[1].prototypes)


def test_uniform_weights_win_when_they_validate_better():
    # Truth of the validation image is noise: nothing can be learned for it, and uniform weights of a constant
    # image are as good as any.
    scene = voronoi_colors((24, 24), np.random.default_rng(7), 0.6, labels=3)
    constant = np.broadcast_to(scene.prototypes[0], (12, 12, 3))
    trained = train_predictor(
        [scene.image],
        [scene.truth],
        label_prototypes=scene.prototypes,
        validation=([constant], [np.zeros((12, 12), dtype=int)]),
        prototypes=8,
        steps=3,
    )
    assert trained.used_uniform
    assert not trained.predictor.directions.any()
    assert trained.validation_percent == trained.uniform_percent == 0.0
