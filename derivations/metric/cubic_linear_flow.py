"""The cubic curve: for n = 1 the Monge-Ampère equation is linear, and the flow of a linear model can be solved exactly.

``mode`` and ``rate`` belong to one eigenvector of the kernel; hypotheses are tensors that vanish, with multipliers.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    Array,
    Lemma,
    Tensor,
    Wrong,
    derivative_claim,
    differential_claim,
    gradient_claim,
    identity,
    scalar,
    tensor,
    total,
)
from derivations.algebra.functions import commuting
from derivations.metric.notation import p, parameters, points, x, y

# the map: g = g_FS + Σ_I θ_I ψ_I with ψ_I = ∂∂̄ of a feature; the target κ|Ω|²; the loss Σ w r²/Σ w
theta = Array("theta", parameters, latex=r"\theta")
background, bends = Array("background", points, latex="g^{FS}"), Array("bends", points, parameters, latex=r"\psi")
target, weights = Array("target", points, latex=r"\kappa|\Omega|^2"), Array("weights", points, latex="w")
field = Array("field", points, latex="r")
metric = tensor(x, background[x] + total(theta[p] * bends[x, p], p))
residual = tensor(x, metric[x] / target[x] - 1)
whole = total(weights[x], x)
loss = total(weights[x] * residual[x] ** 2, x) / whole
kernel = tensor((x, y), total(bends[x, p] * bends[y, p], p) / (target[x] * target[y]))


def gradient_of(field: Array | Tensor) -> Tensor:
    """∂_I L at given residuals."""
    return tensor(p, 2 * total(weights[x] * field[x] * bends[x, p] / target[x], x) / whole)


def flow_of(field: Array | Tensor, factor: int = 2) -> Tensor:
    """-Σ_y K(x, y) 2 w(y)/Σ w r(y)."""
    return tensor(x, -factor * total(kernel[x, y] * weights[y] * field[y], y) / whole)


descent = tensor(p, -gradient_of(field)[p])

# the solution: residuals Σ_m e^{-λ_m t} c_m v_m with eigenvectors v_m; one of them is enough, the flow is linear
mode = Array("mode", points, latex="v")
rate, t = commuting("lambda t")
eigen = tensor(x, -flow_of(mode)[x] - rate * mode[x])  # the hypothesis K (2w/Σw) v = λ v
decaying = tensor(x, sp.exp(-rate * t) * mode[x])

# where the flow ends: Σ w r K w r = 0 there, and that is the square of the gradient
energy = scalar(total(weights[x] * field[x] * flow_of(field)[x], x) * 2 / whole)

# n = 2: the determinant is no longer linear in θ
g11, g12, g21, g22, h11, h12, h21, h22 = (
    Array(f"{name}{place}", latex=f"{name}_{{{place}}}")[()] for name in "gh" for place in (11, 12, 21, 22)
)
(small,) = commuting("epsilon")
quadratic = (g11 + small * h11) * (g22 + small * h22) - (g12 + small * h12) * (g21 + small * h21)
linear_part = g11 * g22 - g12 * g21 + small * (g11 * h22 + g22 * h11 - g12 * h21 - g21 * h12)

LEMMA = Lemma(
    name="cubic_linear_flow",
    title="The linear flow of the cubic curve",
    reference="Halverson & Ruehle, arXiv:2310.19870, fixed kernels",
    statement=r"""
For $n = 1$, $\det g = g$, and with $\varphi = \sum_I \theta_I f_I$, $\psi_I = \partial\bar\partial f_I$, the residual
$r = \frac{g_{FS} + \sum_I \theta_I \psi_I}{\kappa|\Omega|^2} - 1$ is linear in $\theta$. Gradient flow of
$L = \sum w r^2 / \sum w$ is then exactly
$$\dot r = -K \frac{2 w}{\sum w}\, r, \qquad
K(x, x') = \frac{\sum_I \psi_I(x) \psi_I(x')}{\kappa|\Omega|^2\; \kappa|\Omega'|^2}
= \frac{\partial\bar\partial \partial'\bar\partial'\, \Theta_\varphi(x, x')}{\kappa|\Omega|^2\; \kappa|\Omega'|^2},$$
with a kernel that does not change. An eigenvector with $K \frac{2w}{\sum w} v = \lambda v$ decays as
$e^{-\lambda t} v$, and one with $\lambda = 0$ stands still. Along the flow
$\dot L = -\|\partial L\|^2$, so that at its end $\partial L = 0$; and where $r = 0$, on the range of the
kernel, $g = \kappa|\Omega|^2$ exactly. For $n = 2$ the determinant has the further term
$\det \partial\bar\partial\varphi$, and the residual is not linear.
""",
    claims=(
        gradient_claim("gradient of the loss", loss, theta, gradient_of(residual)),
        differential_claim("flow of the residuals", residual, {theta: descent}, flow_of(field)),
        derivative_claim(
            "an eigenvector decays",
            decaying,
            t,
            tensor(x, flow_of(decaying)[x] + sp.exp(-rate * t) * eigen[x]),
        ),
        identity("it starts as it is", tensor(x, decaying[x].subs(t, 0)), tensor(x, mode[x])),
        identity("what has no rate stands still", tensor(x, decaying[x].subs(rate, 0)), tensor(x, mode[x])),
        identity("the loss falls", energy, scalar(-total(gradient_of(field)[p] ** 2, p))),
        identity("the metric from its residual", metric, tensor(x, target[x] * (1 + residual[x]))),
        identity(
            "in two dimensions it is not linear",
            scalar(quadratic),
            scalar(linear_part + small**2 * (h11 * h22 - h12 * h21)),
        ),
    ),
    wrong=(
        Wrong("gradient of the loss", "the factor 2 is forgotten", tensor(p, gradient_of(residual)[p] / 2)),
        Wrong("flow of the residuals", "the factor 2 is forgotten", flow_of(field, 1)),
        Wrong(
            "flow of the residuals",
            "the kernel of the metric in place of that of the residual",
            tensor(x, target[x] * flow_of(field)[x]),
        ),
        Wrong("flow of the residuals", "the loss climbs", flow_of(field, -2)),
        Wrong("an eigenvector decays", "it need not be an eigenvector", flow_of(decaying)),
        Wrong("the metric from its residual", "the target itself", tensor(x, target[x])),
        Wrong("in two dimensions it is not linear", "the linear part alone", scalar(linear_part)),
    ),
    runs_in="laflow/metric/tangent/frozen_flow.py",
    limits=(
        "Proved for all sizes, one eigenvector at a time. That the eigenvectors of K w span the points (it is similar "
        "to a symmetric matrix, see frozen_flow), that e^{-λt} → 0 for λ > 0, and that the residuals of the class have "
        "mean zero, are used and not proved."
    ),
    sizes=({"points": 2, "parameters": 3}, {"points": 3, "parameters": 2}),
    family="metric",
)
