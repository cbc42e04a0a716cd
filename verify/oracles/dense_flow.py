"""The linearized assignment flow and its gradient by dense matrices, typed from the paper's formulas.

Everything is assembled as the n×n matrix A^J (n = I·J) that the paper writes, with `np.kron`, and integrated
by `scipy.linalg.expm`: nothing of a Krylov space, of a neighbour loop or of an adjoint map is used. The maps
(`similarity` … `direction_loss`) are analytic in weights and log-likelihood: `complex_step` passes through
them.

Three independent routes lead to the gradient of the direction loss with respect to the weights:

- `gradient_by_kronecker_sum`: the paper's own form, φ(-T𝒜ᵀ ⊕ T𝒜)(b1 ⊗ b2) as a dense (n+1)² × (n+1)²
  exponential (Lemma 3.1, Theorem 3.8). For n ≤ 24.
- `gradient_by_quadrature`: M = ∫ λ(T-s) v(s)ᵀ ds by Gauss-Legendre nodes, two exponentials each. For n ≤ 300.
- `gradient_by_frechet`: one Fréchet derivative of expm (Al-Mohy and Higham) a weight. For n ≤ 60.

Accuracy: each agrees with the others and with the complex step of `loss` to `TOLERANCE` ·
`gradient_scale`. `gradient_scale` is the size of the terms that are summed into the gradient; relative to the
gradient itself the error grows by gradient_scale / |gradient|, which is the conditioning of the problem and
not a defect of the oracle. Detection limit: `DETECTION_LIMIT`, a fault of 2e-13 of that scale.
"""

import numpy as np
import scipy.linalg

TOLERANCE, DETECTION_LIMIT = 1e-13, 2e-13
_QUADRATURE_NODES = 48


