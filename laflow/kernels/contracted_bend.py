# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Chain rule for ∂∂̄φ of layers, summed by backpropagation; φ-model of arXiv:2310.19870
# SymPy:      1.14.0
# derivation: sha256 b84689a3bdcebe298ea93e09b73fa7c2eeb42ddafd7c3ad1c1887404a457ea95
# body:       sha256 90314dfedd8839088fd2d3a7f97a8fb58f9c32e53206be0f1e3f4b88f82af1d2

"""A layer's part of ∂∂̄ of the network's output.

Generated from ``derivations/metric/contracted_bend.py``
(Chain rule for ∂∂̄φ of layers, summed by backpropagation; φ-model of arXiv:2310.19870).
"""

from numba import njit, prange

BLOCK = 512  # sites per block


def work_rows(pull, second, real_slope, imag_slope):
    """Rows of workspace that one task needs."""
    directions = real_slope.shape[0]
    units = pull.shape[0]
    return units + 2 * directions * units


@njit(cache=True, error_model="numpy", nogil=True)
def _sites_block(pull, second, real_slope, imag_slope, bend_part, work, start, stop):
    directions = real_slope.shape[0]
    units = pull.shape[0]
    count = stop - start
    share_row = 0
    shared_plus_row = share_row + units
    shared_minus_row = shared_plus_row + directions * units
    # share[u, s] = pull[u, s] * second[u, s]
    for unit in range(units):
        out_p = work[share_row + unit]
        pull_p = pull[unit, start:stop]
        second_p = second[unit, start:stop]
        for p in range(count):
            out_p[p] = pull_p[p] * second_p[p]
    # shared_plus[a, u, s] = share[u, s] * (imag_slope[a, u, s] + real_slope[a, u, s])
    for direction in range(directions):
        for unit in range(units):
            out_p = work[shared_plus_row + direction * units + unit]
            imag_slope_p = imag_slope[direction, unit, start:stop]
            real_slope_p = real_slope[direction, unit, start:stop]
            share_p = work[share_row + unit]
            for p in range(count):
                out_p[p] = share_p[p] * (imag_slope_p[p] + real_slope_p[p])
    # shared_minus[a, u, s] = share[u, s] * (imag_slope[a, u, s] - real_slope[a, u, s])
    for direction in range(directions):
        for unit in range(units):
            out_p = work[shared_minus_row + direction * units + unit]
            real_slope_p = real_slope[direction, unit, start:stop]
            imag_slope_p = imag_slope[direction, unit, start:stop]
            share_p = work[share_row + unit]
            for p in range(count):
                out_p[p] = share_p[p] * (imag_slope_p[p] - real_slope_p[p])
    # bend_part[a, b, s] = total(imag_slope[b, u, s] * shared_minus[a, u, s] + real_slope[b, u, s] *
    #     shared_plus[a, u, s], u)
    for direction in range(directions):
        for other_direction in range(directions):
            out_p = bend_part[direction, other_direction, start:stop]
            for p in range(count):
                out_p[p] = 0.0
            for unit in range(units):
                imag_slope_p = imag_slope[other_direction, unit, start:stop]
                shared_minus_p = work[shared_minus_row + direction * units + unit]
                real_slope_p = real_slope[other_direction, unit, start:stop]
                shared_plus_p = work[shared_plus_row + direction * units + unit]
                for p in range(count):
                    out_p[p] += imag_slope_p[p] * shared_minus_p[p] + real_slope_p[p] * shared_plus_p[p]


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def sites(pull, second, real_slope, imag_slope, bend_part, work):
    """A layer's part of ∂∂̄ of the network's output.

    Site by site; all arrays and the workspace have one type, float64 or float32 (there eps = 2^-23).
    Source: Chain rule for ∂∂̄φ of layers, summed by backpropagation; φ-model of arXiv:2310.19870.

    Inputs
        pull : (units, sites)
        second : (units, sites)
        real_slope : (directions, units, sites)
        imag_slope : (directions, units, sites)
    Outputs
        bend_part : (directions, directions, sites)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        pull = ∂φ/∂σ(u) at the point, second = σ''(u)
        the slopes are those of u, before the activation
    Ensures
        the parts of all layers and the features' own bends, weighted by their pull, sum to packed
        ∂∂̄φ
    Error bound, to first order
        |error of bend_part[a, b, s]| <= 5 * tiny * total(scale[u, s], u) + eps *
        total(slope_size[a, u, s] * slope_size[b, u, s] * |pull[u, s] * second[u, s]|, u) * (2 * U +
        5) / 2
        where slope_size[a, u, s] = |imag_slope[a, u, s]| + |real_slope[a, u, s]|
        where scale[u, s] = ((1 + total(slope_size[a, u, s], a)) * (1 + total(slope_size[a, u, s],
        a))) * (1 + |pull[u, s]|) * (1 + |second[u, s]|)
        eps = 2^-52, tiny = 2^-1074, U = number of units
    """
    last = pull.shape[1]
    tasks = work.shape[0]
    blocks = (last + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = block * BLOCK
            stop = min(start + BLOCK, last)
            _sites_block(pull, second, real_slope, imag_slope, bend_part, work[task], start, stop)
