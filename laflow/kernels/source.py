# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. (2.23), (2.26)
# SymPy:      1.14.0
# derivation: sha256 9158f704e8de0ccc0f76c3b8ccbfa073dafd6f165968c5907af0670daf0c70bc
# body:       sha256 ff239038843d94ea218eee3d58c14e4a117b2cb34e659b9ac62f73b99f437cab

"""The source B = R_{W0} S of the linearized flow at the barycentre, Eq. (2.23).

Generated from ``derivations/assignment/linearized_flow.py`` (Eqs. (2.23), (2.26)).
"""

from numba import njit, prange

BLOCK = 256  # nodes per block


def work_rows(similarity):
    """Rows of workspace that one task needs."""
    return 0


@njit(cache=True, error_model="numpy", nogil=True)
def _grid_block(similarity, source, start, stop):
    labels = similarity.shape[0]
    count = stop - start
    # source[i, j] = (similarity[i, j] - 1.0 / labels) / labels
    for label in range(labels):
        out_p = source[label, start:stop]
        similarity_p = similarity[label, start:stop]
        for p in range(count):
            out_p[p] = (similarity_p[p] - 1.0 / labels) / labels


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def grid(structure, similarity, source, work):
    """The source B = R_{W0} S of the linearized flow at the barycentre, Eq. (2.23).

    On a grid; nodes are those of the padded, flattened image.
    Source: Eqs. (2.23), (2.26).

    Inputs
        similarity : (labels, nodes)
    Outputs
        source : (labels, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        similarity >= 0, rows summing to 1
    Ensures
        rows of source sum to 0 up to rounding
        source is exactly 0 where similarity is 1/J
    Error bound, to first order
        |error of source[i, j]| <= 3 * eps * (1 / J + |similarity[i, j] - 1 / J|) / (2 * J) + tiny +
        |total(similarity[i, l], l) - 1| / (J * J)
        eps = 2^-52, tiny = 2^-1074, J = number of labels
    """
    first, last = structure.first, structure.last
    tasks = work.shape[0]
    blocks = (last - first + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = first + block * BLOCK
            stop = min(start + BLOCK, last)
            _grid_block(similarity, source, start, stop)


@njit(cache=True, error_model="numpy", nogil=True)
def _graph_block(similarity, source, start, stop):
    labels = similarity.shape[0]
    # source[i, j] = (similarity[i, j] - 1.0 / labels) / labels
    for label in range(labels):
        for node in range(start, stop):
            this_similarity = similarity[label, node]
            source[label, node] = (this_similarity - 1.0 / labels) / labels


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def graph(structure, similarity, source, work):
    """The source B = R_{W0} S of the linearized flow at the barycentre, Eq. (2.23).

    On a general graph.
    Source: Eqs. (2.23), (2.26).

    Inputs
        similarity : (labels, nodes)
    Outputs
        source : (labels, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        similarity >= 0, rows summing to 1
    Ensures
        rows of source sum to 0 up to rounding
        source is exactly 0 where similarity is 1/J
    Error bound, to first order
        |error of source[i, j]| <= 3 * eps * (1 / J + |similarity[i, j] - 1 / J|) / (2 * J) + tiny +
        |total(similarity[i, l], l) - 1| / (J * J)
        eps = 2^-52, tiny = 2^-1074, J = number of labels
    """
    first, last = structure.first, structure.last
    tasks = work.shape[0]
    blocks = (last - first + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = first + block * BLOCK
            stop = min(start + BLOCK, last)
            _graph_block(similarity, source, start, stop)
