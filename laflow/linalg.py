"""Plain linear algebra on a few long rows, in the thread pool of the kernels.

BLAS has all of this, but brings its own threads: on a busy or small machine two pools that wait for each other's
cores cost far more than the arithmetic. Sums run over blocks of fixed size and in double precision, so that results do
not depend on the number of threads, nor much on the precision of the rows. Nothing here knows of flows or graphs.
"""

import numba
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from laflow.errors import ShapeError

FloatArray = NDArray[np.floating]
DoubleArray = NDArray[np.float64]

BLOCK = 1024  # entries of a row per block: a dozen rows fit in the first cache levels


def row_products(rows: FloatArray, vector: FloatArray) -> tuple[DoubleArray, float]:
    """The inner products of `vector` (n,) with the rows (k, n), and with itself, in one pass."""
    partial = np.empty((_blocks(vector.size), rows.shape[0] + 1))
    _row_products(rows, vector, partial, numba.get_num_threads())
    sums = partial.sum(axis=0)
    return sums[:-1], float(sums[-1])


def gram(rows: FloatArray, known: DoubleArray | None = None) -> DoubleArray:
    """The matrix (k, k) of all inner products of the rows (k, n), in one pass.

    `known` (j, j), j <= k, are those of the first j rows: they are not computed again.
    """
    count = rows.shape[0]
    first = 0 if known is None else known.shape[0]
    partial = np.zeros((_blocks(rows.shape[1]), count, count))
    _gram(rows, first, partial, numba.get_num_threads())
    lower = partial.sum(axis=0)
    if known is not None:
        lower[:first, :first] = np.tril(known)
    result: DoubleArray = lower + np.tril(lower, -1).T
    return result


def subtract_rows(rows: FloatArray, coefficients: DoubleArray, scale: float, vector: FloatArray) -> None:
    """``vector = scale * (vector - coefficients @ rows)``, in place."""
    _subtract_rows(rows, coefficients, scale, vector, numba.get_num_threads())


def mix_rows(coefficients: DoubleArray, rows: FloatArray, out: FloatArray) -> None:
    """``out = coefficients @ rows`` of `rows` (m, n) and `coefficients` (k, m), into `out` (k, n).

    `out` may overlap `rows`, row by row: every column is read before it is written. Raises `ShapeError` where these do
    not fit: the loops below check nothing.
    """
    wanted = (coefficients.shape[0], rows.shape[1])
    if out.shape != wanted or coefficients.shape[1] != rows.shape[0]:
        raise ShapeError(
            f"cannot mix rows {rows.shape} by coefficients {coefficients.shape} into {out.shape}: the result has "
            f"shape {wanted}, and there is one column for each row"
        )
    buffer = np.empty((numba.get_num_threads(), coefficients.shape[0], BLOCK), rows.dtype)
    _mix_rows(np.ascontiguousarray(coefficients, dtype=rows.dtype), rows, out, buffer)


def _blocks(length: int) -> int:
    return -(-length // BLOCK)


# The only place where the compiler may reorder a sum: the lanes of a vector register are partial sums.
_SUM = {"reassoc"}


@njit(cache=True, error_model="numpy", nogil=True, fastmath=_SUM)
def _three_products(vector: FloatArray, first: FloatArray, second: FloatArray, third: FloatArray):  # type: ignore[no-untyped-def]
    a, b, c = 0.0, 0.0, 0.0
    for position in range(vector.size):
        value = np.float64(vector[position])
        a += value * first[position]
        b += value * second[position]
        c += value * third[position]
    return a, b, c


@njit(cache=True, error_model="numpy", nogil=True, fastmath=_SUM)
def _product(left: FloatArray, right: FloatArray) -> float:
    total = 0.0
    for position in range(left.size):
        total += np.float64(left[position]) * right[position]
    return total


@njit(cache=True, error_model="numpy", nogil=True)
def _products_into(rows: FloatArray, count: int, piece: FloatArray, start: int, out: DoubleArray) -> None:
    """The products of `piece` with the same columns of the first `count` rows."""
    stop = start + piece.size
    whole = count // 3 * 3
    for row in range(0, whole, 3):
        a, b, c = _three_products(piece, rows[row, start:stop], rows[row + 1, start:stop], rows[row + 2, start:stop])
        out[row], out[row + 1], out[row + 2] = a, b, c
    for row in range(whole, count):
        out[row] = _product(piece, rows[row, start:stop])


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def _row_products(rows: FloatArray, vector: FloatArray, partial: DoubleArray, tasks: int) -> None:
    count = rows.shape[0]
    for task in prange(tasks):
        for block in range(task, partial.shape[0], tasks):
            start = block * BLOCK
            piece = vector[start : min(start + BLOCK, vector.size)]
            _products_into(rows, count, piece, start, partial[block])
            partial[block, count] = _product(piece, piece)


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def _gram(rows: FloatArray, first: int, partial: DoubleArray, tasks: int) -> None:
    count, length = rows.shape
    for task in prange(tasks):
        for block in range(task, partial.shape[0], tasks):
            start = block * BLOCK
            for row in range(first, count):
                piece = rows[row, start : min(start + BLOCK, length)]
                _products_into(rows, row + 1, piece, start, partial[block, row])


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def _subtract_rows(rows: FloatArray, coefficients: DoubleArray, scale: float, vector: FloatArray, tasks: int) -> None:
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
def _mix_rows(coefficients: FloatArray, rows: FloatArray, out: FloatArray, buffer: FloatArray) -> None:
    count, used = coefficients.shape
    length = rows.shape[1]
    blocks, tasks = (length + BLOCK - 1) // BLOCK, buffer.shape[0]
    whole = used // 3 * 3
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = block * BLOCK
            stop = min(start + BLOCK, length)
            for target in range(count):
                mixed = buffer[task, target, : stop - start]
                weight = coefficients[target]
                for position in range(mixed.size):
                    mixed[position] = 0.0
                for row in range(0, whole, 3):
                    c, d, e = weight[row], weight[row + 1], weight[row + 2]
                    x, y, z = rows[row, start:stop], rows[row + 1, start:stop], rows[row + 2, start:stop]
                    for position in range(mixed.size):
                        mixed[position] += c * x[position] + d * y[position] + e * z[position]
                for row in range(whole, used):
                    c, x = weight[row], rows[row, start:stop]
                    for position in range(mixed.size):
                        mixed[position] += c * x[position]
            for target in range(count):
                mixed, place = buffer[task, target, : stop - start], out[target, start:stop]
                for position in range(mixed.size):
                    place[position] = mixed[position]
