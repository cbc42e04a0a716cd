# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Adjoint of the layers' sum for ∂∂̄φ; φ-model of arXiv:2310.19870
# SymPy:      1.14.0
# derivation: sha256 2bf4916f2cbe0c5991dfc5bd115dd311e70b8d98db1c6729dd6f84b37698f015
# body:       sha256 deb35a75671372854a59d99854261696084d060210bd71f7a95761361aa4cf53

"""Covectors of value and slopes of u from those of σ(u) and from the contraction of the bend.

Generated from ``derivations/metric/contracted_bend_adjoint.py``
(Adjoint of the layers' sum for ∂∂̄φ; φ-model of arXiv:2310.19870).
"""

from numba import njit, prange

BLOCK = 512  # sites per block


def work_rows(
    first,
    second,
    third,
    pull,
    contracted,
    slopes_form,
    real_slope,
    imag_slope,
    real_turn,
    imag_turn,
    value_covector,
    real_covector,
    imag_covector,
):
    """Rows of workspace that one task needs."""
    units = first.shape[0]
    return 2 * units


@njit(cache=True, error_model="numpy", nogil=True)
def _sites_block(
    first,
    second,
    third,
    pull,
    contracted,
    slopes_form,
    real_slope,
    imag_slope,
    real_turn,
    imag_turn,
    value_covector,
    real_covector,
    imag_covector,
    value_pull,
    real_slope_pull,
    imag_slope_pull,
    work,
    start,
    stop,
):
    directions = real_slope.shape[0]
    units = first.shape[0]
    count = stop - start
    share_row = 0
    by_second_row = share_row + units
    # share[u, s] = pull[u, s] * second[u, s]
    for unit in range(units):
        out_p = work[share_row + unit]
        pull_p = pull[unit, start:stop]
        second_p = second[unit, start:stop]
        for p in range(count):
            out_p[p] = pull_p[p] * second_p[p]
    # by_second[u, s] = contracted[u, s] * pull[u, s] + total(imag_covector[a, u, s] * imag_slope[a, u, s]
    #     + real_covector[a, u, s] * real_slope[a, u, s], a)
    for unit in range(units):
        out_p = work[by_second_row + unit]
        contracted_p = contracted[unit, start:stop]
        pull_p = pull[unit, start:stop]
        for p in range(count):
            out_p[p] = contracted_p[p] * pull_p[p]
        for direction in range(directions):
            imag_covector_p = imag_covector[direction, unit, start:stop]
            imag_slope_p = imag_slope[direction, unit, start:stop]
            real_covector_p = real_covector[direction, unit, start:stop]
            real_slope_p = real_slope[direction, unit, start:stop]
            for p in range(count):
                out_p[p] += imag_covector_p[p] * imag_slope_p[p] + real_covector_p[p] * real_slope_p[p]
    # value_pull[u, s] = by_second[u, s] * second[u, s] + first[u, s] * value_covector[u, s] + pull[u, s]
    #     * slopes_form[u, s] * third[u, s]
    for unit in range(units):
        out_p = value_pull[unit, start:stop]
        by_second_p = work[by_second_row + unit]
        second_p = second[unit, start:stop]
        first_p = first[unit, start:stop]
        value_covector_p = value_covector[unit, start:stop]
        pull_p = pull[unit, start:stop]
        slopes_form_p = slopes_form[unit, start:stop]
        third_p = third[unit, start:stop]
        for p in range(count):
            new = by_second_p[p] * second_p[p]
            new += first_p[p] * value_covector_p[p]
            new += pull_p[p] * slopes_form_p[p] * third_p[p]
            out_p[p] = new
    # real_slope_pull[c, u, s] = first[u, s] * real_covector[c, u, s] + real_turn[c, u, s] * share[u, s]
    for direction in range(directions):
        for unit in range(units):
            out_p = real_slope_pull[direction, unit, start:stop]
            first_p = first[unit, start:stop]
            real_covector_p = real_covector[direction, unit, start:stop]
            share_p = work[share_row + unit]
            real_turn_p = real_turn[direction, unit, start:stop]
            for p in range(count):
                out_p[p] = first_p[p] * real_covector_p[p] + real_turn_p[p] * share_p[p]
    # imag_slope_pull[c, u, s] = first[u, s] * imag_covector[c, u, s] + imag_turn[c, u, s] * share[u, s]
    for direction in range(directions):
        for unit in range(units):
            out_p = imag_slope_pull[direction, unit, start:stop]
            first_p = first[unit, start:stop]
            imag_covector_p = imag_covector[direction, unit, start:stop]
            share_p = work[share_row + unit]
            imag_turn_p = imag_turn[direction, unit, start:stop]
            for p in range(count):
                out_p[p] = first_p[p] * imag_covector_p[p] + imag_turn_p[p] * share_p[p]


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def sites(
    first,
    second,
    third,
    pull,
    contracted,
    slopes_form,
    real_slope,
    imag_slope,
    real_turn,
    imag_turn,
    value_covector,
    real_covector,
    imag_covector,
    value_pull,
    real_slope_pull,
    imag_slope_pull,
    work,
):
    """Covectors of value and slopes of u from those of σ(u) and from the contraction of the bend.

    Site by site; all arrays and the workspace have one type, float64 or float32 (there eps = 2^-23).
    Source: Adjoint of the layers' sum for ∂∂̄φ; φ-model of arXiv:2310.19870.

    Inputs
        first : (units, sites)
        second : (units, sites)
        third : (units, sites)
        pull : (units, sites)
        contracted : (units, sites)
        slopes_form : (units, sites)
        real_slope : (directions, units, sites)
        imag_slope : (directions, units, sites)
        real_turn : (directions, units, sites)
        imag_turn : (directions, units, sites)
        value_covector : (units, sites)
        real_covector : (directions, units, sites)
        imag_covector : (directions, units, sites)
    Outputs
        value_pull : (units, sites)
        real_slope_pull : (directions, units, sites)
        imag_slope_pull : (directions, units, sites)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        first, second, third = σ'(u), σ''(u), σ'''(u); pull = ∂φ/∂σ(u); the slopes are those of u
        contracted, slopes_form and the turns as bend_contraction leaves them
        a covector is the derivative of a loss by the entry of the same place
    Ensures
        the outputs are the derivatives of the same loss by value and slopes of u
    Error bound, to first order
        |error of value_pull[u, s]| <= eps * (3 * |first[u, s] * value_covector[u, s]| + 4 *
        |pull[u, s] * slopes_form[u, s] * third[u, s]| + second_size[u, s] * |second[u, s]| * (2 *
        dim + 4)) / 2 + scale[u, s] * tiny * (2 * dim + 6)
        |error of real_slope_pull[c, u, s]| <= 4 * scale[u, s] * tiny + eps * (2 * |first[u, s] *
        real_covector[c, u, s]| + 3 * |pull[u, s] * real_turn[c, u, s] * second[u, s]|) / 2
        |error of imag_slope_pull[c, u, s]| <= 4 * scale[u, s] * tiny + eps * (2 * |first[u, s] *
        imag_covector[c, u, s]| + 3 * |imag_turn[c, u, s] * pull[u, s] * second[u, s]|) / 2
        where second_size[u, s] = total(|imag_covector[a, u, s] * imag_slope[a, u, s]| +
        |real_covector[a, u, s] * real_slope[a, u, s]|, a) + |contracted[u, s] * pull[u, s]|
        where scale[u, s] = (1 + total(|imag_turn[a, u, s]| + |real_turn[a, u, s]|, a)) * (1 +
        |second[u, s]|) * (1 + |third[u, s]|)
        eps = 2^-52, tiny = 2^-1074, dim = number of directions
    """
    last = first.shape[1]
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
                pull,
                contracted,
                slopes_form,
                real_slope,
                imag_slope,
                real_turn,
                imag_turn,
                value_covector,
                real_covector,
                imag_covector,
                value_pull,
                real_slope_pull,
                imag_slope_pull,
                work[task],
                start,
                stop,
            )
