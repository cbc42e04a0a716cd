"""Derivatives on a hypersurface: the slope of the dependent coordinate, and the pullback of ∂∂̄f.

Near a point X is a graph: the coordinates x_a are free, and z = z(x) is holomorphic. The frame is T_ai = ∂z_i/∂x_a.
Functions are polynomials of low degree with arrays of any values as coefficients.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import Array, Lemma, Tensor, Wrong, differential_claim, identity, scalar, tensor, total
from derivations.metric.fubini_study import z
from derivations.metric.notation import a, b, c, coordinates, directions, i, j

# the hypersurface: p(x, y) with free coordinates x_a and the dependent coordinate y
free, free_along = Array("free", directions, latex="x"), Array("free_along", directions, latex="u")
dependent, dependent_along = Array("dependent", latex="y"), Array("dependent_along", latex="w")
slope, bend = Array("slope", directions, latex="p"), Array("bend", directions, directions, latex="p")
dependent_slope, mixed = Array("dependent_slope", latex="p_y"), Array("mixed", directions, latex="p_y")
dependent_bend = Array("dependent_bend", latex="p_{yy}")
y = dependent[()]
polynomial = (
    total(slope[a] * free[a], a)
    + dependent_slope[()] * y
    + total(bend[a, b] * free[a] * free[b], a, b) / 2
    + total(mixed[a] * free[a], a) * y
    + dependent_bend[()] * y**2 / 2
)
polynomial_slope = tensor(a, slope[a] + total((bend[a, b] + bend[b, a]) * free[b], b) / 2 + mixed[a] * y)
polynomial_dependent_slope = dependent_slope[()] + total(mixed[b] * free[b], b) + dependent_bend[()] * y
increment = total(polynomial_slope[a] * free_along[a], a) + polynomial_dependent_slope * dependent_along[()]

# the claim: w = -Σ_a p_a u_a / p_y
implicit = -total(polynomial_slope[a] * free_along[a], a) / polynomial_dependent_slope

# the same in homogeneous coordinates: selections say where the free coordinates and the dependent one stand
own = Array("own", directions, coordinates, latex="E")
dependent_unit = Array("dependent_unit", coordinates, latex="e")
gradient = Array("gradient", coordinates, latex=r"\partial p")
hessian = Array("hessian", coordinates, coordinates, latex=r"\partial^2 p")
moving = tensor(i, gradient[i] + total((hessian[i, j] + hessian[j, i]) * z[j], j) / 2)  # ∂p moves with z
along_free = tensor(a, total(own[a, i] * moving[i], i))
along_dependent = total(dependent_unit[i] * moving[i], i)


def frame_with(sign: int) -> Tensor:
    """T_ai = E_ai - (p_a / p_dep) e_i."""
    return tensor((a, i), own[a, i] + sign * along_free[a] / along_dependent * dependent_unit[i])


frame = frame_with(-1)
direction = Array("direction", directions, latex="u")
tangent = tensor(i, total(direction[c] * frame[c, i], c))
frame_slope = tensor(
    (a, i),
    -total((hessian[i, j] + hessian[j, i]) * frame[a, i] * tangent[j], i, j) / 2 / along_dependent * dependent_unit[i],
)

# the pullback: f(z(x), z̄(x̄)) with a holomorphic z(x), bent by C
x, xbar = Array("x", directions), Array("xbar", directions, latex=r"\bar x")
direction_bar = Array("direction_bar", directions, latex=r"\bar v")
jacobian, jacobian_bar = (
    Array("jacobian", directions, coordinates, latex="T"),
    Array("jacobian_bar", directions, coordinates, latex=r"\bar T"),
)
curve, curve_bar = (
    Array("curve", directions, directions, coordinates, latex="C"),
    Array("curve_bar", directions, directions, coordinates, latex=r"\bar C"),
)
holomorphic, antiholomorphic = (
    Array("holomorphic", coordinates, latex="A"),
    Array("antiholomorphic", coordinates, latex="B"),
)
mixed_form = Array("mixed_form", coordinates, coordinates, latex="h")


def graph(free: Array, jacobian: Array, curve: Array) -> Tensor:
    """z_i(x), to second order."""
    return tensor(i, total(jacobian[a, i] * free[a], a) + total(curve[a, b, i] * free[a] * free[b], a, b) / 2)


def graph_slope(free: Array, jacobian: Array, curve: Array) -> Tensor:
    """∂z_i/∂x_a."""
    return tensor((a, i), jacobian[a, i] + total((curve[a, b, i] + curve[b, a, i]) * free[b], b) / 2)


point, point_bar = graph(x, jacobian, curve), graph(xbar, jacobian_bar, curve_bar)
slopes, slopes_bar = graph_slope(x, jacobian, curve), graph_slope(xbar, jacobian_bar, curve_bar)
pulled = total(holomorphic[i] * point[i] + antiholomorphic[i] * point_bar[i], i) + total(
    mixed_form[i, j] * point[i] * point_bar[j], i, j
)
first = total(direction[a] * slopes[a, i] * (holomorphic[i] + total(mixed_form[i, j] * point_bar[j], j)), a, i)


def pullback(right: Tensor) -> sp.Expr:
    """u T h T̄ᵀ v̄."""
    return total(direction[a] * slopes[a, i] * mixed_form[i, j] * right[b, j] * direction_bar[b], a, b, i, j)


LEMMA = Lemma(
    name="implicit_pullback",
    title="The frame of a hypersurface and the pullback of a Hermitian form",
    reference="Implicit function theorem; Griffiths & Harris 1978",
    statement=r"""
