"""The expectations of ReLU: the arc-cosine kernels. The angle is a rotation's, as in ``infinite_width_erf.py``."""

from __future__ import annotations

import sympy as sp

from derivations.algebra import Lemma, Wrong, differential_claim, identity, scalar
from derivations.metric.infinite_width import a, b, c, density, h, k, pi
from derivations.metric.infinite_width_erf import angle, at_angle, circle, cosine, sine, turn

# the claims: K = ℓ (sin α + (π - α) cos α)/2π, K̇ = (π - α)/2π, with ℓ = √(Σ_11 Σ_22) and Σ_12 = ℓ cos α
length = sp.Symbol("ell")
covariance = length * cosine[()]
covariance_slope = -length * sine[()]
opening = (pi - angle[()]) / (2 * pi)
kernel = length * sine[()] / (2 * pi) + opening * covariance
at_zero = 1 / (2 * pi * length * sine[()])  # the density at h = k = 0
ntk = length * (sine[()] + 2 * (pi - angle[()]) * cosine[()]) / (2 * pi)

LEMMA = Lemma(
    name="infinite_width_relu",
    title="The kernel of an infinitely wide layer with ReLU",
    reference="Cho & Saul, Kernel methods for deep learning, NIPS 2009",
    statement=r"""
For Gaussian $h$, $k$ with covariance $\Sigma$, $\ell = \sqrt{\Sigma_{11} \Sigma_{22}}$,
$\Sigma_{12} = \ell \cos\alpha$, and $\sigma(h) = \max(h, 0)$,
$$\dot K = P(h > 0, k > 0) = \frac{\pi - \alpha}{2\pi}, \qquad
K = E[\sigma(h)\sigma(k)] = \frac{\ell}{2\pi} \big(\sin\alpha + (\pi - \alpha) \cos\alpha\big).$$
Both vanish at $\alpha = \pi$, where $k$ is a negative multiple of $h$, and Price's theorem gives their slopes:
$\frac{d\dot K}{d\Sigma_{12}} = E[\delta(h)\delta(k)] = \frac{1}{2\pi\ell\sin\alpha}$, the density at 0, and
$\frac{dK}{d\Sigma_{12}} = \dot K$. At $\alpha = 0$ they are the half of what they are for $\sigma(h) = h$. The tangent
kernel of one layer is
$\Theta = K + \Sigma_{12} \dot K = \frac{\ell}{2\pi} \big(\sin\alpha + 2(\pi - \alpha)\cos\alpha\big)$.
""",
    claims=(
        differential_claim("slope of the covariance", scalar(covariance), turn, scalar(covariance_slope)),
        identity(
            "density at zero",
            scalar(density.subs({h: 0, k: 0}) ** -2),
            scalar(4 * pi**2 * (a * b - c**2)),
        ),
        identity(
            "density at zero by the angle",
            scalar(at_zero**-2),
            scalar(4 * pi**2 * (length**2 - covariance**2 - length**2 * circle)),
        ),
        differential_claim("slope of the probability", scalar(opening), turn, scalar(at_zero * covariance_slope)),
        differential_claim("slope of the kernel", scalar(kernel), turn, scalar(opening * covariance_slope)),
        identity("opposite variables, probability", at_angle(opening, pi, 0, -1), scalar(0)),
        identity("opposite variables, kernel", at_angle(kernel, pi, 0, -1), scalar(0)),
        identity("equal variables, probability", at_angle(opening, sp.Integer(0), 0, 1), scalar(sp.Rational(1, 2))),
        identity("equal variables, kernel", at_angle(kernel, sp.Integer(0), 0, 1), scalar(length / 2)),
        identity("tangent kernel of one layer", scalar(kernel + covariance * opening), scalar(ntk)),
    ),
    wrong=(
        Wrong(
            "slope of the kernel", "the slope of the opposite angle", scalar(angle[()] / (2 * pi) * covariance_slope)
        ),
        Wrong(
            "slope of the kernel",
            "twice the kernel, as for weights of variance 2",
            scalar(2 * opening * covariance_slope),
        ),
        Wrong("slope of the probability", "the density without the sine", scalar(-sine[()] / (2 * pi))),
        Wrong("equal variables, kernel", "as if the activation were linear", scalar(length)),
        Wrong(
            "density at zero by the angle",
            "the cosine in place of the sine",
            scalar(4 * pi**2 * covariance**2),
        ),
        Wrong("tangent kernel of one layer", "the slopes are left out", scalar(kernel)),
    ),
    runs_in="laflow/metric/tangent/infinite_width.py",
    limits=(
        "Price's theorem for the step and the ReLU (derivatives in the sense of distributions), of which "
        "infinite_width proves the differential equation, continuity at the end of the interval, and that sine and "
        "cosine are the solutions of their equations, are used and not proved."
    ),
    family="metric",
)
