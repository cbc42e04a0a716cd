"""The tangent space of the simplex: the projection Π0 and the replicator matrix R_p, Eqs. (2.10)-(2.11b)."""

from __future__ import annotations

from derivations.algebra import (
    Array,
    Delta,
    Lemma,
    Tensor,
    Wrong,
    differential_claim,
    identity,
    pairing,
    scalar,
    tensor,
    total,
)
from derivations.algebra.matrices import multiply, transposed
from derivations.assignment.notation import j, l, labels, q

point = Array("point", labels, latex="p", sums={0: 1})
vector = Array("vector", labels, latex="v")
other = Array("other", labels, latex="u")


def project(v: Array | Tensor) -> Tensor:
    """Π0 v: the orthogonal projection onto the vectors that sum to 0, Eq. (2.11a)."""
    return tensor(j, v[j] - total(v[l], l) / labels.size)


def replicate(p: Array | Tensor, v: Array | Tensor) -> Tensor:
    """R_p v = p (v - <p, v>), Eq. (2.11b) applied to a vector."""
    return tensor(j, p[j] * (v[j] - total(p[l] * v[l], l)))


# the maps: Π0 and R_p as matrices
projector = tensor((j, l), Delta(j, l) - 1 / labels.size)
replicator_matrix = tensor((j, l), Delta(j, l) * point[j] - point[j] * point[l])
ones = tensor(j, 1)
zeros = tensor(j, 0)

LEMMA = Lemma(
    name="simplex_geometry",
    title="Tangent space, projection and replicator matrix",
    reference="Eqs. (2.10), (2.11a), (2.11b)",
    statement=r"""
Let $T_0 = \{v : \langle 1, v\rangle = 0\}$, $\Pi_0 = I - \frac1J 1 1^\top$ and, for
$\langle 1, p\rangle = 1$, $R_p = \mathrm{Diag}(p) - p p^\top$. Then $\Pi_0$ is the orthogonal projection onto
$T_0$ ($\Pi_0^2 = \Pi_0 = \Pi_0^\top$, $1^\top \Pi_0 = 0$, $\Pi_0 v = v$ on $T_0$); $R_p$ is symmetric,
$R_p 1 = 0$, $R_p \Pi_0 = R_p = \Pi_0 R_p$, it is
$\frac1J \Pi_0$ at the barycentre, and $dR_p\, u = \mathrm{Diag}(u) - u p^\top - p u^\top$.
""",
    claims=(
        identity("projection as a matrix", multiply(projector, vector), project(vector)),
        identity("projection is idempotent", project(project(vector)), project(vector)),
        identity("projection is symmetric", projector, transposed(projector)),
        identity("projections sum to zero", scalar(total(project(vector)[j], j)), scalar(0)),
        identity(
            "tangent vectors stay",
            project(Array("tangent_vector", labels, sums={0: 0})),
            tensor(j, Array("tangent_vector", labels, sums={0: 0})[j]),
        ),
        identity("replicator as a matrix", multiply(replicator_matrix, vector), replicate(point, vector)),
        identity("replicator kills constants", multiply(replicator_matrix, ones), zeros),
        identity("replicator is symmetric", replicator_matrix, transposed(replicator_matrix)),
        identity(
            "replicator is self-adjoint",
            scalar(pairing(other, replicate(point, vector))),
            scalar(pairing(vector, replicate(point, other))),
        ),
        identity("replicator after projection", multiply(replicator_matrix, projector), replicator_matrix),
        identity("projection after replicator", multiply(projector, replicator_matrix), replicator_matrix),
        identity(
            "replicator at the barycentre",
            replicate(tensor(j, 1 / labels.size), vector),
            tensor(j, project(vector)[j] / labels.size),
        ),
        differential_claim(
            "differential of the replicator matrix",
            replicator_matrix,
            {point: other},
            tensor((j, l), Delta(j, l) * other[j] - other[j] * point[l] - point[j] * other[l]),
        ),
    ),
    wrong=(
        Wrong("projection is idempotent", "the square doubles it", tensor(j, 2 * project(vector)[j])),
        Wrong(
            "projection as a matrix",
            "the mean is not divided by J",
            tensor(j, vector[j] - total(vector[q], q)),
        ),
        Wrong("replicator as a matrix", "the mean is not weighted", tensor(j, point[j] * project(vector)[j])),
        Wrong("replicator kills constants", "it returns the point, like Diag(p)", tensor(j, point[j])),
        Wrong(
            "differential of the replicator matrix",
            "the product rule forgets one factor",
            tensor((j, l), Delta(j, l) * other[j] - other[j] * point[l]),
        ),
    ),
)
