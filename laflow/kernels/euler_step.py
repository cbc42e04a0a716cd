# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. (3.48), (3.49)
# SymPy:      1.14.0
# derivation: sha256 b920906a240840e9a3935ec2f5d0c8813342cf8b901152d3b95bde8be18bb4b9
# body:       sha256 9f1ded2d238b1c8f79d3fc5372f0ee977aaa8b144a409f6561692bd3a9f61065

"""One explicit Euler step V + h(A(Ω)V + B) of the linearized flow, Eq. (3.49).

Generated from ``derivations/assignment/euler.py`` (Eqs. (3.48), (3.49)).
"""

from numba import njit, prange

from laflow.neighbour_sums import gather

BLOCK = 256  # nodes per block


def work_rows(weights, similarity, source, tangent, step_size):
    """Rows of workspace that one task needs."""
    return 1


@njit(cache=True, error_model="numpy", nogil=True)
def _grid_block(offsets, weights, similarity, source, tangent, step_size, image, work, start, stop):
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
    # image[i, j] = step_size * (similarity[i, j] * (averaged[i, j] - mean[i]) + source[i, j]) +
    #     tangent[i, j]
    for label in range(labels):
        out_p = image[label, start:stop]
        mean_p = work[mean_row]
        similarity_p = similarity[label, start:stop]
        source_p = source[label, start:stop]
        tangent_p = tangent[label, start:stop]
        for p in range(count):
            out_p[p] = step_size * (similarity_p[p] * (out_p[p] - mean_p[p]) + source_p[p]) + tangent_p[p]


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def grid(structure, weights, similarity, source, tangent, step_size, image, work):
    """One explicit Euler step V + h(A(Ω)V + B) of the linearized flow, Eq. (3.49).

    On a grid; nodes are those of the padded, flattened image.
    Source: Eqs. (3.48), (3.49).

    Inputs
        weights : (neighbours, nodes)
        similarity : (labels, nodes)
        source : (labels, nodes)
        tangent : (labels, nodes)
        step_size : float
    Outputs
        image : (labels, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights >= 0
        similarity >= 0, rows summing to 1
        image does not share memory with tangent
    Ensures
        rows of image sum to 0 up to rounding if those of tangent and source do
    Error bound, to first order
        |error of image[i, j]| <= eps * (5 + J + N) * (change[i, j] * |step_size| + |tangent[i, j]|)
        / 2 + tiny * (1 + |step_size|) * (2 * N + 4 + J)
        where reach[i, j] = total(weights[i, k] * |tangent[k, j]|, k)
        where mean_reach[i] = total(reach[i, j] * similarity[i, j], j)
        where change[i, j] = similarity[i, j] * (mean_reach[i] + reach[i, j]) + |source[i, j]|
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
            _grid_block(
                structure.offsets,
                weights,
                similarity,
                source,
                tangent,
                step_size,
                image,
                work[task],
                start,
                stop,
            )


@njit(cache=True, error_model="numpy", nogil=True)
def _graph_block(indptr, indices, weights, similarity, source, tangent, step_size, image, work, start, stop):
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
    # image[i, j] = step_size * (similarity[i, j] * (averaged[i, j] - mean[i]) + source[i, j]) +
    #     tangent[i, j]
    for label in range(labels):
        for node in range(start, stop):
            this_mean = work[mean_row, node - start]
            this_averaged = image[label, node]
            this_similarity = similarity[label, node]
            this_source = source[label, node]
            this_tangent = tangent[label, node]
            new = step_size * (this_similarity * (this_averaged - this_mean) + this_source) + this_tangent
            image[label, node] = new


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def graph(structure, weights, similarity, source, tangent, step_size, image, work):
    """One explicit Euler step V + h(A(Ω)V + B) of the linearized flow, Eq. (3.49).

    On a general graph.
    Source: Eqs. (3.48), (3.49).

    Inputs
        weights : (edges,)
        similarity : (labels, nodes)
        source : (labels, nodes)
        tangent : (labels, nodes)
        step_size : float
    Outputs
        image : (labels, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights >= 0
        similarity >= 0, rows summing to 1
        image does not share memory with tangent
    Ensures
        rows of image sum to 0 up to rounding if those of tangent and source do
    Error bound, to first order
        |error of image[i, j]| <= eps * (5 + J + N) * (change[i, j] * |step_size| + |tangent[i, j]|)
        / 2 + tiny * (1 + |step_size|) * (2 * N + 4 + J)
        where reach[i, j] = total(weights[i, k] * |tangent[k, j]|, k)
        where mean_reach[i] = total(reach[i, j] * similarity[i, j], j)
        where change[i, j] = similarity[i, j] * (mean_reach[i] + reach[i, j]) + |source[i, j]|
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
                source,
                tangent,
                step_size,
                image,
                work[task],
                start,
                stop,
            )
