"""The vectors of `laflow.vectors` as short NumPy arrays: in its place when the functions built on it are interpreted.

Products are rounded before they are added. Places outside of an array raise `IndexError`.
"""

from __future__ import annotations

import numpy as np

REGISTERS = 32
LANES = 4

# The addresses asked for, in order.
FETCHED: list[int] = []


def several(array: np.ndarray) -> np.ndarray:
    """Zeros of the array's type, as many as a register is said to hold."""
    return np.zeros(LANES, array.dtype)


def single(array: np.ndarray) -> np.ndarray:
    """One zero."""
    return np.zeros(1, array.dtype)


def lanes(vector: np.ndarray) -> int:
    """How many numbers a vector holds."""
    return int(vector.size)


def spread(vector: np.ndarray, number: float) -> np.ndarray:
    """A vector of one number."""
    return np.full_like(vector, number)


def load(vector: np.ndarray, array: np.ndarray, place: tuple[int, ...]) -> np.ndarray:
    """A copy of the entries from `place` on."""
    return _entries(array, place, vector.size).copy()


def store(vector: np.ndarray, array: np.ndarray, place: tuple[int, ...]) -> None:
    """Write the entries from `place` on."""
    _entries(array, place, vector.size)[...] = vector


def multiply_add(left: np.ndarray, right: np.ndarray, added: np.ndarray) -> np.ndarray:
    """``left * right + added``."""
    return left * right + added


def before(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The numbers one place before those of `right`."""
    return np.concatenate([left[-1:], right[:-1]])


def after(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The numbers one place after those of `left`."""
    return np.concatenate([left[1:], right[:1]])


def fetch(vector: np.ndarray, array: np.ndarray, place: tuple[int, ...]) -> None:
    """Only remembered: no result depends on it, and the place need not exist."""
    FETCHED.append(address(array, place))


def address(array: np.ndarray, place: tuple[int, ...]) -> int:
    """Where an entry lies, or would lie, in memory."""
    steps = sum(number * stride for number, stride in zip(place, array.strides, strict=True))
    return int(array.__array_interface__["data"][0]) + steps


def _entries(array: np.ndarray, place: tuple[int, ...], count: int) -> np.ndarray:
    if len(place) != array.ndim or min(place) < 0 or place[-1] + count > array.shape[-1]:
        raise IndexError(f"no {count} entries at {place} of an array {array.shape}")
    index: tuple[int | slice, ...] = (*place[:-1], slice(place[-1], place[-1] + count))
    entries: np.ndarray = array[index]
    return entries
