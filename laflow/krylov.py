"""Krylov spaces, and the small matrix functions that are evaluated inside them.

Everything large happens in `krylov_space`: products with an operator, and inner products. The rest works on matrices
of the Krylov dimension. See Sect. 2.4 (exponential integration) and Sect. 3.3 of the paper.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm, lapack, solve_triangular

from laflow.errors import ValueRangeError
from laflow.linalg import gram, mix_rows, row_products, subtract_rows, whole_gram

FloatArray = NDArray[np.float64]
Apply = Callable[[FloatArray, FloatArray], None]
Fill = Callable[[int, int], NDArray[np.float64]]

# One pass of classical Gram-Schmidt loses orthogonality in proportion to the drop of the norm; below this
# ratio a second pass restores it (Daniel, Gragg, Kaufman, Stewart 1976: "twice is enough").
NORM_DROP = 0.1

# What is left of a new direction below this many rounding errors of the operator's scale is rounding: the space is
# invariant. In double precision 1e-13.
BREAKDOWN = 450.0

# Powers of whose square less than this share is orthogonal to the earlier ones are too nearly dependent for a Gram
# matrix, which is in double precision, to tell: then the space is built by Arnoldi's method. So are powers in single
# precision whose new part is below ten of their rounding errors.
DEPENDENT = 1e-13
ROUNDINGS = 10.0

# Times at which small trajectories are sampled for error estimates (Simpson's rule: an even number of
# pieces).
PIECES = 8


@dataclass(frozen=True)
class KrylovSpace:
    """The span of b, Ab, ..., A^m b, held by vectors that span it, and A in coordinates of an orthonormal basis.

    `vectors` is (coordinates, n); with the upper triangular `triangle` R, the orthonormal basis is the rows q_i of
    ``inv(R).T @ vectors``. It need not be formed. b = `start_norm` q_1, and ``A q_j = sum_i hessenberg[i, j] q_i``
    plus, for the last of the m = `dimension` columns, ``next_norm q_(m+1)``. After a breakdown the space is
    invariant, there is no q_(m+1), and results are exact up to rounding. A zero start gives m = 0. `products` counts
    the products with A that were made.

    Functions of A use q_(m+1) too (the corrected scheme of Saad 1992): it has been paid for, and it gains nearly
    what one more product would. `coordinates` counts it.
    """

    vectors: FloatArray
    triangle: FloatArray
    hessenberg: FloatArray
    start_norm: float
    next_norm: float
    products: int

    @property
    def dimension(self) -> int:
        """The dimension m reached, at most the one asked for."""
        return int(self.hessenberg.shape[0])

    @property
    def coordinates(self) -> int:
        """Number of coordinates of a vector in this space, m + 1, or m after a breakdown."""
        return int(self.vectors.shape[0])

    @property
    def by_powers(self) -> bool:
        """Whether `vectors` are the powers b, Ab, ... themselves; else they are orthonormal."""
        return not np.array_equal(self.triangle, np.eye(self.coordinates))

    @property
    def breakdown(self) -> bool:
        """Whether the space is invariant."""
        return self.coordinates == self.dimension

    @cached_property
    def generator(self) -> FloatArray:
        """A in coordinates: the Hessenberg matrix, below it the step to q_(m+1), and a guess of A q_(m+1).

        Where A takes q_(m+1) is not known. The guess continues the last column as if the matrix were symmetric, which
        it nearly is; `residual_integral` counts what it may miss. It nearly halves the error for nothing.
        """
        size = self.dimension
        matrix = np.zeros((self.coordinates, self.coordinates))
        matrix[:size, :size] = self.hessenberg
        if not self.breakdown and size:
            matrix[size, size - 1] = matrix[size - 1, size] = self.next_norm
            matrix[size, size] = self.hessenberg[-1, -1]
        return matrix

    @property
    def scale(self) -> float:
        """The largest |A q_j| seen."""
        columns = np.vstack([self.hessenberg, np.zeros(self.dimension)])
        columns[-1, -1:] = self.next_norm
        return float(np.linalg.norm(columns, axis=0).max(initial=0.0))

    def without_last(self) -> "KrylovSpace":
        """The same space without q_(m+1), taken as invariant: what A takes out of it is dropped."""
        return self if self.breakdown else self.first(self.dimension)

    def first(self, size: int) -> "KrylovSpace":
        """The space of the first `size` coordinates, at most m of them, taken as invariant."""
        return replace(
            self,
            vectors=self.vectors[:size],
            triangle=self.triangle[:size, :size],
            hessenberg=self.hessenberg[:size, :size],
            next_norm=0.0,
        )

    def combine(self, coefficients: FloatArray, out: FloatArray) -> None:
        """Write the vectors with these `coefficients` (k, coordinates) in the orthonormal basis into `out` (k, n).

        The rows of `out` may be the first ones of `vectors` itself, which is lost then.
        """
        mix_rows(self.mixing(coefficients), self.vectors, out)

    def mixing(self, coefficients: FloatArray) -> FloatArray:
        """What `coefficients` (k, coordinates) in the orthonormal basis are for `vectors`."""
        mixed: FloatArray = solve_triangular(self.triangle, coefficients.T).T
        return mixed


def krylov_space(
    apply: Apply, storage: FloatArray, earlier: KrylovSpace | None = None, fill: Fill | None = None
) -> KrylovSpace:
    """The Krylov space of an operator and a start vector, by the powers b, Ab, A^2 b, ... and their Gram matrix.

    `apply(vector, image)` writes A times `vector` (n,) into `image` (n,). `storage` is (m + 1, n), its first row
    b; the space keeps it. Cost: m products and one pass over the powers; with its Cholesky factor R, the Gram matrix
    R^T R gives A in the orthonormal basis R^-T (b, Ab, ...), which is never formed.

    The powers grow more and more alike. That does no harm here: exp(A) and its relatives are sums of powers with
    coefficients of one sign, which is how they are mixed again. Only where a power is dependent on the others up to
    rounding, as when the space is invariant, Arnoldi's method takes over.

    An `earlier` space whose powers are the first rows of `storage` is grown: no product is made twice. One of
    orthonormal vectors is built anew. `fill(first, new)`, if it is given, makes the powers in an order of its own: it
    fills the rows after `first` and returns the inner products of the rows from `new` on, as `lower_products` does.
    """
    limit = storage.shape[0] - 1
    known = earlier.triangle.T @ earlier.triangle if earlier is not None and earlier.by_powers else None
    first = 0 if known is None else known.shape[0] - 1
    if fill is not None:
        products = whole_gram(fill(first, 0 if known is None else known.shape[0]), known)
    else:
        for column in range(first, limit):
            apply(storage[column], storage[column + 1])
        products = gram(storage, known)
    made = limit - first + (0 if earlier is None else earlier.products)
    if products[0, 0] == 0.0:
        return _nothing(storage)
    found = space_of_powers(storage, products, made) if limit < storage.shape[1] else None
    return replace(space := arnoldi(apply, storage), products=made + space.products) if found is None else found


def space_of_powers(powers: FloatArray, products: FloatArray, made: int) -> KrylovSpace | None:
    """The space of the powers b, Ab, ... by their Gram matrix `products`, or None where they are too nearly dependent.

    Nothing is asked of the `powers` (m + 1, n) but their number and precision. `made` products were needed.
    """
    least = max(DEPENDENT, (ROUNDINGS * float(np.finfo(powers.dtype).eps)) ** 2)
    triangle = _independent(products, least)
    if triangle is None:
        return None
    # A takes power j to power j + 1: in coordinates, the columns of R move one to the left.
    steps = solve_triangular(triangle[:-1, :-1], triangle[:, 1:].T, trans="T").T
    return KrylovSpace(powers, triangle, steps[:-1], float(triangle[0, 0]), float(steps[-1, -1]), made)


def _independent(products: FloatArray, least: float) -> FloatArray | None:
    """The Cholesky factor of a Gram matrix, or None if the new share of a vector's square is below `least`."""
    norms = np.sqrt(np.diag(products))
    if not (np.all(np.isfinite(norms)) and np.all(norms > 0.0)):
        return None
    factor, failed = lapack.dpotrf(products / np.outer(norms, norms), lower=0, clean=1)
    if failed or np.any(np.diag(factor) ** 2 < least):
        return None
    result: FloatArray = factor * norms
    return result


