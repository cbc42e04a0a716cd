"""The two labeling scenarios of the paper (Fig. 1a, b), noisy and noiseless, as laflow problems and as plain arrays."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

import laflow
from laflow.scenes import Scene, voronoi_colors, voronoi_lines
from verify.instances import Instance
from verify.oracles.neighbourhoods import grid_neighbours, uniform_weights

ScenarioName = Literal["a", "b"]

# (a): thin black lines, standard deviation 0.3 on values 0 and 1; (b): eight colours, 0.6 makes half of them wrong.
NOISE: dict[str, float] = {"a": 0.3, "b": 0.6}
DISTANCE_SCALE = 1.0


@dataclass(frozen=True)
class Scenario:
    """One image of a scenario: the scene and its labeling problem (colour distances, 3×3 weights, ρ = 1)."""

    scene: Scene
    problem: laflow.LabelingProblem
    distances: np.ndarray

    @property
    def pixelwise_percent(self) -> float:
        """% wrong pixels of the nearest colour."""
        return wrong_percent(self.problem.pixelwise_labels(), self.scene.truth)

    def instance(self, time: float) -> Instance:
        """Plain arrays for the oracles, uniform weights."""
        shape = self.scene.truth.shape
        neighbours = grid_neighbours(shape, 1)
        return Instance(
            distances=self.distances.reshape(-1, self.distances.shape[-1]),
            truth=self.scene.truth.reshape(-1),
            weights=uniform_weights(neighbours),
            neighbours=neighbours,
            time=time,
            distance_scale=DISTANCE_SCALE,
            shape=shape,
            radius=1,
        )


def scenario(name: ScenarioName, size: int, seed: int, *, noisy: bool = True) -> Scenario:
    """Scenario `name` on a size × size image."""
    rng = np.random.default_rng(seed)
    make = voronoi_lines if name == "a" else voronoi_colors
    scene = make((size, size), rng, NOISE[name] if noisy else 0.0)
    distances = laflow.distances_to_colors(scene.image, scene.prototypes)
    return Scenario(scene, laflow.LabelingProblem(distances, distance_scale=DISTANCE_SCALE), distances)


def wrong_percent(labels: np.ndarray, truth: np.ndarray) -> float:
    """Percentage of pixels with another label than the truth."""
    return 100.0 * float(np.mean(labels != truth))
