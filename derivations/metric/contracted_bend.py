"""∂∂̄ of a network's output by its units' slopes alone: a sum over layers, with the backpropagated output as weights."""

from __future__ import annotations

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
    identity,
    magnitude,
    scalar,
    standard_range,
    step,
    tensor,
    total,
)
from derivations.metric.notation import a, b, directions, s, sites, units

# Sites are points here; units u of a layer, and those below that it sums over.
below = standard_range("units_below", "W")
u, w = units.index("u"), below.index("w")
weight = Array("weight", below, units, latex="W")
height = Array("height", units, sites, latex=r"\sigma")
first = Array("first", units, sites, latex=r"\sigma'")
second = Array("second", units, sites, latex=r"\sigma''")
P = Array("real_slope", directions, units, sites, latex="P")
Q = Array("imag_slope", directions, units, sites, latex="Q")
bend_below = Array("bend_below", directions, directions, below, sites, latex="B")
pull = Array("pull", units, sites, latex=r"\delta")
turn = Array("turn", below, sites, latex=r"\dot h")

# the map: bends through an affine map and an activation, paired with ∂φ/∂(heights)
square = tensor((a, b, u, s), P[b, u, s] * (P[a, u, s] + Q[a, u, s]) + Q[b, u, s] * (Q[a, u, s] - P[a, u, s]))
bend_before = tensor((a, b, u, s), total(weight[w, u] * bend_below[a, b, w, s], w))
bend_after = tensor((a, b, u, s), second[u, s] * square[a, b, u, s] + first[u, s] * bend_before[a, b, u, s])
paired = tensor((a, b, s), total(pull[u, s] * bend_after[a, b, u, s], u))

# the claim
pull_below = tensor((w, s), total(weight[w, u] * first[u, s] * pull[u, s], u))
own_part = tensor((a, b, s), total(pull[u, s] * second[u, s] * square[a, b, u, s], u))


def handed_on(own: Tensor, pulled: Tensor) -> Tensor:
    """What a layer adds itself, and what it leaves to the layer below."""
    return tensor((a, b, s), own[a, b, s] + total(pulled[w, s] * bend_below[a, b, w, s], w))


# the program
share = Array("share", units, sites)
shared_plus, shared_minus = (
    Array("shared_plus", directions, units, sites),
    Array("shared_minus", directions, units, sites),
)
bend_part = Array("bend_part", directions, directions, sites)
slope_size, scale = Array("slope_size", directions, units, sites), Array("scale", units, sites)
U = units.size
slope_sizes = (slope_size[a, u, s], magnitude(P[a, u, s]) + magnitude(Q[a, u, s]))
program = Program(
    name="contracted_bend",
    title="a layer's part of ∂∂̄ of the network's output",
    inputs=(pull, second, P, Q),
    steps=(
        step(share[u, s], pull[u, s] * second[u, s]),
        step(shared_plus[a, u, s], share[u, s] * (P[a, u, s] + Q[a, u, s])),
        step(shared_minus[a, u, s], share[u, s] * (Q[a, u, s] - P[a, u, s])),
        step(bend_part[a, b, s], total(P[b, u, s] * shared_plus[a, u, s] + Q[b, u, s] * shared_minus[a, u, s], u)),
    ),
    outputs=(bend_part,),
    means={bend_part: own_part},
    requires=("pull = ∂φ/∂σ(u) at the point, second = σ''(u)", "the slopes are those of u, before the activation"),
    ensures=("the parts of all layers and the features' own bends, weighted by their pull, sum to packed ∂∂̄φ",),
    bound=bound(
        (
            bend_part[a, b, s],
            EPS
            / 2
            * (2 * U + 5)
            * total(magnitude(pull[u, s] * second[u, s]) * slope_size[a, u, s] * slope_size[b, u, s], u)
            + TINY * 5 * total(scale[u, s], u),
        ),
        sizes=(
            slope_sizes,
            (
                scale[u, s],
                (1 + magnitude(pull[u, s])) * (1 + magnitude(second[u, s])) * (1 + total(slope_size[a, u, s], a)) ** 2,
            ),
        ),
    ),
)

LEMMA = Lemma(
    name="contracted_bend",
    title="The bend of a network's output by contraction",
    reference="Chain rule for ∂∂̄φ of layers, summed by backpropagation; φ-model of arXiv:2310.19870",
    statement=r"""
Let $\delta_\ell = \partial\varphi/\partial h_\ell$ be the derivatives of the output by the heights
$h_\ell = \sigma(u_\ell)$ of layer $\ell$, by backpropagation: $\delta_{\ell-1} = W_\ell (\sigma' \delta_\ell)$.
One layer hands a bend on as $\sum_u \delta_u\, \partial\bar\partial \sigma(u) = \sum_u \delta_u \sigma''\, \partial u\,
\bar\partial u + \sum_w \delta_{w}\, \partial\bar\partial h_w$, $w$ in the layer below. From the output down to the
features $f$,
$$\partial_a\bar\partial_b\,\varphi = \sum_\ell \sum_u \delta_u\, \sigma''(u)\, \partial_a u\, \bar\partial_b u
+ \sum_f \delta_f\, \partial_a\bar\partial_b f ,$$
so that slopes have to be carried through the layers, $2n$ channels, and the $n^2$ channels of bends do not.
""",
    claims=(
        differential_claim(
            "the pull below",
            scalar(total(pull[u, s] * height[u, s], u, s)),
            {height: tensor((u, s), first[u, s] * total(weight[w, u] * turn[w, s], w))},
            scalar(total(pull_below[w, s] * turn[w, s], w, s)),
        ),
        identity("one layer", paired, handed_on(own_part, pull_below)),
    ),
    wrong=(
        Wrong(
            "the pull below",
            "σ' is forgotten",
            scalar(total(weight[w, u] * pull[u, s] * turn[w, s], w, u, s)),
        ),
        Wrong(
            "one layer",
            "σ' in place of σ''",
            handed_on(
                tensor((a, b, s), total(pull[u, s] * first[u, s] * square[a, b, u, s], u)),
                pull_below,
            ),
        ),
        Wrong(
            "one layer",
            "the quadratic form is transposed",
            handed_on(tensor((a, b, s), own_part[b, a, s]), pull_below),
        ),
        Wrong("one layer", "the layers below are forgotten", own_part),
    ),
    programs=(program,),
    limits="One layer is proved, of any size; the sum over all layers is its repetition, from the output down.",
    family="metric",
)
