"""Kähler jets through a smooth activation: what a network does to a jet between its affine maps."""

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
    identity,
    magnitude,
    step,
    tensor,
    total,
)
from derivations.metric.notation import a, b, bend, c, directions, imag_slope, real_slope, s, sites

# σ(u) and its derivatives at the pre-activation u, each the derivative of the one before
activated = Array("activated", sites, latex=r"\sigma")
first = Array("first", sites, latex=r"\sigma'")
second = Array("second", sites, latex=r"\sigma''")

# u along holomorphic and antiholomorphic directions, as if these were independent
along, against = Array("along", directions, latex="e"), Array("against", directions, latex=r"\bar e")
holomorphic = Array("holomorphic", directions, sites, latex=r"\partial u")
antiholomorphic = Array("antiholomorphic", directions, sites, latex=r"\bar\partial u")
mixed = Array("mixed", directions, directions, sites, latex=r"\partial\bar\partial u")
ahead = total(along[c] * holomorphic[c, s], c)
behind = total(against[c] * antiholomorphic[c, s], c)
bend_of_composite = tensor(
    (a, s),
    total(
        against[b] * (second[s] * holomorphic[a, s] * antiholomorphic[b, s] + first[s] * mixed[a, b, s]),
        b,
    ),
)

# ∂_a u = P_a + ι Q_a, and ∂_a ∂̄_b u from its real and imaginary part; ι² = -1
iota = sp.Symbol("iota")
mixed_real = Array("mixed_real", directions, directions, sites, latex=r"\mathrm{Re}\,\partial\bar\partial u")
mixed_imag = Array("mixed_imag", directions, directions, sites, latex=r"\mathrm{Im}\,\partial\bar\partial u")
P, Q, B = real_slope, imag_slope, bend
product = (P[a, s] + iota * Q[a, s]) * (P[b, s] - iota * Q[b, s])
complex_bend = tensor(
    (a, b, s),
    second[s] * (product + (iota**2 + 1) * Q[a, s] * Q[b, s])
    + first[s] * (mixed_real[a, b, s] + iota * mixed_imag[a, b, s]),
)
real_bend = tensor((a, b, s), second[s] * (P[a, s] * P[b, s] + Q[a, s] * Q[b, s]) + first[s] * mixed_real[a, b, s])
imag_bend = tensor((a, b, s), second[s] * (Q[a, s] * P[b, s] - P[a, s] * Q[b, s]) + first[s] * mixed_imag[a, b, s])
split_bend = tensor((a, b, s), real_bend[a, b, s] + iota * imag_bend[a, b, s])

# the claim: the jet of σ(u), packed
slopes_square = tensor((a, b, s), P[b, s] * (P[a, s] + Q[a, s]) + Q[b, s] * (Q[a, s] - P[a, s]))
bend_formula = tensor((a, b, s), second[s] * slopes_square[a, b, s] + first[s] * B[a, b, s])
packed_parts = tensor(
    (a, b, s), second[s] * slopes_square[a, b, s] + first[s] * (mixed_real[a, b, s] + mixed_imag[a, b, s])
)

