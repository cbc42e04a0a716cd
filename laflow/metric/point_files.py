"""Samples of points in files: ``.npz`` with JSON metadata, whole or not at all, nothing executed when read."""

import json
import zipfile
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from laflow.errors import FileError, LaflowError
from laflow.metric.hypersurface import Hypersurface
from laflow.metric.polynomial_text import parse_polynomial, polynomial_text
from laflow.metric.sampling import PointSample, charted
from laflow.storage import write_atomically

FORMAT = "laflow points"
VERSION = 1
_ARRAYS = {"points": np.complex128, "patch": np.int64, "dependent": np.int64, "line": np.int64}


def save_points(sample: PointSample, path: str | PathLike[str]) -> None:
    """Write a sample to one file. Raises `FileError`, an existing file untouched."""
    metadata = {"format": FORMAT, "version": VERSION, "count": len(sample), "polynomial": _text(sample)}
    text = np.frombuffer(json.dumps(metadata, sort_keys=True).encode(), dtype=np.uint8)
    arrays: dict[str, Any] = {name: getattr(sample, name) for name in _ARRAYS}

    def write(stream: BinaryIO) -> None:
        np.savez(stream, metadata=text, **arrays)

    write_atomically(Path(path), write)


def load_points(path: str | PathLike[str]) -> PointSample:
    """Read a sample; its weights are computed anew from the points, the same bit for bit.

    Raises `FileError` if the file is missing, damaged, foreign, or of another version, or if its points do not lie on
    its hypersurface.
    """
    metadata, arrays = _read(Path(path))
    if (metadata.get("format"), metadata.get("version")) != (FORMAT, VERSION):
        raise FileError(
            f"{path} holds {metadata.get('format')!r} of version {metadata.get('version')!r}, not {FORMAT!r} of "
            f"version {VERSION}: give a file that save_points of this laflow has written"
        )
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


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    try:
        # Opened here, because NumPy leaves damaged files open.
        with open(path, "rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            names = archive.files if isinstance(archive, np.lib.npyio.NpzFile) else []
            missing = [name for name in ("metadata", *_ARRAYS) if name not in names]
            if missing:
                raise FileError(f"{path} has no {missing[0]!r}, so it is no sample: give a file of save_points")
            metadata = json.loads(archive["metadata"].tobytes().decode())
            arrays = {name: archive[name] for name in _ARRAYS}
    except FileError:
        raise
    except FileNotFoundError as error:
        raise FileError(f"there is no file {path}: check the name, or sample points first") from error
    # NumPy and zipfile report damage in many ways: all of them mean that this is no whole sample.
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, KeyError, NotImplementedError) as error:
        raise FileError(
            f"cannot read {path} as points ({error}): the file is damaged, truncated or of another kind; "
            "restore it or sample the points again"
        ) from error
    if not isinstance(metadata, dict):
        raise FileError(f"{path} has metadata of type {type(metadata).__name__}: give a file of save_points")
    return metadata, arrays
