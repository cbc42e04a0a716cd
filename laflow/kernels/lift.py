# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. (1.3), (2.22a)
# SymPy:      1.14.0
# derivation: sha256 f6742a7adc8a0dc46914ff6ff16a76b7a4a0aeba1e5c28eb3158779482cbae98
# body:       sha256 7399ee369e48e7728d77cd4f759a9b180ba92aa22df0f98ae1508aeb2c6b63e1

"""Assignments W = Exp_{W0}(V) = softmax(J V) from tangent vectors at the barycentre, Eq. (1.3).

Generated from ``derivations/assignment/lifting.py`` (Eqs. (1.3), (2.22a)).
"""

from math import inf

from numba import njit, prange

from laflow.exponential import exp

BLOCK = 256  # nodes per block


def work_rows(tangent):
    """Rows of workspace that one task needs."""
    return 2


@njit(cache=True, error_model="numpy", nogil=True)
def _grid_block(tangent, assignment, work, start, stop):
    labels = tangent.shape[0]
    count = stop - start
    shift_row = 0
    norm_row = shift_row + 1
    # shift[i] = largest(tangent[i, j], j)
    out_p = work[shift_row]
    for p in range(count):
        out_p[p] = -inf
    for label in range(labels):
        tangent_p = tangent[label, start:stop]
        for p in range(count):
            out_p[p] = max(out_p[p], tangent_p[p])
    # grown[i, j] = exp(labels * (tangent[i, j] - shift[i]))
    for label in range(labels):
        out_p = assignment[label, start:stop]
        shift_p = work[shift_row]
        tangent_p = tangent[label, start:stop]
        for p in range(count):
            out_p[p] = exp(labels * (tangent_p[p] - shift_p[p]))
    # norm[i] = total(grown[i, j], j)
    out_p = work[norm_row]
    for p in range(count):
        out_p[p] = 0.0
    for label in range(0, labels // 4 * 4, 4):
        grown_p = assignment[label, start:stop]
        grown_p2 = assignment[label + 1, start:stop]
        grown_p3 = assignment[label + 2, start:stop]
        grown_p4 = assignment[label + 3, start:stop]
        for p in range(count):
            out_p[p] += grown_p[p] + grown_p2[p] + grown_p3[p] + grown_p4[p]
    for label in range(labels // 4 * 4, labels):
        grown_p = assignment[label, start:stop]
        for p in range(count):
            out_p[p] += grown_p[p]
    # assignment[i, j] = grown[i, j] / norm[i]
    for label in range(labels):
        out_p = assignment[label, start:stop]
        norm_p = work[norm_row]
        for p in range(count):
            out_p[p] = out_p[p] / norm_p[p]


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def grid(structure, tangent, assignment, work):
    """Assignments W = Exp_{W0}(V) = softmax(J V) from tangent vectors at the barycentre, Eq. (1.3).

    On a grid; nodes are those of the padded, flattened image.
    Source: Eqs. (1.3), (2.22a).

    Inputs
        tangent : (labels, nodes)
    Outputs
        assignment : (labels, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        tangent finite
    Ensures
        assignment >= 0, rows summing to 1 up to rounding
    Error bound, to first order
        |error of assignment[i, j]| <= assignment[i, j] * eps * (2 * J * span[i] + 3 + J / 2) + tiny
        * (3 + J)
        where span[i] = largest(-tangent[i, j], j) + largest(tangent[i, j], j)
        eps = 2^-52, tiny = 2^-1074, J = number of labels
    """
    first, last = structure.first, structure.last
    tasks = work.shape[0]
    blocks = (last - first + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = first + block * BLOCK
            stop = min(start + BLOCK, last)
            _grid_block(tangent, assignment, work[task], start, stop)


@njit(cache=True, error_model="numpy", nogil=True)
def _graph_block(tangent, assignment, work, start, stop):
    labels = tangent.shape[0]
    shift_row = 0
    norm_row = shift_row + 1
    # shift[i] = largest(tangent[i, j], j)
    for node in range(start, stop):
        sum_ = -inf
        for label in range(labels):
            this_tangent = tangent[label, node]
            sum_ = max(sum_, this_tangent)
        work[shift_row, node - start] = sum_
    # grown[i, j] = exp(labels * (tangent[i, j] - shift[i]))
    for label in range(labels):
        for node in range(start, stop):
            this_shift = work[shift_row, node - start]
            this_tangent = tangent[label, node]
            assignment[label, node] = exp(labels * (this_tangent - this_shift))
    # norm[i] = total(grown[i, j], j)
    for node in range(start, stop):
        sum_ = 0.0
        for label in range(labels):
            this_grown = assignment[label, node]
            sum_ += this_grown
        work[norm_row, node - start] = sum_
    # assignment[i, j] = grown[i, j] / norm[i]
    for label in range(labels):
        for node in range(start, stop):
            this_norm = work[norm_row, node - start]
            this_grown = assignment[label, node]
            assignment[label, node] = this_grown / this_norm


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def graph(structure, tangent, assignment, work):
    """Assignments W = Exp_{W0}(V) = softmax(J V) from tangent vectors at the barycentre, Eq. (1.3).

    On a general graph.
    Source: Eqs. (1.3), (2.22a).

    Inputs
        tangent : (labels, nodes)
    Outputs
        assignment : (labels, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        tangent finite
    Ensures
        assignment >= 0, rows summing to 1 up to rounding
    Error bound, to first order
        |error of assignment[i, j]| <= assignment[i, j] * eps * (2 * J * span[i] + 3 + J / 2) + tiny
        * (3 + J)
        where span[i] = largest(-tangent[i, j], j) + largest(tangent[i, j], j)
        eps = 2^-52, tiny = 2^-1074, J = number of labels
    """
    first, last = structure.first, structure.last
    tasks = work.shape[0]
    blocks = (last - first + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = first + block * BLOCK
            stop = min(start + BLOCK, last)
            _graph_block(tangent, assignment, work[task], start, stop)
