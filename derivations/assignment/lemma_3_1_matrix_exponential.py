"""Lemma 3.1: the differential of the matrix exponential.

``a`` stands for the multiplication by A from the left, A⊗1, and ``b`` for the multiplication by A from the
right, 1⊗Aᵀ: they commute. Functions of them act on the direction Y. So d(Aⁿ)Y = L_n(a, b) Y, with a
polynomial L_n.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import Array, Lemma, Range, Wrong, commuting, derivative_claim, identity, phi, scalar
from derivations.algebra.matrices import (
    act,
    add,
    identity_matrix,
    kronecker,
    kronecker_sum,
    multiply,
    scaled,
    transposed,
)

a, b, n, time = commuting("a b n T")
size = Range("size", "k")
matrix, direction = Array("matrix", size, size, latex="A"), Array("direction", size, size, latex="Y")


def power_slope(exponent: sp.Expr) -> sp.Expr:
    """L_n = (aⁿ - bⁿ)/(a - b) = Σ_k a^k b^(n-1-k): the differential of the n-th power."""
    return (a**exponent - b**exponent) / (a - b)


# the claim (3.14): (expm(A)⊗1) φ(-A⊕Aᵀ)
published = sp.exp(a) * phi(-a + b)
divided_difference = (sp.exp(a) - sp.exp(b)) / (a - b)

# the same along T: D(T) = d expm(TA)Y solves D' = A D + Y expm(TA), D(0) = 0
timed = (sp.exp(time * a) - sp.exp(time * b)) / (a - b)

one = identity_matrix(size)

LEMMA = Lemma(
    name="lemma_3_1_matrix_exponential",
    title="Differential of the matrix exponential",
    reference="Lemma 3.1, Eqs. (3.13), (3.14)",
    statement=r"""
$\mathrm{vec}_r(d\,\mathrm{expm}(A) Y) =
(\mathrm{expm}(A) \otimes I)\, \varphi(-A \oplus A^\top)\, \mathrm{vec}_r(Y)$.
With $a = A \otimes I$ and $b = I \otimes A^\top$: $d(A^n) Y = L_n Y$, where $L_n = \frac{a^n - b^n}{a - b}$,
since $L_1 = 1$ and $a L_n + b^n = L_{n+1}$ (product rule); summing $\frac{1}{n!} L_n$ gives
$\frac{e^a - e^b}{a - b} = e^a \varphi(b - a)$. A second way: $D(T) = d\,\mathrm{expm}(TA)Y$ solves
$\dot D = AD + Y\mathrm{expm}(TA)$, $D(0) = 0$.
""",
    claims=(
        identity("left multiplication", act(kronecker(matrix, one), direction), multiply(matrix, direction)),
        identity(
            "right multiplication",
            act(kronecker(one, transposed(matrix)), direction),
            multiply(direction, matrix),
        ),
        identity(
            "argument of φ",
            act(kronecker_sum(scaled(-1, matrix), transposed(matrix)), direction),
            add(scaled(-1, multiply(matrix, direction)), multiply(direction, matrix)),
        ),
        identity("first power", scalar(power_slope(sp.Integer(1))), scalar(1)),
        identity("next power", scalar(a * power_slope(n) + b**n), scalar(power_slope(n + 1))),
        identity("sum of the powers", scalar(divided_difference), scalar(published)),
        derivative_claim("along time", scalar(timed), time, scalar(a * timed + sp.exp(time * b))),
        identity("at time 0", scalar(timed.subs(time, 0)), scalar(0)),
        identity("at time T", scalar(timed), scalar(time * sp.exp(time * a) * phi(time * (b - a)))),
        identity("transpose", scalar(divided_difference), scalar(sp.exp(b) * phi(a - b))),
    ),
    wrong=(
        Wrong("next power", "the product rule multiplies on the wrong side", scalar(a * power_slope(n) + a**n)),
        Wrong("sum of the powers", "the sign in φ is flipped", scalar(sp.exp(a) * phi(a - b))),
        Wrong("sum of the powers", "a sum in φ instead of a difference", scalar(sp.exp(a) * phi(a + b))),
        Wrong("sum of the powers", "as if A and Y commuted", scalar(sp.exp(a))),
        Wrong(
            "argument of φ",
            "the transpose is forgotten",
            add(scaled(-1, multiply(matrix, direction)), multiply(direction, transposed(matrix))),
        ),
        Wrong("along time", "the inhomogeneity acts from the left", scalar(a * timed + sp.exp(time * a))),
    ),
    runs_in="laflow/assignment/gradient.py",
    limits=(
        "Proved of scalars in place of commuting multiplications, which carries over to matrices of all "
        "sizes by the "
        "series of entire functions (or, the second way, by uniqueness of the solution of a linear ODE)."
    ),
    sizes=({"size": 2}, {"size": 3}),
)
