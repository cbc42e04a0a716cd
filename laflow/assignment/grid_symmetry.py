"""The symmetries of the grid, acting on a predictor: what turns an image turns its patches.

A predictor with turned prototypes and directions sees in an image what the predictor itself sees in the turned image.
So no image is ever turned: features, distances and all that is made of them serve every pose.
"""

from dataclasses import dataclass, replace

import numpy as np

from laflow.assignment.predictor import PredictorGradient, WeightPredictor
from laflow.graph import FloatArray, IntArray


@dataclass(frozen=True)
class GridSymmetry:
    """An image is turned by permuting its `axes`, then reversing those in `flipped`."""

    axes: tuple[int, ...]
    flipped: tuple[int, ...]

    @staticmethod
    def drawn(dimensions: int, rng: np.random.Generator) -> "GridSymmetry":
        """One of the d! 2^d symmetries, each as likely as the others."""
        axes = tuple(rng.permutation(dimensions).tolist())
        return GridSymmetry(axes, tuple(axis for axis in range(dimensions) if rng.random() < 0.5))

    def turned_back(self, predictor: WeightPredictor) -> WeightPredictor:
        """The predictor that sees in an image what `predictor` sees in the turned image."""
        prototypes, directions = np.empty_like(predictor.prototypes), np.empty_like(predictor.directions)
        _by_pixel(prototypes, predictor)[:, self._order(predictor.feature_radius)] = _by_pixel(
            predictor.prototypes, predictor
        )
        directions[:, self._order(predictor.radius)] = predictor.directions
        return replace(predictor, prototypes=prototypes, directions=directions)

    def turned(self, gradient: PredictorGradient, predictor: WeightPredictor) -> PredictorGradient:
        """The gradient in `predictor`, from the one in `turned_back(predictor)`: the adjoint, which is the inverse."""
        order = self._order(predictor.feature_radius)
        return PredictorGradient(
            _by_pixel(gradient.prototypes, predictor)[:, order].reshape(gradient.prototypes.shape),
            gradient.directions[:, self._order(predictor.radius)],
            gradient.scale,
        )

    def _order(self, radius: int) -> IntArray:
        """Which pixel of a patch stands at each place of the turned patch."""
        side, dimensions = 2 * radius + 1, len(self.axes)
        pixels = np.arange(side**dimensions).reshape((side,) * dimensions)
        return np.flip(pixels.transpose(self.axes), self.flipped).ravel()


def _by_pixel(prototypes: FloatArray, predictor: WeightPredictor) -> FloatArray:
    """Prototypes ``(K, F)`` as a view ``(K, pixels, channels)``."""
    return prototypes.reshape(prototypes.shape[0], -1, predictor.channels)
