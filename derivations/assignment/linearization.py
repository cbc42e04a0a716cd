"""Linearizing the assignment flow at a point W0 and pulling it back to tangent vectors, (2.20)-(2.22)."""

from __future__ import annotations

from derivations.algebra import (
    Array,
    Lemma,
    Tensor,
    Wrong,
    differential,
    differential_claim,
    identity,
    substitute,
    tensor,
)
from derivations.algebra.matrices import add
from derivations.assignment.exponential_maps import exponential, exponential_inverse
from derivations.assignment.likelihood import barycentre
from derivations.assignment.notation import (
    assignment,
    average,
    i,
    j,
    labels,
    nodes,
    replicator,
    row,
    rows,
    similarity,
    tangent,
    weights,
)
from derivations.assignment.similarity_map import similarity_at

base = Array("base", nodes, labels, latex="W^0", sums={1: 1})  # W0, any point


def divided(field: Array | Tensor, by: Array | Tensor) -> Tensor:
    """V/W entry by entry."""
    return tensor((i, j), field[i, j] / by[i, j])


# the map: Ω and W enter through S(W) = softmax(Ω(log W - D/ρ)), proved in similarity_map.py
similar = similarity_at(weights, assignment)
similarity_slope = replicator(similar, average(weights, divided(tangent, assignment)))
vector_field = replicator(base, similar)  # R_{W0} S(W), to be differentiated at W = W0

# at the barycentre: what was derived at any point, evaluated at W = W0 = 1/J
derived_slope = differential(vector_field, {assignment: tangent})
at_barycentre = {base: barycentre, assignment: barycentre}
slope_at_barycentre = tensor((i, j), substitute(derived_slope[i, j], at_barycentre))
similar_at_barycentre = similarity_at(weights, barycentre)

# (2.20) in the variable V of (2.22a): W = Exp_{W0}(V), with S and dS taken at W0
moving = rows(exponential(row(base), row(tangent)))


def affine(v: Array | Tensor) -> Tensor:
    """S(W0) + dS_{W0} v."""
    return add(similarity, replicator(similarity, average(weights, divided(v, base))))


back = rows(exponential_inverse(row(base), row(moving)))
tangent_field = replicator(base, affine(tangent))
assignment_field = replicator(moving, affine(back))

LEMMA = Lemma(
    name="linearization",
    title="The assignment flow linearized at any point",
    reference="Eqs. (2.20)-(2.22)",
    statement=r"""
$dS_W V = R_{S(W)} \Omega \frac VW$ for the similarity map, hence $A(\Omega) V = R_{W_0} dS_{W_0} V =
R_{W_0} R_{S(W_0)} \Omega \frac{V}{W_0}$ at any point $W_0$, which at the barycentre is $R_{S(W_0)} \Omega V$.
With $W = \mathrm{Exp}_{W_0}(V)$, the flow $\dot V = R_{W_0}\big(S(W_0) + dS_{W_0} V\big)$ of tangent vectors
is $\dot W = R_W\big(S(W_0) + dS_{W_0} R_{W_0} \log\frac{W}{W_0}\big)$.
""",
    claims=(
        differential_claim("differential of the similarity map", similar, {assignment: tangent}, similarity_slope),
        differential_claim(
            "linear map at any point",
            vector_field,
            {assignment: tangent},
            replicator(base, similarity_slope),
        ),
        identity(
            "linear map at the barycentre",
            slope_at_barycentre,
            replicator(similar_at_barycentre, average(weights, tangent)),
        ),
        differential_claim("flow on the tangent space", moving, {tangent: tangent_field}, assignment_field),
    ),
    wrong=(
        Wrong(
            "differential of the similarity map",
            "the division by the point is missing",
            replicator(similar, average(weights, tangent)),
        ),
        Wrong(
            "linear map at any point",
            "the replicator of the point is missing",
            similarity_slope,
        ),
        Wrong(
            "linear map at the barycentre",
            "a factor 1/J is left over",
            tensor((i, j), replicator(similar_at_barycentre, average(weights, tangent))[i, j] / labels.size),
        ),
        Wrong("flow on the tangent space", "without the linear part", replicator(moving, similarity)),
        Wrong(
            "flow on the tangent space",
            "the replicator at W0, not at W",
            replicator(base, affine(back)),
        ),
    ),
    sizes=({"nodes": 2, "labels": 2}, {"nodes": 3, "labels": 2}, {"nodes": 2, "labels": 3}),
)
