"""Arnoldi's approximation of the flow and its residual, Eqs. (2.27)-(2.28).

Arnoldi's relations are hypotheses. Each is a tensor that vanishes when it holds; a claim that needs one
adds it with its multiplier, so that the claim is an identity of arrays: left side = right side + Σ
multiplier * hypothesis.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import Array, Lemma, Tensor, Wrong, identity, pairing, scalar, tensor
from derivations.algebra.matrices import add, identity_matrix, multiply, outer, scaled, subtract, transposed
from derivations.assignment.notation import krylov, unknowns, x, y

operator = Array("operator", unknowns, unknowns, latex="A")
source = Array("source", unknowns, latex="b")
basis = Array("basis", unknowns, krylov, latex="Q")
hessenberg = Array("hessenberg", krylov, krylov, latex="H")
next_vector = Array("next_vector", unknowns, latex="q")
first_unit, last_unit = Array("first_unit", krylov, latex="e_1"), Array("last_unit", krylov, latex="e_m")
coefficients = Array("coefficients", krylov, latex="y")  # y(s) = s φ(sH) e1, so y' = H y + e1
exact = Array("exact", unknowns, latex="v")
error = Array("error", unknowns, latex="e")
start_norm, next_norm = sp.Symbol("start_norm"), sp.Symbol("next_norm")


def arnoldi_relation() -> Tensor:
    """A Q - Q H - h q e_mᵀ."""
    mapped = subtract(multiply(operator, basis), multiply(basis, hessenberg))
    return subtract(mapped, scaled(next_norm, outer(next_vector, last_unit)))


def orthonormality(columns: Array | Tensor) -> Tensor:
    """Qᵀ Q - 1."""
    return subtract(multiply(transposed(columns), columns), identity_matrix(columns.axes[1]))


start_relation = subtract(source, scaled(start_norm, multiply(basis, first_unit)))
orthogonal_next = multiply(transposed(basis), next_vector)

# the map (2.28): v ≈ ‖b‖ Q y
approximation = scaled(start_norm, multiply(basis, coefficients))
slope = scaled(start_norm, multiply(basis, add(multiply(hessenberg, coefficients), first_unit)))
residual = subtract(
    subtract(add(multiply(operator, exact), source), slope),
    multiply(operator, subtract(exact, approximation)),
)
last_coefficient = pairing(last_unit, tensor(krylov.index("s"), coefficients[krylov.index("s")]))
hypotheses = add(scaled(start_norm, multiply(arnoldi_relation(), coefficients)), start_relation)


def residual_with(coefficient: sp.Expr) -> Tensor:
    """‖b‖ h q times a coefficient, plus what vanishes by hypothesis."""
    return add(scaled(start_norm * next_norm * coefficient, next_vector), hypotheses)


def square(vector: Array | Tensor) -> sp.Expr:
    """‖v‖²."""
    at = vector.axes[0].index("a").fresh()
    return pairing(vector, tensor(at, vector[at]))


gram_defect = pairing(coefficients, multiply(orthonormality(basis), coefficients))
compressed = multiply(transposed(basis), operator, basis)
compression_hypotheses = add(
    multiply(transposed(basis), arnoldi_relation()),
    multiply(orthonormality(basis), hessenberg),
    scaled(next_norm, outer(orthogonal_next, last_unit)),
)
symmetric_part = tensor((x, y), (operator[x, y] + operator[y, x]) / 2)

LEMMA = Lemma(
    name="krylov_approximation",
    title="Arnoldi's approximation and its residual",
    reference="Eqs. (2.27), (2.28)",
    statement=r"""
Let $AQ = QH + h\, q e_m^\top$, $b = \|b\| Q e_1$, $Q^\top Q = I$, $Q^\top q = 0$. Then $Q^\top A Q = H$; the
approximation $v_m = \|b\| Q y$, $y(s) = s\varphi(sH) e_1$, has norm $\|b\| \|y\|$, and its error
$e = v - v_m$ obeys $\dot e = A e + \|b\| h\, y_m(s)\, q$, with
$\langle e, Ae\rangle = \langle e, \tfrac12(A + A^\top) e\rangle$. Every claim is an identity of arrays of
any size: the hypotheses stand on its right side with their multipliers.
""",
    claims=(
        identity("residual", residual, residual_with(last_coefficient)),
        identity(
            "norm",
            scalar(square(approximation)),
            scalar(start_norm**2 * (square(coefficients) + gram_defect)),
        ),
        identity("compression", compressed, add(hessenberg, compression_hypotheses)),
        identity(
            "growth",
            scalar(pairing(error, multiply(operator, error))),
            scalar(pairing(error, multiply(symmetric_part, error))),
        ),
    ),
    wrong=(
        Wrong("residual", "the space is taken as invariant", hypotheses),
        Wrong(
            "residual",
            "the first coefficient in place of the last",
            residual_with(pairing(first_unit, tensor(krylov.index("s"), coefficients[krylov.index("s")]))),
        ),
        Wrong(
            "residual",
            "the norm of the start is forgotten",
            add(scaled(next_norm * last_coefficient, next_vector), hypotheses),
        ),
        Wrong(
            "norm",
            "the norm instead of its square",
            scalar(start_norm * (square(coefficients) + gram_defect)),
        ),
        Wrong(
            "compression",
            "the Hessenberg matrix is transposed",
            add(transposed(hessenberg), compression_hypotheses),
        ),
        Wrong(
            "growth",
            "the full symmetric sum",
            scalar(2 * pairing(error, multiply(symmetric_part, error))),
        ),
    ),
    runs_in="laflow/krylov.py",
    limits=(
        "The bound |e| <= ‖b‖ h ∫ e^{(T-s)μ} |y_m| ds follows from the residual by Grönwall's inequality, "
        "which is "
        "used and not proved; so is that Arnoldi's iteration, in exact arithmetic, gives the four hypotheses."
    ),
    sizes=({"unknowns": 3, "krylov": 2}, {"unknowns": 2, "krylov": 3}),
)
