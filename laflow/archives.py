"""Files of named arrays with JSON metadata: written whole or not at all, nothing executed when they are read."""

import json
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from laflow.errors import FileError
from laflow.storage import write_atomically

Array = NDArray[Any]

# How a file of one NumPy array begins.
_ARRAY = b"\x93NUMPY"

# NumPy and zipfile report damage in many ways: all of them mean that a file is not whole.
_DAMAGE = (OSError, EOFError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error, struct.error)


@dataclass(frozen=True)
class ArchiveKind:
    """One kind of ``.npz`` file. `noun` ("model") and `remedy` ("fit a model first") appear in messages.

    `version` goes up when the meaning of the contents changes; `error` is what reading raises.
    """

    format: str
    version: int
    noun: str
    remedy: str
    error: type[FileError]

    def write(self, path: str | PathLike[str], metadata: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        """Write one file. Raises `FileError`, an existing file untouched."""
        told = {"format": self.format, "version": self.version, **metadata}
        text = np.frombuffer(json.dumps(told, sort_keys=True).encode(), dtype=np.uint8)
        contents: dict[str, Any] = {"metadata": text, **arrays}

        def write(stream: BinaryIO) -> None:
            np.savez(stream, **contents)

        write_atomically(Path(path), write)

    def read(
        self, path: str | PathLike[str], names: Sequence[str] | None = None
    ) -> tuple[dict[str, Any], dict[str, Array]]:
        """Metadata and the arrays of these names (None: all). Raises `error` for a missing, damaged or foreign file."""
        try:
            # Opened here, because NumPy leaves damaged files open.
            with open(path, "rb") as stream:
                # NumPy takes what is neither for a pickle, and advises to load it as one.
                if stream.read(len(_ARRAY)) != _ARRAY and not zipfile.is_zipfile(stream):
                    raise zipfile.BadZipFile("it is no .npz archive")
                stream.seek(0)
                archive = np.load(stream, allow_pickle=False)
                there = archive.files if isinstance(archive, np.lib.npyio.NpzFile) else []
                for name in ("metadata", *(names or ())):
                    if name not in there:
                        raise self.error(
                            f"{path} has no {name!r}, so it is no {self.noun}: give a file written by laflow"
                        )
                metadata = json.loads(archive["metadata"].tobytes().decode())
                wanted = [name for name in there if name != "metadata"] if names is None else names
                arrays = {name: np.ascontiguousarray(archive[name]) for name in wanted}
        except self.error:
            raise
        except FileNotFoundError as error:
            raise self.error(f"there is no {self.noun} {path}: check the name, or {self.remedy}") from error
        except _DAMAGE as error:
            raise self.error(
                f"cannot read {path} as a {self.noun} ({error}): the file is damaged, truncated or of another kind; "
                f"restore it, or {self.remedy}"
            ) from error
        metadata = metadata if isinstance(metadata, dict) else {}
        found = metadata.get("format"), metadata.get("version")
        if found != (self.format, self.version):
            raise self.error(
                f"{path} holds {found[0]!r} of version {found[1]!r}, not {self.format!r} of version {self.version}: "
                f"give a file of that kind, or {self.remedy}"
            )
        return metadata, arrays
