"""The logarithmic norm of A = R_S Ω, bounded by a nonnegative matrix of the size of the graph."""

from __future__ import annotations

import sympy as sp

from derivations.algebra import Array, Lemma, Wrong, derivative_claim, identity, scalar, tensor, total
from derivations.assignment.linearized_flow import linear_map
from derivations.assignment.notation import i, j, k, l, n, nodes, replicator, similarity, tangent, weights

spread = Array("spread", nodes, latex="D")  # at least the largest eigenvalue of each R_{S_i}
test = Array("test", nodes, latex="x")  # any positive vector
vector = Array("vector", nodes, latex="z")

# the map: <V, AV>, and the same with norms of rows in place of rows
growth = total(tangent[i, j] * linear_map[i, j], i, j)
projected = replicator(similarity, tangent)
compared = total(spread[i] * weights[i, k] * vector[i] * vector[k], i, k)

# the claim: N = (DΩ + ΩᵀD)/2 is at most the largest (Nx)_i / x_i
symmetric = tensor((i, k), (spread[i] * weights[i, k] + spread[k] * weights[k, i]) / 2)
quotient = tensor(i, total(symmetric[i, k] * test[k], k) / test[i])
gap = total(symmetric[i, k] * test[i] * test[k] * (vector[i] / test[i] - vector[k] / test[k]) ** 2, i, k)
upper = total(quotient[i] * vector[i] ** 2, i)

# the Euclidean norm of Ω, by Schur's test with the constant vector
averaged = tensor(i, total(weights[i, k] * vector[k], k))
row_sum = tensor(i, total(weights[i, k], k))
schur_gap = tensor(i, total(weights[i, k] * weights[i, n] * (vector[k] - vector[n]) ** 2, k, n) / 2)

# the scalar equation that Grönwall's inequality compares with: E' = μE + ρ
rate, time, residual, start = sp.symbols("mu T rho E_0")
bound = sp.exp(rate * time) * start + residual * (sp.exp(rate * time) - 1) / rate

LEMMA = Lemma(
    name="logarithmic_norm",
    title="The logarithmic norm of the linear map",
    reference="Eq. (2.23), for the certificate",
    statement=r"""
$\langle V, AV\rangle = \sum_{ik} \Omega_{ik} \langle R_{S_i} V_i, V_k\rangle$, and with
$|\langle R_{S_i} V_i, V_k\rangle| \le D_i \|V_i\| \|V_k\|$ it is at most $\langle z, N z\rangle$ for $z_i = \|V_i\|$
and $N = \frac12 (D\Omega + \Omega^\top D)$. For every positive $x$
$$\langle z, N z\rangle = \sum_i \frac{(Nx)_i}{x_i} z_i^2
- \tfrac12 \sum_{ik} N_{ik} x_i x_k \Big(\frac{z_i}{x_i} - \frac{z_k}{x_k}\Big)^2,$$
so $\mu = \max_i (Nx)_i / x_i$ is at least the logarithmic norm of $A$, which is that of $A^\top$ (Collatz and
Wielandt). For the norm,
$(\Omega z)_i^2 = (\Omega 1)_i \sum_k \Omega_{ik} z_k^2 - \frac12 \sum_{kn} \Omega_{ik} \Omega_{in} (z_k - z_n)^2$,
so $\|\Omega\|^2 \le \|\Omega\|_\infty \|\Omega\|_1$. An error with $\dot e = Ae + r$ has
$\|e\|^{\boldsymbol\cdot} \le \mu \|e\| + \|r\|$.
""",
    claims=(
        identity(
            "growth by nodes",
            scalar(growth),
            scalar(total(weights[i, k] * projected[i, j] * tangent[k, j], i, k, j)),
        ),
        identity("symmetric part", scalar(compared), scalar(total(symmetric[i, k] * vector[i] * vector[k], i, k))),
        identity("gap to the largest quotient", scalar(upper - compared), scalar(gap / 2)),
        identity(
            "gap of an average",
            tensor(i, row_sum[i] * total(weights[i, k] * vector[k] ** 2, k) - averaged[i] ** 2),
            schur_gap,
        ),
        derivative_claim("comparison", scalar(bound), time, scalar(rate * bound + residual)),
    ),
    wrong=(
        Wrong(
            "growth by nodes",
            "the neighbour's replicator",
            scalar(
                total(
                    weights[i, k]
                    * tangent[i, j]
                    * similarity[k, j]
                    * (tangent[k, j] - total(similarity[k, l] * tangent[k, l], l)),
                    i,
                    k,
                    j,
                )
            ),
        ),
        Wrong(
            "symmetric part",
            "twice the symmetric part",
            scalar(2 * total(symmetric[i, k] * vector[i] * vector[k], i, k)),
        ),
        Wrong("gap to the largest quotient", "every pair is counted twice", scalar(gap)),
        Wrong(
            "gap to the largest quotient",
            "the test vector is left out",
            scalar(total(symmetric[i, k] * (vector[i] - vector[k]) ** 2, i, k) / 2),
        ),
        Wrong(
            "gap of an average",
            "the row sum is taken as known from the columns",
            tensor(i, 2 * schur_gap[i]),
        ),
        Wrong("comparison", "the growth is forgotten", scalar(residual)),
    ),
    runs_in="laflow/assignment/operator_sizes.py",
    limits=(
        "The identities are proved for all sizes. The inequality of Cauchy and Schwarz at each pair of nodes, and "
        "Grönwall's, by which |e| stays below the solution of E' = μE + |r|, are used and not proved."
    ),
    sizes=({"nodes": 2, "labels": 2}, {"nodes": 3, "labels": 2}, {"nodes": 2, "labels": 3}),
)
