"""φ-models in files: ``.npz`` with JSON metadata, whole or not at all, nothing executed when read."""

from dataclasses import asdict
from os import PathLike
from typing import Any

import numpy as np

from laflow.archives import ArchiveKind
from laflow.errors import LaflowError, ModelError
from laflow.metric.features.feature_map import FeatureMap
from laflow.metric.geometry.estimates import Estimate
from laflow.metric.geometry.hypersurface import Hypersurface
from laflow.metric.geometry.polynomial_text import parse_polynomial, polynomial_text
from laflow.metric.model.jet_network import JetNetwork
from laflow.metric.model.phi_model import PhiModel

KIND = ArchiveKind("laflow metric", 1, "metric model", "train one first", ModelError)
_ARRAYS = ("centre", "scale", "parameters")


def save_metric(model: PhiModel, path: str | PathLike[str], notes: dict[str, Any] | None = None) -> None:
    """Write a model to one file, with `notes` (JSON values) on how it came about.

    Raises `FileError`, an existing file untouched.
    """
    features = model.features
    metadata = {
        "polynomial": polynomial_text(model.hypersurface.polynomial),
        "features": {"kind": features.kind, "highest_moment": features.highest_moment},
        "network": asdict(model.network),
        "kappa": asdict(model.kappa),
        "notes": notes or {},
    }
    KIND.write(path, metadata, {name: getattr(model, name) for name in _ARRAYS})


def load_metric(path: str | PathLike[str]) -> PhiModel:
    """Read a model. Raises `ModelError` if the file is missing, damaged, foreign or inconsistent."""
    return load_metric_and_notes(path)[0]


def load_metric_and_notes(path: str | PathLike[str]) -> tuple[PhiModel, dict[str, Any]]:
    """The model in a file and its notes. Raises `ModelError`."""
    metadata, arrays = KIND.read(path, _ARRAYS)
    try:
        for name, array in arrays.items():
            if array.dtype != np.float64 or not np.isfinite(array).all():
                raise ModelError(f"its {name} are not finite numbers in double precision")
        polynomial = parse_polynomial(metadata["polynomial"])
        kind = metadata["features"]["kind"]
        features = FeatureMap(
            kind,
            polynomial.variables,
            polynomial if kind == "symmetric" else None,
            metadata["features"]["highest_moment"],
        )
        network = {**metadata["network"], "sizes": tuple(metadata["network"]["sizes"])}
        model = PhiModel(
            Hypersurface(polynomial),
            features,
            arrays["centre"],
            arrays["scale"],
            JetNetwork(**network),
            arrays["parameters"],
            Estimate(float(metadata["kappa"]["value"]), float(metadata["kappa"]["standard_error"])),
        )
        notes = dict(metadata["notes"])
    except (LaflowError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{path} is no consistent metric model ({error}): train and save it again") from error
    return model, notes
