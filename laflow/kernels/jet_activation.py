# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. for ∂σ(u), ∂∂̄σ(u) (chain rule); φ-model of arXiv:2310.19870
# SymPy:      1.14.0
# derivation: sha256 46cf28d2de444444306700128d3145462621e9ba0bed309cf3f07ba46819eb4a
# body:       sha256 43bd52693c50ca91ae7decde21cb55ea21cf55118208d769076806da6982897e

"""Slopes and bend of σ(u) from those of u.

Generated from ``derivations/metric/jet_activation.py``
(Eqs. for ∂σ(u), ∂∂̄σ(u) (chain rule); φ-model of arXiv:2310.19870).
"""

from numba import njit, prange

BLOCK = 512  # sites per block


def work_rows(first, second, real_slope, imag_slope, bend):
    """Rows of workspace that one task needs."""
    directions = real_slope.shape[0]
    return 2 * directions


@njit(cache=True, error_model="numpy", nogil=True)
def _sites_block(
    first,
    second,
    real_slope,
    imag_slope,
    bend,
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
    second_p = second[start:stop]
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
    # bend_out[a, b, s] = bend[a, b, s] * first[s] + second[s] * (imag_slope[b, s] * minus[a, s] + plus[a,
    #     s] * real_slope[b, s])
    for direction in range(directions):
        for other_direction in range(directions):
            out_p = bend_out[direction, other_direction, start:stop]
            imag_slope_p = imag_slope[other_direction, start:stop]
            minus_p = work[minus_row + direction]
            plus_p = work[plus_row + direction]
            real_slope_p = real_slope[other_direction, start:stop]
            bend_p = bend[direction, other_direction, start:stop]
            for p in range(count):
                new = bend_p[p] * first_p[p]
                new += second_p[p] * (imag_slope_p[p] * minus_p[p] + plus_p[p] * real_slope_p[p])
                out_p[p] = new
    # real_slope_out[a, s] = first[s] * real_slope[a, s]
    for direction in range(directions):
        out_p = real_slope_out[direction, start:stop]
        real_slope_p = real_slope[direction, start:stop]
        for p in range(count):
            out_p[p] = first_p[p] * real_slope_p[p]
    # imag_slope_out[a, s] = first[s] * imag_slope[a, s]
    for direction in range(directions):
        out_p = imag_slope_out[direction, start:stop]
        imag_slope_p = imag_slope[direction, start:stop]
        for p in range(count):
            out_p[p] = first_p[p] * imag_slope_p[p]


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def sites(first, second, real_slope, imag_slope, bend, real_slope_out, imag_slope_out, bend_out, work):
    """Slopes and bend of σ(u) from those of u.

    Site by site; all arrays and the workspace have one type, float64 or float32 (there eps = 2^-23).
    Source: Eqs. for ∂σ(u), ∂∂̄σ(u) (chain rule); φ-model of arXiv:2310.19870.

    Inputs
        first : (sites,)
        second : (sites,)
        real_slope : (directions, sites)
        imag_slope : (directions, sites)
        bend : (directions, directions, sites)
    Outputs
        real_slope_out : (directions, sites)
        imag_slope_out : (directions, sites)
        bend_out : (directions, directions, sites)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        first = σ'(u), second = σ''(u)
        bend the packed form of ∂∂̄u
    Ensures
        bend_out is the packed form of ∂∂̄σ(u), the slopes are those of σ(u)
    Error bound, to first order
        |error of real_slope_out[a, s]| <= eps * |first[s] * real_slope[a, s]| / 2 + tiny * (1 +
        slope_size[a, s]) * (1 + |first[s]|)
        |error of imag_slope_out[a, s]| <= eps * |first[s] * imag_slope[a, s]| / 2 + tiny * (1 +
        slope_size[a, s]) * (1 + |first[s]|)
        |error of bend_out[a, b, s]| <= 4 * tiny * (1 + slope_size[a, s]) * (1 + slope_size[b, s]) *
        (1 + |bend[a, b, s]|) * (1 + |first[s]|) * (1 + |second[s]|) + eps * (2 * |bend[a, b, s] *
        first[s]| + 5 * slope_size[a, s] * slope_size[b, s] * |second[s]|) / 2
        where slope_size[a, s] = |imag_slope[a, s]| + |real_slope[a, s]|
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
                real_slope,
                imag_slope,
                bend,
                real_slope_out,
                imag_slope_out,
                bend_out,
                work[task],
                start,
                stop,
            )
