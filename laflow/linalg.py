"""Plain linear algebra on a few long rows, in the thread pool of the kernels.

BLAS has all of this, but brings its own threads: on a busy or small machine two pools that wait for each other's
cores cost far more than the arithmetic. Sums run over blocks and lanes of fixed size, so that results do not
depend on the number of threads. Nothing here knows of flows or graphs.
"""

import numba
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from laflow.errors import ShapeError

FloatArray = NDArray[np.float64]

BLOCK = 2048  # entries of a row per block: several rows fit in the second cache level
LANES = 64  # partial sums side by side, which the compiler turns into vector instructions


def row_products(rows: FloatArray, vector: FloatArray) -> tuple[FloatArray, float]:
    """The inner products of `vector` (n,) with the rows (k, n), and with itself, in one pass."""
    partial = np.empty((_blocks(vector), rows.shape[0] + 1))
    _row_products(rows, vector, partial, np.empty((numba.get_num_threads(), LANES)))
    sums = partial.sum(axis=0)
    return sums[:-1], float(sums[-1])


def subtract_rows(rows: FloatArray, coefficients: FloatArray, scale: float, vector: FloatArray) -> None:
    """``vector = scale * (vector - coefficients @ rows)``, in place."""
    _subtract_rows(rows, coefficients, scale, vector, numba.get_num_threads())


def mix_rows(coefficients: FloatArray, rows: FloatArray, out: FloatArray, last: FloatArray | None = None) -> None:
    """``out = coefficients @ rows``, of `rows` (m, n) and, if given, one row more, `last` (n,).

    `coefficients` is (k, m) or (k, m + 1), `out` (k, n). `out` may overlap `rows`, row by row: every column is
    read before it is written. Raises `ShapeError` where these do not fit: the loops below check nothing.
    """
    count, columns = coefficients.shape
    wanted = (count, rows.shape[1])
    if out.shape != wanted or columns != rows.shape[0] + (last is not None):
        raise ShapeError(
            f"cannot mix rows {rows.shape} by coefficients {coefficients.shape} into {out.shape}: the result has "
            f"shape {wanted}, and there is one column for each row"
        )
    buffer = np.empty((numba.get_num_threads(), coefficients.shape[0], BLOCK))
    extra = out[0] if last is None else last
    _mix_rows(np.ascontiguousarray(coefficients), rows, extra, out, buffer)


def _blocks(vector: FloatArray) -> int:
    return -(-vector.size // BLOCK)


@njit(cache=True, error_model="numpy", nogil=True)
def _product(left: FloatArray, right: FloatArray, lanes: FloatArray) -> float:
    chunks = left.size // LANES
    for lane in range(LANES):
        lanes[lane] = 0.0
    for chunk in range(chunks):
        start = chunk * LANES
        a, b = left[start : start + LANES], right[start : start + LANES]
        for lane in range(LANES):
            lanes[lane] += a[lane] * b[lane]
    total = 0.0
    for lane in range(LANES):
        total += lanes[lane]
    for position in range(chunks * LANES, left.size):
        total += left[position] * right[position]
    return total


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def _row_products(rows: FloatArray, vector: FloatArray, partial: FloatArray, lanes: FloatArray) -> None:
    count, length = rows.shape
    blocks, tasks = partial.shape[0], lanes.shape[0]
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = block * BLOCK
            stop = min(start + BLOCK, length)
            piece = vector[start:stop]
            for row in range(count):
                partial[block, row] = _product(rows[row, start:stop], piece, lanes[task])
            partial[block, count] = _product(piece, piece, lanes[task])


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def _subtract_rows(rows: FloatArray, coefficients: FloatArray, scale: float, vector: FloatArray, tasks: int) -> None:
    count, length = rows.shape
    blocks = (length + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = block * BLOCK
            stop = min(start + BLOCK, length)
            piece = vector[start:stop]
            # Two rows at a time: half the traffic to and from the piece.
            for pair in range(count // 2):
                row = 2 * pair
                c, d = coefficients[row], coefficients[row + 1]
                a, b = rows[row, start:stop], rows[row + 1, start:stop]
                for position in range(piece.size):
                    piece[position] -= c * a[position] + d * b[position]
            if count % 2:
                c, a = coefficients[count - 1], rows[count - 1, start:stop]
                for position in range(piece.size):
                    piece[position] -= c * a[position]
            for position in range(piece.size):
                piece[position] *= scale


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def _mix_rows(
    coefficients: FloatArray, rows: FloatArray, last: FloatArray, out: FloatArray, buffer: FloatArray
) -> None:
    count, columns = coefficients.shape
    used, length = rows.shape
    blocks, tasks = (length + BLOCK - 1) // BLOCK, buffer.shape[0]
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = block * BLOCK
            stop = min(start + BLOCK, length)
            for target in range(count):
                mixed = buffer[task, target, : stop - start]
                weight = coefficients[target]
                if columns > used:
                    c, a = weight[used], last[start:stop]
                    for position in range(mixed.size):
                        mixed[position] = c * a[position]
                else:
                    for position in range(mixed.size):
                        mixed[position] = 0.0
                for pair in range(used // 2):
                    row = 2 * pair
                    c, d = weight[row], weight[row + 1]
                    a, b = rows[row, start:stop], rows[row + 1, start:stop]
                    for position in range(mixed.size):
                        mixed[position] += c * a[position] + d * b[position]
                if used % 2:
                    c, a = weight[used - 1], rows[used - 1, start:stop]
                    for position in range(mixed.size):
                        mixed[position] += c * a[position]
            for target in range(count):
                mixed, place = buffer[task, target, : stop - start], out[target, start:stop]
                for position in range(mixed.size):
                    place[position] = mixed[position]
