"""The gradient of a contraction ⟨C, ∂∂̄φ⟩ by a network's parameters: one channel forward, values and slopes back."""

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
    gradient_claim,
    identity,
    magnitude,
    scalar,
    step,
    tensor,
    total,
)
from derivations.metric.contracted_bend import (
    P,
    Q,
    below,
    bend_after,
    bend_before,
    first,
    height,
    pull,
    second,
    slope_size,
    slope_sizes,
    square,
    u,
    w,
    weight,
)
from derivations.metric.notation import a, b, c, directions, s, sites, units

third = Array("third", units, sites, latex=r"\sigma'''")
C = Array("dual", directions, directions, sites, latex="C")
bend = Array("bend", directions, directions, units, sites, latex="B")
contracted = Array("contracted", units, sites, latex=r"\mu")
turned = Array("turned", units, sites, latex=r"\dot u")
contracted_below = Array("contracted_below", below, sites, latex=r"\lambda")

# forward: ⟨C, bend⟩ of a unit, before and after its activation
slopes_form = tensor((u, s), total(C[a, b, s] * square[a, b, u, s], a, b))
after_formula = tensor((u, s), first[u, s] * contracted[u, s] + second[u, s] * slopes_form[u, s])


def forward(curvature: Tensor) -> Tensor:
    """⟨C, bend⟩ after the activation, for a given form of what σ'' multiplies."""
    return tensor(
        (u, s),
        first[u, s] * total(C[a, b, s] * bend_before[a, b, u, s], a, b) + second[u, s] * curvature[u, s],
    )


# the turns of the slopes: the gradient of the quadratic form
even = tensor((a, b, s), C[a, b, s] + C[b, a, s])
odd = tensor((a, b, s), C[a, b, s] - C[b, a, s])
real_turn_formula = tensor((c, u, s), total(even[c, b, s] * P[b, u, s] - odd[c, b, s] * Q[b, u, s], b))
imag_turn_formula = tensor((c, u, s), total(even[c, b, s] * Q[b, u, s] + odd[c, b, s] * P[b, u, s], b))

# back: the covectors of value, slopes and contraction of the activation's output
Y = Array("value_covector", units, sites, latex="y")
Rp = Array("real_covector", directions, units, sites, latex="p")
Rq = Array("imag_covector", directions, units, sites, latex="q")
loss = total(
    Y[u, s] * height[u, s]
    + first[u, s] * total(Rp[a, u, s] * P[a, u, s] + Rq[a, u, s] * Q[a, u, s], a)
    + pull[u, s] * after_formula[u, s],
    u,
    s,
)
chain = {
    height: tensor((u, s), first[u, s] * turned[u, s]),
    first: tensor((u, s), second[u, s] * turned[u, s]),
    second: tensor((u, s), third[u, s] * turned[u, s]),
}


def value_adjoint(curvature: Tensor) -> Tensor:
    """What reaches u itself, for a given form of what σ''' multiplies."""
    return tensor(
        (u, s),
        first[u, s] * Y[u, s]
        + second[u, s] * (total(P[a, u, s] * Rp[a, u, s] + Q[a, u, s] * Rq[a, u, s], a) + pull[u, s] * contracted[u, s])
        + third[u, s] * pull[u, s] * curvature[u, s],
    )


def along_turn(formula: Tensor) -> Tensor:
    """The pairing of a covector of u with its motion."""
    return scalar(total(turned[u, s] * formula[u, s], u, s))


def slope_adjoint(covector: Array, turn: Tensor) -> Tensor:
    """What reaches a slope of u."""
    return tensor((c, u, s), first[u, s] * covector[c, u, s] + pull[u, s] * second[u, s] * turn[c, u, s])


