"""Commands that take hours: their state is kept, and the program says how to go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from laflow.cli import console, files, interrupts
from laflow.errors import FileError

if TYPE_CHECKING:
    from laflow.checkpoint import Checkpoints


def check(checkpoint: Path | None, resume: bool, *, option: str, result: Path | None) -> None:
    """Find out before the work begins what is wrong with these options. Raises FileError.

    `option` and `result`: where the command saves what it finds, which must not be where its state is kept.
    """
    if checkpoint is None:
        if resume:
            raise FileError("--resume is given without --checkpoint; name the file to resume from")
        return
    if checkpoint.suffix.lower() != ".npz":
        raise FileError(f"--checkpoint is {checkpoint}; a checkpoint is saved as .npz")
    if result is not None and result.resolve() == checkpoint.resolve():
        raise FileError(f"--checkpoint and {option} are both {checkpoint}; one would replace the other: give two names")
    files.check_writable(checkpoint)
    if not resume and checkpoint.exists():
        raise FileError(f"there is a checkpoint {checkpoint} already; add --resume, remove it, or name another file")


def checkpoints(checkpoint: Path | None, every: float, resume: bool) -> Checkpoints | None:
    """What learning and training are told of checkpoints; the folder of the file is made."""
    from laflow.checkpoint import Checkpoints

    if checkpoint is None:
        return None
    if not resume:
        files.make_folder(checkpoint)
    return Checkpoints(checkpoint, every_seconds=every, resume=resume)


@contextmanager
def resumable(checkpoint: Path | None) -> Iterator[None]:
    """Say at an interruption how to go on, and let none be lost."""
    try:
        with interrupts.remembered():
            yield
    except KeyboardInterrupt:
        if checkpoint is not None and checkpoint.exists():
            console.note(f"the run is kept in {checkpoint}; the same command with --resume goes on from there")
        raise
