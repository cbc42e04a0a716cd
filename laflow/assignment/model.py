"""A trained labeling model: what it takes to label an unseen image, and its file.

The file is an ``.npz`` archive of plain arrays, one of which holds JSON text with format, version and
numbers. Nothing in it is executed when it is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from laflow.archives import ArchiveKind
from laflow.assignment.distances import distances_to_colors, finite_array
from laflow.assignment.flow import FlowSolution, LabelingProblem, solve_packed_flow
from laflow.assignment.predictor import WeightPredictor, packed_prediction
from laflow.checks import positive_number, whole_number
from laflow.errors import LaflowError, ModelError, ShapeError
from laflow.graph import FloatArray

KIND = ArchiveKind("laflow labeling model", 1, "model", "fit a model first", ModelError)
_ARRAYS = ("prototypes", "directions", "label_prototypes", "label_values")


@dataclass(frozen=True, eq=False)
class LabelingModel:
    """A weight predictor, the colour of each label ``(J, C)``, and how to run the flow.

    `time` T, `distance_scale` (in the unit of the image) and `krylov_dim` are those of `solve_flow`.
    `label_values` (a tuple of J) says how label files number the labels, by default 0..J-1; `notes` is free
    text.
    """

    predictor: WeightPredictor
    label_prototypes: FloatArray
    time: float = 3.0
    distance_scale: float = 1.0
    krylov_dim: int = 8
    label_values: Sequence[int] = ()
    notes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        colors = finite_array(self.label_prototypes, "the label prototypes")
        if colors.ndim != 2 or colors.shape[0] < 2 or colors.shape[1] != self.predictor.channels:
            raise ShapeError(
                f"the label prototypes have shape {colors.shape}: the predictor takes images of "
                f"{self.predictor.channels} channels; give (labels, {self.predictor.channels}), at least 2 "
                "labels"
            )
        values = tuple(int(value) for value in self.label_values) or tuple(range(colors.shape[0]))
        if len(set(values)) != colors.shape[0]:
            raise ShapeError(f"the label values are {values}: give {colors.shape[0]} different whole numbers")
        object.__setattr__(self, "label_prototypes", colors)
        object.__setattr__(self, "label_values", values)
        object.__setattr__(self, "time", positive_number(self.time, "time"))
        object.__setattr__(self, "distance_scale", positive_number(self.distance_scale, "distance_scale"))
        object.__setattr__(self, "krylov_dim", whole_number(self.krylov_dim, "krylov_dim"))

    @property
    def labels(self) -> int:
        """Number of labels J."""
        return int(self.label_prototypes.shape[0])

    def problem(self, image: ArrayLike) -> LabelingProblem:
        """The labeling problem of an image ``(*shape, C)``. Raises `ModelError` for one of another kind."""
        self.predictor.require_image(np.shape(image))
        distances = distances_to_colors(image, self.label_prototypes)
        return LabelingProblem(distances, radius=self.predictor.radius, distance_scale=self.distance_scale)

    def label(self, image: ArrayLike) -> FlowSolution:
        """Label an image ``(*shape, C)`` with predicted weights; see its `labels` and `probabilities`."""
        problem = self.problem(image)
        _, weights = packed_prediction(self.predictor, *self.predictor.features(image))
        return solve_packed_flow(problem, weights, self.time, self.krylov_dim)


def save_model(model: LabelingModel, path: str | PathLike[str]) -> None:
    """Write a model to one file, whole or not at all. Raises `FileError`, an existing file untouched."""
    predictor = model.predictor
    metadata = {
        "scale": predictor.scale,
        "feature_radius": predictor.feature_radius,
        "radius": predictor.radius,
        "dimensions": predictor.dimensions,
        "time": model.time,
        "distance_scale": model.distance_scale,
        "krylov_dim": model.krylov_dim,
        "notes": model.notes,
    }
    arrays = {
        "prototypes": predictor.prototypes,
        "directions": predictor.directions,
        "label_prototypes": model.label_prototypes,
        "label_values": np.array(model.label_values, dtype=np.int64),
    }
    KIND.write(path, metadata, arrays)


def load_model(path: str | PathLike[str]) -> LabelingModel:
    """Read a model. Raises `ModelError` if the file is missing, damaged, foreign or of another version."""
    metadata, arrays = KIND.read(path, _ARRAYS)
    try:
        predictor = WeightPredictor(
            arrays["prototypes"],
            arrays["directions"],
            metadata["scale"],
            metadata["feature_radius"],
            metadata["radius"],
            metadata["dimensions"],
        )
        return LabelingModel(
            predictor,
            arrays["label_prototypes"],
            metadata["time"],
            metadata["distance_scale"],
            metadata["krylov_dim"],
            arrays["label_values"].tolist(),
            dict(metadata["notes"]),
        )
    except (LaflowError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} is no consistent model ({error}): fit and save the model again") from error
