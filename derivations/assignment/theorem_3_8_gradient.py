"""Theorem 3.8: the gradient of the loss, in the low-rank form with exact source part that the runtime evaluates.

With λ(t) = e^{tAᵀ} ∂f(v_T), the moment M = ∫ λ(T-s) v(s)ᵀ ds = Σ_r left_r right_rᵀ and Λ = ∫ λ, the derivative of the
loss along Y is <M, dA Y> + <Λ, db Y>. This file pulls that back through Lemmas 3.2-3.4 to the weights, for any left,
right, Λ; ``van_loan.py`` and ``low_rank.py`` say where these come from.
"""

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
    gradient_claim,
    identity,
    magnitude,
    scalar,
    step,
    tensor,
    total,
)
from derivations.assignment.notation import (
    i,
    j,
    k,
    l,
    labels,
    log_likelihood,
    n,
    neighbours,
    nodes,
    r,
    ranks,
    similarity,
    similarity_of_weights,
    weights,
)

left = Array("left", ranks, nodes, labels, latex="P")
right = Array("right", ranks, nodes, labels, latex="Q")
adjoint_integral = Array("adjoint_integral", nodes, labels, latex=r"\Lambda")
mapped = similarity_of_weights()


# the map: Σ_r <left_r, R_S Ω right_r> + <Λ, (1/J) Π0 S>, with S = softmax(ΩL); both S and Ω carry the weights
def propagated(rows: Tensor | Array) -> Tensor:
    """R_S Ω right_r for every r."""
    averaged = tensor((r, i, j), total(weights[i, k] * right[r, k, j], k))
    mean = tensor((r, i), total(rows[i, l] * averaged[r, i, l], l))
    return tensor((r, i, j), rows[i, j] * (averaged[r, i, j] - mean[r, i]))


source = tensor((i, j), (mapped[i, j] - total(mapped[i, l], l) / labels.size) / labels.size)
function = total(left[r, i, j] * propagated(mapped)[r, i, j], r, i, j) + total(
    adjoint_integral[i, j] * source[i, j], i, j
)


# the claim, for S given by its rows
def through_operator(rows: Tensor | Array) -> Tensor:
    """(R_S P_r)_i paired with Q_{r,k}: the dependence of A = R_S Ω on Ω itself."""
    mean = tensor((r, i), total(rows[i, l] * left[r, i, l], l))
    projected = tensor((r, i, j), rows[i, j] * (left[r, i, j] - mean[r, i]))
    return tensor((i, k), total(projected[r, i, j] * right[r, k, j], r, j))


def pullback(rows: Tensor | Array) -> Tensor:
    """H: what reaches the similarity, from R_S in A and from the source B."""
    averaged = tensor((r, i, j), total(weights[i, n] * right[r, n, j], n))
    mean_right = tensor((r, i), total(rows[i, l] * averaged[r, i, l], l))
    mean_left = tensor((r, i), total(rows[i, l] * left[r, i, l], l))
    from_operator = total(
        left[r, i, j] * averaged[r, i, j] - mean_right[r, i] * left[r, i, j] - mean_left[r, i] * averaged[r, i, j], r
    )
    centred = adjoint_integral[i, j] - total(adjoint_integral[i, l], l) / labels.size
    return tensor((i, j), from_operator + centred / labels.size)


def through_similarity(rows: Tensor | Array) -> Tensor:
    """(R_S H)_i paired with L_k: Lemma 3.2, transposed."""
    reached = pullback(rows)
    mean = tensor(i, total(rows[i, l] * reached[i, l], l))
    return tensor((i, k), total(rows[i, j] * (reached[i, j] - mean[i]) * log_likelihood[k, j], j))


def claim(rows: Tensor | Array) -> Tensor:
    return tensor((i, k), through_operator(rows)[i, k] + through_similarity(rows)[i, k])


# the derivative under the integral: with v' = A v + b, λ' = -Aᵀ λ and w = dv: (<λ, w>)' = <λ, dA v> + <λ, db>
operator, operator_direction = Array("A", nodes, nodes), Array("dA", nodes, nodes)
solution, solution_direction = Array("v", nodes), Array("w", nodes)
source_direction, costate = Array("db", nodes), Array("lambda", nodes)
product_rule = scalar(
    total(-total(operator[n, i] * costate[n], n) * solution_direction[i], i)
    + total(
        costate[i]
        * (
            total(operator[i, k] * solution_direction[k], k)
            + total(operator_direction[i, k] * solution[k], k)
            + source_direction[i]
        ),
        i,
    )
)
integrand = scalar(
    total(costate[i] * operator_direction[i, k] * solution[k], i, k) + total(costate[i] * source_direction[i], i)
)

