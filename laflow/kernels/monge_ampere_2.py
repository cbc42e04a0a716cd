# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. of Monge-Ampère and Jacobi; arXiv:2310.19870
# SymPy:      1.14.0
# derivation: sha256 91c97fceca1e5ff7eb7078800f5d03ff1372c16d4a2cd390ab09439184392747
# body:       sha256 97b442cd1a55dcb8cbd53b63294ce44be030de84a20310898e36d262e1d6ae0c

"""Determinant of a packed metric and its derivatives, n = 2.

Generated from ``derivations/metric/monge_ampere.py`` (Eqs. of Monge-Ampère and Jacobi; arXiv:2310.19870).
"""

from numba import njit, prange

BLOCK = 512  # sites per block


def work_rows(m_11, m_12, m_21, m_22):
    """Rows of workspace that one task needs."""
    return 0


@njit(cache=True, error_model="numpy", nogil=True)
def _sites_block(m_11, m_12, m_21, m_22, determinant, slope_11, slope_12, slope_21, slope_22, start, stop):
    count = stop - start
    number_2 = m_11.dtype.type(2.0)
    m_12_p = m_12[start:stop]
    m_21_p = m_21[start:stop]
    m_11_p = m_11[start:stop]
    m_22_p = m_22[start:stop]
    # determinant[s] = m_11[s] * m_22[s] - (m_12[s] * m_12[s]) / 2.0 - (m_21[s] * m_21[s]) / 2.0
    out_p = determinant[start:stop]
    for p in range(count):
        new = m_11_p[p] * m_22_p[p] - (m_12_p[p] * m_12_p[p]) / number_2 - (m_21_p[p] * m_21_p[p]) / number_2
        out_p[p] = new
    # slope_11[s] = m_22[s]
    out_p = slope_11[start:stop]
    for p in range(count):
        out_p[p] = m_22_p[p]
    # slope_12[s] = -m_12[s]
    out_p = slope_12[start:stop]
    for p in range(count):
        out_p[p] = -m_12_p[p]
    # slope_21[s] = -m_21[s]
    out_p = slope_21[start:stop]
    for p in range(count):
        out_p[p] = -m_21_p[p]
    # slope_22[s] = m_11[s]
    out_p = slope_22[start:stop]
    for p in range(count):
        out_p[p] = m_11_p[p]


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def sites(m_11, m_12, m_21, m_22, determinant, slope_11, slope_12, slope_21, slope_22, work):
    """Determinant of a packed metric and its derivatives, n = 2.

    Site by site; all arrays and the workspace have one type, float64 or float32 (there eps = 2^-23).
    Source: Eqs. of Monge-Ampère and Jacobi; arXiv:2310.19870.

    Inputs
        m_11 : (sites,)
        m_12 : (sites,)
        m_21 : (sites,)
        m_22 : (sites,)
    Outputs
        determinant : (sites,)
        slope_11 : (sites,)
        slope_12 : (sites,)
        slope_21 : (sites,)
        slope_22 : (sites,)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        m_ab = Re g_ab + Im g_ab of a Hermitian g
    Ensures
        slope_ab is the derivative of determinant by m_ab
        g is positive definite where m_11 and determinant are positive: these are its leading minors
    Error bound, to first order
        |error of determinant[s]| <= 5 * eps * ((m_12[s] * m_12[s]) / 2 + (m_21[s] * m_21[s]) / 2 +
        |m_11[s] * m_22[s]|) / 2 + 60 * tiny * (whole[s] * whole[s] * whole[s])
        |error of slope_11[s]| <= tiny
        |error of slope_12[s]| <= tiny
        |error of slope_21[s]| <= tiny
        |error of slope_22[s]| <= tiny
        where whole[s] = 1 + |m_11[s]| + |m_12[s]| + |m_21[s]| + |m_22[s]|
        eps = 2^-52, tiny = 2^-1074
    """
    last = m_11.shape[0]
    tasks = work.shape[0]
    blocks = (last + BLOCK - 1) // BLOCK
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            start = block * BLOCK
            stop = min(start + BLOCK, last)
            _sites_block(
                m_11,
                m_12,
                m_21,
                m_22,
                determinant,
                slope_11,
                slope_12,
                slope_21,
                slope_22,
                start,
                stop,
            )
