"""Whether {p = 0} is smooth: exactly for Fermat's and Dwork's, else by a search for ∇p = 0."""

import numpy as np

from laflow.errors import ValueRangeError
from laflow.metric.geometry.polynomial import ComplexArray, Polynomial

STARTS, ITERATIONS = 96, 120
# A zero of ∇p on the unit sphere, relative to the polynomial's size; a double root is met to half the digits.
VANISHING = 1e-11


def require_smooth(polynomial: Polynomial) -> None:
    """Raises `ValueRangeError` where `singular_point` finds one."""
    point = singular_point(polynomial)
    if point is not None:
        near = ", ".join(f"{value:.3g}" for value in point)
        raise ValueRangeError(
            f"the hypersurface is singular: ∇p = 0 near z = ({near}); change a coefficient, for example add a small "
            "multiple of another monomial"
        )


def singular_point(polynomial: Polynomial) -> ComplexArray | None:
    """A point of the unit sphere with ∇p = 0 (then p = 0, by Euler's identity), or None where there is none.

    Exact for Σ a_i z_i^d + b Π z_i with all a_i ≠ 0: singular iff (-b/d)^d = Π a_i, within rounding. For any other
    homogeneous p it is a search: Levenberg–Marquardt on |∇p|² from `STARTS` fixed starts, which finds singular sets
    that attract one of them; None then means that none was found, no proof that there is none.
    """
    found = pencil(polynomial)
    if found is None:
        return _searched(polynomial)
    diagonal, product = found
    degree = diagonal.size
    excess = (-product / degree) ** degree / np.prod(diagonal) - 1.0
    if abs(excess) > 64 * degree * np.finfo(np.float64).eps:
        return None
    # With y_i = a_i^(1/d) z_i of equal modulus and Π y_i fixed by ∇p = 0.
    scaled = np.ones(degree, dtype=np.complex128)
    roots = diagonal ** (1.0 / degree)
    scaled[0] = 1.0 / (-product / degree / np.prod(roots))
    point = scaled / roots
    return point / np.linalg.norm(point)


def pencil(polynomial: Polynomial) -> tuple[ComplexArray, complex] | None:
    """Coefficients a (variables,) and b of Σ a_i z_i^d + b Π z_i with all a_i ≠ 0; None for any other polynomial."""
    degree = polynomial.variables
    terms = {
        tuple(row): value for row, value in zip(polynomial.exponents.tolist(), polynomial.coefficients, strict=True)
    }
    product = terms.pop((1,) * degree, 0.0 + 0.0j)
    rows = [tuple(row) for row in (degree * np.eye(degree, dtype=np.int64)).tolist()]
    if set(terms) != set(rows):
        return None
    return np.array([terms[row] for row in rows]), complex(product)


def _searched(polynomial: Polynomial) -> ComplexArray | None:
    variables = polynomial.variables
    rng = np.random.default_rng(20231019)
    start = rng.standard_normal((STARTS, variables, 2)) @ np.array([1.0, 1.0j])
    # Singular points often have coordinates that vanish: half of the starts lie close to coordinate planes.
    start[STARTS // 2 :] *= np.where(rng.random((STARTS - STARTS // 2, variables)) < 0.5, 1e-3, 1.0)
    points = start / np.linalg.norm(start, axis=1, keepdims=True)
    scale = polynomial.degree * np.abs(polynomial.coefficients).max()
    damping = np.full(STARTS, 1e-2)
    slopes = polynomial.gradient(points) / scale
    for _ in range(ITERATIONS):
        trial = _step(points, slopes, polynomial.hessian(points) / scale, damping)
        trial_slopes = polynomial.gradient(trial) / scale
        better = np.linalg.norm(trial_slopes, axis=1) < np.linalg.norm(slopes, axis=1)
        points[better], slopes[better] = trial[better], trial_slopes[better]
        damping = np.where(better, damping * 0.2, np.minimum(damping * 5.0, 1e6))
        best = int(np.argmin(np.linalg.norm(slopes, axis=1)))
        if np.linalg.norm(slopes[best]) <= VANISHING:
            return points[best]
    return None


def _step(points: ComplexArray, slopes: ComplexArray, hessians: ComplexArray, damping: np.ndarray) -> ComplexArray:
    """One damped Gauss–Newton step along the sphere: minimise |∇p + H δ|² + λ|δ|², δ orthogonal to z."""
    identity = np.eye(points.shape[1])
    along = identity - points[:, :, None] * points[:, None, :].conj()
    system = hessians @ along
    adjoint = system.conj().swapaxes(1, 2)
    normal = adjoint @ system + (damping * np.linalg.norm(slopes, axis=1) + 1e-30)[:, None, None] * identity
    normal += points[:, :, None] * points[:, None, :].conj()
    change = along @ np.linalg.solve(normal, adjoint @ slopes[:, :, None])
    moved = points - change[:, :, 0]
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)
