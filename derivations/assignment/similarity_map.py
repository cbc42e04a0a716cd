"""The similarity map S(W): geometric averaging of likelihoods over neighbourhoods, Eqs. (2.17)-(2.18)."""

from __future__ import annotations

import sympy as sp

from derivations.algebra import Array, Lemma, Tensor, Wrong, identity, tensor, total
from derivations.assignment.exponential_maps import exponential, exponential_inverse, lifting
from derivations.assignment.likelihood import barycentre, likelihood
from derivations.assignment.likelihood import mapping as log_likelihood_of_distances
from derivations.assignment.notation import (
    assignment,
    average,
    distance_scale,
    distances,
    i,
    j,
    k,
    nodes,
    row,
    rows,
    softmax,
    weights,
)

# the weights of (2.18): rows sum to 1, which the closed form needs, except at the barycentre
row_stochastic = Array("weights", nodes, nodes, latex=r"\Omega", sums={1: 1})


def similarity_map(matrix: Array, base: Array | Tensor) -> Tensor:
    """S_i(W) = Exp_{W_i}(Σ_k ω_ik Exp_{W_i}⁻¹(L_k(W))), Eq. (2.17)."""
    likelihoods = likelihood(base)
    logarithm = exponential_inverse(row(base, i), row(likelihoods, k))
    mean = tensor(j, total(matrix[i, k] * logarithm[j], k))
    return rows(exponential(row(base, i), mean))


def similarity_at(matrix: Array, base: Array | Tensor) -> Tensor:
    """The closed form softmax(Ω(log W - D/ρ))."""
    scores = tensor((i, j), sp.log(base[i, j]) - distances[i, j] / distance_scale)
    return softmax(average(matrix, scores))


mapping = similarity_map(row_stochastic, assignment)
closed = similarity_at(row_stochastic, assignment)
at_barycentre = similarity_map(weights, barycentre)
averaged_log = average(weights, log_likelihood_of_distances)

LEMMA = Lemma(
    name="similarity_map",
    title="The similarity map",
    reference="Eqs. (2.17), (2.18)",
    statement=r"""
$S_i(W) = \mathrm{Exp}_{W_i}\big(\sum_{k} \omega_{ik} \mathrm{Exp}_{W_i}^{-1}(L_k(W))\big)$, with
$\sum_k \omega_{ik} = 1$, equals $\mathrm{softmax}_j\big(\sum_k \omega_{ik} (\log W_{kj} - D_{kj}/\rho)\big)$.
At the barycentre it is $\mathrm{softmax}(\Omega L)$ with $L = -\Pi_0 D/\rho$, for weights of any sum.
""",
    claims=(
        identity("closed form", mapping, closed),
        identity("rows sum to one", tensor(i, total(mapping[i, j], j)), tensor(i, 1)),
        identity("at the barycentre", at_barycentre, softmax(averaged_log)),
        identity(
            "at the barycentre from the distances",
            at_barycentre,
            softmax(tensor((i, j), -average(weights, distances)[i, j] / distance_scale)),
        ),
    ),
    wrong=(
        Wrong("closed form", "the assignment does not enter", similarity_at(row_stochastic, barycentre)),
        Wrong(
            "closed form",
            "the assignment is not averaged, as if only the distances were",
            rows(lifting(row(assignment), tensor(j, -average(row_stochastic, distances)[i, j] / distance_scale))),
        ),
        Wrong(
            "closed form",
            "the arithmetic mean of the likelihoods",
            average(row_stochastic, likelihood()),
        ),
        Wrong("at the barycentre", "without the exponential", averaged_log),
        Wrong(
            "at the barycentre",
            "the weights are transposed",
            softmax(tensor((i, j), total(weights[k, i] * log_likelihood_of_distances[k, j], k))),
        ),
    ),
)
