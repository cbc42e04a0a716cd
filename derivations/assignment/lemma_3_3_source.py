"""Lemma 3.3: the differential of the source b(Ω) = vec_r(R_{W0} S(W0)) and its transpose."""

from __future__ import annotations

from derivations.algebra import (
    Lemma,
    Tensor,
    Wrong,
    adjoint_claim,
    differential_claim,
    identity,
    tensor,
    total,
)
from derivations.assignment.lemma_3_2_similarity import forward as similarity_slope
from derivations.assignment.lemma_3_2_similarity import mapping as similarity_mapping
from derivations.assignment.likelihood import barycentre
from derivations.assignment.notation import (
    covector,
    i,
    j,
    k,
    labels,
    log_likelihood,
    replicator,
    weights,
    weights_direction,
)


def similarity_transpose(z: Tensor) -> Tensor:
    """df1ᵀ Z = (R_{f1} Z) Lᵀ, Eq. (3.17b)."""
    projected = replicator(similarity_mapping, z)
    return tensor((i, k), total(projected[i, j] * log_likelihood[k, j], j))


def divided_by_labels(z: Tensor) -> Tensor:
    """Z/J."""
    return tensor(z.free, z.expr / labels.size)


# the map (3.18)
mapping = replicator(barycentre, similarity_mapping)

# the claims (3.19a), (3.19b)
forward = replicator(barycentre, similarity_slope)
transpose = similarity_transpose(replicator(barycentre, covector))

LEMMA = Lemma(
    name="lemma_3_3_source",
    title="Differential of the source",
    reference="Lemma 3.3, Eqs. (3.18), (3.19)",
    statement=r"""
For $f_2(\Omega) = \mathrm{vec}_r(R_{W_0} f_1(\Omega)) = b(\Omega)$:
$df_2(\Omega) Y = \mathrm{vec}_r(R_{W_0}\, df_1(\Omega) Y)$ and
$df_2(\Omega)^\top Z = df_1(\Omega)^\top (R_{W_0} Z)$. At the barycentre both are
$\frac1J df_1$ and $\frac1J df_1^\top$, since $df_1$ has values in the tangent space.
""",
    claims=(
        differential_claim("differential", mapping, {weights: weights_direction}, forward),
        adjoint_claim("transpose", mapping, weights, covector, transpose),
        identity("differential without the projection", forward, divided_by_labels(similarity_slope)),
        identity(
            "transpose without the projection",
            transpose,
            divided_by_labels(similarity_transpose(tensor((i, j), covector[i, j]))),
        ),
    ),
    wrong=(
        Wrong("differential", "the replicator at the barycentre is missing", similarity_slope),
        Wrong(
            "differential",
            "the replicator at the similarity stands twice",
            replicator(similarity_mapping, similarity_slope),
        ),
        Wrong("transpose", "the factor 1/J is missing", similarity_transpose(tensor((i, j), covector[i, j]))),
        Wrong(
            "transpose",
            "the replicator at the similarity is missing",
            tensor((i, k), total(replicator(barycentre, covector)[i, j] * log_likelihood[k, j], j)),
        ),
    ),
    runs_in="laflow/kernels/low_rank_gradient.py",
)
