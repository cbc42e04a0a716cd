"""Equations (4.3)-(4.4): weight patches predicted from features, and the adjoint that trains the predictor."""

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
    derivative_claim,
    identity,
    largest,
    magnitude,
    pairing,
    scalar,
    stabiliser,
    step,
    substitute,
    tensor,
    total,
)
from derivations.assignment.notation import c, d, f, features, i, inside, neighbours, nodes, o, prototypes, u

feature_array = Array("features", nodes, features, latex="f")
prototype_array = Array("prototypes", prototypes, features, latex="p")
directions = Array("directions", prototypes, neighbours, latex=r"\nu")
scale = sp.Symbol("scale", positive=True)
gradient = Array("gradient", nodes, neighbours, latex=r"\partial\mathcal L")
# ‖x‖ is read as sqrt(‖x‖² + 1e-24): smooth at 0, where a feature meets its prototype, and within 1e-12 of ‖x‖
SOFTENING = sp.Rational(1, 10**24)

# the map (4.3), (4.4), for patches that may be cut off at the border
distance = tensor((i, c), sp.sqrt(total((feature_array[i, f] - prototype_array[c, f]) ** 2, f) + SOFTENING))
closeness = tensor((i, c), sp.exp(-scale * distance[i, c]))
membership_formula = tensor((i, c), closeness[i, c] / total(closeness[i, d], d))
tangent_formula = tensor((i, o), total(membership_formula[i, c] * directions[c, o], c))
grown_formula = tensor((i, o), inside[i, o] * sp.exp(tangent_formula[i, o]))
weights_formula = tensor((i, o), grown_formula[i, o] / total(grown_formula[i, u], u))

Rows = Tensor | Array  # a field of rows, as a formula or as an array

# the claim: pull the gradient back through the lift, the average and the softmax of distances, given their values
membership = Array("membership", nodes, prototypes, latex="s", sums={1: 1})
weights = Array("weights", nodes, neighbours, latex=r"\hat\Omega")


def pulled(lift: Rows = weights) -> Tensor:
    """R_Ω ∂L: the gradient at the lift's tangent vector."""
    mean = tensor(i, total(inside[i, u] * lift[i, u] * gradient[i, u], u))
    return tensor((i, o), inside[i, o] * lift[i, o] * (gradient[i, o] - mean[i]))


def at_directions(lift: Rows = weights, share: Rows = membership) -> Tensor:
    return tensor((c, o), total(share[i, c] * pulled(lift)[i, o], i))


def at_closeness(lift: Rows = weights, share: Rows = membership) -> Tensor:
    """The gradient at the exponents -σ‖f - p‖."""
    response = tensor((i, c), total(directions[c, o] * pulled(lift)[i, o], o))
    mean = tensor(i, total(share[i, d] * response[i, d], d))
    return tensor((i, c), share[i, c] * (response[i, c] - mean[i]))


def at_prototypes(lift: Rows = weights, share: Rows = membership) -> Tensor:
    towards = at_closeness(lift, share)
    pull = towards[i, c] * (feature_array[i, f] - prototype_array[c, f]) / distance[i, c]
    return tensor((c, f), scale * total(pull, i))


def at_scale(lift: Rows = weights, share: Rows = membership) -> Tensor:
    return scalar(-total(at_closeness(lift, share)[i, c] * distance[i, c], c, i))


exact = (weights_formula, membership_formula)
paired_loss = scalar(pairing(gradient, weights_formula))
scale_claim = derivative_claim("transpose at the scale", paired_loss, scale, at_scale(*exact))

# directions matter only up to a constant, so that they may be kept in T0
constant = sp.Symbol("constant")
shifted_formula = tensor(
    (i, o), substitute(weights_formula[i, o], {directions: lambda a, b: directions[a, b] + constant})
)

