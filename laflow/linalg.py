"""Plain linear algebra on a few long rows, in the thread pool of the kernels.

BLAS has all of this, but brings its own threads: on a busy or small machine two pools that wait for each other's
cores cost far more than the arithmetic. Sums run over blocks of fixed size and in double precision, so that results do
not depend on the number of threads, nor much on the precision of the rows. Nothing here knows of flows or graphs.
"""

import numba
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from laflow.aligned import aligned_empty
from laflow.errors import ShapeError
from laflow.vectors import lanes, load, multiply_add, several, single, spread, store

FloatArray = NDArray[np.floating]
DoubleArray = NDArray[np.float64]

BLOCK = 1024  # entries of a row per block: a dozen rows fit in the first cache levels
MIXED = 256  # the same for combinations of rows, which stay in the first


def row_products(rows: FloatArray, vector: FloatArray) -> tuple[DoubleArray, float]:
    """The inner products of `vector` (n,) with the rows (k, n), and with itself, in one pass."""
    partial = np.empty((_blocks(vector.size), rows.shape[0] + 1))
    _row_products(rows[:, None], vector, partial, numba.get_num_threads())
    sums = partial.sum(axis=0)
    return sums[:-1], float(sums[-1])


def gram(rows: FloatArray, known: DoubleArray | None = None) -> DoubleArray:
    """The matrix (k, k) of all inner products of the rows (k, n), in one pass.

    `known` (j, j), j <= k, are those of the first j rows: they are not computed again.
    """
    first = 0 if known is None else known.shape[0]
    return whole_gram(lower_products(rows[:, None], first, 0, rows.shape[1]), known)


def lower_products(fields: FloatArray, first: int, begin: int, end: int) -> DoubleArray:
    """The inner products (k, k) over the columns from `begin` to `end` of the fields (k, channels, n).

    Those of the fields from `first` on with themselves and earlier ones; zero elsewhere.
    """
    count, channels, _ = fields.shape
    partial = np.zeros((channels * _blocks(end - begin), count, count))
    _lower_products(fields, first, begin, end, partial, numba.get_num_threads())
    sums: DoubleArray = partial.sum(axis=0)
    return sums


def whole_gram(lower: DoubleArray, known: DoubleArray | None = None) -> DoubleArray:
    """The symmetric matrix whose lower triangle is `lower`, and `known` where those entries are known already."""
    result: DoubleArray = lower + np.tril(lower, -1).T
    if known is not None:
        result[: known.shape[0], : known.shape[0]] = known
    return result


def subtract_rows(rows: FloatArray, coefficients: DoubleArray, scale: float, vector: FloatArray) -> None:
    """``vector = scale * (vector - coefficients @ rows)``, in place."""
    _subtract_rows(rows, coefficients, scale, vector, numba.get_num_threads())


def mix_rows(coefficients: DoubleArray, rows: FloatArray, out: FloatArray) -> None:
    """``out = coefficients @ rows`` of `rows` (m, n) and `coefficients` (k, m), into `out` (k, n).

    `out` may overlap `rows`, row by row: every column is read before it is written. Raises `ShapeError` where these do
    not fit: the loops below check nothing.
    """
    mix_fields(coefficients, rows[:, None], out[:, None], 0, rows.shape[1])


