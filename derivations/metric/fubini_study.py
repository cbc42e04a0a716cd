"""The Fubini-Study metric in homogeneous coordinates.

Wirtinger's calculus: z and z̄ are independent arrays; ∂ is a derivative along z alone, ∂̄ along z̄ alone.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    Array,
    Delta,
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
from derivations.metric.notation import coordinates, i, j, k

z, zbar = Array("z", coordinates), Array("zbar", coordinates, latex=r"\bar z")
along, along_bar = Array("along", coordinates, latex="u"), Array("along_bar", coordinates, latex=r"\bar v")
pi = sp.Symbol("pi", positive=True)
scale, scale_bar = Array("scale", latex=r"\lambda")[()], Array("scale_bar", latex=r"\bar\lambda")[()]

# the map: (1/π) log |z|²
square = total(z[k] * zbar[k], k)
potential = sp.log(square) / pi
slope = tensor(i, zbar[i] / (pi * square))


# the claim: its mixed second derivatives
def metric_matrix(sign: int = -1, power: int = 2) -> Tensor:
    """(δ_ij/|z|² - z̄_i z_j/|z|⁴)/π."""
    return tensor((i, j), (Delta(i, j) / square + sign * zbar[i] * z[j] / square**power) / pi)


metric = metric_matrix()
conjugated = tensor((i, j), (Delta(i, j) / square - z[i] * zbar[j] / square**2) / pi)


def form(of_matrix: Tensor) -> sp.Expr:
    """Σ_ij h_ij u_i v̄_j."""
    return total(of_matrix[i, j] * along[i] * along_bar[j], i, j)


def turning(vector: Array, point: Array) -> Tensor:
    """z_i u_j - z_j u_i: how far u leaves the line of z."""
    return tensor((i, j), point[i] * vector[j] - point[j] * vector[i])


moved = {z: lambda a: scale * z[a], zbar: lambda a: scale_bar * zbar[a]}
turned, turned_bar = turning(along, z), turning(along_bar, zbar)

LEMMA = Lemma(
    name="fubini_study",
    title="The Fubini-Study metric",
    reference="Griffiths & Harris, Principles of Algebraic Geometry, 1978",
    statement=r"""
On $P^{n+1}$ with homogeneous coordinates $z$ the Kähler potential $\frac1\pi \log|z|^2$ has the mixed derivatives
$$h_{i\bar j} = \frac1\pi \Big(\frac{\delta_{ij}}{|z|^2} - \frac{\bar z_i z_j}{|z|^4}\Big).$$
They vanish along the line of $z$: $\sum_i z_i h_{i\bar j} = 0 = \sum_j h_{i\bar j} \bar z_j$; they scale by
$|\lambda|^{-2}$ for $z \mapsto \lambda z$, so that lengths on $P^{n+1}$ do not depend on the representative; and by
Lagrange's identity
$h(u, \bar v) = \frac{1}{2\pi |z|^4} \sum_{ij} (z_i u_j - z_j u_i)(\bar z_i \bar v_j - \bar z_j \bar v_i)$, so that
$h(u, \bar u) > 0$ unless $u$ is a multiple of $z$.
""",
    claims=(
        gradient_claim("first derivative", potential, z, slope),
        differential_claim(
            "mixed second derivative", slope, {zbar: along_bar}, tensor(i, total(metric[i, j] * along_bar[j], j))
        ),
        identity("vanishes along z", tensor(j, total(z[i] * metric[i, j], i)), tensor(j, 0)),
        identity("vanishes along the conjugate", tensor(i, total(metric[i, j] * zbar[j], j)), tensor(i, 0)),
        identity(
            "scaling",
            tensor((i, j), substitute(metric[i, j], moved)),
            tensor((i, j), metric[i, j] / (scale * scale_bar)),
        ),
        identity(
            "Lagrange's identity",
            scalar(form(metric)),
            scalar(total(turned[i, j] * turned_bar[i, j], i, j) / (2 * pi * square**2)),
        ),
        identity(
            "Hermitian",
            tensor((i, j), substitute(metric[j, i], {z: lambda a: zbar[a], zbar: lambda a: z[a]})),
            metric,
        ),
    ),
    wrong=(
        Wrong(
            "mixed second derivative",
            "the sign of the second term is flipped",
            tensor(i, total(metric_matrix(1)[i, j] * along_bar[j], j)),
        ),
        Wrong(
            "mixed second derivative",
            "the second term is divided by |z|² only",
            tensor(i, total(metric_matrix(-1, 1)[i, j] * along_bar[j], j)),
        ),
        Wrong(
            "mixed second derivative",
            "the conjugate matrix",
            tensor(i, total(conjugated[i, j] * along_bar[j], j)),
        ),
        Wrong("mixed second derivative", "the space is taken as flat", tensor(i, along_bar[i] / (pi * square))),
        Wrong("scaling", "the matrix itself is taken as invariant", metric),
        Wrong(
            "Lagrange's identity",
            "both orders of a pair are counted",
            scalar(total(turned[i, j] * turned_bar[i, j], i, j) / (pi * square**2)),
        ),
    ),
    runs_in="laflow/metric/geometry/fubini_study.py",
    limits=(
        "Proved for all sizes. That the volume of a hypersurface of degree d is d/n! (Wirtinger's theorem, and that "
        "the class of the form is that of a hyperplane) is used for the normalisation and not proved."
    ),
    sizes=({"coordinates": 2}, {"coordinates": 3}),
    family="metric",
)
