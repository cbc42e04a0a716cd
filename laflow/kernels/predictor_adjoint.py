# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. (4.3), (4.4)
# SymPy:      1.14.0
# derivation: sha256 4dc7ba8b97854216121a2110d7622baf7364dd750a039ce54f5347a2ce0b4fae
# body:       sha256 526c2173cdce8fbcd2b1878f21eaaf84bf5b22911f618ff87dba808d8ef5ab0f

"""The gradient of the predictor's parameters from that of its weights, block by block.

Generated from ``derivations/assignment/weight_predictor.py`` (Eqs. (4.3), (4.4)).
"""

from math import sqrt

from numba import njit, prange

BLOCK = 256  # nodes per block


def work_rows(features, prototypes, directions, scale, inside, membership, weights, gradient):
    """Rows of workspace that one task needs."""
    neighbours = directions.shape[1]
    number_of_prototypes = prototypes.shape[0]
    return neighbours + 4 * number_of_prototypes + 3


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
    gradient,
    directions_gradient,
    prototypes_gradient,
    scale_gradient,
    work,
    start,
    stop,
    block,
):
    neighbours = offsets.shape[0]
    number_of_features = features.shape[0]
    number_of_prototypes = prototypes.shape[0]
    count = stop - start
    mean_row = 0
    pulled_row = mean_row + 1
    response_row = pulled_row + neighbours
    balance_row = response_row + number_of_prototypes
    sensitivity_row = balance_row + 1
    squared_row = sensitivity_row + number_of_prototypes
    apart_row = squared_row + number_of_prototypes
    node_scale_row = apart_row + number_of_prototypes
    # mean[i] = total(gradient[i, o] * inside[i, o] * weights[i, o], o)
    out_p = work[mean_row]
    for p in range(count):
        out_p[p] = 0.0
    for neighbour in range(neighbours):
        gradient_p = gradient[neighbour, start:stop]
        weights_p = weights[neighbour, start:stop]
        inside_p = inside[neighbour, start:stop]
        for p in range(count):
            if inside_p[p] > 0.0:
                out_p[p] += gradient_p[p] * weights_p[p]
    # pulled[i, o] = inside[i, o] * weights[i, o] * (gradient[i, o] - mean[i])
    for neighbour in range(neighbours):
        out_p = work[pulled_row + neighbour]
        mean_p = work[mean_row]
        gradient_p = gradient[neighbour, start:stop]
        weights_p = weights[neighbour, start:stop]
        inside_p = inside[neighbour, start:stop]
        for p in range(count):
            if inside_p[p] > 0.0:
                out_p[p] = weights_p[p] * (gradient_p[p] - mean_p[p])
            else:
                out_p[p] = 0.0
    # directions_gradient[c, o] = total(membership[i, c] * pulled[i, o], i)
    for prototype in range(number_of_prototypes):
        for neighbour in range(neighbours):
            sum_ = 0.0
            membership_p = membership[prototype, start:stop]
            pulled_p = work[pulled_row + neighbour]
            for p in range(count):
                sum_ += membership_p[p] * pulled_p[p]
            directions_gradient[prototype, neighbour, block] = sum_
    # response[i, c] = total(directions[c, o] * pulled[i, o], o)
    for prototype in range(number_of_prototypes):
        out_p = work[response_row + prototype]
        for p in range(count):
            out_p[p] = 0.0
        for neighbour in range(0, neighbours // 9 * 9, 9):
            this_directions = directions[prototype, neighbour]
            pulled_p = work[pulled_row + neighbour]
            this_directions2 = directions[prototype, neighbour + 1]
            pulled_p2 = work[pulled_row + neighbour + 1]
            this_directions3 = directions[prototype, neighbour + 2]
            pulled_p3 = work[pulled_row + neighbour + 2]
            this_directions4 = directions[prototype, neighbour + 3]
            pulled_p4 = work[pulled_row + neighbour + 3]
            this_directions5 = directions[prototype, neighbour + 4]
            pulled_p5 = work[pulled_row + neighbour + 4]
            this_directions6 = directions[prototype, neighbour + 5]
            pulled_p6 = work[pulled_row + neighbour + 5]
            this_directions7 = directions[prototype, neighbour + 6]
            pulled_p7 = work[pulled_row + neighbour + 6]
            this_directions8 = directions[prototype, neighbour + 7]
            pulled_p8 = work[pulled_row + neighbour + 7]
            this_directions9 = directions[prototype, neighbour + 8]
            pulled_p9 = work[pulled_row + neighbour + 8]
            for p in range(count):
                out_p[p] += (
                    pulled_p[p] * this_directions
                    + pulled_p2[p] * this_directions2
                    + pulled_p3[p] * this_directions3
                    + pulled_p4[p] * this_directions4
                    + pulled_p5[p] * this_directions5
                    + pulled_p6[p] * this_directions6
                    + pulled_p7[p] * this_directions7
                    + pulled_p8[p] * this_directions8
                    + pulled_p9[p] * this_directions9
                )
        for neighbour in range(neighbours // 9 * 9, neighbours):
            this_directions = directions[prototype, neighbour]
            pulled_p = work[pulled_row + neighbour]
            for p in range(count):
                out_p[p] += pulled_p[p] * this_directions
    # balance[i] = total(membership[i, c] * response[i, c], c)
    out_p = work[balance_row]
    for p in range(count):
        out_p[p] = 0.0
    for prototype in range(0, number_of_prototypes // 4 * 4, 4):
        membership_p = membership[prototype, start:stop]
        response_p = work[response_row + prototype]
        membership_p2 = membership[prototype + 1, start:stop]
        response_p2 = work[response_row + prototype + 1]
        membership_p3 = membership[prototype + 2, start:stop]
        response_p3 = work[response_row + prototype + 2]
        membership_p4 = membership[prototype + 3, start:stop]
        response_p4 = work[response_row + prototype + 3]
        for p in range(count):
            out_p[p] += (
                membership_p[p] * response_p[p]
                + membership_p2[p] * response_p2[p]
                + membership_p3[p] * response_p3[p]
                + membership_p4[p] * response_p4[p]
            )
    for prototype in range(number_of_prototypes // 4 * 4, number_of_prototypes):
        membership_p = membership[prototype, start:stop]
        response_p = work[response_row + prototype]
        for p in range(count):
            out_p[p] += membership_p[p] * response_p[p]
    # sensitivity[i, c] = membership[i, c] * (response[i, c] - balance[i])
    for prototype in range(number_of_prototypes):
        out_p = work[sensitivity_row + prototype]
        balance_p = work[balance_row]
        response_p = work[response_row + prototype]
        membership_p = membership[prototype, start:stop]
        for p in range(count):
            out_p[p] = membership_p[p] * (response_p[p] - balance_p[p])
    # squared[i, c] = total((features[i, f] - prototypes[c, f]) * (features[i, f] - prototypes[c, f]), f)
    for prototype in range(number_of_prototypes):
        out_p = work[squared_row + prototype]
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
    # apart[i, c] = sqrt(1e-24 + squared[i, c])
    for prototype in range(number_of_prototypes):
        out_p = work[apart_row + prototype]
        squared_p = work[squared_row + prototype]
        for p in range(count):
            out_p[p] = sqrt(1e-24 + squared_p[p])
    # node_scale[i] = total(apart[i, c] * sensitivity[i, c], c)
    out_p = work[node_scale_row]
    for p in range(count):
        out_p[p] = 0.0
    for prototype in range(0, number_of_prototypes // 4 * 4, 4):
        apart_p = work[apart_row + prototype]
        sensitivity_p = work[sensitivity_row + prototype]
        apart_p2 = work[apart_row + prototype + 1]
        sensitivity_p2 = work[sensitivity_row + prototype + 1]
        apart_p3 = work[apart_row + prototype + 2]
        sensitivity_p3 = work[sensitivity_row + prototype + 2]
        apart_p4 = work[apart_row + prototype + 3]
        sensitivity_p4 = work[sensitivity_row + prototype + 3]
        for p in range(count):
            out_p[p] += (
                apart_p[p] * sensitivity_p[p]
                + apart_p2[p] * sensitivity_p2[p]
                + apart_p3[p] * sensitivity_p3[p]
                + apart_p4[p] * sensitivity_p4[p]
            )
    for prototype in range(number_of_prototypes // 4 * 4, number_of_prototypes):
        apart_p = work[apart_row + prototype]
        sensitivity_p = work[sensitivity_row + prototype]
        for p in range(count):
            out_p[p] += apart_p[p] * sensitivity_p[p]
    # scale_gradient = -total(node_scale[i], i)
    sum_ = 0.0
    node_scale_p = work[node_scale_row]
    for p in range(count):
        sum_ += -node_scale_p[p]
    scale_gradient[block] = sum_
    # prototypes_gradient[c, f] = scale * total(sensitivity[i, c] * (features[i, f] - prototypes[c, f]) /
    #     apart[i, c], i)
    for prototype in range(number_of_prototypes):
        for feature in range(number_of_features):
            sum_ = 0.0
            apart_p = work[apart_row + prototype]
            this_prototypes = prototypes[prototype, feature]
            features_p = features[feature, start:stop]
            sensitivity_p = work[sensitivity_row + prototype]
            for p in range(count):
                sum_ += scale * sensitivity_p[p] * (features_p[p] - this_prototypes) / apart_p[p]
            prototypes_gradient[prototype, feature, block] = sum_


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def grid(
    structure,
    features,
    prototypes,
    directions,
    scale,
    inside,
    membership,
    weights,
    gradient,
    directions_gradient,
    prototypes_gradient,
    scale_gradient,
    work,
):
    """The gradient of the predictor's parameters from that of its weights, block by block.

    On a grid; nodes are those of the padded, flattened image.
    Source: Eqs. (4.3), (4.4).

    Inputs
        features : (features, nodes)
        prototypes : (prototypes, features)
        directions : (prototypes, neighbours)
        scale : float
        inside : (neighbours, nodes)
        membership : (prototypes, nodes)
        weights : (neighbours, nodes)
        gradient : (neighbours, nodes)
    Outputs
        directions_gradient : (prototypes, neighbours, blocks)
        prototypes_gradient : (prototypes, features, blocks)
        scale_gradient : (blocks,)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        membership and weights from predicted_weights with the same arguments
    Ensures
        each output summed over its blocks is the gradient
    Error bound, to first order
        |error of directions_gradient[c, o]| <= I * tiny * ((16 + 2 * K + 2 * N + F + I) * (16 + 2 *
        K + 2 * N + F + I)) * (1 + total(total(|directions[c, o]|, c), o)) + eps *
        total(membership[i, c] * pulled_size[i, o], i) * (16 + 2 * K + 2 * N + F + I) / 2
        |error of prototypes_gradient[c, f]| <= 1000000000000 * I * tiny * ((16 + 2 * K + 2 * N + F
        + I) * (16 + 2 * K + 2 * N + F + I)) * (1 + total(total(|directions[c, o]|, c), o)) * (1 +
        |scale|) + eps * total(sensitivity_size[i, c] * |features[i, f] - prototypes[c, f]| /
        apart[i, c], i) * |scale| * (16 + 2 * K + 2 * N + F + I) / 2
        |error of scale_gradient| <= I * tiny * ((16 + 2 * K + 2 * N + F + I) * (16 + 2 * K + 2 * N
        + F + I)) * (1 + total(total(apart[i, c], i), c)) * (1 + total(total(|directions[c, o]|, c),
        o)) + eps * total(total(apart[i, c] * sensitivity_size[i, c], i), c) * (16 + 2 * K + 2 * N +
        F + I) / 2
        where pulled_size[i, o] = inside[i, o] * weights[i, o] * (total(inside[i, u] * weights[i, u]
        * |gradient[i, u]|, u) + |gradient[i, o]|)
        where response_size[i, c] = total(pulled_size[i, o] * |directions[c, o]|, o)
        where sensitivity_size[i, c] = membership[i, c] * (response_size[i, c] +
        total(membership[i, d] * response_size[i, d], d))
        eps = 2^-52, tiny = 2^-1074, F = number of features, N = largest number of neighbours of a
        node, or of nodes that share one, K = number of prototypes, I = number of nodes that are
        summed
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
                gradient,
                directions_gradient,
                prototypes_gradient,
                scale_gradient,
                work[task],
                start,
                stop,
                block,
            )
