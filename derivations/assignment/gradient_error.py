"""How errors of v, λ and of the cut core reach the gradient: by pairs of neighbours, not over all pairs of nodes."""

from __future__ import annotations

from derivations.algebra import Array, Lemma, Range, Wrong, identity, scalar, tensor, total
from derivations.algebra.matrices import add, outer, subtract
from derivations.assignment.notation import i, j, k, l, labels, nodes, ranks

# the moment is bilinear: what errors of both factors make of it
costate, costate_found = Array("costate", nodes, latex=r"\lambda"), Array("costate_found", nodes, latex=r"\lambda_m")
state, state_found = Array("state", nodes, latex="v"), Array("state_found", nodes, latex="v_m")
costate_error, state_error = subtract(costate, costate_found), subtract(state, state_found)
moment_error = subtract(outer(costate, state), outer(costate_found, state_found))
three_parts = add(
    outer(costate_found, state_error), outer(costate_error, state_found), outer(costate_error, state_error)
)

# the same from a finer approximation: how far apart the two are can be found, only its own error has to be bounded
costate_finer, state_finer = Array("costate_finer", nodes, latex=r"\lambda_{m+1}"), Array("state_finer", nodes)
finer_error = subtract(outer(costate, state), outer(costate_finer, state_finer))
apart = subtract(outer(costate_finer, state_finer), outer(costate_found, state_found))

# the pairs (i, k) with k a neighbour of i, which alone the gradient has
near = Array("near", nodes, nodes, latex="m", mask=True)
left, right = Array("left", nodes, labels, latex="P"), Array("right", nodes, labels, latex="V")
left_square = tensor(i, total(left[i, j] ** 2, j))
right_square = tensor(k, total(right[k, j] ** 2, j))
over_pairs = total(near[i, k] * left_square[i] * right_square[k], i, k)
reach = tensor(k, total(near[i, k] * left_square[i], i))
pair = tensor((i, k), total(left[i, j] * right[k, j], j))
pair_gap = tensor((i, k), total((left[i, j] * right[k, l] - left[i, l] * right[k, j]) ** 2, j, l) / 2)

# Cauchy and Schwarz along time, with a positive weight f: a sum over instants stands for the integral
instants = Range("instants", "K")
a, b = instants.indices("a b")
size, error = Array("size", instants, latex="x"), Array("error", instants, latex=r"\varepsilon")
weight = Array("weight", instants, latex="f")
time_gap = (
    total((size[a] * error[b] * weight[a] - size[b] * error[a] * weight[b]) ** 2 / (weight[a] * weight[b]), a, b) / 2
)

# the weighted energy at a node, in orthonormal vectors: a quadratic form, at most its sums of absolute values
energy_matrix = Array("energy_matrix", ranks, ranks, latex="F")
field = Array("field", ranks, nodes, labels, latex="Q")
s_rank, t_rank = ranks.indices("s t")
quadratic = tensor(
    i, total(energy_matrix[s_rank, t_rank] * field[s_rank, i, j] * field[t_rank, i, j], s_rank, t_rank, j)
)
symmetric = tensor((s_rank, t_rank), (energy_matrix[s_rank, t_rank] + energy_matrix[t_rank, s_rank]) / 2)
diagonal_form = tensor(i, total(symmetric[s_rank, t_rank] * field[s_rank, i, j] ** 2, s_rank, t_rank, j))
mixed_gap = tensor(
    i,
    total(symmetric[s_rank, t_rank] * (field[s_rank, i, j] - field[t_rank, i, j]) ** 2, s_rank, t_rank, j) / 2,
)

LEMMA = Lemma(
    name="gradient_error",
    title="How errors reach the gradient",
    reference="Eqs. (3.36), (3.47), for the certificate",
    statement=r"""
$\lambda v^\top - \lambda_m v_m^\top = \lambda_m\, \delta v^\top + \delta\lambda\, v_m^\top + \delta\lambda\, \delta
v^\top$ with $\delta v = v - v_m$; it is also $(\lambda_{m+1} v_{m+1}^\top - \lambda_m v_m^\top) +
(\lambda v^\top - \lambda_{m+1} v_{m+1}^\top)$, of which the gradient of the first part is found as a distance of two
gradients and only the second has to be bounded. The gradient has pairs of neighbours only, $m_{ik} \in \{0, 1\}$:
$\langle P_i, V_k\rangle^2 = \|P_i\|^2 \|V_k\|^2 - \frac12 \sum_{jl} (P_{ij} V_{kl} - P_{il} V_{kj})^2$ and
$\sum_{ik} m_{ik} \|P_i\|^2 \|V_k\|^2 = \sum_k \|V_k\|^2 \sum_i m_{ik} \|P_i\|^2 \le
\|V\|^2 \max_k \sum_i m_{ik} \|P_i\|^2$: an error counts with the largest energy in a neighbourhood, not with the energy
of the whole image. Along time, for every positive $f$,
$\big(\int x\, \varepsilon\big)^2 \le \int x^2 f \int \varepsilon^2 / f$; and $\int \|P_i(s)\|^2 f\, ds$ is a quadratic
form of the fields that span $P$, at most $\sum_s \big(\sum_t |F_{st}|\big) \|Q_{s,i}\|^2$.
""",
    claims=(
        identity("three parts", moment_error, three_parts),
        identity("by difference", moment_error, add(apart, finer_error)),
        identity("gap at a pair", tensor((i, k), left_square[i] * right_square[k] - pair[i, k] ** 2), pair_gap),
        identity("energy by neighbours", scalar(over_pairs), scalar(total(right_square[k] * reach[k], k))),
        identity(
            "gap along time",
            scalar(
                total(size[a] ** 2 * weight[a], a) * total(error[a] ** 2 / weight[a], a)
                - total(size[a] * error[a], a) ** 2
            ),
            scalar(time_gap),
        ),
        identity("energy of combined fields", tensor(i, diagonal_form[i] - quadratic[i]), mixed_gap),
    ),
    wrong=(
        Wrong(
            "three parts",
            "the product of both errors is forgotten",
            add(outer(costate_found, state_error), outer(costate_error, state_found)),
        ),
        Wrong(
            "three parts",
            "the product of both errors counts twice",
            add(outer(costate, state_error), outer(costate_error, state)),
        ),
        Wrong("by difference", "the finer approximation is taken as exact", apart),
        Wrong("by difference", "the distance is taken the other way", subtract(finer_error, apart)),
        Wrong(
            "gap at a pair",
            "every pair of labels is counted twice",
            tensor((i, k), 2 * pair_gap[i, k]),
        ),
        Wrong(
            "energy by neighbours",
            "the neighbourhood is transposed",
            scalar(total(right_square[k] * near[k, i] * left_square[i], k, i)),
        ),
        Wrong("gap along time", "every pair of instants is counted twice", scalar(2 * time_gap)),
        Wrong(
            "energy of combined fields",
            "mixed terms are left out",
            tensor(i, 0),
        ),
    ),
    runs_in="laflow/assignment/certificate.py",
    limits=(
        "The identities are proved for all sizes; sums over instants stand for integrals. That a square is not "
        "negative, and Minkowski's inequality, by which parts add up, are used and not proved."
    ),
    sizes=(
        {"nodes": 2, "labels": 2, "ranks": 1, "instants": 2},
        {"nodes": 2, "labels": 3, "ranks": 2, "instants": 3},
        {"nodes": 3, "labels": 2, "ranks": 2, "instants": 2},
    ),
)
