"""The residue form Ω, the determinant of the induced Fubini-Study metric, and the weights of sampled points.

In the patch where one homogeneous coordinate is 1, X = {p = 0} is a graph y(x) over n free coordinates. With
t_a = -p_a/p_y the frame is 1 at x_a and t_a at y. Conjugates are independent arrays.
"""

from __future__ import annotations

from itertools import permutations

import sympy as sp
from sympy.combinatorics import Permutation

from derivations.algebra import Array, Lemma, Tensor, Wrong, differential_claim, identity, scalar, tensor, total
from derivations.algebra.matrices import add as plus
from derivations.algebra.matrices import identity_matrix, multiply, outer, scaled, subtract
from derivations.metric.notation import a, b, directions

n = directions.size
free, free_bar = Array("free", directions, latex="x"), Array("free_bar", directions, latex=r"\bar x")
slope, slope_bar = Array("slope", directions, latex="p"), Array("slope_bar", directions, latex=r"\bar p")
y, ybar = Array("dependent", latex="y")[()], Array("dependent_bar", latex=r"\bar y")[()]
p_y, pbar_y = Array("dependent_slope", latex="p_y")[()], Array("dependent_slope_bar", latex=r"\bar p_y")[()]

# the map: π g_FS on X is (G - v̄ v/|z|²)/|z|² with G = 1 + t t̄, v̄_a = T_a·z̄ and v_b = z·T̄_b
square = 1 + y * ybar + total(free[a] * free_bar[a], a)
drift, drift_bar = tensor(a, -slope[a] / p_y), tensor(a, -slope_bar[a] / pbar_y)
radial_bar = tensor(a, free_bar[a] + drift[a] * ybar)
radial = tensor(a, free[a] + drift_bar[a] * y)
gram = plus(identity_matrix(directions), outer(drift, drift_bar))
induced = subtract(gram, scaled(1 / square, outer(radial_bar, radial)))
drift_square = total(drift[a] * drift_bar[a], a)
gram_inverse = subtract(identity_matrix(directions), scaled(1 / (1 + drift_square), outer(drift, drift_bar)))
solved = multiply(gram_inverse, radial_bar)
second_factor = subtract(identity_matrix(directions), scaled(1 / square, outer(solved, radial)))
determinant = (1 + drift_square) * (1 - total(radial[a] * solved[a], a) / square)

# the claim: |∂p|²/(|z|² |p_y|²), where z·∂p = 0 gives the derivative along the patch's coordinate
patch_slope = -(total(free[a] * slope[a], a) + y * p_y)
patch_slope_bar = -(total(free_bar[a] * slope_bar[a], a) + ybar * pbar_y)
gradient_square = total(slope[a] * slope_bar[a], a) + p_y * pbar_y
full_gradient_square = gradient_square + patch_slope * patch_slope_bar
claimed = full_gradient_square / (square * p_y * pbar_y)

# weights under z → λz, λλ̄ = ρ: |z|² has degree 1 in ρ, |∂p|² has degree d - 1 = n + 1
rho, size, steepness = (
    Array(name, latex=latex)[()]
    for name, latex in (("rho", r"\rho"), ("size", r"{|z|^2}"), ("steepness", r"{|\partial p|^2}"))
)


def weight(size: sp.Expr, steepness: sp.Expr) -> sp.Expr:
    """|z|^(2n+2)/|∂p|²."""
    return size ** (n + 1) / steepness


def rescaled_weight(degree: sp.Expr) -> Tensor:
    """The weight at λz, for a polynomial of that degree."""
    return scalar(weight(rho * size, rho ** (degree - 1) * steepness))


# det(1 + u vᵀ) = 1 + v·u, written out by permutations
def rank_one(count: int) -> tuple[sp.Expr, sp.Expr]:
    """Both sides, for vectors of so many entries."""
    left, right = sp.symbols(f"u1:{count + 1}"), sp.symbols(f"v1:{count + 1}")
    matrix = [[int(a == b) + left[a] * right[b] for b in range(count)] for a in range(count)]
    products = (
        Permutation(list(order)).signature() * sp.Mul(*(matrix[a][b] for a, b in enumerate(order)))
        for order in permutations(range(count))
    )
    return sp.Add(*products), 1 + sum(u * v for u, v in zip(left, right, strict=True))


