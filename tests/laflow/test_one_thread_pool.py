"""BLAS keeps to one thread while kernels run, and gets its threads back."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

import laflow
from laflow import krylov, residual_growth
from laflow.blas import one_blas_thread


def blas_threads() -> set[int]:
    """How many threads each BLAS library of the process would use now."""
    return {library["num_threads"] for library in ThreadpoolController().info() if library["user_api"] == "blas"}


@pytest.fixture
def two_threads():
    with threadpool_limits(limits=2, user_api="blas"):
        yield


@pytest.mark.usefixtures("two_threads")
def test_blas_has_one_thread_inside_and_its_own_number_after():
    with one_blas_thread():
        assert blas_threads() == {1}
        with one_blas_thread():
            assert blas_threads() == {1}
        assert blas_threads() == {1}
    assert blas_threads() == {2}


@pytest.mark.usefixtures("two_threads")
def test_an_error_inside_gives_the_threads_back():
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        raise ZeroDivisionError
    assert blas_threads() == {2}


def test_threads_that_come_second_leave_it_to_the_first():
    inside, second_gone = Barrier(2), Barrier(2)

    def first():
        with one_blas_thread():
            inside.wait()
            second_gone.wait()
            return blas_threads()

    def second():
        inside.wait()
        with one_blas_thread():
            pass
        second_gone.wait()

    before = blas_threads()
    with ThreadPoolExecutor(2) as pool:
        held, _ = pool.submit(first), pool.submit(second)
        assert held.result() == {1}
    assert blas_threads() == before


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    "compute",
    [
        lambda problem, truth: laflow.loss_gradient(problem, None, truth),
        lambda problem, truth: laflow.loss_gradient(problem, None, truth, tol=1e-4),
        lambda problem, truth: laflow.solve_flow(problem),
        lambda problem, truth: laflow.solve_flow(problem, tol=1e-4),
        lambda problem, truth: laflow.learn_weights(problem, truth, steps=1),
    ],
    ids=["gradient", "gradient to a tolerance", "flow", "flow to a tolerance", "learning"],
)
def test_all_that_uses_small_matrices_holds_blas_to_one_thread(compute, monkeypatch):
    seen: list[set[int]] = []
    true = krylov.expm
    for module in (krylov, residual_growth):
        monkeypatch.setattr(module, "expm", lambda matrix: (seen.append(blas_threads()), true(matrix))[1])
    problem = laflow.LabelingProblem(np.random.default_rng(0).random((4, 4, 2)))
    compute(problem, np.zeros((4, 4), dtype=int))
    assert seen
    assert all(threads == {1} for threads in seen)
    assert blas_threads() == {2}
