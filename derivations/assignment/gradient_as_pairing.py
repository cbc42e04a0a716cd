"""The gradient as one pairing a pair of nodes, linear in the projected costate: what its error bound is read off."""

from __future__ import annotations

import sympy as sp

from derivations.algebra import Array, Lemma, Tensor, Wrong, identity, tensor, total
from derivations.assignment.notation import i, j, k, l, labels, log_likelihood, n, r, similarity, weights
from derivations.assignment.theorem_3_8_gradient import adjoint_integral, claim, left, right

# the map: Theorem 3.8, typed in theorem_3_8_gradient.py


def mean(field: Tensor | Array) -> Tensor:
    """<S_i, X_i> for every summand and node."""
    return tensor((r, i), total(similarity[i, l] * field[r, i, l], l))


averaged = tensor((r, i, j), total(weights[i, n] * right[r, n, j], n))
mean_left, mean_right = mean(left), mean(averaged)
mean_likelihood = tensor((i, k), total(similarity[i, l] * log_likelihood[k, l], l))

projected = tensor((r, i, j), similarity[i, j] * (left[r, i, j] - mean_left[r, i]))
mean_integral = total(similarity[i, l] * adjoint_integral[i, l], l)
projected_integral = tensor((i, j), similarity[i, j] * (adjoint_integral[i, j] - mean_integral))
centred_likelihood = tensor((i, k, j), log_likelihood[k, j] - mean_likelihood[i, k])
centred_average = tensor((r, i, j), averaged[r, i, j] - mean_right[r, i])


# the claim: <(R_S P)_i, Q_k + L̄_k Ū_i> + <(R_S Λ)_i, L_k> / J
def pairing_with(factor: sp.Expr, likelihood: Tensor) -> Tensor:
    """The pairing, with a factor before the source, and with L̄ as given."""
    partner = right[r, k, j] + likelihood[i, k, j] * centred_average[r, i, j]
    from_operator = total(projected[r, i, j] * partner, r, j)
    return tensor(
        (i, k),
        from_operator + factor * total(projected_integral[i, j] * log_likelihood[k, j], j),
    )


paired = pairing_with(1 / labels.size, centred_likelihood)

# the trilinear part is a third central moment of λ, u and L under S
moment = tensor(
    (r, i, k),
    total(
        similarity[i, j] * (left[r, i, j] - mean_left[r, i]) * centred_average[r, i, j] * centred_likelihood[i, k, j],
        j,
    ),
)
trilinear = tensor((r, i, k), total(projected[r, i, j] * centred_likelihood[i, k, j] * centred_average[r, i, j], j))
variance = tensor((r, i), total(similarity[i, j] * (left[r, i, j] - mean_left[r, i]) ** 2, j))
quadratic = tensor((r, i), total(left[r, i, j] * projected[r, i, j], j))

LEMMA = Lemma(
    name="gradient_as_pairing",
    title="The gradient as a pairing with the projected costate",
    reference="Theorem 3.8, Eqs. (3.32), (3.33), for the certificate",
    statement=r"""
With $\bar L_k = L_k - \langle S_i, L_k\rangle$, $U_r = \Omega Q_r$ and
$\bar U_{r,i} = U_{r,i} - \langle S_i, U_{r,i}\rangle$, the gradient of Theorem 3.8 is
$$\partial\mathcal L_{ik} = \sum_r \big\langle (R_S P_r)_i,\ Q_{r,k} + \bar L_k \circ \bar U_{r,i} \big\rangle
+ \tfrac1J \big\langle (R_S \Lambda)_i, L_k \big\rangle :$$
it is linear in the projected costate. The middle part is the third central moment
$\sum_j S_{ij} \bar P_{ij} \bar U_{ij} \bar L_{kj}$, at most
$\max_j |\bar L_{kj}|\, \langle P_i, R_{S_i} P_i\rangle^{1/2} \langle U_i, R_{S_i} U_i\rangle^{1/2}
\le D_i \max_j |\bar L_{kj}|\, \|P_i\| \|U_i\|$ with the largest eigenvalue $D_i$ of $R_{S_i}$.
""",
    claims=(
        identity("gradient", claim(similarity), paired),
        identity("third central moment", trilinear, moment),
        identity("variance", quadratic, variance),
    ),
    wrong=(
        Wrong("gradient", "the source is not divided by J", pairing_with(sp.Integer(1), centred_likelihood)),
        Wrong(
            "gradient", "the similarity is held fixed", tensor((i, k), total(projected[r, i, j] * right[r, k, j], r, j))
        ),
        Wrong(
            "gradient",
            "the likelihood is centred at its own node's similarity twice",
            pairing_with(1 / labels.size, tensor((i, k, j), log_likelihood[k, j] - 2 * mean_likelihood[i, k])),
        ),
        Wrong(
            "third central moment",
            "the likelihood is not centred",
            tensor(
                (r, i, k),
                total(projected[r, i, j] * log_likelihood[k, j] * averaged[r, i, j], j),
            ),
        ),
        Wrong("variance", "the second moment", tensor((r, i), total(similarity[i, j] * left[r, i, j] ** 2, j))),
    ),
    runs_in="laflow/assignment/certificate.py",
    limits="The identities are proved for all sizes; the inequality of Hölder is used and not proved.",
    sizes=(
        {"nodes": 2, "labels": 2, "ranks": 1},
        {"nodes": 2, "labels": 3, "ranks": 2},
        {"nodes": 3, "labels": 2, "ranks": 1},
    ),
)
