"""From the tangent vector to assignments: W = Exp_{W0}(V) at the barycentre, Eqs. (1.3), (2.22a)."""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    EPS,
    TINY,
    Array,
    Lemma,
    Program,
    Tensor,
    Wrong,
    adjoint_claim,
    bound,
    differential_claim,
    identity,
    largest,
    stabiliser,
    step,
    tensor,
    total,
)
from derivations.assignment.exponential_maps import exponential
from derivations.assignment.likelihood import barycentre
from derivations.assignment.notation import (
    assignment,
    covector,
    i,
    j,
    labels,
    nodes,
    replicator,
    row,
    rows,
    softmax,
    tangent,
)

# the map (1.3)
mapping = rows(exponential(row(barycentre), row(tangent)))
closed = softmax(tensor((i, j), labels.size * tangent[i, j]))
direction = Array("direction", nodes, labels, latex="X")
offset = Array("offset", nodes)


def times_labels(field: Array) -> Tensor:
    """J X."""
    return tensor((i, j), labels.size * field[i, j])


shift, norm = Array("shift", nodes), Array("norm", nodes)
grown = Array("grown", nodes, labels)
span, J = Array("span", nodes), labels.size
program = Program(
    name="lift",
    title="assignments W = Exp_{W0}(V) = softmax(J V) from tangent vectors at the barycentre, Eq. (1.3)",
    inputs=(tangent,),
    steps=(
        stabiliser(shift[i], largest(tangent[i, j], j)),
        step(grown[i, j], sp.exp(labels.size * (tangent[i, j] - shift[i]))),
        step(norm[i], total(grown[i, j], j)),
        step(assignment[i, j], grown[i, j] / norm[i]),
    ),
    outputs=(assignment,),
    alias={grown: assignment},
    means={assignment: mapping},
    requires=("tangent finite",),
    ensures=("assignment >= 0, rows summing to 1 up to rounding",),
    bound=bound(
        (assignment[i, j], EPS * assignment[i, j] * (2 * J * span[i] + J / 2 + 3) + TINY * (J + 3)),
        sizes=((span[i], largest(tangent[i, j], j) + largest(-tangent[i, j], j)),),
    ),
)

LEMMA = Lemma(
    name="lifting",
    title="Assignments from tangent vectors",
    reference="Eqs. (1.3), (2.22a)",
    statement=r"""
$W = \mathrm{Exp}_{W_0}(V) = \mathrm{softmax}(J V)$ row by row at the barycentre. Its rows sum to 1;
constants added to a row of $V$ do not matter; $dW\, X = R_W (J X)$, and the adjoint is $Z \mapsto J R_W Z$.
""",
    claims=(
        identity("closed form", mapping, closed),
        identity("rows sum to one", tensor(i, total(mapping[i, j], j)), tensor(i, 1)),
        identity("shift of a row", softmax(tensor((i, j), labels.size * (tangent[i, j] - offset[i]))), mapping),
        differential_claim("differential", mapping, {tangent: direction}, replicator(mapping, times_labels(direction))),
        adjoint_claim("adjoint", mapping, tangent, covector, replicator(mapping, times_labels(covector))),
    ),
    wrong=(
        Wrong("closed form", "the factor J is missing", softmax(tensor((i, j), tangent[i, j]))),
        Wrong(
            "closed form",
            "without normalisation",
            tensor((i, j), sp.exp(labels.size * tangent[i, j]) / labels.size),
        ),
        Wrong("differential", "the factor J is missing", replicator(mapping, direction)),
        Wrong("differential", "replicator at the barycentre", replicator(barycentre, times_labels(direction))),
        Wrong(
            "adjoint",
            "the mean is not subtracted",
            tensor((i, j), labels.size * mapping[i, j] * covector[i, j]),
        ),
    ),
    programs=(program,),
)
