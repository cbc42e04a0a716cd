"""The likelihood map L_i(W) = exp_{W_i}(-D_i/ρ), Eqs. (2.15)-(2.16), and its logarithm at the barycentre."""

from __future__ import annotations

from derivations.algebra import (
    EPS,
    TINY,
    Array,
    Lemma,
    Program,
    Tensor,
    Wrong,
    bound,
    differential_claim,
    identity,
    magnitude,
    step,
    tensor,
    total,
)
from derivations.assignment.exponential_maps import lifting, lifting_inverse
from derivations.assignment.notation import (
    assignment,
    distance_scale,
    distances,
    i,
    j,
    l,
    labels,
    log_likelihood,
    nodes,
    row,
    rows,
    softmax,
)
from derivations.assignment.simplex_geometry import project


def scaled_distances(d: Array | Tensor = distances) -> Tensor:
    """-D/ρ."""
    return tensor((i, j), -d[i, j] / distance_scale)


def likelihood(base: Array | Tensor = assignment, d: Array | Tensor = distances) -> Tensor:
    """L_i(W) = exp_{W_i}(-D_i/ρ), Eq. (2.16)."""
    return rows(lifting(row(base), row(scaled_distances(d))))


barycentre = tensor((i, j), 1 / labels.size)
offset = Array("offset", nodes)
shifted_distances = tensor((i, j), distances[i, j] + offset[i])
distances_direction = Array("distances_direction", nodes, labels, latex="Y")

# the logarithm of the likelihood at the barycentre, as a tangent vector: L = -Π0 D/ρ
mapping = rows(project(row(scaled_distances())))

whole = Array("whole", nodes)
J = labels.size
program = Program(
    name="log_likelihood",
    title="the tangent vector L = -Π0 D/ρ of the likelihoods at the barycentre, Eq. (2.16)",
    inputs=(distances, distance_scale),
    steps=(
        step(whole[i], total(distances[i, j], j)),
        step(log_likelihood[i, j], (whole[i] / labels.size - distances[i, j]) / distance_scale),
    ),
    outputs=(log_likelihood,),
    means={log_likelihood: mapping},
    requires=("distances finite", "distance_scale > 0"),
    ensures=("rows of log_likelihood sum to 0 up to rounding",),
    bound=bound(
        (
            log_likelihood[i, j],
            EPS * (J / 2 + 2) * (total(magnitude(distances[i, l]), l) / J + magnitude(distances[i, j])) / distance_scale
            + TINY * (2 + J / distance_scale),
        ),
    ),
)

LEMMA = Lemma(
    name="likelihood",
    title="Likelihood map and its logarithm at the barycentre",
    reference="Eqs. (2.15), (2.16)",
    statement=r"""
$L_i(W) = \exp_{W_i}(-\tfrac1\rho D_i)$ is a probability vector, does not change if a constant is added to a
row of $D$, is $\mathrm{softmax}(-\tfrac1\rho D_i)$ at the barycentre, where its inverse image under $\exp$ is
the tangent vector $L = -\tfrac1\rho \Pi_0 D$; $\mathrm{softmax}(L)$ gives it back.
""",
    claims=(
        identity("rows sum to one", tensor(i, total(likelihood()[i, j], j)), tensor(i, 1)),
        identity("shift of a row of distances", likelihood(d=shifted_distances), likelihood()),
        identity("at the barycentre", likelihood(barycentre), softmax(scaled_distances())),
        identity(
            "tangent vector at the barycentre",
            rows(lifting_inverse(row(barycentre), row(likelihood(barycentre)))),
            mapping,
        ),
        identity("softmax of the tangent vector", softmax(mapping), likelihood(barycentre)),
        differential_claim(
            "differential in the distances",
            mapping,
            {distances: distances_direction},
            rows(project(row(scaled_distances(distances_direction)))),
        ),
    ),
    wrong=(
        Wrong(
            "at the barycentre",
            "the sign of the distances",
            softmax(tensor((i, j), -scaled_distances()[i, j])),
        ),
        Wrong("tangent vector at the barycentre", "the projection is missing", scaled_distances()),
        Wrong(
            "tangent vector at the barycentre",
            "the scale is missing",
            rows(project(row(tensor((i, j), -distances[i, j])))),
        ),
        Wrong("softmax of the tangent vector", "the likelihood at another point", likelihood(assignment)),
    ),
    programs=(program,),
)
