# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Lemma 3.7, Eqs. (3.5), (3.30), (3.31)
# SymPy:      1.14.0
# derivation: sha256 f375cf8dc5f9c06694f3f504229a4f2e785967990e3b4a22f397a1960c43c280
# body:       sha256 f1220377b240c4a7ebb5c4e2d6df92e1dac69c8a7fdaf941fa44f522a70d2bfb

"""The gradient of the regulariser, Lemma 3.7.

Generated from ``derivations/assignment/lemma_3_7_regularizer.py`` (Lemma 3.7, Eqs. (3.5), (3.30), (3.31)).
"""

from math import log

from numba import njit, prange

BLOCK = 256  # nodes per block


def work_rows(weights, inside, regularization):
    """Rows of workspace that one task needs."""
    return 2


@njit(cache=True, error_model="numpy", nogil=True)
def _grid_block(offsets, weights, inside, regularization, gradient, work, start, stop):
    neighbours = offsets.shape[0]
    count = stop - start
    present_row = 0
    mean_log_row = present_row + 1
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
    # gradient[i, o] = inside[i, o] * regularization * (log(weights[i, o]) - mean_log[i]) / weights[i, o]
    for neighbour in range(neighbours):
        out_p = gradient[neighbour, start:stop]
        weights_p = weights[neighbour, start:stop]
        mean_log_p = work[mean_log_row]
        inside_p = inside[neighbour, start:stop]
        for p in range(count):
            if inside_p[p] > 0.0:
                out_p[p] = regularization * (log(weights_p[p]) - mean_log_p[p]) / weights_p[p]
            else:
                out_p[p] = 0.0


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def grid(structure, weights, inside, regularization, gradient, work):
    """The gradient of the regulariser, Lemma 3.7.

    On a grid; nodes are those of the padded, flattened image.
    Source: Lemma 3.7, Eqs. (3.5), (3.30), (3.31).

    Inputs
        weights : (neighbours, nodes)
        inside : (neighbours, nodes)
        regularization : float
    Outputs
        gradient : (neighbours, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights > 0 where inside is 1
    Ensures
        gradient is 0 where inside is 0
    Error bound, to first order
        |error of gradient[i, o]| <= eps * inside[i, o] * |regularization| * (7 + N) * (mean_size[i]
        + |log(weights[i, o])|) / (2 * weights[i, o])
        where mean_size[i] = total(inside[i, o] * |log(weights[i, o])|, o) / present[i]
        eps = 2^-52, N = largest number of neighbours of a node, or of nodes that share one
    """
    first, last = structure.first, structure.last
    tasks = work.shape[0]
    blocks = (last - first + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = first + block * BLOCK
            stop = min(start + BLOCK, last)
            _grid_block(structure.offsets, weights, inside, regularization, gradient, work[task], start, stop)


@njit(cache=True, error_model="numpy", nogil=True)
def _graph_block(indptr, weights, inside, regularization, gradient, work, start, stop):
    present_row = 0
    mean_log_row = present_row + 1
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
    # gradient[i, o] = inside[i, o] * regularization * (log(weights[i, o]) - mean_log[i]) / weights[i, o]
    for node in range(start, stop):
        for edge in range(indptr[node], indptr[node + 1]):
            this_weights = weights[edge]
            this_mean_log = work[mean_log_row, node - start]
            this_inside = inside[edge]
            if this_inside > 0.0:
                gradient[edge] = regularization * (log(this_weights) - this_mean_log) / this_weights
            else:
                gradient[edge] = 0.0


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def graph(structure, weights, inside, regularization, gradient, work):
    """The gradient of the regulariser, Lemma 3.7.

    On a general graph.
    Source: Lemma 3.7, Eqs. (3.5), (3.30), (3.31).

    Inputs
        weights : (edges,)
        inside : (edges,)
        regularization : float
    Outputs
        gradient : (edges,)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights > 0 where inside is 1
    Ensures
        gradient is 0 where inside is 0
    Error bound, to first order
        |error of gradient[i, o]| <= eps * inside[i, o] * |regularization| * (7 + N) * (mean_size[i]
        + |log(weights[i, o])|) / (2 * weights[i, o])
        where mean_size[i] = total(inside[i, o] * |log(weights[i, o])|, o) / present[i]
        eps = 2^-52, N = largest number of neighbours of a node, or of nodes that share one
    """
    first, last = structure.first, structure.last
    tasks = work.shape[0]
    blocks = (last - first + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = first + block * BLOCK
            stop = min(start + BLOCK, last)
            _graph_block(structure.indptr, weights, inside, regularization, gradient, work[task], start, stop)
