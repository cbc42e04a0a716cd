"""The Monge-Ampère operator: the determinant of a packed metric, its gradient, and d log det g = tr g⁻¹ dg."""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    EPS,
    TINY,
    Array,
    Bound,
    Claim,
    Lemma,
    Program,
    Wrong,
    bound,
    differential_claim,
    gradient_claim,
    identity,
    magnitude,
    step,
    tensor,
    total,
)
from derivations.metric.notation import s, sites

Place = tuple[int, int]
DIMENSIONS = (1, 2, 3)
iota = sp.Symbol("iota")  # ι² = -1


def places(n: int) -> list[Place]:
    """The entries of an n x n matrix, row by row."""
    return [(a, b) for a in range(1, n + 1) for b in range(1, n + 1)]


entry = {(a, b): Array(f"m_{a}{b}", sites, latex=f"H_{{{a}{b}}}") for a, b in places(3)}
motion = {(a, b): Array(f"dm_{a}{b}", sites, latex=rf"\dot H_{{{a}{b}}}") for a, b in places(3)}
slope = {(a, b): Array(f"slope_{a}{b}", sites) for a, b in places(3)}
determinant = Array("determinant", sites)
H = {at: array[s] for at, array in entry.items()}
dH = {at: array[s] for at, array in motion.items()}
G = {at: array[s] for at, array in slope.items()}


def hermitian(packed: dict[Place, sp.Expr], n: int) -> sp.Matrix:
    """The Hermitian matrix of a packed one, Re = (H + Hᵀ)/2 and Im = (H - Hᵀ)/2."""
    return sp.Matrix(n, n, lambda a, b: real(packed, a + 1, b + 1) + iota * imag(packed, a + 1, b + 1))


def real(packed: dict[Place, sp.Expr], a: int, b: int) -> sp.Expr:
    return (packed[a, b] + packed[b, a]) / 2


def imag(packed: dict[Place, sp.Expr], a: int, b: int) -> sp.Expr:
    return (packed[a, b] - packed[b, a]) / 2


def without_square(value: sp.Expr) -> sp.Expr:
    """``value`` less the multiple of ι² + 1, which is 0, that it holds: what is left has no ι²."""
    quotient, _ = sp.div(sp.expand(value), iota**2 + 1, iota)
    return sp.expand(value) - (iota**2 + 1) * quotient


# the claim: determinant and gradient in packed entries, for n = 1, 2, 3
def _minor(a: int, b: int) -> sp.Expr:
    return H[a, a] * H[b, b] - (H[a, b] ** 2 + H[b, a] ** 2) / 2


_triple = (
    H[1, 2] * (H[2, 3] * (H[1, 3] - H[3, 1]) + H[3, 2] * (H[1, 3] + H[3, 1]))
    + H[2, 1] * (H[2, 3] * (H[1, 3] + H[3, 1]) - H[3, 2] * (H[1, 3] - H[3, 1]))
) / 2  # 2 Re h_12 h_23 h_31
formula = {
    1: H[1, 1],
    2: _minor(1, 2),
    3: H[1, 1] * _minor(2, 3)
    - H[2, 2] * (H[1, 3] ** 2 + H[3, 1] ** 2) / 2
    - H[3, 3] * (H[1, 2] ** 2 + H[2, 1] ** 2) / 2
    + _triple,
}
_cyclic = {
    (1, 2): H[2, 3] * imag(H, 1, 3) + H[3, 2] * real(H, 1, 3),
    (2, 1): H[2, 3] * real(H, 1, 3) - H[3, 2] * imag(H, 1, 3),
    (2, 3): H[1, 2] * imag(H, 1, 3) + H[2, 1] * real(H, 1, 3),
    (3, 2): H[1, 2] * real(H, 1, 3) - H[2, 1] * imag(H, 1, 3),
    (1, 3): H[1, 2] * real(H, 2, 3) + H[2, 1] * imag(H, 2, 3),
    (3, 1): H[2, 1] * real(H, 2, 3) - H[1, 2] * imag(H, 2, 3),
}
gradient: dict[int, dict[Place, sp.Expr]] = {
    1: {(1, 1): sp.Integer(1)},
    2: {(1, 1): H[2, 2], (2, 2): H[1, 1], (1, 2): -H[1, 2], (2, 1): -H[2, 1]},
    3: {
        (1, 1): _minor(2, 3),
        (2, 2): _minor(1, 3),
        (3, 3): _minor(1, 2),
        **{(a, b): turn - H[6 - a - b, 6 - a - b] * H[a, b] for (a, b), turn in _cyclic.items()},
    },
}