# the first program: forward
n = directions.size
real_turn, imag_turn = Array("real_turn", directions, units, sites), Array("imag_turn", directions, units, sites)
form = Array("slopes_form", units, sites)
contracted_out = Array("contracted_out", units, sites)
turn_size, form_size = Array("turn_size", directions, units, sites), Array("form_size", units, sites)
scale = Array("scale", units, sites)
contraction = Program(
    name="bend_contraction",
    title="the contraction of the bend of σ(u) from that of u, and the gradient of its quadratic form",
    inputs=(first, second, contracted, P, Q, C),
    steps=(
        step(real_turn[c, u, s], total(even[c, b, s] * P[b, u, s] - odd[c, b, s] * Q[b, u, s], b)),
        step(imag_turn[c, u, s], total(even[c, b, s] * Q[b, u, s] + odd[c, b, s] * P[b, u, s], b)),
        step(form[u, s], total(P[c, u, s] * real_turn[c, u, s] + Q[c, u, s] * imag_turn[c, u, s], c) / 2),
        step(contracted_out[u, s], first[u, s] * contracted[u, s] + second[u, s] * form[u, s]),
    ),
    outputs=(real_turn, imag_turn, form, contracted_out),
    means={
        real_turn: real_turn_formula,
        imag_turn: imag_turn_formula,
        form: slopes_form,
        contracted_out: after_formula,
    },
    requires=(
        "first, second = σ'(u), σ''(u); the slopes are those of u; contracted = ⟨C, bend of u⟩",
        "dual is the derivative of a loss by the entries of the packed bend of the output",
    ),
    ensures=("contracted_out = ⟨C, bend of σ(u)⟩; slopes_form = ⟨C, ∂u ∂̄u⟩, the turns are its gradient by the slopes",),
    bound=bound(
        (real_turn[c, u, s], EPS / 2 * (2 * n + 2) * turn_size[c, u, s] + TINY * (2 * n + 2) * scale[u, s]),
        (imag_turn[c, u, s], EPS / 2 * (2 * n + 2) * turn_size[c, u, s] + TINY * (2 * n + 2) * scale[u, s]),
        (form[u, s], EPS / 2 * (2 * n + 2) * form_size[u, s] + TINY * (2 * n + 2) ** 2 * scale[u, s]),
        (
            contracted_out[u, s],
            EPS
            / 2
            * (2 * magnitude(first[u, s] * contracted[u, s]) + (2 * n + 4) * magnitude(second[u, s]) * form_size[u, s])
            + TINY * ((2 * n + 2) ** 2 + 3) * scale[u, s],
        ),
        sizes=(
            slope_sizes,
            (
                turn_size[c, u, s],
                total((magnitude(C[b, c, s]) + magnitude(C[c, b, s])) * slope_size[b, u, s], b),
            ),
            (form_size[u, s], total(slope_size[c, u, s] * turn_size[c, u, s], c)),
            (
                scale[u, s],
                (1 + magnitude(first[u, s]) + magnitude(contracted[u, s]))
                * (1 + magnitude(second[u, s]))
                * (1 + total(slope_size[a, u, s], a)) ** 2
                * (1 + total(magnitude(C[a, b, s]), a, b)),
            ),
        ),
    ),
)

# the second program: back
share, by_second = Array("share", units, sites), Array("by_second", units, sites)
value_pull = Array("value_pull", units, sites)
real_pull = Array("real_slope_pull", directions, units, sites)
imag_pull = Array("imag_slope_pull", directions, units, sites)
second_size, back_scale = Array("second_size", units, sites), Array("scale", units, sites)


def slope_bound(covector: Array, turn: Array) -> sp.Expr:
    """The bound of both slopes' covectors."""
    size = 2 * magnitude(first[u, s] * covector[c, u, s]) + 3 * magnitude(pull[u, s] * second[u, s] * turn[c, u, s])
    return EPS / 2 * size + TINY * 4 * back_scale[u, s]


adjoint = Program(
    name="contracted_bend_adjoint",
    title="covectors of value and slopes of u from those of σ(u) and from the contraction of the bend",
    inputs=(first, second, third, pull, contracted, form, P, Q, real_turn, imag_turn, Y, Rp, Rq),
    steps=(
        step(share[u, s], pull[u, s] * second[u, s]),
        step(
            by_second[u, s],
            pull[u, s] * contracted[u, s] + total(P[a, u, s] * Rp[a, u, s] + Q[a, u, s] * Rq[a, u, s], a),
        ),
        step(
            value_pull[u, s],
            first[u, s] * Y[u, s] + second[u, s] * by_second[u, s] + third[u, s] * (pull[u, s] * form[u, s]),
        ),
        step(real_pull[c, u, s], first[u, s] * Rp[c, u, s] + share[u, s] * real_turn[c, u, s]),
        step(imag_pull[c, u, s], first[u, s] * Rq[c, u, s] + share[u, s] * imag_turn[c, u, s]),
    ),
    outputs=(value_pull, real_pull, imag_pull),
    means={
        value_pull: value_adjoint(tensor((u, s), form[u, s])),
        real_pull: slope_adjoint(Rp, tensor((c, u, s), real_turn[c, u, s])),
        imag_pull: slope_adjoint(Rq, tensor((c, u, s), imag_turn[c, u, s])),
    },
    requires=(
        "first, second, third = σ'(u), σ''(u), σ'''(u); pull = ∂φ/∂σ(u); the slopes are those of u",
        "contracted, slopes_form and the turns as bend_contraction leaves them",
        "a covector is the derivative of a loss by the entry of the same place",
    ),
    ensures=("the outputs are the derivatives of the same loss by value and slopes of u",),
    bound=bound(
        (
            value_pull[u, s],
            EPS
            / 2
            * (
                3 * magnitude(first[u, s] * Y[u, s])
                + (2 * n + 4) * magnitude(second[u, s]) * second_size[u, s]
                + 4 * magnitude(third[u, s] * pull[u, s] * form[u, s])
            )
            + TINY * (2 * n + 6) * back_scale[u, s],
        ),
        (real_pull[c, u, s], slope_bound(Rp, real_turn)),
        (imag_pull[c, u, s], slope_bound(Rq, imag_turn)),
        sizes=(
            (
                second_size[u, s],
                magnitude(pull[u, s] * contracted[u, s])
                + total(magnitude(P[a, u, s] * Rp[a, u, s]) + magnitude(Q[a, u, s] * Rq[a, u, s]), a),
            ),
            (
                back_scale[u, s],
                (1 + magnitude(second[u, s]))
                * (1 + magnitude(third[u, s]))
                * (1 + total(magnitude(real_turn[a, u, s]) + magnitude(imag_turn[a, u, s]), a)),
            ),
        ),
    ),
)

