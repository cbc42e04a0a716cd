"""The expectations of erf: an arc sine and its slope.

The arc sine is the angle of a rotation: ``angle``, ``sine`` and ``cosine`` move with the slopes 1, cos and -sin, and
sin² + cos² = 1 is a hypothesis, a term that vanishes.
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
    identity,
    scalar,
    substitute,
)
from derivations.metric.infinite_width import a, b, c, density, determinant, h, k, pi

angle, sine, cosine = (
    Array("angle", latex=r"\alpha"),
    Array("sine", latex=r"(\sin\alpha)"),
    Array("cosine", latex=r"(\cos\alpha)"),
)
turn: dict[Array, Array | Tensor] = {angle: scalar(1), sine: scalar(cosine[()]), cosine: scalar(-sine[()])}
circle = 1 - sine[()] ** 2 - cosine[()] ** 2


def at_angle(expr: sp.Expr, angle_value: sp.Expr, sine_value: int, cosine_value: int) -> Tensor:
    """The value at an angle whose sine and cosine are known."""
    values = {angle: sp.sympify(angle_value), sine: sp.Integer(sine_value), cosine: sp.Integer(cosine_value)}
    return scalar(substitute(expr, {array: scalar(value) for array, value in values.items()}))


# the Gaussian integral: erf'(h) erf'(k) ρ = (4/π) e^{-h²-k²} ρ, with the inverse covariance Σ⁻¹ + 2
inverse_first, inverse_second, inverse_mixed = b / determinant + 2, a / determinant + 2, -c / determinant
narrowed = sp.exp(-(inverse_first * h**2 + 2 * inverse_mixed * h * k + inverse_second * k**2) / 2) / (
    2 * pi * sp.sqrt(determinant)
)
narrow_determinant = inverse_first * inverse_second - inverse_mixed**2


# the claims: K̇ = (4/π)/√((1 + 2Σ_11)(1 + 2Σ_22) - 4Σ_12²), K = (2/π) asin(2Σ_12/√((1 + 2Σ_11)(1 + 2Σ_22)))
def whole_determinant(factor: int) -> sp.Expr:
    """det(1 + 2Σ), for factor 4."""
    return (1 + 2 * a) * (1 + 2 * b) - factor * c**2


first, second = sp.symbols("A B")  # 1 + 2Σ_11 and 1 + 2Σ_22
length = sp.sqrt(first * second)
covariance = length * sine[()] / 2  # Σ_12 at the angle α
kernel = 2 / pi * angle[()]
slope = 4 / (pi * length * cosine[()])
slope_of_covariance = 4 / (pi * sp.sqrt(whole_determinant(4)))

LEMMA = Lemma(
    name="infinite_width_erf",
    title="The kernel of an infinitely wide layer with erf",
    reference="Williams, Computing with infinite networks, NIPS 1996",
    statement=r"""
For Gaussian $h$, $k$ with covariance $\Sigma$ and $\sigma = \mathrm{erf}$, $\sigma'(h) = \frac{2}{\sqrt\pi} e^{-h^2}$,
$$\dot K = E[\sigma'(h)\sigma'(k)] = \frac4\pi \det(1 + 2\Sigma)^{-1/2}, \quad
\det(1 + 2\Sigma) = (1 + 2\Sigma_{11})(1 + 2\Sigma_{22}) - 4\Sigma_{12}^2,$$
since $e^{-h^2 - k^2}$ times the density is a Gaussian with the inverse covariance $\Sigma^{-1} + 2$ and
$\det\Sigma \det(\Sigma^{-1} + 2) = \det(1 + 2\Sigma)$. With
$2\Sigma_{12} = \sqrt{(1 + 2\Sigma_{11})(1 + 2\Sigma_{22})}\, \sin\alpha$,
$$K = \frac2\pi \alpha = \frac2\pi \arcsin\frac{2\Sigma_{12}}{\sqrt{(1 + 2\Sigma_{11})(1 + 2\Sigma_{22})}},$$
because it vanishes at $\Sigma_{12} = 0$, where $h$ and $k$ are independent and erf is odd, and has
$dK/d\Sigma_{12} = \dot K$ (Price). The next slope is
$\ddot K = \frac{16}{\pi} \Sigma_{12} \det(1 + 2\Sigma)^{-3/2}$.
""",
    claims=(
        identity("narrowed density", scalar(sp.exp(-(h**2)) * sp.exp(-(k**2)) * density), scalar(narrowed)),
        identity("determinant", scalar(determinant * narrow_determinant), scalar(whole_determinant(4))),
        identity(
            "slope by the angle",
            scalar((4 / (pi * slope)) ** 2),
            scalar(first * second - 4 * covariance**2 - first * second * circle),
        ),
        differential_claim("covariance by the angle", scalar(covariance), turn, scalar(length * cosine[()] / 2)),
        differential_claim("slope of the kernel", scalar(kernel), turn, scalar(slope * length * cosine[()] / 2)),
        identity("covariance of independent variables", at_angle(covariance, 0, 0, 1), scalar(0)),
        identity("kernel of independent variables", at_angle(kernel, 0, 0, 1), scalar(0)),
        derivative_claim(
            "second slope",
            scalar(slope_of_covariance),
            c,
            scalar(16 * c / (pi * whole_determinant(4) ** sp.Rational(3, 2))),
        ),
    ),
    wrong=(
        Wrong("determinant", "the covariance counts half", scalar(whole_determinant(2))),
        Wrong("narrowed density", "one slope only", scalar(sp.exp(-(h**2)) * density)),
        Wrong("slope by the angle", "the covariance is not doubled", scalar(first * second - covariance**2)),
        Wrong("slope of the kernel", "the slope without its cosine", scalar(slope * length / 2)),
        Wrong("slope of the kernel", "twice the kernel", scalar(slope * length * cosine[()])),
        Wrong(
            "second slope",
            "the sign is flipped",
            scalar(-16 * c / (pi * whole_determinant(4) ** sp.Rational(3, 2))),
        ),
    ),
    runs_in="laflow/metric/tangent/infinite_width.py",
    limits=(
        "The Gaussian integral ∫ e^{-xᵀMx/2} = 2π det(M)^{-1/2}, Price's theorem (of which infinite_width proves the "
        "differential equation), and that sine and cosine are the solution of their equations that starts at 0 and 1, "
        "so that a function with the right slope and start is the arc sine, are used and not proved."
    ),
    family="metric",
)
