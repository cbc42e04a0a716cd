"""The loss of a predictor over labelled images, its gradient, and its share of wrong nodes.

What depends on an image alone is made once. Images are spread over threads; each thread has one set of large arrays,
which it fills again for every image, so that memory depends on the number of threads and not of images or steps.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from laflow.assignment.distances import distances_to_colors
from laflow.assignment.flow import LabelingProblem, solve_packed_flow
from laflow.assignment.gradient import GradientOptions, gradient_workspace, packed_loss_gradient
from laflow.assignment.grid_symmetry import GridSymmetry
from laflow.assignment.low_rank import Workspace
from laflow.assignment.predictor import (
    PredictorGradient,
    WeightPredictor,
    features_into,
    packed_prediction,
    pull_back,
)
from laflow.assignment.tolerance import SearchSpace
from laflow.graph import FloatArray, GridGraph, IntArray
from laflow.parallel import Spread


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """An image ``(*shape, C)``, its true labels ``(*shape,)``, and its labeling problem."""

    pixels: FloatArray
    truth: IntArray
    problem: LabelingProblem


def labelled_images(
    images: Sequence[tuple[FloatArray, IntArray]], label_prototypes: FloatArray, radius: int, distance_scale: float
) -> list[LabelledImage]:
    """Images with their truths and their problems; those of equal shapes share one graph."""
    graphs: dict[tuple[int, ...], GridGraph] = {}
    found = []
    for pixels, truth in images:
        graph = graphs.setdefault(truth.shape, GridGraph(truth.shape, radius))
        distances = distances_to_colors(pixels, label_prototypes)
        problem = LabelingProblem(distances, graph, distance_scale=distance_scale)
        found.append(LabelledImage(pixels, truth, problem))
    return found


@dataclass(frozen=True, eq=False)
class _Room:
    """The large arrays that one image after the other fills; zero in the halo."""

    graph: GridGraph
    features: FloatArray
    membership: FloatArray
    weights: FloatArray
    workspace: Workspace | SearchSpace | None


class ImageBatch:
    """What `spread` computes over images with one predictor after the other."""

    def __init__(self, options: GradientOptions, spread: Spread) -> None:
        self._options, self._spread = options, spread
        self._rooms = threading.local()

    def gradient(
        self, predictor: WeightPredictor, images: Sequence[LabelledImage], poses: Sequence[GridSymmetry | None]
    ) -> tuple[float, float, PredictorGradient]:
        """Mean loss, percentage of wrong nodes and mean gradient over `images`, each turned as its pose says."""

        def of_one(item: tuple[LabelledImage, GridSymmetry | None]) -> tuple[float, int, PredictorGradient]:
            return self._gradient_of_one(predictor, *item)

        parts = self._spread(of_one, zip(images, poses, strict=True))
        share = 1.0 / len(parts)
        loss, scale = 0.0, 0.0
        prototypes, directions = np.zeros_like(predictor.prototypes), np.zeros_like(predictor.directions)
        for part_loss, _, part in parts:  # in the order of the images, whatever thread was first
            loss += share * part_loss
            prototypes += share * part.prototypes
            directions += share * part.directions
            scale += share * part.scale
        wrong = _percent([count for _, count, _ in parts], images)
        return loss, wrong, PredictorGradient(prototypes, directions, scale)

    def wrong_percent(self, predictor: WeightPredictor, images: Sequence[LabelledImage]) -> float:
        """Percentage of wrong nodes over `images`."""

        def of_one(image: LabelledImage) -> int:
            room = self._predict(predictor, image)
            solution = solve_packed_flow(image.problem, room.weights, self._options.time, self._options.krylov_dim)
            return int(np.count_nonzero(solution.labels != image.truth))

        return _percent(self._spread(of_one, images), images)

    def _gradient_of_one(
        self, predictor: WeightPredictor, image: LabelledImage, pose: GridSymmetry | None
    ) -> tuple[float, int, PredictorGradient]:
        """Loss, number of wrong nodes, and gradient."""
        seen = predictor if pose is None else pose.turned_back(predictor)
        room = self._predict(seen, image)
        result = packed_loss_gradient(image.problem, room.weights, image.truth, self._options, room.workspace)
        given = room.features, room.membership, room.weights, result.packed_gradient
        part = pull_back(seen, room.graph, *given)
        wrong = int(np.count_nonzero(result.solution.labels != image.truth))
        return result.loss, wrong, part if pose is None else pose.turned(part, predictor)

    def _predict(self, predictor: WeightPredictor, image: LabelledImage) -> _Room:
        """Features, memberships and weights of an image, in the room of this thread."""
        room = self._room(predictor, image.problem)
        features_into(image.pixels, predictor.feature_radius, room.graph, room.features)
        packed_prediction(predictor, room.graph, room.features, (room.membership, room.weights))
        return room

    def _room(self, predictor: WeightPredictor, problem: LabelingProblem) -> _Room:
        """The room of this thread; a new one where the size of the image is another."""
        room: _Room | None = getattr(self._rooms, "room", None)
        graph = problem.graph
        assert isinstance(graph, GridGraph)
        if room is None or room.graph.shape != graph.shape:
            del room
            self._rooms.room = None  # the memory of the old one first
            room = _Room(
                graph,
                graph.zeros_nodes(predictor.prototypes.shape[1]),
                graph.empty_nodes(predictor.prototypes.shape[0]),
                graph.empty_weights(),
                gradient_workspace(problem, self._options),
            )
            self._rooms.room = room
        return room


def _percent(wrong: Sequence[int], images: Sequence[LabelledImage]) -> float:
    return 100.0 * sum(wrong) / sum(image.truth.size for image in images)
