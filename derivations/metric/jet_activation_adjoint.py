"""The adjoint of a Kähler jet's way through an activation: how the gradient of a loss goes back through a layer."""

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
    differential_claim,
    gradient_claim,
    identity,
    magnitude,
    scalar,
    step,
    tensor,
    total,
)
from derivations.metric.jet_activation import (
    B,
    P,
    Q,
    activated,
    bend_formula,
    first,
    minus,
    plus,
    second,
    slope_size,
    slope_sizes,
    slopes_square,
    sum_steps,
)
from derivations.metric.notation import a, b, c, directions, s, sites

third = Array("third", sites, latex=r"\sigma'''")

# the adjoint: covectors of the four parts of the output jet
value_covector = Array("value_covector", sites, latex="y")
real_covector = Array("real_covector", directions, sites, latex="p")
imag_covector = Array("imag_covector", directions, sites, latex="q")
bend_covector = Array("bend_covector", directions, directions, sites, latex="r")
Y, Rp, Rq, Rb = value_covector, real_covector, imag_covector, bend_covector
paired = total(
    Y[s] * activated[s]
    + total(first[s] * (Rp[a, s] * P[a, s] + Rq[a, s] * Q[a, s]), a)
    + total(Rb[a, b, s] * bend_formula[a, b, s], a, b),
    s,
)


def value_adjoint(curvature: Tensor) -> Tensor:
    """What reaches u itself, for a given form of what σ''' multiplies."""
    return tensor(
        s,
        first[s] * Y[s]
        + second[s] * total(Rp[a, s] * P[a, s] + Rq[a, s] * Q[a, s], a)
        + second[s] * total(Rb[a, b, s] * B[a, b, s], a, b)
        + third[s] * curvature[s],
    )


value_pull_formula = value_adjoint(tensor(s, total(Rb[a, b, s] * slopes_square[a, b, s], a, b)))
real_pull_formula = tensor(
    (c, s),
    first[s] * Rp[c, s] + second[s] * total(Rb[b, c, s] * (P[b, s] + Q[b, s]) - Rb[c, b, s] * (Q[b, s] - P[b, s]), b),
)
imag_pull_formula = tensor(
    (c, s),
    first[s] * Rq[c, s] + second[s] * total(Rb[c, b, s] * (P[b, s] + Q[b, s]) + Rb[b, c, s] * (Q[b, s] - P[b, s]), b),
)
bend_pull_formula = tensor((a, b, s), first[s] * Rb[a, b, s])
turn = Array("turn", sites, latex=r"\dot u")
chain = {
    activated: tensor(s, first[s] * turn[s]),
    first: tensor(s, second[s] * turn[s]),
    second: tensor(s, third[s] * turn[s]),
}


def along_turn(formula: Tensor) -> Tensor:
    """The pairing of a covector of u with its motion."""
    return scalar(total(turn[s] * formula[s], s))


# the program
real_turn, imag_turn = Array("real_turn", directions, sites), Array("imag_turn", directions, sites)
by_second, by_third = Array("by_second", sites), Array("by_third", sites)
value_pull = Array("value_pull", sites)
real_pull, imag_pull = Array("real_slope_pull", directions, sites), Array("imag_slope_pull", directions, sites)
bend_pull = Array("bend_pull", directions, directions, sites)
n = directions.size
pull_size, second_size, third_size = (
    Array("pull_size", directions, sites),
    Array("second_size", sites),
    Array("third_size", sites),
)
scale = Array("scale", sites)


def pull_bound(covector: Array) -> sp.Expr:
    """The bound of both slopes' covectors."""
    return (
        EPS / 2 * (2 * magnitude(first[s] * covector[c, s]) + (2 * n + 3) * magnitude(second[s]) * pull_size[c, s])
        + TINY * (2 * n + 2) * scale[s]
    )


