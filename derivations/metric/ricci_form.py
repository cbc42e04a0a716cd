"""The Ricci form of a Kähler metric, Ric = -∂∂̄ log det g.

Along fixed directions ∂ and ∂̄ turn the metric G (first index a, second b̄) into the matrices ∂G, ∂̄G and ∂∂̄G; H is the
inverse of G. Hypotheses are tensors that vanish, added to a claim with their multipliers.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import Array, Claim, Lemma, Tensor, Wrong, differential_claim, identity, scalar, total
from derivations.algebra.matrices import add, identity_matrix, multiply, scaled, subtract
from derivations.metric.notation import a, b, directions

metric, inverse = (
    Array("metric", directions, directions, latex="G"),
    Array("inverse", directions, directions, latex="H"),
)
slope = Array("slope", directions, directions, latex=r"\partial G")
slope_bar = Array("slope_bar", directions, directions, latex=r"\bar\partial G")
bend = Array("bend", directions, directions, latex=r"\partial\bar\partial G")
inverse_slope = Array("inverse_slope", directions, directions, latex=r"\bar\partial H")


def trace(matrix: Tensor) -> sp.Expr:
    """Σ_a A_aa."""
    return total(matrix[a, a], a)


# hypotheses: H G = 1, and ∂̄ of G H = 1
left_inverse = subtract(multiply(inverse, metric), identity_matrix(directions))
constant_product = add(multiply(slope_bar, inverse), multiply(metric, inverse_slope))
inverse_hypotheses = subtract(multiply(inverse, constant_product), multiply(left_inverse, inverse_slope))
inverse_slope_claimed = scaled(-1, multiply(inverse, slope_bar, inverse))

# the claim: ∂̄ of tr(H ∂G), for all sizes
first = trace(multiply(inverse, slope))


def second(sign: int) -> Tensor:
    """tr(H ∂∂̄G) - tr(H ∂G H ∂̄G)."""
    return scalar(trace(multiply(inverse, bend)) + sign * trace(multiply(inverse, slope, inverse, slope_bar)))


# the same with log det written out, for explicit dimensions
Entries = tuple[tuple[Array, ...], ...]
DIMENSIONS = (1, 2, 3)
SCALARS = (("g", "g"), ("dg", r"\partial g"), ("dbarg", r"\bar\partial g"), ("ddbarg", r"\partial\bar\partial g"))
SHIFT = 4  # on the diagonal: entries of order one then leave the determinant, and what its logarithm is of, positive


def entries(name: str, latex: str, count: int) -> Entries:
    """A matrix of scalars."""
    places = range(1, count + 1)
    return tuple(
        tuple(Array(f"{name}_{row}{column}", latex=f"{latex}_{{{row}{column}}}") for column in places) for row in places
    )


def values(matrix: Entries) -> sp.Matrix:
    """Their matrix, for SymPy."""
    return sp.Matrix([[entry[()] for entry in row] for row in matrix])


def paired(variables: Entries, towards: Entries) -> dict[Array, Array | Tensor]:
    """Every entry with its direction."""
    rows = zip(variables, towards, strict=True)
    return {variable: direction for row in rows for variable, direction in zip(*row, strict=True)}


def trace_of_slope(matrix: sp.Matrix, slope: sp.Matrix) -> sp.Expr:
    """tr(G⁻¹ ∂G), with the inverse by cofactors."""
    return (matrix.adjugate() * slope).trace() / matrix.det(method="berkowitz")


def written_out(count: int) -> tuple[Claim, Claim]:
    """∂ log det G = tr(G⁻¹ ∂G), and ∂̄ of that."""
    g, dg, dbar_g, ddbar_g = (entries(name, latex, count) for name, latex in SCALARS)
    shifted = values(g) + SHIFT * sp.eye(count)
    inverse = values(g).adjugate() / values(g).det(method="berkowitz")
    twice = trace_of_slope(values(g), values(ddbar_g)) - (inverse * values(dg) * inverse * values(dbar_g)).trace()
    return (
        differential_claim(
            f"slope of log det, n = {count}",
            scalar(sp.log(shifted.det(method="berkowitz"))),
            paired(g, dg),
            scalar(trace_of_slope(shifted, values(dg))),
        ),
        differential_claim(
            f"bend of log det, n = {count}",
            scalar(trace_of_slope(values(g), values(dg))),
            {**paired(g, dbar_g), **paired(dg, ddbar_g)},
            scalar(twice),
        ),
    )


explicit = tuple(claim for count in DIMENSIONS for claim in written_out(count))

# a φ-model: det G = κ |Ω|² (1 + r) with a holomorphic Ω = 1/p
free, free_bar = Array("free", directions, latex="x"), Array("free_bar", directions, latex=r"\bar x")
u, vbar = Array("u", directions), Array("vbar", directions, latex=r"\bar v")
level, rise = Array("level", latex="p"), Array("rise", directions, latex="p")
level_bar, rise_bar = Array("level_bar", latex=r"\bar p"), Array("rise_bar", directions, latex=r"\bar p")
ratio_rise, ratio_rise_bar = Array("ratio_rise", directions, latex="A"), Array("ratio_rise_bar", directions, latex="B")
ratio_bend = Array("ratio_bend", directions, directions, latex="M")
kappa = sp.Symbol("kappa", positive=True)
holomorphic = level[()] + total(rise[a] * free[a], a)
antiholomorphic = level_bar[()] + total(rise_bar[a] * free_bar[a], a)
density = kappa / (holomorphic * antiholomorphic)
density_slope = -total(rise[a] * u[a], a) / holomorphic
ratio = (
    1
    + total(ratio_rise[a] * free[a] + ratio_rise_bar[a] * free_bar[a], a)
    + total(ratio_bend[a, b] * free[a] * free_bar[b], a, b)
)
ratio_slope = total(u[a] * (ratio_rise[a] + total(ratio_bend[a, b] * free_bar[b], b)), a)
ratio_slope_bar = total(vbar[b] * (ratio_rise_bar[b] + total(ratio_bend[a, b] * free[a], a)), b)
ratio_mixed = total(u[a] * ratio_bend[a, b] * vbar[b], a, b)

LEMMA = Lemma(
    name="ricci_form",
    title="The Ricci form",
    reference="Griffiths & Harris, Principles of Algebraic Geometry, 1978",
    statement=r"""
