"""Sums over the neighbours of a grid's nodes, which is what a flow's products cost: the kernels are built on these.

Fields are (channels, P), weights (neighbours, P), packed as `laflow.graph` packs them: neighbour ``o`` of node ``i`` is
``i + offsets[o]``. All functions work on nodes `start` and following, as many as `out` has columns, and check nothing.

Loads are what they cost, and these are spared in two ways. Several channels are summed at once, so that a weight is
loaded once for as many products. And where neighbours are rows of three, as in a 3x3 patch, a row is loaded once for
two vectors of nodes, and moved by a place to either side within registers. All add in the same order, with one result.
"""

from numba import njit

from laflow.vectors import REGISTERS, after, before, fetch, lanes, load, multiply_add, several, single, store

AT_ONCE = 4  # channels
NINE = 9  # neighbours at once: those of a 3x3 patch
FAR = 2**22  # bytes of a field that caches may not hold: of such, what comes next is asked for ahead of time
AHEAD = 256  # nodes, as many as a block of a kernel has


@njit(cache=True, error_model="numpy", nogil=True)
def gather(out, field, weights, offsets, start):  # type: ignore[no-untyped-def]
    """``out[c, i] = sum_o weights[o, i] field[c, i + offsets[o]]``: every node averages its neighbours."""
    count, pairs, first, last = out.shape[1], out.shape[0] // 2 * 2, 0, 0
    if offsets.shape[0] == NINE:
        first, last = _range_of_rows(count, field.shape[1], offsets, start, 2 * lanes(several(out)))
    if first < last:
        for channel in range(0, pairs, 2):
            _sums_of_rows(out, field, weights, offsets, start, channel, first, last, several(out))
        if pairs < out.shape[0]:
            _sums(out[pairs:], field[pairs:], weights, offsets, start, 1, first, last)
    for begin, end in ((0, first), (last, count)):
        if begin < end:
            _sums(out, field, weights, offsets, start, 1, begin, end)


@njit(cache=True, error_model="numpy", nogil=True)
def gather_transposed(out, field, weights, offsets, start):  # type: ignore[no-untyped-def]
    """``out[c, i] = sum_o weights[o, k] field[c, k]`` with ``k = i - offsets[o]``: the transpose of `gather`."""
    _sums(out, field, weights, offsets, start, -1, 0, out.shape[1])


@njit(cache=True, error_model="numpy", nogil=True)
def add_products(out, field, factors, offsets, start):  # type: ignore[no-untyped-def]
    """``out[o, i] += sum_c factors[c, i - start] field[c, i + offsets[o]]``: what every weight is multiplied by."""
    count, width = out.shape[1], lanes(several(out))
    first, last = _range_of_rows(count, field.shape[1], offsets, start, 2 * width)
    for group in range(0, offsets.shape[0] if first < last else 0, NINE):
        _products_of_rows(out, field, factors, offsets, start, group, first, last, several(out))
    for begin, end in ((0, first), (last, count)):
        if begin < end:
            _products(out, field, factors, offsets, start, begin, end)


