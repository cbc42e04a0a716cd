"""The curvature of a Kähler metric, and its traces: the Ricci tensor."""

from __future__ import annotations

from derivations.algebra import Array, Lemma, Tensor, Wrong, differential_claim, identity, scalar, tensor, total
from derivations.algebra.matrices import add, multiply, scaled, subtract
from derivations.metric.notation import a, b, c, d, directions
from derivations.metric.ricci_form import (
    bend,
    inverse,
    inverse_slope_claimed,
    left_inverse,
    metric,
    second,
    slope,
    slope_bar,
    trace,
)

# the map: the connection ∂G H, whose slope ∂̄(∂G H) is minus the curvature as an endomorphism
connection = multiply(slope, inverse)
connection_slope = add(multiply(bend, inverse), multiply(slope, inverse_slope_claimed))


# the claim: R = -∂∂̄G + ∂G H ∂̄G
def curvature_with(sign: int) -> Tensor:
    """-∂∂̄G + ∂G H ∂̄G, with both indices down."""
    return add(scaled(-1, bend), scaled(sign, multiply(slope, inverse, slope_bar)))


curvature = curvature_with(1)
lowered = scaled(-1, multiply(connection_slope, metric))
lowering_hypotheses = subtract(multiply(slope, inverse, slope_bar, left_inverse), multiply(bend, left_inverse))

# a Kähler metric: all derivatives come from one potential K, symmetric in the indices a, c and in b̄, d̄
e, f = directions.indices("e f")
third = Array("third", directions, directions, directions, latex=r"\partial^2\bar\partial K")
third_bar = Array("third_bar", directions, directions, directions, latex=r"\partial\bar\partial^2 K")
fourth = Array("fourth", directions, directions, directions, directions, latex=r"\partial^2\bar\partial^2 K")
metric_slope = tensor((c, a, b), third[a, c, b] + third[c, a, b])  # ∂_c g_ab̄
metric_slope_bar = tensor((d, a, b), third_bar[a, b, d] + third_bar[a, d, b])  # ∂̄_d g_ab̄
metric_bend = tensor((c, d, a, b), fourth[a, c, b, d] + fourth[c, a, b, d] + fourth[a, c, d, b] + fourth[c, a, d, b])
kahler = tensor(
    (a, b, c, d),
    -metric_bend[c, d, a, b] + total(metric_slope[c, a, f] * inverse[f, e] * metric_slope_bar[d, e, b], e, f),
)


def ricci(of_curvature: Tensor) -> Tensor:
    """Σ_ab g^{b̄a} R_ab̄cd̄."""
    return tensor((c, d), total(inverse[b, a] * of_curvature[a, b, c, d], a, b))


def turned(of_curvature: Tensor) -> Tensor:
    """R_cd̄ab̄ in place of R_ab̄cd̄."""
    return tensor((a, b, c, d), of_curvature[c, d, a, b])


def crossed(of_curvature: Tensor) -> Tensor:
    """R_cb̄ad̄ in place of R_ab̄cd̄."""
    return tensor((a, b, c, d), of_curvature[c, b, a, d])


LEMMA = Lemma(
    name="kahler_curvature",
    title="The curvature of a Kähler metric",
    reference="Griffiths & Harris, Principles of Algebraic Geometry, 1978",
    statement=r"""
With $g$ as a matrix of $a$ and $\bar b$, the connection is $\partial_c g\, g^{-1}$ and
$$R_{a\bar b c\bar d} = -\big(\bar\partial_d(\partial_c g\, g^{-1})\, g\big)_{a\bar b} =
-\partial_c \bar\partial_d g_{a\bar b} + g^{\bar f e}\, \partial_c g_{a\bar f}\, \bar\partial_d g_{e\bar b}.$$
Its trace over $a\bar b$ is $\mathrm{Ric}_{c\bar d} = -\partial_c \bar\partial_d \log\det g$. If the metric has a
Kähler potential the curvature is symmetric in $a, c$ and in $\bar b, \bar d$, and all its traces are the Ricci tensor.
""",
    claims=(
        differential_claim(
            "slope of the connection", connection, {slope: bend, inverse: inverse_slope_claimed}, connection_slope
        ),
        identity("curvature", lowered, add(curvature, lowering_hypotheses)),
        identity("trace", scalar(trace(multiply(inverse, curvature))), scalar(-second(-1).expr)),
        identity("symmetry", crossed(kahler), kahler),
        identity("other trace", ricci(turned(kahler)), ricci(kahler)),
        identity("mixed trace", ricci(crossed(kahler)), ricci(kahler)),
    ),
    wrong=(
        Wrong("slope of the connection", "the inverse is held fixed", multiply(bend, inverse)),
        Wrong("curvature", "the sign of the second term is flipped", add(curvature_with(-1), lowering_hypotheses)),
        Wrong("curvature", "the second derivative alone", add(curvature_with(0), lowering_hypotheses)),
        Wrong("trace", "of the opposite sign", second(-1)),
        Wrong("symmetry", "the conjugate index is exchanged with another", tensor((a, b, c, d), kahler[b, a, c, d])),
        Wrong("other trace", "the Ricci tensor is transposed", tensor((c, d), ricci(kahler)[d, c])),
    ),
    runs_in="laflow/metric/quality/curvature.py",
    limits="Proved for all sizes. The inverse is a hypothesis, and its slope is in ricci_form.",
    sizes=({"directions": 2}, {"directions": 3}),
    family="metric",
)