For a Kähler metric $\mathrm{Ric}_{c\bar d} = -\partial_c \bar\partial_d \log\det g$, where
$$\partial_c \bar\partial_d \log\det g = \mathrm{tr}(g^{-1} \partial_c \bar\partial_d g)
- \mathrm{tr}(g^{-1} \partial_c g\, g^{-1} \bar\partial_d g).$$
It vanishes for $\det g = \kappa |\Omega|^2$, since $\log|\Omega|^2 = -\log p_{dep} - \log \bar p_{dep}$ is the sum of a
holomorphic function and its conjugate. With a residual, $\det g = \kappa |\Omega|^2 (1 + r)$,
$\mathrm{Ric} = -\partial\bar\partial \log(1 + r) =
-\frac{\partial\bar\partial r}{1 + r} + \frac{\partial r\, \bar\partial r}{(1 + r)^2}$: the metric is Ricci-flat where
$r$ is constant.
""",
    claims=(
        identity("slope of the inverse", scaled(1, inverse_slope), add(inverse_slope_claimed, inverse_hypotheses)),
        differential_claim(
            "second derivative of log det",
            scalar(first),
            {inverse: inverse_slope_claimed, slope: bend},
            second(-1),
        ),
        *explicit,
        differential_claim("slope of the flat density", scalar(sp.log(density)), {free: u}, scalar(density_slope)),
        differential_claim("the flat density has no bend", scalar(density_slope), {free_bar: vbar}, scalar(0)),
        differential_claim(
            "slope with a residual",
            scalar(sp.log(density * ratio)),
            {free: u},
            scalar(density_slope + ratio_slope / ratio),
        ),
        differential_claim(
            "bend with a residual",
            scalar(density_slope + ratio_slope / ratio),
            {free_bar: vbar},
            scalar(ratio_mixed / ratio - ratio_slope * ratio_slope_bar / ratio**2),
        ),
    ),
    wrong=(
        Wrong("second derivative of log det", "the inverse is held fixed", second(0)),
        Wrong("second derivative of log det", "the sign of the second term is flipped", second(1)),
        Wrong(
            "second derivative of log det",
            "the order of the product is lost",
            scalar(trace(multiply(inverse, bend)) - trace(multiply(inverse, inverse, slope, slope_bar))),
        ),
        Wrong(
            "slope of the inverse",
            "the factors commute",
            add(scaled(-1, multiply(inverse, inverse, slope_bar)), inverse_hypotheses),
        ),
        Wrong(
            "slope of log det, n = 3", "the trace without the inverse", scalar(values(entries(*SCALARS[1], 3)).trace())
        ),
        Wrong(
            "slope of the flat density",
            "the form itself in place of its square",
            scalar(density_slope / 2),
        ),
        Wrong("bend with a residual", "linear in the residual", scalar(ratio_mixed / ratio)),
    ),
    runs_in="laflow/metric/quality/curvature.py",
    limits=(
        "That the derivative of log det is a trace is proved for n = 1, 2, 3, and the second derivative from it for "
        "all n. p and r are polynomials of low degree with coefficients of any value; that -∂∂̄ log det g is the Ricci "
        "tensor is in kahler_curvature."
    ),
    sizes=({"directions": 2}, {"directions": 3}),
    family="metric",
)
