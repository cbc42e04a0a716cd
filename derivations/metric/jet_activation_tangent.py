"""The tangent of a Kähler jet's way through an activation: how a change of parameters goes forward through a layer."""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    EPS,
    TINY,
    Array,
    Lemma,
    Program,
    Wrong,
    bound,
    differential_claim,
    magnitude,
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
from derivations.metric.jet_activation_adjoint import chain, third, turn
from derivations.metric.notation import a, b, directions, s, sites

# how the jet of u changes; the change of its value is `turn`
real_change = Array("real_change", directions, sites, latex=r"\dot P")
imag_change = Array("imag_change", directions, sites, latex=r"\dot Q")
bend_change = Array("bend_change", directions, directions, sites, latex=r"\dot B")
dP, dQ, dB = real_change, imag_change, bend_change

value_tangent = tensor(s, first[s] * turn[s])
real_tangent = tensor((a, s), first[s] * dP[a, s] + second[s] * turn[s] * P[a, s])
imag_tangent = tensor((a, s), first[s] * dQ[a, s] + second[s] * turn[s] * Q[a, s])
square_change = tensor(
    (a, b, s),
    dP[b, s] * (P[a, s] + Q[a, s])
    + dQ[b, s] * (Q[a, s] - P[a, s])
    + P[b, s] * (dP[a, s] + dQ[a, s])
    + Q[b, s] * (dQ[a, s] - dP[a, s]),
)


def bend_tangent_of(curvature: sp.Expr, change: sp.Expr) -> sp.Expr:
    """The change of the bend, for given forms of what σ''' and σ'' multiply."""
    return (
        first[s] * dB[a, b, s] + second[s] * turn[s] * B[a, b, s] + third[s] * turn[s] * curvature + second[s] * change
    )


bend_tangent = tensor((a, b, s), bend_tangent_of(slopes_square[a, b, s], square_change[a, b, s]))

# the program
by_first, by_second = Array("by_first", sites), Array("by_second", sites)
plus_change, minus_change = Array("plus_change", directions, sites), Array("minus_change", directions, sites)
value_out = Array("value_out", sites)
real_out, imag_out = Array("real_slope_out", directions, sites), Array("imag_slope_out", directions, sites)
bend_out = Array("bend_out", directions, directions, sites)
change_size, scale = Array("change_size", directions, sites), Array("scale", sites)


def slope_bound(slope: Array, change: Array) -> sp.Expr:
    """The bound of both slopes' changes."""
    moved = magnitude(second[s] * turn[s] * slope[a, s])
    return EPS / 2 * (2 * magnitude(first[s] * change[a, s]) + 3 * moved) + TINY * 3 * scale[s]


