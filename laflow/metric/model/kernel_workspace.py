"""The workspace of kernels over sites, and how many threads they run on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def workspace(kernel: Any, *inputs: Array, sites: int | None = None) -> Array:
    """Uninitialised (tasks, rows, block) numbers of the inputs' type, one task for each thread of the kernels.

    sites: their number, if it may be smaller than a block: shorter rows then, which lie closer together.
    """
    block = kernel.BLOCK if sites is None else min(kernel.BLOCK, sites)
    shape = (numba.get_num_threads(), max(1, kernel.work_rows(*inputs)), block)
    return np.empty(shape, dtype=inputs[0].dtype)


@contextmanager
def one_kernel_thread() -> Iterator[None]:
    """Kernels of the calling thread on one thread of their own: on the few sites of a chunk, others would only wait."""
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(threads)