# the programs
squared, exponent = Array("squared", nodes, prototypes), Array("exponent", nodes, prototypes)
shift, grown, norm = Array("shift", nodes), Array("grown", nodes, prototypes), Array("norm", nodes)
lifted, lift_shift = Array("lifted", nodes, neighbours), Array("lift_shift", nodes)
lift_grown, lift_norm = Array("lift_grown", nodes, neighbours), Array("lift_norm", nodes)
K, F, N = prototypes.size, features.size, neighbours.size
node_count, mixed = Array("count", nodes), Array("mixed", nodes)
forward = Program(
    name="predicted_weights",
    title="weight patches predicted from features, Eqs. (4.3), (4.4)",
    inputs=(feature_array, prototype_array, directions, scale, inside),
    steps=(
        step(squared[i, c], total((feature_array[i, f] - prototype_array[c, f]) ** 2, f)),
        step(exponent[i, c], -scale * sp.sqrt(squared[i, c] + SOFTENING)),
        stabiliser(shift[i], largest(exponent[i, c], c)),
        step(grown[i, c], sp.exp(exponent[i, c] - shift[i])),
        step(norm[i], total(grown[i, c], c)),
        step(membership[i, c], grown[i, c] / norm[i]),
        step(lifted[i, o], total(membership[i, c] * directions[c, o], c)),
        stabiliser(lift_shift[i], largest(lifted[i, o], o, where=inside[i, o])),
        step(lift_grown[i, o], inside[i, o] * sp.exp(lifted[i, o] - lift_shift[i])),
        step(lift_norm[i], total(lift_grown[i, o], o)),
        step(weights[i, o], inside[i, o] * lift_grown[i, o] / lift_norm[i]),
    ),
    outputs=(membership, weights),
    alias={squared: membership, exponent: membership, grown: membership, lifted: weights, lift_grown: weights},
    means={membership: membership_formula, weights: weights_formula},
    requires=("features, prototypes, directions finite", "scale >= 0"),
    ensures=("rows of membership and of weights sum to 1 up to rounding; weights are 0 where inside is 0",),
    bound=bound(
        (membership[i, c], EPS / 2 * node_count[i] * membership[i, c] + TINY * (K + 4)),
        (
            weights[i, o],
            EPS * ((node_count[i] + K + 2) * mixed[i] + N / 2 + 4) * weights[i, o]
            + TINY * 8 * (N + K) * (1 + total(largest(magnitude(directions[c, o]), o), c)),
        ),
        sizes=(
            (node_count[i], (F + 10) * scale * largest(sp.sqrt(squared[i, c] + SOFTENING), c) + K + 6),
            (mixed[i], largest(total(membership[i, c] * magnitude(directions[c, o]), c), o)),
        ),
    ),
    grid_only=True,
)
mean, pulled_array = Array("mean", nodes), Array("pulled", nodes, neighbours)
response, balance = Array("response", nodes, prototypes), Array("balance", nodes)
sensitivity, apart = Array("sensitivity", nodes, prototypes), Array("apart", nodes, prototypes)
node_scale = Array("node_scale", nodes)
directions_gradient = Array("directions_gradient", prototypes, neighbours)
prototypes_gradient = Array("prototypes_gradient", prototypes, features)
scale_gradient = Array("scale_gradient")
# sizes in which the error bound is written; what underflows is passed on by the directions
pulled_size, response_size = Array("pulled_size", nodes, neighbours), Array("response_size", nodes, prototypes)
sensitivity_size = Array("sensitivity_size", nodes, prototypes)
count = 2 * N + 2 * K + F + nodes.size + 16
tiny_sum = TINY * count**2 * nodes.size * (1 + total(magnitude(directions[c, o]), c, o))
backward = Program(
    name="predictor_adjoint",
    title="the gradient of the predictor's parameters from that of its weights, block by block",
    inputs=(feature_array, prototype_array, directions, scale, inside, membership, weights, gradient),
    steps=(
        step(mean[i], total(inside[i, o] * weights[i, o] * gradient[i, o], o)),
        step(pulled_array[i, o], inside[i, o] * weights[i, o] * (gradient[i, o] - mean[i])),
        step(directions_gradient[c, o], total(membership[i, c] * pulled_array[i, o], i)),
        step(response[i, c], total(directions[c, o] * pulled_array[i, o], o)),
        step(balance[i], total(membership[i, c] * response[i, c], c)),
        step(sensitivity[i, c], membership[i, c] * (response[i, c] - balance[i])),
        step(squared[i, c], total((feature_array[i, f] - prototype_array[c, f]) ** 2, f)),
        step(apart[i, c], sp.sqrt(squared[i, c] + SOFTENING)),
        step(node_scale[i], total(sensitivity[i, c] * apart[i, c], c)),
        step(scale_gradient[()], -total(node_scale[i], i)),
        step(
            prototypes_gradient[c, f],
            scale * total(sensitivity[i, c] * (feature_array[i, f] - prototype_array[c, f]) / apart[i, c], i),
        ),
    ),
    outputs=(directions_gradient, prototypes_gradient, scale_gradient),
    means={
        directions_gradient: at_directions(),
        prototypes_gradient: at_prototypes(),
        scale_gradient: at_scale(),
    },
    requires=("membership and weights from predicted_weights with the same arguments",),
    ensures=("each output summed over its blocks is the gradient",),
    bound=bound(
        (directions_gradient[c, o], EPS / 2 * count * total(membership[i, c] * pulled_size[i, o], i) + tiny_sum),
        (
            prototypes_gradient[c, f],
            EPS
            / 2
            * count
            * magnitude(scale)
            * total(sensitivity_size[i, c] * magnitude(feature_array[i, f] - prototype_array[c, f]) / apart[i, c], i)
            + tiny_sum * 10**12 * (1 + magnitude(scale)),  # 1/apart is 1e12 at most
        ),
        (
            scale_gradient[()],
            EPS / 2 * count * total(sensitivity_size[i, c] * apart[i, c], i, c)
            + tiny_sum * (1 + total(apart[i, c], i, c)),
        ),
        sizes=(
            (
                pulled_size[i, o],
                inside[i, o]
                * weights[i, o]
                * (magnitude(gradient[i, o]) + total(inside[i, u] * weights[i, u] * magnitude(gradient[i, u]), u)),
            ),
            (response_size[i, c], total(magnitude(directions[c, o]) * pulled_size[i, o], o)),
            (
                sensitivity_size[i, c],
                membership[i, c] * (response_size[i, c] + total(membership[i, d] * response_size[i, d], d)),
            ),
        ),
    ),
    grid_only=True,
)