Where $p = 0$ and $\partial p/\partial z_{dep} \ne 0$ the hypersurface is a graph over the free coordinates $x_a$, with
$\partial z_{dep}/\partial x_a = -p_a / p_{dep}$. So the frame $T_{ai} = \partial z_i/\partial x_a$ is 1 at the own
coordinate, $-p_a/p_{dep}$ at the dependent one and 0 at the patch's, $\sum_i T_{ai} \partial_i p = 0$, and it changes
along $T_c$ by $\partial_c T_{ai} = -\frac{1}{p_{dep}} (T_a\, \partial^2 p\, T_c^\top)\, e_i$, in the dependent
coordinate only. As $z(x)$ is holomorphic,
$$\partial_a \bar\partial_b f(z(x), \bar z(\bar x)) = \sum_{ij} T_{ai}\, \partial_i \bar\partial_j f\, \bar T_{bj}$$
without any further term: the second derivatives of $z(x)$ do not enter.
""",
    claims=(
        differential_claim(
            "increment of the polynomial",
            scalar(polynomial),
            {free: free_along, dependent: dependent_along},
            scalar(increment),
        ),
        identity(
            "slope of the dependent coordinate",
            scalar(dependent_along[()]),
            scalar(implicit + increment / polynomial_dependent_slope),
        ),
        identity("the frame is tangent", tensor(a, total(frame[a, i] * moving[i], i)), tensor(a, 0)),
        differential_claim("slope of the frame", frame, {z: tangent}, frame_slope),
        differential_claim("first derivative", scalar(pulled), {x: direction}, scalar(first)),
        differential_claim("pullback", scalar(first), {xbar: direction_bar}, scalar(pullback(slopes_bar))),
    ),
    wrong=(
        Wrong(
            "slope of the dependent coordinate",
            "the minus sign is forgotten",
            scalar(-implicit + increment / polynomial_dependent_slope),
        ),
        Wrong(
            "slope of the dependent coordinate",
            "the quotient is upside down",
            scalar(
                -total(free_along[a] / polynomial_slope[a], a) * polynomial_dependent_slope
                + increment / polynomial_dependent_slope
            ),
        ),
        Wrong("the frame is tangent", "as if nothing moved", tensor(a, along_free[a])),
        Wrong(
            "slope of the frame",
            "the slope of the denominator is forgotten",
            tensor(
                (a, i),
                -total((hessian[i, j] + hessian[j, i]) * own[a, i] * tangent[j], i, j)
                / 2
                / along_dependent
                * dependent_unit[i],
            ),
        ),
        Wrong(
            "pullback",
            "a term with the second derivatives of z(x) is added",
            scalar(
                pullback(slopes_bar) + total(holomorphic[i] * curve[a, b, i] * direction[a] * direction_bar[b], a, b, i)
            ),
        ),
        Wrong("pullback", "the frame is not conjugated", scalar(pullback(slopes))),
        Wrong("pullback", "the frame is taken at the start", scalar(pullback(tensor((b, j), jacobian_bar[b, j])))),
    ),
    runs_in="laflow/metric/geometry/hypersurface.py",
    limits=(
        "Proved for all sizes, for polynomials p, f and z(x) of the second degree with coefficients of any value (f "
        "with the terms that mix z and z̄, and linear ones): derivatives up to the second order at a point see no "
        "more. That z(x) exists and is holomorphic is the implicit function theorem, which is used and not proved."
    ),
    sizes=({"directions": 2, "coordinates": 3}, {"directions": 1, "coordinates": 3}),
    family="metric",
)
