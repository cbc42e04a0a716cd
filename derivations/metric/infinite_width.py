"""The tangent kernel of one hidden layer, and the theorem that ties its two Gaussian expectations together."""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    Array,
    Delta,
    Lemma,
    Tensor,
    Wrong,
    derivative_claim,
    gradient_claim,
    identity,
    scalar,
    standard_range,
    substitute,
    tensor,
    total,
)
from derivations.metric.notation import p, parameters, u, units

inputs = standard_range("inputs", "M")
i = inputs.index("i")

# the map: f(x) = s Σ_k a_k σ(w_k·x), s² = 1/U, with an activation of the third degree
first_weights, second_weights = (
    Array("first_weights", units, inputs, latex="w"),
    Array("second_weights", units, latex="a"),
)
point, other = Array("point", inputs, latex="x"), Array("other", inputs, latex="x'")
scaling, s0, s1, s2, s3 = sp.symbols("s s0 s1 s2 s3")
preactivation = tensor(u, total(first_weights[u, i] * point[i], i))
activated = tensor(u, s0 + s1 * preactivation[u] + s2 * preactivation[u] ** 2 / 2 + s3 * preactivation[u] ** 3 / 6)
activation_slope = tensor(u, s1 + s2 * preactivation[u] + s3 * preactivation[u] ** 2 / 2)
network = scaling * total(second_weights[u] * activated[u], u)

# the kernel, of activations and slopes at the two points
active, active_other = Array("active", units, latex=r"\sigma"), Array("active_other", units, latex=r"\sigma'")
slope, slope_other = Array("slope", units, latex=r"\dot\sigma"), Array("slope_other", units, latex=r"\dot\sigma'")
covariance = total(point[i] * other[i], i)
kernel = scaling**2 * total(active[u] * active_other[u], u) + scaling**2 * total(
    second_weights[u] * slope[u] * point[i] * second_weights[u] * slope_other[u] * other[i], u, i
)


def in_two_means(weight: sp.Expr) -> Tensor:
    """K + Σ_12 K̇ as means over the units, with the factor of the slopes."""
    mean = scaling**2 * total(active[u] * active_other[u], u)
    slopes = scaling**2 * total(second_weights[u] ** 2 * slope[u] * slope_other[u], u)
    return scalar(mean + weight * slopes)


# a layer above others: ∂_I of its pre-activations, whose kernels are those of the layers below, Θ_kl(x, x')
below, below_other = Array("below", units, parameters, latex="D"), Array("below_other", units, parameters, latex="D'")
below_kernel, shared = Array("below_kernel", units, units, latex=r"\Theta"), Array("shared", latex=r"\Theta")
v = units.index("v")
pushed = tensor(p, scaling * total(second_weights[u] * slope[u] * below[u, p], u))
pushed_other = tensor(p, scaling * total(second_weights[u] * slope_other[u] * below_other[u, p], u))
pairs = tensor((u, v), total(below[u, p] * below_other[v, p], p))


def through(of_pairs: Array | Tensor) -> sp.Expr:
    """s² Σ_kl a_k a_l σ'_k σ'_l Θ_kl."""
    weighted = second_weights[u] * slope[u] * of_pairs[u, v] * second_weights[v] * slope_other[v]
    return scaling**2 * total(weighted, u, v)


independent_units = substitute(through(below_kernel), {below_kernel: lambda u, v: Delta(u, v) * shared[()]})
slope_mean = scaling**2 * total(second_weights[u] ** 2 * slope[u] * slope_other[u], u)

# the density of two Gaussian variables h, k with variances a, b and the covariance c
# (written as 1 + a', 1 + b', so that numbers of order one leave the determinant positive)
excess, other_excess, c, h, k = sp.symbols("a' b' c h k")
a, b = 1 + excess, 1 + other_excess
pi = sp.Symbol("pi", positive=True)
determinant = a * b - c**2
density = sp.exp(-(b * h**2 - 2 * c * h * k + a * k**2) / (2 * determinant)) / (2 * pi * sp.sqrt(determinant))
along_h = -(b * h - c * k) / determinant * density
along_hk = ((b * h - c * k) * (a * k - c * h) / determinant**2 + c / determinant) * density
along_hh = ((b * h - c * k) ** 2 / determinant**2 - b / determinant) * density