# the program
plus, minus = Array("plus", directions, sites), Array("minus", directions, sites)
sum_steps = (step(plus[a, s], P[a, s] + Q[a, s]), step(minus[a, s], Q[a, s] - P[a, s]))
real_out = Array("real_slope_out", directions, sites)
imag_out = Array("imag_slope_out", directions, sites)
bend_out = Array("bend_out", directions, directions, sites)
slope_size = Array("slope_size", directions, sites)
lost = TINY * (1 + magnitude(first[s])) * (1 + slope_size[a, s])
slope_sizes = (slope_size[a, s], magnitude(P[a, s]) + magnitude(Q[a, s]))
program = Program(
    name="jet_activation",
    title="slopes and bend of σ(u) from those of u",
    inputs=(first, second, P, Q, B),
    steps=(
        *sum_steps,
        step(
            bend_out[a, b, s],
            second[s] * (P[b, s] * plus[a, s] + Q[b, s] * minus[a, s]) + first[s] * B[a, b, s],
        ),
        step(real_out[a, s], first[s] * P[a, s]),
        step(imag_out[a, s], first[s] * Q[a, s]),
    ),
    outputs=(real_out, imag_out, bend_out),
    means={
        real_out: tensor((a, s), first[s] * P[a, s]),
        imag_out: tensor((a, s), first[s] * Q[a, s]),
        bend_out: bend_formula,
    },
    requires=("first = σ'(u), second = σ''(u)", "bend the packed form of ∂∂̄u"),
    ensures=("bend_out is the packed form of ∂∂̄σ(u), the slopes are those of σ(u)",),
    bound=bound(
        (real_out[a, s], EPS / 2 * magnitude(first[s] * P[a, s]) + lost),
        (imag_out[a, s], EPS / 2 * magnitude(first[s] * Q[a, s]) + lost),
        (
            bend_out[a, b, s],
            EPS
            / 2
            * (5 * magnitude(second[s]) * slope_size[a, s] * slope_size[b, s] + 2 * magnitude(first[s] * B[a, b, s]))
            + TINY
            * 4
            * (1 + magnitude(second[s]))
            * (1 + slope_size[a, s])
            * (1 + slope_size[b, s])
            * (1 + magnitude(first[s]))
            * (1 + magnitude(B[a, b, s])),
        ),
        sizes=(slope_sizes,),
    ),
)
LEMMA = Lemma(
    name="jet_activation",
    title="Kähler jets through an activation",
    reference="Eqs. for ∂σ(u), ∂∂̄σ(u) (chain rule); φ-model of arXiv:2310.19870",
    statement=r"""
For a real function $u$ and a smooth $\sigma$, $\partial_a \sigma(u) = \sigma' \partial_a u$, and
$\partial_a\bar\partial_b\,\sigma(u) = \sigma'' \partial_a u\,\bar\partial_b u + \sigma' \partial_a\bar\partial_b u$.
With $\partial_a u = P_a + i Q_a$, and a Hermitian form $h$ stored as the real matrix $\mathrm{Re}\,h + \mathrm{Im}\,h$,
the bend becomes $\sigma'' \big(P_b (P_a + Q_a) + Q_b (Q_a - P_a)\big) + \sigma' B_{ab}$.
""",
    claims=(
        differential_claim(
            "slope of the composite",
            tensor(s, activated[s]),
            {activated: tensor(s, first[s] * ahead)},
            tensor(s, total(along[a] * first[s] * holomorphic[a, s], a)),
        ),
        differential_claim(
            "bend of the composite",
            tensor((a, s), first[s] * holomorphic[a, s]),
            {
                first: tensor(s, second[s] * behind),
                holomorphic: tensor((a, s), total(against[b] * mixed[a, b, s], b)),
            },
            bend_of_composite,
        ),
        identity("real and imaginary part of the bend", complex_bend, split_bend),
        identity(
            "the packed bend",
            tensor((a, b, s), real_bend[a, b, s] + imag_bend[a, b, s]),
            packed_parts,
        ),
        identity(
            "the packed bend holds both parts",
            tensor((a, b, s), (bend_formula[a, b, s] + bend_formula[b, a, s]) / 2),
            tensor(
                (a, b, s),
                second[s] * (P[a, s] * P[b, s] + Q[a, s] * Q[b, s]) + first[s] * (B[a, b, s] + B[b, a, s]) / 2,
            ),
        ),
    ),
    wrong=(
        Wrong(
            "bend of the composite",
            "the term with σ'' is missing",
            tensor((a, s), total(against[b] * first[s] * mixed[a, b, s], b)),
        ),
        Wrong(
            "bend of the composite",
            "the bend is transposed",
            tensor(
                (a, s),
                total(
                    against[b] * (second[s] * holomorphic[a, s] * antiholomorphic[b, s] + first[s] * mixed[b, a, s]),
                    b,
                ),
            ),
        ),
        Wrong(
            "the packed bend",
            "the imaginary part has the other sign",
            tensor((a, b, s), real_bend[a, b, s] - imag_bend[a, b, s]),
        ),
        Wrong(
            "real and imaginary part of the bend",
            "the conjugate of the second slope is forgotten",
            tensor((a, b, s), split_bend[a, b, s] - 2 * second[s] * Q[a, s] * Q[b, s]),
        ),
    ),
    programs=(program,),
    family="metric",
)
