"""Cosine features: their kernel is Gaussian, and becomes local as its length goes to 0.

A cosine of a real angle A is (e^α + e^{-α})/2 at α = iA; the identities hold for every α.
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
    gradient_claim,
    identity,
    scalar,
    tensor,
    total,
)
from derivations.metric.infinite_width import i, inputs, other, point
from derivations.metric.notation import u, units

# the map: f(x) = s Σ_k a_k cos(w_k·x + b_k), s² = 2/U, of which a is trained
outer_weights = Array("outer_weights", units, latex="a")
waves, waves_other = Array("waves", units, latex="C"), Array("waves_other", units, latex="C'")
(scaling,) = commuting("s")
network = scaling * total(outer_weights[u] * waves[u], u)

# the mean over the phase b
alpha, beta, phase = commuting("alpha beta b")


def cos(angle: sp.Expr) -> sp.Expr:
    """The cosine, by exponentials of i times the angle."""
    return (sp.exp(angle) + sp.exp(-angle)) / 2


def sin(angle: sp.Expr) -> sp.Expr:
    """i times the sine, by the same exponentials."""
    return (sp.exp(angle) - sp.exp(-angle)) / 2


def phase_average(difference: sp.Expr) -> Tensor:
    """cos of what is left, plus the wave in the phase."""
    return scalar(cos(difference) + cos(alpha + beta + 2 * phase))


# the mean over Gaussian frequencies w of variance 1/ℓ²: E e^{τw} by its differential equation …
tau, ell, frequency, iota = commuting("tau ell w iota")
gaussian = sp.exp(-(ell**2) * frequency**2 / 2)
transform = sp.exp(tau**2 / (2 * ell**2))

# … and in all dimensions by completing the square
frequencies, shift = Array("frequencies", inputs, latex="w"), Array("shift", inputs, latex=r"\tau")
exponent = -(ell**2) * total(frequencies[i] ** 2, i) / 2 + total(shift[i] * frequencies[i], i)
completed = -(ell**2) * total((frequencies[i] - shift[i] / ell**2) ** 2, i) / 2
rest = total(shift[i] ** 2, i) / (2 * ell**2)
distance = total((point[i] - other[i]) ** 2, i)
imaginary_rest = total((iota * (point[i] - other[i])) ** 2, i) / (2 * ell**2)
kernel = sp.exp(-distance / (2 * ell**2))

LEMMA = Lemma(
    name="infinite_width_cosine",
    title="Cosine features and the Gaussian kernel",
    reference="Rahimi & Recht, random features, NIPS 2007; arXiv:2310.19870",
    statement=r"""
Let $f(x) = \sqrt{2/U} \sum_k a_k \cos(w_k \cdot x + b_k)$, of which only $a$ is trained. Its tangent kernel
$\frac2U \sum_k \cos(w_k x + b_k) \cos(w_k x' + b_k)$ does not change with $a$: it is frozen at every width. As
$2 \cos(A + b) \cos(B + b) = \cos(A - B) + \cos(A + B + 2b)$, and the last term, the slope of
$\frac12 \sin(A + B + 2b)$, has mean zero over a uniform phase, the mean is $E \cos(w \cdot (x - x'))$. For Gaussian
$w$ of variance $1/\ell^2$, $E e^{\tau w} = e^{\tau^2/2\ell^2}$, since both solve $\psi' = \frac{\tau}{\ell^2} \psi$,
$\psi(0) = 1$; so with $\tau = i(x - x')$, in any dimension,
$$\Theta(x, x') \to e^{-|x - x'|^2 / 2\ell^2}.$$
""",
    claims=(
        gradient_claim("gradient", network, outer_weights, tensor(u, scaling * waves[u])),
        identity(
            "kernel of finite width",
            scalar(total(scaling * waves[u] * (scaling * waves_other[u]), u)),
            scalar(scaling**2 * total(waves[u] * waves_other[u], u)),
        ),
        identity(
            "product of two waves",
            scalar(2 * cos(alpha + phase) * cos(beta + phase)),
            phase_average(alpha - beta),
        ),
        derivative_claim(
            "the wave in the phase is a slope",
            scalar(sin(alpha + beta + 2 * phase) / 2),
            phase,
            scalar(cos(alpha + beta + 2 * phase)),
        ),
        derivative_claim(
            "what vanishes by parts",
            scalar(sp.exp(tau * frequency) * gaussian),
            frequency,
            scalar((tau - ell**2 * frequency) * sp.exp(tau * frequency) * gaussian),
        ),
        derivative_claim("transform", scalar(transform), tau, scalar(tau / ell**2 * transform)),
        identity("transform at 0", scalar(transform.subs(tau, 0)), scalar(1)),
        identity("all dimensions", scalar(exponent), scalar(completed + rest)),
        identity(
            "at an imaginary shift",
            scalar(sp.exp(imaginary_rest)),
            scalar(kernel * sp.exp((iota**2 + 1) * distance / (2 * ell**2))),
        ),
    ),
    wrong=(
        Wrong("product of two waves", "the sum of the angles in both terms", phase_average(alpha + beta)),
        Wrong("product of two waves", "without the wave in the phase", scalar(cos(alpha - beta))),
        Wrong(
            "the wave in the phase is a slope",
            "the phase counts once",
            scalar(cos(alpha + beta + 2 * phase) / 2),
        ),
        Wrong("transform", "the variance is ℓ²", scalar(tau * ell**2 * transform)),
        Wrong("all dimensions", "the cross term counts half", scalar(completed + rest / 4)),
        Wrong(
            "at an imaginary shift",
            "the kernel has twice the length",
            scalar(sp.exp(-distance / (4 * ell**2)) * sp.exp((iota**2 + 1) * distance / (2 * ell**2))),
        ),
    ),
    runs_in="laflow/metric/tangent/infinite_width.py",
    limits=(
        "The law of large numbers, that the mean over a period of a slope of a periodic function is zero, "
        "differentiation under the integral, and that a linear differential equation has one solution, "
        "which is entire, so that τ may be imaginary, are used and not proved."
    ),
    sizes=({"units": 2, "inputs": 3}, {"units": 3, "inputs": 2}),
    family="metric",
)