LEMMA = Lemma(
    name="infinite_width",
    title="The tangent kernel of a wide layer",
    reference="Jacot et al., arXiv:1806.07572; Price, IRE Trans. Inf. Theory 4, 1958",
    statement=r"""
For $f(x) = U^{-1/2} \sum_k a_k \sigma(w_k \cdot x)$ the tangent kernel is
$$\Theta(x, x') = \frac1U \sum_k \sigma(w_k x)\, \sigma(w_k x') +
x \cdot x'\, \frac1U \sum_k a_k^2\, \sigma'(w_k x)\, \sigma'(w_k x').$$
With independent weights of variance 1 both means converge as $U \to \infty$: $\Theta = K + \Sigma_{12} \dot K$ with
$K = E[\sigma(h) \sigma(k)]$, $\dot K = E[\sigma'(h) \sigma'(k)]$, where $h$ and $k$ are Gaussian of mean zero and
$\Sigma_{12} = x \cdot x'$ is their covariance. Above further layers, whose pre-activations have
the kernel $\Theta_{kl} = \delta_{kl} \Theta$ in the limit, it is $K + \dot K\, \Theta$: layer by layer,
$\Theta \leftarrow K + \dot K\, \Theta$. The density $\rho$ of $h$ and $k$ obeys
$\partial\rho/\partial\Sigma_{12} = \partial_h \partial_k \rho$ and
$\partial\rho/\partial\Sigma_{11} = \frac12 \partial_h^2 \rho$, whence, by parts,
$$\frac{\partial K}{\partial \Sigma_{12}} = \dot K \qquad \text{(Price)}.$$
""",
    claims=(
        gradient_claim("gradient in the outer weights", network, second_weights, tensor(u, scaling * activated[u])),
        gradient_claim(
            "gradient in the inner weights",
            network,
            first_weights,
            tensor((u, i), scaling * second_weights[u] * activation_slope[u] * point[i]),
        ),
        identity("two means", scalar(kernel), in_two_means(covariance)),
        identity("layers below", scalar(total(pushed[p] * pushed_other[p], p)), scalar(through(pairs))),
        identity("independent units", scalar(independent_units), scalar(shared[()] * slope_mean)),
        derivative_claim("slope of the density", scalar(density), h, scalar(along_h)),
        derivative_claim("mixed slope of the density", scalar(along_h), k, scalar(along_hk)),
        derivative_claim("second slope of the density", scalar(along_h), h, scalar(along_hh)),
        derivative_claim("Price's equation", scalar(density), c, scalar(along_hk)),
        derivative_claim("heat equation", scalar(density), excess, scalar(along_hh / 2)),
    ),
    wrong=(
        Wrong("two means", "the covariance is forgotten", in_two_means(sp.Integer(1))),
        Wrong("two means", "the inner weights are not trained", in_two_means(sp.Integer(0))),
        Wrong("independent units", "the slopes are left out", scalar(shared[()] * scaling**2)),
        Wrong(
            "layers below",
            "a unit meets only itself",
            scalar(scaling**2 * total(second_weights[u] ** 2 * slope[u] * slope_other[u] * pairs[u, u], u)),
        ),
        Wrong(
            "gradient in the inner weights",
            "the activation in place of its slope",
            tensor((u, i), scaling * second_weights[u] * activated[u] * point[i]),
        ),
        Wrong("Price's equation", "the factor of the heat equation", scalar(along_hk / 2)),
        Wrong("Price's equation", "the normalisation is held fixed", scalar(along_hk - c / determinant * density)),
        Wrong("heat equation", "without the factor 1/2", scalar(along_hh)),
    ),
    runs_in="laflow/metric/tangent/infinite_width.py",
    limits=(
        "The kernel is proved for all sizes, with an activation of the third degree: its first derivative at a point "
        "is that of any. The law of large numbers, that Θ_kl becomes δ_kl Θ, differentiation under "
        "the integral (dominated convergence) and integration by parts are used and not proved."
    ),
    sizes=({"units": 2, "inputs": 3, "parameters": 2}, {"units": 3, "inputs": 2, "parameters": 3}),
    family="metric",
)
