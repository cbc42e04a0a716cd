"""Lemma 3.2: the differential of the similarity map Ω ↦ S(W0) and its transpose."""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    EPS,
    TINY,
    Array,
    Lemma,
    Program,
    Wrong,
    adjoint_claim,
    bound,
    differential_claim,
    largest,
    magnitude,
    stabiliser,
    step,
    tensor,
    total,
)
from derivations.assignment.notation import (
    average,
    covector,
    i,
    j,
    k,
    l,
    labels,
    log_likelihood,
    neighbours,
    nodes,
    replicator,
    similarity,
    similarity_of_weights,
    weights,
    weights_direction,
)

# the map (3.16): f1(Ω) = S(W0)
mapping = similarity_of_weights()

# the claims (3.17a), (3.17b)
averaged_direction = average(weights_direction, log_likelihood)
forward = replicator(mapping, averaged_direction)
projected = replicator(mapping, covector)
transpose = tensor((i, k), total(projected[i, j] * log_likelihood[k, j], j))

# the program: softmax of the averaged log-likelihood, shifted by its largest entry
scores = Array("scores", nodes, labels)
shift = Array("shift", nodes)
grown = Array("grown", nodes, labels)
norm = Array("norm", nodes)
size, span = Array("size", nodes), Array("span", nodes)
J, N = labels.size, neighbours.size
program = Program(
    name="similarity",
    title="the similarity map S(W0) = softmax(ΩL), Eqs. (2.17), (3.16)",
    inputs=(weights, log_likelihood),
    steps=(
        step(scores[i, j], total(weights[i, k] * log_likelihood[k, j], k)),
        stabiliser(shift[i], largest(scores[i, j], j)),
        step(grown[i, j], sp.exp(scores[i, j] - shift[i])),
        step(norm[i], total(grown[i, j], j)),
        step(similarity[i, j], grown[i, j] / norm[i]),
    ),
    outputs=(similarity,),
    alias={scores: similarity, grown: similarity},
    means={similarity: mapping},
    requires=("weights >= 0, rows summing to 1", "log_likelihood finite"),
    ensures=("similarity >= 0, rows summing to 1 up to rounding",),
    bound=bound(
        (
            similarity[i, j],
            EPS * similarity[i, j] * (N * size[i] + span[i] + J / 2 + 3) + TINY * (2 * N + J + 3),
        ),
        sizes=(
            (size[i], largest(total(weights[i, k] * magnitude(log_likelihood[k, j]), k), j)),
            (span[i], largest(scores[i, j], j) + largest(-scores[i, j], j)),
        ),
    ),
)

LEMMA = Lemma(
    name="lemma_3_2_similarity",
    title="Differential of the similarity map",
    reference="Lemma 3.2, Eqs. (3.16), (3.17)",
    statement=r"""
For $f_1(\Omega) = S(W_0) = \mathrm{softmax}(\Omega L)$, $L = -\Pi_0 D/\rho$:
$df_1(\Omega) Y = R_{f_1(\Omega)}(Y L)$ and $df_1(\Omega)^\top Z = \big(R_{f_1(\Omega)} Z\big) L^\top$.
""",
    claims=(
        differential_claim("differential", mapping, {weights: weights_direction}, forward),
        adjoint_claim("transpose", mapping, weights, covector, transpose),
    ),
    wrong=(
        Wrong(
            "differential",
            "the mean is not subtracted",
            tensor((i, j), mapping[i, j] * averaged_direction[i, j]),
        ),
        Wrong(
            "differential",
            "the sign of the mean is flipped",
            tensor(
                (i, j),
                mapping[i, j] * (averaged_direction[i, j] + total(mapping[i, l] * averaged_direction[i, l], l)),
            ),
        ),
        Wrong(
            "transpose",
            "the roles of node and neighbour are exchanged",
            tensor((i, k), total(projected[k, j] * log_likelihood[i, j], j)),
        ),
        Wrong(
            "transpose",
            "the covector is not projected",
            tensor((i, k), total(covector[i, j] * log_likelihood[k, j], j)),
        ),
    ),
    programs=(program,),
)