def softmax(exponents: np.ndarray) -> np.ndarray:
    """exp(x) / Σ exp(x) along the last axis, shifted by the largest real part."""
    powers = np.exp(exponents - exponents.real.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def log_likelihood(distances: np.ndarray, distance_scale: float) -> np.ndarray:
    """L = -Π0 D/ρ, (I, J): the centred negative distances."""
    return -(distances - distances.mean(axis=-1, keepdims=True)) / distance_scale


def similarity(weights: np.ndarray, log_likelihood: np.ndarray) -> np.ndarray:
    """S(1_W) = softmax(Ω L), Eqs. (2.15)-(2.17), for a dense Ω (I, I): (I, J)."""
    return softmax(weights @ log_likelihood)


def replicator(point: np.ndarray) -> np.ndarray:
    """R_p = Diag(p) - p pᵀ, Eq. (2.10): (J, J)."""
    return np.diag(point) - np.outer(point, point)


def replicator_blocks(points: np.ndarray) -> np.ndarray:
    """Diag(R_W): block diagonal matrix (I·J, I·J) of the R of each row."""
    return scipy.linalg.block_diag(*(replicator(point) for point in points))


def system_matrix(weights: np.ndarray, similarity: np.ndarray) -> np.ndarray:
    """A^J(Ω) = Diag(R_S)(Ω ⊗ 1_J), Eq. (2.23): (n, n), acting on vec_r(V)."""
    return replicator_blocks(similarity) @ np.kron(weights, np.eye(similarity.shape[1]))


def source(similarity: np.ndarray) -> np.ndarray:
    """B = R_{W0} S with W0 the barycentre, Eq. (2.22): (I, J)."""
    labels = similarity.shape[1]
    return similarity @ replicator(np.full(labels, 1.0 / labels)).T


def augmented_matrix(weights: np.ndarray, log_likelihood: np.ndarray) -> np.ndarray:
    """𝒜 = [[A^J, b], [0, 0]], Lemma 3.5: (n+1, n+1)."""
    similar = similarity(weights, log_likelihood)
    matrix = system_matrix(weights, similar)
    size = matrix.shape[0]
    augmented = np.zeros((size + 1, size + 1), dtype=matrix.dtype)
    augmented[:size, :size] = matrix
    augmented[:size, size] = source(similar).reshape(-1)
    return augmented


def final_tangent(weights: np.ndarray, log_likelihood: np.ndarray, time: float) -> np.ndarray:
    """V_T, the solution of V̇ = A(Ω)V + B, V(0) = 0 at `time`: last column of expm(T𝒜), (I, J)."""
    column = scipy.linalg.expm(time * augmented_matrix(weights, log_likelihood))[:-1, -1]
    return column.reshape(log_likelihood.shape)


def target_direction(truth: np.ndarray, labels: int) -> np.ndarray:
    """V* = Π0 W* for integer labels `truth` (I,): (I, J)."""
    return np.eye(labels)[truth] - 1.0 / labels


def direction_loss(tangent: np.ndarray, target: np.ndarray) -> np.ndarray:
    """f(V) = 1 - <V*, V> / (‖V*‖ ‖V‖), Eq. (3.4), without conjugates: analytic in V."""
    inner = np.sum(target * tangent)
    return 1.0 - inner / np.sqrt(np.sum(target * target) * np.sum(tangent * tangent))


def direction_loss_gradient(tangent: np.ndarray, target: np.ndarray) -> np.ndarray:
    """∂f(V) = -V*/(‖V*‖‖V‖) + <V*, V> V/(‖V*‖‖V‖³): (I, J)."""
    tangent_norm, target_norm = np.linalg.norm(tangent), np.linalg.norm(target)
    inner = np.sum(target * tangent)
    return -target / (target_norm * tangent_norm) + inner * tangent / (target_norm * tangent_norm**3)


def loss(weights: np.ndarray, log_likelihood: np.ndarray, target: np.ndarray, time: float) -> np.ndarray:
    """f(V_T(Ω)) for a dense Ω (I, I); analytic in Ω and L."""
    return direction_loss(final_tangent(weights, log_likelihood, time), target)


def regularizer(weights: np.ndarray, neighbours: np.ndarray, regularization: float) -> np.ndarray:
    """(τ/2) Σ_i ‖Π0 log Ω_i‖² over the neighbours inside, Eq. (3.5), for weights (I, K); analytic in Ω."""
    total = 0.0
    for row, inside in zip(weights, neighbours >= 0, strict=True):
        logarithm = np.log(row[inside])
        centred = logarithm - logarithm.mean()
        total = total + np.sum(centred * centred)
    return 0.5 * regularization * np.asarray(total)


def source_differential(weights: np.ndarray, log_likelihood: np.ndarray, change: np.ndarray) -> np.ndarray:
    """db(Ω)Y = vec_r(R_{W0} R_S(Y L)), Lemmas 3.2 and 3.3: (n,)."""
    similar = similarity(weights, log_likelihood)
    return source(_similarity_differential(similar, log_likelihood, change)).reshape(-1)


def system_differential(weights: np.ndarray, log_likelihood: np.ndarray, change: np.ndarray) -> np.ndarray:
    """dA^J(Ω)Y = Diag(dR_S Y)(Ω ⊗ 1) + Diag(R_S)(Y ⊗ 1), Lemma 3.4: (n, n)."""
    similar = similarity(weights, log_likelihood)
    moved = _similarity_differential(similar, log_likelihood, change)
    blocks = [np.diag(d) - np.outer(d, s) - np.outer(s, d) for d, s in zip(moved, similar, strict=True)]
    identity = np.eye(similar.shape[1])
    return scipy.linalg.block_diag(*blocks) @ np.kron(weights, identity) + replicator_blocks(similar) @ np.kron(
        change, identity
    )


def augmented_differential(weights: np.ndarray, log_likelihood: np.ndarray, change: np.ndarray) -> np.ndarray:
    """d𝒜(Ω)Y = [[dA^J Y, db Y], [0, 0]], Lemma 3.5: (n+1, n+1)."""
    size = log_likelihood.size
    augmented = np.zeros((size + 1, size + 1))
    augmented[:size, :size] = system_differential(weights, log_likelihood, change)
    augmented[:size, size] = source_differential(weights, log_likelihood, change)
    return augmented


def phi(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """φ(X) w with φ(z) = (e^z - 1)/z, as the last column of the exponential of [[X, w], [0, 0]]."""
    size = matrix.shape[0]
    extended = np.zeros((size + 1, size + 1))
    extended[:size, :size] = matrix
    extended[:size, size] = vector
    return scipy.linalg.expm(extended)[:size, size]


def gradient_by_kronecker_sum(
    weights: np.ndarray, log_likelihood: np.ndarray, target: np.ndarray, time: float
) -> np.ndarray:
    """∂f(V_T(Ω)) by Theorem 3.8: φ(-T𝒜ᵀ ⊕ T𝒜)(b1 ⊗ b2), b1 = expm(T𝒜)ᵀ (∂f, 0), b2 = e_last. Dense (I, I)."""
    augmented = time * augmented_matrix(weights, log_likelihood)
    size = augmented.shape[0]
    propagator = scipy.linalg.expm(augmented)
    covector = direction_loss_gradient(propagator[:-1, -1].reshape(target.shape), target)
    start = propagator.T @ np.append(covector.reshape(-1), 0.0)
    last = np.eye(size)[-1]
    kronecker_sum = np.kron(-augmented.T, np.eye(size)) + np.kron(np.eye(size), augmented)
    moment = time * phi(kronecker_sum, np.kron(start, last)).reshape(size, size)
    return _contract(weights, log_likelihood, moment)


def gradient_by_quadrature(
    weights: np.ndarray, log_likelihood: np.ndarray, target: np.ndarray, time: float
) -> np.ndarray:
    """∂f(V_T(Ω)) with M = ∫₀ᵀ λ(T-s) (v(s), 1)ᵀ ds by Gauss-Legendre quadrature. Dense (I, I)."""
    return _contract(weights, log_likelihood, _moment_by_quadrature(weights, log_likelihood, target, time)[0])


def gradient_by_frechet(
    weights: np.ndarray, neighbours: np.ndarray, log_likelihood: np.ndarray, target: np.ndarray, time: float
) -> np.ndarray:
    """∂f(V_T(Ω)), (I, K), entry by entry: <∂f, last column of dexpm(T𝒜) T d𝒜>, dexpm by SciPy."""
    augmented = time * augmented_matrix(weights, log_likelihood)
    covector = direction_loss_gradient(final_tangent(weights, log_likelihood, time), target).reshape(-1)
    gradient = np.zeros(neighbours.shape)
    for node, column in zip(*np.nonzero(neighbours >= 0), strict=True):
        change = np.zeros_like(weights)
        change[node, neighbours[node, column]] = 1.0
        moved = time * augmented_differential(weights, log_likelihood, change)
        derivative = scipy.linalg.expm_frechet(augmented, moved, compute_expm=False)
        gradient[node, column] = covector @ derivative[:-1, -1]
    return gradient


def adjoint_integral(weights: np.ndarray, log_likelihood: np.ndarray, target: np.ndarray, time: float) -> np.ndarray:
    """Λ = ∫₀ᵀ e^{tAᵀ} ∂f(V_T) dt: (I, J)."""
    moment = _moment_by_quadrature(weights, log_likelihood, target, time)[0]
    return moment[:-1, -1].reshape(target.shape)


def gradient_scale(weights: np.ndarray, log_likelihood: np.ndarray, target: np.ndarray, time: float) -> float:
    """Norm of the gradient if no term in it cancelled: the size to which rounding errors are relative.

    All factors are replaced by their absolute values, ∂f among them (by 1/‖V_T‖ at most): an algorithm that
    sums in another order may differ by a modest multiple of machine epsilon times this.
    """
    magnitude = _moment_by_quadrature(weights, log_likelihood, target, time)[1]
    similar = similarity(weights, log_likelihood)
    labels = similar.shape[1]
    scale = np.empty_like(weights)
    for node, blocks in enumerate(magnitude[:-1].reshape((*similar.shape, -1))):
        projected = similar[node, :, None] * (blocks + similar[node] @ blocks)
        mixed = projected[:, :-1].reshape(labels, -1, labels)
        size = np.einsum("jkj->k", mixed)
        pulled = np.abs(weights[node]) @ size + np.sum(projected[:, -1]) / labels
        scale[node] = size + 3.0 * pulled * np.abs(log_likelihood).max(axis=1)
    return float(np.linalg.norm(scale))


def _similarity_differential(similar: np.ndarray, log_likelihood: np.ndarray, change: np.ndarray) -> np.ndarray:
    """dS(Ω)Y = R_S(Y L), Lemma 3.2: (I, J)."""
    raised = change @ log_likelihood
    return np.array([replicator(s) @ x for s, x in zip(similar, raised, strict=True)])


def _moment_by_quadrature(
    weights: np.ndarray, log_likelihood: np.ndarray, target: np.ndarray, time: float
) -> tuple[np.ndarray, np.ndarray]:
    """M (n+1, n+1) = ∫ (λ(T-s), 0)(v(s), 1)ᵀ ds, and the integral of the absolute values with ∂f of full
    size.

    The integrand is entire; 48 nodes integrate e^{(T-s)a} e^{sb} to rounding as long as T|a-b| < 60.
    """
    augmented = augmented_matrix(weights, log_likelihood)
    tangent = scipy.linalg.expm(time * augmented)[:-1, -1]
    covector = direction_loss_gradient(tangent.reshape(target.shape), target).reshape(-1)
    bound = np.maximum(np.abs(covector), 2.0 / (np.linalg.norm(tangent) * np.sqrt(tangent.size)))
    moment, magnitude = np.zeros_like(augmented), np.zeros_like(augmented)
    points, shares = np.polynomial.legendre.leggauss(_QUADRATURE_NODES)
    for point, share in zip(0.5 * time * (points + 1.0), 0.5 * time * shares, strict=True):
        forward = scipy.linalg.expm(point * augmented)[:, -1]
        backward = scipy.linalg.expm((time - point) * augmented[:-1, :-1].T)
        moment[:-1] += share * np.outer(backward @ covector, forward)
        magnitude[:-1] += share * np.outer(np.abs(backward) @ bound, np.abs(forward))
    return moment, magnitude


def _contract(weights: np.ndarray, log_likelihood: np.ndarray, moment: np.ndarray) -> np.ndarray:
    """Entries <M, d𝒜 E_ik> for every pair of nodes: (I, I).

    Row k of Ω reaches only block row i of d𝒜, so that block alone is formed.
    """
    similar = similarity(weights, log_likelihood)
    nodes, labels = similar.shape
    identity = np.eye(labels)
    barycentre = replicator(np.full(labels, 1.0 / labels))
    gradient = np.empty((nodes, nodes))
    for node in range(nodes):
        here = slice(node * labels, (node + 1) * labels)
        projection = replicator(similar[node])
        averaging = np.kron(weights[node : node + 1], identity)
        for other in range(nodes):
            moved = projection @ log_likelihood[other]
            turned = np.diag(moved) - np.outer(moved, similar[node]) - np.outer(similar[node], moved)
            change = turned @ averaging
            change[:, other * labels : (other + 1) * labels] += projection
            gradient[node, other] = np.sum(moment[here, :-1] * change) + moment[here, -1] @ (barycentre @ moved)
    return gradient
