# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Lemma 3.2, Eqs. (3.16), (3.17)
# SymPy:      1.14.0
# derivation: sha256 54f339f1757844fa319b38865a02adf2034e8dc858932390960d4de5cf1d9fce
# body:       sha256 fb25ed7ea6e12f3d5a0171914822b905b45e816fee049ed1768146ec2ce0bba4

"""The similarity map S(W0) = softmax(ΩL), Eqs. (2.17), (3.16).

Generated from ``derivations/assignment/lemma_3_2_similarity.py`` (Lemma 3.2, Eqs. (3.16), (3.17)).
"""

from math import inf

from numba import njit, prange

from laflow.exponential import exp
from laflow.neighbour_sums import gather

BLOCK = 256  # nodes per block


def work_rows(weights, log_likelihood):
    """Rows of workspace that one task needs."""
    return 2


@njit(cache=True, error_model="numpy", nogil=True)
def _grid_block(offsets, weights, log_likelihood, similarity, work, start, stop):
    labels = log_likelihood.shape[0]
    count = stop - start
    shift_row = 0
    norm_row = shift_row + 1
    # scores[i, j] = total(log_likelihood[k, j] * weights[i, k], k)
    gather(similarity[:, start:stop], log_likelihood, weights, offsets, start)
    # shift[i] = largest(scores[i, j], j)
    out_p = work[shift_row]
    for p in range(count):
        out_p[p] = -inf
    for label in range(labels):
        scores_p = similarity[label, start:stop]
        for p in range(count):
            out_p[p] = max(out_p[p], scores_p[p])
    # grown[i, j] = exp(scores[i, j] - shift[i])
    for label in range(labels):
        out_p = similarity[label, start:stop]
        shift_p = work[shift_row]
        for p in range(count):
            out_p[p] = exp(out_p[p] - shift_p[p])
    # norm[i] = total(grown[i, j], j)
    out_p = work[norm_row]
    for p in range(count):
        out_p[p] = 0.0
    for label in range(0, labels // 4 * 4, 4):
        grown_p = similarity[label, start:stop]
        grown_p2 = similarity[label + 1, start:stop]
        grown_p3 = similarity[label + 2, start:stop]
        grown_p4 = similarity[label + 3, start:stop]
        for p in range(count):
            out_p[p] += grown_p[p] + grown_p2[p] + grown_p3[p] + grown_p4[p]
    for label in range(labels // 4 * 4, labels):
        grown_p = similarity[label, start:stop]
        for p in range(count):
            out_p[p] += grown_p[p]
    # similarity[i, j] = grown[i, j] / norm[i]
    for label in range(labels):
        out_p = similarity[label, start:stop]
        norm_p = work[norm_row]
        for p in range(count):
            out_p[p] = out_p[p] / norm_p[p]


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def grid(structure, weights, log_likelihood, similarity, work):
    """The similarity map S(W0) = softmax(ΩL), Eqs. (2.17), (3.16).

    On a grid; nodes are those of the padded, flattened image.
    Source: Lemma 3.2, Eqs. (3.16), (3.17).

    Inputs
        weights : (neighbours, nodes)
        log_likelihood : (labels, nodes)
    Outputs
        similarity : (labels, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights >= 0, rows summing to 1
        log_likelihood finite
    Ensures
        similarity >= 0, rows summing to 1 up to rounding
    Error bound, to first order
        |error of similarity[i, j]| <= eps * similarity[i, j] * (3 + J / 2 + N * size[i] + span[i])
        + tiny * (2 * N + 3 + J)
        where size[i] = largest(total(weights[i, k] * |log_likelihood[k, j]|, k), j)
        where span[i] = largest(-scores[i, j], j) + largest(scores[i, j], j)
        eps = 2^-52, tiny = 2^-1074, J = number of labels, N = largest number of neighbours of a
        node, or of nodes that share one
    """
    first, last = structure.first, structure.last
    tasks = work.shape[0]
    blocks = (last - first + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = first + block * BLOCK
            stop = min(start + BLOCK, last)
            _grid_block(structure.offsets, weights, log_likelihood, similarity, work[task], start, stop)


@njit(cache=True, error_model="numpy", nogil=True)
def _graph_block(indptr, indices, weights, log_likelihood, similarity, work, start, stop):
    labels = log_likelihood.shape[0]
    shift_row = 0
    norm_row = shift_row + 1
    # scores[i, j] = total(log_likelihood[k, j] * weights[i, k], k)
    for label in range(labels):
        for node in range(start, stop):
            sum_ = 0.0
            for edge in range(indptr[node], indptr[node + 1]):
                near = indices[edge]
                near_log_likelihood = log_likelihood[label, near]
                this_weights = weights[edge]
                sum_ += near_log_likelihood * this_weights
            similarity[label, node] = sum_
    # shift[i] = largest(scores[i, j], j)
    for node in range(start, stop):
        sum_ = -inf
        for label in range(labels):
            this_scores = similarity[label, node]
            sum_ = max(sum_, this_scores)
        work[shift_row, node - start] = sum_
    # grown[i, j] = exp(scores[i, j] - shift[i])
    for label in range(labels):
        for node in range(start, stop):
            this_shift = work[shift_row, node - start]
            this_scores = similarity[label, node]
            similarity[label, node] = exp(this_scores - this_shift)
    # norm[i] = total(grown[i, j], j)
    for node in range(start, stop):
        sum_ = 0.0
        for label in range(labels):
            this_grown = similarity[label, node]
            sum_ += this_grown
        work[norm_row, node - start] = sum_
    # similarity[i, j] = grown[i, j] / norm[i]
    for label in range(labels):
        for node in range(start, stop):
            this_norm = work[norm_row, node - start]
            this_grown = similarity[label, node]
            similarity[label, node] = this_grown / this_norm


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def graph(structure, weights, log_likelihood, similarity, work):
    """The similarity map S(W0) = softmax(ΩL), Eqs. (2.17), (3.16).

    On a general graph.
    Source: Lemma 3.2, Eqs. (3.16), (3.17).

    Inputs
        weights : (edges,)
        log_likelihood : (labels, nodes)
    Outputs
        similarity : (labels, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights >= 0, rows summing to 1
        log_likelihood finite
    Ensures
        similarity >= 0, rows summing to 1 up to rounding
    Error bound, to first order
        |error of similarity[i, j]| <= eps * similarity[i, j] * (3 + J / 2 + N * size[i] + span[i])
        + tiny * (2 * N + 3 + J)
        where size[i] = largest(total(weights[i, k] * |log_likelihood[k, j]|, k), j)
        where span[i] = largest(-scores[i, j], j) + largest(scores[i, j], j)
        eps = 2^-52, tiny = 2^-1074, J = number of labels, N = largest number of neighbours of a
        node, or of nodes that share one
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
                structure.indices,
                weights,
                log_likelihood,
                similarity,
                work[task],
                start,
                stop,
            )
