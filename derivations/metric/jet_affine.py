"""Kähler jets through an affine map, and its adjoint: every channel is a product of matrices, the bias has one."""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    Array,
    Lemma,
    Tensor,
    Wrong,
    adjoint_claim,
    differential_claim,
    identity,
    tensor,
    total,
)
from derivations.metric.notation import channels, directions, m, points, u, units, units_out, v, x

a, b = directions.indices("a b")
k = channels.index("k")
factor = sp.Symbol("factor", positive=True)  # 1 in the standard parametrisation, 1/√U in that of the tangent kernel
weight = Array("weight", units, units_out, latex="W")
bias = Array("bias", units_out, latex=r"\beta")

# the map on values, and how values move with the point, holomorphically and antiholomorphically
given = Array("given", points, units, latex="h")
holomorphic = Array("holomorphic", points, units, directions, latex=r"\partial h")
mixed = Array("mixed", points, units, directions, directions, latex=r"\partial\bar\partial h")
along, against = Array("along", directions, latex="e"), Array("against", directions, latex=r"\bar e")
affine = tensor((x, v), factor * total(given[x, u] * weight[u, v], u) + bias[v])
slope = tensor((x, v), total(along[a] * factor * total(holomorphic[x, u, a] * weight[u, v], u), a))
slope_at = tensor((x, v, a), factor * total(holomorphic[x, u, a] * weight[u, v], u))
bend = tensor((x, v, a), total(against[b] * factor * total(mixed[x, u, a, b] * weight[u, v], u), b))

# the claim: all channels at once; is_value is 1 on the channel of values, else 0
jets = Array("jets", channels, points, units, latex="h")
covector = Array("covector", channels, points, units_out, latex="Y")
is_value = Array("is_value", channels, latex=r"\epsilon")
jets_out = tensor((m, x, v), factor * total(jets[m, x, u] * weight[u, v], u) + is_value[m] * bias[v])
weight_gradient = tensor((u, v), factor * total(jets[m, x, u] * covector[m, x, v], m, x))
bias_gradient = tensor(v, total(is_value[m] * covector[m, x, v], m, x))
pulled = tensor((m, x, u), factor * total(covector[m, x, v] * weight[u, v], v))


def shifted(amount: sp.Expr) -> Tensor:
    """The jets of a map whose value at every point and unit is raised by a constant."""
    return tensor(
        (m, x, v), factor * total((jets[m, x, u] + is_value[m] * amount) * weight[u, v], u) + is_value[m] * bias[v]
    )


constant = sp.Symbol("constant")

LEMMA = Lemma(
    name="jet_affine",
    title="Kähler jets through an affine map",
    reference="Eqs. of ∂(Wh + β) = W ∂h and its adjoint; φ-model of arXiv:2310.19870",
    statement=r"""
An affine map $y = f\,W h + \beta$ of the units (with the factor $f$ of the parametrisation) acts on each channel of a
Kähler jet alone: $\partial y = f\,W \partial h$ and $\partial\bar\partial y = f\,W \partial\bar\partial h$, so that all
channels are one product of matrices, and $\beta$ enters the channel of values only. For covectors $Y$ of the output the
gradient by $W$ is $f \sum h_{mxu} Y_{mxv}$ over channels and points, that by $\beta$ is the sum of $Y$ over the points
of the channel of values, and $f\,W Y$ is the covector of $h$.
""",
    claims=(
        differential_claim(
            "slope of an affine map",
            affine,
            {given: tensor((x, u), total(along[a] * holomorphic[x, u, a], a))},
            slope,
        ),
        differential_claim(
            "bend of an affine map",
            slope_at,
            {holomorphic: tensor((x, u, a), total(against[b] * mixed[x, u, a, b], b))},
            bend,
        ),
        adjoint_claim("gradient by the weights", jets_out, weight, covector, weight_gradient),
        adjoint_claim("gradient by the bias", jets_out, bias, covector, bias_gradient),
        adjoint_claim("covector of the jets given", jets_out, jets, covector, pulled),
        identity(
            "a constant raises values alone",
            shifted(constant),
            tensor((m, x, v), jets_out[m, x, v] + is_value[m] * factor * constant * total(weight[u, v], u)),
        ),
    ),
    wrong=(
        Wrong(
            "slope of an affine map",
            "the bias is added again",
            tensor((x, v), slope[x, v] + bias[v]),
        ),
        Wrong(
            "gradient by the weights",
            "from the channel of values alone",
            tensor((u, v), factor * total(is_value[m] * jets[m, x, u] * covector[m, x, v], m, x)),
        ),
        Wrong(
            "gradient by the weights",
            "the factor of the parametrisation is missing",
            tensor((u, v), weight_gradient[u, v] / factor),
        ),
        Wrong("gradient by the bias", "from all channels", tensor(v, total(covector[m, x, v], m, x))),
        Wrong(
            "covector of the jets given",
            "summed over the channels",
            tensor((m, x, u), factor * total(covector[k, x, v] * weight[u, v], v, k)),
        ),
    ),
    runs_in="laflow/metric/model/jet_network.py",
    family="metric",
)
