"""The exponential maps of the simplex, their inverses and their differentials, Eqs. (2.11c)-(2.11f)."""

from __future__ import annotations

import sympy as sp

from derivations.algebra import Array, Lemma, Tensor, Wrong, differential_claim, identity, tensor, total
from derivations.assignment.notation import j, l, labels
from derivations.assignment.simplex_geometry import other, point, project, replicate, vector

target = Array("target", labels, latex="q", sums={0: 1})
tangent_vector = Array("tangent_vector", labels, latex="v", sums={0: 0})


def exponential(p: Array | Tensor, v: Array | Tensor) -> Tensor:
    """Exp_p(v) = p e^{v/p} / <p, e^{v/p}>."""
    return tensor(j, p[j] * sp.exp(v[j] / p[j]) / total(p[l] * sp.exp(v[l] / p[l]), l))


def exponential_inverse(p: Array | Tensor, q: Array | Tensor) -> Tensor:
    """Exp_p⁻¹(q) = R_p log(q/p)."""
    return replicate(p, tensor(j, sp.log(q[j] / p[j])))


def lifting(p: Array | Tensor, v: Array | Tensor) -> Tensor:
    """exp_p(v) = p e^v / <p, e^v>."""
    return tensor(j, p[j] * sp.exp(v[j]) / total(p[l] * sp.exp(v[l]), l))


def lifting_inverse(p: Array | Tensor, q: Array | Tensor) -> Tensor:
    """exp_p⁻¹(q) = Π0 log(q/p)."""
    return project(tensor(j, sp.log(q[j] / p[j])))


def over(v: Array | Tensor, p: Array | Tensor) -> Tensor:
    """v/p, entry by entry."""
    return tensor(j, v[j] / p[j])


curved, lifted = exponential(point, vector), lifting(point, vector)
same_point, same_vector = tensor(j, target[j]), tensor(j, tangent_vector[j])

LEMMA = Lemma(
    name="exponential_maps",
    title="Exponential maps, their inverses and differentials",
    reference="Eqs. (2.11c), (2.11d), (2.11e), (2.11f); Appendix A.1",
    statement=r"""
For $p, q$ in the open simplex, $v \in T_0$:
$\mathrm{Exp}_p(v) = \frac{p e^{v/p}}{\langle p, e^{v/p}\rangle}$,
$\mathrm{Exp}_p^{-1}(q) = R_p \log\frac qp$,
$\exp_p(v) = \frac{p e^v}{\langle p, e^v\rangle} = \mathrm{Exp}_p(R_p v)$,
$\exp_p^{-1}(q) = \Pi_0 \log\frac qp$: each pair is inverse on either side,
$\exp_p = \exp_p \circ \Pi_0$, and
$d\exp_p(v) u = R_{\exp_p(v)} u$, $d\mathrm{Exp}_p(v) u = R_{\mathrm{Exp}_p(v)} \frac up$,
$d\exp_p^{-1}(q) u = \Pi_0 \frac uq$, $d\mathrm{Exp}_p^{-1}(q) u = R_p \frac uq$.
""",
    claims=(
        identity("lifting map from the exponential map", exponential(point, replicate(point, vector)), lifted),
        identity("lifting map ignores constants", lifting(point, project(vector)), lifted),
        identity("Exp after its inverse", exponential(point, exponential_inverse(point, target)), same_point),
        identity(
            "Exp before its inverse",
            exponential_inverse(point, exponential(point, tangent_vector)),
            same_vector,
        ),
        identity("exp after its inverse", lifting(point, lifting_inverse(point, target)), same_point),
        identity("exp before its inverse", lifting_inverse(point, lifting(point, tangent_vector)), same_vector),
        differential_claim("differential of exp", lifted, {vector: other}, replicate(lifted, other)),
        differential_claim("differential of Exp", curved, {vector: other}, replicate(curved, over(other, point))),
        differential_claim(
            "differential of the inverse of exp",
            lifting_inverse(point, target),
            {target: other},
            project(over(other, target)),
        ),
        differential_claim(
            "differential of the inverse of Exp",
            exponential_inverse(point, target),
            {target: other},
            replicate(point, over(other, target)),
        ),
    ),
    wrong=(
        Wrong("differential of exp", "replicator at the base point, not at the image", replicate(point, other)),
        Wrong("differential of Exp", "the division by the base point is missing", replicate(curved, other)),
        Wrong("differential of the inverse of exp", "the projection is missing", over(other, target)),
        Wrong("Exp after its inverse", "it returns to the base point", tensor(j, point[j])),
        Wrong("lifting map from the exponential map", "both maps are the same", exponential(point, vector)),
        Wrong(
            "exp before its inverse",
            "the inverse subtracts the mean weighted by the base point",
            tensor(j, tangent_vector[j] - total(point[l] * tangent_vector[l], l)),
        ),
    ),
)