def arnoldi(apply: Apply, storage: FloatArray) -> KrylovSpace:
    """The same space as `krylov_space`, vector by vector: orthonormal ones, which then span it, in `storage`."""
    length = storage.shape[1]
    # No Krylov space is larger than the space it lives in.
    limit = min(storage.shape[0] - 1, length)
    hessenberg = np.zeros((limit, limit))
    start_norm = float(np.sqrt(row_products(storage[:0], storage[0])[1]))
    if start_norm == 0.0:
        return _nothing(storage)
    storage[0] *= 1.0 / start_norm
    rounding = BREAKDOWN * float(np.finfo(storage.dtype).eps)
    scale = norm = 0.0
    for column in range(limit):
        size = column + 1
        image = storage[size]
        apply(storage[column], image)
        coefficients, norm, applied_norm = _orthonormalize(storage[:size], image)
        hessenberg[:size, column] = coefficients
        scale = max(scale, applied_norm)
        if norm <= rounding * scale or size == length:
            return KrylovSpace(storage[:size], np.eye(size), hessenberg[:size, :size].copy(), start_norm, 0.0, size)
        if size < limit:
            hessenberg[size, column] = norm
    return KrylovSpace(storage[: limit + 1], np.eye(limit + 1), hessenberg, start_norm, norm, limit)


def _nothing(storage: FloatArray) -> KrylovSpace:
    """The space of a zero vector."""
    empty = np.zeros((0, 0))
    return KrylovSpace(storage[:0], empty, empty, 0.0, 0.0, 0)


