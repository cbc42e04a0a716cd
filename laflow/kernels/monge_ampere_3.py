# Generated file: do not edit. Change the derivation instead and run
#     python -m derivations
# lemma:      Eqs. of Monge-Ampère and Jacobi; arXiv:2310.19870
# SymPy:      1.14.0
# derivation: sha256 4d46b926b67958616d43cb33cd28baec320087ee1fe3addc36982748d5727ae2
# body:       sha256 58c01a85bbc8218dc9a43a70bf522892d3e9efd0be7fbc5b4d15154df15e3a3d

"""Determinant of a packed metric and its derivatives, n = 3.

Generated from ``derivations/metric/monge_ampere.py`` (Eqs. of Monge-Ampère and Jacobi; arXiv:2310.19870).
"""

from numba import njit, prange

BLOCK = 512  # sites per block


def work_rows(m_11, m_12, m_13, m_21, m_22, m_23, m_31, m_32, m_33):
    """Rows of workspace that one task needs."""
    return 4


@njit(cache=True, error_model="numpy", nogil=True)
def _sites_block(
    m_11,
    m_12,
    m_13,
    m_21,
    m_22,
    m_23,
    m_31,
    m_32,
    m_33,
    determinant,
    slope_11,
    slope_12,
    slope_13,
    slope_21,
    slope_22,
    slope_23,
    slope_31,
    slope_32,
    slope_33,
    work,
    start,
    stop,
):
    count = stop - start
    real_13_row = 0
    real_23_row = real_13_row + 1
    imag_13_row = real_23_row + 1
    imag_23_row = imag_13_row + 1
    number_2 = m_11.dtype.type(2.0)
    m_13_p = m_13[start:stop]
    m_31_p = m_31[start:stop]
    m_23_p = m_23[start:stop]
    m_32_p = m_32[start:stop]
    m_22_p = m_22[start:stop]
    m_33_p = m_33[start:stop]
    m_11_p = m_11[start:stop]
    m_12_p = m_12[start:stop]
    m_21_p = m_21[start:stop]
    imag_13_p = work[imag_13_row]
    real_13_p = work[real_13_row]
    imag_23_p = work[imag_23_row]
    real_23_p = work[real_23_row]
    slope_11_p = slope_11[start:stop]
    slope_12_p = slope_12[start:stop]
    slope_13_p = slope_13[start:stop]
    slope_21_p = slope_21[start:stop]
    slope_31_p = slope_31[start:stop]
    # real_13[s] = m_13[s] / 2.0 + m_31[s] / 2.0
    out_p = work[real_13_row]
    for p in range(count):
        out_p[p] = m_13_p[p] / number_2 + m_31_p[p] / number_2
    # real_23[s] = m_23[s] / 2.0 + m_32[s] / 2.0
    out_p = work[real_23_row]
    for p in range(count):
        out_p[p] = m_23_p[p] / number_2 + m_32_p[p] / number_2
    # imag_13[s] = m_13[s] / 2.0 - m_31[s] / 2.0
    out_p = work[imag_13_row]
    for p in range(count):
        out_p[p] = m_13_p[p] / number_2 - m_31_p[p] / number_2
    # imag_23[s] = m_23[s] / 2.0 - m_32[s] / 2.0
    out_p = work[imag_23_row]
    for p in range(count):
        out_p[p] = m_23_p[p] / number_2 - m_32_p[p] / number_2
    # slope_11[s] = m_22[s] * m_33[s] - (m_23[s] * m_23[s]) / 2.0 - (m_32[s] * m_32[s]) / 2.0
    out_p = slope_11[start:stop]
    for p in range(count):
        new = m_22_p[p] * m_33_p[p] - (m_23_p[p] * m_23_p[p]) / number_2 - (m_32_p[p] * m_32_p[p]) / number_2
        out_p[p] = new
    # slope_22[s] = m_11[s] * m_33[s] - (m_13[s] * m_13[s]) / 2.0 - (m_31[s] * m_31[s]) / 2.0
    out_p = slope_22[start:stop]
    for p in range(count):
        new = m_11_p[p] * m_33_p[p] - (m_13_p[p] * m_13_p[p]) / number_2 - (m_31_p[p] * m_31_p[p]) / number_2
        out_p[p] = new
    # slope_33[s] = m_11[s] * m_22[s] - (m_12[s] * m_12[s]) / 2.0 - (m_21[s] * m_21[s]) / 2.0
    out_p = slope_33[start:stop]
    for p in range(count):
        new = m_11_p[p] * m_22_p[p] - (m_12_p[p] * m_12_p[p]) / number_2 - (m_21_p[p] * m_21_p[p]) / number_2
        out_p[p] = new
    # slope_12[s] = imag_13[s] * m_23[s] + m_32[s] * real_13[s] - m_12[s] * m_33[s]
    out_p = slope_12[start:stop]
    for p in range(count):
        out_p[p] = imag_13_p[p] * m_23_p[p] + m_32_p[p] * real_13_p[p] - m_12_p[p] * m_33_p[p]
    # slope_21[s] = m_23[s] * real_13[s] - imag_13[s] * m_32[s] - m_21[s] * m_33[s]
    out_p = slope_21[start:stop]
    for p in range(count):
        out_p[p] = m_23_p[p] * real_13_p[p] - imag_13_p[p] * m_32_p[p] - m_21_p[p] * m_33_p[p]
    # slope_23[s] = imag_13[s] * m_12[s] + m_21[s] * real_13[s] - m_11[s] * m_23[s]
    out_p = slope_23[start:stop]
    for p in range(count):
        out_p[p] = imag_13_p[p] * m_12_p[p] + m_21_p[p] * real_13_p[p] - m_11_p[p] * m_23_p[p]
    # slope_32[s] = m_12[s] * real_13[s] - imag_13[s] * m_21[s] - m_11[s] * m_32[s]
    out_p = slope_32[start:stop]
    for p in range(count):
        out_p[p] = m_12_p[p] * real_13_p[p] - imag_13_p[p] * m_21_p[p] - m_11_p[p] * m_32_p[p]
    # slope_13[s] = imag_23[s] * m_21[s] + m_12[s] * real_23[s] - m_13[s] * m_22[s]
    out_p = slope_13[start:stop]
    for p in range(count):
        out_p[p] = imag_23_p[p] * m_21_p[p] + m_12_p[p] * real_23_p[p] - m_13_p[p] * m_22_p[p]
    # slope_31[s] = m_21[s] * real_23[s] - imag_23[s] * m_12[s] - m_22[s] * m_31[s]
    out_p = slope_31[start:stop]
    for p in range(count):
        out_p[p] = m_21_p[p] * real_23_p[p] - imag_23_p[p] * m_12_p[p] - m_22_p[p] * m_31_p[p]
    # determinant[s] = m_11[s] * slope_11[s] + m_12[s] * slope_12[s] / 2.0 + m_13[s] * slope_13[s] / 2.0 +
    #     m_21[s] * slope_21[s] / 2.0 + m_31[s] * slope_31[s] / 2.0
    out_p = determinant[start:stop]
    for p in range(count):
        new = m_11_p[p] * slope_11_p[p]
        new += m_12_p[p] * slope_12_p[p] / number_2
        new += m_13_p[p] * slope_13_p[p] / number_2
        new += m_21_p[p] * slope_21_p[p] / number_2
        new += m_31_p[p] * slope_31_p[p] / number_2
        out_p[p] = new


