"""Lemma 3.7: the regulariser (3.5), which draws weight patches towards uniform ones, and its differential."""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    EPS,
    Array,
    Lemma,
    Program,
    Wrong,
    bound,
    differential_claim,
    gradient_claim,
    identity,
    magnitude,
    scalar,
    step,
    substitute,
    tensor,
    total,
)
from derivations.assignment.notation import i, inside, neighbours, nodes, o, patch_weights, u

regularization = sp.Symbol("regularization", positive=True)
patch_direction = Array("weights_direction", nodes, neighbours, latex="Y")

# the map (3.5), for patches that may be cut off at the border: the mask keeps the neighbours that exist
count = tensor(i, total(inside[i, u], u))
mean = tensor(i, total(inside[i, u] * sp.log(patch_weights[i, u]), u) / count[i])
centred = tensor((i, o), sp.log(patch_weights[i, o]) - mean[i])
value = regularization / 2 * total(inside[i, o] * centred[i, o] ** 2, o, i)

# the claim (3.31), as a gradient
gradient = tensor((i, o), regularization * inside[i, o] * centred[i, o] / patch_weights[i, o])

# the paper's case, all neighbours inside
whole = {inside: lambda a, b: sp.Integer(1)}
whole_value = scalar(substitute(value, whole))
whole_differential = scalar(
    regularization
    * total(
        (sp.log(patch_weights[i, o]) - total(sp.log(patch_weights[i, u]), u) / neighbours.size)
        * patch_direction[i, o]
        / patch_weights[i, o],
        o,
        i,
    )
)
logarithm_at_uniform = tensor(
    (i, o),
    sp.log(patch_weights[i, o] * neighbours.size)
    - total(sp.log(patch_weights[i, u] * neighbours.size), u) / neighbours.size,
)
norm_of_logarithm = scalar(regularization / 2 * total(logarithm_at_uniform[i, o] ** 2, o, i))

# the programs
present = Array("present", nodes)
mean_log = Array("mean_log", nodes)
spread = Array("spread", nodes)
result = Array("value", latex="R")
_mean_steps = (
    step(present[i], total(inside[i, o], o)),
    step(mean_log[i], total(inside[i, o] * sp.log(patch_weights[i, o]), o) / present[i]),
)
mean_size = Array("mean_size", nodes)
mean_sizes = ((mean_size[i], total(inside[i, o] * magnitude(sp.log(patch_weights[i, o])), o) / present[i]),)
I, N = nodes.size, neighbours.size
value_program = Program(
    name="regularizer",
    title="the regulariser of the weight patches, Eq. (3.5), block by block",
    inputs=(patch_weights, inside, regularization),
    steps=(
        *_mean_steps,
        step(spread[i], total(inside[i, o] * (sp.log(patch_weights[i, o]) - mean_log[i]) ** 2, o)),
        step(result[()], regularization / 2 * total(spread[i], i)),
    ),
    outputs=(result,),
    means={result: scalar(value)},
    requires=("weights > 0 where inside is 1",),
    ensures=("value >= 0; its sum over the blocks is R(Ω)",),
    bound=bound(
        (
            result[()],
            EPS
            * (3 * N + I + 9)
            / 2
            * magnitude(regularization)
            / 2
            * total(inside[i, o] * (magnitude(sp.log(patch_weights[i, o])) + mean_size[i]) ** 2, i, o),
        ),
        sizes=mean_sizes,
    ),
)
gradient_array = Array("gradient", nodes, neighbours)
gradient_program = Program(
    name="regularizer_gradient",
    title="the gradient of the regulariser, Lemma 3.7",
    inputs=(patch_weights, inside, regularization),
    steps=(
        *_mean_steps,
        step(
            gradient_array[i, o],
            inside[i, o] * regularization * (sp.log(patch_weights[i, o]) - mean_log[i]) / patch_weights[i, o],
        ),
    ),
    outputs=(gradient_array,),
    means={gradient_array: gradient},
    requires=("weights > 0 where inside is 1",),
    ensures=("gradient is 0 where inside is 0",),
    bound=bound(
        (
            gradient_array[i, o],
            EPS
            * (N + 7)
            / 2
            * inside[i, o]
            * magnitude(regularization)
            * (magnitude(sp.log(patch_weights[i, o])) + mean_size[i])
            / patch_weights[i, o],
        ),
        sizes=mean_sizes,
    ),
)

LEMMA = Lemma(
    name="lemma_3_7_regularizer",
    title="Differential of the regulariser",
    reference="Lemma 3.7, Eqs. (3.5), (3.30), (3.31)",
    statement=r"""
$\mathcal R(\Omega) = \frac{\tau}{2} \sum_i \|\exp_{\mathbb 1}^{-1}(\Omega_i|_{\mathcal N})\|^2
= \frac{\tau}{2} \sum_i \|\Pi_0 \log \Omega_i|_{\mathcal N}\|^2$, with differential
$d\mathcal R(\Omega) Y = \tau \sum_i \langle \Pi_0 \log \Omega_i|_{\mathcal N}, Y_i / \Omega_i \rangle$.
At the border of an image a patch holds only the neighbours inside; a mask $m \in \{0, 1\}$ says which, and $\Pi_0$ then
centres over those. The paper's case is $m = 1$.
""",
    claims=(
        gradient_claim("gradient", value, patch_weights, gradient),
        differential_claim(
            "differential, whole patches", whole_value, {patch_weights: patch_direction}, whole_differential
        ),
        identity("norm of the inverse lift, whole patches", whole_value, norm_of_logarithm),
    ),
    wrong=(
        Wrong("gradient", "the division by Ω is missing", tensor((i, o), gradient[i, o] * patch_weights[i, o])),
        Wrong(
            "gradient",
            "the logarithm is not centred",
            tensor((i, o), regularization * inside[i, o] * sp.log(patch_weights[i, o]) / patch_weights[i, o]),
        ),
        Wrong("gradient", "a factor 1/2 is left from the square", tensor((i, o), gradient[i, o] / 2)),
        Wrong(
            "gradient",
            "the mean is taken over missing neighbours too",
            tensor(
                (i, o),
                regularization
                * inside[i, o]
                * (sp.log(patch_weights[i, o]) - mean[i] * count[i] / neighbours.size)
                / patch_weights[i, o],
            ),
        ),
    ),
    programs=(value_program, gradient_program),
)
