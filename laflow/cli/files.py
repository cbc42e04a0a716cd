"""Where the program's files go: folders are made, and what cannot be written is found out early."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from laflow.errors import FileError
from laflow.storage import write_atomically, write_failure, written_file


def write_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write `path` whole or not at all (`write_atomically`); its folder is made if there is none.

    Raises:
        FileError: the folder or the file cannot be written; what stood at `path` is then unchanged.
    """
    make_folder(path)
    write_atomically(path, write)


def make_folder(path: Path) -> None:
    """Make the folder of `path`. Raises FileError if that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder {path.parent}: {write_failure(error)}") from error


def check_writable(path: Path) -> None:
    """Find out before the work begins that `path` can be written; nothing is made.

    Raises:
        FileError: `path` is a folder or a device, lies below a file, or may not be written.
    """
    folder = written_file(path).parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise FileError(f"cannot write {path}: {folder} is a file, not a folder; choose another place")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileError(f"cannot write {path}: no permission to write in {folder}; choose another place")
