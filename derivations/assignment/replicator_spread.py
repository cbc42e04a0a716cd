"""The largest eigenvalue of the replicator matrix R_p, bounded by two numbers that one pass over p finds."""

from __future__ import annotations

from derivations.algebra import Array, Delta, Lemma, Tensor, Wrong, identity, scalar, tensor, total
from derivations.assignment.notation import j, l, labels, q

point = Array("point", labels, latex="p", sums={0: 1})
vector = Array("vector", labels, latex="x")

# the map (2.10): R_p x
image = tensor(j, point[j] * (vector[j] - total(point[l] * vector[l], l)))
quadratic_form = total(vector[j] * image[j], j)
square = total(image[j] ** 2, j)

# the claims: R_p is the Laplacian of the complete graph whose edge {j, l} has the weight p_j p_l
degree = tensor(j, point[j] * (1 - point[j]))
differences = total(point[j] * point[l] * (vector[j] - vector[l]) ** 2, l)
mean = total(point[j] * vector[j], j)
entries = tensor((j, l), point[j] * Delta(j, l) - point[j] * point[l])
squares, cubes = total(point[j] ** 2, j), total(point[j] ** 3, j)


def others(row_weight: Tensor | Array) -> Tensor:
    """1/2 sum over l, q other than j of w_jl w_jq (x_l - x_q)², the gap of Cauchy and Schwarz at node j."""

    def edge(to):  # type: ignore[no-untyped-def]
        return row_weight[j] * point[to] * (1 - Delta(j, to))

    return tensor(j, total(edge(l) * edge(q) * (vector[l] - vector[q]) ** 2, l, q) / 2)


LEMMA = Lemma(
    name="replicator_spread",
    title="How far the replicator matrix stretches",
    reference="Eq. (2.10), for the certificate",
    statement=r"""
Let $p$ sum to one and $d_j = p_j (1 - p_j)$. Then $\langle x, R_p x\rangle = \frac12 \sum_{jl} p_j p_l (x_j - x_l)^2
= \sum_j p_j x_j^2 - \langle p, x\rangle^2$, and row by row
$(R_p x)_j^2 = d_j \sum_l p_j p_l (x_j - x_l)^2 - \frac12 \sum_{l, q \ne j} p_j^2 p_l p_q (x_l - x_q)^2$. Summed over
$j$, $\|R_p x\|^2 \le \frac12 \sum_{j \ne l} (d_j + d_l)\, p_j p_l (x_j - x_l)^2 \le
\max_{j \ne l} (d_j + d_l)\, \langle x, R_p x\rangle$, so that for $p \ge 0$ the largest eigenvalue is at most
$\min\big(\max_{j \ne l} (d_j + d_l),\ \max_j p_j\big)$. With $t = \mathrm{tr} R_p = 1 - \sum_j p_j^2$ and
$f = \mathrm{tr} R_p^2 = \sum_j p_j^2 - 2 \sum_j p_j^3 + \big(\sum_j p_j^2\big)^2$ it is also at most
$\frac{t}{J-1} + \big(\frac{J-2}{J-1} (f - \frac{t^2}{J-1})\big)^{1/2}$, as $R_p \mathbb 1 = 0$.
""",
    claims=(
        identity(
            "quadratic form",
            scalar(quadratic_form),
            scalar(total(point[j] * point[l] * (vector[j] - vector[l]) ** 2, j, l) / 2),
        ),
        identity("below the diagonal", scalar(quadratic_form), scalar(total(point[j] * vector[j] ** 2, j) - mean**2)),
        identity("trace", scalar(total(entries[j, l] * Delta(j, l), j, l)), scalar(1 - squares)),
        identity(
            "trace of the square",
            scalar(total(entries[j, l] ** 2, j, l)),
            scalar(squares - 2 * cubes + squares**2),
        ),
        identity("degree", tensor(j, total(point[j] * point[l] * (1 - Delta(j, l)), l)), degree),
        identity("gap in a row", tensor(j, degree[j] * differences - image[j] ** 2), others(tensor(j, point[j]))),
        identity(
            "both ends of an edge",
            scalar(total(degree[j] * differences, j)),
            scalar(
                total(
                    (degree[j] + degree[l]) * point[j] * point[l] * (vector[j] - vector[l]) ** 2,
                    j,
                    l,
                )
                / 2
            ),
        ),
    ),
    wrong=(
        Wrong(
            "quadratic form",
            "every pair is counted twice",
            scalar(total(point[j] * point[l] * (vector[j] - vector[l]) ** 2, j, l)),
        ),
        Wrong("degree", "the loop is counted", tensor(j, point[j])),
        Wrong("trace of the square", "the diagonal alone", scalar(squares - 2 * cubes + total(point[j] ** 4, j))),
        Wrong(
            "gap in a row",
            "the node itself is among the others",
            tensor(j, total(point[j] ** 2 * point[l] * point[q] * (vector[l] - vector[q]) ** 2, l, q) / 2),
        ),
        Wrong(
            "below the diagonal",
            "the square of the mean is forgotten",
            scalar(total(point[j] * vector[j] ** 2, j)),
        ),
        Wrong(
            "both ends of an edge",
            "the degree of one end stands for both",
            scalar(total(degree[j] * point[j] * point[l] * (vector[j] - vector[l]) ** 2, j, l) / 2),
        ),
    ),
    runs_in="laflow/assignment/operator_sizes.py",
    limits=(
        "The identities are proved for all sizes. That squares are not negative, that a sum is at most the largest "
        "factor times the sum of the rest, that x·R²x <= c x·Rx for a symmetric R >= 0 means R <= c, and how large one "
        "of J - 1 real numbers can be whose sum and sum of squares are given, are used and not proved."
    ),
    sizes=({"labels": 2}, {"labels": 3}, {"labels": 4}),
)
