"""The flow with a frozen kernel, exactly, at every time: residuals, parameters, predictions.

``theta_kernel`` (ϑ) is a scalar in place of the symmetric kernel on the training points, and r stands for the residuals
on which functions of it act. η t φ(-η ϑ t), φ(z) = (e^z - 1)/z, extends (1 - e^{-ηϑt})/ϑ to ϑ = 0.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    Array,
    Lemma,
    Tensor,
    Wrong,
    commuting,
    derivative_claim,
    differential_claim,
    gradient_claim,
    identity,
    phi,
    scalar,
    tensor,
    total,
)
from derivations.metric.notation import p, parameters, points, x, y

eta, t, s, kernel, r, row, start, jacobian, count = commuting("eta t s vartheta r k varphi J m")

# the map, for commuting symbols
residual = sp.exp(-eta * kernel * t) * r
spent = eta * t * phi(-eta * kernel * t)  # ∫ η e^{-ηϑs} ds, an entire function of ϑ
moved_parameters = -jacobian * spent * r  # θ - θ0, with J the transposed Jacobian
prediction = start - row * spent * r  # k = Θ(x, X)

# gradient descent with steps of size η: the same with (1 - ηϑ)^m; the factor f = 1 - ηϑ is a symbol, ϑ follows from it
(factor,) = commuting("f")
kernel_of_factor = (1 - factor) / eta
stepped_residual = factor**count * r
stepped_spent = (1 - factor**count) / kernel_of_factor


def stepped(number: sp.Expr) -> sp.Expr:
    """φ(x) after so many steps."""
    return start - row * stepped_spent.subs(count, number) * r


# the linearised model, for all sizes: φ(x) = φ_0(x) + J(x)·(θ - θ_0), residuals of which one weighs w
theta = Array("theta", parameters, latex=r"\delta\theta")
slopes = Array("slopes", points, parameters, latex="J")
initial, weights = Array("initial", points, latex="r"), Array("weights", points, latex="w")
root, field = Array("root", points, latex=r"\sqrt{w}"), Array("field", points, latex="r")
linear = tensor(x, initial[x] + total(slopes[x, p] * theta[p], p))
loss = total(weights[x] * linear[x] ** 2, x) / 2
descent = tensor(p, -total(weights[y] * field[y] * slopes[y, p], y))
gram = tensor((x, y), total(slopes[x, p] * slopes[y, p], p))


def flow(of_gram: Tensor) -> Tensor:
    """-Σ_y Θ(x, y) w(y) r(y)."""
    return tensor(x, -total(of_gram[x, y] * weights[y] * field[y], y))


# s = √w r obeys a flow with a symmetric kernel: w = (√w)² is a hypothesis
square_root = tensor(x, weights[x] - root[x] ** 2)
symmetric = tensor(x, -total(root[x] * gram[x, y] * root[y] * (root[y] * field[y]), y))
symmetric_hypothesis = tensor(x, -root[x] * total(gram[x, y] * square_root[y] * field[y], y))

LEMMA = Lemma(
    name="frozen_flow",
    title="The flow with a frozen kernel",
    reference="Jacot et al., arXiv:1806.07572; Lee et al., arXiv:1902.06720",
    statement=r"""
