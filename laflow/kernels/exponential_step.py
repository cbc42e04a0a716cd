# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. (3.7), (3.8)
# SymPy:      1.14.0
# derivation: sha256 34ef77bc0f78ea3da0cedbea2bbf8e7147d7ba462fd532acb388372be923fa4f
# body:       sha256 5897c2e60e60a4ce5e48d8c74b33919b9a4e5b15d0313398cc4805a9ad9bf7c9

"""The descent step exp_Ω(-h ∂L) on the weight patches, Eqs. (3.7), (3.8).

Generated from ``derivations/assignment/riemannian_descent.py`` (Eqs. (3.7), (3.8)).
"""

from math import inf

from numba import njit, prange

from laflow.exponential import exp

BLOCK = 256  # nodes per block


def work_rows(weights, gradient, inside, step_size):
    """Rows of workspace that one task needs."""
    return 2


@njit(cache=True, error_model="numpy", nogil=True)
def _grid_block(offsets, weights, gradient, inside, step_size, updated, work, start, stop):
    neighbours = offsets.shape[0]
    count = stop - start
    shift_row = 0
    norm_row = shift_row + 1
    # exponent[i, o] = -gradient[i, o] * step_size
    for neighbour in range(neighbours):
        out_p = updated[neighbour, start:stop]
        gradient_p = gradient[neighbour, start:stop]
        for p in range(count):
            out_p[p] = -gradient_p[p] * step_size
    # shift[i] = largest(exponent[i, o], o where inside[i, o])
    out_p = work[shift_row]
    for p in range(count):
        out_p[p] = -inf
    for neighbour in range(neighbours):
        exponent_p = updated[neighbour, start:stop]
        inside_p = inside[neighbour, start:stop]
        for p in range(count):
            if inside_p[p] > 0.0:
                out_p[p] = max(out_p[p], exponent_p[p])
    # grown[i, o] = exp(exponent[i, o] - shift[i]) * inside[i, o] * weights[i, o]
    for neighbour in range(neighbours):
        out_p = updated[neighbour, start:stop]
        weights_p = weights[neighbour, start:stop]
        shift_p = work[shift_row]
        inside_p = inside[neighbour, start:stop]
        for p in range(count):
            if inside_p[p] > 0.0:
                out_p[p] = exp(out_p[p] - shift_p[p]) * weights_p[p]
            else:
                out_p[p] = 0.0
    # norm[i] = total(grown[i, o], o)
    out_p = work[norm_row]
    for p in range(count):
        out_p[p] = 0.0
    for neighbour in range(0, neighbours // 9 * 9, 9):
        grown_p = updated[neighbour, start:stop]
        grown_p2 = updated[neighbour + 1, start:stop]
        grown_p3 = updated[neighbour + 2, start:stop]
        grown_p4 = updated[neighbour + 3, start:stop]
        grown_p5 = updated[neighbour + 4, start:stop]
        grown_p6 = updated[neighbour + 5, start:stop]
        grown_p7 = updated[neighbour + 6, start:stop]
        grown_p8 = updated[neighbour + 7, start:stop]
        grown_p9 = updated[neighbour + 8, start:stop]
        for p in range(count):
            out_p[p] += (
                grown_p[p]
                + grown_p2[p]
                + grown_p3[p]
                + grown_p4[p]
                + grown_p5[p]
                + grown_p6[p]
                + grown_p7[p]
                + grown_p8[p]
                + grown_p9[p]
            )
    for neighbour in range(neighbours // 9 * 9, neighbours):
        grown_p = updated[neighbour, start:stop]
        for p in range(count):
            out_p[p] += grown_p[p]
    # updated[i, o] = grown[i, o] * inside[i, o] / norm[i]
    for neighbour in range(neighbours):
        out_p = updated[neighbour, start:stop]
        norm_p = work[norm_row]
        inside_p = inside[neighbour, start:stop]
        for p in range(count):
            if inside_p[p] > 0.0:
                out_p[p] = out_p[p] / norm_p[p]
            else:
                out_p[p] = 0.0


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def grid(structure, weights, gradient, inside, step_size, updated, work):
    """The descent step exp_Ω(-h ∂L) on the weight patches, Eqs. (3.7), (3.8).

    On a grid; nodes are those of the padded, flattened image.
    Source: Eqs. (3.7), (3.8).

    Inputs
        weights : (neighbours, nodes)
        gradient : (neighbours, nodes)
        inside : (neighbours, nodes)
        step_size : float
    Outputs
        updated : (neighbours, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights >= 0, rows summing to 1
        step_size * gradient finite
    Ensures
        updated >= 0, rows summing to 1 up to rounding, entries are 0 where inside is 0
    Error bound, to first order
        |error of updated[i, o]| <= eps * updated[i, o] * (3 * largest_step[i] + 4 + N / 2) + tiny *
        (1 + 1 / norm[i]) * (4 + N)
        where largest_step[i] = largest(|gradient[i, o] * step_size|, o where inside[i, o])
        eps = 2^-52, tiny = 2^-1074, N = largest number of neighbours of a node, or of nodes that
        share one
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
                gradient,
                inside,
                step_size,
                updated,
                work[task],
                start,
                stop,
            )


@njit(cache=True, error_model="numpy", nogil=True)
def _graph_block(indptr, weights, gradient, inside, step_size, updated, work, start, stop):
    shift_row = 0
    norm_row = shift_row + 1
    # exponent[i, o] = -gradient[i, o] * step_size
    for node in range(start, stop):
        for edge in range(indptr[node], indptr[node + 1]):
            this_gradient = gradient[edge]
            updated[edge] = -step_size * this_gradient
    # shift[i] = largest(exponent[i, o], o where inside[i, o])
    for node in range(start, stop):
        sum_ = -inf
        for edge in range(indptr[node], indptr[node + 1]):
            this_exponent = updated[edge]
            this_inside = inside[edge]
            if this_inside > 0.0:
                sum_ = max(sum_, this_exponent)
        work[shift_row, node - start] = sum_
    # grown[i, o] = exp(exponent[i, o] - shift[i]) * inside[i, o] * weights[i, o]
    for node in range(start, stop):
        for edge in range(indptr[node], indptr[node + 1]):
            this_weights = weights[edge]
            this_shift = work[shift_row, node - start]
            this_exponent = updated[edge]
            this_inside = inside[edge]
            if this_inside > 0.0:
                updated[edge] = exp(this_exponent - this_shift) * this_weights
            else:
                updated[edge] = 0.0
    # norm[i] = total(grown[i, o], o)
    for node in range(start, stop):
        sum_ = 0.0
        for edge in range(indptr[node], indptr[node + 1]):
            this_grown = updated[edge]
            sum_ += this_grown
        work[norm_row, node - start] = sum_
    # updated[i, o] = grown[i, o] * inside[i, o] / norm[i]
    for node in range(start, stop):
        for edge in range(indptr[node], indptr[node + 1]):
            this_norm = work[norm_row, node - start]
            this_grown = updated[edge]
            this_inside = inside[edge]
            if this_inside > 0.0:
                updated[edge] = this_grown / this_norm
            else:
                updated[edge] = 0.0


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def graph(structure, weights, gradient, inside, step_size, updated, work):
    """The descent step exp_Ω(-h ∂L) on the weight patches, Eqs. (3.7), (3.8).

    On a general graph.
    Source: Eqs. (3.7), (3.8).

    Inputs
        weights : (edges,)
        gradient : (edges,)
        inside : (edges,)
        step_size : float
    Outputs
        updated : (edges,)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights >= 0, rows summing to 1
        step_size * gradient finite
    Ensures
        updated >= 0, rows summing to 1 up to rounding, entries are 0 where inside is 0
    Error bound, to first order
        |error of updated[i, o]| <= eps * updated[i, o] * (3 * largest_step[i] + 4 + N / 2) + tiny *
        (1 + 1 / norm[i]) * (4 + N)
        where largest_step[i] = largest(|gradient[i, o] * step_size|, o where inside[i, o])
        eps = 2^-52, tiny = 2^-1074, N = largest number of neighbours of a node, or of nodes that
        share one
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
                gradient,
                inside,
                step_size,
                updated,
                work[task],
                start,
                stop,
            )
