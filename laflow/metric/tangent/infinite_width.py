"""Tangent kernels of infinitely wide networks, which training never changes, as functions and as metric kernels.

Recursions in the covariance Σ of pre-activations: K = E[σ(u)σ(v)] and K̇ = E[σ'(u)σ'(v)] over (u, v) ~ N(0, Σ). For
erf K = (2/π) asin(2Σ12/√((1+2Σ11)(1+2Σ22))), K̇ = (4/π)/√((1+2Σ11)(1+2Σ22) - 4Σ12²) (Williams 1997); for ReLU
K = |x||x'|(sin θ + (π-θ) cos θ)/2π, K̇ = (π-θ)/2π (Cho & Saul 2009). Layer by layer Θ ← Θ K̇ + K (Jacot, Gabriel &
Hongler 2018). A cosine network of which only the last layer is trained has the Gaussian kernel (Rahimi & Recht 2007).
The metric kernel is ∂_a∂̄_b∂'_c∂̄'_d of the scalar one, evaluated in the algebra of `two_point_jets`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from laflow.checks import non_negative_number, positive_number, whole_number
from laflow.errors import ShapeError, ValueRangeError
from laflow.metric.tangent.tangent_kernel import packed_metric_kernel
from laflow.metric.tangent.two_point_jets import TwoPointJet, inner_products

Array = NDArray[Any]
FloatArray = NDArray[np.float64]

# Derivatives of a pair of points: at most so many complex numbers at a time.
ENTRIES_AT_ONCE = 2**22


@dataclass(frozen=True)
class WideNetwork:
    """Θ of an MLP in NTK parametrisation with `depth` hidden layers, all of them wide and all layers trained.

    Weights are N(0, 1) under a factor 1/√fan-in, biases N(0, `bias_variance`), trained if `trains_biases`: as
    `JetNetwork` with "ntk" begins. activation: "erf", or "relu" for values only (it has no second derivative).
    """

    activation: Literal["erf", "relu"] = "erf"
    depth: int = 1
    bias_variance: float = 0.01
    trains_biases: bool = True

    def __post_init__(self) -> None:
        if self.activation not in ("erf", "relu"):
            raise ValueRangeError(f"the activation is {self.activation!r}: give erf or relu")
        whole_number(self.depth, "depth")
        non_negative_number(self.bias_variance, "bias_variance")

    def kernel(self, first: FloatArray, second: FloatArray | None = None) -> FloatArray:
        """Θ (N, N') for features (N, F) and (N', F); of the first with themselves if there are no second."""
        return _values(self._two_points, first, second)

    def metric_kernel(self, first: FloatArray, second: FloatArray | None = None) -> FloatArray:
        """∂_a∂̄_b∂'_c∂̄'_d Θ (N n², N' n²) in packed entries, as `tangent_kernel.metric_rows` orders them.

        first, second: jets (channels, N, F) and (channels, N', F) of the features.
        """
        if self.activation == "relu":
            raise ValueRangeError(
                "the kernel of ReLU has a kink at equal points: use erf or GaussianKernel for metrics"
            )
        return _metric_kernel(self._two_points, first, second)

    def _two_points(self, first: Array, second: Array, dimension: int) -> TwoPointJet:
        expectations = _erf if self.activation == "erf" else _relu
        features = first.shape[2]
        products = inner_products(first, second, dimension)
        one, cross, other = (jet * (1.0 / features) + self.bias_variance for jet in products)
        trained = 1.0 if self.trains_biases else 0.0
        found = products[1] * (1.0 / features) + trained
        for _ in range(self.depth):
            value, slope = expectations(one, cross, other)
            found = found * slope + value + trained
            one, _ = expectations(one, one, one)
            other, _ = expectations(other, other, other)
            one, cross, other = (jet + self.bias_variance for jet in (one, value, other))
        return found


@dataclass(frozen=True)
class GaussianKernel:
    """Θ = exp(-|x - x'|²/2ℓ²), ℓ = `length`: a wide cosine network, frequencies N(0, 1/ℓ²), of trained last layer.

    As ℓ → 0 it becomes local: points no longer move each other.
    """

    length: float

    def __post_init__(self) -> None:
        positive_number(self.length, "length")

    def kernel(self, first: FloatArray, second: FloatArray | None = None) -> FloatArray:
        """Θ (N, N') for features (N, F) and (N', F); of the first with themselves if there are no second."""
        return _values(self._two_points, first, second)

    def metric_kernel(self, first: FloatArray, second: FloatArray | None = None) -> FloatArray:
        """∂_a∂̄_b∂'_c∂̄'_d Θ (N n², N' n²) in packed entries, for jets (channels, N, F) and (channels, N', F)."""
        return _metric_kernel(self._two_points, first, second)

    def _two_points(self, first: Array, second: Array, dimension: int) -> TwoPointJet:
        one, cross, other = inner_products(first, second, dimension)
        exponent = (one + other - 2.0 * cross) * (-0.5 / self.length**2)
        # The distance of near points by differences: as above it would lose half of its digits.
        exponent.entries[0, 0, 0, 0] = cdist(first[0], second[0], "sqeuclidean") * (-0.5 / self.length**2)
        return exponent.through(lambda values: [np.exp(values)] * 5)


TwoPoints = Callable[[Array, Array, int], TwoPointJet]


def _values(two_points: TwoPoints, first: FloatArray, second: FloatArray | None) -> FloatArray:
    left, right = (np.asarray(array, dtype=np.float64) for array in (first, first if second is None else second))
    if left.ndim != 2 or right.ndim != 2:
        raise ShapeError(f"the features have shapes {left.shape} and {right.shape}: give (points, features)")
    value = two_points(left[None], right[None], 0).value
    found: FloatArray = np.broadcast_to(value, (left.shape[0], right.shape[0])).real.copy()
    return found if second is not None else (found + found.T) / 2


def _metric_kernel(two_points: TwoPoints, first: FloatArray, second: FloatArray | None) -> FloatArray:
    left, right = (np.asarray(array, dtype=np.float64) for array in (first, first if second is None else second))
    n = round(np.sqrt(left.shape[0])) - 1
    if left.ndim != 3 or right.ndim != 3 or left.shape[0] != (n + 1) ** 2 or n < 1:
        raise ShapeError(f"the jets have shapes {left.shape} and {right.shape}: give ((n+1)², points, features)")
    found = np.empty((left.shape[1], n * n, right.shape[1], n * n))
    step = max(1, ENTRIES_AT_ONCE // ((n + 1) ** 4 * right.shape[1]))
    for begin in range(0, left.shape[1], step):
        corner = two_points(left[:, begin : begin + step], right, n).corner
        found[begin : begin + step] = packed_metric_kernel(corner).reshape(-1, n * n, right.shape[1], n * n)
    kernel: FloatArray = found.reshape(left.shape[1] * n * n, -1)
    return kernel if second is not None else (kernel + kernel.T) / 2


def _erf(one: TwoPointJet, cross: TwoPointJet, other: TwoPointJet) -> tuple[TwoPointJet, TwoPointJet]:
    left, right = 1.0 + 2.0 * one, 1.0 + 2.0 * other
    sine = 2.0 * cross * (left.power(-0.5) * right.power(-0.5))
    value = (2.0 / pi) * sine.through(_asin)
    slope = (4.0 / pi) * (left * right - 4.0 * cross * cross).power(-0.5)
    return value, slope


def _asin(t: Array) -> list[Array]:
    square = t * t
    root = (1.0 - square) ** -0.5
    third = (1.0 + 2.0 * square) * root**5
    return [np.arcsin(t), root, t * root**3, third, (9.0 + 6.0 * square) * t * root**7]


def _relu(one: TwoPointJet, cross: TwoPointJet, other: TwoPointJet) -> tuple[TwoPointJet, TwoPointJet]:
    norms, inner = np.sqrt(one.value * other.value), cross.value
    # Nearly parallel, the sine has half of the digits, and the angle with it: K stays exact, K̇ is off by 1e-8.
    sine = np.sqrt(np.maximum(norms**2 - inner**2, 0.0))
    angle = np.arctan2(sine, inner)
    value, slope = (sine + (pi - angle) * inner) / (2.0 * pi), (pi - angle) / (2.0 * pi)
    return _function(value), _function(slope)


def _function(values: Array) -> TwoPointJet:
    """A function whose derivatives are not looked at."""
    return TwoPointJet(values[None, None, None, None])
