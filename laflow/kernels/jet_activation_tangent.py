# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Differential of ∂σ(u), ∂∂̄σ(u); products with the tangent kernel of arXiv:2310.19870
# SymPy:      1.14.0
# derivation: sha256 ec1de81bde6c2cf151a27b6ff95f5cbcfc1398d77cb70ed45446dfb6d4c2607e
# body:       sha256 c5bd03abf7f1f86b144a57d613552dd742b7a8d2772074be0fa1b65ca5e58c0c

"""Change of the jet of σ(u) from that of the jet of u.

Generated from ``derivations/metric/jet_activation_tangent.py``
(Differential of ∂σ(u), ∂∂̄σ(u); products with the tangent kernel of arXiv:2310.19870).
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
    turn,
    real_change,
    imag_change,
    bend_change,
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
    turn,
    real_change,
    imag_change,
    bend_change,
    value_out,
    real_slope_out,
    imag_slope_out,
    bend_out,
    work,
    start,
    stop,
):
    directions = real_slope.shape[0]
    count = stop - start
    plus_row = 0
    minus_row = plus_row + directions
    plus_change_row = minus_row + directions
    minus_change_row = plus_change_row + directions
    by_first_row = minus_change_row + directions
    by_second_row = by_first_row + 1
    second_p = second[start:stop]
    turn_p = turn[start:stop]
    third_p = third[start:stop]
    by_second_p = work[by_second_row]
    by_first_p = work[by_first_row]
    first_p = first[start:stop]
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
    # plus_change[a, s] = imag_change[a, s] + real_change[a, s]
    for direction in range(directions):
        out_p = work[plus_change_row + direction]
        imag_change_p = imag_change[direction, start:stop]
        real_change_p = real_change[direction, start:stop]
        for p in range(count):
            out_p[p] = imag_change_p[p] + real_change_p[p]
    # minus_change[a, s] = imag_change[a, s] - real_change[a, s]
    for direction in range(directions):
        out_p = work[minus_change_row + direction]
        real_change_p = real_change[direction, start:stop]
        imag_change_p = imag_change[direction, start:stop]
        for p in range(count):
            out_p[p] = imag_change_p[p] - real_change_p[p]
    # by_first[s] = second[s] * turn[s]
    out_p = work[by_first_row]
    for p in range(count):
        out_p[p] = second_p[p] * turn_p[p]
    # by_second[s] = third[s] * turn[s]
    out_p = work[by_second_row]
    for p in range(count):
        out_p[p] = third_p[p] * turn_p[p]
    # bend_out[a, b, s] = bend[a, b, s] * by_first[s] + bend_change[a, b, s] * first[s] + by_second[s] *
    #     (imag_slope[b, s] * minus[a, s] + plus[a, s] * real_slope[b, s]) + second[s] * (imag_change[b,
    #     s] * minus[a, s] + plus[a, s] * real_change[b, s]) + second[s] * (imag_slope[b, s] *
    #     minus_change[a, s] + plus_change[a, s] * real_slope[b, s])
    for direction in range(directions):
        for other_direction in range(directions):
            out_p = bend_out[direction, other_direction, start:stop]
            imag_change_p = imag_change[other_direction, start:stop]
            minus_p = work[minus_row + direction]
            plus_p = work[plus_row + direction]
            real_change_p = real_change[other_direction, start:stop]
            imag_slope_p = imag_slope[other_direction, start:stop]
            real_slope_p = real_slope[other_direction, start:stop]
            minus_change_p = work[minus_change_row + direction]
            plus_change_p = work[plus_change_row + direction]
            bend_p = bend[direction, other_direction, start:stop]
            bend_change_p = bend_change[direction, other_direction, start:stop]
            for p in range(count):
                new = bend_change_p[p] * first_p[p]
                new += bend_p[p] * by_first_p[p]
                new += by_second_p[p] * (imag_slope_p[p] * minus_p[p] + plus_p[p] * real_slope_p[p])
                new += second_p[p] * (imag_change_p[p] * minus_p[p] + plus_p[p] * real_change_p[p])
                new += second_p[p] * (imag_slope_p[p] * minus_change_p[p] + plus_change_p[p] * real_slope_p[p])
                out_p[p] = new
    # real_slope_out[a, s] = by_first[s] * real_slope[a, s] + first[s] * real_change[a, s]
    for direction in range(directions):
        out_p = real_slope_out[direction, start:stop]
        real_slope_p = real_slope[direction, start:stop]
        real_change_p = real_change[direction, start:stop]
        for p in range(count):
            out_p[p] = by_first_p[p] * real_slope_p[p] + first_p[p] * real_change_p[p]
    # imag_slope_out[a, s] = by_first[s] * imag_slope[a, s] + first[s] * imag_change[a, s]
    for direction in range(directions):
        out_p = imag_slope_out[direction, start:stop]
        imag_slope_p = imag_slope[direction, start:stop]
        imag_change_p = imag_change[direction, start:stop]
        for p in range(count):
            out_p[p] = by_first_p[p] * imag_slope_p[p] + first_p[p] * imag_change_p[p]
    # value_out[s] = first[s] * turn[s]
    out_p = value_out[start:stop]
    for p in range(count):
        out_p[p] = first_p[p] * turn_p[p]


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def sites(
    first,
    second,
    third,
    real_slope,
    imag_slope,
    bend,
    turn,
    real_change,
    imag_change,
    bend_change,
    value_out,
    real_slope_out,
    imag_slope_out,
    bend_out,
    work,
):
    """Change of the jet of σ(u) from that of the jet of u.

    Site by site; all arrays and the workspace have one type, float64 or float32 (there eps = 2^-23).
    Source: Differential of ∂σ(u), ∂∂̄σ(u); products with the tangent kernel of arXiv:2310.19870.

    Inputs
        first : (sites,)
        second : (sites,)
        third : (sites,)
        real_slope : (directions, sites)
        imag_slope : (directions, sites)
        bend : (directions, directions, sites)
        turn : (sites,)
        real_change : (directions, sites)
        imag_change : (directions, sites)
        bend_change : (directions, directions, sites)
    Outputs
        value_out : (sites,)
        real_slope_out : (directions, sites)
        imag_slope_out : (directions, sites)
        bend_out : (directions, directions, sites)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        first, second, third = σ'(u), σ''(u), σ'''(u)
        real_slope, imag_slope, bend of u, before the activation; turn and the changes are those of
        u's jet
    Ensures
        the outputs are the change of the jet of σ(u), to first order
    Error bound, to first order
        |error of value_out[s]| <= eps * |first[s] * turn[s]| / 2 + scale[s] * tiny
        |error of real_slope_out[a, s]| <= 3 * scale[s] * tiny + eps * (2 * |first[s] *
        real_change[a, s]| + 3 * |real_slope[a, s] * second[s] * turn[s]|) / 2
        |error of imag_slope_out[a, s]| <= 3 * scale[s] * tiny + eps * (2 * |first[s] *
        imag_change[a, s]| + 3 * |imag_slope[a, s] * second[s] * turn[s]|) / 2
        |error of bend_out[a, b, s]| <= 12 * scale[s] * tiny + eps * (10 * |second[s]| *
        (change_size[a, s] * slope_size[b, s] + change_size[b, s] * slope_size[a, s]) + 5 *
        |bend_change[a, b, s] * first[s]| + 6 * |bend[a, b, s] * second[s] * turn[s]| + 9 *
        slope_size[a, s] * slope_size[b, s] * |third[s] * turn[s]|) / 2
        where slope_size[a, s] = |imag_slope[a, s]| + |real_slope[a, s]|
        where change_size[a, s] = |imag_change[a, s]| + |real_change[a, s]|
        where scale[s] = ((1 + total(change_size[a, s] + slope_size[a, s], a)) * (1 +
        total(change_size[a, s] + slope_size[a, s], a))) * (1 + total(total(|bend[a, b, s]| +
        |bend_change[a, b, s]|, a), b)) * (1 + |first[s]|) * (1 + |second[s]|) * (1 + |third[s]|) *
        (1 + |turn[s]|)
        eps = 2^-52, tiny = 2^-1074
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
                turn,
                real_change,
                imag_change,
                bend_change,
                value_out,
                real_slope_out,
                imag_slope_out,
                bend_out,
                work[task],
                start,
                stop,
            )
