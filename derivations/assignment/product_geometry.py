"""Row-stacking, Kronecker products, block-diagonal replicator matrices, Eqs. (2.1)-(2.5), (2.12)-(2.14)."""

from __future__ import annotations

from derivations.algebra import (
    Array,
    Delta,
    Lemma,
    Range,
    Tensor,
    Wrong,
    identity,
    pairing,
    scalar,
    tensor,
    total,
)
from derivations.algebra.matrices import (
    act,
    add,
    compose,
    identity_matrix,
    kronecker,
    kronecker_sum,
    multiply,
    outer,
    transposed,
)
from derivations.assignment.notation import assignment, covector, i, j, k, l, labels, nodes, replicator

# ranges of six different sizes, so that no two dimensions can be confused
m1, m2, m3, m4, m5, m6 = (Range(f"size{number}", f"m{number}") for number in range(1, 7))
left, right = Array("left", m1, m2, latex="A"), Array("right", m4, m5, latex="B")
left_next, right_next = Array("left_next", m2, m3, latex="C"), Array("right_next", m5, m6, latex="D")
middle = Array("middle", m2, m4, latex="X")
column, row_vector = Array("column", m2, latex="v"), Array("row_vector", m5, latex="w")
square_left, square_right = Array("square_left", m2, m2, latex="A"), Array("square_right", m4, m4, latex="B")
point = Array("point", m2, m4, latex="X")


def blocks(p: Array | Tensor) -> Tensor:
    """Diag(R_W): the matrix on stacked fields whose diagonal block of node i is R_{W_i}, Eq. (2.14b)."""
    return tensor((i, j, k, l), Delta(i, k) * (Delta(j, l) * p[i, j] - p[i, j] * p[i, l]))


block_replicator = blocks(assignment)
field = Array("field", nodes, labels, latex="X")

LEMMA = Lemma(
    name="product_geometry",
    title="Row-stacking and Kronecker products; the replicator matrix of the product manifold",
    reference="Eqs. (2.1)-(2.5), (2.12)-(2.14)",
    statement=r"""
Let $\mathrm{vec}_r$ stack rows, $A \oplus B = A \otimes 1 + 1 \otimes B$. Then
$(A \otimes B)(C \otimes D) = AC \otimes BD$,
$\mathrm{vec}_r(AXB) = (A \otimes B^\top)\mathrm{vec}_r(X)$, $\mathrm{vec}_r(v w^\top) = v \otimes w$,
$(A \oplus B)\mathrm{vec}_r(X) = \mathrm{vec}_r(AX + XB^\top)$, and the two summands of $A \oplus B$ commute.
$\mathrm{Diag}(R_W)$, with the blocks $R_{W_1}, \dots, R_{W_I}$ on its diagonal, is symmetric and satisfies
$\mathrm{vec}_r(R_W X) = \mathrm{Diag}(R_W)\, \mathrm{vec}_r(X)$.
A stacked index is a pair of indices here, so $\mathrm{vec}_r$ itself needs no symbol.
""",
    claims=(
        identity(
            "mixed product",
            compose(kronecker(left, right), kronecker(left_next, right_next)),
            kronecker(multiply(left, left_next), multiply(right, right_next)),
        ),
        identity(
            "stacking a product",
            multiply(left, middle, right),
            act(kronecker(left, transposed(right)), middle),
        ),
        identity(
            "Kronecker product of vectors",
            act(kronecker(left, right), outer(column, row_vector)),
            outer(multiply(left, column), multiply(right, row_vector)),
        ),
        identity(
            "Kronecker sum acts from both sides",
            act(kronecker_sum(square_left, square_right), point),
            add(multiply(square_left, point), multiply(point, transposed(square_right))),
        ),
        identity(
            "summands of a Kronecker sum commute",
            compose(kronecker(square_left, identity_matrix(m4)), kronecker(identity_matrix(m2), square_right)),
            compose(kronecker(identity_matrix(m2), square_right), kronecker(square_left, identity_matrix(m4))),
        ),
        identity("replicator by blocks", act(block_replicator, field), replicator(assignment, field)),
        identity("blocks are symmetric", block_replicator, tensor((k, l, i, j), block_replicator[i, j, k, l])),
        identity(
            "replicator is self-adjoint",
            scalar(pairing(covector, replicator(assignment, field))),
            scalar(pairing(field, replicator(assignment, covector))),
        ),
        identity(
            "replicated fields are tangent",
            tensor(i, total(replicator(assignment, field)[i, j], j)),
            tensor(i, 0),
        ),
    ),
    wrong=(
        Wrong(
            "Kronecker sum acts from both sides",
            "the right factor is not transposed",
            add(multiply(square_left, point), multiply(point, square_right)),
        ),
        Wrong(
            "Kronecker sum acts from both sides",
            "a product instead of a sum",
            multiply(square_left, point, transposed(square_right)),
        ),
        Wrong(
            "replicator by blocks",
            "only the diagonal of a block",
            tensor((i, j), assignment[i, j] * field[i, j]),
        ),
        Wrong(
            "replicator by blocks",
            "blocks off the diagonal do not vanish",
            tensor((i, j), assignment[i, j] * (field[i, j] - total(assignment[k, l] * field[k, l], k, l))),
        ),
        Wrong("replicated fields are tangent", "they sum to 1 as assignments do", tensor(i, 1)),
    ),
    sizes=(
        {"nodes": 2, "labels": 3, "size1": 2, "size2": 3, "size3": 2, "size4": 2, "size5": 3, "size6": 1},
        {"nodes": 3, "labels": 2, "size1": 1, "size2": 2, "size3": 3, "size4": 3, "size5": 2, "size6": 2},
    ),
)
