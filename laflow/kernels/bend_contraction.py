# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Adjoint of the layers' sum for ∂∂̄φ; φ-model of arXiv:2310.19870
# SymPy:      1.14.0
# derivation: sha256 541da15b6efed4d2d0cf0c3365446ba325180e399c639e8f19a5b00bcf47eb3f
# body:       sha256 785b47a42f1e9a6b96019abece3544c0ff67043d144ba5c335edd0d7be662ee5

"""The contraction of the bend of σ(u) from that of u, and the gradient of its quadratic form.

Generated from ``derivations/metric/contracted_bend_adjoint.py``
(Adjoint of the layers' sum for ∂∂̄φ; φ-model of arXiv:2310.19870).
"""

from numba import njit, prange

BLOCK = 512  # sites per block


def work_rows(first, second, contracted, real_slope, imag_slope, dual):
    """Rows of workspace that one task needs."""
    return 0


@njit(cache=True, error_model="numpy", nogil=True)
def _sites_block(
    first,
    second,
    contracted,
    real_slope,
    imag_slope,
    dual,
    real_turn,
    imag_turn,
    slopes_form,
    contracted_out,
    start,
    stop,
):
    directions = real_slope.shape[0]
    units = first.shape[0]
    count = stop - start
    number_2 = first.dtype.type(2.0)
    # real_turn[c, u, s] = total(real_slope[b, u, s] * (dual[b, c, s] + dual[c, b, s]) - imag_slope[b, u,
    #     s] * (dual[c, b, s] - dual[b, c, s]), b)
    for direction in range(directions):
        for unit in range(units):
            out_p = real_turn[direction, unit, start:stop]
            for p in range(count):
                out_p[p] = 0.0
            for other_direction in range(directions):
                dual_p = dual[other_direction, direction, start:stop]
                dual_p2 = dual[direction, other_direction, start:stop]
                real_slope_p = real_slope[other_direction, unit, start:stop]
                imag_slope_p = imag_slope[other_direction, unit, start:stop]
                for p in range(count):
                    out_p[p] += real_slope_p[p] * (dual_p2[p] + dual_p[p]) - imag_slope_p[p] * (dual_p2[p] - dual_p[p])
    # imag_turn[c, u, s] = total(imag_slope[b, u, s] * (dual[b, c, s] + dual[c, b, s]) + real_slope[b, u,
    #     s] * (dual[c, b, s] - dual[b, c, s]), b)
    for direction in range(directions):
        for unit in range(units):
            out_p = imag_turn[direction, unit, start:stop]
            for p in range(count):
                out_p[p] = 0.0
            for other_direction in range(directions):
                dual_p = dual[other_direction, direction, start:stop]
                dual_p2 = dual[direction, other_direction, start:stop]
                real_slope_p = real_slope[other_direction, unit, start:stop]
                imag_slope_p = imag_slope[other_direction, unit, start:stop]
                for p in range(count):
                    out_p[p] += imag_slope_p[p] * (dual_p2[p] + dual_p[p]) + real_slope_p[p] * (dual_p2[p] - dual_p[p])
    # slopes_form[u, s] = total(imag_slope[c, u, s] * imag_turn[c, u, s] + real_slope[c, u, s] *
    #     real_turn[c, u, s], c) / 2.0
    for unit in range(units):
        out_p = slopes_form[unit, start:stop]
        for p in range(count):
            out_p[p] = 0.0
        for direction in range(directions):
            imag_slope_p = imag_slope[direction, unit, start:stop]
            imag_turn_p = imag_turn[direction, unit, start:stop]
            real_slope_p = real_slope[direction, unit, start:stop]
            real_turn_p = real_turn[direction, unit, start:stop]
            for p in range(count):
                out_p[p] += imag_slope_p[p] * imag_turn_p[p] / number_2 + real_slope_p[p] * real_turn_p[p] / number_2
    # contracted_out[u, s] = contracted[u, s] * first[u, s] + second[u, s] * slopes_form[u, s]
    for unit in range(units):
        out_p = contracted_out[unit, start:stop]
        contracted_p = contracted[unit, start:stop]
        first_p = first[unit, start:stop]
        second_p = second[unit, start:stop]
        slopes_form_p = slopes_form[unit, start:stop]
        for p in range(count):
            out_p[p] = contracted_p[p] * first_p[p] + second_p[p] * slopes_form_p[p]


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def sites(
    first,
    second,
    contracted,
    real_slope,
    imag_slope,
    dual,
    real_turn,
    imag_turn,
    slopes_form,
    contracted_out,
    work,
):
    """The contraction of the bend of σ(u) from that of u, and the gradient of its quadratic form.

    Site by site; all arrays and the workspace have one type, float64 or float32 (there eps = 2^-23).
    Source: Adjoint of the layers' sum for ∂∂̄φ; φ-model of arXiv:2310.19870.

    Inputs
        first : (units, sites)
        second : (units, sites)
        contracted : (units, sites)
        real_slope : (directions, units, sites)
        imag_slope : (directions, units, sites)
        dual : (directions, directions, sites)
    Outputs
        real_turn : (directions, units, sites)
        imag_turn : (directions, units, sites)
        slopes_form : (units, sites)
        contracted_out : (units, sites)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        first, second = σ'(u), σ''(u); the slopes are those of u; contracted = ⟨C, bend of u⟩
        dual is the derivative of a loss by the entries of the packed bend of the output
    Ensures
        contracted_out = ⟨C, bend of σ(u)⟩; slopes_form = ⟨C, ∂u ∂̄u⟩, the turns are its gradient by
        the slopes
    Error bound, to first order
        |error of real_turn[c, u, s]| <= eps * turn_size[c, u, s] * (2 + 2 * dim) / 2 + scale[u, s]
        * tiny * (2 + 2 * dim)
        |error of imag_turn[c, u, s]| <= eps * turn_size[c, u, s] * (2 + 2 * dim) / 2 + scale[u, s]
        * tiny * (2 + 2 * dim)
        |error of slopes_form[u, s]| <= eps * form_size[u, s] * (2 + 2 * dim) / 2 + scale[u, s] *
        tiny * ((2 + 2 * dim) * (2 + 2 * dim))
        |error of contracted_out[u, s]| <= eps * (2 * |contracted[u, s] * first[u, s]| +
        form_size[u, s] * |second[u, s]| * (2 * dim + 4)) / 2 + scale[u, s] * tiny * ((2 + 2 * dim)
        * (2 + 2 * dim) + 3)
        where slope_size[a, u, s] = |imag_slope[a, u, s]| + |real_slope[a, u, s]|
        where turn_size[c, u, s] = total(slope_size[b, u, s] * (|dual[b, c, s]| + |dual[c, b, s]|),
        b)
        where form_size[u, s] = total(slope_size[c, u, s] * turn_size[c, u, s], c)
        where scale[u, s] = ((1 + total(slope_size[a, u, s], a)) * (1 + total(slope_size[a, u, s],
        a))) * (1 + total(total(|dual[a, b, s]|, a), b)) * (1 + |contracted[u, s]| + |first[u, s]|)
        * (1 + |second[u, s]|)
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
                contracted,
                real_slope,
                imag_slope,
                dual,
                real_turn,
                imag_turn,
                slopes_form,
                contracted_out,
                start,
                stop,
            )
