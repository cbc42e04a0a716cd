"""Lemma 3.4: the differential of the matrix A^J(Ω) = Diag(R_S)(Ω⊗1) of the linearized flow, and its "
"transpose."""

from __future__ import annotations

from derivations.algebra import (
    Array,
    Delta,
    Lemma,
    Tensor,
    Wrong,
    adjoint_claim,
    differential_claim,
    identity,
    tensor,
    total,
)
from derivations.algebra.matrices import act, add, compose, identity_matrix, kronecker
from derivations.assignment.lemma_3_2_similarity import forward as similarity_slope
from derivations.assignment.lemma_3_2_similarity import mapping as similarity_mapping
from derivations.assignment.notation import (
    average,
    covector,
    i,
    j,
    k,
    l,
    labels,
    log_likelihood,
    nodes,
    replicator,
    tangent,
    weights,
    weights_direction,
)

# the map (3.20): acting on V, and entry by entry
averaged = average(weights, tangent)
action = replicator(similarity_mapping, averaged)
replicator_block = tensor(
    (i, j, l),
    Delta(j, l) * similarity_mapping[i, j] - similarity_mapping[i, j] * similarity_mapping[i, l],
)


def times_weights(block: Array | Tensor, matrix: Array) -> Tensor:
    """The entries of blockdiag(block)(Ω⊗1): at row (i, j) and column (k, l) block_ijl Ω_ik."""
    return tensor((i, j, k, l), block[i, j, l] * matrix[i, k])


any_block = Array("any_block", nodes, labels, labels)
any_block_diagonal = tensor((i, j, k, l), Delta(i, k) * any_block[i, j, l])

# the claims (3.21): block i of dR_S Y is Diag(s') - s' Sᵀ - S s'ᵀ
block = tensor(
    (i, j, l),
    Delta(j, l) * similarity_slope[i, j]
    - similarity_slope[i, j] * similarity_mapping[i, l]
    - similarity_mapping[i, j] * similarity_slope[i, l],
)
entries_slope = add(times_weights(block, weights), times_weights(replicator_block, weights_direction))
replicator_slope = tensor((i, j), total(block[i, j, l] * averaged[i, l], l))
direct_slope = replicator(similarity_mapping, average(weights_direction, tangent))
action_slope = add(replicator_slope, direct_slope)


def bilinear(z: Tensor, u: Tensor) -> Tensor:
    """The adjoint of s' ↦ dR_S[s'] U at Z: Z∘U - <S, U> Z - <S, Z> U."""
    mean_u = total(similarity_mapping[i, l] * u[i, l], l)
    mean_z = total(similarity_mapping[i, l] * z[i, l], l)
    return tensor((i, j), z[i, j] * u[i, j] - mean_u * z[i, j] - mean_z * u[i, j])


through_similarity = replicator(similarity_mapping, bilinear(tensor((i, j), covector[i, j]), averaged))
projected = replicator(similarity_mapping, covector)


def transpose_of(direct: Tensor, indirect: Tensor) -> Tensor:
    """<direct_i, V_k> + <indirect_i, L_k>."""
    return tensor((i, k), total(direct[i, j] * tangent[k, j] + indirect[i, j] * log_likelihood[k, j], j))


LEMMA = Lemma(
    name="lemma_3_4_linear_map",
    title="Differential of the linear map",
    reference="Lemma 3.4, Eqs. (3.20), (3.21)",
    statement=r"""
For $f_3(\Omega) = A^J(\Omega) = \mathrm{Diag}(R_{f_1(\Omega)})(\Omega \otimes I_J)$:
$df_3(\Omega) Y = \mathrm{Diag}(dR_{f_1(\Omega)} Y)(\Omega \otimes I_J) +
\mathrm{Diag}(R_{f_1(\Omega)})(Y \otimes I_J)$,
where the block of node $i$ of $\mathrm{Diag}(dR_{f_1} Y)$ is $\mathrm{Diag}(s') - s' S^\top - S s'^\top$ with
$S = f_{1i}(\Omega)$, $s' = (df_1(\Omega) Y)_i$. The transpose, acting on $V$ and paired with $Z$, has entries
$\langle (R_S Z)_i, V_k \rangle + \langle (R_S H)_i, L_k \rangle$,
$H_i = Z_i U_i - \langle S_i, U_i\rangle Z_i - \langle S_i, Z_i\rangle U_i$, $U = \Omega V$.
""",
    claims=(
        identity(
            "entries of the matrix",
            compose(any_block_diagonal, kronecker(weights, identity_matrix(labels))),
            times_weights(any_block, weights),
        ),
        identity("action of the matrix", act(times_weights(replicator_block, weights), tangent), action),
        differential_claim(
            "differential of a block",
            replicator_block,
            {weights: weights_direction},
            block,
        ),
        differential_claim(
            "differential as a matrix",
            times_weights(replicator_block, weights),
            {weights: weights_direction},
            entries_slope,
        ),
        differential_claim("differential in action", action, {weights: weights_direction}, action_slope),
        adjoint_claim("transpose", action, weights, covector, transpose_of(projected, through_similarity)),
    ),
    wrong=(
        Wrong("differential in action", "the similarity is held fixed", direct_slope),
        Wrong("differential in action", "only the similarity moves", replicator_slope),
        Wrong(
            "differential of a block",
            "one of the two outer products is missing",
            tensor(
                (i, j, l),
                Delta(j, l) * similarity_slope[i, j] - similarity_slope[i, j] * similarity_mapping[i, l],
            ),
        ),
        Wrong(
            "differential as a matrix",
            "the differential of the blocks is missing",
            times_weights(replicator_block, weights_direction),
        ),
        Wrong(
            "transpose",
            "the covector is not projected in the direct part",
            transpose_of(tensor((i, j), covector[i, j]), through_similarity),
        ),
        Wrong(
            "transpose",
            "H is not projected",
            transpose_of(projected, bilinear(tensor((i, j), covector[i, j]), averaged)),
        ),
    ),
    runs_in="laflow/kernels/low_rank_gradient.py",
    sizes=({"nodes": 2, "labels": 2}, {"nodes": 3, "labels": 2}, {"nodes": 2, "labels": 3}),
)