# parameters of the affine map: the contraction goes through the weights, the bias does not touch it
contraction_before = tensor((u, s), total(weight[w, u] * contracted_below[w, s], w))
pushed = Array("pushed", units, sites, latex=r"\varepsilon")

LEMMA = Lemma(
    name="contracted_bend_adjoint",
    title="The gradient of a contraction of the bend",
    reference="Adjoint of the layers' sum for ∂∂̄φ; φ-model of arXiv:2310.19870",
    statement=r"""
For a covector $C_{ab}$ of the packed bend at each point, the contraction
$\mu = \langle C, \partial\bar\partial u\rangle$ passes a layer as one channel:
$\langle C, \partial\bar\partial\sigma(u)\rangle = \sigma' \mu + \sigma'' q$ with
$q = \langle C, \partial u\,\bar\partial u\rangle$, and through the affine map by its weights. Its covector is the
$\delta$ of backpropagation, which is known already; values and slopes get theirs by the chain rule, where $\sigma'''$
multiplies $\delta q$. The gradient of $q$ by the slopes is $(C + C^T) P - (C - C^T) Q$ and $(C + C^T) Q + (C - C^T) P$.
The gradient by the weights is that of values and slopes plus $\lambda\, \sigma'\delta$, $\lambda$ the contraction
below.
""",
    claims=(
        identity(
            "a contraction passes the activation",
            tensor((u, s), total(C[a, b, s] * bend_after[a, b, u, s], a, b)),
            forward(slopes_form),
        ),
        gradient_claim(
            "turn of the real slope",
            total(turned[u, s] * slopes_form[u, s], u, s),
            P,
            tensor((c, u, s), turned[u, s] * real_turn_formula[c, u, s]),
        ),
        gradient_claim(
            "turn of the imaginary slope",
            total(turned[u, s] * slopes_form[u, s], u, s),
            Q,
            tensor((c, u, s), turned[u, s] * imag_turn_formula[c, u, s]),
        ),
        identity(
            "the form is half of slopes on turns",
            slopes_form,
            tensor(
                (u, s),
                total(P[c, u, s] * real_turn_formula[c, u, s] + Q[c, u, s] * imag_turn_formula[c, u, s], c) / 2,
            ),
        ),
        differential_claim("adjoint by the value", scalar(loss), chain, along_turn(value_adjoint(slopes_form))),
        gradient_claim("adjoint by the real slope", loss, P, slope_adjoint(Rp, real_turn_formula)),
        gradient_claim("adjoint by the imaginary slope", loss, Q, slope_adjoint(Rq, imag_turn_formula)),
        gradient_claim("adjoint by the contraction", loss, contracted, tensor((u, s), first[u, s] * pull[u, s])),
        adjoint_claim(
            "gradient by the weights",
            contraction_before,
            weight,
            pushed,
            tensor((w, u), total(contracted_below[w, s] * pushed[u, s], s)),
        ),
    ),
    wrong=(
        Wrong(
            "a contraction passes the activation",
            "the covector is transposed",
            forward(tensor((u, s), total(C[b, a, s] * square[a, b, u, s], a, b))),
        ),
        Wrong(
            "turn of the real slope",
            "the antisymmetric part is forgotten",
            tensor((c, u, s), turned[u, s] * total(even[c, b, s] * P[b, u, s], b)),
        ),
        Wrong(
            "turn of the imaginary slope",
            "the sign of the antisymmetric part",
            tensor((c, u, s), turned[u, s] * total(even[c, b, s] * Q[b, u, s] - odd[c, b, s] * P[b, u, s], b)),
        ),
        Wrong(
            "adjoint by the value",
            "the term with σ''' is missing",
            along_turn(value_adjoint(tensor((u, s), 0))),
        ),
        Wrong("adjoint by the contraction", "σ' is missing", tensor((u, s), pull[u, s])),
    ),
    programs=(contraction, adjoint),
    family="metric",
)
