"""The metric tangent kernel of g = g_FS + ∂∂̄φ from the scalar kernel of φ, and what it says about one step.

Near two points, with local coordinates x and y, the derivatives ∂_Iφ are polynomials of the second degree with arrays
of any values as coefficients; conjugates are independent arrays.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    Array,
    Lemma,
    Tensor,
    Wrong,
    differential_claim,
    gradient_claim,
    identity,
    scalar,
    substitute,
    tensor,
    total,
)
from derivations.metric.notation import a, b, c, d, directions, p, parameters, points, q
from derivations.metric.notation import x as at
from derivations.metric.notation import y as other

# ∂_Iφ near the two points
level, level_other = Array("level", parameters, latex="f"), Array("level_other", parameters, latex="f'")
rise, rise_bar, rise_other, rise_bar_other = (
    Array(name, parameters, directions, latex=latex)
    for name, latex in (("rise", "A"), ("rise_bar", r"\bar A"), ("rise_other", "A'"), ("rise_bar_other", r"\bar A'"))
)
mixed, pure, pure_bar, mixed_other, pure_other, pure_bar_other = (
    Array(name, parameters, directions, directions, latex=latex)
    for name, latex in (
        ("mixed", "M"),
        ("pure", "N"),
        ("pure_bar", r"\bar N"),
        ("mixed_other", "M'"),
        ("pure_other", "N'"),
        ("pure_bar_other", r"\bar N'"),
    )
)
x, xbar = Array("x", directions), Array("xbar", directions, latex=r"\bar x")
y, ybar = Array("y", directions), Array("ybar", directions, latex=r"\bar y")
u, vbar = Array("u", directions), Array("vbar", directions, latex=r"\bar v")
s, tbar = Array("s", directions), Array("tbar", directions, latex=r"\bar t")


def feature(
    free: Array, free_bar: Array, level: Array, rise: Array, rise_bar: Array, mixed: Array, pure: Array, pure_bar: Array
) -> Tensor:
    """∂_Iφ, to second order."""
    linear = total(rise[p, a] * free[a] + rise_bar[p, a] * free_bar[a], a)
    quadratic = total(
        mixed[p, a, b] * free[a] * free_bar[b]
        + (pure[p, a, b] * free[a] * free[b] + pure_bar[p, a, b] * free_bar[a] * free_bar[b]) / 2,
        a,
        b,
    )
    return tensor(p, level[p] + linear + quadratic)


def along(free: Array, free_bar: Array, direction: Array, rise: Array, mixed: Array, pure: Array) -> Tensor:
    """∂ of a feature along a direction."""
    return tensor(
        p,
        total(direction[a] * rise[p, a], a)
        + total(direction[a] * (mixed[p, a, b] * free_bar[b] + (pure[p, a, b] + pure[p, b, a]) * free[b] / 2), a, b),
    )


def bend(mixed: Array, left: Array, right: Array) -> Tensor:
    """∂_a ∂̄_b of a feature, which is ∂_I g_ab, on two directions."""
    return tensor(p, total(left[a] * mixed[p, a, b] * right[b], a, b))


here = feature(x, xbar, level, rise, rise_bar, mixed, pure, pure_bar)
there = feature(y, ybar, level_other, rise_other, rise_bar_other, mixed_other, pure_other, pure_bar_other)
here_along = along(x, xbar, u, rise, mixed, pure)
there_along = along(y, ybar, s, rise_other, mixed_other, pure_other)
here_bend, there_bend = bend(mixed, u, vbar), bend(mixed_other, s, tbar)


def product(left: Tensor, right: Tensor) -> Tensor:
    """Σ_I of a product."""
    return scalar(total(left[p] * right[p], p))


# the model: g = g_FS + ∂∂̄φ, whose derivative along θ is ∂∂̄ of that of φ
theta, theta_direction = (
    Array("theta", parameters, latex=r"\theta"),
    Array("theta_direction", parameters, latex=r"\delta\theta"),
)
background = Array("background", directions, directions, latex=r"g^{FS}")
metric = tensor((a, b), background[a, b] + total(theta[p] * mixed[p, a, b], p))

# residuals r(x; θ), their loss Σ w r²/Σ w, and a step of size η
start = Array("start", points, latex="r")
slopes = Array("slopes", points, parameters, latex=r"\partial r")
curvature = Array("curvature", points, parameters, parameters, latex=r"\partial^2 r")
weights, step_size = Array("weights", points, latex="w"), sp.Symbol("eta", positive=True)
whole = total(weights[at], at)
affine = tensor(at, start[at] + total(slopes[at, p] * theta[p], p))
loss = total(weights[at] * affine[at] ** 2, at) / whole
gradient = tensor(p, 2 * total(weights[at] * affine[at] * slopes[at, p], at) / whole)
gradient_at_start = tensor(p, 2 * total(weights[at] * start[at] * slopes[at, p], at) / whole)
curved = tensor(at, affine[at] + total(curvature[at, p, q] * theta[p] * theta[q], p, q) / 2)
stepped = tensor(at, substitute(curved[at], {theta: lambda p: -step_size * gradient_at_start[p]}))
kernel = tensor((at, other), total(slopes[at, p] * slopes[other, p], p))
second_order = tensor(
    at, total(curvature[at, p, q] * gradient_at_start[p] * gradient_at_start[q], p, q) * step_size**2 / 2
)


def predicted(factor: int, second: int = 1) -> Tensor:
    """r - η K (2 w/Σ w) r, and the second order."""
    drive = total(kernel[at, other] * weights[other] * start[other], other) / whole
    return tensor(at, start[at] - factor * step_size * drive + second * second_order[at])


# the residual det g/(κ|Ω|²) - 1 has ∂_I r = (1 + r) tr g⁻¹ ∂_I g
inverse = Array("inverse", points, directions, directions, latex="g^{-1}")
metric_slopes = Array("metric_slopes", points, directions, directions, parameters, latex=r"\partial g")
residual_slopes = tensor((at, p), (1 + start[at]) * total(inverse[at, b, a] * metric_slopes[at, a, b, p], a, b))
metric_kernel = tensor((at, a, b, other, c, d), total(metric_slopes[at, a, b, p] * metric_slopes[other, c, d, p], p))
traced = tensor(
    (at, other),
    (1 + start[at])
    * (1 + start[other])
    * total(inverse[at, b, a] * metric_kernel[at, a, b, other, c, d] * inverse[other, d, c], a, b, c, d),
)
coefficient = Array("coefficient", points, latex="c")

LEMMA = Lemma(
    name="metric_tangent_kernel",
    title="The metric tangent kernel from the scalar one",
    reference="Halverson & Ruehle, arXiv:2310.19870, the kernel of a Kähler potential",
    statement=r"""