@njit(parallel=True, cache=True, error_model="numpy", nogil=True)
def sites(
    m_11,
    m_12,
    m_13,
    m_21,
    m_22,
    m_23,
    m_31,
    m_32,
    m_33,
    determinant,
    slope_11,
    slope_12,
    slope_13,
    slope_21,
    slope_22,
    slope_23,
    slope_31,
    slope_32,
    slope_33,
    work,
):
    """Determinant of a packed metric and its derivatives, n = 3.

    Site by site; all arrays and the workspace have one type, float64 or float32 (there eps = 2^-23).
    Source: Eqs. of Monge-Ampère and Jacobi; arXiv:2310.19870.

    Inputs
        m_11 : (sites,)
        m_12 : (sites,)
        m_13 : (sites,)
        m_21 : (sites,)
        m_22 : (sites,)
        m_23 : (sites,)
        m_31 : (sites,)
        m_32 : (sites,)
        m_33 : (sites,)
    Outputs
        determinant : (sites,)
        slope_11 : (sites,)
        slope_12 : (sites,)
        slope_13 : (sites,)
        slope_21 : (sites,)
        slope_22 : (sites,)
        slope_23 : (sites,)
        slope_31 : (sites,)
        slope_32 : (sites,)
        slope_33 : (sites,)
    Workspace
        work : (tasks, max(1, work_rows(...)), BLOCK)
    Requires
        m_ab = Re g_ab + Im g_ab of a Hermitian g
    Ensures
        slope_ab is the derivative of determinant by m_ab
        g is positive definite where m_11, slope_33 and determinant are positive: these are its
        leading minors
    Error bound, to first order
        |error of determinant[s]| <= 13 * eps * (minor_size_11[s] * |m_11[s]| + minor_size_12[s] *
        (|m_12[s]| + |m_21[s]|) / 2 + minor_size_13[s] * (|m_13[s]| + |m_31[s]|) / 2) / 2 + 60 *
        tiny * (whole[s] * whole[s] * whole[s])
        |error of slope_11[s]| <= 3 * eps * ((m_23[s] * m_23[s]) / 2 + (m_32[s] * m_32[s]) / 2 +
        |m_22[s] * m_33[s]|) + 60 * tiny * (whole[s] * whole[s] * whole[s])
        |error of slope_12[s]| <= 3 * eps * ((|m_13[s]| + |m_31[s]|) * (|m_23[s]| + |m_32[s]|) / 2 +
        |m_12[s] * m_33[s]|) + 60 * tiny * (whole[s] * whole[s] * whole[s])
        |error of slope_13[s]| <= 3 * eps * ((|m_12[s]| + |m_21[s]|) * (|m_23[s]| + |m_32[s]|) / 2 +
        |m_13[s] * m_22[s]|) + 60 * tiny * (whole[s] * whole[s] * whole[s])
        |error of slope_21[s]| <= 3 * eps * ((|m_13[s]| + |m_31[s]|) * (|m_23[s]| + |m_32[s]|) / 2 +
        |m_21[s] * m_33[s]|) + 60 * tiny * (whole[s] * whole[s] * whole[s])
        |error of slope_22[s]| <= 3 * eps * ((m_13[s] * m_13[s]) / 2 + (m_31[s] * m_31[s]) / 2 +
        |m_11[s] * m_33[s]|) + 60 * tiny * (whole[s] * whole[s] * whole[s])
        |error of slope_23[s]| <= 3 * eps * ((|m_12[s]| + |m_21[s]|) * (|m_13[s]| + |m_31[s]|) / 2 +
        |m_11[s] * m_23[s]|) + 60 * tiny * (whole[s] * whole[s] * whole[s])
        |error of slope_31[s]| <= 3 * eps * ((|m_12[s]| + |m_21[s]|) * (|m_23[s]| + |m_32[s]|) / 2 +
        |m_22[s] * m_31[s]|) + 60 * tiny * (whole[s] * whole[s] * whole[s])
        |error of slope_32[s]| <= 3 * eps * ((|m_12[s]| + |m_21[s]|) * (|m_13[s]| + |m_31[s]|) / 2 +
        |m_11[s] * m_32[s]|) + 60 * tiny * (whole[s] * whole[s] * whole[s])
        |error of slope_33[s]| <= 3 * eps * ((m_12[s] * m_12[s]) / 2 + (m_21[s] * m_21[s]) / 2 +
        |m_11[s] * m_22[s]|) + 60 * tiny * (whole[s] * whole[s] * whole[s])
        where whole[s] = 1 + |m_11[s]| + |m_12[s]| + |m_13[s]| + |m_21[s]| + |m_22[s]| + |m_23[s]| +
        |m_31[s]| + |m_32[s]| + |m_33[s]|
        where minor_size_11[s] = (m_23[s] * m_23[s]) / 2 + (m_32[s] * m_32[s]) / 2 + |m_22[s] *
        m_33[s]|
        where minor_size_12[s] = (|m_13[s]| + |m_31[s]|) * (|m_23[s]| + |m_32[s]|) + |m_12[s] *
        m_33[s]| + |m_21[s] * m_33[s]|
        where minor_size_13[s] = (|m_12[s]| + |m_21[s]|) * (|m_23[s]| + |m_32[s]|) + |m_13[s] *
        m_22[s]| + |m_22[s] * m_31[s]|
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
                m_13,
                m_21,
                m_22,
                m_23,
                m_31,
                m_32,
                m_33,
                determinant,
                slope_11,
                slope_12,
                slope_13,
                slope_21,
                slope_22,
                slope_23,
                slope_31,
                slope_32,
                slope_33,
                work[task],
                start,
                stop,
            )
