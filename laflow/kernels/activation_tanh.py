# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. of tanh: σ' = 1 - σ² and its consequences (Abramowitz and Stegun 4.5)
# SymPy:      1.14.0
# derivation: sha256 a9629a5da4b6d4507dd85d9aadfa8ff5515f81c8b1ec11c90a8ffff92e8b297a
# body:       sha256 51b617b95a6e1a1d4a91d186898d5bbf9c22e00068d3f3ccc5d665aad620cb7c

"""Tanh and its first three derivatives.

Generated from ``derivations/metric/activation_tanh.py``
(Eqs. of tanh: σ' = 1 - σ² and its consequences (Abramowitz and Stegun 4.5)).
"""

from numba import njit, prange

from laflow.exponential import exp

BLOCK = 512  # sites per block


def work_rows(argument):
    """Rows of workspace that one task needs."""
    return 3


@njit(cache=True, error_model="numpy", nogil=True)
def _sites_block(argument, value, first, second, third, work, start, stop):
    count = stop - start
    grown_row = 0
    share_row = grown_row + 1
    rest_row = share_row + 1
    number_1 = argument.dtype.type(1.0)
    number_2 = argument.dtype.type(2.0)
    number_4 = argument.dtype.type(4.0)
    number_6 = argument.dtype.type(6.0)
    argument_p = argument[start:stop]
    grown_p = work[grown_row]
    share_p = work[share_row]
    rest_p = work[rest_row]
    first_p = first[start:stop]
    value_p = value[start:stop]
    # grown[s] = exp(2.0 * argument[s])
    out_p = work[grown_row]
    for p in range(count):
        out_p[p] = exp(number_2 * argument_p[p])
    # share[s] = 1.0 / (1.0 + grown[s])
    out_p = work[share_row]
    for p in range(count):
        out_p[p] = number_1 / (number_1 + grown_p[p])
    # rest[s] = 1.0 - share[s]
    out_p = work[rest_row]
    for p in range(count):
        out_p[p] = number_1 - share_p[p]
    # value[s] = 1.0 - 2.0 * share[s]
    out_p = value[start:stop]
    for p in range(count):
        out_p[p] = number_1 - number_2 * share_p[p]
    # first[s] = 4.0 * rest[s] * share[s]
    out_p = first[start:stop]
    for p in range(count):
        out_p[p] = number_4 * rest_p[p] * share_p[p]
    # second[s] = -2.0 * first[s] * value[s]
    out_p = second[start:stop]
    for p in range(count):
        out_p[p] = -number_2 * first_p[p] * value_p[p]
    # third[s] = first[s] * (6.0 * (value[s] * value[s]) - 2.0)
    out_p = third[start:stop]
    for p in range(count):
        out_p[p] = first_p[p] * (number_6 * (value_p[p] * value_p[p]) - number_2)


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def sites(argument, value, first, second, third, work):
    """Tanh and its first three derivatives.

    Site by site; all arrays and the workspace have one type, float64 or float32 (there eps = 2^-23).
    Source: Eqs. of tanh: σ' = 1 - σ² and its consequences (Abramowitz and Stegun 4.5).

    Inputs
        argument : (sites,)
    Outputs
        value : (sites,)
        first : (sites,)
        second : (sites,)
        third : (sites,)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        argument finite
    Ensures
        value in [-1, 1], first in [0, 1], for arguments of any size
    Error bound, to first order
        |error of value[s]| <= 9 * eps / 2 + tiny
        |error of first[s]| <= 17 * eps / 2 + tiny
        |error of second[s]| <= 27 * eps + tiny
        |error of third[s]| <= 95 * eps + tiny
        eps = 2^-52, tiny = 2^-1074
    """
    last = argument.shape[0]
    tasks = work.shape[0]
    blocks = (last + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = block * BLOCK
            stop = min(start + BLOCK, last)
            _sites_block(argument, value, first, second, third, work[task], start, stop)
