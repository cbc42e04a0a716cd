"""Checkpoints: the state of a long run in one file, from which the run goes on as if it had never stopped.

The file is an ``.npz`` archive of plain arrays, one of which holds JSON text: what the run is (its problem and
options, by which a checkpoint of another run is told) and the numbers of its state. Nothing in it is executed when
it is read. It is replaced whole or not at all, so that no failure costs the one before.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laflow import __version__
from laflow.archives import ArchiveKind
from laflow.checks import positive_number, whole_number
from laflow.errors import CheckpointError, ValueRangeError
from laflow.storage import written_file

KIND = ArchiveKind(
    "laflow checkpoint", 1, "checkpoint", "begin without resuming, or with another file", CheckpointError
)

Array = NDArray[Any]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Checkpoints:
    """Where and how often a run keeps its state, and whether it begins from the state kept there.

    A state is written when the run begins, whenever `every_steps` steps or `every_seconds` seconds have passed
    since the last one (None: that one does not count), when the run ends, and when it is interrupted. With `resume`
    the run goes on from the file at `path`; without it there must be none, so that none is lost by mistake.
    """

    path: str | PathLike[str]
    every_steps: int | None = None
    every_seconds: float | None = 60.0
    resume: bool = False

    def __post_init__(self) -> None:
        if self.every_steps is None and self.every_seconds is None:
            raise ValueRangeError("every_steps and every_seconds are both None: give one, or no checkpoints at all")
        if self.every_steps is not None:
            object.__setattr__(self, "every_steps", whole_number(self.every_steps, "every_steps"))
        if self.every_seconds is not None:
            object.__setattr__(self, "every_seconds", positive_number(self.every_seconds, "every_seconds"))


@dataclass(frozen=True, eq=False)
class State:
    """The state of a run before a step: plain numbers (JSON values) and arrays, by name."""

    numbers: Mapping[str, Any]
    arrays: Mapping[str, Array]

    def array(
        self, name: str, shape: tuple[int, ...], kind: type[np.floating] = np.float64, *, finite: bool = True
    ) -> FloatArray:
        """The array of this name, of this shape and kind: kernels check nothing. `CheckpointError` if not.

        Finite, unless it tells of a loss that may not have been.
        """
        array = self.arrays.get(name)
        fits = array is not None and array.shape == shape and array.dtype == kind
        if array is None or not fits or (finite and not np.all(np.isfinite(array))):
            found = "missing" if array is None else f"of shape {array.shape} and type {array.dtype}"
            found += ", with entries that are not finite" if fits else ""
            raise CheckpointError(
                f"the checkpoint's {name} should be {'finite ' * finite}{kind.__name__} of shape {shape}, but it is "
                f"{found}: the file is damaged; begin anew with another file"
            )
        return array

    def number(self, name: str, *, finite: bool = True) -> float:
        """The number of this name, finite unless it may be none. Raises `CheckpointError` if there is none."""
        value = self.numbers.get(name)
        if not isinstance(value, float) or (finite and not np.isfinite(value)):
            raise CheckpointError(
                f"the checkpoint's {name} is {value!r}, no {'finite ' * finite}number: the file is damaged; begin anew "
                "with another"
            )
        return value

    def whole_number(self, name: str, *, least: int, most: int | None = None) -> int:
        """The whole number of this name, within bounds. Raises `CheckpointError` if there is none."""
        value = self.numbers.get(name)
        if type(value) is not int or value < least or (most is not None and value > most):
            raise CheckpointError(
                f"the checkpoint's {name} is {value!r}, no whole number from {least} to {most or 'any'}: "
                "the file is damaged; begin anew with another"
            )
        return value


class Keeper:
    """Keeps the states of one run; a context around its steps. Without `checkpoints` it does nothing.

    `identity` says what the run is: equal for two runs if and only if one may go on from the state of the other.
    """

    def __init__(self, checkpoints: Checkpoints | None, kind: str, identity: Callable[[], Mapping[str, Any]]) -> None:
        self._checkpoints = checkpoints
        if checkpoints is not None:
            # Through JSON, so that it compares with what comes out of a file.
            told = {"run": kind, "laflow": __version__, **identity()}
            self._identity: dict[str, Any] = json.loads(json.dumps(told, default=str))
        self._latest: tuple[int, Callable[[], State]] | None = None
        self._written_step, self._written_time = -1, 0.0

    def begin(self) -> State | None:
        """The state to go on from; None for a run from its beginning.

        Raises `CheckpointError` where there is no file to resume from, a damaged or foreign one, one of another run,
        or one that would be overwritten.
        """
        if self._checkpoints is None:
            return None
        path = Path(self._checkpoints.path)
        if not self._checkpoints.resume:
            if written_file(path).exists():
                raise CheckpointError(
                    f"there is a checkpoint {path} already: resume from it, remove it, or name another file"
                )
            return None
        state, identity = read_checkpoint(path)
        _require_same_run(path, identity, self._identity)
        return state

    def reached(self, step: int, state: Callable[[], State]) -> None:
        """The run is about to take `step`, and `state` (called now or later) gives all that it depends on."""
        if self._checkpoints is None:
            return
        self._latest = step, state
        every_steps, every_seconds = self._checkpoints.every_steps, self._checkpoints.every_seconds
        if (
            self._written_step < 0
            or (every_steps is not None and step - self._written_step >= every_steps)
            or (every_seconds is not None and monotonic() - self._written_time >= every_seconds)
        ):
            self._write_latest()

    def __enter__(self) -> "Keeper":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """At the end and at an interruption, write the state of the last step begun."""
        if self._checkpoints is None or self._latest is None:
            return
        if kind is None:
            self._write_latest()
        elif issubclass(kind, KeyboardInterrupt):
            self._write_latest()
            raise KeyboardInterrupt(
                f"interrupted before the end of step {self._latest[0]}: all before it is kept in "
                f"{self._checkpoints.path}; resume from it to go on"
            ) from error

    def _write_latest(self) -> None:
        assert self._checkpoints is not None
        assert self._latest is not None
        step, state = self._latest
        if step != self._written_step:
            write_checkpoint(Path(self._checkpoints.path), state(), self._identity)
            self._written_step = step
        self._written_time = monotonic()


def write_checkpoint(path: Path, state: State, identity: Mapping[str, Any]) -> None:
    """Write one state, whole or not at all. Raises `FileError`, an existing file untouched."""
    KIND.write(path, {"identity": identity, "numbers": state.numbers}, state.arrays)


def read_checkpoint(path: Path) -> tuple[State, dict[str, Any]]:
    """The state in a file and what run it is of. Raises `CheckpointError` for a missing, damaged or foreign file."""
    found, arrays = KIND.read(path)
    if not isinstance(found.get("identity"), dict) or not isinstance(found.get("numbers"), dict):
        raise CheckpointError(f"{path} does not say of what run it is: give a file written by laflow")
    return State(found["numbers"], arrays), found["identity"]


def _require_same_run(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for name in [*wanted, *(name for name in found if name not in wanted)]:
        if found.get(name) != wanted.get(name):
            raise CheckpointError(
                f"{path} is the checkpoint of another run: its {name} is {found.get(name)!r}, here it is "
                f"{wanted.get(name)!r}; resume with what it was begun with, or begin anew with another file"
            )


def digest(*parts: Array | str) -> str:
    """Short name of some arrays and texts: equal parts have equal names, different ones different names."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            found.update(part.encode() + b"\0")
        else:
            found.update(f"{part.dtype.str}{part.shape}".encode())
            found.update(np.ascontiguousarray(part).data)
    return found.hexdigest()[:24]


def random_state(rng: np.random.Generator) -> dict[str, Any]:
    """The state of a random generator as JSON values."""
    return dict(_plain(rng.bit_generator.state))


def restore_random_state(rng: np.random.Generator, state: Any) -> None:
    """Bring `rng`, of the same kind of bit generator, to a state of `random_state`; `CheckpointError` if it is none."""
    try:
        rng.bit_generator.state = _like(rng.bit_generator.state, state)
    except (KeyError, TypeError, ValueError, OverflowError, IndexError) as error:
        raise CheckpointError(
            f"the checkpoint's random state is none of {type(rng.bit_generator).__name__} ({error}): "
            "the file is damaged; begin anew with another file"
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return value


def _like(template: Any, value: Any) -> Any:
    """`value` with arrays where `template` has them."""
    if isinstance(template, Mapping):
        return {name: _like(item, value[name]) for name, item in template.items()}
    return np.array(value, dtype=template.dtype) if isinstance(template, np.ndarray) else value
