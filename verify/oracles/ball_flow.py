"""The linearized flow and its gradient in ball arithmetic: every number comes with a proof of how far it is off.

Everything is evaluated with `flint.arb` at `PRECISION` bits from the float64 inputs as they stand (distances, weights,
scale, time), typed from the paper, and rounded outward at the end to an `Enclosure`. `arb_mat.exp` encloses the
exponential of a matrix of balls rigorously, its truncation included; nothing here is estimated.

- `phi_of_kronecker_sum`: φ(A ⊕ B)b as the last column of an exponential (Lemma 3.5). For operands with product ≤ 100.
- `final_tangent`: V_T as the last column of exp(T𝒜), (3.20). For n = I·J ≤ 100.
- `gradient_by_block_exponential`: M = ∫ λ(T-s) (v(s), 1)ᵀ ds by Van Loan's triangular block exponential. For n ≤ 50.
- `gradient_by_kronecker_sum`: the paper's φ(-T𝒜ᵀ ⊕ T𝒜)(b1 ⊗ b2), Theorem 3.8. For n ≤ 9.

Accuracy: relative radius below 1e-30 where the exponential's entries do not cancel; a verdict's tolerance is that
radius and half a unit in the last place, because claims are float64 numbers.
Detection limit: `DETECTION_LIMIT`, one unit in the last place of float64: the claim's own resolution.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, arb_mat, ctx

from verify.oracles.verdict import Verdict

DETECTION_LIMIT = 2.3e-16
PRECISION = 200
_HALF_UNIT = 2.0**-53

Balls = list[list[arb]]


@dataclass(frozen=True)
class Enclosure:
    """Exact values lie within `radius` of `middle`, entry by entry; half a unit of rounding `middle` is included."""

    middle: np.ndarray
    radius: np.ndarray

    def holds(self, values: np.ndarray, allowance: np.ndarray | float = 0.0) -> bool:
        """Whether all values lie within the enclosure widened by `allowance`. NaN never does."""
        return bool(np.all(np.abs(values - self.middle) <= self.radius + allowance))

    def meets(self, other: "Enclosure") -> bool:
        """Whether two enclosures of the same numbers have a point in common everywhere."""
        return bool(np.all(np.abs(self.middle - other.middle) <= self.radius + other.radius))

    def judge(self, values: np.ndarray) -> Verdict:
        """How far float64 values are off, in the Euclidean norm relative to the enclosed array's."""
        scale = float(np.linalg.norm(self.middle))
        error, tolerance = float(np.linalg.norm(values - self.middle)), float(np.linalg.norm(self.radius))
        return Verdict(error / scale, tolerance / scale) if scale else Verdict(error, tolerance)


def phi_of_kronecker_sum(left: np.ndarray, right: np.ndarray, vector: np.ndarray) -> Enclosure:
    """φ(A ⊕ B)b for A (p, p), B (q, q) and b (p·q,), with A ⊕ B = A ⊗ 1 + 1 ⊗ B and φ(z) = (e^z - 1)/z: (p·q,)."""
    ctx.prec = PRECISION
    column = _phi_action(_kronecker_sum(_matrix(left), _matrix(right)), [arb(float(entry)) for entry in vector])
    found = _enclosure([column])
    return Enclosure(found.middle[0], found.radius[0])


def final_tangent(weights: np.ndarray, distances: np.ndarray, time: float, *, distance_scale: float = 1.0) -> Enclosure:
    """V_T (I, J) for dense weights (I, I) and distances (I, J)."""
    ctx.prec = PRECISION
    flow = _Flow.of(weights, distances, distance_scale)
    column = _last_column(_exponential(flow.augmented(), arb(time)))[:-1]
    return _enclosure(_rows(column, flow.labels))


