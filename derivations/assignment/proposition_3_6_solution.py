"""Proposition 3.6: the differential of the solution v_T(Ω) of the linearized flow, and its transpose.

Two exact forms, never to be mixed: *augmented*, the exponential of 𝒜 with d𝒜 = [[df3, df2], [0, 0]] and
nothing else; and *split*, the exponential with df3 alone plus the summand Tφ(TA) df2. The paper's (3.28a)
adds the second summand, so its first one must be read with df3 alone.

Of the scalars below, ``a`` stands for A to the left of the direction dA, ``c`` for A to the right of it.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    Array,
    Lemma,
    Wrong,
    commuting,
    derivative_claim,
    differential_claim,
    identity,
    pairing,
    phi,
    scalar,
)
from derivations.algebra.matrices import add, multiply, scaled, transposed
from derivations.assignment.lemma_3_2_similarity import mapping as similarity_mapping
from derivations.assignment.lemma_3_3_source import forward as source_slope
from derivations.assignment.lemma_3_3_source import mapping as source
from derivations.assignment.lemma_3_4_linear_map import action, action_slope
from derivations.assignment.notation import (
    average,
    labels,
    nodes,
    replicator,
    tangent,
    unknowns,
    weights,
    weights_direction,
)

# the vector field F(Ω, V) = A(Ω)V + B(Ω); differentiating V' = F along Ω gives the equation of dv
vector_field = add(action, source)
tangent_direction = Array("tangent_direction", nodes, labels, latex=r"\dot V")
moved = replicator(similarity_mapping, average(weights, tangent_direction))
sensitivity = add(moved, action_slope, source_slope)

# its solution: dA acts between functions of A, so that scalars may stand left (a) and right (c) of it
time, moment, a, c, b, d_operator, d_source = commuting("T s a c b dA db")
flow = time * phi(time * c) * b
kernel = (time * sp.exp(time * a) * phi(time * (c - a)) - time * phi(time * a)) / c  # ∫ e^{(T-s)a} sφ(sc) ds
split = kernel * d_operator * b + time * phi(time * a) * d_source

# the integral of (3.28b) in its augmented form: ∫ e^{(T-s)a} (dA v(s) + db) ds, and v(s) = sφ(sc)b
integrand = sp.exp((time - moment) * a) * (d_operator * moment * phi(moment * c) * b + d_source)
antiderivative = (
    d_operator * b / c * (sp.exp((time - moment) * a + moment * c) / (c - a) + sp.exp((time - moment) * a) / a)
    - d_source * sp.exp((time - moment) * a) / a
)

# the transpose: λ' = -Aᵀλ in s, and δ' = Aδ + dA v + db
operator = Array("operator", unknowns, unknowns, latex="A")
operator_slope = Array("operator_slope", unknowns, unknowns, latex="dA")
vector, source_direction = (
    Array("vector", unknowns, latex="v"),
    Array("source_direction", unknowns, latex="db"),
)
delta, costate = Array("delta", unknowns, latex=r"\delta"), Array("costate", unknowns, latex=r"\lambda")
forcing = add(multiply(operator_slope, vector), source_direction)
costate_slope = scaled(-1, multiply(transposed(operator), costate))
product_slope = pairing(costate_slope, add(delta)) + pairing(costate, add(multiply(operator, delta), forcing))

LEMMA = Lemma(
    name="proposition_3_6_solution",
    title="Differential of the solution of the linearized flow",
    reference="Proposition 3.6, Eqs. (3.26)-(3.28)",
    statement=r"""
$f_4(\Omega) = v_T(\Omega) = T\varphi(TA^J) b$ has the differential $\delta(T)$ that solves
$\dot\delta = A\delta + (dA\,Y) v + db\,Y$, $\delta(0) = 0$:
$df_4(\Omega) Y = \int_0^T e^{(T-s)A} \big((df_3 Y) v(s) + df_2 Y\big) ds
= K\,(df_3 Y)\, b + T\varphi(TA)\, df_2 Y$, where in $K = \frac{T}{c}\big(e^{Ta}\varphi(T(c-a)) -
\varphi(Ta)\big)$ $a$ stands for $A$ left and $c$ for $A$ right of $df_3 Y$. Transposed: with $\lambda(t) =
e^{tA^\top} g$, $\langle g, df_4 Y \rangle = \int_0^T \langle \lambda(T-s), (df_3 Y) v(s) + df_2 Y \rangle
ds$, because $\frac{d}{ds} \langle \lambda(T-s), \delta(s) \rangle = \langle \lambda(T-s), (df_3 Y) v(s) +
df_2 Y \rangle$.
""",
    claims=(
        differential_claim(
            "equation of the differential",
            vector_field,
            {weights: weights_direction, tangent: tangent_direction},
            sensitivity,
        ),
        derivative_claim(
            "solution of the equation", scalar(split), time, scalar(a * split + d_operator * flow + d_source)
        ),
        identity("start", scalar(split.subs(time, 0)), scalar(0)),
        derivative_claim("antiderivative of the augmented form", scalar(antiderivative), moment, scalar(integrand)),
        identity(
            "augmented form equals split form",
            scalar(antiderivative.subs(moment, time) - antiderivative.subs(moment, 0)),
            scalar(split),
        ),
        identity("transpose", scalar(product_slope), scalar(pairing(costate, forcing))),
    ),
    wrong=(
        Wrong(
            "augmented form equals split form",
            "df2 is counted twice: once in the augmented matrix, once as a summand",
            scalar(split + time * phi(time * a) * d_source),
        ),
        Wrong(
            "augmented form equals split form",
            "df2 is not counted at all",
            scalar(kernel * d_operator * b),
        ),
        Wrong("augmented form equals split form", "the factor T stands twice", scalar(time * split)),
        Wrong("equation of the differential", "the solution is held fixed", add(action_slope, source_slope)),
        Wrong(
            "solution of the equation",
            "A acts on the right of dA",
            scalar(c * split + d_operator * flow + d_source),
        ),
        Wrong("transpose", "the source is left out", scalar(pairing(costate, multiply(operator_slope, vector)))),
    ),
    runs_in="laflow/assignment/gradient.py",
    limits=(
        "That solutions of an ODE depend differentiably on its parameters, so that dv solves the "
        "differentiated "
        "equation, and that linear ODEs have one solution, are used and not proved."
    ),
    sizes=({"nodes": 2, "labels": 2, "unknowns": 2}, {"nodes": 2, "labels": 3, "unknowns": 3}),
)
