"""The machine's own limits, measured by loops that do nothing else: bandwidth by a triad, peak by multiply-adds.

Numba, one thread, as the kernels are compiled but for one thing: here a multiplication and an addition may become one
instruction.
"""

import math
import time
from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.floating]

_CELLS = 1024  # in the first cache level
_CHAINS, _LINKS = 4, 8  # independent chains of multiply-adds, to hide what one takes
_FLOPS = 2 * _CHAINS * _LINKS + 2 * (_CHAINS - 1)
_SAMPLES = 25


@dataclass
class Machine:
    """Operations a second, and bytes a second by the size of what a loop walks over; measured when asked for."""

    dtype: type = np.float64
    _bandwidths: dict[int, float] = field(default_factory=dict)

    def peak(self) -> float:
        """Operations a second, a multiply-add being two."""
        numbers: Array = np.linspace(0.0, 1.0, _CELLS, dtype=self.dtype)
        factor, summand = self.dtype(0.5), self.dtype(0.25)
        _multiply_add(numbers, factor, summand, 1)
        repeats = 500  # a millisecond: short enough to run through on a busy machine
        seconds = _least(lambda: _multiply_add(numbers, factor, summand, repeats))
        return _FLOPS * _CELLS * repeats / seconds

    def bandwidth(self, size: float) -> float:
        """Bytes a second of a triad over `size` bytes in all (to the next power of two); writing counts once."""
        power = max(16, round(math.log2(max(size, 1.0))))
        if power not in self._bandwidths:
            self._bandwidths[power] = _triad_bandwidth(2**power, self.dtype)
        return self._bandwidths[power]

    def measured(self) -> list[tuple[int, float]]:
        """The powers of two, and the bytes a second, of all bandwidths asked for so far."""
        return sorted(self._bandwidths.items())


def _triad_bandwidth(size: int, dtype: type) -> float:
    length = size // (3 * np.dtype(dtype).itemsize)
    fields: list[Array] = [np.full(length, value, dtype) for value in (0.0, 1.0, 2.0)]
    repeats = max(1, 2**24 // size)
    seconds = _least(lambda: _triad(*fields, dtype(0.5), repeats))
    return 3 * length * np.dtype(dtype).itemsize * repeats / seconds


def _least(compute) -> float:  # type: ignore[no-untyped-def]
    """Seconds of the fastest of some runs, after one that warms up: a limit is what the machine can do."""
    compute()
    found = []
    for _ in range(_SAMPLES):
        start = time.perf_counter()
        compute()
        found.append(time.perf_counter() - start)
    return min(found)


@njit(error_model="numpy", nogil=True, fastmath={"contract"})
def _triad(target, first, second, factor, repeats):  # type: ignore[no-untyped-def]
    for _ in range(repeats):
        for cell in range(target.size):
            target[cell] = first[cell] + factor * second[cell]


@njit(error_model="numpy", nogil=True, fastmath={"contract"})
def _multiply_add(numbers, c, d, repeats):  # type: ignore[no-untyped-def]
    for _ in range(repeats):
        for cell in range(numbers.size):
            p = numbers[cell]
            q, r, s = p + c, p + d, p - c
            p, q, r, s = p * c + d, q * c + d, r * c + d, s * c + d
            p, q, r, s = p * c + d, q * c + d, r * c + d, s * c + d
            p, q, r, s = p * c + d, q * c + d, r * c + d, s * c + d
            p, q, r, s = p * c + d, q * c + d, r * c + d, s * c + d
            p, q, r, s = p * c + d, q * c + d, r * c + d, s * c + d
            p, q, r, s = p * c + d, q * c + d, r * c + d, s * c + d
            p, q, r, s = p * c + d, q * c + d, r * c + d, s * c + d
            p, q, r, s = p * c + d, q * c + d, r * c + d, s * c + d
            # In place: a second array might lie so that its stores hold up the loads.
            numbers[cell] = (p + q) + (r + s)