# another coordinate x_1 = ξ = e·x is taken as dependent, or set to 1; e·e = 1 is a hypothesis, 1 - e·e vanishes
chosen, along = Array("chosen", directions, latex="e"), Array("along", directions, latex="u")
hypothesis = 1 - total(chosen[a] ** 2, a)
chosen_value, chosen_slope = total(chosen[a] * free[a], a), total(chosen[a] * slope[a], a)
exchange = 1 + total((drift[a] - chosen[a]) * chosen[a], a)  # of 1 + e (t - e)ᵀ: y takes the place of x_1
other_free = tensor(a, (free[a] + chosen[a] * (1 - chosen_value)) / chosen_value)  # x/ξ, with 1/ξ at the place of x_1
shear = tensor(a, (free[a] + chosen[a]) / chosen_value)
along_chosen = total(chosen[b] * along[b], b)
other_along = tensor(a, (along[a] - shear[a] * along_chosen) / chosen_value)  # the matrix (1 - w eᵀ)/ξ
xi = Array("xi", latex=r"\xi")[()]  # ξ as a scalar; ξ - e·x vanishes
other_determinant = (1 - total((free[a] + chosen[a]) * chosen[a], a) / xi) / xi**n


def other_patch_form(degree: sp.Expr) -> Tensor:
    """Ω of the other patch in the coordinates of this one; p_y is homogeneous of degree d - 1."""
    return scalar(other_determinant / (p_y / xi ** (degree - 1)))


LEMMA = Lemma(
    name="residue_form",
    title="The residue form and the weights of sampled points",
    reference="Griffiths & Harris 1978, residues; Douglas et al., arXiv:hep-th/0612075",
    statement=r"""
On $X = \{p = 0\}$ of degree $d = n + 2$ the form $\Omega = dx^1 \cdots dx^n / p_{dep}$ does not depend, up to its sign,
on which coordinate is taken as dependent or set to 1: the change of coordinates has the determinant $-p_1/p_{dep}$,
respectively $-x_1^{-(n+1)}$, and $p_{dep}$ scales with $x_1^{-(d-1)}$. So $|\Omega|^2 = 1/|p_{dep}|^2$ is a density.
The induced Fubini-Study metric has, since $z \cdot \partial p = 0$ on $X$, the determinant
$$\det g_{FS} = \frac{|\partial p|^2}{\pi^n\, |z|^{2(n+1)}\, |p_{dep}|^2}$$
($z_{patch} = 1$; $\partial p$ has all $n + 2$ components). Points with a density proportional to it thus have weights
$w \propto |\Omega|^2 / \det g_{FS} = \pi^n |z|^{2(n+1)} / |\partial p|^2$, which do not depend on the representative.
""",
    claims=(
        identity("the metric in two factors", multiply(gram, second_factor), induced),
        *(
            identity(f"determinant of a rank-one change, {count} by {count}", *map(scalar, rank_one(count)))
            for count in (1, 2, 3, 4)
        ),
        identity("inverse of the first factor", multiply(gram, gram_inverse), identity_matrix(directions)),
        identity("determinant", scalar(determinant), scalar(claimed)),
        identity(
            "weights do not depend on the representative", rescaled_weight(n + 2), scalar(weight(size, steepness))
        ),
        identity(
            "any dependent coordinate", scalar(exchange / chosen_slope), scalar(-1 / p_y + hypothesis / chosen_slope)
        ),
        differential_claim("change of the patch", other_free, {free: along}, other_along),
        identity("any patch", other_patch_form(n + 2), scalar((hypothesis + xi - chosen_value - 1) / p_y)),
    ),
    wrong=(
        Wrong(
            "determinant",
            "the derivative along the patch's coordinate is left out",
            scalar(gradient_square / (square * p_y * pbar_y)),
        ),
        Wrong("determinant", "the space is taken as flat", scalar(1 + drift_square)),
        Wrong(
            "determinant",
            "a power of |z|² too many",
            scalar(full_gradient_square / (square**2 * p_y * pbar_y)),
        ),
        Wrong(
            "any dependent coordinate",
            "the sign of the slope is flipped",
            scalar(1 / p_y + hypothesis / chosen_slope),
        ),
        Wrong(
            "change of the patch",
            "the chosen coordinate is held fixed",
            tensor(a, along[a] / chosen_value),
        ),
        Wrong("any patch", "of degree n + 1 in place of n + 2", other_patch_form(n + 1)),
        Wrong("weights do not depend on the representative", "of degree n + 1", rescaled_weight(n + 1)),
        Wrong(
            "the metric in two factors",
            "the second factor is not solved for",
            multiply(gram, subtract(identity_matrix(directions), scaled(1 / square, outer(radial_bar, radial)))),
        ),
    ),
    runs_in="laflow/metric/geometry/sampling.py",
    limits=(
        "The two factors and the value of the determinant are proved for all n; and so are the changes of "
        "coordinates; det(1 + u vᵀ) = 1 + v·u is proved up to 4 by 4. That det AB = det A det B, and that the "
        "intersections with random lines are distributed like det g_FS, are used "
        "and not proved."
    ),
    sizes=({"directions": 1}, {"directions": 2}, {"directions": 3}),
    family="metric",
)
