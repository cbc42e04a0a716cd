# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Lemma 3.7, Eqs. (3.5), (3.30), (3.31)
# SymPy:      1.14.0
# derivation: sha256 0e9d63a146cde14d1b25593688725c1ceb5c8b64cfb523651fad6b9d2ecb8f48
# body:       sha256 b75100081b22ebe389cdc2b0b41e6f7cc5562e22ced103a30393d5828c48674c

"""The regulariser of the weight patches, Eq. (3.5), block by block.

Generated from ``derivations/assignment/lemma_3_7_regularizer.py`` (Lemma 3.7, Eqs. (3.5), (3.30), (3.31)).
"""

from math import log

from numba import njit, prange

BLOCK = 256  # nodes per block


def work_rows(weights, inside, regularization):
    """Rows of workspace that one task needs."""
    return 3


@njit(cache=True, error_model="numpy", nogil=True)
def _grid_block(offsets, weights, inside, regularization, value, work, start, stop, block):
    neighbours = offsets.shape[0]
    count = stop - start
    present_row = 0
    mean_log_row = present_row + 1
    spread_row = mean_log_row + 1
    # present[i] = total(inside[i, o], o)
    out_p = work[present_row]
    for p in range(count):
        out_p[p] = 0.0
    for neighbour in range(neighbours):
        inside_p = inside[neighbour, start:stop]
        for p in range(count):
            if inside_p[p] > 0.0:
                out_p[p] += 1.0
    # mean_log[i] = total(inside[i, o] * log(weights[i, o]), o) / present[i]
    out_p = work[mean_log_row]
    for p in range(count):
        out_p[p] = 0.0
    for neighbour in range(neighbours):
        present_p = work[present_row]
        weights_p = weights[neighbour, start:stop]
        inside_p = inside[neighbour, start:stop]
        for p in range(count):
            if inside_p[p] > 0.0:
                out_p[p] += log(weights_p[p]) / present_p[p]
    # spread[i] = total(inside[i, o] * ((log(weights[i, o]) - mean_log[i]) * (log(weights[i, o]) -
    #     mean_log[i])), o)
    out_p = work[spread_row]
    for p in range(count):
        out_p[p] = 0.0
    for neighbour in range(neighbours):
        mean_log_p = work[mean_log_row]
        weights_p = weights[neighbour, start:stop]
        inside_p = inside[neighbour, start:stop]
        for p in range(count):
            if inside_p[p] > 0.0:
                out_p[p] += (log(weights_p[p]) - mean_log_p[p]) * (log(weights_p[p]) - mean_log_p[p])
    # value = regularization * total(spread[i], i) / 2.0
    sum_ = 0.0
    spread_p = work[spread_row]
    for p in range(count):
        sum_ += regularization * spread_p[p] / 2.0
    value[block] = sum_


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def grid(structure, weights, inside, regularization, value, work):
    """The regulariser of the weight patches, Eq. (3.5), block by block.

    On a grid; nodes are those of the padded, flattened image.
    Source: Lemma 3.7, Eqs. (3.5), (3.30), (3.31).

    Inputs
        weights : (neighbours, nodes)
        inside : (neighbours, nodes)
        regularization : float
    Outputs
        value : (blocks,)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights > 0 where inside is 1
    Ensures
        value >= 0; its sum over the blocks is R(Ω)
    Error bound, to first order
        |error of value| <= eps * total(total(inside[i, o] * ((mean_size[i] + |log(weights[i, o])|)
        * (mean_size[i] + |log(weights[i, o])|)), i), o) * |regularization| * (3 * N + 9 + I) / 4
        where mean_size[i] = total(inside[i, o] * |log(weights[i, o])|, o) / present[i]
        eps = 2^-52, N = largest number of neighbours of a node, or of nodes that share one, I =
        number of nodes that are summed
    """
    first, last = structure.first, structure.last
    tasks = work.shape[0]
    blocks = (last - first + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = first + block * BLOCK
            stop = min(start + BLOCK, last)
            _grid_block(
                structure.offsets,
                weights,
                inside,
                regularization,
                value,
                work[task],
                start,
                stop,
                block,
            )


@njit(cache=True, error_model="numpy", nogil=True)
def _graph_block(indptr, weights, inside, regularization, value, work, start, stop, block):
    present_row = 0
    mean_log_row = present_row + 1
    spread_row = mean_log_row + 1
    # present[i] = total(inside[i, o], o)
    for node in range(start, stop):
        sum_ = 0.0
        for edge in range(indptr[node], indptr[node + 1]):
            this_inside = inside[edge]
            if this_inside > 0.0:
                sum_ += 1.0
        work[present_row, node - start] = sum_
    # mean_log[i] = total(inside[i, o] * log(weights[i, o]), o) / present[i]
    for node in range(start, stop):
        sum_ = 0.0
        for edge in range(indptr[node], indptr[node + 1]):
            this_present = work[present_row, node - start]
            this_weights = weights[edge]
            this_inside = inside[edge]
            if this_inside > 0.0:
                sum_ += log(this_weights) / this_present
        work[mean_log_row, node - start] = sum_
    # spread[i] = total(inside[i, o] * ((log(weights[i, o]) - mean_log[i]) * (log(weights[i, o]) -
    #     mean_log[i])), o)
    for node in range(start, stop):
        sum_ = 0.0
        for edge in range(indptr[node], indptr[node + 1]):
            this_mean_log = work[mean_log_row, node - start]
            this_weights = weights[edge]
            this_inside = inside[edge]
            if this_inside > 0.0:
                sum_ += (log(this_weights) - this_mean_log) * (log(this_weights) - this_mean_log)
        work[spread_row, node - start] = sum_
    # value = regularization * total(spread[i], i) / 2.0
    sum_ = 0.0
    for node in range(start, stop):
        this_spread = work[spread_row, node - start]
        sum_ += regularization * this_spread / 2.0
    value[block] = sum_


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def graph(structure, weights, inside, regularization, value, work):
    """The regulariser of the weight patches, Eq. (3.5), block by block.

    On a general graph.
    Source: Lemma 3.7, Eqs. (3.5), (3.30), (3.31).

    Inputs
        weights : (edges,)
        inside : (edges,)
        regularization : float
    Outputs
        value : (blocks,)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights > 0 where inside is 1
    Ensures
        value >= 0; its sum over the blocks is R(Ω)
    Error bound, to first order
        |error of value| <= eps * total(total(inside[i, o] * ((mean_size[i] + |log(weights[i, o])|)
        * (mean_size[i] + |log(weights[i, o])|)), i), o) * |regularization| * (3 * N + 9 + I) / 4
        where mean_size[i] = total(inside[i, o] * |log(weights[i, o])|, o) / present[i]
        eps = 2^-52, N = largest number of neighbours of a node, or of nodes that share one, I =
        number of nodes that are summed
    """
    first, last = structure.first, structure.last
    tasks = work.shape[0]
    blocks = (last - first + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = first + block * BLOCK
            stop = min(start + BLOCK, last)
            _graph_block(
                structure.indptr,
                weights,
                inside,
                regularization,
                value,
                work[task],
                start,
                stop,
                block,
            )