def along(n: int) -> sp.Expr:
    """The differential of the determinant."""
    return sum((gradient[n][at] * dH[at] for at in places(n)), sp.Integer(0))


def claims(n: int) -> list[Claim]:
    """All that is claimed in one dimension."""
    h, dh = hermitian(H, n), hermitian(dH, n)
    variables = {entry[at]: motion[at] for at in places(n)}
    return [
        identity(
            f"determinant of the Hermitian matrix, n = {n}",
            tensor(s, without_square(h.det(method="berkowitz"))),
            tensor(s, formula[n]),
        ),
        *(
            gradient_claim(
                "derivative by H_{}{}, n = {}".format(*at, n),
                total(formula[n], s),
                entry[at],
                tensor(s, gradient[n][at]),
            )
            for at in places(n)
        ),
        identity(
            f"tr adj(g) dg is the differential of the determinant, n = {n}",
            tensor(s, without_square((h.adjugate() * dh).trace())),
            tensor(s, along(n)),
        ),
        differential_claim(  # half of the logarithm of the square, so that the determinant may have either sign
            f"d log det g = tr adj(g) dg / det g, n = {n}",
            tensor(s, sp.log(formula[n] ** 2) / 2),
            variables,
            tensor(s, along(n) / formula[n]),
        ),
    ]


# the programs: minors first, which the determinant is then made of
def _array_at(name: str, a: int, b: int) -> Array:
    return Array(f"{name}_{a}{b}", sites)


_parts = {(name, a, b): _array_at(name, a, b)[s] for name in ("real", "imag") for a, b in ((1, 3), (2, 3))}
_re13, _im13 = _parts["real", 1, 3], _parts["imag", 1, 3]
_re23, _im23 = _parts["real", 2, 3], _parts["imag", 2, 3]
_steps = {
    1: (step(determinant[s], H[1, 1]), step(G[1, 1], 1)),
    2: (
        step(determinant[s], formula[2]),
        *(step(G[at], gradient[2][at]) for at in places(2)),
    ),
    3: (
        *(step(target, (real if name == "real" else imag)(H, a, b)) for (name, a, b), target in _parts.items()),
        *(step(G[a, a], gradient[3][a, a]) for a in (1, 2, 3)),
        step(G[1, 2], H[2, 3] * _im13 + H[3, 2] * _re13 - H[3, 3] * H[1, 2]),
        step(G[2, 1], H[2, 3] * _re13 - H[3, 2] * _im13 - H[3, 3] * H[2, 1]),
        step(G[2, 3], H[1, 2] * _im13 + H[2, 1] * _re13 - H[1, 1] * H[2, 3]),
        step(G[3, 2], H[1, 2] * _re13 - H[2, 1] * _im13 - H[1, 1] * H[3, 2]),
        step(G[1, 3], H[1, 2] * _re23 + H[2, 1] * _im23 - H[2, 2] * H[1, 3]),
        step(G[3, 1], H[2, 1] * _re23 - H[1, 2] * _im23 - H[2, 2] * H[3, 1]),
        step(
            determinant[s],
            H[1, 1] * G[1, 1] + (H[1, 2] * G[1, 2] + H[2, 1] * G[2, 1] + H[1, 3] * G[1, 3] + H[3, 1] * G[3, 1]) / 2,
        ),
    ),
}
whole = Array("whole", sites)  # 1 + the sum of the magnitudes of all entries
minor_size = {at: _array_at("minor_size", *at) for at in ((1, 1), (1, 2), (1, 3))}


def _size(a: int, b: int) -> sp.Expr:
    """A bound on what is added up in the derivative by H_ab, n = 3."""
    if a == b:
        i, j = (i for i in (1, 2, 3) if i != a)
        return magnitude(H[i, i] * H[j, j]) + (H[i, j] ** 2 + H[j, i] ** 2) / 2
    c = 6 - a - b
    one, other = (magnitude(H[i, c]) + magnitude(H[c, i]) for i in (a, b))
    return one * other / 2 + magnitude(H[a, b] * H[c, c])


