# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. (4.3), (4.4)
# SymPy:      1.14.0
# derivation: sha256 b9a12bd6f9d0b94a31e70e5fa17a4ed40a410efaa04ea641d3c40a7fb7b19957
# body:       sha256 0ddfe1f1c60ef30740b3fa02b45345a710e1556c5e317164f4fd4ba133b33aae

"""Weight patches predicted from features, Eqs. (4.3), (4.4).

Generated from ``derivations/assignment/weight_predictor.py`` (Eqs. (4.3), (4.4)).
"""

from math import inf, sqrt

from numba import njit, prange

from laflow.exponential import exp

BLOCK = 256  # nodes per block


def work_rows(features, prototypes, directions, scale, inside):
    """Rows of workspace that one task needs."""
    return 4


@njit(cache=True, error_model="numpy", nogil=True)
def _grid_block(
    offsets,
    features,
    prototypes,
    directions,
    scale,
    inside,
    membership,
    weights,
    work,
    start,
    stop,
):
    neighbours = offsets.shape[0]
    number_of_features = features.shape[0]
    number_of_prototypes = prototypes.shape[0]
    count = stop - start
    shift_row = 0
    norm_row = shift_row + 1
    lift_shift_row = norm_row + 1
    lift_norm_row = lift_shift_row + 1
    # squared[i, c] = total((features[i, f] - prototypes[c, f]) * (features[i, f] - prototypes[c, f]), f)
    for prototype in range(number_of_prototypes):
        out_p = membership[prototype, start:stop]
        for p in range(count):
            out_p[p] = 0.0
        for feature in range(0, number_of_features // 4 * 4, 4):
            this_prototypes = prototypes[prototype, feature]
            features_p = features[feature, start:stop]
            this_prototypes2 = prototypes[prototype, feature + 1]
            features_p2 = features[feature + 1, start:stop]
            this_prototypes3 = prototypes[prototype, feature + 2]
            features_p3 = features[feature + 2, start:stop]
            this_prototypes4 = prototypes[prototype, feature + 3]
            features_p4 = features[feature + 3, start:stop]
            for p in range(count):
                out_p[p] += (
                    (features_p[p] - this_prototypes) * (features_p[p] - this_prototypes)
                    + (features_p2[p] - this_prototypes2) * (features_p2[p] - this_prototypes2)
                    + (features_p3[p] - this_prototypes3) * (features_p3[p] - this_prototypes3)
                    + (features_p4[p] - this_prototypes4) * (features_p4[p] - this_prototypes4)
                )
        for feature in range(number_of_features // 4 * 4, number_of_features):
            this_prototypes = prototypes[prototype, feature]
            features_p = features[feature, start:stop]
            for p in range(count):
                out_p[p] += (features_p[p] - this_prototypes) * (features_p[p] - this_prototypes)
    # exponent[i, c] = -scale * sqrt(1e-24 + squared[i, c])
    for prototype in range(number_of_prototypes):
        out_p = membership[prototype, start:stop]
        for p in range(count):
            out_p[p] = -scale * sqrt(1e-24 + out_p[p])
    # shift[i] = largest(exponent[i, c], c)
    out_p = work[shift_row]
    for p in range(count):
        out_p[p] = -inf
    for prototype in range(number_of_prototypes):
        exponent_p = membership[prototype, start:stop]
        for p in range(count):
            out_p[p] = max(out_p[p], exponent_p[p])
    # grown[i, c] = exp(exponent[i, c] - shift[i])
    for prototype in range(number_of_prototypes):
        out_p = membership[prototype, start:stop]
        shift_p = work[shift_row]
        for p in range(count):
            out_p[p] = exp(out_p[p] - shift_p[p])
    # norm[i] = total(grown[i, c], c)
    out_p = work[norm_row]
    for p in range(count):
        out_p[p] = 0.0
    for prototype in range(0, number_of_prototypes // 4 * 4, 4):
        grown_p = membership[prototype, start:stop]
        grown_p2 = membership[prototype + 1, start:stop]
        grown_p3 = membership[prototype + 2, start:stop]
        grown_p4 = membership[prototype + 3, start:stop]
        for p in range(count):
            out_p[p] += grown_p[p] + grown_p2[p] + grown_p3[p] + grown_p4[p]
    for prototype in range(number_of_prototypes // 4 * 4, number_of_prototypes):
        grown_p = membership[prototype, start:stop]
        for p in range(count):
            out_p[p] += grown_p[p]
    # membership[i, c] = grown[i, c] / norm[i]
    for prototype in range(number_of_prototypes):
        out_p = membership[prototype, start:stop]
        norm_p = work[norm_row]
        for p in range(count):
            out_p[p] = out_p[p] / norm_p[p]
    # lifted[i, o] = total(directions[c, o] * membership[i, c], c)
    for neighbour in range(neighbours):
        out_p = weights[neighbour, start:stop]
        for p in range(count):
            out_p[p] = 0.0
        for prototype in range(0, number_of_prototypes // 4 * 4, 4):
            this_directions = directions[prototype, neighbour]
            membership_p = membership[prototype, start:stop]
            this_directions2 = directions[prototype + 1, neighbour]
            membership_p2 = membership[prototype + 1, start:stop]
            this_directions3 = directions[prototype + 2, neighbour]
            membership_p3 = membership[prototype + 2, start:stop]
            this_directions4 = directions[prototype + 3, neighbour]
            membership_p4 = membership[prototype + 3, start:stop]
            for p in range(count):
                out_p[p] += (
                    membership_p[p] * this_directions
                    + membership_p2[p] * this_directions2
                    + membership_p3[p] * this_directions3
                    + membership_p4[p] * this_directions4
                )
        for prototype in range(number_of_prototypes // 4 * 4, number_of_prototypes):
            this_directions = directions[prototype, neighbour]
            membership_p = membership[prototype, start:stop]
            for p in range(count):
                out_p[p] += membership_p[p] * this_directions
    # lift_shift[i] = largest(lifted[i, o], o where inside[i, o])
    out_p = work[lift_shift_row]
    for p in range(count):
        out_p[p] = -inf
    for neighbour in range(neighbours):
        lifted_p = weights[neighbour, start:stop]
        inside_p = inside[neighbour, start:stop]
        for p in range(count):
            if inside_p[p] > 0.0:
                out_p[p] = max(out_p[p], lifted_p[p])
    # lift_grown[i, o] = exp(lifted[i, o] - lift_shift[i]) * inside[i, o]
    for neighbour in range(neighbours):
        out_p = weights[neighbour, start:stop]
        lift_shift_p = work[lift_shift_row]
        inside_p = inside[neighbour, start:stop]
        for p in range(count):
            if inside_p[p] > 0.0:
                out_p[p] = exp(out_p[p] - lift_shift_p[p])
            else:
                out_p[p] = 0.0
    # lift_norm[i] = total(lift_grown[i, o], o)
    out_p = work[lift_norm_row]
    for p in range(count):
        out_p[p] = 0.0
    for neighbour in range(0, neighbours // 9 * 9, 9):
        lift_grown_p = weights[neighbour, start:stop]
        lift_grown_p2 = weights[neighbour + 1, start:stop]
        lift_grown_p3 = weights[neighbour + 2, start:stop]
        lift_grown_p4 = weights[neighbour + 3, start:stop]
        lift_grown_p5 = weights[neighbour + 4, start:stop]
        lift_grown_p6 = weights[neighbour + 5, start:stop]
        lift_grown_p7 = weights[neighbour + 6, start:stop]
        lift_grown_p8 = weights[neighbour + 7, start:stop]
        lift_grown_p9 = weights[neighbour + 8, start:stop]
        for p in range(count):
            out_p[p] += (
                lift_grown_p[p]
                + lift_grown_p2[p]
                + lift_grown_p3[p]
                + lift_grown_p4[p]
                + lift_grown_p5[p]
                + lift_grown_p6[p]
                + lift_grown_p7[p]
                + lift_grown_p8[p]
                + lift_grown_p9[p]
            )
    for neighbour in range(neighbours // 9 * 9, neighbours):
        lift_grown_p = weights[neighbour, start:stop]
        for p in range(count):
            out_p[p] += lift_grown_p[p]
    # weights[i, o] = inside[i, o] * lift_grown[i, o] / lift_norm[i]
    for neighbour in range(neighbours):
        out_p = weights[neighbour, start:stop]
        lift_norm_p = work[lift_norm_row]
        inside_p = inside[neighbour, start:stop]
        for p in range(count):
            if inside_p[p] > 0.0:
                out_p[p] = out_p[p] / lift_norm_p[p]
            else:
                out_p[p] = 0.0


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def grid(structure, features, prototypes, directions, scale, inside, membership, weights, work):
    """Weight patches predicted from features, Eqs. (4.3), (4.4).

    On a grid; nodes are those of the padded, flattened image.
    Source: Eqs. (4.3), (4.4).

    Inputs
        features : (features, nodes)
        prototypes : (prototypes, features)
        directions : (prototypes, neighbours)
        scale : float
        inside : (neighbours, nodes)
    Outputs
        membership : (prototypes, nodes)
        weights : (neighbours, nodes)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        features, prototypes, directions finite
        scale >= 0
    Ensures
        rows of membership and of weights sum to 1 up to rounding; weights are 0 where inside is 0
    Error bound, to first order
        |error of membership[i, c]| <= count[i] * eps * membership[i, c] / 2 + tiny * (4 + K)
        |error of weights[i, o]| <= 8 * tiny * (1 + total(largest(|directions[c, o]|, o), c)) * (K +
        N) + eps * weights[i, o] * (4 + N / 2 + mixed[i] * (2 + K + count[i]))
        where count[i] = 6 + K + largest(sqrt(1e-24 + squared[i, c]), c) * scale * (10 + F)
        where mixed[i] = largest(total(membership[i, c] * |directions[c, o]|, c), o)
        eps = 2^-52, tiny = 2^-1074, F = number of features, N = largest number of neighbours of a
        node, or of nodes that share one, K = number of prototypes
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
                features,
                prototypes,
                directions,
                scale,
                inside,
                membership,
                weights,
                work[task],
                start,
                stop,
            )
