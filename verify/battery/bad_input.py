"""Bad input is refused by the right class of error, which names what was found; good input at the edge is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

GRID = (3, 4)
TRUTH = np.zeros(GRID, dtype=int)
ONES = np.ones


def _problem(p: Any) -> Any:
    return p.flow.LabelingProblem(np.random.default_rng(0).random((*GRID, 3)))


def _distances(value: float) -> np.ndarray:
    found = ONES((*GRID, 3))
    found[1, 2, 0] = value
    return found


def _weights(p: Any, *changes: tuple[tuple[int, ...], float]) -> np.ndarray:
    found = p.graph.GridGraph(GRID).uniform_weights()
    for at, value in changes:
        found[at] += value
    return found


def _solve(p: Any, *changes: tuple[tuple[int, ...], float]) -> Any:
    return p.flow.solve_flow(_problem(p), _weights(p, *changes))


def _zero(p: Any) -> np.ndarray:
    found = _weights(p)
    found[1, 1, 4], found[1, 1, 0] = found[1, 1, 4] + found[1, 1, 0], 0.0
    return found


def _sparse(p: Any, indptr: Any, indices: Any) -> Any:
    return p.graph.SparseGraph(np.array(indptr), np.array(indices, dtype=None if indices else np.int64))


def _edges(p: Any, weights: Any) -> Any:
    graph = _sparse(p, [0, 2, 3], [0, 1, 1])
    return p.flow.solve_flow(p.flow.LabelingProblem(ONES((2, 2)), graph), np.array(weights))


def _gradient(p: Any, truth: Any = TRUTH, **options: Any) -> Any:
    return p.gradient.loss_gradient(_problem(p), None, truth, **options)


def _large(p: Any, method: str) -> Any:
    problem = p.flow.LabelingProblem(ONES((20, 20, 3)))
    return p.gradient.loss_gradient(problem, None, np.zeros((20, 20), int), method=method)


def _learn(p: Any, **options: Any) -> Any:
    return p.learning.learn_weights(_problem(p), TRUTH, **options)


def _train(p: Any, images: Any, truths: Any, **options: Any) -> Any:
    return p.training.train_predictor(images, truths, **{"steps": 1, "prototypes": 2, **options})


def _train_with(p: Any, **options: Any) -> Any:
    return _train(p, [IMAGE], [LABELS], label_prototypes=[[0.0], [1.0]], **options)


def _predictor(p: Any, prototypes: Any, directions: Any, scale: Any = 1.0, *radii: Any) -> Any:
    return p.predictor.WeightPredictor(prototypes, directions, scale, *radii)


def _descend(p: Any, name: str, gradient: Any, *size: float) -> Any:
    graph = p.graph.GridGraph(GRID)
    return getattr(p.gradient, name)(graph, graph.uniform_weights(), gradient, *size)


INF, NAN = float("inf"), float("nan")
IMAGE = ONES((4, 4, 1))
LABELS = np.zeros((4, 4), int)

Case = tuple[Callable[[Any], Any], str, str]
CASES: dict[str, list[Case]] = {
    "distances": [
        (lambda p: p.flow.LabelingProblem(ONES(4)), "ShapeError", r"\(4,\)"),
        (lambda p: p.flow.LabelingProblem(ONES((0, 4, 3))), "ShapeError", r"\(0, 4, 3\)"),
        (lambda p: p.flow.LabelingProblem(ONES((3, 4, 1))), "ValueRangeError", "1 label"),
        (lambda p: p.flow.LabelingProblem(_distances(-0.25)), "ValueRangeError", r"\(1, 2, 0\).*-0\.25"),
        (lambda p: p.flow.LabelingProblem([[0.0, 0.5], [-1.0, 2.0]]), "ValueRangeError", r"\(1, 0\) is -1"),
        (lambda p: p.flow.LabelingProblem(_distances(INF)), "ValueRangeError", r"distances.*inf at \(1, 2, 0\)"),
        (lambda p: p.flow.LabelingProblem(_distances(NAN)), "ValueRangeError", r"nan at \(1, 2, 0\)"),
        (lambda p: p.flow.LabelingProblem([["a", "b"]]), "ShapeError", "distances.*numbers"),
        (lambda p: p.flow.LabelingProblem([[1, 2], [3]]), "ShapeError", "distances.*numbers"),
        (lambda p: p.flow.LabelingProblem(ONES((2, 2)), distance_scale=0), "ValueRangeError", "distance_scale is 0:"),
        (lambda p: p.flow.LabelingProblem(ONES((2, 2)), distance_scale=-1), "ValueRangeError", "distance_scale is -1"),
        (lambda p: p.flow.LabelingProblem(ONES((2, 2)), distance_scale=NAN), "ValueRangeError", "distance_scale.*nan"),
        (lambda p: p.flow.LabelingProblem(ONES((3, 4, 2)), p.graph.GridGraph((4, 3))), "ShapeError", r"\(4, 3\)"),
        (lambda p: p.flow.LabelingProblem(ONES((3, 4, 2)), radius=-1), "ValueRangeError", "-1"),
    ],
    "graphs": [
        (lambda p: p.graph.GridGraph((3, 4), 1.5), "ValueRangeError", r"1\.5"),
        (lambda p: p.graph.GridGraph((3, 4), True), "ValueRangeError", "True"),
        (lambda p: p.graph.GridGraph((3, 0)), "ShapeError", r"\(3, 0\)"),
        (lambda p: p.graph.GridGraph(()), "ShapeError", r"\(\)"),
        (lambda p: p.graph.GridGraph((3, 4), 1, "half"), "ValueRangeError", "precision is 'half'.*double, single"),
        (lambda p: p.graph.SparseGraph([0, 1], [0], "half"), "ValueRangeError", "precision is 'half'"),
        (lambda p: _sparse(p, [0], []), "GraphError", "no nodes"),
        (lambda p: _sparse(p, [], []), "GraphError", "no nodes"),
        (lambda p: _sparse(p, [0, 1, 1, 2], [0, 2]), "GraphError", "node 1 is isolated"),
        (lambda p: _sparse(p, [0, 1, 2], [0, 5]), "GraphError", "node 5.* 0 to 1"),
        (lambda p: _sparse(p, [0, 1, 2], [0, 2]), "GraphError", "node 2.* 0 to 1"),
        (lambda p: _sparse(p, [0, 1, 2], [0, -1]), "GraphError", "node -1"),
        (lambda p: _sparse(p, [0, 1, 3], [0, 1, 1]), "GraphError", "node 1 lists neighbour 1 twice"),
        (lambda p: _sparse(p, [0, 3, 4], [1, 0, 1, 0]), "GraphError", "node 0 lists neighbour 1 twice"),
        (lambda p: _sparse(p, [0, 1], [0, 0]), "GraphError", "0 to 1.* 2"),
        (lambda p: _sparse(p, [1, 2], [0, 0]), "GraphError", "1 to 2"),
        (lambda p: _sparse(p, [0, 2, 1, 3], [0, 1, 2]), "GraphError", "2 to 1 at node 1"),
        (lambda p: _sparse(p, [0, 0, 2, 1, 3], [0, 1, 2]), "GraphError", "2 to 1 at node 2"),
        (lambda p: _sparse(p, [0, 2, 4], [0, 1, 1, 1]), "GraphError", "node 1 lists neighbour 1 twice"),
        (lambda p: _sparse(p, [0, 1], [0.5]), "ShapeError", "indices.*float64"),
        (lambda p: _sparse(p, [[0, 1]], [0]), "ShapeError", r"indptr.*\(1, 2\)"),
        (lambda p: p.graph.GridGraph(GRID).pack_nodes(ONES((4, 3, 2))), "ShapeError", r"\(4, 3, 2\).*\(3, 4\)"),
        (lambda p: p.graph.GridGraph(GRID).pack_weights(ONES((3, 4, 8))), "ShapeError", r"\(3, 4, 8\).*\(3, 4, 9\)"),
    ],
    "weights": [
        (lambda p: p.flow.solve_flow(_problem(p), ONES((3, 4, 8))), "ShapeError", r"\(3, 4, 8\)"),
        (lambda p: _solve(p, ((2, 1), 0.5 / 6)), "ValueRangeError", r"\(2, 1\) sum to 1\.[57]"),
        (lambda p: _solve(p, ((2, 1, 4), 2e-6)), "ValueRangeError", r"\(2, 1\) sum to 1\.000002"),
        (lambda p: _solve(p, ((2, 1, 4), -2e-6)), "ValueRangeError", r"\(2, 1\) sum to 0\.999998"),
        (lambda p: _solve(p, ((2, 2, 4), NAN)), "ValueRangeError", r"\(2, 2\).*nan"),
        (lambda p: _solve(p, ((1, 1, 0), -1), ((1, 1, 1), 1)), "ValueRangeError", "-0.8"),
        (lambda p: _solve(p, ((0, 0, 4), -0.1), ((0, 0, 0), 0.1)), "ValueRangeError", r"\(0, 0\) has weight 0\.1"),
        (lambda p: _solve(p, ((2, 3, 4), -0.1), ((2, 3, 8), 0.1)), "ValueRangeError", r"\(2, 3\) has weight 0\.1"),
        (lambda p: p.flow.euler_flow(_problem(p), ONES((3, 4, 9))), "ValueRangeError", "sum to 9"),
        (lambda p: _learn(p, weights=_zero(p)), "ValueRangeError", "exactly 0"),
        (lambda p: p.objective.regularizer(p.graph.GridGraph(GRID), _zero(p), 1.0), "ValueRangeError", "exactly 0"),
        (
            lambda p: p.gradient.loss_gradient(_problem(p), _zero(p), TRUTH, regularization=1.0),
            "ValueRangeError",
            "exactly 0",
        ),
        (lambda p: p.objective.regularizer(p.graph.GridGraph(GRID), _weights(p), -1.0), "ValueRangeError", "-1"),
        (lambda p: _edges(p, ONES(4)), "ShapeError", r"\(4,\).*\(3,\)"),
        (lambda p: _edges(p, [0.5, 0.4, 1.0]), "ValueRangeError", r"\(0,\) sum to 0\.9"),
        (lambda p: _edges(p, [0.5, 0.5, NAN]), "ValueRangeError", r"\(1,\) sum to nan"),
        (lambda p: _edges(p, [1.5, -0.5, 1.0]), "ValueRangeError", r"-0\.5"),
        (
            lambda p: _sparse(p, [0, 2, 3], [0, 1, 1]).check_weights([0.0, 1.0, 1.0], positive=True),
            "ValueRangeError",
            "exactly 0",
        ),
    ],
    "truth": [
        (lambda p: _gradient(p, TRUTH.T), "ShapeError", r"\(4, 3\)"),
        (lambda p: _gradient(p, TRUTH + 3), "ValueRangeError", "label 3"),
        (lambda p: _gradient(p, TRUTH - 1), "ValueRangeError", "label -1"),
        (lambda p: _gradient(p, np.arange(12).reshape(GRID) % 4), "ValueRangeError", "label 3"),
        (lambda p: _gradient(p, np.arange(12).reshape(GRID) % 3 - 1), "ValueRangeError", "label -1"),
        (lambda p: _gradient(p, TRUTH + 0.5), "ShapeError", "float64"),
        (lambda p: p.objective.direction_loss(ONES((2, 2, 3)), np.zeros((2, 3), int)), "ShapeError", r"\(2, 3\)"),
        (lambda p: p.objective.direction_loss(ONES(3), np.zeros((), int)), "ShapeError", r"\(3,\)"),
        (lambda p: p.objective.direction_loss(ONES((2, 3)), np.zeros(2)), "ShapeError", "float64"),
        (lambda p: p.objective.direction_loss(ONES((2, 3)), np.array([0, 3])), "ValueRangeError", "0 to 3"),
        (lambda p: p.objective.direction_loss(ONES((2, 3)), np.array([0, -1])), "ValueRangeError", "-1 to 0"),
        (lambda p: p.objective.direction_loss(ONES((0, 3)), np.zeros(0, int)), "ShapeError", r"\(0,\)"),
        (lambda p: p.objective.direction_loss([[NAN, 1.0]], np.array([0])), "ValueRangeError", "tangent.*nan"),
    ],
    "options": [
        (lambda p: p.flow.solve_flow(_problem(p), time=0.0), "ValueRangeError", r"time is 0\.0"),
        (lambda p: p.flow.solve_flow(_problem(p), time=INF), "ValueRangeError", "time is inf"),
        (lambda p: p.flow.solve_flow(_problem(p), time="long"), "ValueRangeError", "time is 'long'"),
        (lambda p: p.flow.solve_flow(_problem(p), time=None), "ValueRangeError", "time is None"),
        (lambda p: p.flow.solve_flow(_problem(p), time=1e6), "ValueRangeError", "overflow"),
        (lambda p: p.flow.solve_flow(_problem(p), krylov_dim=0), "ValueRangeError", "krylov_dim is 0"),
        (lambda p: p.flow.solve_flow(_problem(p), krylov_dim=2.5), "ValueRangeError", r"krylov_dim is 2\.5"),
        (lambda p: p.checks.whole_number("two", "x"), "ValueRangeError", "x is 'two'"),
        (lambda p: p.checks.non_negative_number([], "x"), "ValueRangeError", r"x is \[\]"),
        (lambda p: p.checks.whole_number(INF, "x"), "ValueRangeError", "x is inf"),
        (lambda p: p.checks.whole_number(-INF, "x"), "ValueRangeError", "x is -inf"),
        (lambda p: p.checks.whole_number(NAN, "x"), "ValueRangeError", "x is nan"),
        (lambda p: p.checks.non_negative_number(INF, "x"), "ValueRangeError", "x is inf"),
        (lambda p: p.flow.euler_flow(_problem(p), time=-1), "ValueRangeError", "time is -1"),
        (lambda p: p.flow.euler_flow(_problem(p), steps=0), "ValueRangeError", "steps is 0"),
        (lambda p: _gradient(p, time=-2), "ValueRangeError", "time is -2"),
        (lambda p: _gradient(p, time=1e6, method="dense", krylov_dim=4), "ValueRangeError", "overflow"),
        (lambda p: _gradient(p, krylov_dim=3, rank=4), "ValueRangeError", "rank is 4.* 3"),
        (lambda p: _gradient(p, krylov_dim=0), "ValueRangeError", "krylov_dim is 0"),
        (lambda p: _gradient(p, rank=0), "ValueRangeError", "rank is 0"),
        (lambda p: _gradient(p, method="fast"), "ValueRangeError", "fast.*low-rank"),
        (lambda p: _gradient(p, regularization=-1), "ValueRangeError", "regularization is -1"),
        (lambda p: _large(p, "dense"), "ProblemSizeError", "1200 unknowns.*'dense'.*48.*low-rank"),
        (lambda p: _large(p, "krylov"), "ProblemSizeError", "1200 unknowns.*'krylov'.*1024.*low-rank"),
        (lambda p: _learn(p, optimizer="newton"), "ValueRangeError", "newton.*adamax"),
        (lambda p: _learn(p, step_size=0), "ValueRangeError", "step_size is 0"),
        (lambda p: _learn(p, steps=0), "ValueRangeError", "steps is 0"),
        (lambda p: _descend(p, "exponential_step", np.full((*GRID, 9), INF), 1.0), "ValueRangeError", "not finite"),
        (lambda p: _descend(p, "exponential_step", ONES((*GRID, 9)), 0.0), "ValueRangeError", "step_size is 0"),
        (lambda p: _descend(p, "riemannian_gradient", np.full((*GRID, 9), NAN)), "ValueRangeError", "not finite"),
        (lambda p: _descend(p, "riemannian_gradient", ONES(3)), "ShapeError", r"\(3,\)"),
    ],
    "images": [
        (lambda p: p.distances.distances_to_colors(ONES((3, 4, 3)), ONES((2, 1))), "ShapeError", r"\(2, 1\)"),
        (lambda p: p.distances.distances_to_colors(ONES((3, 4, 3)), ONES((2, 1, 3))), "ShapeError", r"\(2, 1, 3\)"),
        (lambda p: p.distances.distances_to_colors(ONES((3, 4, 3)), ONES((2, 3, 3))), "ShapeError", r"\(2, 3, 3\)"),
        (lambda p: p.distances.distances_to_colors(ONES(3), ONES((2, 3))), "ShapeError", r"\(3,\)"),
        (lambda p: p.distances.distances_to_colors(ONES((3, 4, 3)), ONES((1, 3))), "ValueRangeError", "1 labels"),
        (
            lambda p: p.distances.distances_to_colors(ONES((2, 2, 1)), [[NAN], [1]]),
            "ValueRangeError",
            "prototypes.*nan",
        ),
        (lambda p: p.distances.distances_to_colors([[[NAN]]], ONES((2, 1))), "ValueRangeError", "image.*nan"),
        (lambda p: p.distances.distances_to_colors(ONES((0, 4, 3)), ONES((2, 3))), "ShapeError", r"\(0, 4, 3\)"),
        (lambda p: p.distances.distances_to_patches(IMAGE, ONES((2, 8)), 1), "ShapeError", r"\(2, 8\).* 9 values"),
        (lambda p: p.distances.distances_to_patches(IMAGE, ONES((2, 1, 1, 9)), 1), "ShapeError", r"\(2, 1, 1, 9\)"),
        (lambda p: p.distances.distances_to_patches(IMAGE, ONES((1, 9)), 1), "ValueRangeError", "1 labels"),
        (lambda p: p.distances.distances_to_patches(IMAGE, ONES((2, 0, 9)), 1), "ShapeError", r"\(2, 0, 9\)"),
        (lambda p: p.distances.distances_to_patches(IMAGE, np.full((2, 9), NAN), 1), "ValueRangeError", "prototypes"),
        (lambda p: p.distances.patch_features(IMAGE, -1), "ValueRangeError", "-1"),
        (lambda p: p.distances.patch_features(IMAGE, 1.5), "ValueRangeError", r"1\.5"),
        (lambda p: p.distances.patch_features(ONES(4), 1), "ShapeError", r"\(4,\)"),
        (lambda p: p.distances.patch_features(ONES((0, 4, 1)), 1), "ShapeError", r"\(0, 4, 1\)"),
        (lambda p: p.distances.patch_features([[[NAN]]], 1), "ValueRangeError", "image.*nan"),
        (lambda p: p.distances.mean_colors([ONES((2, 2, 1))], [np.array([[0, 2], [2, 0]])], 3), "ValueRangeError", "1"),
        (lambda p: p.distances.mean_colors([ONES((2, 2, 1))] * 2, [np.zeros((2, 2), int)], 1), "ValueError", "shorter"),
    ],
    "predictors": [
        (lambda p: _predictor(p, ONES((2, 9)), ONES((2, 8))), "ShapeError", r"\(2, 8\).*\(2, 9\)"),
        (lambda p: _predictor(p, ONES((2, 9)), ONES((3, 9))), "ShapeError", r"\(3, 9\)"),
        (lambda p: _predictor(p, ONES((2, 8)), ONES((2, 9))), "ShapeError", r"\(2, 8\).* 9 pixels"),
        (lambda p: _predictor(p, ONES(9), ONES((1, 9))), "ShapeError", r"\(9,\)"),
        (lambda p: _predictor(p, ONES((0, 9)), ONES((0, 9))), "ShapeError", r"\(0, 9\)"),
        (lambda p: _predictor(p, ONES((0, 9)), ONES((3, 9))), "ShapeError", r"prototypes have shape \(0, 9\)"),
        (lambda p: _predictor(p, ONES((2, 9)), ONES((2, 9)), -1.0), "ValueRangeError", "scale is -1"),
        (lambda p: _predictor(p, ONES((2, 9)), ONES((2, 9)), 1.0, -1), "ValueRangeError", "feature_radius is -1"),
        (lambda p: _predictor(p, ONES((2, 9)), ONES((2, 9)), 1.0, 1, -1), "ValueRangeError", "radius is -1"),
        (lambda p: _predictor(p, np.full((2, 9), NAN), ONES((2, 9))), "ValueRangeError", "prototypes.*nan"),
        (lambda p: _predictor(p, ONES((2, 9)), np.full((2, 9), NAN)), "ValueRangeError", "directions.*nan"),
        (
            lambda p: p.predictor.predict_weights(_predictor(p, ONES((2, 9)), ONES((2, 9))), ONES((3, 4, 2))),
            "ModelError",
            r"\(3, 4, 2\).* 1 channels",
        ),
        (
            lambda p: p.predictor.predict_weights(_predictor(p, ONES((2, 9)), ONES((2, 9))), ONES((4, 1))),
            "ModelError",
            r"\(4, 1\)",
        ),
        (
            lambda p: p.predictor.predict_weights(_predictor(p, ONES((2, 9)), ONES((2, 9))), [[[NAN]]]),
            "ValueRangeError",
            "image.*nan",
        ),
        (
            lambda p: p.predictor.initial_predictor([IMAGE], [LABELS], prototypes=0, rng=np.random.default_rng(0)),
            "ValueRangeError",
            "prototypes is 0",
        ),
        (lambda p: p.predictor._agreement(np.zeros((0, 4), int), 1), "ValueRangeError", r"\(0, 4\)"),
    ],
    "training": [
        (lambda p: _train(p, [], []), "ShapeError", "0 images"),
        (lambda p: _train(p, [IMAGE], []), "ShapeError", "0 truths"),
        (lambda p: _train(p, [IMAGE], [LABELS], clean_images=[]), "ShapeError", "0 clean"),
        (lambda p: _train(p, [IMAGE], [np.zeros((4, 5), int)]), "ShapeError", r"image 0.*\(4, 5\)"),
        (lambda p: _train(p, [IMAGE], [LABELS], clean_images=[ONES((4, 4, 2))]), "ShapeError", r"\(4, 4, 2\)"),
        (lambda p: _train(p, [ONES((0, 4, 1))], [np.zeros((0, 4), int)]), "ShapeError", r"\(0, 4, 1\)"),
        (lambda p: _train(p, [ONES((4, 4, 0))], [LABELS]), "ShapeError", r"image 0.*\(4, 4, 0\)"),
        (lambda p: _train(p, [IMAGE], [np.eye(4, dtype=int) - 1]), "ValueRangeError", "truth 0.*-1"),
        (
            lambda p: _train(p, [IMAGE], [2 * np.eye(4, dtype=int)], label_prototypes=[[0.0], [1.0]]),
            "ValueRangeError",
            "label 2",
        ),
        (lambda p: _train(p, [IMAGE * NAN], [LABELS]), "ValueRangeError", "image 0.*nan"),
        (lambda p: _train(p, [IMAGE], [LABELS], clean_images=[IMAGE * NAN]), "ValueRangeError", "clean image 0.*nan"),
        (lambda p: _train(p, [IMAGE], [LABELS - 1]), "ValueRangeError", "truth 0.*-1"),
        (lambda p: _train(p, [IMAGE], [LABELS + 0.0]), "ValueRangeError", "float64"),
        (
            lambda p: _train(p, [IMAGE], [LABELS + 2], label_prototypes=[[0.0], [1.0]]),
            "ValueRangeError",
            "label 2.* 0 to 1",
        ),
        (
            lambda p: _train(p, [IMAGE], [LABELS], label_prototypes=[[0.0], [1.0]], validation=([IMAGE], [LABELS + 2])),
            "ValueRangeError",
            "truth 1 holds label 2",
        ),
        (lambda p: _train(p, [IMAGE], [LABELS], label_prototypes=[[NAN], [1.0]]), "ValueRangeError", "prototypes.*nan"),
        (lambda p: _train(p, [IMAGE, ONES((4, 4, 2))], [LABELS] * 2), "ShapeError", r"image 1.*\(4, 4, 2\)"),
        (lambda p: _train(p, [IMAGE, ONES((4, 1))], [LABELS, LABELS[0]]), "ShapeError", r"image 1.*\(4, 1\)"),
        (lambda p: _train_with(p, validation_fraction=0.0), "ValueRangeError", r"0\.0"),
        (lambda p: _train_with(p, validation_fraction=1.0), "ValueRangeError", r"1\.0"),
        (lambda p: _train_with(p, distance_scale=0.0), "ValueRangeError", r"distance_scale is 0"),
        (lambda p: _train_with(p, steps=0), "ValueRangeError", r"steps is 0"),
        (lambda p: _train_with(p, step_size=0), "ValueRangeError", r"step_size is 0"),
        (lambda p: _train_with(p, validate_every=0), "ValueRangeError", r"validate_every is 0"),
        (lambda p: _train_with(p, patience=0), "ValueRangeError", r"patience is 0"),
        (lambda p: _train_with(p, rank=9), "ValueRangeError", r"rank is 9"),
        (lambda p: _train_with(p, time=0), "ValueRangeError", r"time is 0"),
    ],
}


def _refusals(package: Any, group: str) -> None:
    for number, (action, kind, found) in enumerate(CASES[group]):
        seen = _refusal(package, action)
        assert re.match(f"{kind}: .*{found}", seen, re.DOTALL), f"{group} {number}: {seen}"


def _refusal(package: Any, action: Callable[[Any], Any]) -> str:
    try:
        action(package)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "it was taken"


def check_bad_distances(package: Any) -> None:
    _refusals(package, "distances")


def check_bad_graphs(package: Any) -> None:
    _refusals(package, "graphs")


def check_bad_weights(package: Any) -> None:
    _refusals(package, "weights")


def check_bad_truth(package: Any) -> None:
    _refusals(package, "truth")


def check_bad_options(package: Any) -> None:
    _refusals(package, "options")


def check_bad_images(package: Any) -> None:
    _refusals(package, "images")


def check_bad_predictors(package: Any) -> None:
    _refusals(package, "predictors")


def check_bad_training(package: Any) -> None:
    _refusals(package, "training")
