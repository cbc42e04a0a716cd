"""Bad input is refused by an error of the package that names what was found and what to do."""

import numpy as np
import pytest

from laflow import (
    GraphError,
    GridGraph,
    LabelingModel,
    LabelingProblem,
    LaflowError,
    ProblemSizeError,
    ShapeError,
    SparseGraph,
    ValueRangeError,
    WeightPredictor,
    direction_loss,
    distances_to_colors,
    distances_to_patches,
    euler_flow,
    exponential_step,
    learn_weights,
    loss_gradient,
    mean_colors,
    patch_features,
    regularizer,
    riemannian_gradient,
    solve_flow,
    train_predictor,
)

GRID = (3, 4)
TRUTH = np.zeros(GRID, dtype=int)


def problem():
    return LabelingProblem(np.random.default_rng(0).random((*GRID, 3)))


def distances(**entries):
    values = np.ones((*GRID, 3))
    values[1, 2, 0] = entries.get("at", 1.0)
    return values


def weights_with(change):
    weights = GridGraph(GRID).uniform_weights()
    change(weights)
    return weights


def corner(weights):
    weights[0, 0, 4] -= 0.1
    weights[0, 0, 0] += 0.1


def negative(weights):
    weights[1, 1, 0] -= 1.0
    weights[1, 1, 1] += 1.0


def off_simplex(weights):
    weights[2, 1] *= 1.5


def not_a_number(weights):
    weights[2, 3, 4] = np.nan


def zero_inside(weights):
    weights[1, 1, 4] += weights[1, 1, 0]
    weights[1, 1, 0] = 0.0


def sparse(indptr, indices):
    return SparseGraph(np.array(indptr), np.array(indices))