program = Program(
    name="jet_activation_tangent",
    title="change of the jet of σ(u) from that of the jet of u",
    inputs=(first, second, third, P, Q, B, turn, dP, dQ, dB),
    steps=(
        *sum_steps,
        step(plus_change[a, s], dP[a, s] + dQ[a, s]),
        step(minus_change[a, s], dQ[a, s] - dP[a, s]),
        step(by_first[s], second[s] * turn[s]),
        step(by_second[s], third[s] * turn[s]),
        step(
            bend_out[a, b, s],
            first[s] * dB[a, b, s]
            + by_first[s] * B[a, b, s]
            + by_second[s] * (P[b, s] * plus[a, s] + Q[b, s] * minus[a, s])
            + second[s] * (dP[b, s] * plus[a, s] + dQ[b, s] * minus[a, s])
            + second[s] * (P[b, s] * plus_change[a, s] + Q[b, s] * minus_change[a, s]),
        ),
        step(real_out[a, s], first[s] * dP[a, s] + by_first[s] * P[a, s]),
        step(imag_out[a, s], first[s] * dQ[a, s] + by_first[s] * Q[a, s]),
        step(value_out[s], first[s] * turn[s]),
    ),
    outputs=(value_out, real_out, imag_out, bend_out),
    means={value_out: value_tangent, real_out: real_tangent, imag_out: imag_tangent, bend_out: bend_tangent},
    requires=(
        "first, second, third = σ'(u), σ''(u), σ'''(u)",
        "real_slope, imag_slope, bend of u, before the activation; turn and the changes are those of u's jet",
    ),
    ensures=("the outputs are the change of the jet of σ(u), to first order",),
    bound=bound(
        (value_out[s], EPS / 2 * magnitude(first[s] * turn[s]) + TINY * scale[s]),
        (real_out[a, s], slope_bound(P, dP)),
        (imag_out[a, s], slope_bound(Q, dQ)),
        (
            bend_out[a, b, s],
            EPS
            / 2
            * (
                5 * magnitude(first[s] * dB[a, b, s])
                + 6 * magnitude(second[s] * turn[s] * B[a, b, s])
                + 9 * magnitude(third[s] * turn[s]) * slope_size[a, s] * slope_size[b, s]
                + 10
                * magnitude(second[s])
                * (slope_size[a, s] * change_size[b, s] + change_size[a, s] * slope_size[b, s])
            )
            + TINY * 12 * scale[s],
        ),
        sizes=(
            slope_sizes,
            (change_size[a, s], magnitude(dP[a, s]) + magnitude(dQ[a, s])),
            (
                scale[s],
                (1 + magnitude(first[s]))
                * (1 + magnitude(second[s]))
                * (1 + magnitude(third[s]))
                * (1 + magnitude(turn[s]))
                * (1 + total(slope_size[a, s] + change_size[a, s], a)) ** 2
                * (1 + total(magnitude(B[a, b, s]) + magnitude(dB[a, b, s]), a, b)),
            ),
        ),
    ),
)

slopes_move = {P: tensor((a, s), dP[a, s]), Q: tensor((a, s), dQ[a, s])}

LEMMA = Lemma(
    name="jet_activation_tangent",
    title="Tangent of jets through an activation",
    reference="Differential of ∂σ(u), ∂∂̄σ(u); products with the tangent kernel of arXiv:2310.19870",
    statement=r"""
When the jet of $u$ changes by $(\dot u, \dot P, \dot Q, \dot B)$, the value of $\sigma(u)$ changes by $\sigma' \dot u$,
its slopes by $\sigma' \dot P_a + \sigma'' \dot u P_a$ and alike with $Q$, and its bend by
$\sigma' \dot B_{ab} + \sigma'' \dot u B_{ab} + \sigma''' \dot u\, (P_b (P_a + Q_a) + Q_b (Q_a - P_a))$ plus $\sigma''$
times the change of that quadratic form in the slopes. Carried through all layers it is the product of the Jacobian with
a direction in parameter space; the adjoint of it is the backward pass.
""",
    claims=(
        differential_claim("tangent of the value", tensor(s, activated[s]), chain, value_tangent),
        differential_claim(
            "tangent of the real slope", tensor((a, s), first[s] * P[a, s]), chain | slopes_move, real_tangent
        ),
        differential_claim(
            "tangent of the imaginary slope", tensor((a, s), first[s] * Q[a, s]), chain | slopes_move, imag_tangent
        ),
        differential_claim(
            "tangent of the bend",
            bend_formula,
            chain | slopes_move | {B: tensor((a, b, s), dB[a, b, s])},
            bend_tangent,
        ),
    ),
    wrong=(
        Wrong(
            "tangent of the real slope",
            "the term with σ'' is missing",
            tensor((a, s), first[s] * dP[a, s]),
        ),
        Wrong(
            "tangent of the bend",
            "the term with σ''' is missing",
            tensor((a, b, s), bend_tangent_of(sp.S.Zero, square_change[a, b, s])),
        ),
        Wrong(
            "tangent of the bend",
            "only one of the two slopes changes",
            tensor(
                (a, b, s),
                bend_tangent_of(
                    slopes_square[a, b, s], dP[b, s] * (P[a, s] + Q[a, s]) + dQ[b, s] * (Q[a, s] - P[a, s])
                ),
            ),
        ),
        Wrong(
            "tangent of the bend",
            "the change of the quadratic form is transposed",
            tensor((a, b, s), bend_tangent_of(slopes_square[a, b, s], square_change[b, a, s])),
        ),
    ),
    programs=(program,),
    family="metric",
)
