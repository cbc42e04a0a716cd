# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Theorem 3.8, Eqs. (3.32), (3.33), (3.47)
# SymPy:      1.14.0
# derivation: sha256 b7fc00f992eb794fee3774e4f21fa73b0d8d40434b80e88312e19a9b46e9b89c
# body:       sha256 f76f4690a9206960ae99b365863518f93853455c6f48add7d849b1bec49e9399

"""The gradient of the loss from a low-rank moment and the integrated adjoint, Theorem 3.8, Eq. (3.47).

Generated from ``derivations/assignment/theorem_3_8_gradient.py`` (Theorem 3.8, Eqs. (3.32), (3.33), (3.47)).
"""

from numba import njit, prange

from laflow.neighbour_sums import add_products, gather

BLOCK = 256  # nodes per block


def work_rows(weights, similarity, log_likelihood, left, right, adjoint_integral):
    """Rows of workspace that one task needs."""
    labels = similarity.shape[0]
    ranks = left.shape[0]
    return 2 * ranks * labels + 2 * ranks + 2 * labels + 1


@njit(cache=True, error_model="numpy", nogil=True)
def _grid_block(
    offsets,
    weights,
    similarity,
    log_likelihood,
    left,
    right,
    adjoint_integral,
    gradient,
    work,
    start,
    stop,
):
    labels = similarity.shape[0]
    ranks = left.shape[0]
    count = stop - start
    averaged_row = 0
    mean_right_row = averaged_row + ranks * labels
    mean_left_row = mean_right_row + ranks
    projected_row = mean_left_row + ranks
    reached_row = projected_row + ranks * labels
    mean_reached_row = reached_row + labels
    pulled_row = mean_reached_row + 1
    # averaged[r, i, j] = total(right[r, k, j] * weights[i, k], k)
    for rank in range(ranks):
        first_row = averaged_row + rank * labels
        gather(work[first_row : first_row + labels, :count], right[rank], weights, offsets, start)
    # mean_right[r, i] = total(averaged[r, i, j] * similarity[i, j], j)
    for rank in range(ranks):
        out_p = work[mean_right_row + rank]
        for p in range(count):
            out_p[p] = 0.0
        for label in range(0, labels // 4 * 4, 4):
            similarity_p = similarity[label, start:stop]
            averaged_p = work[averaged_row + rank * labels + label]
            similarity_p2 = similarity[label + 1, start:stop]
            averaged_p2 = work[averaged_row + rank * labels + label + 1]
            similarity_p3 = similarity[label + 2, start:stop]
            averaged_p3 = work[averaged_row + rank * labels + label + 2]
            similarity_p4 = similarity[label + 3, start:stop]
            averaged_p4 = work[averaged_row + rank * labels + label + 3]
            for p in range(count):
                out_p[p] += (
                    averaged_p[p] * similarity_p[p]
                    + averaged_p2[p] * similarity_p2[p]
                    + averaged_p3[p] * similarity_p3[p]
                    + averaged_p4[p] * similarity_p4[p]
                )
        for label in range(labels // 4 * 4, labels):
            similarity_p = similarity[label, start:stop]
            averaged_p = work[averaged_row + rank * labels + label]
            for p in range(count):
                out_p[p] += averaged_p[p] * similarity_p[p]
    # mean_left[r, i] = total(left[r, i, j] * similarity[i, j], j)
    for rank in range(ranks):
        out_p = work[mean_left_row + rank]
        for p in range(count):
            out_p[p] = 0.0
        for label in range(0, labels // 4 * 4, 4):
            similarity_p = similarity[label, start:stop]
            left_p = left[rank, label, start:stop]
            similarity_p2 = similarity[label + 1, start:stop]
            left_p2 = left[rank, label + 1, start:stop]
            similarity_p3 = similarity[label + 2, start:stop]
            left_p3 = left[rank, label + 2, start:stop]
            similarity_p4 = similarity[label + 3, start:stop]
            left_p4 = left[rank, label + 3, start:stop]
            for p in range(count):
                out_p[p] += (
                    left_p[p] * similarity_p[p]
                    + left_p2[p] * similarity_p2[p]
                    + left_p3[p] * similarity_p3[p]
                    + left_p4[p] * similarity_p4[p]
                )
        for label in range(labels // 4 * 4, labels):
            similarity_p = similarity[label, start:stop]
            left_p = left[rank, label, start:stop]
            for p in range(count):
                out_p[p] += left_p[p] * similarity_p[p]
    # projected[r, i, j] = similarity[i, j] * (left[r, i, j] - mean_left[r, i])
    for rank in range(ranks):
        for label in range(labels):
            out_p = work[projected_row + rank * labels + label]
            mean_left_p = work[mean_left_row + rank]
            left_p = left[rank, label, start:stop]
            similarity_p = similarity[label, start:stop]
            for p in range(count):
                out_p[p] = similarity_p[p] * (left_p[p] - mean_left_p[p])
    # reached[i, j] = adjoint_integral[i, j] / labels + total(averaged[r, i, j] * (left[r, i, j] -
    #     mean_left[r, i]) - left[r, i, j] * mean_right[r, i], r)
    for label in range(labels):
        out_p = work[reached_row + label]
        adjoint_integral_p = adjoint_integral[label, start:stop]
        for p in range(count):
            out_p[p] = adjoint_integral_p[p] / labels
        for rank in range(0, ranks // 4 * 4, 4):
            mean_left_p = work[mean_left_row + rank]
            left_p = left[rank, label, start:stop]
            averaged_p = work[averaged_row + rank * labels + label]
            mean_right_p = work[mean_right_row + rank]
            mean_left_p2 = work[mean_left_row + rank + 1]
            left_p2 = left[rank + 1, label, start:stop]
            averaged_p2 = work[averaged_row + (rank + 1) * labels + label]
            mean_right_p2 = work[mean_right_row + rank + 1]
            mean_left_p3 = work[mean_left_row + rank + 2]
            left_p3 = left[rank + 2, label, start:stop]
            averaged_p3 = work[averaged_row + (rank + 2) * labels + label]
            mean_right_p3 = work[mean_right_row + rank + 2]
            mean_left_p4 = work[mean_left_row + rank + 3]
            left_p4 = left[rank + 3, label, start:stop]
            averaged_p4 = work[averaged_row + (rank + 3) * labels + label]
            mean_right_p4 = work[mean_right_row + rank + 3]
            for p in range(count):
                out_p[p] += (
                    averaged_p[p] * (left_p[p] - mean_left_p[p])
                    - left_p[p] * mean_right_p[p]
                    + averaged_p2[p] * (left_p2[p] - mean_left_p2[p])
                    - left_p2[p] * mean_right_p2[p]
                    + averaged_p3[p] * (left_p3[p] - mean_left_p3[p])
                    - left_p3[p] * mean_right_p3[p]
                    + averaged_p4[p] * (left_p4[p] - mean_left_p4[p])
                    - left_p4[p] * mean_right_p4[p]
                )
        for rank in range(ranks // 4 * 4, ranks):
            mean_left_p = work[mean_left_row + rank]
            left_p = left[rank, label, start:stop]
            averaged_p = work[averaged_row + rank * labels + label]
            mean_right_p = work[mean_right_row + rank]
            for p in range(count):
                out_p[p] += averaged_p[p] * (left_p[p] - mean_left_p[p]) - left_p[p] * mean_right_p[p]
    # mean_reached[i] = total(reached[i, j] * similarity[i, j], j)
    out_p = work[mean_reached_row]
    for p in range(count):
        out_p[p] = 0.0
    for label in range(0, labels // 4 * 4, 4):
        reached_p = work[reached_row + label]
        similarity_p = similarity[label, start:stop]
        reached_p2 = work[reached_row + label + 1]
        similarity_p2 = similarity[label + 1, start:stop]
        reached_p3 = work[reached_row + label + 2]
        similarity_p3 = similarity[label + 2, start:stop]
        reached_p4 = work[reached_row + label + 3]
        similarity_p4 = similarity[label + 3, start:stop]
        for p in range(count):
            out_p[p] += (
                reached_p[p] * similarity_p[p]
                + reached_p2[p] * similarity_p2[p]
                + reached_p3[p] * similarity_p3[p]
                + reached_p4[p] * similarity_p4[p]
            )
    for label in range(labels // 4 * 4, labels):
        reached_p = work[reached_row + label]
        similarity_p = similarity[label, start:stop]
        for p in range(count):
            out_p[p] += reached_p[p] * similarity_p[p]
    # pulled[i, j] = similarity[i, j] * (reached[i, j] - mean_reached[i])
    for label in range(labels):
        out_p = work[pulled_row + label]
        mean_reached_p = work[mean_reached_row]
        reached_p = work[reached_row + label]
        similarity_p = similarity[label, start:stop]
        for p in range(count):
            out_p[p] = similarity_p[p] * (reached_p[p] - mean_reached_p[p])
    # gradient[i, k] = total(log_likelihood[k, j] * pulled[i, j], j) + total(total(projected[r, i, j] *
    #     right[r, k, j], j), r)
    out = gradient[:, start:stop]
    out[:, :] = 0.0
    field = log_likelihood
    factors = work[pulled_row : pulled_row + labels, :count]
    add_products(out, field, factors, offsets, start)
    field = right.reshape(ranks * labels, right.shape[2])
    factors = work[projected_row : projected_row + ranks * labels, :count]
    add_products(out, field, factors, offsets, start)


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def grid(structure, weights, similarity, log_likelihood, left, right, adjoint_integral, gradient, work):
    """The gradient of the loss from a low-rank moment and the integrated adjoint, Theorem 3.8, Eq. (3.47).

    On a grid; nodes are those of the padded, flattened image.
    Source: Theorem 3.8, Eqs. (3.32), (3.33), (3.47).

    Inputs
        weights : (neighbours, nodes)
        similarity : (labels, nodes)
        log_likelihood : (labels, nodes)
        left : (ranks, labels, nodes)
        right : (ranks, labels, nodes)
        adjoint_integral : (labels, nodes)
    Outputs
        gradient : (neighbours, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights >= 0, rows of similarity summing to 1
        left, right, adjoint_integral zero on the halo
    Ensures
        gradient is 0 for neighbours outside the grid
    Error bound, to first order
        |error of gradient[i, k]| <= eps * (10 + 3 * J + J * R + N + R) * (total(pulled_size[i, j] *
        |log_likelihood[k, j]|, j) + total(total(projected_size[r, i, j] * |right[r, k, j]|, r), j))
        / 2 + tiny * ((4 + J + N + R) * (4 + J + N + R)) * (1 + total(total(averaged_size[r, i, j] +
        |left[r, i, j]| + |right[r, k, j]|, r), j)) * (1 + total(|log_likelihood[k, j]|, j))
        where averaged_size[r, i, j] = total(weights[i, k] * |right[r, k, j]|, k)
        where left_size[r, i] = total(similarity[i, j] * |left[r, i, j]|, j)
        where projected_size[r, i, j] = similarity[i, j] * (left_size[r, i] + |left[r, i, j]|)
        where reached_size[i, j] = total(averaged_size[r, i, j] * (left_size[r, i] +
        |left[r, i, j]|) + total(averaged_size[r, i, l] * similarity[i, l], l) * |left[r, i, j]|, r)
        + |adjoint_integral[i, j]| / J
        where pulled_size[i, j] = similarity[i, j] * (reached_size[i, j] + total(reached_size[i, l]
        * similarity[i, l], l))
        eps = 2^-52, tiny = 2^-1074, J = number of labels, R = number of ranks, N = largest number
        of neighbours of a node, or of nodes that share one
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
                log_likelihood,
                left,
                right,
                adjoint_integral,
                gradient,
                work[task],
                start,
                stop,
            )


@njit(cache=True, error_model="numpy", nogil=True)
def _graph_block(
    indptr,
    indices,
    weights,
    similarity,
    log_likelihood,
    left,
    right,
    adjoint_integral,
    gradient,
    work,
    start,
    stop,
):
    labels = similarity.shape[0]
    ranks = left.shape[0]
    averaged_row = 0
    mean_right_row = averaged_row + ranks * labels
    mean_left_row = mean_right_row + ranks
    projected_row = mean_left_row + ranks
    reached_row = projected_row + ranks * labels
    mean_reached_row = reached_row + labels
    pulled_row = mean_reached_row + 1
    # averaged[r, i, j] = total(right[r, k, j] * weights[i, k], k)
    for rank in range(ranks):
        for label in range(labels):
            for node in range(start, stop):
                sum_ = 0.0
                for edge in range(indptr[node], indptr[node + 1]):
                    near = indices[edge]
                    this_weights = weights[edge]
                    near_right = right[rank, label, near]
                    sum_ += near_right * this_weights
                work[averaged_row + rank * labels + label, node - start] = sum_
    # mean_right[r, i] = total(averaged[r, i, j] * similarity[i, j], j)
    for rank in range(ranks):
        for node in range(start, stop):
            sum_ = 0.0
            for label in range(labels):
                this_similarity = similarity[label, node]
                this_averaged = work[averaged_row + rank * labels + label, node - start]
                sum_ += this_averaged * this_similarity
            work[mean_right_row + rank, node - start] = sum_
    # mean_left[r, i] = total(left[r, i, j] * similarity[i, j], j)
    for rank in range(ranks):
        for node in range(start, stop):
            sum_ = 0.0
            for label in range(labels):
                this_similarity = similarity[label, node]
                this_left = left[rank, label, node]
                sum_ += this_left * this_similarity
            work[mean_left_row + rank, node - start] = sum_
    # projected[r, i, j] = similarity[i, j] * (left[r, i, j] - mean_left[r, i])
    for rank in range(ranks):
        for label in range(labels):
            for node in range(start, stop):
                this_mean_left = work[mean_left_row + rank, node - start]
                this_left = left[rank, label, node]
                this_similarity = similarity[label, node]
                new = this_similarity * (this_left - this_mean_left)
                work[projected_row + rank * labels + label, node - start] = new
    # reached[i, j] = adjoint_integral[i, j] / labels + total(averaged[r, i, j] * (left[r, i, j] -
    #     mean_left[r, i]) - left[r, i, j] * mean_right[r, i], r)
    for label in range(labels):
        for node in range(start, stop):
            sum_ = 0.0
            this_adjoint_integral = adjoint_integral[label, node]
            sum_ += this_adjoint_integral / labels
            for rank in range(ranks):
                this_mean_left = work[mean_left_row + rank, node - start]
                this_left = left[rank, label, node]
                this_averaged = work[averaged_row + rank * labels + label, node - start]
                this_mean_right = work[mean_right_row + rank, node - start]
                sum_ += this_averaged * (this_left - this_mean_left) - this_left * this_mean_right
            work[reached_row + label, node - start] = sum_
    # mean_reached[i] = total(reached[i, j] * similarity[i, j], j)
    for node in range(start, stop):
        sum_ = 0.0
        for label in range(labels):
            this_reached = work[reached_row + label, node - start]
            this_similarity = similarity[label, node]
            sum_ += this_reached * this_similarity
        work[mean_reached_row, node - start] = sum_
    # pulled[i, j] = similarity[i, j] * (reached[i, j] - mean_reached[i])
    for label in range(labels):
        for node in range(start, stop):
            this_mean_reached = work[mean_reached_row, node - start]
            this_reached = work[reached_row + label, node - start]
            this_similarity = similarity[label, node]
            work[pulled_row + label, node - start] = this_similarity * (this_reached - this_mean_reached)
    # gradient[i, k] = total(log_likelihood[k, j] * pulled[i, j], j) + total(total(projected[r, i, j] *
    #     right[r, k, j], j), r)
    for node in range(start, stop):
        for edge in range(indptr[node], indptr[node + 1]):
            near = indices[edge]
            sum_ = 0.0
            for label in range(labels):
                near_log_likelihood = log_likelihood[label, near]
                this_pulled = work[pulled_row + label, node - start]
                sum_ += near_log_likelihood * this_pulled
            for rank in range(ranks):
                for label in range(labels):
                    this_projected = work[projected_row + rank * labels + label, node - start]
                    near_right = right[rank, label, near]
                    sum_ += near_right * this_projected
            gradient[edge] = sum_


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def graph(structure, weights, similarity, log_likelihood, left, right, adjoint_integral, gradient, work):
    """The gradient of the loss from a low-rank moment and the integrated adjoint, Theorem 3.8, Eq. (3.47).

    On a general graph.
    Source: Theorem 3.8, Eqs. (3.32), (3.33), (3.47).

    Inputs
        weights : (edges,)
        similarity : (labels, nodes)
        log_likelihood : (labels, nodes)
        left : (ranks, labels, nodes)
        right : (ranks, labels, nodes)
        adjoint_integral : (labels, nodes)
    Outputs
        gradient : (edges,)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        weights >= 0, rows of similarity summing to 1
        left, right, adjoint_integral zero on the halo
    Ensures
        gradient is 0 for neighbours outside the grid
    Error bound, to first order
        |error of gradient[i, k]| <= eps * (10 + 3 * J + J * R + N + R) * (total(pulled_size[i, j] *
        |log_likelihood[k, j]|, j) + total(total(projected_size[r, i, j] * |right[r, k, j]|, r), j))
        / 2 + tiny * ((4 + J + N + R) * (4 + J + N + R)) * (1 + total(total(averaged_size[r, i, j] +
        |left[r, i, j]| + |right[r, k, j]|, r), j)) * (1 + total(|log_likelihood[k, j]|, j))
        where averaged_size[r, i, j] = total(weights[i, k] * |right[r, k, j]|, k)
        where left_size[r, i] = total(similarity[i, j] * |left[r, i, j]|, j)
        where projected_size[r, i, j] = similarity[i, j] * (left_size[r, i] + |left[r, i, j]|)
        where reached_size[i, j] = total(averaged_size[r, i, j] * (left_size[r, i] +
        |left[r, i, j]|) + total(averaged_size[r, i, l] * similarity[i, l], l) * |left[r, i, j]|, r)
        + |adjoint_integral[i, j]| / J
        where pulled_size[i, j] = similarity[i, j] * (reached_size[i, j] + total(reached_size[i, l]
        * similarity[i, l], l))
        eps = 2^-52, tiny = 2^-1074, J = number of labels, R = number of ranks, N = largest number
        of neighbours of a node, or of nodes that share one
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
                log_likelihood,
                left,
                right,
                adjoint_integral,
                gradient,
                work[task],
                start,
                stop,
            )
