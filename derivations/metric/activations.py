"""Activations that run without a kernel of their own: softplus, GELU, erf, sine, square, with three derivatives each.

Functions that the language does not know (erf, sine) are arrays that hold their values at u; what they are is said by
the direction in which they move with u.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import Array, Claim, Lemma, Tensor, Wrong, differential_claim, tensor
from derivations.metric.notation import s, sites

argument = Array("argument", sites, latex="u")
turn = Array("turn", sites, latex=r"\dot u")
u, du = argument[s], turn[s]

# the maps, value and derivatives
scale = sp.Symbol("scale", positive=True)  # 2/√π for erf, 1/√(2π) for the normal density
softplus = sp.log(1 + sp.exp(u))
logistic = 1 / (1 + sp.exp(-u))
spread = logistic * (1 - logistic)

error_function = Array("error_function", sites, latex=r"\mathrm{erf}")
bell = scale * sp.exp(-(u**2))

distribution = Array("distribution", sites, latex=r"\Phi")
density = scale * sp.exp(-(u**2) / 2)
gelu = u * distribution[s]

sine, cosine = Array("sine", sites, latex=r"\sin u"), Array("cosine", sites, latex=r"\cos u")
Jet = tuple[sp.Expr, sp.Expr, sp.Expr, sp.Expr]
JETS: dict[str, Jet] = {
    "softplus": (softplus, logistic, spread, spread * (1 - 2 * logistic)),
    "erf": (error_function[s], bell, -2 * u * bell, (4 * u**2 - 2) * bell),
    "GELU": (gelu, distribution[s] + u * density, density * (2 - u**2), density * u * (u**2 - 4)),
    "sine": (sine[s], cosine[s], -sine[s], -cosine[s]),
    "square": (u**2, 2 * u, sp.Integer(2), sp.Integer(0)),
}
MOTION: dict[Array, Array | Tensor] = {
    argument: turn,
    error_function: tensor(s, bell * du),
    distribution: tensor(s, density * du),
    sine: tensor(s, cosine[s] * du),
    cosine: tensor(s, -sine[s] * du),
}
ORDERS = ("first", "second", "third")


def motion_of(*read: Array) -> dict[Array, Array | Tensor]:
    """How u and the functions that are read move."""
    return {array: MOTION[array] for array in (argument, *read)}


READS: dict[str, tuple[Array, ...]] = {
    "softplus": (),
    "erf": (error_function,),
    "GELU": (distribution,),
    "sine": (sine, cosine),
    "square": (),
}


def claims(name: str) -> list[Claim]:
    """Each derivative is that of the one before."""
    jet = JETS[name]
    return [
        differential_claim(
            f"{name}, {order} derivative", tensor(s, before), motion_of(*READS[name]), tensor(s, after * du)
        )
        for order, before, after in zip(ORDERS, jet, jet[1:], strict=False)
    ]


# Φ(u) = (1 + erf(u/√2))/2, so that the two scales are one statement: 1/√(2π) = (2/√π) / (2√2)
erf_at_root: dict[Array, Array | Tensor] = {
    argument: turn,
    error_function: tensor(s, scale * sp.exp(-((u / sp.sqrt(2)) ** 2)) * du / sp.sqrt(2)),
}
density_from_erf = tensor(s, density.xreplace({scale: scale / (2 * sp.sqrt(2))}) * du)

LEMMA = Lemma(
    name="activations",
    title="Activations and their derivatives",
    reference="Eqs. of σ', σ'', σ''' (Abramowitz and Stegun 4.3, 7.1, 26.2)",
    statement=r"""
Jets need $\sigma$ and $\sigma', \sigma''$, and their adjoint $\sigma'''$. Softplus: $\sigma' = 1/(1 + e^{-u})$,
$\sigma'' = \sigma' (1 - \sigma')$, $\sigma''' = \sigma'' (1 - 2\sigma')$. The error function:
$\sigma' = \frac{2}{\sqrt\pi} e^{-u^2}$, $\sigma'' = -2u\sigma'$, $\sigma''' = (4u^2 - 2) \sigma'$. GELU is
$u\,\Phi(u)$ with $\Phi(u) = \frac12 (1 + \mathrm{erf}(u/\sqrt2))$ and density $\varphi$: $\Phi + u\varphi$,
$(2 - u^2) \varphi$, $u (u^2 - 4) \varphi$. Sine: $\cos u$, $-\sin u$, $-\cos u$. Square: $2u$, $2$, $0$.
""",
    claims=[
        *(claim for name in JETS for claim in claims(name)),
        differential_claim(
            "the density of GELU from erf", tensor(s, (1 + error_function[s]) / 2), erf_at_root, density_from_erf
        ),
    ],
    wrong=(
        Wrong("softplus, second derivative", "the square is missing", tensor(s, logistic * du)),
        Wrong("erf, third derivative", "the derivative of u is missing", tensor(s, 4 * u**2 * bell * du)),
        Wrong("GELU, first derivative", "u is taken as constant", tensor(s, u * density * du)),
        Wrong("GELU, second derivative", "1 in place of 2", tensor(s, density * (1 - u**2) * du)),
        Wrong("GELU, third derivative", "the sign", tensor(s, density * u * (4 - u**2) * du)),
        Wrong("sine, second derivative", "the sign", tensor(s, sine[s] * du)),
        Wrong(
            "the density of GELU from erf",
            "the factor 1/√2 is missing",
            tensor(s, sp.sqrt(2) * density_from_erf[s]),
        ),
    ),
    runs_in="laflow/metric/model/activations.py",
    limits="That erf' = (2/√π) e^{-u²}, sin' = cos and cos' = -sin is what these functions are taken to be here.",
    family="metric",
)