# the program
averaged = Array("averaged", ranks, nodes, labels)
mean_left, mean_right = Array("mean_left", ranks, nodes), Array("mean_right", ranks, nodes)
projected = Array("projected", ranks, nodes, labels)
reached = Array("reached", nodes, labels)
mean_reached = Array("mean_reached", nodes)
pulled = Array("pulled", nodes, labels)
gradient = Array("gradient", nodes, nodes, sparse=True)
# sizes in which the error bound is written: the steps in absolute values
averaged_size, projected_size = (
    Array("averaged_size", ranks, nodes, labels),
    Array("projected_size", ranks, nodes, labels),
)
left_size, reached_size = Array("left_size", ranks, nodes), Array("reached_size", nodes, labels)
pulled_size = Array("pulled_size", nodes, labels)
J, N, R = labels.size, neighbours.size, ranks.size
program = Program(
    name="low_rank_gradient",
    title="the gradient of the loss from a low-rank moment and the integrated adjoint, Theorem 3.8, Eq. (3.47)",
    inputs=(weights, similarity, log_likelihood, left, right, adjoint_integral),
    steps=(
        step(averaged[r, i, j], total(weights[i, k] * right[r, k, j], k)),
        step(mean_right[r, i], total(similarity[i, j] * averaged[r, i, j], j)),
        step(mean_left[r, i], total(similarity[i, j] * left[r, i, j], j)),
        step(projected[r, i, j], similarity[i, j] * (left[r, i, j] - mean_left[r, i])),
        step(
            reached[i, j],
            adjoint_integral[i, j] / labels.size
            + total((left[r, i, j] - mean_left[r, i]) * averaged[r, i, j] - mean_right[r, i] * left[r, i, j], r),
        ),
        step(mean_reached[i], total(similarity[i, j] * reached[i, j], j)),
        step(pulled[i, j], similarity[i, j] * (reached[i, j] - mean_reached[i])),
        step(
            gradient[i, k],
            total(projected[r, i, j] * right[r, k, j], j, r) + total(pulled[i, j] * log_likelihood[k, j], j),
        ),
    ),
    outputs=(gradient,),
    means={gradient: claim(similarity)},
    requires=("weights >= 0, rows of similarity summing to 1", "left, right, adjoint_integral zero on the halo"),
    ensures=("gradient is 0 for neighbours outside the grid",),
    bound=bound(
        (
            gradient[i, k],
            EPS
            / 2
            * (N + 3 * J + R + R * J + 10)
            * (
                total(projected_size[r, i, j] * magnitude(right[r, k, j]), r, j)
                + total(pulled_size[i, j] * magnitude(log_likelihood[k, j]), j)
            )
            + TINY
            * (N + J + R + 4) ** 2
            * (1 + total(magnitude(left[r, i, j]) + averaged_size[r, i, j] + magnitude(right[r, k, j]), r, j))
            * (1 + total(magnitude(log_likelihood[k, j]), j)),
        ),
        sizes=(
            (averaged_size[r, i, j], total(weights[i, k] * magnitude(right[r, k, j]), k)),
            (left_size[r, i], total(similarity[i, j] * magnitude(left[r, i, j]), j)),
            (projected_size[r, i, j], similarity[i, j] * (magnitude(left[r, i, j]) + left_size[r, i])),
            (
                reached_size[i, j],
                magnitude(adjoint_integral[i, j]) / J
                + total(
                    (magnitude(left[r, i, j]) + left_size[r, i]) * averaged_size[r, i, j]
                    + total(similarity[i, l] * averaged_size[r, i, l], l) * magnitude(left[r, i, j]),
                    r,
                ),
            ),
            (
                pulled_size[i, j],
                similarity[i, j] * (reached_size[i, j] + total(similarity[i, l] * reached_size[i, l], l)),
            ),
        ),
    ),
)

LEMMA = Lemma(
    name="theorem_3_8_gradient",
    title="The gradient of the loss",
    reference="Theorem 3.8, Eqs. (3.32), (3.33), (3.47)",
    statement=r"""
With $\lambda(t) = e^{tA^\top} \partial f(v_T)$, $M = \int_0^T \lambda(T-s) v(s)^\top ds = \sum_r P_r Q_r^\top$ and
$\Lambda = \int_0^T \lambda$: $d\mathcal L\, Y = \langle M, dA\,Y\rangle + \langle \Lambda, db\,Y \rangle$, so
$$\partial\mathcal L_{ik} = \sum_r \langle (R_S P_r)_i, Q_{r,k} \rangle + \langle (R_S H)_i, L_k \rangle,\qquad
H_i = \sum_r \big[P_{r,i} \circ U_{r,i} - \langle S_i, U_{r,i}\rangle P_{r,i} - \langle S_i, P_{r,i}\rangle U_{r,i}\big]
+ \tfrac1J \Pi_0 \Lambda_i,$$
$U_r = \Omega Q_r$. The program leaves out $\Pi_0$, since $R_S$ annihilates constants.
""",
    claims=(
        gradient_claim("gradient", function, weights, claim(mapped)),
        identity("derivative under the integral", product_rule, integrand),
    ),
    wrong=(
        Wrong("gradient", "S is taken as constant", through_operator(mapped)),
        Wrong(
            "gradient",
            "the source is counted twice",
            tensor(
                (i, k),
                claim(mapped)[i, k]
                + total(
                    mapped[i, j]
                    * (adjoint_integral[i, j] - total(mapped[i, l] * adjoint_integral[i, l], l))
                    / labels.size
                    * log_likelihood[k, j],
                    j,
                ),
            ),
        ),
        Wrong(
            "gradient",
            "left and right are exchanged in the operator part",
            tensor(
                (i, k),
                through_similarity(mapped)[i, k]
                + total(
                    mapped[i, j] * (right[r, i, j] - total(mapped[i, l] * right[r, i, l], l)) * left[r, k, j], r, j
                ),
            ),
        ),
        Wrong(
            "gradient",
            "node and neighbour are exchanged",
            tensor((i, k), claim(mapped)[k, i]),
        ),
        Wrong(
            "derivative under the integral",
            "the costate runs forward",
            scalar(integrand.expr + total(2 * operator[n, i] * costate[n] * solution_direction[i], n, i)),
        ),
    ),
    programs=(program,),
    sizes=(
        {"nodes": 2, "labels": 2, "ranks": 1},
        {"nodes": 2, "labels": 3, "ranks": 2},
        {"nodes": 3, "labels": 2, "ranks": 2},
    ),
)