def gradient_by_block_exponential(
    weights: np.ndarray, distances: np.ndarray, truth: np.ndarray, time: float, *, distance_scale: float = 1.0
) -> Enclosure:
    """∂f(V_T(Ω)) for all pairs of nodes (I, I), from labels `truth` (I,).

    exp(T [[Aᵀ, c e'], [0, 𝒜ᵀ]]) holds ∫ e^{(T-s)Aᵀ} c e' e^{s𝒜ᵀ} ds = ∫ λ(T-s) (v(s), 1)ᵀ ds above its diagonal;
    c = ∂f(V_T) and e' picks the last row.
    """
    ctx.prec = PRECISION
    flow = _Flow.of(weights, distances, distance_scale)
    augmented = flow.augmented()
    size = len(augmented) - 1
    tangent = _last_column(_exponential(augmented, arb(time)))[:-1]
    covector = _direction_loss_gradient(tangent, truth, flow.labels)
    block = [[arb(0)] * (2 * size + 1) for _ in range(2 * size + 1)]
    for row in range(size):
        for column in range(size):
            block[row][column] = augmented[column][row]
        block[row][2 * size] = covector[row]
    for row in range(size + 1):
        for column in range(size + 1):
            block[size + row][size + column] = augmented[column][row]
    exponential = _exponential(block, arb(time))
    moment = [[exponential[row, size + column] for column in range(size + 1)] for row in range(size)]
    return _enclosure(flow.contract(moment))


def gradient_by_kronecker_sum(
    weights: np.ndarray, distances: np.ndarray, truth: np.ndarray, time: float, *, distance_scale: float = 1.0
) -> Enclosure:
    """The same gradient by the form that the paper states: one φ of a Kronecker sum.

    ∫ e^{(T-s)𝒜ᵀ} c̄ (e^{s𝒜} e)ᵀ ds, rows stacked, is T φ(-T𝒜ᵀ ⊕ T𝒜) (e^{T𝒜ᵀ} c̄ ⊗ e), c̄ = (c, 0).
    """
    ctx.prec = PRECISION
    flow = _Flow.of(weights, distances, distance_scale)
    augmented = flow.augmented()
    size = len(augmented)
    exponential = _exponential(augmented, arb(time))
    tangent = _last_column(exponential)[:-1]
    covector = [*_direction_loss_gradient(tangent, truth, flow.labels), arb(0)]
    carried = [sum((exponential[k, row] * covector[k] for k in range(size)), arb(0)) for row in range(size)]
    left = [[-arb(time) * augmented[column][row] for column in range(size)] for row in range(size)]
    right = [[arb(time) * entry for entry in row] for row in augmented]
    start = [value * (arb(1) if column == size - 1 else arb(0)) for value in carried for column in range(size)]
    stacked = _phi_action(_kronecker_sum(left, right), start)
    moment = [[arb(time) * stacked[row * size + column] for column in range(size)] for row in range(size - 1)]
    return _enclosure(flow.contract(moment))


@dataclass(frozen=True)
class _Flow:
    """L, S, Ω as rows of balls."""

    log_likelihood: Balls
    similarity: Balls
    weights: Balls

    @classmethod
    def of(cls, weights: np.ndarray, distances: np.ndarray, distance_scale: float) -> "_Flow":
        """L = -Π0 D/ρ and S = softmax(ΩL), (2.15)-(2.17); nothing overflows in balls, so nothing is shifted."""
        dense, scale = _matrix(weights), arb(float(distance_scale))
        likelihood = []
        for row in _matrix(distances):
            mean = sum(row, arb(0)) / len(row)
            likelihood.append([(mean - entry) / scale for entry in row])
        similarity = []
        for row in _product(dense, likelihood):
            powers = [entry.exp() for entry in row]
            norm = sum(powers, arb(0))
            similarity.append([power / norm for power in powers])
        return cls(likelihood, similarity, dense)

    @property
    def labels(self) -> int:
        """J."""
        return len(self.similarity[0])

    def augmented(self) -> Balls:
        """𝒜 = [[Diag(R_S)(Ω ⊗ 1), b], [0, 0]], b = (S - 1/J)/J: (n+1, n+1)."""
        nodes, labels = len(self.weights), self.labels
        rows = []
        for node in range(nodes):
            point = self.similarity[node]
            for label in range(labels):
                blocks = [_replicator(point, label, other) for other in range(labels)]
                row = [weight * block for weight in self.weights[node] for block in blocks]
                rows.append([*row, (point[label] - arb(1) / labels) / labels])
        return [*rows, [arb(0)] * (nodes * labels + 1)]

    def contract(self, moment: Balls) -> Balls:
        """<M, d𝒜 E_ik> for all pairs (i, k), from d𝒜 written out block by block."""
        nodes, labels = len(self.weights), self.labels
        gradient = []
        for node in range(nodes):
            blocks = [
                [moment[node * labels + j][k * labels : (k + 1) * labels] for j in range(labels)] for k in range(nodes)
            ]
            averaged = [
                [sum((self.weights[node][k] * blocks[k][j][m] for k in range(nodes)), arb(0)) for m in range(labels)]
                for j in range(labels)
            ]
            last = [moment[node * labels + j][nodes * labels] for j in range(labels)]
            gradient.append([self._pair(node, other, blocks[other], averaged, last) for other in range(nodes)])
        return gradient

    def _pair(self, node: int, other: int, block: Balls, averaged: Balls, last: list[arb]) -> arb:
        labels, point = range(self.labels), self.similarity[node]
        likelihood = self.log_likelihood[other]
        mean = sum((point[j] * likelihood[j] for j in labels), arb(0))
        moved = [point[j] * (likelihood[j] - mean) for j in labels]  # dS = R_S L_k
        total = sum((last[j] * moved[j] for j in labels), arb(0)) / len(labels)  # Π0 dS = dS: its sum is zero
        for j in labels:
            for m in labels:
                turned = (moved[j] if j == m else arb(0)) - moved[j] * point[m] - point[j] * moved[m]
                total += turned * averaged[j][m] + _replicator(point, j, m) * block[j][m]
        return total


