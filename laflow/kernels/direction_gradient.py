# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. (3.2), (3.4)
# SymPy:      1.14.0
# derivation: sha256 f0701c5e777e9e686cfe32323fe829bdc50135a61ce5f443dc9d2c47d9345d5d
# body:       sha256 2e64d783dffddaedb34d8e6019eec218b29779a9fd05b647adabe81fb2cfcfeb

"""The gradient of the direction loss, Eq. (3.4).

Generated from ``derivations/assignment/direction_loss.py`` (Eqs. (3.2), (3.4)).
"""

from math import sqrt

from numba import njit, prange

BLOCK = 256  # nodes per block


def work_rows(target, tangent, inner, square, target_square):
    """Rows of workspace that one task needs."""
    return 0


@njit(cache=True, error_model="numpy", nogil=True)
def _grid_block(target, tangent, inner, square, target_square, covector, start, stop):
    labels = target.shape[0]
    count = stop - start
    # covector[i, j] = (inner * tangent[i, j] / square - target[i, j]) / (sqrt(square) *
    #     sqrt(target_square))
    for label in range(labels):
        out_p = covector[label, start:stop]
        target_p = target[label, start:stop]
        tangent_p = tangent[label, start:stop]
        for p in range(count):
            out_p[p] = (inner * tangent_p[p] / square - target_p[p]) / (sqrt(square) * sqrt(target_square))


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def grid(structure, target, tangent, inner, square, target_square, covector, work):
    """The gradient of the direction loss, Eq. (3.4).

    On a grid; nodes are those of the padded, flattened image.
    Source: Eqs. (3.2), (3.4).

    Inputs
        target : (labels, nodes)
        tangent : (labels, nodes)
        inner : float
        square : float
        target_square : float
    Outputs
        covector : (labels, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        square > 0 and target_square > 0, the sums of direction_moments
    Ensures
        covector is orthogonal to tangent up to rounding
    Error bound, to first order
        |error of covector[i, j]| <= 6 * eps * (|inner * tangent[i, j]| / square + |target[i, j]|) /
        (sqrt(square) * sqrt(target_square)) + 6 * tiny * (1 + 1 / sqrt(square)) * (1 + 1 /
        sqrt(target_square)) * (1 + 1 / square) * (1 + |inner|)
        eps = 2^-52, tiny = 2^-1074
    """
    first, last = structure.first, structure.last
    tasks = work.shape[0]
    blocks = (last - first + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = first + block * BLOCK
            stop = min(start + BLOCK, last)
            _grid_block(target, tangent, inner, square, target_square, covector, start, stop)


@njit(cache=True, error_model="numpy", nogil=True)
def _graph_block(target, tangent, inner, square, target_square, covector, start, stop):
    labels = target.shape[0]
    # covector[i, j] = (inner * tangent[i, j] / square - target[i, j]) / (sqrt(square) *
    #     sqrt(target_square))
    for label in range(labels):
        for node in range(start, stop):
            this_target = target[label, node]
            this_tangent = tangent[label, node]
            new = (inner * this_tangent / square - this_target) / (sqrt(square) * sqrt(target_square))
            covector[label, node] = new


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def graph(structure, target, tangent, inner, square, target_square, covector, work):
    """The gradient of the direction loss, Eq. (3.4).

    On a general graph.
    Source: Eqs. (3.2), (3.4).

    Inputs
        target : (labels, nodes)
        tangent : (labels, nodes)
        inner : float
        square : float
        target_square : float
    Outputs
        covector : (labels, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        square > 0 and target_square > 0, the sums of direction_moments
    Ensures
        covector is orthogonal to tangent up to rounding
    Error bound, to first order
        |error of covector[i, j]| <= 6 * eps * (|inner * tangent[i, j]| / square + |target[i, j]|) /
        (sqrt(square) * sqrt(target_square)) + 6 * tiny * (1 + 1 / sqrt(square)) * (1 + 1 /
        sqrt(target_square)) * (1 + 1 / square) * (1 + |inner|)
        eps = 2^-52, tiny = 2^-1074
    """
    first, last = structure.first, structure.last
    tasks = work.shape[0]
    blocks = (last - first + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = first + block * BLOCK
            stop = min(start + BLOCK, last)
            _graph_block(target, tangent, inner, square, target_square, covector, start, stop)
