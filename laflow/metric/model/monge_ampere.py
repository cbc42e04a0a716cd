"""The Monge–Ampère equation det g = κ|Ω|² of a metric in a fixed Kähler class: its residual.

Where it holds, the metric is Ricci-flat (Calabi 1957, Yau 1978).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laflow.errors import ShapeError
from laflow.kernels import monge_ampere_1, monge_ampere_2, monge_ampere_3
from laflow.metric.model.kernel_workspace import workspace

Array = NDArray[Any]

_KERNELS = {1: monge_ampere_1, 2: monge_ampere_2, 3: monge_ampere_3}


@dataclass(frozen=True, eq=False)
class Residuals:
    """r = det g / target - 1 and its derivatives, point by point.

    residual: (N,). slope: (n, n, N), ∂r by the packed entries of g. positive: (N,), whether g is positive definite.
    """

    residual: Array
    slope: Array
    positive: NDArray[np.bool_]


def residuals(metric: Array, target: Array) -> Residuals:
    """The residual of Monge–Ampère for packed metrics (n, n, N) and the target κ|Ω|² (N,).

    Packed: Re g + Im g, of which one is symmetric and one antisymmetric. Both arrays of one type.
    """
    if metric.ndim != 3 or metric.shape[0] != metric.shape[1] or metric.shape[0] not in _KERNELS:
        raise ShapeError(f"the packed metrics have shape {metric.shape}: give (n, n, points) with n = 1, 2 or 3")
    if target.shape != metric.shape[2:] or target.dtype != metric.dtype:
        raise ShapeError(
            f"the target has shape {target.shape} and type {target.dtype}: give {metric.shape[2:]}, {metric.dtype}"
        )
    n = metric.shape[0]
    kernel = _KERNELS[n]
    entries = [np.ascontiguousarray(metric[a, b]) for a in range(n) for b in range(n)]
    determinant, slope = np.empty_like(target), np.empty_like(metric)
    slopes = [slope[a, b] for a in range(n) for b in range(n)]
    kernel.sites(*entries, determinant, *slopes, workspace(kernel, *entries))
    positive = (metric[0, 0] > 0) & (determinant > 0)
    if n == 3:  # the minor in the middle is the slope of the determinant by the last entry
        positive &= slope[2, 2] > 0
    slope /= target
    residual = determinant
    residual /= target
    residual -= 1
    return Residuals(residual, slope, positive)


def pack(hermitian: Array) -> Array:
    """Real (n, n, N) packed form Re h + Im h of Hermitian matrices (N, n, n)."""
    return np.ascontiguousarray(np.moveaxis(hermitian.real + hermitian.imag, 0, -1))


def unpack(packed: Array) -> Array:
    """Hermitian matrices (N, n, n) of a packed form (n, n, N)."""
    real = np.moveaxis(packed, -1, 0)
    turned = real.swapaxes(1, 2)
    hermitian: Array = (real + turned) / 2 + 0.5j * (real - turned)
    return hermitian
