"""BLAS on one thread while kernels run: two pools of threads that wait for each other's cores cost more than the work.

laflow calls BLAS and LAPACK for matrices of a Krylov dimension only, where one thread is best anyway. With two
threads, each such call leaves a thread of BLAS spinning on the core that a kernel wants next.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController

_HELD = Lock()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS on one thread, and give it back the number that it had.

    Whoever comes while it is held, further in or on another thread, leaves it as it is.
    """
    if not _HELD.acquire(blocking=False):
        yield
        return
    try:
        with _controller().limit(limits=1, user_api="blas"):
            yield
    finally:
        _HELD.release()


@cache
def _controller() -> ThreadpoolController:
    """Found once: looking for the libraries of a process takes milliseconds."""
    return ThreadpoolController()
