"""Whether {p = 0} is smooth: exactly for Fermat's and Dwork's, else by a search for ∇p = 0."""

import numpy as np
from numpy.typing import NDArray

from laflow.errors import ValueRangeError
from laflow.metric.geometry.polynomial import ComplexArray, Polynomial

FloatArray = NDArray[np.float64]

# Of 40 generic quintics with one node, 96 starts miss 4 and 600 none; what is found is found within 30 steps.
STARTS, ITERATIONS = 600, 60
# Newton steps towards coordinates in which the coefficients are balanced: some 20 do where there are such.
BALANCE_STEPS, BALANCED = 100, 1e-3
# A zero of ∇p on the unit sphere, relative to the polynomial's size; a double root is met to half the digits.
VANISHING = 1e-11


def require_smooth(polynomial: Polynomial) -> None:
    """Raises `ValueRangeError` where `singular_point` finds one."""
    point = singular_point(polynomial)
    if point is not None:
        near = ", ".join(f"{value:.3g}" for value in point)
        raise ValueRangeError(
            "the hypersurface is singular, or too close to it to be told in double precision: ∇p = 0 near "
            f"z = ({near}); change a coefficient, for example add a small multiple of another monomial"
        )


def singular_point(polynomial: Polynomial) -> ComplexArray | None:
    """A point of the unit sphere with ∇p = 0 (then p = 0, by Euler's identity), or None where there is none.

    Exact for Σ a_i z_i^d + b Π z_i with all a_i ≠ 0: singular iff (-b/d)^d = Π a_i, within rounding. For any other
    homogeneous p it is a search: Levenberg–Marquardt on |∇p|² from `STARTS` fixed starts, which finds singular sets
    that attract one of them; None then means that none was found, no proof that there is none. It is made in
    coordinates that balance the coefficients, see `balancing`. Nothing depends on a factor of p.
    """
    polynomial = polynomial.normalised()
    found = pencil(polynomial)
    if found is None:
        factors = balancing(polynomial)
        point = _searched(_stretched(polynomial, factors))
        return None if point is None else _unit(point * factors)
    diagonal, product = found
    degree = diagonal.size
    if abs(_product_of_ratios(-product / degree, diagonal) - 1.0) > 64 * degree * np.finfo(np.float64).eps:
        return None
    # With y_i = a_i^(1/d) z_i of equal modulus and Π y_i fixed by ∇p = 0.
    scaled = np.ones(degree, dtype=np.complex128)
    roots = diagonal ** (1.0 / degree)
    scaled[0] = 1.0 / (-product / degree / np.prod(roots))
    return _unit(scaled / roots)


def balancing(polynomial: Polynomial) -> FloatArray:
    """Factors s (variables,) of the coordinates, Π s = 1, for which Σ |c_m|² s^2m of p(s z) is least; else ones.

    ∇p is small where a coefficient is, whether or not X is close to singular: p(s z) is the same X. The sum is convex
    in log s, and for a smooth X it has a minimum (X is stable under the torus).
    """
    exponents = polynomial.exponents.astype(np.float64)
    sizes = 2.0 * np.log(np.abs(polynomial.coefficients))
    place, reach = np.zeros(polynomial.variables), 1.0
    total, weights = _balance(sizes, exponents, place)
    for _ in range(BALANCE_STEPS):
        mean = weights @ exponents
        excess = mean - polynomial.degree / polynomial.variables
        if np.abs(excess).max() <= BALANCED:
            return np.exp(place)
        spread = (exponents.T * weights) @ exponents - np.outer(mean, mean)
        # Along (1, ..., 1) the sum is only scaled: ones keep the step from this direction.
        step = np.linalg.solve(2.0 * spread + 1e-9 * np.eye(place.size) + 1.0, -excess)
        step *= min(1.0, reach / np.abs(step).max())
        moved = place + (step - step.mean())
        total_there, weights_there = _balance(sizes, exponents, moved)
        if total_there <= total:
            place, total, weights, reach = moved, total_there, weights_there, 2.0 * reach
        else:
            reach = 0.25 * float(np.abs(step).max())
    return np.ones(polynomial.variables)


def _balance(sizes: FloatArray, exponents: FloatArray, place: FloatArray) -> tuple[float, FloatArray]:
    """log Σ |c_m|² s^2m at log s = `place`, and each term's share (terms,) of the sum."""
    logarithms = sizes + 2.0 * (exponents @ place)
    largest = float(logarithms.max())
    found = np.exp(logarithms - largest)
    return largest + float(np.log(found.sum())), found / found.sum()


def _stretched(polynomial: Polynomial, factors: FloatArray) -> Polynomial:
    """p(s z) over its largest coefficient."""
    powers = polynomial.exponents @ np.log(factors)
    logarithms = np.log(np.abs(polynomial.coefficients)) + powers
    phases = polynomial.coefficients / np.abs(polynomial.coefficients)
    return Polynomial(polynomial.exponents, phases * np.exp(logarithms - logarithms.max()))


def _product_of_ratios(number: complex, divisors: ComplexArray) -> complex:
    """Π number/a_i; 0 where it is below 2^-64, infinite above 2^64. Neither overflows on the way."""
    if number == 0.0:
        return 0.0
    mantissa, exponent = 1.0 + 0.0j, 0
    for divisor in divisors:
        (above, up), (below, down) = _split(number), _split(complex(divisor))
        mantissa, exponent = mantissa * (above / below), exponent + up - down
    return complex(mantissa * 2.0**exponent) if abs(exponent) <= 64 else (0.0 if exponent < 0 else complex(np.inf))


def _split(number: complex) -> tuple[complex, int]:
    """A mantissa of size about 1 and an exponent of 2, exactly."""
    exponent = int(np.frexp(max(abs(number.real), abs(number.imag)))[1])
    return complex(np.ldexp(number.real, -exponent), np.ldexp(number.imag, -exponent)), exponent


def _unit(point: ComplexArray) -> ComplexArray:
    scaled = point / np.abs(point).max()
    found: ComplexArray = scaled / np.linalg.norm(scaled)
    return found


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
    normal = adjoint @ system
    # Of the size of HᴴH, so that no number is lost beside another where H is small: at a point of higher multiplicity.
    size = np.trace(normal, axis1=1, axis2=2).real / points.shape[1] + np.finfo(np.float64).tiny
    normal += (damping * np.linalg.norm(slopes, axis=1))[:, None, None] * identity
    normal += size[:, None, None] * points[:, :, None] * points[:, None, :].conj()
    change = along @ _solved(normal, adjoint @ slopes[:, :, None], size)
    moved = points - change[:, :, 0]
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


def _solved(normal: ComplexArray, right: ComplexArray, size: FloatArray) -> ComplexArray:
    """The solutions; where one of the systems is singular within rounding, of systems that are a rounding away."""
    try:
        return np.asarray(np.linalg.solve(normal, right), dtype=np.complex128)
    except np.linalg.LinAlgError:
        away = 8.0 * np.finfo(np.float64).eps * size[:, None, None] * np.eye(normal.shape[1])
        return np.asarray(np.linalg.solve(normal + away, right), dtype=np.complex128)
