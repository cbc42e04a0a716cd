"""Equal conditions for everyone in this process: processors, thread pools, and how memory is kept.

To be called before NumPy, Numba, torch or JAX is imported: they read these once.
"""

import contextlib
import ctypes
import os

_THREAD_VARIABLES = (
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of mallopt(3)


def confine(threads: int) -> None:
    """Leave `threads` processors to this process and its children, and set every thread pool to that size.

    JAX has no other switch that holds: it starts as many threads as it may use processors. That nobody uses more is
    measured too (the column `cores`).
    """
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    # Where it is set, it holds NumPy's BLAS to an older processor's instructions; torch and JAX would use them all.
    os.environ.pop("OPENBLAS_CORETYPE", None)
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    if hasattr(os, "sched_setaffinity"):
        # The last ones: the first one serves most interrupts.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def keep_freed_memory() -> None:
    """Let malloc keep what is freed: fresh pages would cost the peers, who allocate all they need, a third more.

    glibc only; elsewhere nothing changes.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_MAX, 0)
        libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
