# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. of the adjoint of ∂σ(u), ∂∂̄σ(u); φ-model of arXiv:2310.19870
# SymPy:      1.14.0
# derivation: sha256 cfc9ec7f9ebdc85e712c452903b612afe45a457488d821b45d67073a05a7ab72
# body:       sha256 217fc6216cb950b303385239f22f8cb242ec39a4cc368881e0009a1035de47b9

"""Covectors of the jet of u from those of the jet of σ(u).

Generated from ``derivations/metric/jet_activation_adjoint.py``
(Eqs. of the adjoint of ∂σ(u), ∂∂̄σ(u); φ-model of arXiv:2310.19870).
"""

from numba import njit, prange

BLOCK = 512  # sites per block


def work_rows(
    first,
    second,
    third,
    real_slope,
    imag_slope,
    bend,
    value_covector,
    real_covector,
    imag_covector,
    bend_covector,
):
    """Rows of workspace that one task needs."""
    directions = real_slope.shape[0]
    return 4 * directions + 2


@njit(cache=True, error_model="numpy", nogil=True)
def _sites_block(
    first,
    second,
    third,
    real_slope,
    imag_slope,
    bend,
    value_covector,
    real_covector,
    imag_covector,
    bend_covector,
    value_pull,
    real_slope_pull,
    imag_slope_pull,
    bend_pull,
    work,
    start,
    stop,
):
    directions = real_slope.shape[0]
    count = stop - start
    plus_row = 0
    minus_row = plus_row + directions
    real_turn_row = minus_row + directions
    imag_turn_row = real_turn_row + directions
    by_second_row = imag_turn_row + directions
    by_third_row = by_second_row + 1
    number_2 = first.dtype.type(2.0)
    by_second_p = work[by_second_row]
    second_p = second[start:stop]
    first_p = first[start:stop]
    value_covector_p = value_covector[start:stop]
    by_third_p = work[by_third_row]
    third_p = third[start:stop]
    # plus[a, s] = imag_slope[a, s] + real_slope[a, s]
    for direction in range(directions):
        out_p = work[plus_row + direction]
        imag_slope_p = imag_slope[direction, start:stop]
        real_slope_p = real_slope[direction, start:stop]
        for p in range(count):
            out_p[p] = imag_slope_p[p] + real_slope_p[p]
    # minus[a, s] = imag_slope[a, s] - real_slope[a, s]
    for direction in range(directions):
        out_p = work[minus_row + direction]
        real_slope_p = real_slope[direction, start:stop]
        imag_slope_p = imag_slope[direction, start:stop]
        for p in range(count):
            out_p[p] = imag_slope_p[p] - real_slope_p[p]
    # real_turn[c, s] = total(bend_covector[b, c, s] * plus[b, s], b) - total(bend_covector[c, b, s] *
    #     minus[b, s], b)
    for direction in range(directions):
        out_p = work[real_turn_row + direction]
        for p in range(count):
            out_p[p] = 0.0
        for other_direction in range(directions):
            minus_p = work[minus_row + other_direction]
            bend_covector_p = bend_covector[direction, other_direction, start:stop]
            for p in range(count):
                out_p[p] += -bend_covector_p[p] * minus_p[p]
        for other_direction in range(directions):
            plus_p = work[plus_row + other_direction]
            bend_covector_p = bend_covector[other_direction, direction, start:stop]
            for p in range(count):
                out_p[p] += bend_covector_p[p] * plus_p[p]
    # imag_turn[c, s] = total(bend_covector[b, c, s] * minus[b, s], b) + total(bend_covector[c, b, s] *
    #     plus[b, s], b)
    for direction in range(directions):
        out_p = work[imag_turn_row + direction]
        for p in range(count):
            out_p[p] = 0.0
        for other_direction in range(directions):
            minus_p = work[minus_row + other_direction]
            bend_covector_p = bend_covector[other_direction, direction, start:stop]
            for p in range(count):
                out_p[p] += bend_covector_p[p] * minus_p[p]
        for other_direction in range(directions):
            plus_p = work[plus_row + other_direction]
            bend_covector_p = bend_covector[direction, other_direction, start:stop]
            for p in range(count):
                out_p[p] += bend_covector_p[p] * plus_p[p]
    # by_second[s] = total(imag_covector[a, s] * imag_slope[a, s], a) + total(real_covector[a, s] *
    #     real_slope[a, s], a) + total(total(bend[a, b, s] * bend_covector[a, b, s], a), b)
    out_p = work[by_second_row]
    for p in range(count):
        out_p[p] = 0.0
    for direction in range(directions):
        for other_direction in range(directions):
            bend_p = bend[other_direction, direction, start:stop]
            bend_covector_p = bend_covector[other_direction, direction, start:stop]
            for p in range(count):
                out_p[p] += bend_covector_p[p] * bend_p[p]
    for direction in range(directions):
        imag_covector_p = imag_covector[direction, start:stop]
        imag_slope_p = imag_slope[direction, start:stop]
        for p in range(count):
            out_p[p] += imag_covector_p[p] * imag_slope_p[p]
    for direction in range(directions):
        real_covector_p = real_covector[direction, start:stop]
        real_slope_p = real_slope[direction, start:stop]
        for p in range(count):
            out_p[p] += real_covector_p[p] * real_slope_p[p]
    # by_third[s] = total(imag_slope[a, s] * imag_turn[a, s], a) + total(real_slope[a, s] * real_turn[a,
    #     s], a)
    out_p = work[by_third_row]
    for p in range(count):
        out_p[p] = 0.0
    for direction in range(directions):
        imag_slope_p = imag_slope[direction, start:stop]
        imag_turn_p = work[imag_turn_row + direction]
        for p in range(count):
            out_p[p] += imag_slope_p[p] * imag_turn_p[p]
    for direction in range(directions):
        real_slope_p = real_slope[direction, start:stop]
        real_turn_p = work[real_turn_row + direction]
        for p in range(count):
            out_p[p] += real_slope_p[p] * real_turn_p[p]
    # value_pull[s] = by_second[s] * second[s] + by_third[s] * third[s] / 2.0 + first[s] *
    #     value_covector[s]
    out_p = value_pull[start:stop]
    for p in range(count):
        new = by_second_p[p] * second_p[p] + by_third_p[p] * third_p[p] / number_2 + first_p[p] * value_covector_p[p]
        out_p[p] = new
    # real_slope_pull[c, s] = first[s] * real_covector[c, s] + real_turn[c, s] * second[s]
    for direction in range(directions):
        out_p = real_slope_pull[direction, start:stop]
        real_covector_p = real_covector[direction, start:stop]
        real_turn_p = work[real_turn_row + direction]
        for p in range(count):
            out_p[p] = first_p[p] * real_covector_p[p] + real_turn_p[p] * second_p[p]
    # imag_slope_pull[c, s] = first[s] * imag_covector[c, s] + imag_turn[c, s] * second[s]
    for direction in range(directions):
        out_p = imag_slope_pull[direction, start:stop]
        imag_covector_p = imag_covector[direction, start:stop]
        imag_turn_p = work[imag_turn_row + direction]
        for p in range(count):
            out_p[p] = first_p[p] * imag_covector_p[p] + imag_turn_p[p] * second_p[p]
    # bend_pull[a, b, s] = bend_covector[a, b, s] * first[s]
    for direction in range(directions):
        for other_direction in range(directions):
            out_p = bend_pull[direction, other_direction, start:stop]
            bend_covector_p = bend_covector[direction, other_direction, start:stop]
            for p in range(count):
                out_p[p] = bend_covector_p[p] * first_p[p]


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def sites(
    first,
    second,
    third,
    real_slope,
    imag_slope,
    bend,
    value_covector,
    real_covector,
    imag_covector,
    bend_covector,
    value_pull,
    real_slope_pull,
    imag_slope_pull,
    bend_pull,
    work,
):
    """Covectors of the jet of u from those of the jet of σ(u).

    Site by site; all arrays and the workspace have one type, float64 or float32 (there eps = 2^-23).
    Source: Eqs. of the adjoint of ∂σ(u), ∂∂̄σ(u); φ-model of arXiv:2310.19870.

    Inputs
        first : (sites,)
        second : (sites,)
        third : (sites,)
        real_slope : (directions, sites)
        imag_slope : (directions, sites)
        bend : (directions, directions, sites)
        value_covector : (sites,)
        real_covector : (directions, sites)
        imag_covector : (directions, sites)
        bend_covector : (directions, directions, sites)
    Outputs
        value_pull : (sites,)
        real_slope_pull : (directions, sites)
        imag_slope_pull : (directions, sites)
        bend_pull : (directions, directions, sites)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        first, second, third = σ'(u), σ''(u), σ'''(u)
        real_slope, imag_slope, bend of u, before the activation
        a covector is the derivative of a loss by the entry of the same place
    Ensures
        the outputs are the derivatives of the same loss by value, slopes and bend of u
    Error bound, to first order
        |error of value_pull[s]| <= eps * (3 * |first[s] * value_covector[s]| + second_size[s] *
        |second[s]| * (2 * dim + 3 + dim * dim) + third_size[s] * |third[s]| * (2 * dim + 3)) / 2 +
        scale[s] * tiny * (4 + 6 * dim + dim * dim)
        |error of real_slope_pull[c, s]| <= eps * (2 * |first[s] * real_covector[c, s]| +
        pull_size[c, s] * |second[s]| * (2 * dim + 3)) / 2 + scale[s] * tiny * (2 + 2 * dim)
        |error of imag_slope_pull[c, s]| <= eps * (2 * |first[s] * imag_covector[c, s]| +
        pull_size[c, s] * |second[s]| * (2 * dim + 3)) / 2 + scale[s] * tiny * (2 + 2 * dim)
        |error of bend_pull[a, b, s]| <= eps * |bend_covector[a, b, s] * first[s]| / 2 + scale[s] *
        tiny
        where slope_size[a, s] = |imag_slope[a, s]| + |real_slope[a, s]|
        where pull_size[c, s] = total(slope_size[b, s] * (|bend_covector[b, c, s]| +
        |bend_covector[c, b, s]|), b)
        where second_size[s] = total(total(|bend[a, b, s] * bend_covector[a, b, s]|, a), b) +
        total(|imag_covector[a, s] * imag_slope[a, s]| + |real_covector[a, s] * real_slope[a, s]|,
        a)
        where third_size[s] = total(pull_size[a, s] * slope_size[a, s], a)
        where scale[s] = ((1 + total(slope_size[a, s] + |imag_covector[a, s]| +
        |real_covector[a, s]|, a)) * (1 + total(slope_size[a, s] + |imag_covector[a, s]| +
        |real_covector[a, s]|, a))) * ((1 + total(total(|bend[a, b, s]| + |bend_covector[a, b, s]|,
        a), b)) * (1 + total(total(|bend[a, b, s]| + |bend_covector[a, b, s]|, a), b))) * (1 +
        |first[s]|) * (1 + |second[s]|) * (1 + |third[s]|) * (1 + |value_covector[s]|)
        eps = 2^-52, tiny = 2^-1074, dim = number of directions
    """
    last = first.shape[0]
    tasks = work.shape[0]
    blocks = (last + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = block * BLOCK
            stop = min(start + BLOCK, last)
            _sites_block(
                first,
                second,
                third,
                real_slope,
                imag_slope,
                bend,
                value_covector,
                real_covector,
                imag_covector,
                bend_covector,
                value_pull,
                real_slope_pull,
                imag_slope_pull,
                bend_pull,
                work[task],
                start,
                stop,
            )
