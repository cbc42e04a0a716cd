"""How far an error of the tangent moves the direction loss and its gradient."""

from __future__ import annotations

import sympy as sp

from derivations.algebra import Array, Lemma, Tensor, Wrong, differential_claim, identity, scalar, tensor, total
from derivations.assignment.direction_loss import (
    claimed,
    inner_value,
    square_value,
    target,
    target_square_value,
)
from derivations.assignment.notation import i, j, labels, nodes, tangent

direction = Array("direction", nodes, labels, latex="Y")
along_target = total(target[i, j] * direction[i, j], j, i)
along_tangent = total(tangent[i, j] * direction[i, j], j, i)
scale = sp.sqrt(square_value * target_square_value)


# the map: ∂f of (3.4), typed in direction_loss.py; the claim: its differential, the second derivative of f
def curvature(own: sp.Expr, crossed: sp.Expr) -> Tensor:
    """``own`` times the three terms along Y and V, plus ``crossed`` times the two that mix V* and V."""
    mixed = (along_target * tangent[i, j] + along_tangent * target[i, j]) / square_value
    cosine = inner_value / square_value
    ownward = cosine * (direction[i, j] - 3 * along_tangent / square_value * tangent[i, j])
    return tensor((i, j), (crossed * mixed + own * ownward) / scale)


# in the plane of V and V*, with cosine c and sine s of their angle and lengths scaled away, it is [[0, s], [s, c]]
c, eigenvalue = sp.symbols("c lambda")
characteristic = eigenvalue**2 - c * eigenvalue - (1 - c**2)


LEMMA = Lemma(
    name="loss_curvature",
    title="The curvature of the direction loss",
    reference="Eq. (3.4), for the certificate",
    statement=r"""
The second derivative of $f(V) = 1 - \cos\angle(V^*, V)$ along $Y$ is
$$\frac{1}{\|V^*\|\,\|V\|} \Big[ \frac{\langle V^*, Y\rangle V + \langle V, Y\rangle V^*}{\|V\|^2}
+ \frac{\langle V^*, V\rangle}{\|V\|^2} \Big(Y - \frac{3 \langle V, Y\rangle}{\|V\|^2} V \Big) \Big].$$
Normal to $V$ and $V^*$ it multiplies by $c / \|V\|^2$, $c = \cos\angle$; in their plane its matrix is
$\frac{1}{\|V\|^2} \begin{pmatrix} 0 & s \\ s & c \end{pmatrix}$, $s^2 = 1 - c^2$, with the characteristic polynomial
$\chi(\lambda) = \lambda^2 - c \lambda - (1 - c^2)$. As $\chi(\pm 2/\sqrt3) = (c \mp 1/\sqrt3)^2 \ge 0$ and $2/\sqrt3$
lies beyond the vertex $c/2$, no eigenvalue exceeds $\frac{2}{\sqrt3}\, \|V\|^{-2}$ in size, so that
$\|\partial f(V) - \partial f(V')\| \le \frac{2}{\sqrt3}\, \delta / (\|V\| - \delta)^2$ for
$\|V - V'\| \le \delta < \|V\|$. An angle that moves by $\alpha$ moves the loss by at most
$s \sin\alpha + |c| (1 - \cos\alpha)$, $\sin \alpha \le \delta / \|V\|$.
""",
    claims=(
        differential_claim("second derivative", claimed, {tangent: direction}, curvature(1, 1)),
        identity(
            "along V itself",
            scalar(total(tangent[i, j] * curvature(1, 1)[i, j], i, j)),
            scalar((along_target - inner_value / square_value * along_tangent) / scale),
        ),
        identity(
            "largest eigenvalue",
            scalar(characteristic.subs(eigenvalue, 2 / sp.sqrt(3))),
            scalar((c - 1 / sp.sqrt(3)) ** 2),
        ),
        identity(
            "smallest eigenvalue",
            scalar(characteristic.subs(eigenvalue, -2 / sp.sqrt(3))),
            scalar((c + 1 / sp.sqrt(3)) ** 2),
        ),
    ),
    wrong=(
        Wrong("second derivative", "the mixed terms are missing", curvature(1, 0)),
        Wrong("second derivative", "the sign of the mixed terms is flipped", curvature(1, -1)),
        Wrong("second derivative", "the direction of V is held fixed", curvature(0, 1)),
        Wrong(
            "along V itself",
            "the gradient is taken as constant along V",
            scalar(0),
        ),
        Wrong("largest eigenvalue", "1 in place of 2/√3", scalar(characteristic.subs(eigenvalue, 1))),
    ),
    runs_in="laflow/assignment/certificate.py",
    limits=(
        "The second derivative is proved for all sizes. That the plane of V and V* and its complement are invariant is "
        "read off it; the mean value inequality, and that the angle between V and V' has at most the sine δ/|V|, are "
        "used and not proved."
    ),
    sizes=({"nodes": 2, "labels": 2}, {"nodes": 2, "labels": 3}),
)