def mix_fields(coefficients: DoubleArray, fields: FloatArray, out: FloatArray, begin: int, end: int) -> None:
    """`mix_rows` of fields (m, channels, n), in the columns from `begin` to `end` only."""
    wanted = (coefficients.shape[0], *fields.shape[1:])
    if out.shape != wanted or coefficients.shape[1] != fields.shape[0]:
        raise ShapeError(
            f"cannot mix rows {fields.shape} by coefficients {coefficients.shape} into {out.shape}: the result has "
            f"shape {wanted}, and there is one column for each row"
        )
    buffer = aligned_empty((numba.get_num_threads(), coefficients.shape[0], MIXED), fields.dtype)
    mixed = np.ascontiguousarray(coefficients, dtype=fields.dtype)
    _mix_fields(mixed, fields, out, begin, end, buffer)


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
def _products_into(
    fields: FloatArray, count: int, channel: int, piece: FloatArray, start: int, out: DoubleArray
) -> None:
    """The products of `piece` with the same columns of the first `count` fields."""
    stop = start + piece.size
    whole = count // 3 * 3
    for row in range(0, whole, 3):
        first, second = fields[row, channel, start:stop], fields[row + 1, channel, start:stop]
        a, b, c = _three_products(piece, first, second, fields[row + 2, channel, start:stop])
        out[row], out[row + 1], out[row + 2] = a, b, c
    for row in range(whole, count):
        out[row] = _product(piece, fields[row, channel, start:stop])


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def _row_products(fields: FloatArray, vector: FloatArray, partial: DoubleArray, tasks: int) -> None:
    count = fields.shape[0]
    for task in prange(tasks):
        for block in range(task, partial.shape[0], tasks):
            start = block * BLOCK
            piece = vector[start : min(start + BLOCK, vector.size)]
            _products_into(fields, count, 0, piece, start, partial[block])
            partial[block, count] = _product(piece, piece)


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def _lower_products(fields: FloatArray, first: int, begin: int, end: int, partial: DoubleArray, tasks: int) -> None:
    count, channels = fields.shape[0], fields.shape[1]
    blocks = (end - begin + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for place in range(task, channels * blocks, tasks):
            channel, start = place // blocks, begin + place % blocks * BLOCK
            for row in range(first, count):
                piece = fields[row, channel, start : min(start + BLOCK, end)]
                _products_into(fields, row + 1, channel, piece, start, partial[place, row])


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
def _mix_fields(
    coefficients: FloatArray, fields: FloatArray, out: FloatArray, begin: int, end: int, buffer: FloatArray
) -> None:
    count = coefficients.shape[0]
    channels, blocks, tasks = fields.shape[1], (end - begin + MIXED - 1) // MIXED, buffer.shape[0]
    for task in prange(tasks):
        for place in range(task, channels * blocks, tasks):
            channel, start = place // blocks, begin + place % blocks * MIXED
            length = min(MIXED, end - start)
            _mix_block(coefficients, fields, channel, start, buffer[task, :, :length])
            for target in range(count):
                mixed, into = buffer[task, target], out[target, channel, start : start + length]
                for position in range(length):
                    into[position] = mixed[position]


@njit(cache=True, error_model="numpy", nogil=True)
def _mix_block(coefficients: FloatArray, fields: FloatArray, channel: int, start: int, mixed: FloatArray) -> None:
    """Write the combinations of the same columns of all fields, two at a time."""
    count, length = mixed.shape
    whole = length // lanes(several(mixed)) * lanes(several(mixed))
    for target in range(0, count // 2 * 2, 2):
        _mix_two(coefficients, target, fields, channel, start, 0, whole, mixed, several(mixed))
        _mix_two(coefficients, target, fields, channel, start, whole, length, mixed, single(mixed))
    if count % 2:
        _mix_one(coefficients, count - 1, fields, channel, start, 0, whole, mixed, several(mixed))
        _mix_one(coefficients, count - 1, fields, channel, start, whole, length, mixed, single(mixed))


@njit(cache=True, error_model="numpy", nogil=True)
def _mix_two(  # type: ignore[no-untyped-def]
    coefficients, target, fields, channel, start, first, last, mixed, zero
):
    """Two combinations at once, four vectors of each while there are as many: eight sums that stay in registers."""
    width = lanes(zero)
    tiled = first + (last - first) // (4 * width) * (4 * width)
    for p in range(first, tiled, 4 * width):
        a, b, c, d, e, f, g, h = zero, zero, zero, zero, zero, zero, zero, zero
        for row in range(fields.shape[0]):
            upper, lower = spread(zero, coefficients[target, row]), spread(zero, coefficients[target + 1, row])
            x = load(zero, fields, (row, channel, start + p))
            a, e = multiply_add(upper, x, a), multiply_add(lower, x, e)
            x = load(zero, fields, (row, channel, start + p + width))
            b, f = multiply_add(upper, x, b), multiply_add(lower, x, f)
            x = load(zero, fields, (row, channel, start + p + 2 * width))
            c, g = multiply_add(upper, x, c), multiply_add(lower, x, g)
            x = load(zero, fields, (row, channel, start + p + 3 * width))
            d, h = multiply_add(upper, x, d), multiply_add(lower, x, h)
        store(a, mixed, (target, p))
        store(b, mixed, (target, p + width))
        store(c, mixed, (target, p + 2 * width))
        store(d, mixed, (target, p + 3 * width))
        store(e, mixed, (target + 1, p))
        store(f, mixed, (target + 1, p + width))
        store(g, mixed, (target + 1, p + 2 * width))
        store(h, mixed, (target + 1, p + 3 * width))
    _mix_one(coefficients, target, fields, channel, start, tiled, last, mixed, zero)
    _mix_one(coefficients, target + 1, fields, channel, start, tiled, last, mixed, zero)


@njit(cache=True, error_model="numpy", nogil=True)
def _mix_one(  # type: ignore[no-untyped-def]
    coefficients, target, fields, channel, start, first, last, mixed, zero
):
    for p in range(first, last, lanes(zero)):
        a = zero
        for row in range(fields.shape[0]):
            weight = spread(zero, coefficients[target, row])
            a = multiply_add(weight, load(zero, fields, (row, channel, start + p)), a)
        store(a, mixed, (target, p))
