"""Matrices as arrays with two axes, and Kronecker products in the row-stacking convention.

``vec_r`` stacks the rows of a matrix: the entry of ``vec_r(X)`` at the pair (i, j) is ``X_ij``. A matrix that
acts on stacked matrices therefore has four indices, a pair for its row and a pair for its column.
"""

from __future__ import annotations

from derivations.algebra.language import Array, Delta, Index, Range, Tensor, tensor, total

Matrix = Array | Tensor


def fresh_indices(value: Matrix) -> tuple[Index, ...]:
    """Indices over the axes of ``value`` that occur nowhere else."""
    return tuple(over.index(over.name[0]).fresh() for over in value.axes)


def identity_matrix(over: Range) -> Tensor:
    """1 on the diagonal."""
    a, b = over.index(over.name[0]).fresh(), over.index(over.name[0]).fresh()
    return tensor((a, b), Delta(a, b))


def transposed(matrix: Matrix) -> Tensor:
    """Aᵀ."""
    a, b = fresh_indices(matrix)
    return tensor((b, a), matrix[a, b])


def multiply(*factors: Matrix) -> Tensor:
    """A B C ...: a product of matrices; the last factor may be a vector."""
    *rest, last = factors
    result = last
    for left in reversed(rest):
        a, b = fresh_indices(left)
        free = fresh_indices(result)[1:]
        result = tensor((a, *free), total(left[a, b] * result[b, *free], b))
    assert isinstance(result, Tensor), "a product needs at least two factors"
    return result


def add(*terms: Matrix) -> Tensor:
    """The sum of arrays of one shape."""
    free = fresh_indices(terms[0])
    return tensor(free, sum(term[free] for term in terms))


def scaled(factor: object, value: Matrix) -> Tensor:
    """A multiple of an array; ``factor`` has no indices."""
    free = fresh_indices(value)
    return tensor(free, factor * value[free])


def subtract(left: Matrix, right: Matrix) -> Tensor:
    """The difference of two arrays of one shape."""
    return add(left, scaled(-1, right))


def outer(left: Matrix, right: Matrix) -> Tensor:
    """v wᵀ, whose stacked rows are v ⊗ w, Eq. (2.4); for matrices, all products of entries."""
    a, b = fresh_indices(left), fresh_indices(right)
    return tensor((*a, *b), left[a] * right[b])


def kronecker(left: Matrix, right: Matrix) -> Tensor:
    """A ⊗ B: the entry at row (i, j) and column (p, q) is A_ip B_jq."""
    (i, p), (j, q) = fresh_indices(left), fresh_indices(right)
    return tensor((i, j, p, q), left[i, p] * right[j, q])


def kronecker_sum(left: Matrix, right: Matrix) -> Tensor:
    """A ⊕ B = A ⊗ 1 + 1 ⊗ B, Eq. (2.1)."""
    return add(
        kronecker(left, identity_matrix(right.axes[0])),
        kronecker(identity_matrix(left.axes[0]), right),
    )


def act(stacked: Tensor, matrix: Matrix) -> Tensor:
    """The matrix whose stacked rows are ``stacked`` times ``vec_r(matrix)``."""
    i, j, p, q = fresh_indices(stacked)
    return tensor((i, j), total(stacked[i, j, p, q] * matrix[p, q], p, q))


def compose(left: Tensor, right: Tensor) -> Tensor:
    """The product of two matrices that act on stacked matrices."""
    i, j, p, q = fresh_indices(left)
    r, s = fresh_indices(right)[2:]
    return tensor((i, j, r, s), total(left[i, j, p, q] * right[p, q, r, s], p, q))


def diagonal(vector: Matrix) -> Tensor:
    """Diag(v): the matrix with ``vector`` on its diagonal."""
    a, b = vector.axes[0].index("a").fresh(), vector.axes[0].index("b").fresh()
    return tensor((a, b), Delta(a, b) * vector[a])
