"""The loss gradient by SciPy: `expm_multiply` forwards and backwards in time, and quadrature between.

    ∂L = ∫ <λ(T - s), dA v(s)> ds + <Λ, db>,   v(s) = exp(s𝒜) e,   λ(s) = exp(sAᵀ) g,   Λ = ∫ λ

v and λ come from one call each, on an equidistant grid of times (SciPy's cheapest: its norm estimates are made once);
the integrals by the closed Newton-Cotes rule on that grid. Each product is a sparse matrix Ω times an I × J field,
then R_S: the Kronecker product Ω ⊗ 1 written out has J times the entries. SciPy offers no tolerance: every value is
computed to float64's rounding, and the number of pieces of the grid is what errors and times depend on.
"""

from dataclasses import dataclass

import numpy as np
from scipy.integrate import newton_cotes
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator, expm_multiply
from scipy.special import softmax


@dataclass(frozen=True)
class ScipyFlow:
    """A problem with its averaging matrix Ω (I, I), its transpose, and neighbours (I, K), -1 outside."""

    averaging: csr_array
    transposed: csr_array
    neighbours: np.ndarray
    log_likelihood: np.ndarray  # (I, J)
    target: np.ndarray  # (I, J)
    time: float

    def gradient(self, pieces: int) -> np.ndarray:
        """∂f(V_T(Ω)), (I, K), from `pieces` equal pieces of [0, T]; zero for neighbours outside."""
        nodes, labels = self.log_likelihood.shape
        similarity = softmax(self.averaging @ self.log_likelihood, axis=1)
        source = (similarity - 1.0 / labels) / labels
        # The mean of the diagonal of 𝒜, by which SciPy shifts it; without it SciPy estimates one.
        trace = float(self.averaging.diagonal() @ (similarity * (1.0 - similarity)).sum(axis=1))
        start = np.zeros(nodes * labels + 1)
        start[-1] = 1.0
        states = self._trajectory(_augmented(self, similarity, source), start, trace, pieces)
        tangents = states[:, :-1].reshape(-1, nodes, labels)
        covector = _direction_gradient(tangents[-1], self.target).reshape(-1)
        adjoint = _transposed_map(self, similarity)
        costates = self._trajectory(adjoint, covector, trace, pieces).reshape(tangents.shape)
        shares = newton_cotes(pieces)[0] * self.time / pieces
        return self._assemble(similarity, tangents, costates, shares)

    def _trajectory(self, operator: LinearOperator, start: np.ndarray, trace: float, pieces: int) -> np.ndarray:
        times = {"start": 0.0, "stop": self.time, "num": pieces + 1, "endpoint": True}
        states: np.ndarray = expm_multiply(operator, start, traceA=trace, **times)
        return states

    def _assemble(
        self, similarity: np.ndarray, tangents: np.ndarray, costates: np.ndarray, shares: np.ndarray
    ) -> np.ndarray:
        """The integrand is linear in its fields: they stand side by side, and one pass a neighbour meets them all."""
        labels = similarity.shape[1]
        reached = np.einsum("q,qij->ij", shares, costates) / labels
        left, right = [], [self.log_likelihood]
        # v(0) = 0 contributes nothing.
        for share, tangent, costate in zip(shares[1:], tangents[1:], costates[-2::-1], strict=True):
            costate = share * costate
            mean = self.averaging @ tangent
            costate_mean = np.einsum("ij,ij->i", similarity, costate)[:, None]
            tangent_mean = np.einsum("ij,ij->i", similarity, mean)[:, None]
            reached += (costate - costate_mean) * mean - tangent_mean * costate
            left.append(similarity * (costate - costate_mean))
            right.append(tangent)
        left.insert(0, _replicate(similarity, reached))
        here, there = np.concatenate(left, axis=1), np.concatenate(right, axis=1)
        gradient = np.zeros(self.neighbours.shape)
        for k, column in enumerate(self.neighbours.T):
            gradient[:, k] = np.einsum("ij,ij->i", here, there[column]) * (column >= 0)
        return gradient


def scipy_flow(
    weights: np.ndarray, neighbours: np.ndarray, log_likelihood: np.ndarray, target: np.ndarray, time: float
) -> ScipyFlow:
    """Lay out plain arrays (see `verify.oracles`) for SciPy."""
    inside = neighbours >= 0
    starts = np.concatenate([[0], np.cumsum(inside.sum(axis=1))])
    nodes = neighbours.shape[0]
    averaging = csr_array((weights[inside], neighbours[inside], starts), shape=(nodes, nodes))
    return ScipyFlow(averaging, csr_array(averaging.T), neighbours, log_likelihood, target, time)


def _replicate(similarity: np.ndarray, field: np.ndarray) -> np.ndarray:
    return similarity * (field - np.einsum("ij,ij->i", similarity, field)[:, None])


def _direction_gradient(tangent: np.ndarray, target: np.ndarray) -> np.ndarray:
    inner, size, wanted = np.vdot(tangent, target), np.linalg.norm(tangent), np.linalg.norm(target)
    return (inner / size**2 * tangent - target) / (size * wanted)


def _augmented(flow: ScipyFlow, similarity: np.ndarray, source: np.ndarray) -> LinearOperator:
    """𝒜 = [[A, b], [0, 0]] and its transpose."""

    def apply(vector: np.ndarray) -> np.ndarray:
        vector = vector.reshape(-1)
        image = _replicate(similarity, flow.averaging @ vector[:-1].reshape(similarity.shape))
        return np.append(image + vector[-1] * source, 0.0)

    def apply_transposed(vector: np.ndarray) -> np.ndarray:
        field = vector.reshape(-1)[:-1].reshape(similarity.shape)
        return np.append(flow.transposed @ _replicate(similarity, field), np.vdot(source, field))

    size = similarity.size + 1
    return LinearOperator((size, size), matvec=apply, rmatvec=apply_transposed, dtype=np.float64)


def _transposed_map(flow: ScipyFlow, similarity: np.ndarray) -> LinearOperator:
    """Aᵀ and its transpose."""

    def apply(vector: np.ndarray) -> np.ndarray:
        return (flow.transposed @ _replicate(similarity, vector.reshape(similarity.shape))).reshape(-1)

    def apply_transposed(vector: np.ndarray) -> np.ndarray:
        return _replicate(similarity, flow.averaging @ vector.reshape(similarity.shape)).reshape(-1)

    size = similarity.size
    return LinearOperator((size, size), matvec=apply, rmatvec=apply_transposed, dtype=np.float64)