LEMMA = Lemma(
    name="weight_predictor",
    title="The weight predictor and its transpose",
    reference="Eqs. (4.3), (4.4)",
    statement=r"""
$s_{ij} = e^{-\sigma\|f_i - p_j\|}$ and
$\hat\Omega_i = \exp_{\mathbb 1}\big(\sum_j \frac{s_{ij}}{\sum_k s_{ik}} \nu_j\big)$.
With $G = \partial\mathcal L(\hat\Omega)$ and $\tilde s$ the normalised $s$, the gradients at $\nu$, $p$, $\sigma$ are
$\tilde s^\top R_{\hat\Omega} G$, $\sigma \sum_i t_{ij} (f_i - p_j)/\|f_i - p_j\|$ and
$-\sum_{ij} t_{ij} \|f_i - p_j\|$, where $t_i = R_{\tilde s_i} \nu R_{\hat\Omega_i} G_i$. Norms are softened,
$\sqrt{\|x\|^2 + 10^{-24}}$, so that the derivative exists where a feature equals a prototype.
""",
    claims=(
        adjoint_claim("transpose at the directions", weights_formula, directions, gradient, at_directions(*exact)),
        adjoint_claim("transpose at the prototypes", weights_formula, prototype_array, gradient, at_prototypes(*exact)),
        scale_claim,
        identity("a constant added to every direction changes nothing", shifted_formula, weights_formula),
    ),
    wrong=(
        Wrong(
            "transpose at the directions",
            "the gradient is not projected",
            tensor((c, o), total(membership_formula[i, c] * inside[i, o] * weights_formula[i, o] * gradient[i, o], i)),
        ),
        Wrong("transpose at the scale", "the sign of the distance is lost", scalar(-at_scale(*exact).expr)),
        Wrong(
            "transpose at the prototypes",
            "squared distances are differentiated",
            tensor(
                (c, f),
                scale * total(at_closeness(*exact)[i, c] * (feature_array[i, f] - prototype_array[c, f]), i),
            ),
        ),
        Wrong(
            "transpose at the prototypes",
            "the normalisation of the memberships is ignored",
            tensor(
                (c, f),
                scale
                * total(
                    membership_formula[i, c]
                    * total(directions[c, o] * pulled(weights_formula)[i, o], o)
                    * (feature_array[i, f] - prototype_array[c, f])
                    / distance[i, c],
                    i,
                ),
            ),
        ),
    ),
    programs=(forward, backward),
    # one node: every distance needs a root modulo three primes, so that few random points serve more distances
    sizes=(
        {"nodes": 1, "neighbours": 2, "prototypes": 2, "features": 1},
        {"nodes": 1, "neighbours": 3, "prototypes": 2, "features": 2},
    ),
)