A model that is linear in its parameters, or linearised, with the loss $\frac12 \sum w r^2$, follows
$\dot r = -\Theta w r$, $\Theta = J J^\top$, and $\sqrt w\, r$ follows $\sqrt w\, \Theta \sqrt w$, which is symmetric.
So let $\vartheta$ be symmetric and $\dot r = -\eta \vartheta r$. Then
$$r(t) = e^{-\eta\vartheta t} r_0, \qquad \theta(t) = \theta_0 - J^\top \eta t\, \varphi(-\eta\vartheta t)\, r_0, \qquad
\varphi(x, t) = \varphi_0(x) - \Theta(x, X)\, \eta t\, \varphi(-\eta\vartheta t)\, r_0,$$
where $\eta t\, \varphi(-\eta\vartheta t) = (1 - e^{-\eta\vartheta t}) \vartheta^{-1}$ also for singular $\vartheta$; on
training points $\varphi_0 - \vartheta\, \eta t\, \varphi(-\eta\vartheta t)\, r_0$ has the residual $r(t)$. The loss
falls by $\frac{d}{dt} \frac12 r^2 = -\eta\, r \vartheta r$. Gradient descent has
$r_m = (1 - \eta\vartheta)^m r_0$ and $\frac{1 - (1 - \eta\vartheta)^m}{\vartheta}$ in place of
$\eta t\, \varphi(-\eta\vartheta t)$.
""",
    claims=(
        gradient_claim("gradient of the loss", loss, theta, tensor(p, total(weights[x] * linear[x] * slopes[x, p], x))),
        differential_claim("flow of the residuals", linear, {theta: descent}, flow(gram)),
        identity(
            "symmetric form",
            tensor(x, root[x] * flow(gram)[x]),
            tensor(x, symmetric[x] + symmetric_hypothesis[x]),
        ),
        derivative_claim("residuals", scalar(residual), t, scalar(-eta * kernel * residual)),
        identity("residuals at the start", scalar(residual.subs(t, 0)), scalar(r)),
        identity(
            "one flow after another",
            scalar(residual.subs(t, s + t)),
            scalar(sp.exp(-eta * kernel * s) * residual),
        ),
        derivative_claim("parameters", scalar(moved_parameters), t, scalar(-eta * jacobian * residual)),
        derivative_claim("predictions", scalar(prediction), t, scalar(-eta * row * residual)),
        identity(
            "where the kernel is regular",
            scalar(prediction),
            scalar(start - row * (1 - sp.exp(-eta * kernel * t)) / kernel * r),
        ),
        identity("predictions at training points", scalar(prediction.subs(row, kernel) - start + r), scalar(residual)),
        derivative_claim("the loss falls", scalar(residual**2 / 2), t, scalar(-eta * kernel * residual**2)),
        identity(
            "next step of the residuals",
            scalar(stepped_residual - eta * kernel_of_factor * stepped_residual),
            scalar(stepped_residual.subs(count, count + 1)),
        ),
        identity(
            "next step of the predictions",
            scalar(stepped(count) - eta * row * stepped_residual),
            scalar(stepped(count + 1)),
        ),
    ),
    wrong=(
        Wrong("flow of the residuals", "the loss climbs", tensor(x, -flow(gram)[x])),
        Wrong(
            "flow of the residuals",
            "the kernel is taken as diagonal",
            tensor(x, -gram[x, x] * weights[x] * field[x]),
        ),
        Wrong("symmetric form", "the weights are left out", tensor(x, -root[x] * total(gram[x, y] * field[y], y))),
        Wrong("residuals", "the step size is forgotten", scalar(-kernel * residual)),
        Wrong("predictions", "the kernel acts twice", scalar(-eta * row * kernel * residual)),
        Wrong(
            "where the kernel is regular",
            "the limit t → ∞ is taken at every time",
            scalar(start - row / kernel * r),
        ),
        Wrong("the loss falls", "at half the rate", scalar(-eta * kernel * residual**2 / 2)),
        Wrong(
            "next step of the predictions",
            "the flow in place of the steps",
            scalar(start - row * (1 - sp.exp(-(1 - factor) * (count + 1))) / kernel_of_factor * r),
        ),
    ),
    runs_in="laflow/metric/tangent/frozen_flow.py",
    limits=(
        "The linearised model is proved for all sizes. Functions of the kernel are proved for scalars in its place, "
        "which carries over to matrices of all sizes because they are entire functions of one matrix; for a singular "
        "kernel the quotients stand for the functions they extend to. That a wide network stays close to its "
        "linearisation is not claimed."
    ),
    sizes=({"points": 2, "parameters": 3}, {"points": 3, "parameters": 2}),
    family="metric",
)
