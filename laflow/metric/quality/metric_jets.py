"""A Kähler metric with its derivatives in local coordinates, what curvature is computed from."""

from dataclasses import dataclass
from math import factorial, pi

import numpy as np

from laflow.errors import ShapeError
from laflow.metric.geometry.polynomial import ComplexArray
from laflow.metric.geometry.sampling import PointSample

# Points at a time: so many that calls cost little, so few that all terms stay in the cache.
POINTS_AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class MetricJets:
    """A metric and its first and mixed second derivatives at N points, in local coordinates x_a.

    metric: (N, n, n), g_ab̄ at [a, b]. first: (N, n, n, n), ∂_c g_ab̄ at [c, a, b].
    second: (N, n, n, n, n), ∂_c ∂̄_d g_ab̄ at [c, d, a, b]. Kähler metrics have `first` symmetric in c, a and `second`
    in c, a and in d, b. Adding jets adds metrics: g_FS + ∂∂̄φ is `jets + MetricJets(∂∂̄φ, ∂∂∂̄φ, ∂∂̄∂∂̄φ)`.
    """

    metric: ComplexArray
    first: ComplexArray
    second: ComplexArray

    def __post_init__(self) -> None:
        shape = self.metric.shape
        fits = len(shape) == 3 and shape[1] == shape[2]
        if not fits or self.first.shape != shape + shape[2:] or self.second.shape != shape + shape[1:]:
            raise ShapeError(
                f"jets have shapes {shape}, {self.first.shape} and {self.second.shape}: give (N, n, n), "
                "(N, n, n, n) and (N, n, n, n, n)"
            )

    def __add__(self, other: "MetricJets") -> "MetricJets":
        return MetricJets(self.metric + other.metric, self.first + other.first, self.second + other.second)


def frame_slopes(sample: PointSample) -> ComplexArray:
    """∂²z_dep/∂x_a∂x_c (N, n, n), the only second derivatives of homogeneous coordinates that are not 0.

    Twice differentiated along the frame T, p = 0 says T_ai (∂_i∂_j p) T_cj + (∂_dep p) ∂²z_dep = 0.
    """
    hessian = sample.hypersurface.polynomial.hessian(sample.points)
    slopes = sample.hypersurface.polynomial.gradient(sample.points)
    slope = slopes[np.arange(len(sample)), sample.dependent]
    bends = sample.frame @ hessian @ sample.frame.swapaxes(1, 2)
    found: ComplexArray = -bends / slope[:, None, None]
    return found


def fubini_study_jets(sample: PointSample, basis: ComplexArray | None = None) -> MetricJets:
    """g = (1/π) ∂∂̄ log|zL|² and its derivatives, exactly; g_FS without a `basis` L (n+2, m).

    With an invertible L it is the Fubini–Study metric of other coordinates, g_FS + ∂∂̄φ, φ = (1/π) log(|zL|²/|z|²): of
    the same class, and another metric on X.
    """
    given = np.eye(sample.hypersurface.degree) if basis is None else basis
    matrix = np.asarray(given, dtype=np.complex128)
    if matrix.ndim != 2 or matrix.shape[0] != sample.hypersurface.degree:
        raise ShapeError(f"the basis has shape {matrix.shape}: give ({sample.hypersurface.degree}, m)")
    starts = range(0, len(sample), POINTS_AT_ONCE)
    blocks = [_block_jets(sample.take(slice(start, start + POINTS_AT_ONCE)), matrix) for start in starts]
    return MetricJets(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))


def _block_jets(sample: PointSample, matrix: ComplexArray) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    # ∂_S (zL)_j for no, one and two directions: the coordinates' holomorphic derivatives.
    # Points come last: sums run along them.
    value, slope = (sample.points @ matrix).T, (sample.frame @ matrix).transpose(1, 2, 0)
    bend = frame_slopes(sample).transpose(1, 2, 0)[:, :, None] * matrix[sample.dependent].T
    jets = {"": value.copy(), "a": slope.copy(), "ac": bend.copy()}
    norms = np.sum(value.real**2 + value.imag**2, axis=0)
    moments = {
        (len(left), len(right)): np.einsum(
            f"{left}jp,{right.upper()}jp,p->{left}{right.upper()}p", jets[left], jets[right].conj(), 1.0 / norms
        )
        for left in jets
        for right in jets
    }
    shapes = (("a", "B"), ("ca", "B"), ("ca", "DB"))
    metric, first, second = (_cumulant(moments, left, right) / pi for left, right in shapes)
    return np.moveaxis(metric, -1, 0), np.moveaxis(first, -1, 0), np.moveaxis(second.swapaxes(1, 2), -1, 0)


def _cumulant(moments: dict[tuple[int, int], ComplexArray], left: str, right: str) -> ComplexArray:
    """∂_left ∂̄_right log K (directions of left, of right, N) from the `moments` (∂_S ∂̄_S' K)/K, by numbers of letters.

    Derivatives of a logarithm are joint cumulants: the sum over set partitions into k blocks, times (-1)^(k-1) (k-1)!.
    """
    total: ComplexArray | float = 0.0
    for blocks in _partitions(list(left + right)):
        ordered = ["".join(sorted(block, key=str.isupper)) for block in blocks]
        factors = [moments[sum(map(str.islower, block)), sum(map(str.isupper, block))] for block in ordered]
        letters = ",".join(f"{block}p" for block in ordered)
        term = np.einsum(f"{letters}->{left}{right}p", *factors)
        total = total + (-1) ** (len(blocks) - 1) * factorial(len(blocks) - 1) * term
    return np.asarray(total, dtype=np.complex128)


def _partitions(items: list[str]) -> list[list[list[str]]]:
    """All ways to part `items` into blocks."""
    if not items:
        return [[]]
    found = []
    for rest in _partitions(items[1:]):
        found.append([[items[0]], *rest])
        found += [[*rest[:k], [items[0], *rest[k]], *rest[k + 1 :]] for k in range(len(rest))]
    return found