@njit(cache=True, error_model="numpy", nogil=True)
def _range_of_rows(count, length, offsets, start, step):  # type: ignore[no-untyped-def]
    """Nodes, counted from `start`, with room for a `step` more on either side of all rows of three neighbours.

    The first and the one after the last, whole steps apart; both 0 where there are none, and where a processor has too
    few registers for rows to gain anything. Neighbours are rows of three where nine divides their number: then three
    divides ``2 radius + 1``.
    """
    if REGISTERS <= 2 * NINE or offsets.shape[0] % NINE:
        return 0, 0
    missing = max(0, step - (start + offsets[1]))
    first = (missing + step - 1) // step * step
    room = min(count, length - (start + offsets[offsets.shape[0] - 2]) - step)
    return (first, first + (room - first) // step * step) if room > first else (0, 0)


@njit(cache=True, error_model="numpy", nogil=True)
def _is_far(field):  # type: ignore[no-untyped-def]
    return field.shape[0] * field.shape[1] * field.itemsize > FAR


@njit(cache=True, error_model="numpy", nogil=True)
def _fetch_next(zero, array, row, rows, column, count):  # type: ignore[no-untyped-def]
    """Ask for so many vectors of some rows that will be wanted from `column` on in the next block."""
    for k in range(row, row + rows):
        for p in range(column + AHEAD, column + AHEAD + count * lanes(zero), lanes(zero)):
            fetch(zero, array, (k, p))


@njit(cache=True, error_model="numpy", nogil=True)
def _sums_of_rows(out, field, weights, offsets, start, channel, first, last, zero):  # type: ignore[no-untyped-def]
    """Two channels of two vectors of nodes at once."""
    width, far = lanes(zero), _is_far(field)
    for p in range(first, last, 2 * width):
        q = p + width
        if far:
            _fetch_next(zero, field, channel, 2, start + p + offsets[NINE - 2], 2)
            _fetch_next(zero, out, channel, 2, p, 2)
            if channel == 0:
                _fetch_next(zero, weights, 0, NINE, start + p, 2)
        a, b, c, d = zero, zero, zero, zero
        for o in range(0, NINE, 3):
            near = start + p + offsets[o + 1]
            u, x = load(zero, weights, (o, start + p)), load(zero, weights, (o, start + q))
            v, y = load(zero, weights, (o + 1, start + p)), load(zero, weights, (o + 1, start + q))
            w, z = load(zero, weights, (o + 2, start + p)), load(zero, weights, (o + 2, start + q))
            a, b = _row(field, channel, near, width, u, v, w, x, y, z, a, b)
            c, d = _row(field, channel + 1, near, width, u, v, w, x, y, z, c, d)
        store(a, out, (channel, p))
        store(b, out, (channel, q))
        store(c, out, (channel + 1, p))
        store(d, out, (channel + 1, q))


@njit(cache=True, error_model="numpy", nogil=True)
def _row(field, channel, near, width, u, v, w, x, y, z, first, second):  # type: ignore[no-untyped-def]
    """Add a row of three neighbours to two sums of neighbouring vectors, with weights u, v, w and x, y, z."""
    i, j = load(first, field, (channel, near - width)), load(first, field, (channel, near))
    k, m = load(first, field, (channel, near + width)), load(first, field, (channel, near + 2 * width))
    first = multiply_add(after(j, k), w, multiply_add(j, v, multiply_add(before(i, j), u, first)))
    second = multiply_add(after(k, m), z, multiply_add(k, y, multiply_add(before(j, k), x, second)))
    return first, second


@njit(cache=True, error_model="numpy", nogil=True)
def _sums(out, field, weights, offsets, start, sign, first, last):  # type: ignore[no-untyped-def]
    channels = out.shape[0]
    whole = first + (last - first) // lanes(several(out)) * lanes(several(out))
    for channel in range(0, channels // AT_ONCE * AT_ONCE, AT_ONCE):
        _sums_of_four(out, field, weights, offsets, start, sign, channel, first, whole, several(out))
        _sums_of_four(out, field, weights, offsets, start, sign, channel, whole, last, single(out))
    for channel in range(channels // AT_ONCE * AT_ONCE, channels):
        _sums_of_one(out, field, weights, offsets, start, sign, channel, first, whole, several(out))
        _sums_of_one(out, field, weights, offsets, start, sign, channel, whole, last, single(out))


@njit(cache=True, error_model="numpy", nogil=True)
def _sums_of_four(out, field, weights, offsets, start, sign, channel, first, last, zero):  # type: ignore[no-untyped-def]
    far = _is_far(field)
    for p in range(first, last, lanes(zero)):
        node = start + p
        if far:
            _fetch_next(zero, field, channel, AT_ONCE, node + offsets[offsets.shape[0] - 1], 1)
            _fetch_next(zero, out, channel, AT_ONCE, p, 1)
            if channel == 0:
                for neighbour in range(offsets.shape[0]):
                    near = node if sign > 0 else node - offsets[neighbour]
                    _fetch_next(zero, weights, neighbour, 1, near, 1)
        a, b, c, d = zero, zero, zero, zero
        for neighbour in range(offsets.shape[0]):
            near = node + sign * offsets[neighbour]
            weight = load(zero, weights, (neighbour, node if sign > 0 else near))
            a = multiply_add(load(zero, field, (channel, near)), weight, a)
            b = multiply_add(load(zero, field, (channel + 1, near)), weight, b)
            c = multiply_add(load(zero, field, (channel + 2, near)), weight, c)
            d = multiply_add(load(zero, field, (channel + 3, near)), weight, d)
        store(a, out, (channel, p))
        store(b, out, (channel + 1, p))
        store(c, out, (channel + 2, p))
        store(d, out, (channel + 3, p))


@njit(cache=True, error_model="numpy", nogil=True)
def _sums_of_one(out, field, weights, offsets, start, sign, channel, first, last, zero):  # type: ignore[no-untyped-def]
    for p in range(first, last, lanes(zero)):
        node = start + p
        total = zero
        for neighbour in range(offsets.shape[0]):
            near = node + sign * offsets[neighbour]
            weight = load(zero, weights, (neighbour, node if sign > 0 else near))
            total = multiply_add(load(zero, field, (channel, near)), weight, total)
        store(total, out, (channel, p))


@njit(cache=True, error_model="numpy", nogil=True)
def _products_of_rows(out, field, factors, offsets, start, group, first, last, zero):  # type: ignore[no-untyped-def]
    """Two vectors of nodes at once: a row of the field takes four loads for six products."""
    width, far = lanes(zero), _is_far(field)
    upper, centre, lower = start + offsets[group + 1], start + offsets[group + 4], start + offsets[group + 7]
    for p in range(first, last, 2 * width):
        q = p + width
        a, b, c = load(zero, out, (group, p)), load(zero, out, (group + 1, p)), load(zero, out, (group + 2, p))
        d, e, f = load(zero, out, (group + 3, p)), load(zero, out, (group + 4, p)), load(zero, out, (group + 5, p))
        g, h, i = load(zero, out, (group + 6, p)), load(zero, out, (group + 7, p)), load(zero, out, (group + 8, p))
        j, k, m = load(zero, out, (group, q)), load(zero, out, (group + 1, q)), load(zero, out, (group + 2, q))
        n, o, r = load(zero, out, (group + 3, q)), load(zero, out, (group + 4, q)), load(zero, out, (group + 5, q))
        s, t, u = load(zero, out, (group + 6, q)), load(zero, out, (group + 7, q)), load(zero, out, (group + 8, q))
        if far:
            _fetch_next(zero, out, group, NINE, p, 2)
        for channel in range(field.shape[0]):
            if far:
                _fetch_next(zero, field, channel, 1, lower + p, 2)
            here, there = load(zero, factors, (channel, p)), load(zero, factors, (channel, q))
            w, x = load(zero, field, (channel, upper + p - width)), load(zero, field, (channel, upper + p))
            y, z = load(zero, field, (channel, upper + q)), load(zero, field, (channel, upper + q + width))
            a, j = multiply_add(before(w, x), here, a), multiply_add(before(x, y), there, j)
            b, k = multiply_add(x, here, b), multiply_add(y, there, k)
            c, m = multiply_add(after(x, y), here, c), multiply_add(after(y, z), there, m)
            w, x = load(zero, field, (channel, centre + p - width)), load(zero, field, (channel, centre + p))
            y, z = load(zero, field, (channel, centre + q)), load(zero, field, (channel, centre + q + width))
            d, n = multiply_add(before(w, x), here, d), multiply_add(before(x, y), there, n)
            e, o = multiply_add(x, here, e), multiply_add(y, there, o)
            f, r = multiply_add(after(x, y), here, f), multiply_add(after(y, z), there, r)
            w, x = load(zero, field, (channel, lower + p - width)), load(zero, field, (channel, lower + p))
            y, z = load(zero, field, (channel, lower + q)), load(zero, field, (channel, lower + q + width))
            g, s = multiply_add(before(w, x), here, g), multiply_add(before(x, y), there, s)
            h, t = multiply_add(x, here, h), multiply_add(y, there, t)
            i, u = multiply_add(after(x, y), here, i), multiply_add(after(y, z), there, u)
        _store_nine(a, b, c, d, e, f, g, h, i, out, group, p)
        _store_nine(j, k, m, n, o, r, s, t, u, out, group, q)


@njit(cache=True, error_model="numpy", nogil=True)
def _store_nine(a, b, c, d, e, f, g, h, i, out, row, column):  # type: ignore[no-untyped-def]
    store(a, out, (row, column))
    store(b, out, (row + 1, column))
    store(c, out, (row + 2, column))
    store(d, out, (row + 3, column))
    store(e, out, (row + 4, column))
    store(f, out, (row + 5, column))
    store(g, out, (row + 6, column))
    store(h, out, (row + 7, column))
    store(i, out, (row + 8, column))


@njit(cache=True, error_model="numpy", nogil=True)
def _products(out, field, factors, offsets, start, first, last):  # type: ignore[no-untyped-def]
    neighbours = offsets.shape[0]
    nines = neighbours // NINE * NINE
    whole = first + (last - first) // lanes(several(out)) * lanes(several(out))
    for o in range(0, nines, NINE):
        _products_of_nine(out, field, factors, offsets, start, o, first, whole, several(out))
        _products_of_nine(out, field, factors, offsets, start, o, whole, last, single(out))
    for o in range(nines, neighbours):
        _products_of_one(out, field, factors, offsets, start, o, first, whole, several(out))
        _products_of_one(out, field, factors, offsets, start, o, whole, last, single(out))


@njit(cache=True, error_model="numpy", nogil=True)
def _products_of_nine(out, field, factors, offsets, start, o, first, last, zero):  # type: ignore[no-untyped-def]
    for p in range(first, last, lanes(zero)):
        node = start + p
        a, b, c = load(zero, out, (o, p)), load(zero, out, (o + 1, p)), load(zero, out, (o + 2, p))
        d, e, f = load(zero, out, (o + 3, p)), load(zero, out, (o + 4, p)), load(zero, out, (o + 5, p))
        g, h, i = load(zero, out, (o + 6, p)), load(zero, out, (o + 7, p)), load(zero, out, (o + 8, p))
        for channel in range(field.shape[0]):
            factor = load(zero, factors, (channel, p))
            a = multiply_add(load(zero, field, (channel, node + offsets[o])), factor, a)
            b = multiply_add(load(zero, field, (channel, node + offsets[o + 1])), factor, b)
            c = multiply_add(load(zero, field, (channel, node + offsets[o + 2])), factor, c)
            d = multiply_add(load(zero, field, (channel, node + offsets[o + 3])), factor, d)
            e = multiply_add(load(zero, field, (channel, node + offsets[o + 4])), factor, e)
            f = multiply_add(load(zero, field, (channel, node + offsets[o + 5])), factor, f)
            g = multiply_add(load(zero, field, (channel, node + offsets[o + 6])), factor, g)
            h = multiply_add(load(zero, field, (channel, node + offsets[o + 7])), factor, h)
            i = multiply_add(load(zero, field, (channel, node + offsets[o + 8])), factor, i)
        _store_nine(a, b, c, d, e, f, g, h, i, out, o, p)


@njit(cache=True, error_model="numpy", nogil=True)
def _products_of_one(out, field, factors, offsets, start, o, first, last, zero):  # type: ignore[no-untyped-def]
    for p in range(first, last, lanes(zero)):
        total = load(zero, out, (o, p))
        for channel in range(field.shape[0]):
            near = load(zero, field, (channel, start + p + offsets[o]))
            total = multiply_add(near, load(zero, factors, (channel, p)), total)
        store(total, out, (o, p))
