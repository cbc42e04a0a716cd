"""Lemma 3.5: the augmented matrix [[A^J, b], [0, 0]], whose exponential holds the flow."""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    Lemma,
    Tensor,
    Wrong,
    adjoint_claim,
    commuting,
    derivative_claim,
    differential_claim,
    phi,
    scalar,
    tensor,
)
from derivations.algebra.matrices import add, scaled
from derivations.assignment.lemma_3_3_source import forward as source_slope
from derivations.assignment.lemma_3_3_source import mapping as source
from derivations.assignment.lemma_3_3_source import transpose as source_transpose
from derivations.assignment.lemma_3_4_linear_map import (
    action,
    action_slope,
    projected,
    through_similarity,
    transpose_of,
)
from derivations.assignment.notation import covector, i, k, weights, weights_direction

# the map (3.22b), by its action on a vector (V, ν): the upper rows; the last row gives 0
last = sp.Symbol("last_entry")
mapping = add(action, scaled(last, source))

# the claims (3.25): the blocks df3 Y and df2 Y stand where A^J and b stood
forward = add(action_slope, scaled(last, source_slope))


def transpose_with(factor: object) -> Tensor:
    """df3(·)ᵀ on (V, Z) plus a multiple of df2ᵀ Z."""
    linear = transpose_of(projected, through_similarity)
    return tensor((i, k), linear[i, k] + factor * source_transpose[i, k])


# (3.22a): the last column of expm(T𝒜); a stands for A^J, b for the source, 1 is the last entry
time, a, b = commuting("T a b")
upper_entry, last_entry = time * phi(time * a) * b, sp.Integer(1)

LEMMA = Lemma(
    name="lemma_3_5_augmented_matrix",
    title="Differential of the augmented matrix",
    reference="Lemma 3.5, Eqs. (3.22)-(3.25)",
    statement=r"""
For $\mathcal{A}(\Omega) = \begin{pmatrix} A^J(\Omega) & b(\Omega) \\ 0 & 0 \end{pmatrix}$, $v_T(\Omega)$ is
the last column of $\mathrm{expm}(T\mathcal{A}(\Omega))$ without its last entry, which is 1, and
$d\mathcal{A}(\Omega) Y = \begin{pmatrix} df_3(\Omega) Y & df_2(\Omega) Y \\ 0 & 0 \end{pmatrix}$.
Acting on $(V, \nu)$ and paired with $(Z, \zeta)$, the transpose is $df_3^\top$ on $(V, Z)$ plus
$\nu\, df_2(\Omega)^\top Z$; the last entry $\zeta$ does not matter.
""",
    claims=(
        differential_claim("differential in action", mapping, {weights: weights_direction}, forward),
        adjoint_claim("transpose", mapping, weights, covector, transpose_with(last)),
        derivative_claim(
            "last column of the exponential",
            scalar(upper_entry),
            time,
            scalar(a * upper_entry + b * last_entry),
        ),
    ),
    wrong=(
        Wrong("differential in action", "the source is held fixed", action_slope),
        Wrong("differential in action", "the source enters twice", add(forward, scaled(last, source_slope))),
        Wrong(
            "differential in action",
            "the source does not see the last entry",
            add(action_slope, source_slope),
        ),
        Wrong("transpose", "the source is left out", transpose_with(0)),
        Wrong("last column of the exponential", "the last entry is 0", scalar(a * upper_entry)),
    ),
    runs_in="laflow/assignment/reference.py",
    limits="The last column solves x' = 𝒜x, x(0) = e_{n+1}; that this has one solution is used, not proved.",
    sizes=({"nodes": 2, "labels": 2}, {"nodes": 3, "labels": 2}, {"nodes": 2, "labels": 3}),
)
