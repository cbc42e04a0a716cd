# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. (3.7), (3.8)
# SymPy:      1.14.0
# derivation: sha256 762d666d3a75c65f07a7461041e01f7e0ef226e3beb9d079d349ce1feec1a0b4
# body:       sha256 3d7c3bb8119bbff9d970f80f9d5bd18aff6a37b2b268e1d8fe7c48079a81b028

"""The Riemannian gradient R_Ω ∂L of the weight patches, Eq. (3.8).

Generated from ``derivations/assignment/riemannian_descent.py`` (Eqs. (3.7), (3.8)).
"""

from numba import njit, prange

BLOCK = 256  # nodes per block


def work_rows(weights, gradient, inside):
    """Rows of workspace that one task needs."""
    return 1


@njit(cache=True, error_model="numpy", nogil=True)
def _grid_block(offsets, weights, gradient, inside, riemannian, work, start, stop):
    neighbours = offsets.shape[0]
    count = stop - start
    mean_row = 0
    # mean[i] = total(gradient[i, o] * inside[i, o] * weights[i, o], o)
    out_p = work[mean_row]
    for p in range(count):
        out_p[p] = 0.0
    for neighbour in range(neighbours):
        gradient_p = gradient[neighbour, start:stop]
        weights_p = weights[neighbour, start:stop]
        inside_p = inside[neighbour, start:stop]
        for p in range(count):
            if inside_p[p] > 0.0:
                out_p[p] += gradient_p[p] * weights_p[p]
    # riemannian[i, o] = inside[i, o] * weights[i, o] * (gradient[i, o] - mean[i])
    for neighbour in range(neighbours):
        out_p = riemannian[neighbour, start:stop]
        mean_p = work[mean_row]
        gradient_p = gradient[neighbour, start:stop]
        weights_p = weights[neighbour, start:stop]
        inside_p = inside[neighbour, start:stop]
        for p in range(count):
            if inside_p[p] > 0.0:
                out_p[p] = weights_p[p] * (gradient_p[p] - mean_p[p])
            else:
                out_p[p] = 0.0


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def grid(structure, weights, gradient, inside, riemannian, work):
    """The Riemannian gradient R_Ω ∂L of the weight patches, Eq. (3.8).

    On a grid; nodes are those of the padded, flattened image.
    Source: Eqs. (3.7), (3.8).

    Inputs
        weights : (neighbours, nodes)
        gradient : (neighbours, nodes)
        inside : (neighbours, nodes)
    Outputs
        riemannian : (neighbours, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights >= 0, rows summing to 1
        gradient finite
    Ensures
        rows of riemannian sum to 0 up to rounding, entries are 0 where inside is 0
    Error bound, to first order
        |error of riemannian[i, o]| <= eps * inside[i, o] * weights[i, o] * (2 + N) * (mean_size[i]
        + |gradient[i, o]|) / 2 + tiny * (2 + N)
        where mean_size[i] = total(inside[i, o] * weights[i, o] * |gradient[i, o]|, o)
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
            _grid_block(structure.offsets, weights, gradient, inside, riemannian, work[task], start, stop)


@njit(cache=True, error_model="numpy", nogil=True)
def _graph_block(indptr, weights, gradient, inside, riemannian, work, start, stop):
    mean_row = 0
    # mean[i] = total(gradient[i, o] * inside[i, o] * weights[i, o], o)
    for node in range(start, stop):
        sum_ = 0.0
        for edge in range(indptr[node], indptr[node + 1]):
            this_gradient = gradient[edge]
            this_weights = weights[edge]
            this_inside = inside[edge]
            if this_inside > 0.0:
                sum_ += this_gradient * this_weights
        work[mean_row, node - start] = sum_
    # riemannian[i, o] = inside[i, o] * weights[i, o] * (gradient[i, o] - mean[i])
    for node in range(start, stop):
        for edge in range(indptr[node], indptr[node + 1]):
            this_mean = work[mean_row, node - start]
            this_gradient = gradient[edge]
            this_weights = weights[edge]
            this_inside = inside[edge]
            if this_inside > 0.0:
                riemannian[edge] = this_weights * (this_gradient - this_mean)
            else:
                riemannian[edge] = 0.0


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def graph(structure, weights, gradient, inside, riemannian, work):
    """The Riemannian gradient R_Ω ∂L of the weight patches, Eq. (3.8).

    On a general graph.
    Source: Eqs. (3.7), (3.8).

    Inputs
        weights : (edges,)
        gradient : (edges,)
        inside : (edges,)
    Outputs
        riemannian : (edges,)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights >= 0, rows summing to 1
        gradient finite
    Ensures
        rows of riemannian sum to 0 up to rounding, entries are 0 where inside is 0
    Error bound, to first order
        |error of riemannian[i, o]| <= eps * inside[i, o] * weights[i, o] * (2 + N) * (mean_size[i]
        + |gradient[i, o]|) / 2 + tiny * (2 + N)
        where mean_size[i] = total(inside[i, o] * weights[i, o] * |gradient[i, o]|, o)
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
            _graph_block(structure.indptr, weights, gradient, inside, riemannian, work[task], start, stop)
