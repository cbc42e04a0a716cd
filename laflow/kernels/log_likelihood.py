# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. (2.15), (2.16)
# SymPy:      1.14.0
# derivation: sha256 82f4ad99daf043638d8c7186a4d853f870d5ac7e283202059d78eaeb4efae409
# body:       sha256 f0f94baa121b366ff4a0cae4446ca9a7d38dfd448b1e5f57e039a6641356945c

"""The tangent vector L = -Π0 D/ρ of the likelihoods at the barycentre, Eq. (2.16).

Generated from ``derivations/assignment/likelihood.py`` (Eqs. (2.15), (2.16)).
"""

from numba import njit, prange

BLOCK = 256  # nodes per block


def work_rows(distances, distance_scale):
    """Rows of workspace that one task needs."""
    return 1


@njit(cache=True, error_model="numpy", nogil=True)
def _grid_block(distances, distance_scale, log_likelihood, work, start, stop):
    labels = distances.shape[0]
    count = stop - start
    whole_row = 0
    # whole[i] = total(distances[i, j], j)
    out_p = work[whole_row]
    for p in range(count):
        out_p[p] = 0.0
    for label in range(0, labels // 4 * 4, 4):
        distances_p = distances[label, start:stop]
        distances_p2 = distances[label + 1, start:stop]
        distances_p3 = distances[label + 2, start:stop]
        distances_p4 = distances[label + 3, start:stop]
        for p in range(count):
            out_p[p] += distances_p[p] + distances_p2[p] + distances_p3[p] + distances_p4[p]
    for label in range(labels // 4 * 4, labels):
        distances_p = distances[label, start:stop]
        for p in range(count):
            out_p[p] += distances_p[p]
    # log_likelihood[i, j] = (whole[i] / labels - distances[i, j]) / distance_scale
    for label in range(labels):
        out_p = log_likelihood[label, start:stop]
        distances_p = distances[label, start:stop]
        whole_p = work[whole_row]
        for p in range(count):
            out_p[p] = (whole_p[p] / labels - distances_p[p]) / distance_scale


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def grid(structure, distances, distance_scale, log_likelihood, work):
    """The tangent vector L = -Π0 D/ρ of the likelihoods at the barycentre, Eq. (2.16).

    On a grid; nodes are those of the padded, flattened image.
    Source: Eqs. (2.15), (2.16).

    Inputs
        distances : (labels, nodes)
        distance_scale : float
    Outputs
        log_likelihood : (labels, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        distances finite
        distance_scale > 0
    Ensures
        rows of log_likelihood sum to 0 up to rounding
    Error bound, to first order
        |error of log_likelihood[i, j]| <= eps * (2 + J / 2) * (total(|distances[i, l]|, l) / J +
        |distances[i, j]|) / distance_scale + tiny * (2 + J / distance_scale)
        eps = 2^-52, tiny = 2^-1074, J = number of labels
    """
    first, last = structure.first, structure.last
    tasks = work.shape[0]
    blocks = (last - first + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = first + block * BLOCK
            stop = min(start + BLOCK, last)
            _grid_block(distances, distance_scale, log_likelihood, work[task], start, stop)


@njit(cache=True, error_model="numpy", nogil=True)
def _graph_block(distances, distance_scale, log_likelihood, work, start, stop):
    labels = distances.shape[0]
    whole_row = 0
    # whole[i] = total(distances[i, j], j)
    for node in range(start, stop):
        sum_ = 0.0
        for label in range(labels):
            this_distances = distances[label, node]
            sum_ += this_distances
        work[whole_row, node - start] = sum_
    # log_likelihood[i, j] = (whole[i] / labels - distances[i, j]) / distance_scale
    for label in range(labels):
        for node in range(start, stop):
            this_distances = distances[label, node]
            this_whole = work[whole_row, node - start]
            log_likelihood[label, node] = (this_whole / labels - this_distances) / distance_scale


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def graph(structure, distances, distance_scale, log_likelihood, work):
    """The tangent vector L = -Π0 D/ρ of the likelihoods at the barycentre, Eq. (2.16).

    On a general graph.
    Source: Eqs. (2.15), (2.16).

    Inputs
        distances : (labels, nodes)
        distance_scale : float
    Outputs
        log_likelihood : (labels, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        distances finite
        distance_scale > 0
    Ensures
        rows of log_likelihood sum to 0 up to rounding
    Error bound, to first order
        |error of log_likelihood[i, j]| <= eps * (2 + J / 2) * (total(|distances[i, l]|, l) / J +
        |distances[i, j]|) / distance_scale + tiny * (2 + J / distance_scale)
        eps = 2^-52, tiny = 2^-1074, J = number of labels
    """
    first, last = structure.first, structure.last
    tasks = work.shape[0]
    blocks = (last - first + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = first + block * BLOCK
            stop = min(start + BLOCK, last)
            _graph_block(distances, distance_scale, log_likelihood, work[task], start, stop)
