"""The flow of a metric whose parameters descend a loss: it is governed by the metric tangent kernel.

Metric and loss are polynomials of low degree with arrays of any values as coefficients, curved where the claim is about
a slope that changes. The first derivatives of any smooth map at a point are those of its expansion there.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    Array,
    Delta,
    Index,
    Lemma,
    Tensor,
    Wrong,
    differential_claim,
    gradient_claim,
    identity,
    scalar,
    standard_range,
    substitute,
    tensor,
    total,
)
from derivations.metric.notation import p, parameters, points, q, x, y

axes = standard_range("axes", "D")  # of the real tensor g_ij
i, j, k, l = axes.indices("i j k l")

# the map: g_ij(x; θ) and L = Σ μ(x) l(x), l a function of g(x)
theta = Array("theta", parameters, latex=r"\theta")
measure = Array("measure", points, latex=r"\mu")
start = Array("start", points, axes, axes, latex="g^0")
slopes = Array("slopes", points, axes, axes, parameters, latex=r"\partial g")
bend = Array("bend", points, axes, axes, parameters, parameters, latex="H")
theta_direction = Array("theta_direction", parameters, latex=r"\delta\theta")
density_slope = Array("density_slope", points, axes, axes, latex="a")
density_bend = Array("density_bend", points, axes, axes, latex="b")

affine = tensor((x, i, j), start[x, i, j] + total(slopes[x, i, j, p] * theta[p], p))
curved = tensor((x, i, j), affine[x, i, j] + total(bend[x, i, j, p, q] * theta[p] * theta[q], p, q) / 2)
jacobian = tensor(
    (x, i, j, p), slopes[x, i, j, p] + total((bend[x, i, j, p, q] + bend[x, i, j, q, p]) * theta[q], q) / 2
)

stretched = tensor(x, total(density_bend[x, i, j] * affine[x, i, j], i, j))
density = tensor(x, total(density_slope[x, i, j] * affine[x, i, j], i, j) + stretched[x] ** 2 / 2)
loss = total(measure[x] * density[x], x)
force = tensor((x, k, l), density_slope[x, k, l] + stretched[x] * density_bend[x, k, l])


def gradient_of(force: Array | Tensor) -> Tensor:
    """Σ_x μ(x) f_kl(x) ∂_I g_kl(x)."""
    return tensor(p, total(measure[x] * force[x, k, l] * slopes[x, k, l, p], k, l, x))


gradient = gradient_of(force)

# the flow of any force
pull = Array("pull", points, axes, axes, latex="l'")
kernel_of_slopes = tensor((x, i, j, y, k, l), total(slopes[x, i, j, p] * slopes[y, k, l, p], p))
kernel = Array("kernel", points, axes, axes, points, axes, axes, latex=r"\Theta")
scalar_kernel = Array("scalar_kernel", points, points, latex=r"\Theta")
strength = Array("strength", points, latex=r"\Omega")
descent = tensor(p, -gradient_of(pull)[p])


def flow(of_kernel: Array | Tensor, sign: int = -1) -> Tensor:
    """-Σ_x' μ(x') Θ_ijkl(x, x') l'_kl(x')."""
    return tensor((x, i, j), sign * total(measure[y] * of_kernel[x, i, j, y, k, l] * pull[y, k, l], k, l, y))


def independent(x: Index, i: Index, j: Index, y: Index, k: Index, l: Index) -> sp.Expr:
    """δ_ik δ_jl Θ(x, x')."""
    return Delta(i, k) * Delta(j, l) * scalar_kernel[x, y]


def local(x: Index, i: Index, j: Index, y: Index, k: Index, l: Index) -> sp.Expr:
    """δ_ik δ_jl Ω(x) δ(x, x')/μ(x): on points, the delta of the measure."""
    return Delta(i, k) * Delta(j, l) * Delta(x, y) * strength[x] / measure[x]


# independent components: the parameters come in blocks, one for each component
own = standard_range("own_parameters", "E").index("r")
block_slopes = Array("block_slopes", points, own.range, latex="f")
m, n = axes.indices("m n")
blocks = tensor((x, i, j, m, n, own), Delta(i, m) * Delta(j, n) * block_slopes[x, own])

LEMMA = Lemma(
    name="metric_flow",
    title="The flow of a metric under gradient descent",
    reference="Halverson & Ruehle, arXiv:2310.19870, the metric flow and its kernel",
    statement=r"""
Let $g_{ij}(x;\theta)$ be a metric with parameters and $L = \sum_x \mu(x)\, l(x)$ a loss whose density depends on
$g(x)$. Then $\partial_I L = \sum_{x'} \mu(x')\, \frac{\delta l(x')}{\delta g_{kl}(x')}\, \partial_I g_{kl}(x')$, and
$\dot\theta = -\partial L$ moves the metric by
$$\frac{d g_{ij}(x)}{dt} = -\sum_{x'} \mu(x')\, \Theta_{ijkl}(x, x')\, \frac{\delta l(x')}{\delta g_{kl}(x')},
\qquad \Theta_{ijkl}(x, x') = \sum_I \partial_I g_{ij}(x)\, \partial_I g_{kl}(x')$$
(sums over $k$, $l$ are understood). The loss falls: $\dot L = -\|\partial L\|^2 \le 0$. If the components have
parameters of their own, $\Theta_{ijkl} = \delta_{ik} \delta_{jl} \Theta(x, x')$, and every component of
$\delta l/\delta g$ drives its own component of $g$ only; if in addition
$\Theta(x, x') \to \Omega(x)\, \delta(x - x')$, the flow is local: $\dot g_{ij} = -\Omega\, \delta l/\delta g_{ij}$.
""",
    claims=(
        differential_claim(
            "Jacobian",
            curved,
            {theta: theta_direction},
            tensor((x, i, j), total(jacobian[x, i, j, p] * theta_direction[p], p)),
        ),
        gradient_claim("gradient of the loss", loss, theta, gradient),
        differential_claim(
            "the loss falls",
            scalar(total(measure[x] * pull[x, i, j] * affine[x, i, j], i, j, x)),
            {theta: descent},
            scalar(-total(descent[p] ** 2, p)),
        ),
        identity(
            "kernel form",
            tensor((x, i, j), total(slopes[x, i, j, p] * descent[p], p)),
            flow(kernel_of_slopes),
        ),
        identity(
            "the loss falls by the kernel",
            scalar(-total(descent[p] ** 2, p)),
            scalar(total(measure[x] * pull[x, i, j] * flow(kernel_of_slopes)[x, i, j], i, j, x)),
        ),
        identity(
            "kernel of independent components",
            tensor((x, i, j, y, k, l), total(blocks[x, i, j, m, n, own] * blocks[y, k, l, m, n, own], own, m, n)),
            tensor(
                (x, i, j, y, k, l),
                Delta(i, k) * Delta(j, l) * total(block_slopes[x, own] * block_slopes[y, own], own),
            ),
        ),
        identity(
            "flow of independent components",
            tensor((x, i, j), substitute(flow(kernel)[x, i, j], {kernel: independent})),
            tensor((x, i, j), -total(measure[y] * scalar_kernel[x, y] * pull[y, i, j], y)),
        ),
        identity(
            "local flow",
            tensor((x, i, j), substitute(flow(kernel)[x, i, j], {kernel: local})),
            tensor((x, i, j), -strength[x] * pull[x, i, j]),
        ),
    ),
    wrong=(
        Wrong(
            "Jacobian",
            "the Jacobian stays what it was at the start",
            tensor((x, i, j), total(slopes[x, i, j, p] * theta_direction[p], p)),
        ),
        Wrong("gradient of the loss", "the force is taken at the start", gradient_of(density_slope)),
        Wrong("kernel form", "the metric climbs", flow(kernel_of_slopes, 1)),
        Wrong(
            "kernel form",
            "the kernel is taken at one point, as if the flow were local",
            tensor((x, i, j), -measure[x] * total(kernel_of_slopes[x, i, j, x, k, l] * pull[x, k, l], k, l)),
        ),
        Wrong(
            "kernel form",
            "the components do not mix",
            tensor((x, i, j), -total(measure[y] * kernel_of_slopes[x, i, j, y, i, j] * pull[y, i, j], y)),
        ),
        Wrong(
            "kernel form",
            "the measure is forgotten",
            tensor((x, i, j), -total(kernel_of_slopes[x, i, j, y, k, l] * pull[y, k, l], k, l, y)),
        ),
        Wrong("the loss falls", "the slope is the norm, not its square", scalar(-sp.sqrt(total(descent[p] ** 2, p)))),
        Wrong(
            "flow of independent components",
            "the components are transposed",
            tensor((x, i, j), -total(measure[y] * scalar_kernel[x, y] * pull[y, j, i], y)),
        ),
        Wrong("local flow", "the measure stays", tensor((x, i, j), -measure[x] * strength[x] * pull[x, i, j])),
    ),
    runs_in="laflow/metric/tangent/tangent_kernel.py",
    limits=(
        "The integral is a weighted sum over points. That the first derivatives of a smooth map are those of its "
        "second-order expansion is used and not proved; so are the limits of infinite width and of a local kernel, of "
        "which only the consequences are proved here."
    ),
    sizes=(
        {"points": 2, "axes": 2, "parameters": 3, "own_parameters": 2},
        {"points": 3, "axes": 2, "parameters": 2, "own_parameters": 3},
    ),
    family="metric",
)
