"""Writing a file so that a failure leaves no partial file and loses no existing one."""

import errno
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from laflow.errors import FileError

_UNCHANGED = "a file already there is unchanged"


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a new file beside `path`, then rename it to `path`.

    Raises `FileError` if the file cannot be written (full disk, no permission, no such folder, a folder or
    device of that name); what stood at `path` is then untouched, and nothing else is left behind.
    """
    target = written_file(path)
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        try:
            # Not by tempfile, which makes files private: a saved file has the permissions of any new file.
            with open(temporary, "xb") as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, target)
        finally:
            with suppress(OSError):
                temporary.unlink()
    except OSError as error:
        raise FileError(f"cannot write {path}: {write_failure(error)}") from error


def written_file(path: Path) -> Path:
    """What a write to `path` makes or replaces: what a link points to. `FileError` for a folder or device."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        found = "a folder" if target.is_dir() else "no ordinary file"
        raise FileError(f"cannot write {path}: it is {found}; name a file to write")
    return target


def write_failure(error: OSError) -> str:
    """Cause and remedy of a failed write."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full; free some space or choose another place ({_UNCHANGED})"
    if error.errno == errno.EFBIG:
        return f"the file would be larger than allowed here; choose another place ({_UNCHANGED})"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"no permission; choose another place or change the permissions ({_UNCHANGED})"
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return "a part of the path is a file, not a folder; choose another place"
    if error.errno == errno.ENOENT:
        return "there is no such folder; make it, or choose another place"
    return f"{error.strerror or error}; choose another place ({_UNCHANGED})"
