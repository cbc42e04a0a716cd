"""Whole images side by side: threads, so that nothing is copied, each with its share of the threads of the kernels.

Kernels release the lock of the interpreter, and how many threads one uses is a setting of the calling thread. Not
every pool of threads below Numba takes calls from several threads, though: ``workqueue`` ends the process. There,
items are worked on in turn, each by all threads. The results are the same, bit for bit: kernels do not depend on the
number of threads, and results come back in the order of the items.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar

import numba

from laflow.blas import one_blas_thread

# The threading layers of Numba that take parallel calls from several threads at once.
CONCURRENT_LAYERS = ("omp", "tbb")

Item = TypeVar("Item")
Result = TypeVar("Result")


class Spread(Protocol):
    """Apply a function to items, in threads or in turn; results in the order of the items."""

    def __call__(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]: ...


@contextmanager
def spread_over_threads(most: int) -> Iterator[Spread]:
    """Spread work over at most `most` items at once, sharing out the threads of the kernels.

    An exception of `work` is raised once the items begun have ended; the others are not begun.
    """
    threads = numba.get_num_threads()
    workers = min(most, threads)
    if workers < 2 or numba.threading_layer() not in CONCURRENT_LAYERS:
        yield _in_turn
        return
    share = threads // workers
    with one_blas_thread(), ThreadPoolExecutor(workers, "laflow", numba.set_num_threads, (share,)) as pool:
        # The map of the pool cancels what is not begun when an exception leaves it.
        yield lambda work, items: list(pool.map(work, items))


def _in_turn(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    return [work(item) for item in items]
