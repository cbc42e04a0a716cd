"""The invariants z_i z̄_j/|z|² that a network sees, and the Fubini-Study potential, with their derivatives.

u and v̄ stand for T_a and T̄_b, two rows of the frame; the frame is holomorphic, so ∂̄ does not see it.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    Array,
    Lemma,
    Tensor,
    Wrong,
    commuting,
    differential_claim,
    identity,
    scalar,
    substitute,
    tensor,
    total,
)
from derivations.metric.fubini_study import along, along_bar, moved, scale, scale_bar, square, z, zbar
from derivations.metric.notation import i, j, k

# the map, and the parts of its derivatives
invariant = tensor((i, j), z[i] * zbar[j] / square)
drift = total(along[k] * zbar[k], k) / square  # ∂_a log|z|²
drift_bar = total(z[k] * along_bar[k], k) / square
horizontal = tensor(i, along[i] - z[i] * drift)  # T_a without its part along z
horizontal_bar = tensor(j, along_bar[j] - zbar[j] * drift_bar)
metric = total(along[k] * along_bar[k], k) / square - drift * drift_bar  # π g_FS

# the claim
slope = tensor((i, j), horizontal[i] * zbar[j] / square)
slope_bar = tensor((i, j), z[i] * horizontal_bar[j] / square)


def bend_with(sign: int) -> Tensor:
    """(D_i D̄_j - π g_ab z_i z̄_j)/|z|²."""
    return tensor((i, j), (horizontal[i] * horizontal_bar[j] + sign * metric * z[i] * zbar[j]) / square)


bend = bend_with(-1)

# real and imaginary parts; ι² = -1 is a hypothesis
(iota,) = commuting("iota")
real = tensor((i, j), (invariant[i, j] + invariant[j, i]) / 2)
imaginary = tensor((i, j), (invariant[i, j] - invariant[j, i]) / (2 * iota))
real_slope = tensor((i, j), (slope[i, j] + slope[j, i]) / 2)
real_bend = tensor((i, j), (bend[i, j] + bend[j, i]) / 2)
imaginary_slope = tensor((i, j), (slope[i, j] - slope[j, i]) / (2 * iota))
imaginary_bend = tensor((i, j), (bend[i, j] - bend[j, i]) / (2 * iota))
conjugate = {z: lambda a: zbar[a], zbar: lambda a: z[a]}
lift, lift_bar = (
    Array("lift", latex=r"\mu")[()],
    Array("lift_bar", latex=r"\bar\mu")[()],
)  # the slopes of λ(x) and λ̄(x̄), if the representative changes with x
lifted = {
    **moved,
    along: lambda a: scale * along[a] + lift * z[a],
    along_bar: lambda a: scale_bar * along_bar[a] + lift_bar * zbar[a],
}


def in_new_representative(value: Tensor) -> Tensor:
    """The value for λ(x) z(x), whose derivative is λ u + (∂λ) z."""
    return Tensor(value.free, substitute(value.expr, lifted))


LEMMA = Lemma(
    name="invariant_jets",
    title="Derivatives of the homogeneous invariants",
    reference="Tian, J. Differential Geom. 32, 1990; arXiv:2310.19870",
    statement=r"""
The functions $F_{ij} = z_i \bar z_j / |z|^2$ do not depend on the representative $z$. Along the frame $T$, with
$q_a = \frac{T_a \cdot \bar z}{|z|^2}$, $D_a = T_a - q_a z$ and
$\pi g_{a\bar b} = \frac{T_a \cdot \bar T_b}{|z|^2} - q_a \bar q_b$,
$$\partial_a F_{ij} = \frac{D_{ai} \bar z_j}{|z|^2}, \qquad
\partial_a \bar\partial_b F_{ij} = \frac{D_{ai} \bar D_{bj} - \pi g_{a\bar b}\, z_i \bar z_j}{|z|^2},$$
and $\partial_a \log|z|^2 = q_a$, $\partial_a \bar\partial_b \log|z|^2 = \pi g_{a\bar b}$. The real functions
$\frac12(F_{ij} + F_{ji})$ and $\frac{1}{2\iota}(F_{ij} - F_{ji})$, $\iota^2 = -1$, have the same combinations as their
derivatives; $F_{ji}$ is the conjugate of $F_{ij}$, $F_{ij} = \mathrm{Re} + \iota\, \mathrm{Im}$, and
$\sum_{ij} (\mathrm{Re}^2 + \mathrm{Im}^2) = 1$: they lie on a sphere. If the representative changes to
$\lambda(x) z(x)$, $D$ becomes $\lambda D$ and all derivatives stay.
""",
    claims=(
        differential_claim("first derivative", invariant, {z: along}, slope),
        differential_claim("conjugate derivative", invariant, {zbar: along_bar}, slope_bar),
        differential_claim("mixed second derivative", slope, {zbar: along_bar}, bend),
        differential_claim("first derivative of the potential", scalar(sp.log(square)), {z: along}, scalar(drift)),
        differential_claim("second derivative of the potential", scalar(drift), {zbar: along_bar}, scalar(metric)),
        differential_claim("first derivative of the real part", real, {z: along}, real_slope),
        differential_claim("second derivative of the real part", real_slope, {zbar: along_bar}, real_bend),
        differential_claim("first derivative of the imaginary part", imaginary, {z: along}, imaginary_slope),
        differential_claim(
            "second derivative of the imaginary part", imaginary_slope, {zbar: along_bar}, imaginary_bend
        ),
        identity("conjugate", tensor((i, j), substitute(invariant[i, j], conjugate)), tensor((i, j), invariant[j, i])),
        identity(
            "on a sphere",
            scalar(total(real[i, j] ** 2 + imaginary[i, j] ** 2, i, j)),
            scalar(1 + (iota**2 + 1) * total(imaginary[i, j] ** 2, i, j)),
        ),
        identity("scaling", tensor((i, j), substitute(invariant[i, j], moved)), invariant),
        identity("new representative", in_new_representative(horizontal), tensor(i, scale * horizontal[i])),
        identity("slope for a new representative", in_new_representative(slope), slope),
        identity("bend for a new representative", in_new_representative(bend), bend),
    ),
    wrong=(
        Wrong("first derivative", "the norm is held fixed", tensor((i, j), along[i] * zbar[j] / square)),
        Wrong("mixed second derivative", "the metric enters with a plus sign", bend_with(1)),
        Wrong("mixed second derivative", "the metric is left out", bend_with(0)),
        Wrong("mixed second derivative", "the indices are exchanged", tensor((i, j), bend[j, i])),
        Wrong(
            "second derivative of the potential",
            "the square of the drift is left out",
            scalar(total(along[k] * along_bar[k], k) / square),
        ),
        Wrong("conjugate", "the invariants are real", invariant),
        Wrong("new representative", "T itself is taken as horizontal", tensor(i, scale * along[i])),
    ),
    runs_in="laflow/metric/features/feature_map.py",
    limits="Proved for all sizes. That ∂̄_b does not act on T_a is the holomorphy of the frame (implicit_pullback).",
    sizes=({"coordinates": 2}, {"coordinates": 3}),
    family="metric",
)