program = Program(
    name="jet_activation_adjoint",
    title="covectors of the jet of u from those of the jet of σ(u)",
    inputs=(first, second, third, P, Q, B, Y, Rp, Rq, Rb),
    steps=(
        *sum_steps,
        step(real_turn[c, s], total(Rb[b, c, s] * plus[b, s], b) - total(Rb[c, b, s] * minus[b, s], b)),
        step(imag_turn[c, s], total(Rb[c, b, s] * plus[b, s], b) + total(Rb[b, c, s] * minus[b, s], b)),
        step(
            by_second[s],
            total(P[a, s] * Rp[a, s], a) + total(Q[a, s] * Rq[a, s], a) + total(Rb[a, b, s] * B[a, b, s], a, b),
        ),
        step(by_third[s], total(P[a, s] * real_turn[a, s], a) + total(Q[a, s] * imag_turn[a, s], a)),
        step(value_pull[s], first[s] * Y[s] + second[s] * by_second[s] + third[s] * by_third[s] / 2),
        step(real_pull[c, s], first[s] * Rp[c, s] + second[s] * real_turn[c, s]),
        step(imag_pull[c, s], first[s] * Rq[c, s] + second[s] * imag_turn[c, s]),
        step(bend_pull[a, b, s], first[s] * Rb[a, b, s]),
    ),
    outputs=(value_pull, real_pull, imag_pull, bend_pull),
    means={
        value_pull: value_pull_formula,
        real_pull: real_pull_formula,
        imag_pull: imag_pull_formula,
        bend_pull: bend_pull_formula,
    },
    requires=(
        "first, second, third = σ'(u), σ''(u), σ'''(u)",
        "real_slope, imag_slope, bend of u, before the activation",
        "a covector is the derivative of a loss by the entry of the same place",
    ),
    ensures=("the outputs are the derivatives of the same loss by value, slopes and bend of u",),
    bound=bound(
        (
            value_pull[s],
            EPS
            / 2
            * (
                3 * magnitude(first[s] * Y[s])
                + (n**2 + 2 * n + 3) * magnitude(second[s]) * second_size[s]
                + (2 * n + 3) * magnitude(third[s]) * third_size[s]
            )
            + TINY * (n**2 + 6 * n + 4) * scale[s],
        ),
        (real_pull[c, s], pull_bound(Rp)),
        (imag_pull[c, s], pull_bound(Rq)),
        (bend_pull[a, b, s], EPS / 2 * magnitude(first[s] * Rb[a, b, s]) + TINY * scale[s]),
        sizes=(
            slope_sizes,
            (pull_size[c, s], total((magnitude(Rb[b, c, s]) + magnitude(Rb[c, b, s])) * slope_size[b, s], b)),
            (
                second_size[s],
                total(magnitude(P[a, s] * Rp[a, s]) + magnitude(Q[a, s] * Rq[a, s]), a)
                + total(magnitude(Rb[a, b, s] * B[a, b, s]), a, b),
            ),
            (third_size[s], total(slope_size[a, s] * pull_size[a, s], a)),
            (
                scale[s],
                (1 + magnitude(first[s]))
                * (1 + magnitude(second[s]))
                * (1 + magnitude(third[s]))
                * (1 + magnitude(Y[s]))
                * (1 + total(slope_size[a, s] + magnitude(Rp[a, s]) + magnitude(Rq[a, s]), a)) ** 2
                * (1 + total(magnitude(B[a, b, s]) + magnitude(Rb[a, b, s]), a, b)) ** 2,
            ),
        ),
    ),
)

LEMMA = Lemma(
    name="jet_activation_adjoint",
    title="Adjoint of jets through an activation",
    reference="Eqs. of the adjoint of ∂σ(u), ∂∂̄σ(u); φ-model of arXiv:2310.19870",
    statement=r"""
A loss that depends on the jet of $\sigma(u)$ with covectors $(y, p, q, r)$ of value, slopes and bend depends on the jet
of $u$ with the covectors that the adjoint of the chain rule gives. Only the bend brings $\sigma'''$ in, through
$\sum_{ab} r_{ab} (P_b (P_a + Q_a) + Q_b (Q_a - P_a))$, a quadratic form in the slopes: it is half of the slopes paired
with its own gradient, which the covectors of the slopes need anyway.
""",
    claims=(
        differential_claim("adjoint by the value", scalar(paired), chain, along_turn(value_pull_formula)),
        gradient_claim("adjoint by the real slope", paired, P, real_pull_formula),
        gradient_claim("adjoint by the imaginary slope", paired, Q, imag_pull_formula),
        gradient_claim("adjoint by the bend", paired, B, bend_pull_formula),
        identity(
            "what σ''' multiplies is half of slopes on turns",
            tensor(s, total(Rb[a, b, s] * slopes_square[a, b, s], a, b)),
            tensor(
                s,
                total(
                    P[c, s] * total(Rb[b, c, s] * (P[b, s] + Q[b, s]) - Rb[c, b, s] * (Q[b, s] - P[b, s]), b)
                    + Q[c, s] * total(Rb[c, b, s] * (P[b, s] + Q[b, s]) + Rb[b, c, s] * (Q[b, s] - P[b, s]), b),
                    c,
                )
                / 2,
            ),
        ),
    ),
    wrong=(
        Wrong(
            "adjoint by the value",
            "the term with σ''' is missing",
            along_turn(value_adjoint(tensor(s, 0))),
        ),
        Wrong(
            "adjoint by the real slope",
            "the covector of the bend is taken as symmetric",
            tensor(
                (c, s),
                first[s] * Rp[c, s]
                + second[s] * total(Rb[b, c, s] * (P[b, s] + Q[b, s]) - Rb[b, c, s] * (Q[b, s] - P[b, s]), b),
            ),
        ),
        Wrong(
            "adjoint by the imaginary slope",
            "the sign of the second slope",
            tensor(
                (c, s),
                first[s] * Rq[c, s]
                + second[s] * total(Rb[c, b, s] * (P[b, s] - Q[b, s]) + Rb[b, c, s] * (Q[b, s] - P[b, s]), b),
            ),
        ),
        Wrong("adjoint by the bend", "transposed", tensor((a, b, s), first[s] * Rb[b, a, s])),
    ),
    programs=(program,),
    family="metric",
)
