"""Matrix helpers mean what NumPy means by them, with row-stacked vectors."""

import itertools

import numpy as np
import pytest

from derivations.algebra import Array, Range, Tensor
from derivations.algebra.explicit import Point
from derivations.algebra.matrices import (
    act,
    add,
    compose,
    diagonal,
    identity_matrix,
    kronecker,
    kronecker_sum,
    multiply,
    outer,
    scaled,
    subtract,
    transposed,
)

p, q, r, s = (Range(name, name.upper()) for name in "pqrs")
SIZES = {p: 2, q: 3, r: 2, s: 4}
A, B, X = Array("A", p, q), Array("B", r, s), Array("X", q, s)
M, N, Y = Array("M", p, p), Array("N", r, r), Array("Y", p, r)
v, w = Array("v", q), Array("w", s)
PRIME = 2147438927


def value(tensor: Tensor | Array) -> np.ndarray:
    """All entries, as integers modulo the first prime."""
    if isinstance(tensor, Array):
        tensor = scaled(1, tensor)
    entries = Point(SIZES, (1, 1, 1), {}, {}).tensor(tensor)
    shape = tuple(SIZES[over] for over in tensor.axes)
    result = np.empty(shape, dtype=object)
    for at in itertools.product(*map(range, shape)):
        result[at] = entries[at].value
    return result


def as_matrix(stacked: np.ndarray) -> np.ndarray:
    i, j, k, m = stacked.shape
    return stacked.reshape(i * j, k * m)


def same(left: np.ndarray, right: np.ndarray) -> bool:
    return left.shape == right.shape and bool(np.all(left % PRIME == right % PRIME))


def eye(size: int) -> np.ndarray:
    return np.array([[int(i == j) for j in range(size)] for i in range(size)], dtype=object)


CASES = {
    "product": (lambda: value(multiply(A, X)), lambda: value(A).dot(value(X))),
    "product of three": (
        lambda: value(multiply(A, X, transposed(B))),
        lambda: value(A).dot(value(X)).dot(value(B).T),
    ),
    "matrix times vector": (lambda: value(multiply(A, v)), lambda: value(A).dot(value(v))),
    "transpose": (lambda: value(transposed(A)), lambda: value(A).T),
    "identity": (lambda: value(identity_matrix(q)), lambda: eye(3)),
    "diagonal": (lambda: value(diagonal(v)), lambda: np.diag(value(v))),
    "outer": (lambda: value(outer(v, w)), lambda: np.outer(value(v), value(w))),
    "sum": (lambda: value(add(A, A, scaled(3, A))), lambda: 5 * value(A)),
    "difference": (lambda: value(subtract(A, scaled(2, A))), lambda: -value(A)),
    "Kronecker product": (lambda: as_matrix(value(kronecker(A, B))), lambda: np.kron(value(A), value(B))),
    "Kronecker sum": (
        lambda: as_matrix(value(kronecker_sum(M, N))),
        lambda: np.kron(value(M), eye(2)) + np.kron(eye(2), value(N)),
    ),
    "action on a stacked matrix": (
        lambda: value(act(kronecker(A, B), X)).reshape(-1),
        lambda: np.kron(value(A), value(B)).dot(value(X).reshape(-1)),
    ),
    "composition": (
        lambda: as_matrix(value(compose(kronecker_sum(M, N), kronecker_sum(M, N)))),
        lambda: as_matrix(value(kronecker_sum(M, N))).dot(as_matrix(value(kronecker_sum(M, N)))),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_matrix_operation_agrees_with_numpy(name):
    ours, numpys = CASES[name]
    assert same(ours(), numpys())


def test_factors_of_other_shapes_are_refused():
    with pytest.raises(TypeError):
        multiply(A, B)
