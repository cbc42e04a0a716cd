"""Arrays that begin where a line of the cache does, so that no vector of numbers straddles two lines.

NumPy aligns to 16 bytes. On a processor with vectors of 64 bytes, a load from anywhere else touches two lines and
costs two loads: half of a kernel's time, as loads are what it spends its time on.
"""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

LINE = 64  # bytes


def aligned_empty(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """`numpy.empty`, aligned."""
    return _aligned(np.empty, shape, dtype)


def aligned_zeros(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """`numpy.zeros`, aligned."""
    return _aligned(np.zeros, shape, dtype)


def line_length(dtype: DTypeLike) -> int:
    """Numbers in a line of the cache."""
    return LINE // np.dtype(dtype).itemsize


def _aligned(allocate: Any, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    size = prod(shape) * np.dtype(dtype).itemsize
    room = allocate(size + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    return room[start : start + size].view(dtype).reshape(shape)
