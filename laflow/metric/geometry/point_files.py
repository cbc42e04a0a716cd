"""Samples of points in files: ``.npz`` with JSON metadata, whole or not at all, nothing executed when read."""

from os import PathLike

import numpy as np

from laflow.archives import ArchiveKind
from laflow.errors import FileError, LaflowError
from laflow.metric.geometry.hypersurface import Hypersurface
from laflow.metric.geometry.polynomial_text import parse_polynomial, polynomial_text
from laflow.metric.geometry.sampling import PointSample, charted

KIND = ArchiveKind("laflow points", 1, "sample of points", "sample points first", FileError)
_ARRAYS = {"points": np.complex128, "patch": np.int64, "dependent": np.int64, "line": np.int64}


def save_points(sample: PointSample, path: str | PathLike[str]) -> None:
    """Write a sample to one file. Raises `FileError`, an existing file untouched."""
    arrays = {name: getattr(sample, name) for name in _ARRAYS}
    KIND.write(path, {"count": len(sample), "polynomial": _text(sample)}, arrays)


def load_points(path: str | PathLike[str]) -> PointSample:
    """Read a sample; its weights are computed anew from the points, the same bit for bit.

    Raises `FileError` if the file is missing, damaged, foreign, or of another version, or if its points do not lie on
    its hypersurface.
    """
    metadata, arrays = KIND.read(path, tuple(_ARRAYS))
    for name, kind in _ARRAYS.items():
        if arrays[name].dtype != kind:
            found = arrays[name].dtype
            raise FileError(f"{path} has {name} of type {found}, not {np.dtype(kind)}: sample the points again")
    try:
        hypersurface = Hypersurface(parse_polynomial(str(metadata["polynomial"])))
        hypersurface.require_on(arrays["points"])
        sample = charted(hypersurface, *(arrays[name] for name in _ARRAYS))
        unscaled = np.flatnonzero(sample.points[np.arange(len(sample)), sample.patch] != 1.0)
        if unscaled.size or metadata["count"] != len(sample):
            raise FileError(f"{len(sample)} points of {metadata['count']}, {unscaled.size} of them not in their patch")
    except (LaflowError, KeyError, TypeError, ValueError) as error:
        raise FileError(f"{path} is no consistent sample of points ({error}): sample them again") from error
    return sample


def _text(sample: PointSample) -> str:
    return polynomial_text(sample.hypersurface.polynomial)
