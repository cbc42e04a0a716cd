# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. (3.48), (3.49)
# SymPy:      1.14.0
# derivation: sha256 b920906a240840e9a3935ec2f5d0c8813342cf8b901152d3b95bde8be18bb4b9
# body:       sha256 610b52e7e7f77c4ddd677e27d850ad0b658ca720bc9bdc3342a38e2e477981f8

"""One explicit Euler step V + h(A(Ω)V + B) of the linearized flow, Eq. (3.49).

Generated from ``derivations/assignment/euler.py`` (Eqs. (3.48), (3.49)).
"""

from numba import njit, prange

BLOCK = 256  # nodes per block


def work_rows(weights, similarity, source, tangent, step_size):
    """Rows of workspace that one task needs."""
    return 1


@njit(cache=True, error_model="numpy", nogil=True)
def _grid_block(offsets, weights, similarity, source, tangent, step_size, image, work, start, stop):
    neighbours = offsets.shape[0]
    labels = similarity.shape[0]
    count = stop - start
    mean_row = 0
    # averaged[i, j] = total(tangent[k, j] * weights[i, k], k)
    for label in range(labels):
        out_p = image[label, start:stop]
        for neighbour in range(0, neighbours // 9 * 9, 9):
            near = start + offsets[neighbour]
            near2 = start + offsets[neighbour + 1]
            near3 = start + offsets[neighbour + 2]
            near4 = start + offsets[neighbour + 3]
            near5 = start + offsets[neighbour + 4]
            near6 = start + offsets[neighbour + 5]
            near7 = start + offsets[neighbour + 6]
            near8 = start + offsets[neighbour + 7]
            near9 = start + offsets[neighbour + 8]
            near_tangent_p = tangent[label, near : near + count]
            weights_p = weights[neighbour, start:stop]
            near_tangent_p2 = tangent[label, near2 : near2 + count]
            weights_p2 = weights[neighbour + 1, start:stop]
            near_tangent_p3 = tangent[label, near3 : near3 + count]
            weights_p3 = weights[neighbour + 2, start:stop]
            near_tangent_p4 = tangent[label, near4 : near4 + count]
            weights_p4 = weights[neighbour + 3, start:stop]
            near_tangent_p5 = tangent[label, near5 : near5 + count]
            weights_p5 = weights[neighbour + 4, start:stop]
            near_tangent_p6 = tangent[label, near6 : near6 + count]
            weights_p6 = weights[neighbour + 5, start:stop]
            near_tangent_p7 = tangent[label, near7 : near7 + count]
            weights_p7 = weights[neighbour + 6, start:stop]
            near_tangent_p8 = tangent[label, near8 : near8 + count]
            weights_p8 = weights[neighbour + 7, start:stop]
            near_tangent_p9 = tangent[label, near9 : near9 + count]
            weights_p9 = weights[neighbour + 8, start:stop]
            if neighbour == 0:
                for p in range(count):
                    out_p[p] = (
                        near_tangent_p[p] * weights_p[p]
                        + near_tangent_p2[p] * weights_p2[p]
                        + near_tangent_p3[p] * weights_p3[p]
                        + near_tangent_p4[p] * weights_p4[p]
                        + near_tangent_p5[p] * weights_p5[p]
                        + near_tangent_p6[p] * weights_p6[p]
                        + near_tangent_p7[p] * weights_p7[p]
                        + near_tangent_p8[p] * weights_p8[p]
                        + near_tangent_p9[p] * weights_p9[p]
                    )
            else:
                for p in range(count):
                    out_p[p] += (
                        near_tangent_p[p] * weights_p[p]
                        + near_tangent_p2[p] * weights_p2[p]
                        + near_tangent_p3[p] * weights_p3[p]
                        + near_tangent_p4[p] * weights_p4[p]
                        + near_tangent_p5[p] * weights_p5[p]
                        + near_tangent_p6[p] * weights_p6[p]
                        + near_tangent_p7[p] * weights_p7[p]
                        + near_tangent_p8[p] * weights_p8[p]
                        + near_tangent_p9[p] * weights_p9[p]
                    )
        for neighbour in range(neighbours // 9 * 9, neighbours):
            near = start + offsets[neighbour]
            near_tangent_p = tangent[label, near : near + count]
            weights_p = weights[neighbour, start:stop]
            if neighbour == 0:
                for p in range(count):
                    out_p[p] = near_tangent_p[p] * weights_p[p]
            else:
                for p in range(count):
                    out_p[p] += near_tangent_p[p] * weights_p[p]
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