For $g = g_{FS} + \partial\bar\partial\varphi_\theta$ the metric tangent kernel is the mixed fourth derivative of the
tangent kernel of $\varphi$:
$$\Theta_{a\bar b c\bar d}(x, x') = \partial_a \bar\partial_b\, \partial'_c \bar\partial'_d\, \Theta_\varphi(x, x')
= \sum_I \partial_I g_{a\bar b}(x)\, \partial_I g_{c\bar d}(x'), \qquad
\Theta_\varphi = \sum_I \partial_I \varphi(x)\, \partial_I \varphi(x').$$
The residual $r = \det g / (\kappa |\Omega|^2) - 1$ has $\partial_I r = (1 + r)\, g^{\bar b a} \partial_I g_{a \bar b}$,
so that its kernel is
$K(x, x') = \sum_I \partial_I r\, \partial_I r' =
(1 + r)(1 + r')\, g^{\bar b a} \Theta_{a\bar b c\bar d}\, g'^{\bar d c}$, symmetric and positive semidefinite. A step
$\delta\theta = -\eta\, \partial L$ on $L = \sum w r^2 / \sum w$ moves the residuals by
$\delta r = -\eta\, K \frac{2w}{\sum w}\, r + \frac{\eta^2}{2}\, \partial^2 r(\partial L, \partial L)$, the last term
exact where $r$ is quadratic in $\theta$.
""",
    claims=(
        differential_claim(
            "derivative of the metric",
            metric,
            {theta: theta_direction},
            tensor((a, b), total(theta_direction[p] * mixed[p, a, b], p)),
        ),
        differential_claim("∂", product(here, there), {x: u}, product(here_along, there)),
        differential_claim("∂∂̄", product(here_along, there), {xbar: vbar}, product(here_bend, there)),
        differential_claim("∂∂̄∂'", product(here_bend, there), {y: s}, product(here_bend, there_along)),
        differential_claim("∂∂̄∂'∂̄'", product(here_bend, there_along), {ybar: tbar}, product(here_bend, there_bend)),
        gradient_claim("gradient of the loss", loss, theta, gradient),
        identity("a step", stepped, predicted(2)),
        identity(
            "kernel of the residuals",
            tensor((at, other), total(residual_slopes[at, p] * residual_slopes[other, p], p)),
            traced,
        ),
        identity(
            "positive semidefinite",
            scalar(total(coefficient[at] * kernel[at, other] * coefficient[other], at, other)),
            scalar(total(total(coefficient[at] * slopes[at, p], at) ** 2, p)),
        ),
    ),
    wrong=(
        Wrong(
            "∂∂̄∂'∂̄'",
            "both pairs of derivatives act at the same point",
            scalar(total(here_bend[p] * bend(mixed, s, tbar)[p], p)),
        ),
        Wrong(
            "∂∂̄∂'∂̄'",
            "the holomorphic derivatives are exchanged",
            product(bend(mixed, s, vbar), bend(mixed_other, u, tbar)),
        ),
        Wrong(
            "∂∂̄∂'∂̄'",
            "the second derivatives are not mixed",
            product(here_bend, tensor(p, total(s[a] * pure_other[p, a, b] * tbar[b], a, b))),
        ),
        Wrong("a step", "the factor 2 of the square is forgotten", predicted(1)),
        Wrong("a step", "the second order is left out", predicted(2, 0)),
        Wrong("gradient of the loss", "residuals are taken at the start", gradient_at_start),
        Wrong(
            "kernel of the residuals",
            "the determinant is taken as 1",
            tensor((at, other), traced[at, other] / ((1 + start[at]) * (1 + start[other]))),
        ),
    ),
    runs_in="laflow/metric/tangent/tangent_kernel.py",
    limits=(
        "Proved for all sizes, with polynomials of the second degree near the points: the mixed derivative sees no "
        "more. That a derivative along θ commutes with ∂∂̄ is the equality of mixed derivatives, and ∂_I r is Jacobi's "
        "formula; for a residual that is not quadratic in θ the second order is Taylor's remainder."
    ),
    sizes=(
        {"points": 2, "directions": 2, "parameters": 2},
        {"points": 3, "directions": 1, "parameters": 2},
    ),
    family="metric",
)
