# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. (3.2), (3.4)
# SymPy:      1.14.0
# derivation: sha256 1917964c4aba1ae348a6fec23a19365a766459505a7136e2ceca528fd3e3e987
# body:       sha256 5816ca3aa8b832d569af462e89977de2bb6dd1a500c627baee1052d334ee3429

"""The sums <V*, V>, ‖V‖² and ‖V*‖² of the direction loss, Eq. (3.4), block by block.

Generated from ``derivations/assignment/direction_loss.py`` (Eqs. (3.2), (3.4)).
"""

from numba import njit, prange

BLOCK = 256  # nodes per block


def work_rows(target, tangent):
    """Rows of workspace that one task needs."""
    return 3


@njit(cache=True, error_model="numpy", nogil=True)
def _grid_block(target, tangent, inner, square, target_square, work, start, stop, block):
    labels = target.shape[0]
    count = stop - start
    node_inner_row = 0
    node_square_row = node_inner_row + 1
    node_target_square_row = node_square_row + 1
    # node_inner[i] = total(tangent[i, j] * target[i, j], j)
    out_p = work[node_inner_row]
    for p in range(count):
        out_p[p] = 0.0
    for label in range(0, labels // 4 * 4, 4):
        tangent_p = tangent[label, start:stop]
        target_p = target[label, start:stop]
        tangent_p2 = tangent[label + 1, start:stop]
        target_p2 = target[label + 1, start:stop]
        tangent_p3 = tangent[label + 2, start:stop]
        target_p3 = target[label + 2, start:stop]
        tangent_p4 = tangent[label + 3, start:stop]
        target_p4 = target[label + 3, start:stop]
        for p in range(count):
            out_p[p] += (
                tangent_p[p] * target_p[p]
                + tangent_p2[p] * target_p2[p]
                + tangent_p3[p] * target_p3[p]
                + tangent_p4[p] * target_p4[p]
            )
    for label in range(labels // 4 * 4, labels):
        tangent_p = tangent[label, start:stop]
        target_p = target[label, start:stop]
        for p in range(count):
            out_p[p] += tangent_p[p] * target_p[p]
    # node_square[i] = total(tangent[i, j] * tangent[i, j], j)
    out_p = work[node_square_row]
    for p in range(count):
        out_p[p] = 0.0
    for label in range(0, labels // 4 * 4, 4):
        tangent_p = tangent[label, start:stop]
        tangent_p2 = tangent[label + 1, start:stop]
        tangent_p3 = tangent[label + 2, start:stop]
        tangent_p4 = tangent[label + 3, start:stop]
        for p in range(count):
            out_p[p] += (
                tangent_p[p] * tangent_p[p]
                + tangent_p2[p] * tangent_p2[p]
                + tangent_p3[p] * tangent_p3[p]
                + tangent_p4[p] * tangent_p4[p]
            )
    for label in range(labels // 4 * 4, labels):
        tangent_p = tangent[label, start:stop]
        for p in range(count):
            out_p[p] += tangent_p[p] * tangent_p[p]
    # node_target_square[i] = total(target[i, j] * target[i, j], j)
    out_p = work[node_target_square_row]
    for p in range(count):
        out_p[p] = 0.0
    for label in range(0, labels // 4 * 4, 4):
        target_p = target[label, start:stop]
        target_p2 = target[label + 1, start:stop]
        target_p3 = target[label + 2, start:stop]
        target_p4 = target[label + 3, start:stop]
        for p in range(count):
            out_p[p] += (
                target_p[p] * target_p[p]
                + target_p2[p] * target_p2[p]
                + target_p3[p] * target_p3[p]
                + target_p4[p] * target_p4[p]
            )
    for label in range(labels // 4 * 4, labels):
        target_p = target[label, start:stop]
        for p in range(count):
            out_p[p] += target_p[p] * target_p[p]
    # inner = total(node_inner[i], i)
    sum_ = 0.0
    node_inner_p = work[node_inner_row]
    for p in range(count):
        sum_ += node_inner_p[p]
    inner[block] = sum_
    # square = total(node_square[i], i)
    sum_ = 0.0
    node_square_p = work[node_square_row]
    for p in range(count):
        sum_ += node_square_p[p]
    square[block] = sum_
    # target_square = total(node_target_square[i], i)
    sum_ = 0.0
    node_target_square_p = work[node_target_square_row]
    for p in range(count):
        sum_ += node_target_square_p[p]
    target_square[block] = sum_


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def grid(structure, target, tangent, inner, square, target_square, work):
    """The sums <V*, V>, ‖V‖² and ‖V*‖² of the direction loss, Eq. (3.4), block by block.

    On a grid; nodes are those of the padded, flattened image.
    Source: Eqs. (3.2), (3.4).

    Inputs
        target : (labels, nodes)
        tangent : (labels, nodes)
    Outputs
        inner : (blocks,)
        square : (blocks,)
        target_square : (blocks,)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        target and tangent finite, zero on the halo
    Ensures
        the sum of each output over its blocks is the inner product
    Error bound, to first order
        |error of inner| <= I * J * tiny + eps * total(total(|tangent[i, j] * target[i, j]|, i), j)
        * (I + J) / 2
        |error of square| <= I * J * tiny + eps * total(total(|tangent[i, j] * tangent[i, j]|, i),
        j) * (I + J) / 2
        |error of target_square| <= I * J * tiny + eps * total(total(|target[i, j] * target[i, j]|,
        i), j) * (I + J) / 2
        eps = 2^-52, tiny = 2^-1074, J = number of labels, I = number of nodes that are summed
    """
    first, last = structure.first, structure.last
    tasks = work.shape[0]
    blocks = (last - first + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = first + block * BLOCK
            stop = min(start + BLOCK, last)
            _grid_block(target, tangent, inner, square, target_square, work[task], start, stop, block)


@njit(cache=True, error_model="numpy", nogil=True)
def _graph_block(target, tangent, inner, square, target_square, work, start, stop, block):
    labels = target.shape[0]
    node_inner_row = 0
    node_square_row = node_inner_row + 1
    node_target_square_row = node_square_row + 1
    # node_inner[i] = total(tangent[i, j] * target[i, j], j)
    for node in range(start, stop):
        sum_ = 0.0
        for label in range(labels):
            this_tangent = tangent[label, node]
            this_target = target[label, node]
            sum_ += this_tangent * this_target
        work[node_inner_row, node - start] = sum_
    # node_square[i] = total(tangent[i, j] * tangent[i, j], j)
    for node in range(start, stop):
        sum_ = 0.0
        for label in range(labels):
            this_tangent = tangent[label, node]
            sum_ += this_tangent * this_tangent
        work[node_square_row, node - start] = sum_
    # node_target_square[i] = total(target[i, j] * target[i, j], j)
    for node in range(start, stop):
        sum_ = 0.0
        for label in range(labels):
            this_target = target[label, node]
            sum_ += this_target * this_target
        work[node_target_square_row, node - start] = sum_
    # inner = total(node_inner[i], i)
    sum_ = 0.0
    for node in range(start, stop):
        this_node_inner = work[node_inner_row, node - start]
        sum_ += this_node_inner
    inner[block] = sum_
    # square = total(node_square[i], i)
    sum_ = 0.0
    for node in range(start, stop):
        this_node_square = work[node_square_row, node - start]
        sum_ += this_node_square
    square[block] = sum_
    # target_square = total(node_target_square[i], i)
    sum_ = 0.0
    for node in range(start, stop):
        this_node_target_square = work[node_target_square_row, node - start]
        sum_ += this_node_target_square
    target_square[block] = sum_


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def graph(structure, target, tangent, inner, square, target_square, work):
    """The sums <V*, V>, ‖V‖² and ‖V*‖² of the direction loss, Eq. (3.4), block by block.

    On a general graph.
    Source: Eqs. (3.2), (3.4).

    Inputs
        target : (labels, nodes)
        tangent : (labels, nodes)
    Outputs
        inner : (blocks,)
        square : (blocks,)
        target_square : (blocks,)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        target and tangent finite, zero on the halo
    Ensures
        the sum of each output over its blocks is the inner product
    Error bound, to first order
        |error of inner| <= I * J * tiny + eps * total(total(|tangent[i, j] * target[i, j]|, i), j)
        * (I + J) / 2
        |error of square| <= I * J * tiny + eps * total(total(|tangent[i, j] * tangent[i, j]|, i),
        j) * (I + J) / 2
        |error of target_square| <= I * J * tiny + eps * total(total(|target[i, j] * target[i, j]|,
        i), j) * (I + J) / 2
        eps = 2^-52, tiny = 2^-1074, J = number of labels, I = number of nodes that are summed
    """
    first, last = structure.first, structure.last
    tasks = work.shape[0]
    blocks = (last - first + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = first + block * BLOCK
            stop = min(start + BLOCK, last)
            _graph_block(target, tangent, inner, square, target_square, work[task], start, stop, block)
