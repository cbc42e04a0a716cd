"""The loss gradient by automatic differentiation (JAX, float64) through a time integrator.

Discretise, then differentiate: each function integrates V̇ = R_S Ω V + B, V(0) = 0 with one scheme and lets
JAX differentiate the result with respect to the weights. No derivative is written by hand.

Schemes (`SCHEMES`), all on general neighbour arrays:

- `euler`: explicit Euler, Eq. (3.49); error O(h), with h = T/steps.
- `runge-kutta`: the classical fourth-order scheme; error O(h⁴). With enough steps it is the reference for
  large images; `reference_gradient` doubles the steps and returns the error that it measured itself.
- `krylov`: exponential integration on an Arnoldi basis of dimension `steps`; its error falls faster than any
  power of 1/steps. At a breakdown automatic differentiation gives NaN: use `exponential_gradient` there.

`exponential_gradient` differentiates through the dense exponential of 𝒜 (small problems): exact to rounding.

Accuracy: the gradient is exact for the discrete scheme up to rounding (about 1e-13 relative), so what differs
from the true gradient is the scheme's error alone, which falls with the order stated.
Detection limit: the scheme's error; 1e-9 relative for `reference_gradient` (`REFERENCE_LIMIT`), 2e-12, twice
`TOLERANCE`, for `exponential_gradient` (`DETECTION_LIMIT`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

TOLERANCE, DETECTION_LIMIT = 1e-12, 2e-12
REFERENCE_LIMIT = 1e-9
SCHEMES = ("euler", "runge-kutta", "krylov")
# ‖T𝒜‖ stays below 64 up to T = 60: ‖A‖ ≤ max 2 S (1 - S) √‖Ω‖₁, about 0.5 to 1.
SUBSTEPS, TERMS = 64, 24


@dataclass(frozen=True)
class AutodiffGradient:
    """Loss (float), gradient (I, K) with zeros outside, and final tangent (I, J) of one discrete scheme."""

    loss: float
    gradient: np.ndarray
    tangent: np.ndarray


@dataclass(frozen=True)
class ReferenceGradient:
    """A fine Runge-Kutta gradient (I, K), its steps, and its relative error as estimated by halving them."""

    gradient: np.ndarray
    loss: float
    steps: int
    error: float


def discrete_gradient(
    weights: np.ndarray,
    neighbours: np.ndarray,
    log_likelihood: np.ndarray,
    target: np.ndarray,
    time: float,
    *,
    scheme: str,
    steps: int,
) -> AutodiffGradient:
    """Loss and gradient of one scheme of `SCHEMES` in `steps` steps (for `krylov`: the dimension)."""
    if scheme not in SCHEMES:
        raise ValueError(f"unknown scheme {scheme!r}: choose one of {', '.join(SCHEMES)}")
    with jax.enable_x64(True):
        inside = neighbours >= 0
        (loss, tangent), gradient = _scheme_value_and_gradient(
            jnp.asarray(weights, dtype=jnp.float64),
            jnp.asarray(np.where(inside, neighbours, 0)),
            jnp.asarray(inside),
            jnp.asarray(log_likelihood, dtype=jnp.float64),
            jnp.asarray(target, dtype=jnp.float64),
            jnp.asarray(time, dtype=jnp.float64),
            scheme=scheme,
            steps=steps,
        )
        return AutodiffGradient(float(loss), np.asarray(gradient), np.asarray(tangent))


def exponential_gradient(
    weights: np.ndarray, neighbours: np.ndarray, log_likelihood: np.ndarray, target: np.ndarray, time: float
) -> AutodiffGradient:
    """Loss and gradient through the dense exponential of T𝒜, an (n+1) × (n+1) matrix: small problems."""
    with jax.enable_x64(True):
        inside = neighbours >= 0
        (loss, tangent), gradient = _exponential_value_and_gradient(
            jnp.asarray(weights, dtype=jnp.float64),
            jnp.asarray(np.where(inside, neighbours, 0)),
            jnp.asarray(inside),
            jnp.asarray(log_likelihood, dtype=jnp.float64),
            jnp.asarray(target, dtype=jnp.float64),
            jnp.asarray(time, dtype=jnp.float64),
        )
        return AutodiffGradient(float(loss), np.asarray(gradient), np.asarray(tangent))


def reference_gradient(
    weights: np.ndarray,
    neighbours: np.ndarray,
    log_likelihood: np.ndarray,
    target: np.ndarray,
    time: float,
    *,
    tolerance: float = 1e-9,
    least_steps: int = 16,
    most_steps: int = 1024,
) -> ReferenceGradient:
    """Runge-Kutta gradient with steps doubled from `least_steps` until its own relative error is below `tolerance`.

    The error is Richardson's estimate: the change under the last doubling divided by 2⁴ - 1.
    Raises ArithmeticError where `most_steps` do not suffice.
    """
    steps = least_steps
    arguments = (weights, neighbours, log_likelihood, target, time)
    coarse = discrete_gradient(*arguments, scheme="runge-kutta", steps=steps)
    error = float("inf")
    while steps < most_steps:
        steps *= 2
        fine = discrete_gradient(*arguments, scheme="runge-kutta", steps=steps)
        error = float(np.linalg.norm(fine.gradient - coarse.gradient) / np.linalg.norm(fine.gradient)) / 15.0
        if error <= tolerance:
            return ReferenceGradient(fine.gradient, fine.loss, steps, error)
        coarse = fine
    raise ArithmeticError(f"{most_steps} Runge-Kutta steps leave an error of {error:.1e} > {tolerance:.1e}")


def _average(weights: jax.Array, neighbours: jax.Array, field: jax.Array) -> jax.Array:
    """(Ω V)_i = Σ_k ω_ik V_{neighbour k of i}: (I, J). Weights of outside neighbours are already zero."""
    return jnp.einsum("ik,ikj->ij", weights, field[neighbours])


def _replicate(similarity: jax.Array, field: jax.Array) -> jax.Array:
    """R_S X row by row: S ∘ X - S <S, X>."""
    return similarity * (field - jnp.sum(similarity * field, axis=1, keepdims=True))


def _direction_loss(tangent: jax.Array, target: jax.Array) -> jax.Array:
    return 1.0 - jnp.sum(tangent * target) / jnp.sqrt(jnp.sum(tangent**2) * jnp.sum(target**2))


def _integrate_by_steps(
    velocity: Callable[[jax.Array], jax.Array],
    start: jax.Array,
    time: jax.Array,
    steps: int,
    runge_kutta: bool,
) -> jax.Array:
    step = time / steps

    # Recomputing a step on the way back keeps only one state a step in memory.
    @jax.checkpoint
    def advance(tangent: jax.Array, _: None) -> tuple[jax.Array, None]:
        first = velocity(tangent)
        if not runge_kutta:
            return tangent + step * first, None
        second = velocity(tangent + 0.5 * step * first)
        third = velocity(tangent + 0.5 * step * second)
        fourth = velocity(tangent + step * third)
        return tangent + step / 6.0 * (first + 2.0 * second + 2.0 * third + fourth), None

    return jax.lax.scan(advance, start, None, length=steps)[0]


def _exponential_action(matrix: jax.Array, vector: jax.Array) -> jax.Array:
    """expm(X) w by `SUBSTEPS` Taylor steps with `TERMS` terms each: exact to rounding for ‖X‖ ≤ SUBSTEPS.

    At ‖X‖/SUBSTEPS = 1 the first term left out is 1/24! = 2e-24. JAX's own expm takes seconds to compile.
    """

    def term(state: tuple[jax.Array, jax.Array], number: jax.Array) -> tuple[tuple[jax.Array, jax.Array], None]:
        power, total = state
        power = matrix @ power / (SUBSTEPS * number)
        return (power, total + power), None

    def substep(start: jax.Array, _: None) -> tuple[jax.Array, None]:
        return jax.lax.scan(term, (start, start), jnp.arange(1.0, TERMS))[0][1], None

    return jax.lax.scan(substep, vector, None, length=SUBSTEPS)[0]


def _integrate_by_krylov(
    apply: Callable[[jax.Array], jax.Array], source: jax.Array, time: jax.Array, dimension: int
) -> jax.Array:
    """T‖b‖ Q φ(TH) e_1 on an Arnoldi basis, orthogonalised twice (once loses digits)."""
    norm = jnp.linalg.norm(source)
    first = jnp.zeros((dimension, *source.shape)).at[0].set(source / norm)

    def orthogonalise(basis: jax.Array, column: jax.Array) -> tuple[jax.Array, jax.Array]:
        """A q_column without its shares of the basis (rows not yet reached are zero and have none), and those."""
        vector, total = apply(basis[column]), jnp.zeros(dimension)
        for _ in range(2):
            shares = jnp.einsum("mij,ij->m", basis, vector)
            vector = vector - jnp.einsum("m,mij->ij", shares, basis)
            total = total + shares
        return vector, total

    def extend(basis: jax.Array, column: jax.Array) -> tuple[jax.Array, jax.Array]:
        vector, shares = orthogonalise(basis, column)
        length = jnp.linalg.norm(vector)
        return basis.at[column + 1].set(vector / length), shares.at[column + 1].set(length)

    # A loop compiles in the time of one pass. The last direction is not normalised: it may be zero.
    basis, columns = jax.lax.scan(extend, first, jnp.arange(dimension - 1))
    last = orthogonalise(basis, dimension - 1)[1]
    small = jnp.zeros((dimension + 1, dimension + 1)).at[:dimension, : dimension - 1].set(columns.T)
    small = small.at[:dimension, dimension - 1].set(last).at[0, dimension].set(norm)
    start = jnp.zeros(dimension + 1).at[dimension].set(1.0)
    weights = _exponential_action(time * small, start)[:dimension]
    return jnp.einsum("m,mij->ij", weights, basis)


@partial(jax.jit, static_argnames=("scheme", "steps"))
def _scheme_value_and_gradient(
    weights: jax.Array,
    neighbours: jax.Array,
    inside: jax.Array,
    log_likelihood: jax.Array,
    target: jax.Array,
    time: jax.Array,
    scheme: str,
    steps: int,
) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
    def loss(weights: jax.Array) -> tuple[jax.Array, jax.Array]:
        weights = jnp.where(inside, weights, 0.0)
        similarity = jax.nn.softmax(_average(weights, neighbours, log_likelihood), axis=1)
        labels = similarity.shape[1]
        source = (similarity - 1.0 / labels) / labels

        def apply(field: jax.Array) -> jax.Array:
            return _replicate(similarity, _average(weights, neighbours, field))

        if scheme == "krylov":
            tangent = _integrate_by_krylov(apply, source, time, steps)
        else:
            start = jnp.zeros_like(source)
            runge_kutta = scheme == "runge-kutta"
            tangent = _integrate_by_steps(lambda v: apply(v) + source, start, time, steps, runge_kutta)
        return _direction_loss(tangent, target), tangent

    return jax.value_and_grad(loss, has_aux=True)(weights)


@jax.jit
def _exponential_value_and_gradient(
    weights: jax.Array,
    neighbours: jax.Array,
    inside: jax.Array,
    log_likelihood: jax.Array,
    target: jax.Array,
    time: jax.Array,
) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
    def loss(weights: jax.Array) -> tuple[jax.Array, jax.Array]:
        nodes, labels = log_likelihood.shape
        weights = jnp.where(inside, weights, 0.0)
        rows = jnp.arange(nodes)[:, None]
        dense = jnp.zeros((nodes, nodes)).at[rows, neighbours].add(weights)
        similarity = jax.nn.softmax(dense @ log_likelihood, axis=1)
        blocks = jax.vmap(lambda s: jnp.diag(s) - jnp.outer(s, s))(similarity)
        matrix = jnp.einsum("ijl,ik->ijkl", blocks, dense).reshape(nodes * labels, nodes * labels)
        source = ((similarity - 1.0 / labels) / labels).reshape(-1, 1)
        augmented = jnp.block([[matrix, source], [jnp.zeros((1, nodes * labels + 1))]])
        start = jnp.zeros(nodes * labels + 1).at[-1].set(1.0)
        tangent = _exponential_action(time * augmented, start)[:-1].reshape(nodes, labels)
        return _direction_loss(tangent, target), tangent

    return jax.value_and_grad(loss, has_aux=True)(weights)