def _direction_loss_gradient(tangent: Sequence[arb], truth: np.ndarray, labels: int) -> list[arb]:
    """∂f(V) = -V*/(‖V*‖‖V‖) + <V*, V> V/(‖V*‖‖V‖³), Eq. (3.4), V* = Π0 of the one-hot truth; stacked rows."""
    target = [arb(int(j == label)) - arb(1) / labels for label in truth for j in range(labels)]
    inner = sum((t * v for t, v in zip(target, tangent, strict=True)), arb(0))
    length = sum((v * v for v in tangent), arb(0)).sqrt()
    target_length = sum((t * t for t in target), arb(0)).sqrt()
    return [
        -t / (target_length * length) + inner * v / (target_length * length**3)
        for t, v in zip(target, tangent, strict=True)
    ]


def _replicator(point: Sequence[arb], row: int, column: int) -> arb:
    """One entry of R_p = Diag(p) - p pᵀ."""
    return (point[row] if row == column else arb(0)) - point[row] * point[column]


def _phi_action(matrix: Balls, vector: Sequence[arb]) -> list[arb]:
    """φ(X)w: the last column of exp([[X, w], [0, 0]])."""
    rows = [[*row, entry] for row, entry in zip(matrix, vector, strict=True)]
    return _last_column(_exponential([*rows, [arb(0)] * (len(vector) + 1)], arb(1)))[:-1]


def _kronecker_sum(left: Balls, right: Balls) -> Balls:
    """A ⊗ 1 + 1 ⊗ B."""
    outer, inner = len(left), len(right)
    total = [[arb(0)] * (outer * inner) for _ in range(outer * inner)]
    for a in range(outer):
        for b in range(inner):
            for c in range(outer):
                total[a * inner + b][c * inner + b] += left[a][c]
            for d in range(inner):
                total[a * inner + b][a * inner + d] += right[b][d]
    return total


def _exponential(matrix: Balls, time: arb) -> arb_mat:
    return (arb_mat(matrix) * time).exp()


def _last_column(matrix: arb_mat) -> list[arb]:
    return [matrix[row, matrix.ncols() - 1] for row in range(matrix.nrows())]


def _matrix(values: np.ndarray) -> Balls:
    return [[arb(float(entry)) for entry in row] for row in values]


def _product(left: Balls, right: Balls) -> Balls:
    return [
        [sum((a * b for a, b in zip(row, column, strict=True)), arb(0)) for column in zip(*right, strict=True)]
        for row in left
    ]


def _rows(column: Sequence[arb], width: int) -> Balls:
    return [list(column[start : start + width]) for start in range(0, len(column), width)]


def _enclosure(values: Balls) -> Enclosure:
    """Rounded outward: the half unit lost by rounding the middle (or the smallest number) widens the radius."""
    middle = np.array([[float(entry.mid()) for entry in row] for row in values])
    radius = np.array([[float(entry.rad().upper()) for entry in row] for row in values])
    return Enclosure(middle, np.nextafter(radius * (1 + 1e-15) + _HALF_UNIT * np.abs(middle), np.inf))
