"""Equation (3.4): the loss that compares the direction of V_T with that of the target, and its gradient."""

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
    bound,
    gradient_claim,
    identity,
    magnitude,
    scalar,
    step,
    substitute,
    tensor,
    total,
)
from derivations.assignment.notation import i, j, labels, nodes, tangent

target = Array("target", nodes, labels, latex="V^*", sums={1: 0})


def inner_product(left: Array, right: Array) -> sp.Expr:
    """The Frobenius product of two node fields."""
    return total(left[i, j] * right[i, j], j, i)


inner_value, square_value = inner_product(target, tangent), inner_product(tangent, tangent)
target_square_value = inner_product(target, target)

# the map (3.4)
loss = 1 - inner_value / (sp.sqrt(target_square_value) * sp.sqrt(square_value))


# the claim: minus the part of V* that is normal to V, over the norms
def gradient(inner: sp.Expr, square: sp.Expr, target_square: sp.Expr) -> Tensor:
    along = inner / square
    return tensor((i, j), (along * tangent[i, j] - target[i, j]) / sp.sqrt(square * target_square))


claimed = gradient(inner_value, square_value, target_square_value)

# the programs: three sums, then the gradient from them
node_inner, node_square = Array("node_inner", nodes), Array("node_square", nodes)
node_target_square = Array("node_target_square", nodes)
inner_sum, square_sum = Array("inner", latex="a"), Array("square", latex="b")
target_square_sum = Array("target_square", latex="c")
I, J = nodes.size, labels.size
moments = Program(
    name="direction_moments",
    title="the sums <V*, V>, ‖V‖² and ‖V*‖² of the direction loss, Eq. (3.4), block by block",
    inputs=(target, tangent),
    steps=(
        step(node_inner[i], total(target[i, j] * tangent[i, j], j)),
        step(node_square[i], total(tangent[i, j] ** 2, j)),
        step(node_target_square[i], total(target[i, j] ** 2, j)),
        step(inner_sum[()], total(node_inner[i], i)),
        step(square_sum[()], total(node_square[i], i)),
        step(target_square_sum[()], total(node_target_square[i], i)),
    ),
    outputs=(inner_sum, square_sum, target_square_sum),
    means={
        inner_sum: scalar(inner_value),
        square_sum: scalar(square_value),
        target_square_sum: scalar(target_square_value),
    },
    requires=("target and tangent finite, zero on the halo",),
    ensures=("the sum of each output over its blocks is the inner product",),
    bound=bound(
        *(
            (result[()], EPS * (I + J) / 2 * total(magnitude(left[i, j] * right[i, j]), i, j) + TINY * I * J)
            for result, left, right in (
                (inner_sum, target, tangent),
                (square_sum, tangent, tangent),
                (target_square_sum, target, target),
            )
        )
    ),
)

inner, square, target_square = sp.symbols("inner square target_square", positive=True)
covector = Array("covector", nodes, labels)
gradient_program = Program(
    name="direction_gradient",
    title="the gradient of the direction loss, Eq. (3.4)",
    inputs=(target, tangent, inner, square, target_square),
    steps=(step(covector[i, j], (tangent[i, j] * (inner / square) - target[i, j]) / sp.sqrt(square * target_square)),),
    outputs=(covector,),
    means={covector: gradient(inner, square, target_square)},
    requires=("square > 0 and target_square > 0, the sums of direction_moments",),
    ensures=("covector is orthogonal to tangent up to rounding",),
    bound=bound(
        (
            covector[i, j],
            EPS
            * 6
            * (magnitude(tangent[i, j] * inner) / square + magnitude(target[i, j]))
            / sp.sqrt(square * target_square)
            + TINY
            * 6
            * (1 + magnitude(inner))
            * (1 + 1 / square)
            * (1 + 1 / sp.sqrt(square))
            * (1 + 1 / sp.sqrt(target_square)),
        ),
    ),
)

scaled = sp.Symbol("s", positive=True)
rescaled = substitute(loss, {tangent: lambda a, b: scaled * tangent[a, b]})

LEMMA = Lemma(
    name="direction_loss",
    title="The direction loss and its gradient",
    reference="Eqs. (3.2), (3.4)",
    statement=r"""
$f_{\mathcal L}(V) = 1 - \dfrac{\langle V^*, V\rangle}{\|V^*\|\,\|V\|}$ depends on the direction of $V$ alone, and
$\partial f_{\mathcal L}(V) = \dfrac{1}{\|V^*\|\,\|V\|}\Big(\dfrac{\langle V^*, V\rangle}{\|V\|^2} V - V^*\Big)$,
which is tangent ($\sum_j \partial f_{ij} = 0$) and orthogonal to $V$.
""",
    claims=(
        gradient_claim("gradient", loss, tangent, claimed),
        identity("only the direction matters", scalar(rescaled), scalar(loss)),
        identity("the gradient is tangent", tensor(i, total(claimed[i, j], j)), tensor(i, 0)),
        identity("the gradient is orthogonal to V", scalar(total(claimed[i, j] * tangent[i, j], i, j)), scalar(0)),
    ),
    wrong=(
        Wrong("gradient", "the sign is flipped", tensor((i, j), -claimed[i, j])),
        Wrong(
            "gradient",
            "the normalisation of V is not differentiated",
            tensor((i, j), -target[i, j] / sp.sqrt(square_value * target_square_value)),
        ),
        Wrong(
            "gradient",
            "‖V‖ in place of ‖V‖² under the projection",
            tensor(
                (i, j),
                (inner_value / sp.sqrt(square_value) * tangent[i, j] - target[i, j])
                / sp.sqrt(square_value * target_square_value),
            ),
        ),
    ),
    programs=(moments, gradient_program),
)
