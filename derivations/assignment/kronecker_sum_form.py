"""The gradient's core as a function of a Kronecker sum, Eqs. (3.35)-(3.37).

Of the scalars, ``a`` stands for 𝒜ᵀ⊗1 and ``c`` for 1⊗𝒜, which commute; both act on g ⊗ e_{n+1}.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import Array, Lemma, Range, Wrong, commuting, derivative_claim, identity, phi, scalar, tensor
from derivations.algebra.matrices import (
    act,
    add,
    kronecker,
    kronecker_sum,
    multiply,
    outer,
    transposed,
)

time, moment, a, c = commuting("T s a c")

# the map: M = ∫ e^{(T-s)𝒜ᵀ} g (e^{s𝒜} e_{n+1})ᵀ ds, with vec_r(x yᵀ) = x ⊗ y
integrand = sp.exp((time - moment) * a + moment * c)
antiderivative = integrand / (c - a)
integral = antiderivative.subs(moment, time) - antiderivative.subs(moment, 0)

# the claim (3.35), (3.37): T φ(-T𝒜ᵀ⊕T𝒜)(expm(T𝒜ᵀ)g ⊗ e_{n+1})
published = time * phi(-time * a + time * c) * sp.exp(time * a)

left_size, right_size = Range("left_size", "k1"), Range("right_size", "k2")
left, right = Array("left", left_size, left_size, latex="M_1"), Array("right", right_size, right_size, latex="M_2")
left_start, right_start = Array("left_start", left_size, latex="b_1"), Array("right_start", right_size, latex="b_2")
kronecker_of_both = kronecker_sum(left, right)
rows_and_columns = kronecker_of_both.free
exchanged = tensor(rows_and_columns, kronecker_of_both[(*rows_and_columns[2:], *rows_and_columns[:2])])

LEMMA = Lemma(
    name="kronecker_sum_form",
    title="The gradient's core as a function of a Kronecker sum",
    reference="Eqs. (3.35)-(3.37)",
    statement=r"""
$M = \int_0^T e^{(T-s)\mathcal{A}^\top} g\, (e^{s\mathcal{A}} e_{n+1})^\top ds$ satisfies
$\mathrm{vec}_r(M) = T \varphi(-T\mathcal{A}^\top \oplus T\mathcal{A})
\big(\mathrm{expm}(T\mathcal{A}^\top) g \otimes
e_{n+1}\big)$: the transpose of (3.28b) applied to $g$. It has the form $f(M_1 \oplus M_2)(b_1 \otimes
b_2)$ with $M_1 = -T\mathcal{A}^\top$, $M_2 = T\mathcal{A}$, $f =
T\varphi$. Its last column, where $e^{s\mathcal{A}}
e_{n+1}$ has the entry 1, is $T\varphi(T\mathcal{A}^\top) g$.
""",
    claims=(
        derivative_claim("antiderivative", scalar(antiderivative), moment, scalar(integrand)),
        identity("integral", scalar(integral), scalar(published)),
        derivative_claim("along time", scalar(published), time, scalar(a * published + sp.exp(time * c))),
        identity("last column", scalar(published.subs(c, 0)), scalar(time * phi(time * a))),
        identity("transpose of a Kronecker sum", exchanged, kronecker_sum(transposed(left), transposed(right))),
        identity(
            "Kronecker sum on a product of vectors",
            act(kronecker_of_both, outer(left_start, right_start)),
            add(outer(multiply(left, left_start), right_start), outer(left_start, multiply(right, right_start))),
        ),
    ),
    wrong=(
        Wrong("integral", "the minus sign is lost", scalar(time * phi(time * a + time * c) * sp.exp(time * a))),
        Wrong("integral", "the exponential is missing", scalar(time * phi(-time * a + time * c))),
        Wrong("integral", "the exponential is that of the other factor", scalar(published * sp.exp(time * (c - a)))),
        Wrong("last column", "the adjoint is not integrated", scalar(sp.exp(time * a))),
        Wrong("transpose of a Kronecker sum", "only one factor is transposed", kronecker_sum(transposed(left), right)),
        Wrong(
            "Kronecker sum on a product of vectors",
            "the Kronecker product",
            act(kronecker(left, right), outer(left_start, right_start)),
        ),
    ),
    runs_in="laflow/assignment/reference.py",
    limits="Proved of scalars in place of commuting operators, which carries over to matrices of all sizes.",
    sizes=({"left_size": 2, "right_size": 3}, {"left_size": 3, "right_size": 2}),
)
