"""The low-rank form of the gradient's core and the error of cutting it off, Eqs. (3.43)-(3.47)."""

from __future__ import annotations

from derivations.algebra import Array, Lemma, Range, Tensor, Wrong, identity, pairing, scalar, tensor, total
from derivations.algebra.matrices import add, identity_matrix, multiply, scaled, subtract, transposed
from derivations.assignment.krylov_approximation import orthonormality
from derivations.assignment.notation import r, ranks

left_size, left_dim = Range("left_size", "k1"), Range("left_dim", "m1")
right_size, right_dim = Range("right_size", "k2"), Range("right_dim", "m2")
left_basis, right_basis = (
    Array("left_basis", left_size, left_dim, latex="P"),
    Array("right_basis", right_size, right_dim, latex="Q"),
)
core = Array("core", left_dim, right_dim, latex="C")
left_vectors, right_vectors = (
    Array("left_vectors", left_dim, ranks, latex="Y"),
    Array("right_vectors", right_dim, ranks, latex="Z"),
)
singular = Array("singular", ranks, latex=r"\sigma")
tail = Array("tail", ranks, latex=r"\tau")  # σ_i where cut off, else 0
form = Array("form", left_size, right_size, latex="X")  # the linear form that M is paired with


def product_sum(values: Array, left: Array | Tensor, right: Array | Tensor) -> Tensor:
    """Σ_i σ_i y_i z_iᵀ, from the columns of two matrices."""
    a, b = left.axes[0].index("a"), right.axes[0].index("b")
    return tensor((a, b), total(values[r] * left[a, r] * right[b, r], r))


# the map (3.42b): M = P C Qᵀ; hypothesis (3.44): C = Σ σ_i y_i z_iᵀ
moment = multiply(left_basis, core, transposed(right_basis))
decomposition = subtract(core, product_sum(singular, left_vectors, right_vectors))

# the claim (3.45c): Σ σ_i (P y_i)(Q z_i)ᵀ, whose stacked rows are Σ σ_i (P y_i) ⊗ (Q z_i)
lifted_left, lifted_right = multiply(left_basis, left_vectors), multiply(right_basis, right_vectors)
factored = product_sum(singular, lifted_left, lifted_right)
factored_hypothesis = multiply(left_basis, decomposition, transposed(right_basis))

# columns of P Y are orthonormal if those of P and of Y are
gram = multiply(transposed(lifted_left), lifted_left)
gram_hypotheses = add(
    multiply(transposed(left_vectors), orthonormality(left_basis), left_vectors), orthonormality(left_vectors)
)

# the error of cutting off: ‖Σ τ_i u_i w_iᵀ‖² for orthonormal u_i and w_i
cut_left, cut_right = Array("cut_left", left_size, ranks, latex="U"), Array("cut_right", right_size, ranks, latex="W")
cut = product_sum(tail, cut_left, cut_right)
u, v = ranks.indices("u v")
left_defect, right_defect = orthonormality(cut_left), orthonormality(cut_right)
right_gram = multiply(transposed(cut_right), cut_right)
cut_hypotheses = total(tail[u] * tail[v] * left_defect[u, v] * right_gram[u, v], u, v) + total(
    tail[u] ** 2 * right_defect[u, u], u
)

LEMMA = Lemma(
    name="low_rank",
    title="Low-rank form of the gradient and its truncation error",
    reference="Eqs. (3.43)-(3.47)",
    statement=r"""
Let $C = \sum_i \sigma_i y_i z_i^\top$ be the singular value decomposition of the core. Then
$P C Q^\top = \sum_i \sigma_i (P y_i)(Q z_i)^\top$, with stacked rows
$\sum_i \sigma_i (P y_i) \otimes (Q z_i)$; the vectors $P y_i$ are orthonormal, as are the $Q z_i$; and
cutting off summands makes an error of Frobenius norm $\big(\sum_{\text{cut}} \sigma_i^2\big)^{1/2}$,
exactly. A linear form $X$ of the moment becomes
$\langle X, P C Q^\top\rangle = \sum_i \sigma_i\, (P y_i)^\top X (Q z_i)$. The hypotheses (decomposition,
orthonormality) stand in the claims with their multipliers.
""",
    claims=(
        identity("factored form", moment, add(factored, factored_hypothesis)),
        identity("orthonormal factors", gram, add(identity_matrix(ranks), gram_hypotheses)),
        identity("truncation error", scalar(pairing(cut, cut)), scalar(total(tail[u] ** 2, u) + cut_hypotheses)),
        identity(
            "linear form of the moment",
            scalar(pairing(form, factored)),
            scalar(total(singular[r] * multiply(transposed(lifted_left), form, lifted_right)[r, r], r)),
        ),
    ),
    wrong=(
        Wrong(
            "factored form",
            "both signs of a pair are counted",
            add(product_sum(singular, lifted_left, scaled(2, lifted_right)), factored_hypothesis),
        ),
        Wrong("truncation error", "the sum of the singular values", scalar(total(tail[u], u) + cut_hypotheses)),
        Wrong("truncation error", "the square of their sum", scalar(total(tail[u], u) ** 2 + cut_hypotheses)),
        Wrong(
            "orthonormal factors",
            "orthogonal, but of length √2",
            add(scaled(2, identity_matrix(ranks)), gram_hypotheses),
        ),
        Wrong(
            "linear form of the moment",
            "left and right factors of different summands are paired",
            scalar(total(singular[u] * multiply(transposed(lifted_left), form, lifted_right)[u, v], u, v)),
        ),
    ),
    runs_in="laflow/assignment/low_rank.py",
    limits=(
        "That the decomposition exists, with singular values in decreasing order, is linear algebra that is "
        "used and "
        "not proved; so is that no other rank-r matrix is closer (Eckart and Young)."
    ),
    sizes=(
        {"left_size": 2, "left_dim": 2, "right_size": 3, "right_dim": 2, "ranks": 2},
        {"left_size": 3, "left_dim": 2, "right_size": 2, "right_dim": 1, "ranks": 1},
    ),
)
