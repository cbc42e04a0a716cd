"""The workspace of kernels over sites."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def workspace(kernel: Any, *inputs: Array) -> Array:
    """Uninitialised (tasks, rows, block) numbers of the inputs' type, one task for each thread of the kernels."""
    shape = (numba.get_num_threads(), max(1, kernel.work_rows(*inputs)), kernel.BLOCK)
    return np.empty(shape, dtype=inputs[0].dtype)
