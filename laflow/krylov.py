"""Krylov spaces, and the small matrix functions that are evaluated inside them.

Everything large happens in `arnoldi`: products with an operator, and orthogonalisation. The rest
works on matrices of the Krylov dimension. See Sect. 2.4 (exponential integration) and Sect. 3.3 of the paper.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from laflow.errors import ValueRangeError
from laflow.linalg import mix_rows, row_products, subtract_rows

FloatArray = NDArray[np.float64]

# One pass of classical Gram-Schmidt loses orthogonality in proportion to the drop of the norm; below this
# ratio a second pass restores it (Daniel, Gragg, Kaufman, Stewart 1976: "twice is enough").
NORM_DROP = 0.1

# What is left of a new direction below this multiple of the operator's scale is rounding: the space is
# invariant.
BREAKDOWN = 1e-13

# Times at which small trajectories are sampled for error estimates (Simpson's rule: an even number of
# pieces).
PIECES = 8


@dataclass(frozen=True)
class KrylovSpace:
    """An orthonormal basis of span{b, Ab, ..., A^(m-1) b}, one vector more, and A between them.

    `basis` is (m, n) with orthonormal rows q_1..q_m, b = `start_norm` q_1, and
    ``A q_j = sum_i hessenberg[i, j] q_i`` plus, for the last j, ``next_norm * next_vector``. After a breakdown
    the space is invariant, there is no next vector, and results are exact up to rounding. A zero start gives
    m = 0. `scale` is the largest |A q_j| seen.

    Functions of A use the next vector too (the corrected scheme of Saad 1992): it has been paid for, and it
    gains nearly what one more product would. `coordinates` counts basis and next vector.
    """

    basis: FloatArray
    next_vector: FloatArray | None
    hessenberg: FloatArray
    start_norm: float
    next_norm: float
    scale: float

    @property
    def dimension(self) -> int:
        """The dimension m reached, at most the one asked for: as many products with A were made."""
        return int(self.hessenberg.shape[0])

    @property
    def breakdown(self) -> bool:
        """Whether the space is invariant."""
        return self.next_vector is None

    @property
    def coordinates(self) -> int:
        """Number of coordinates of a vector in this space, m + 1, or m after a breakdown."""
        return self.dimension + (self.next_vector is not None)

    @property
    def generator(self) -> FloatArray:
        """A in coordinates: the Hessenberg matrix and, below it, the step to the next vector.

        Where A takes the next vector is not known; that column is zero, and `residual_integral` counts it.
        """
        size = self.dimension
        matrix = np.zeros((self.coordinates, self.coordinates))
        matrix[:size, :size] = self.hessenberg
        if self.next_vector is not None:
            matrix[size, size - 1] = self.next_norm
        return matrix

    def combine(self, coefficients: FloatArray, out: FloatArray) -> None:
        """Write the vectors with these `coefficients` (k, coordinates) into `out` (k, n).

        The rows of `out` may be the first ones of the basis itself, which is lost then.
        """
        mix_rows(coefficients, self.basis, out, self.next_vector)


def arnoldi(
    apply: Callable[[FloatArray, FloatArray], None],
    start: FloatArray,
    krylov_dim: int,
    *,
    storage: FloatArray | None = None,
    spare: FloatArray | None = None,
) -> KrylovSpace:
    """Build the Krylov space of an operator and a start vector of length n.

    `apply(vector, image)` writes A times `vector` (n,) into `image` (n,). The basis is built in `storage`
    ``(>= krylov_dim, n)``, whose first row may be `start` itself, and the next vector in `spare` (n,). Both are
    allocated if absent. Cost: at most `krylov_dim` products.
    """
    length = start.size
    if krylov_dim < 1:
        raise ValueRangeError(f"krylov_dim is {krylov_dim}: give at least 1")
    # No Krylov space is larger than the space it lives in.
    limit = min(krylov_dim, length)
    rows = np.zeros((limit, length)) if storage is None else storage
    last = np.zeros(length) if spare is None else spare
    hessenberg = np.zeros((limit, limit))
    start_norm = float(np.sqrt(row_products(rows[:0], start)[1]))
    if start_norm == 0.0:
        return KrylovSpace(rows[:0], None, hessenberg[:0, :0], 0.0, 0.0, 0.0)
    np.multiply(start, 1.0 / start_norm, out=rows[0])
    scale = norm = 0.0
    for column in range(limit):
        size = column + 1
        image = rows[size] if size < limit else last
        apply(rows[column], image)
        coefficients, norm, applied_norm = _orthonormalize(rows[:size], image)
        hessenberg[:size, column] = coefficients
        scale = max(scale, applied_norm)
        if norm <= BREAKDOWN * scale:
            return KrylovSpace(rows[:size], None, hessenberg[:size, :size].copy(), start_norm, 0.0, scale)
        if size < limit:
            hessenberg[size, column] = norm
    return KrylovSpace(rows[:limit], last, hessenberg, start_norm, norm, scale)


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

    The residual is y_(m+1)(t) A q_(m+1), the product not made; `scale` stands for its norm. The error e of the
    approximation obeys e' = A e + residual, so this estimates ``|e(time)|`` up to the growth
    ``exp(time * max(0, mu))`` of the flow, mu the logarithmic norm of A. Simpson's rule on the samples.
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
