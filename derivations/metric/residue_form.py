"""The residue form Ω, the determinant of the induced Fubini-Study metric, and the weights of sampled points.

In the patch where one homogeneous coordinate is 1, X = {p = 0} is a graph y(x) over n free coordinates. With
t_a = -p_a/p_y the frame is 1 at x_a and t_a at y. Conjugates are independent arrays.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import Array, Lemma, Tensor, Wrong, identity, scalar, tensor, total
from derivations.algebra.matrices import add as plus
from derivations.algebra.matrices import identity_matrix, multiply, outer, scaled, subtract
from derivations.metric.notation import a, directions

n = directions.size
free, free_bar = Array("free", directions, latex="x"), Array("free_bar", directions, latex=r"\bar x")
slope, slope_bar = Array("slope", directions, latex="p"), Array("slope_bar", directions, latex=r"\bar p")
y, ybar, p_y, pbar_y = sp.symbols("y ybar p_y pbar_y")

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
rho, size, steepness = sp.Symbol("rho", positive=True), sp.Symbol("z2", positive=True), sp.Symbol("dp2", positive=True)


def weight(size: sp.Expr, steepness: sp.Expr) -> sp.Expr:
    """|z|^(2n+2)/|∂p|²."""
    return size ** (n + 1) / steepness


def rescaled_weight(degree: sp.Expr) -> Tensor:
    """The weight at λz, for a polynomial of that degree."""
    return scalar(weight(rho * size, rho ** (degree - 1) * steepness))


# explicit dimensions: determinants written out
def rank_one(count: int) -> tuple[sp.Expr, sp.Expr]:
    """det(1 + u vᵀ), written out, and 1 + v·u."""
    left, right = sp.symbols(f"u1:{count + 1}"), sp.symbols(f"v1:{count + 1}")
    matrix = sp.eye(count) + sp.Matrix(left) * sp.Matrix([right])
    return matrix.det(method="berkowitz"), 1 + sum(u * v for u, v in zip(left, right, strict=True))


def other_dependent(count: int) -> sp.Expr:
    """The determinant of the change from x to coordinates where y takes the place of x_1."""
    first, *rest = sp.symbols(f"p1:{count + 1}")
    jacobian = sp.eye(count)
    jacobian[0, :] = sp.Matrix([[-q / p_y for q in (first, *rest)]])
    return jacobian.det(method="berkowitz")


def other_patch(count: int) -> sp.Expr:
    """The determinant of the change from x to 1/x_1, x_2/x_1, …: the patch where z_1 is 1."""
    x = sp.symbols(f"x1:{count + 1}")
    return sp.Matrix([1 / x[0], *(entry / x[0] for entry in x[1:])]).jacobian(x).det(method="berkowitz")


p1, x1 = sp.symbols("p1 x1")
DIMENSIONS = (1, 2, 3)


def other_patch_form(count: int, degree: int) -> Tensor:
    """The coefficient of Ω in the other patch, in the coordinates of this one: p_y has degree d - 1."""
    return scalar(other_patch(count) / (p_y / x1 ** (degree - 1)))


LEMMA = Lemma(
    name="residue_form",
    title="The residue form and the weights of sampled points",
    reference="Griffiths & Harris, Principles of Algebraic Geometry, 1978; Douglas et al., arXiv:hep-th/0612075, 2006",
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
        *(
            identity(f"any dependent coordinate, n = {count}", scalar(other_dependent(count) / p1), scalar(-1 / p_y))
            for count in DIMENSIONS
        ),
        *(
            identity(f"any patch, n = {count}", other_patch_form(count, count + 2), scalar(-1 / p_y))
            for count in DIMENSIONS
        ),
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
        Wrong("any dependent coordinate, n = 2", "the sign of the slope is flipped", scalar(1 / p_y)),
        Wrong("any patch, n = 3", "of degree n + 1 in place of n + 2", other_patch_form(3, 4)),
        Wrong("weights do not depend on the representative", "of degree n + 1", rescaled_weight(n + 1)),
        Wrong(
            "the metric in two factors",
            "the second factor is not solved for",
            multiply(gram, subtract(identity_matrix(directions), scaled(1 / square, outer(radial_bar, radial)))),
        ),
    ),
    runs_in="laflow/metric/sampling.py",
    limits=(
        "The two factors and the value of the determinant are proved for all n; det(1 + u vᵀ) = 1 + v·u is proved "
        "up to 4 by 4, and the changes of coordinates for n = 1, 2, 3. That det AB = det A det B, and that the "
        "intersections with random lines are distributed like det g_FS, are used "
        "and not proved."
    ),
    sizes=({"directions": 1}, {"directions": 2}, {"directions": 3}),
    family="metric",
)
