# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. of Monge-Ampère and Jacobi; arXiv:2310.19870
# SymPy:      1.14.0
# derivation: sha256 e7957ecc5cbdacaeaed8d67f7e066613315285574f30bc26aa4ef112710e2cd0
# body:       sha256 72a151640c853f49fcbd3fb5729ba52725d485c66f3cb70bd5c13750a73a9afd

"""Determinant of a packed metric and its derivatives, n = 1.

Generated from ``derivations/metric/monge_ampere.py`` (Eqs. of Monge-Ampère and Jacobi; arXiv:2310.19870).
"""

from numba import njit, prange

BLOCK = 512  # sites per block


def work_rows(m_11):
    """Rows of workspace that one task needs."""
    return 0


@njit(cache=True, error_model="numpy", nogil=True)
def _sites_block(m_11, determinant, slope_11, start, stop):
    count = stop - start
    number_1 = m_11.dtype.type(1.0)
    m_11_p = m_11[start:stop]
    # determinant[s] = m_11[s]
    out_p = determinant[start:stop]
    for p in range(count):
        out_p[p] = m_11_p[p]
    # slope_11[s] = 1.0
    out_p = slope_11[start:stop]
    for p in range(count):
        out_p[p] = number_1


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def sites(m_11, determinant, slope_11, work):
    """Determinant of a packed metric and its derivatives, n = 1.

    Site by site; all arrays and the workspace have one type, float64 or float32 (there eps = 2^-23).
    Source: Eqs. of Monge-Ampère and Jacobi; arXiv:2310.19870.

    Inputs
        m_11 : (sites,)
    Outputs
        determinant : (sites,)
        slope_11 : (sites,)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        m_ab = Re g_ab + Im g_ab of a Hermitian g
    Ensures
        slope_ab is the derivative of determinant by m_ab
        g is positive definite where m_11 are positive: these are its leading minors
    Error bound, to first order
        |error of determinant[s]| <= 0
        |error of slope_11[s]| <= 0
    """
    last = m_11.shape[0]
    tasks = work.shape[0]
    blocks = (last + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = block * BLOCK
            stop = min(start + BLOCK, last)
            _sites_block(m_11, determinant, slope_11, start, stop)