def _orthonormalize(basis: FloatArray, vector: FloatArray) -> tuple[FloatArray, float, float]:
    """Make `vector` orthonormal to the rows of `basis`, in place.

    Returns the coefficients removed, the norm of what was left (by which it was divided), and the norm
    before.
    """
    coefficients, before = row_products(basis, vector)
    # Pythagoras spares a pass over the vector; it is accurate unless the norm drops, which is tested.
    square = before - float(np.dot(coefficients, coefficients))
    if square > NORM_DROP**2 * before:
        norm = float(np.sqrt(square))
        subtract_rows(basis, coefficients, 1.0 / norm, vector)
        return coefficients, norm, float(np.sqrt(before))
    subtract_rows(basis, coefficients, 1.0, vector)
    correction, _ = row_products(basis, vector)
    subtract_rows(basis, correction, 1.0, vector)
    norm = float(np.linalg.norm(vector))
    if norm > 0.0:
        vector *= 1.0 / norm
    return coefficients + correction, norm, float(np.sqrt(before))


def phi_trajectory(space: KrylovSpace, time: float) -> FloatArray:
    """Coordinates of t phi(tA) b in `space`, at PIECES + 1 equidistant times 0..`time`.

    Row k holds t_k phi(t_k G) `start_norm` e_1, Eq. (2.29), G the generator, by powers of one exponential of
    ``[[G, e_1], [0, 0]]``. Shape (PIECES + 1, coordinates).
    """
    size = space.coordinates
    states = np.zeros((PIECES + 1, size + 1))
    states[0, size] = 1.0
    if size:
        augmented = np.zeros((size + 1, size + 1))
        augmented[:size, :size] = space.generator
        augmented[0, size] = 1.0
        step = finite_expm(augmented * (time / PIECES), time)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused below
            for piece in range(PIECES):
                states[piece + 1] = step @ states[piece]
    trajectory = states[:, :size] * space.start_norm
    require_finite(trajectory, time)
    return trajectory


def residual_integral(space: KrylovSpace, trajectory: FloatArray, time: float) -> float:
    """The integral of the residual norm of a `trajectory` y in `space`, estimated.

    The residual is y_(m+1)(t) (A q_(m+1) - its guess), the product not made; `scale` stands for the norm of the
    bracket. The error e of the approximation obeys e' = A e + residual, so this estimates ``|e(time)|`` up to the
    growth ``exp(time * max(0, mu))`` of the flow, mu the logarithmic norm of A. Simpson's rule on the samples.
    """
    if space.breakdown:
        return 0.0
    return space.scale * simpson(np.abs(trajectory[:, -1]), time)


def relative_residual(space: KrylovSpace, trajectory: FloatArray, time: float) -> float:
    """`residual_integral` relative to the end of the trajectory; 0 for a flow that stands still."""
    size = float(np.linalg.norm(trajectory[-1]))
    return residual_integral(space, trajectory, time) / size if size > 0.0 else 0.0


def simpson(samples: FloatArray, time: float) -> float:
    """Simpson's rule for equidistant samples over ``[0, time]`` (an even number of pieces)."""
    pieces = samples.size - 1
    weights = np.full(samples.size, 2.0)
    weights[1::2] = 4.0
    weights[[0, -1]] = 1.0
    return float(np.dot(weights, samples)) * time / (3.0 * pieces)


def van_loan_core(adjoint: KrylovSpace, forward: KrylovSpace, time: float) -> tuple[FloatArray, FloatArray]:
    """The small core of the gradient and the integral of the adjoint, in two Krylov spaces.

    With lambda(t) = exp(tA^T) g in `adjoint` (basis P) and v(t) = t phi(tA) b in `forward` (basis Q),

        integral_0^time lambda(time - s) v(s)^T ds = P^T core Q,   integral_0^time lambda = P^T covector.

    Both are the upper right block of one exponential (Van Loan 1978), which equals the two-subspace form
    (3.41)-(3.44). Returns core (P's coordinates, Q's coordinates) and covector (P's coordinates,).
    """
    rows, columns = adjoint.coordinates, forward.coordinates
    size = rows + columns + 1
    matrix = np.zeros((size, size))
    matrix[:rows, :rows] = adjoint.generator
    matrix[0, size - 1] = 1.0
    # The transpose of [[G_Q, e_1], [0, 0]]; the norms of b and g are multiplied back at the end.
    matrix[rows : size - 1, rows : size - 1] = forward.generator.T
    if columns:
        matrix[size - 1, rows] = 1.0
    block = finite_expm(matrix * time, time)[:rows, rows:] * adjoint.start_norm
    core, covector = block[:, :columns] * forward.start_norm, block[:, columns]
    require_finite(core, time)
    return core, covector


def require_finite(values: FloatArray, time: float) -> None:
    """Raise if the flow has overflowed."""
    if not np.all(np.isfinite(values)):
        raise ValueRangeError(
            f"the flow overflows at time {time:g}: the linearized flow grows exponentially, use a smaller time"
        )


def finite_expm(matrix: FloatArray, time: float) -> FloatArray:
    """`expm`, refusing what would overflow inside its squarings."""
    with np.errstate(over="ignore", invalid="ignore"):
        result: FloatArray = expm(matrix)
    require_finite(result, time)
    return result
