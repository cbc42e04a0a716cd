"""Writing files so that a failure leaves no partial file and loses no existing one."""

import errno
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from laflow.errors import FileError

_UNCHANGED = "a file already there is unchanged"


def write_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a temporary file next to `path`, then rename it to `path`.

    Args:
        path: the file to make or replace; its folder is made if there is none.
        write: called with the temporary file, opened for writing bytes.

    Raises:
        FileError: the file cannot be written: full disk, no permission, a folder or a device of that name.
            The temporary file is gone then, and what stood at `path` is unchanged.
    """
    target = _target(path)
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "xb") as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, target)
        finally:
            with suppress(OSError):
                temporary.unlink()
    except OSError as error:
        raise FileError(f"cannot write {path}: {_reason(error)}") from error


def check_writable(path: Path) -> None:
    """Find out before hours of work that `path` can be written; nothing is left behind.

    Raises:
        FileError: as `write_file` would.
    """
    folder = _target(path).parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise FileError(f"cannot write {path}: {folder} is a file, not a folder; choose another folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileError(f"cannot write {path}: no permission to write in {folder}; choose another folder")


def _target(path: Path) -> Path:
    """The file that a write to `path` makes or replaces: a link stays a link, a folder or a device is refused."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        found = "a folder" if target.is_dir() else "no ordinary file"
        raise FileError(f"{path} is {found}; name a file to write")
    return target


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full; free some space or choose another place ({_UNCHANGED})"
    if error.errno == errno.EFBIG:
        return f"the file would be larger than allowed here; choose another place ({_UNCHANGED})"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "no permission; choose another place or change the permissions"
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return "a part of the path is a file, not a folder; choose another place"
    return f"{error.strerror or error}; choose another place"
