"""The linearized assignment flow V' = A(Ω)V + B, its linear map, adjoint and source, Eqs. (2.23), (2.26)."""

from __future__ import annotations

from derivations.algebra import (
    EPS,
    TINY,
    Array,
    Lemma,
    Program,
    Wrong,
    adjoint_claim,
    bound,
    identity,
    magnitude,
    step,
    tensor,
    total,
)
from derivations.algebra.matrices import act, compose, identity_matrix, kronecker
from derivations.assignment.likelihood import barycentre
from derivations.assignment.notation import (
    average,
    covector,
    i,
    j,
    k,
    l,
    labels,
    neighbours,
    nodes,
    replicator,
    row,
    rows,
    similarity,
    tangent,
    weights,
)
from derivations.assignment.product_geometry import blocks
from derivations.assignment.simplex_geometry import project

# the maps (2.23), as linearization.py derives them: A(Ω)V = R_S ΩV and B = R_{W0} S
linear_map = replicator(similarity, average(weights, tangent))
source_map = replicator(barycentre, similarity)
projected_covector = replicator(similarity, covector)
linear_map_adjoint = tensor((k, j), total(weights[i, k] * projected_covector[i, j], i))

averaged, mean = Array("averaged", nodes, labels), Array("mean", nodes)
image, source = Array("image", nodes, labels), Array("source", nodes, labels, latex="B")
projected = Array("projected", nodes, labels)

averaging_steps = (
    step(averaged[i, j], total(weights[i, k] * tangent[k, j], k)),
    step(mean[i], total(similarity[i, j] * averaged[i, j], j)),
)
# sizes in which the error bounds are written: Ω|V|, its means, and R_S|Z| with a plus
reach, mean_reach = Array("reach", nodes, labels), Array("mean_reach", nodes)
spread = Array("spread", nodes, labels)
J, N = labels.size, neighbours.size
reach_sizes = (
    (reach[i, j], total(weights[i, k] * magnitude(tangent[k, j]), k)),
    (mean_reach[i], total(similarity[i, j] * reach[i, j], j)),
)

source_program = Program(
    name="source",
    title="the source B = R_{W0} S of the linearized flow at the barycentre, Eq. (2.23)",
    inputs=(similarity,),
    steps=(step(source[i, j], (similarity[i, j] - 1 / labels.size) / labels.size),),
    outputs=(source,),
    means={source: source_map},
    requires=("similarity >= 0, rows summing to 1",),
    ensures=("rows of source sum to 0 up to rounding", "source is exactly 0 where similarity is 1/J"),
    bound=bound(
        (
            source[i, j],
            EPS * 3 / 2 * (magnitude(similarity[i, j] - 1 / J) + 1 / J) / J
            + magnitude(total(similarity[i, l], l) - 1) / J**2  # by which the hypothesis is missed
            + TINY,
        ),
    ),
)
linear_map_program = Program(
    name="linear_map",
    title="the linear map A(Ω)V = R_S ΩV of the linearized flow, Eq. (2.23)",
    inputs=(weights, similarity, tangent),
    steps=(*averaging_steps, step(image[i, j], similarity[i, j] * (averaged[i, j] - mean[i]))),
    outputs=(image,),
    alias={averaged: image},
    means={image: linear_map},
    requires=("weights >= 0", "similarity >= 0, rows summing to 1", "tangent finite"),
    ensures=("rows of image sum to 0 up to rounding",),
    bound=bound(
        (
            image[i, j],
            EPS * (N + J + 2) / 2 * similarity[i, j] * (reach[i, j] + mean_reach[i]) + TINY * (2 * N + J + 2),
        ),
        sizes=reach_sizes,
    ),
)
linear_map_adjoint_program = Program(
    name="linear_map_adjoint",
    title="the adjoint A(Ω)ᵀZ = Ωᵀ R_S Z of the linear map, Eq. (2.23)",
    inputs=(weights, similarity, covector),
    steps=(
        step(mean[i], total(similarity[i, j] * covector[i, j], j)),
        step(projected[i, j], similarity[i, j] * (covector[i, j] - mean[i])),
        step(image[k, j], total(weights[i, k] * projected[i, j], i)),
    ),
    outputs=(projected, image),
    scratch=(projected,),
    means={projected: projected_covector, image: linear_map_adjoint},
    requires=("weights >= 0", "similarity >= 0, rows summing to 1", "covector finite"),
    ensures=("rows of projected sum to 0 up to rounding",),
    bound=bound(
        (projected[i, j], EPS * (J + 2) / 2 * spread[i, j] + TINY * (J + 2)),
        (image[k, j], EPS * (N + J + 2) / 2 * total(weights[i, k] * spread[i, j], i) + TINY * N * (J + 3)),
        sizes=(
            (
                spread[i, j],
                similarity[i, j] * (magnitude(covector[i, j]) + total(similarity[i, l] * magnitude(covector[i, l]), l)),
            ),
        ),
    ),
)

LEMMA = Lemma(
    name="linearized_flow",
    title="Linear map and source of the linearized assignment flow",
    reference="Eqs. (2.23), (2.26)",
    statement=r"""
At the barycentre the flow is $\dot V = A(\Omega) V + B$ with $A(\Omega) V = R_{S(W_0)} \Omega V$ and
$B = R_{W_0} S(W_0) = \frac1J \Pi_0 S(W_0) = \frac1J (S(W_0) - \frac1J)$. Stacked,
$A^J(\Omega) = \mathrm{Diag}(R_{S(W_0)})(\Omega \otimes I_J)$; the adjoint is
$A(\Omega)^\top Z = \Omega^\top R_{S(W_0)} Z$.
""",
    claims=(
        identity("source at the barycentre", source_map, tensor((i, j), project(row(similarity))[j] / labels.size)),
        identity(
            "stacked form",
            act(compose(blocks(similarity), kronecker(weights, identity_matrix(labels))), tangent),
            linear_map,
        ),
        adjoint_claim("adjoint", linear_map, tangent, covector, linear_map_adjoint),
    ),
    wrong=(
        Wrong("source at the barycentre", "the factor 1/J is missing", rows(project(row(similarity)))),
        Wrong(
            "stacked form",
            "the weights act after the replicator",
            average(weights, replicator(similarity, tangent)),
        ),
        Wrong(
            "adjoint",
            "averaging and projection in the wrong order",
            replicator(similarity, tensor((k, j), total(weights[i, k] * covector[i, j], i))),
        ),
        Wrong(
            "adjoint",
            "the weights are not transposed",
            tensor((k, j), total(weights[k, i] * projected_covector[i, j], i)),
        ),
    ),
    programs=(source_program, linear_map_program, linear_map_adjoint_program),
)
