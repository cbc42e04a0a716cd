# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. (2.23), (2.26)
# SymPy:      1.14.0
# derivation: sha256 494a4f9a6c180566ee81c54e622cf92ae7c8b50f9a7c9efe0349942d76804d2d
# body:       sha256 48cdd479d48e6194c851b26570d16aee41ec09ac656bcbd4c59361c7fcc86bd3

"""The adjoint A(Ω)ᵀZ = Ωᵀ R_S Z of the linear map, Eq. (2.23).

Generated from ``derivations/assignment/linearized_flow.py`` (Eqs. (2.23), (2.26)).
"""

from numba import njit, prange

from laflow.neighbour_sums import gather_transposed

BLOCK = 256  # nodes per block


def work_rows(weights, similarity, covector):
    """Rows of workspace that one task needs."""
    return 1


@njit(cache=True, error_model="numpy", nogil=True)
def _grid_block_1(similarity, covector, projected, work, start, stop):
    labels = similarity.shape[0]
    count = stop - start
    mean_row = 0
    # mean[i] = total(covector[i, j] * similarity[i, j], j)
    out_p = work[mean_row]
    for p in range(count):
        out_p[p] = 0.0
    for label in range(0, labels // 4 * 4, 4):
        covector_p = covector[label, start:stop]
        similarity_p = similarity[label, start:stop]
        covector_p2 = covector[label + 1, start:stop]
        similarity_p2 = similarity[label + 1, start:stop]
        covector_p3 = covector[label + 2, start:stop]
        similarity_p3 = similarity[label + 2, start:stop]
        covector_p4 = covector[label + 3, start:stop]
        similarity_p4 = similarity[label + 3, start:stop]
        for p in range(count):
            out_p[p] += (
                covector_p[p] * similarity_p[p]
                + covector_p2[p] * similarity_p2[p]
                + covector_p3[p] * similarity_p3[p]
                + covector_p4[p] * similarity_p4[p]
            )
    for label in range(labels // 4 * 4, labels):
        covector_p = covector[label, start:stop]
        similarity_p = similarity[label, start:stop]
        for p in range(count):
            out_p[p] += covector_p[p] * similarity_p[p]
    # projected[i, j] = similarity[i, j] * (covector[i, j] - mean[i])
    for label in range(labels):
        out_p = projected[label, start:stop]
        mean_p = work[mean_row]
        covector_p = covector[label, start:stop]
        similarity_p = similarity[label, start:stop]
        for p in range(count):
            out_p[p] = similarity_p[p] * (covector_p[p] - mean_p[p])


@njit(cache=True, error_model="numpy", nogil=True)
def _grid_block_2(offsets, weights, projected, image, start, stop):
    # image[k, j] = total(projected[i, j] * weights[i, k], i)
    gather_transposed(image[:, start:stop], projected, weights, offsets, start)


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def grid(structure, weights, similarity, covector, projected, image, work):
    """The adjoint A(Ω)ᵀZ = Ωᵀ R_S Z of the linear map, Eq. (2.23).

    On a grid; nodes are those of the padded, flattened image.
    Source: Eqs. (2.23), (2.26).

    Inputs
        weights : (neighbours, nodes)
        similarity : (labels, nodes)
        covector : (labels, nodes)
    Outputs
        projected : (labels, nodes), scratch
        image : (labels, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights >= 0
        similarity >= 0, rows summing to 1
        covector finite
    Ensures
        rows of projected sum to 0 up to rounding
    Error bound, to first order
        |error of projected[i, j]| <= eps * spread[i, j] * (2 + J) / 2 + tiny * (2 + J)
        |error of image[k, j]| <= N * tiny * (3 + J) + eps * total(spread[i, j] * weights[i, k], i)
        * (2 + J + N) / 2
        where spread[i, j] = similarity[i, j] * (total(similarity[i, l] * |covector[i, l]|, l) +
        |covector[i, j]|)
        eps = 2^-52, tiny = 2^-1074, J = number of labels, N = largest number of neighbours of a
        node, or of nodes that share one
    """
    first, last = structure.first, structure.last
    tasks = work.shape[0]
    blocks = (last - first + BLOCK - 1) // BLOCK
    # Later phases read at neighbours what earlier ones make, so these may be ahead of them.
    early_first, early_last = structure.early_first, structure.early_last
    early_blocks = (early_last - early_first + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, early_blocks, tasks):
            start = early_first + block * BLOCK
            stop = min(start + BLOCK, early_last)
            _grid_block_1(similarity, covector, projected, work[task], start, stop)
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = first + block * BLOCK
            stop = min(start + BLOCK, last)
            _grid_block_2(structure.offsets, weights, projected, image, start, stop)


@njit(cache=True, error_model="numpy", nogil=True)
def _graph_block_1(similarity, covector, projected, work, start, stop):
    labels = similarity.shape[0]
    mean_row = 0
    # mean[i] = total(covector[i, j] * similarity[i, j], j)
    for node in range(start, stop):
        sum_ = 0.0
        for label in range(labels):
            this_covector = covector[label, node]
            this_similarity = similarity[label, node]
            sum_ += this_covector * this_similarity
        work[mean_row, node - start] = sum_
    # projected[i, j] = similarity[i, j] * (covector[i, j] - mean[i])
    for label in range(labels):
        for node in range(start, stop):
            this_mean = work[mean_row, node - start]
            this_covector = covector[label, node]
            this_similarity = similarity[label, node]
            projected[label, node] = this_similarity * (this_covector - this_mean)


@njit(cache=True, error_model="numpy", nogil=True)
def _graph_block_2(
    transpose_indptr,
    transpose_nodes,
    transpose_edges,
    weights,
    similarity,
    projected,
    image,
    start,
    stop,
):
    labels = similarity.shape[0]
    # image[k, j] = total(projected[i, j] * weights[i, k], i)
    for label in range(labels):
        for node in range(start, stop):
            sum_ = 0.0
            for entry in range(transpose_indptr[node], transpose_indptr[node + 1]):
                edge = transpose_edges[entry]
                near = transpose_nodes[entry]
                near_projected = projected[label, near]
                this_weights = weights[edge]
                sum_ += near_projected * this_weights
            image[label, node] = sum_


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def graph(structure, weights, similarity, covector, projected, image, work):
    """The adjoint A(Ω)ᵀZ = Ωᵀ R_S Z of the linear map, Eq. (2.23).

    On a general graph.
    Source: Eqs. (2.23), (2.26).

    Inputs
        weights : (edges,)
        similarity : (labels, nodes)
        covector : (labels, nodes)
    Outputs
        projected : (labels, nodes), scratch
        image : (labels, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights >= 0
        similarity >= 0, rows summing to 1
        covector finite
    Ensures
        rows of projected sum to 0 up to rounding
    Error bound, to first order
        |error of projected[i, j]| <= eps * spread[i, j] * (2 + J) / 2 + tiny * (2 + J)
        |error of image[k, j]| <= N * tiny * (3 + J) + eps * total(spread[i, j] * weights[i, k], i)
        * (2 + J + N) / 2
        where spread[i, j] = similarity[i, j] * (total(similarity[i, l] * |covector[i, l]|, l) +
        |covector[i, j]|)
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
            _graph_block_1(similarity, covector, projected, work[task], start, stop)
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = first + block * BLOCK
            stop = min(start + BLOCK, last)
            _graph_block_2(
                structure.transpose_indptr,
                structure.transpose_nodes,
                structure.transpose_edges,
                weights,
                similarity,
                projected,
                image,
                start,
                stop,
            )