def _bound(n: int) -> Bound:
    if n == 1:
        return bound((determinant[s], 0), (G[1, 1], 0))
    lost = TINY * 60 * whole[s] ** 3
    whole_size = (whole[s], 1 + sum(magnitude(H[at]) for at in places(n)))
    if n == 2:
        size = magnitude(H[1, 1] * H[2, 2]) + (H[1, 2] ** 2 + H[2, 1] ** 2) / 2
        return bound(
            (determinant[s], EPS / 2 * 5 * size + lost), *((G[at], TINY) for at in places(2)), sizes=(whole_size,)
        )
    first_row = magnitude(H[1, 1]) * minor_size[1, 1][s] + sum(
        (magnitude(H[1, b]) + magnitude(H[b, 1])) * minor_size[1, b][s] / 2 for b in (2, 3)
    )
    # the derivatives by H_ab and H_ba have products with H_ab and with H_ba: the larger of both counts
    return bound(
        (determinant[s], EPS / 2 * 13 * first_row + lost),
        *((G[at], EPS / 2 * 6 * _size(*at) + lost) for at in places(3)),
        sizes=(
            whole_size,
            (minor_size[1, 1][s], _size(1, 1)),
            *((minor_size[1, b][s], _size(1, b) + _size(b, 1)) for b in (2, 3)),
        ),
    )


def program(n: int) -> Program:
    """The kernel in one dimension."""
    minors = {1: "m_11", 2: "m_11 and determinant", 3: "m_11, slope_33 and determinant"}[n]
    return Program(
        name=f"monge_ampere_{n}",
        title=f"determinant of a packed metric and its derivatives, n = {n}",
        inputs=tuple(entry[at] for at in places(n)),
        steps=_steps[n],
        outputs=(determinant, *(slope[at] for at in places(n))),
        means={determinant: tensor(s, formula[n]), **{slope[at]: tensor(s, gradient[n][at]) for at in places(n)}},
        requires=("m_ab = Re g_ab + Im g_ab of a Hermitian g",),
        ensures=(
            "slope_ab is the derivative of determinant by m_ab",
            f"g is positive definite where {minors} are positive: these are its leading minors",
        ),
        bound=_bound(n),
    )


LEMMA = Lemma(
    name="monge_ampere",
    title="Determinant of a packed metric",
    reference="Eqs. of Monge-Ampère and Jacobi; arXiv:2310.19870",
    statement=r"""
For a Hermitian $g$, stored as $H = \mathrm{Re}\,g + \mathrm{Im}\,g$, the determinant is a polynomial in the entries of
$H$: $H_{11}$ for $n = 1$, $M_{12} = H_{11} H_{22} - (H_{12}^2 + H_{21}^2)/2$ for $n = 2$, and for $n = 3$
$H_{11} M_{23} - H_{22} (H_{13}^2 + H_{31}^2)/2 - H_{33} (H_{12}^2 + H_{21}^2)/2$ plus twice the real part of
$g_{12} g_{23} g_{31}$. Its differential is $\mathrm{tr}(\mathrm{adj}(g)\, dg)$, so that
$d \log\det g = \mathrm{tr}(g^{-1} dg)$. By Sylvester's criterion $g$ is positive definite if and only if its leading
minors are positive.
""",
    claims=[claim for n in DIMENSIONS for claim in claims(n)],
    wrong=(
        Wrong(
            "determinant of the Hermitian matrix, n = 2",
            "the packed entries are taken for those of a symmetric matrix",
            tensor(s, H[1, 1] * H[2, 2] - H[1, 2] * H[2, 1]),
        ),
        Wrong(
            "determinant of the Hermitian matrix, n = 3",
            "the packed matrix's own determinant",
            tensor(s, sp.Matrix(3, 3, lambda a, b: H[a + 1, b + 1]).det(method="berkowitz")),
        ),
        Wrong(
            "determinant of the Hermitian matrix, n = 3",
            "2 Re g_12 g_23 g_31 is taken once",
            tensor(s, formula[3] - _triple / 2),
        ),
        Wrong("derivative by H_12, n = 2", "the other off-diagonal entry", tensor(s, -H[2, 1])),
        Wrong("derivative by H_13, n = 3", "transposed", tensor(s, gradient[3][3, 1])),
        Wrong(
            "d log det g = tr adj(g) dg / det g, n = 3",
            "not divided by the determinant",
            tensor(s, along(3)),
        ),
    ),
    programs=tuple(program(n) for n in DIMENSIONS),
    limits="n = 1, 2, 3 only, entry by entry; Sylvester's criterion is quoted.",
    family="metric",
)