CASES = {
    # distances
    "distances of one axis": (lambda: LabelingProblem(np.ones(4)), ShapeError, r"\(4,\)"),
    "an empty image": (lambda: LabelingProblem(np.ones((0, 4, 3))), ShapeError, r"\(0, 4, 3\)"),
    "one label": (lambda: LabelingProblem(np.ones((3, 4, 1))), ValueRangeError, "1 label"),
    "a negative distance": (lambda: LabelingProblem(distances(at=-0.25)), ValueRangeError, r"\(1, 2, 0\).*-0\.25"),
    "an infinite distance": (lambda: LabelingProblem(distances(at=np.inf)), ValueRangeError, r"inf at \(1, 2, 0\)"),
    "a NaN distance": (lambda: LabelingProblem(distances(at=np.nan)), ValueRangeError, r"nan at \(1, 2, 0\)"),
    "distances that are text": (lambda: LabelingProblem([["a", "b"]]), ShapeError, "numbers"),
    "a distance scale of zero": (lambda: LabelingProblem(np.ones((2, 2)), distance_scale=0), ValueRangeError, "0"),
    "a NaN distance scale": (
        lambda: LabelingProblem(np.ones((2, 2)), distance_scale=float("nan")),
        ValueRangeError,
        "nan",
    ),
    "a graph of another size": (
        lambda: LabelingProblem(np.ones((3, 4, 2)), GridGraph((4, 3))),
        ShapeError,
        r"\(4, 3\)",
    ),
    "a negative radius": (lambda: LabelingProblem(np.ones((3, 4, 2)), radius=-1), ValueRangeError, "-1"),
    "a fractional radius": (lambda: GridGraph((3, 4), 1.5), ValueRangeError, r"1\.5"),
    # graphs
    "a grid without nodes": (lambda: GridGraph((3, 0)), ShapeError, r"\(3, 0\)"),
    "a grid without axes": (lambda: GridGraph(()), ShapeError, r"\(\)"),
    "a graph without nodes": (lambda: sparse([0], []), GraphError, "no nodes"),
    "an isolated node": (lambda: sparse([0, 1, 1, 2], [0, 2]), GraphError, "node 1 is isolated"),
    "an unknown neighbour": (lambda: sparse([0, 1, 2], [0, 5]), GraphError, "node 5"),
    "a negative neighbour": (lambda: sparse([0, 1, 2], [0, -1]), GraphError, "node -1"),
    "a neighbour listed twice": (lambda: sparse([0, 3], [0, 0, 0]), GraphError, "twice"),
    "rows that end early": (lambda: sparse([0, 1], [0, 0]), GraphError, "0 to 1"),
    "rows that run backwards": (lambda: sparse([0, 2, 1, 3], [0, 1, 2]), GraphError, "2 to 1"),
    "fractional indices": (lambda: sparse([0, 1], [0.5]), ShapeError, "float64"),
    # weights
    "weights of another shape": (lambda: solve_flow(problem(), np.ones((3, 4, 8))), ShapeError, r"\(3, 4, 8\)"),
    "weights off the simplex": (
        lambda: solve_flow(problem(), weights_with(off_simplex)),
        ValueRangeError,
        r"\(2, 1\) sum to 1\.5",
    ),
    "a NaN weight": (lambda: solve_flow(problem(), weights_with(not_a_number)), ValueRangeError, r"\(2, 3\).*nan"),
    "a negative weight": (lambda: solve_flow(problem(), weights_with(negative)), ValueRangeError, "-0.8"),
    "a weight outside the image": (
        lambda: solve_flow(problem(), weights_with(corner)),
        ValueRangeError,
        r"\(0, 0\) has weight 0\.1",
    ),
    "a zero weight in learning": (
        lambda: learn_weights(problem(), TRUTH, weights=weights_with(zero_inside)),
        ValueRangeError,
        "exactly 0",
    ),
    "a zero weight in the regulariser": (
        lambda: regularizer(GridGraph(GRID), weights_with(zero_inside), 1.0),
        ValueRangeError,
        "exactly 0",
    ),
    "edge weights of another size": (
        lambda: solve_flow(LabelingProblem(np.ones((2, 2)), sparse([0, 1, 2], [0, 1])), np.ones(3)),
        ShapeError,
        r"\(3,\)",
    ),
    # truth
    "truth of another size": (lambda: loss_gradient(problem(), None, TRUTH.T), ShapeError, r"\(4, 3\)"),
    "truth with an unknown label": (lambda: loss_gradient(problem(), None, TRUTH + 3), ValueRangeError, "label 3"),
    "truth with a negative label": (lambda: loss_gradient(problem(), None, TRUTH - 1), ValueRangeError, "label -1"),
    "fractional truth": (lambda: loss_gradient(problem(), None, TRUTH + 0.5), ShapeError, "float64"),
    # options
    "a time of zero": (lambda: solve_flow(problem(), time=0.0), ValueRangeError, r"time is 0\.0"),
    "a negative time": (lambda: loss_gradient(problem(), None, TRUTH, time=-2), ValueRangeError, "-2"),
    "an infinite time": (lambda: solve_flow(problem(), time=float("inf")), ValueRangeError, "inf"),
    "a time that is text": (lambda: solve_flow(problem(), time="long"), ValueRangeError, "long"),
    "a time at which the flow overflows": (lambda: solve_flow(problem(), time=1e6), ValueRangeError, "overflow"),
    # Reported as an error, and by no warning before it.
    "a time at which the dense method overflows": (
        lambda: loss_gradient(LabelingProblem(np.eye(6)[:, :3]), None, np.zeros(6, int), time=1e6, method="dense"),
        ValueRangeError,
        "overflow",
    ),
    "a time at which one Krylov space overflows": (
        lambda: loss_gradient(LabelingProblem(np.eye(6)[:, :3]), None, np.zeros(6, int), time=1e6, method="krylov"),
        ValueRangeError,
        r"overflows at time 1e\+06",
    ),
    "no Krylov dimension": (lambda: solve_flow(problem(), krylov_dim=0), ValueRangeError, "krylov_dim is 0"),
    "half a Krylov dimension": (lambda: solve_flow(problem(), krylov_dim=2.5), ValueRangeError, r"2\.5"),
    "a rank above the dimension": (
        lambda: loss_gradient(problem(), None, TRUTH, krylov_dim=3, rank=4),
        ValueRangeError,
        "rank is 4.* 3",
    ),
    "no rank": (lambda: loss_gradient(problem(), None, TRUTH, rank=0), ValueRangeError, "rank is 0"),
    "an unknown method": (lambda: loss_gradient(problem(), None, TRUTH, method="fast"), ValueRangeError, "fast"),
    "a negative regularisation": (
        lambda: loss_gradient(problem(), None, TRUTH, regularization=-1),
        ValueRangeError,
        "-1",
    ),
    "too much for the dense method": (
        lambda: loss_gradient(LabelingProblem(np.ones((20, 20, 3))), None, np.zeros((20, 20), int), method="dense"),
        ProblemSizeError,
        "1200 unknowns.*low-rank",
    ),
    "too much for one Krylov space": (
        lambda: loss_gradient(LabelingProblem(np.ones((20, 20, 3))), None, np.zeros((20, 20), int), method="krylov"),
        ProblemSizeError,
        "1200 unknowns.*low-rank",
    ),
    "no Euler steps": (lambda: euler_flow(problem(), steps=0), ValueRangeError, "steps is 0"),
    "an unknown optimiser": (lambda: learn_weights(problem(), TRUTH, optimizer="newton"), ValueRangeError, "newton"),
    "a step size of zero": (lambda: learn_weights(problem(), TRUTH, step_size=0), ValueRangeError, "step_size"),
    "a step along infinity": (
        lambda: exponential_step(GridGraph(GRID), GridGraph(GRID).uniform_weights(), np.full((*GRID, 9), np.inf), 1.0),
        ValueRangeError,
        "finite",
    ),
    "a gradient of another shape": (
        lambda: riemannian_gradient(GridGraph(GRID), GridGraph(GRID).uniform_weights(), np.ones(3)),
        ShapeError,
        r"\(3,\)",
    ),
    "a loss of fields that do not match": (
        lambda: direction_loss(np.ones((2, 2, 3)), np.zeros((2, 3), int)),
        ShapeError,
        r"\(2, 3\)",
    ),
    "a loss of unknown labels": (lambda: direction_loss(np.ones((2, 3)), np.array([0, 7])), ValueRangeError, "7"),
    # images and prototypes
    "colours with other channels": (
        lambda: distances_to_colors(np.ones((3, 4, 3)), np.ones((2, 1))),
        ShapeError,
        r"\(2, 1\)",
    ),
    "a single prototype": (lambda: distances_to_colors(np.ones((3, 4, 3)), np.ones((1, 3))), ValueRangeError, "1"),
    "an image with NaN": (
        lambda: distances_to_colors(np.full((2, 2, 1), np.nan), np.ones((2, 1))),
        ValueRangeError,
        "nan",
    ),
    "an empty image for colours": (
        lambda: distances_to_colors(np.ones((0, 4, 3)), np.ones((2, 3))),
        ShapeError,
        r"\(0, 4, 3\)",
    ),
    "patches of another size": (
        lambda: distances_to_patches(np.ones((3, 4, 1)), np.ones((2, 8)), 1),
        ShapeError,
        r"\(2, 8\)",
    ),
    "patches of negative radius": (lambda: patch_features(np.ones((3, 4, 1)), -1), ValueRangeError, "-1"),
    "a label that occurs nowhere": (
        lambda: mean_colors([np.ones((2, 2, 1))], [np.array([[0, 2], [2, 0]])], 3),
        ValueRangeError,
        "label 1",
    ),
    # training and models
    "no training images": (lambda: train_predictor([], []), ShapeError, "0 images"),
    "an image without truth": (lambda: train_predictor([np.ones((4, 4, 1))], []), ShapeError, "0 truths"),
    "truth of another size in training": (
        lambda: train_predictor([np.ones((4, 4, 1))], [np.zeros((4, 5), int)]),
        ShapeError,
        r"\(4, 5\)",
    ),
    "negative labels in training": (
        lambda: train_predictor([np.ones((4, 4, 1))], [np.full((4, 4), -1)]),
        ValueRangeError,
        "-1",
    ),
    "unknown labels in training": (
        lambda: train_predictor([np.ones((4, 4, 1))], [np.full((4, 4), 5)], label_prototypes=np.array([[0.0], [1.0]])),
        ValueRangeError,
        "5",
    ),
    "images of other channels in training": (
        lambda: train_predictor([np.ones((4, 4, 1)), np.ones((4, 4, 2))], [np.zeros((4, 4), int)] * 2),
        ShapeError,
        r"\(4, 4, 2\)",
    ),
    "a predictor with misshapen directions": (
        lambda: WeightPredictor(np.ones((2, 9)), np.ones((2, 8)), 1.0),
        ShapeError,
        r"\(2, 8\)",
    ),
    "a predictor of negative scale": (
        lambda: WeightPredictor(np.ones((2, 9)), np.ones((2, 9)), -1.0),
        ValueRangeError,
        "-1",
    ),
    "a model with other channels": (
        lambda: LabelingModel(WeightPredictor(np.ones((2, 9)), np.ones((2, 9)), 1.0), np.ones((2, 3))),
        ShapeError,
        r"\(2, 3\)",
    ),
    "a model with label values that repeat": (
        lambda: LabelingModel(
            WeightPredictor(np.ones((2, 9)), np.ones((2, 9)), 1.0), np.ones((2, 1)), label_values=(7, 7)
        ),
        ShapeError,
        "7, 7",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_refused_with_the_value_found(name):
    action, kind, found = CASES[name]
    with pytest.raises(kind, match=f"(?s){found}") as caught:
        action()
    assert isinstance(caught.value, LaflowError)
    assert isinstance(caught.value, ValueError)
    # Cause and remedy: more than a word or two.
    assert len(str(caught.value).split()) >= 6
