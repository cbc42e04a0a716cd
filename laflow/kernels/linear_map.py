# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. (2.23), (2.26)
# SymPy:      1.14.0
# derivation: sha256 80ca784ebf2d9052325e5ef47f4059394839aaabf62602116a547fcb864f82b7
# body:       sha256 bb76ed30bf58ea2d2c7751a79aa36677526aac9c76239642d0aa49cf602359a8

"""The linear map A(Ω)V = R_S ΩV of the linearized flow, Eq. (2.23).

Generated from ``derivations/assignment/linearized_flow.py`` (Eqs. (2.23), (2.26)).
"""

from numba import njit, prange

from laflow.neighbour_sums import gather

BLOCK = 256  # nodes per block


def work_rows(weights, similarity, tangent):
    """Rows of workspace that one task needs."""
    return 1


@njit(cache=True, error_model="numpy", nogil=True)
def _grid_block(offsets, weights, similarity, tangent, image, work, start, stop):
    labels = similarity.shape[0]
    count = stop - start
    mean_row = 0
    # averaged[i, j] = total(tangent[k, j] * weights[i, k], k)
    gather(image[:, start:stop], tangent, weights, offsets, start)
    # mean[i] = total(averaged[i, j] * similarity[i, j], j)
    out_p = work[mean_row]
    for p in range(count):
        out_p[p] = 0.0
    for label in range(0, labels // 4 * 4, 4):
        averaged_p = image[label, start:stop]
        similarity_p = similarity[label, start:stop]
        averaged_p2 = image[label + 1, start:stop]
        similarity_p2 = similarity[label + 1, start:stop]
        averaged_p3 = image[label + 2, start:stop]
        similarity_p3 = similarity[label + 2, start:stop]
        averaged_p4 = image[label + 3, start:stop]
        similarity_p4 = similarity[label + 3, start:stop]
        for p in range(count):
            out_p[p] += (
                averaged_p[p] * similarity_p[p]
                + averaged_p2[p] * similarity_p2[p]
                + averaged_p3[p] * similarity_p3[p]
                + averaged_p4[p] * similarity_p4[p]
            )
    for label in range(labels // 4 * 4, labels):
        averaged_p = image[label, start:stop]
        similarity_p = similarity[label, start:stop]
        for p in range(count):
            out_p[p] += averaged_p[p] * similarity_p[p]
    # image[i, j] = similarity[i, j] * (averaged[i, j] - mean[i])
    for label in range(labels):
        out_p = image[label, start:stop]
        mean_p = work[mean_row]
        similarity_p = similarity[label, start:stop]
        for p in range(count):
            out_p[p] = similarity_p[p] * (out_p[p] - mean_p[p])


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def grid(structure, weights, similarity, tangent, image, work):
    """The linear map A(Ω)V = R_S ΩV of the linearized flow, Eq. (2.23).

    On a grid; nodes are those of the padded, flattened image.
    Source: Eqs. (2.23), (2.26).

    Inputs
        weights : (neighbours, nodes)
        similarity : (labels, nodes)
        tangent : (labels, nodes)
    Outputs
        image : (labels, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights >= 0
        similarity >= 0, rows summing to 1
        tangent finite
    Ensures
        rows of image sum to 0 up to rounding
    Error bound, to first order
        |error of image[i, j]| <= eps * similarity[i, j] * (2 + J + N) * (mean_reach[i] +
        reach[i, j]) / 2 + tiny * (2 + 2 * N + J)
        where reach[i, j] = total(weights[i, k] * |tangent[k, j]|, k)
        where mean_reach[i] = total(reach[i, j] * similarity[i, j], j)
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
            _grid_block(structure.offsets, weights, similarity, tangent, image, work[task], start, stop)


@njit(cache=True, error_model="numpy", nogil=True)
def _graph_block(indptr, indices, weights, similarity, tangent, image, work, start, stop):
    labels = similarity.shape[0]
    mean_row = 0
    # averaged[i, j] = total(tangent[k, j] * weights[i, k], k)
    for label in range(labels):
        for node in range(start, stop):
            sum_ = 0.0
            for edge in range(indptr[node], indptr[node + 1]):
                near = indices[edge]
                near_tangent = tangent[label, near]
                this_weights = weights[edge]
                sum_ += near_tangent * this_weights
            image[label, node] = sum_
    # mean[i] = total(averaged[i, j] * similarity[i, j], j)
    for node in range(start, stop):
        sum_ = 0.0
        for label in range(labels):
            this_averaged = image[label, node]
            this_similarity = similarity[label, node]
            sum_ += this_averaged * this_similarity
        work[mean_row, node - start] = sum_
    # image[i, j] = similarity[i, j] * (averaged[i, j] - mean[i])
    for label in range(labels):
        for node in range(start, stop):
            this_mean = work[mean_row, node - start]
            this_averaged = image[label, node]
            this_similarity = similarity[label, node]
            image[label, node] = this_similarity * (this_averaged - this_mean)


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def graph(structure, weights, similarity, tangent, image, work):
    """The linear map A(Ω)V = R_S ΩV of the linearized flow, Eq. (2.23).

    On a general graph.
    Source: Eqs. (2.23), (2.26).

    Inputs
        weights : (edges,)
        similarity : (labels, nodes)
        tangent : (labels, nodes)
    Outputs
        image : (labels, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights >= 0
        similarity >= 0, rows summing to 1
        tangent finite
    Ensures
        rows of image sum to 0 up to rounding
    Error bound, to first order
        |error of image[i, j]| <= eps * similarity[i, j] * (2 + J + N) * (mean_reach[i] +
        reach[i, j]) / 2 + tiny * (2 + 2 * N + J)
        where reach[i, j] = total(weights[i, k] * |tangent[k, j]|, k)
        where mean_reach[i] = total(reach[i, j] * similarity[i, j], j)
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
                similarity,
                tangent,
                image,
                work[task],
                start,
                stop,
            )
