"""The tangent kernel of a metric flow, Θ = Σ_I ∂f(x)/∂θ_I ∂f(x')/∂θ_I, and products with it that never form it.

f is any set of linear functionals of the network's jet: the potential φ (the scalar kernel Θ_φ), the packed entries of
∂∂̄φ (the metric kernel Θ_ab̄cd̄ = ∂_a∂̄_b∂'_c∂̄'_d Θ_φ), or the change of the residual r = det g/(κ|Ω|²) - 1. Gradient
descent moves f by -η Θ ∂L/∂f to first order (Halverson & Ruehle, arXiv:2310.19870).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh

from laflow.errors import ShapeError, ValueRangeError
from laflow.memory import available_memory
from laflow.metric.model.jet_network import JetNetwork, Tape
from laflow.metric.tangent.jet_tangent import output_tangent
from laflow.metric.tangent.kernel_memory import require_kernel_room

Array = NDArray[Any]
FloatArray = NDArray[np.float64]

# What a pass through the network may hold at a time, whatever the width.
TAPE_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class TangentRows:
    """Rows of a Jacobian: K linear functionals of the network's output jet at each of N points.

    parameters: (P,). jets: (channels, N, features) of the inputs. covectors: (K, channels, N). Row p K + k is
    Σ_c covectors[k, c, p] ∂output[c, p]/∂θ. All is computed in float64.
    """

    network: JetNetwork
    parameters: FloatArray
    jets: FloatArray
    covectors: FloatArray

    def __post_init__(self) -> None:
        for name in ("parameters", "jets", "covectors"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        if self.covectors.ndim != 3 or self.covectors.shape[1:] != self.jets.shape[:2]:
            raise ShapeError(
                f"the covectors have shape {self.covectors.shape}, the jets {self.jets.shape}: give (K, channels, "
                "points) and (channels, points, features)"
            )
        if not np.isfinite(self.parameters).all():
            raise ValueRangeError("the parameters are not finite: go back to the last good state of the training")

    @property
    def points(self) -> int:
        """Number N of points."""
        return int(self.jets.shape[1])

    @property
    def functionals(self) -> int:
        """Number K of rows for each point."""
        return int(self.covectors.shape[0])

    @property
    def count(self) -> int:
        """Number N K of rows."""
        return self.points * self.functionals

    def jacobian(self, start: int = 0, stop: int | None = None) -> FloatArray:
        """Rows (points K, P) of the points from `start` to `stop`."""
        stop = self.points if stop is None else stop
        found = np.empty((stop - start, self.functionals, self.network.parameter_count))
        for part, tape in self._passes(start, stop):
            for k in range(self.functionals):
                rows = self.network.jacobian(tape, self.covectors[k, :, part])
                found[part.start - start : part.stop - start, k] = rows
        return found.reshape(-1, self.network.parameter_count)

    def output(self) -> FloatArray:
        """Jet of the network's output (channels, N)."""
        return np.concatenate([tape.output for _, tape in self._passes(0, self.points)], axis=1)

    def pulled(self, values: FloatArray) -> FloatArray:
        """Jᵀ v (P,) for v (N K,), one backward pass."""
        values = self._checked(values)
        gradient = np.zeros(self.network.parameter_count)
        for part, tape in self._passes(0, self.points):
            covector = np.einsum("pk,kcp->cp", values[part], self.covectors[:, :, part])
            gradient += self.network.gradient(tape, covector)
        return gradient

    def pushed(self, direction: FloatArray) -> FloatArray:
        """J u (N K,) for u (P,), one forward pass with its tangent."""
        found = np.empty((self.points, self.functionals))
        for part, tape in self._passes(0, self.points):
            tangent = output_tangent(self.network, tape, np.asarray(direction, dtype=np.float64))
            found[part] = np.einsum("kcp,cp->pk", self.covectors[:, :, part], tangent)
        return found.reshape(-1)

    def apply(self, values: FloatArray) -> FloatArray:
        """Θ v = J Jᵀ v (N K,) for v (N K,); memory is a pass's and P numbers, neither J nor Θ is formed."""
        return self.pushed(self.pulled(values))

    def operator(self) -> LinearOperator:
        """The kernel as a linear operator of SciPy, symmetric."""
        shape = (self.count, self.count)
        return LinearOperator(shape, matvec=self.apply, rmatvec=self.apply, dtype=np.float64)

    def _checked(self, values: FloatArray) -> FloatArray:
        array = np.asarray(values, dtype=np.float64)
        if array.size != self.count:
            raise ShapeError(f"the vector has {array.size} entries: give one for each of the {self.count} rows")
        return array.reshape(self.points, self.functionals)

    def _passes(self, start: int, stop: int) -> Iterator[tuple[slice, Tape]]:
        # Jets of all units before and after their activation, covectors or tangents, σ to σ'''; a row of J, twice.
        units, parameters = sum(self.network.sizes), self.network.parameter_count
        per_point = 8 * (units * (5 * self.network.channels + 4) + 2 * parameters)
        step = max(1, TAPE_BYTES // per_point)
        for begin in range(start, stop, step):
            part = slice(begin, min(begin + step, stop))
            yield part, self.network.forward(self.parameters, np.ascontiguousarray(self.jets[:, part]))


def potential_rows(network: JetNetwork, parameters: Array, jets: Array) -> TangentRows:
    """Rows of φ (K = 1): their kernel is Θ_φ (N, N)."""
    covectors = np.zeros((1, jets.shape[0], jets.shape[1]))
    covectors[0, 0] = 1.0
    return TangentRows(network, parameters, jets, covectors)


def metric_rows(network: JetNetwork, parameters: Array, jets: Array) -> TangentRows:
    """Rows of the packed entries of ∂∂̄φ (K = n², row-major): their kernel is the metric kernel (N n², N n²)."""
    n = network.dimension
    one_hot = np.zeros((n * n, jets.shape[0], 1))
    one_hot[np.arange(n * n), 1 + 2 * n + np.arange(n * n)] = 1.0
    return TangentRows(network, parameters, jets, np.broadcast_to(one_hot, (n * n, jets.shape[0], jets.shape[1])))


def residual_rows(network: JetNetwork, parameters: Array, jets: Array, slope: Array) -> TangentRows:
    """Rows of r (K = 1), for the `slope` (n, n, N) of r by packed entries of g: `monge_ampere.residuals` has it."""
    n = network.dimension
    covectors = np.zeros((1, jets.shape[0], jets.shape[1]))
    covectors[0, 1 + 2 * n :] = np.asarray(slope).reshape(n * n, -1)
    return TangentRows(network, parameters, jets, covectors)


def tangent_kernel(rows: TangentRows, others: TangentRows | None = None, *, memory: int | None = None) -> FloatArray:
    """Θ = J Jᵀ (R, R), exactly symmetric, or J J'ᵀ (R, R') with the rows `others`.

    Takes at most `memory` bytes (by default what the system has), the kernel's included, beside `TAPE_BYTES` for a
    pass: the Jacobian is held at once where it fits, else in tiles that are computed anew. Raises `ProblemSizeError`
    for a kernel that does not fit.
    """
    if others is not None:
        return _between(rows, others, memory)
    tile = require_kernel_room(rows.points, rows.functionals, rows.network.parameter_count, _given(memory))
    if tile == rows.points:
        jacobian = rows.jacobian()
        return jacobian @ jacobian.T
    kernel = np.empty((rows.count, rows.count))
    for one, other, block in kernel_tiles(rows, tile):
        kernel[one, other] = block
        kernel[other, one] = block.T
    return kernel


def kernel_tiles(rows: TangentRows, tile: int) -> Iterator[tuple[slice, slice, FloatArray]]:
    """The tiles Θ[i, j] with j ≤ i of `tile` points a side; two tiles' Jacobians are in memory at a time."""
    k = rows.functionals
    for start in range(0, rows.points, tile):
        stop = min(start + tile, rows.points)
        left = rows.jacobian(start, stop)
        for begin in range(0, start + 1, tile):
            end = min(begin + tile, rows.points)
            right = left if begin == start else rows.jacobian(begin, end)
            yield slice(start * k, stop * k), slice(begin * k, end * k), left @ right.T


def complex_metric_kernel(kernel: FloatArray, dimension: int) -> NDArray[np.complex128]:
    """Θ_ab̄cd̄(x, x') (N, n, n, N', n, n) of a packed metric kernel (N n², N' n²)."""
    n = dimension
    packed = kernel.reshape(-1, n, n, kernel.shape[1] // (n * n), n, n)
    once = (packed + packed.swapaxes(1, 2)) / 2 + 0.5j * (packed - packed.swapaxes(1, 2))
    found: NDArray[np.complex128] = (once + once.swapaxes(4, 5)) / 2 + 0.5j * (once - once.swapaxes(4, 5))
    return found


def packed_metric_kernel(kernel: NDArray[np.complex128]) -> FloatArray:
    """The packed form (N n², N' n²) of Θ_ab̄cd̄ (N, n, n, N', n, n), Hermitian in each pair of indices."""
    n = kernel.shape[1]
    once = (1 - 1j) / 2 * kernel + (1 + 1j) / 2 * kernel.swapaxes(1, 2)
    twice = (1 - 1j) / 2 * once + (1 + 1j) / 2 * once.swapaxes(4, 5)
    found: FloatArray = twice.real.reshape(kernel.shape[0] * n * n, kernel.shape[3] * n * n)
    return found


def contracted(kernel: FloatArray, slope: Array, other_slope: Array) -> FloatArray:
    """Kernel (N, N') of residuals from a packed metric kernel, for slopes (n, n, N) and (n, n, N') of r."""
    n = slope.shape[0]
    blocks = kernel.reshape(slope.shape[2], n * n, other_slope.shape[2], n * n)
    left, right = slope.reshape(n * n, -1), other_slope.reshape(n * n, -1)
    found: FloatArray = np.einsum("kp,pkql,lq->pq", left, blocks, right, optimize=True)
    return found


def spectrum(kernel: FloatArray) -> FloatArray:
    """Eigenvalues (R,) of a symmetric kernel, from the largest."""
    return np.asarray(np.linalg.eigvalsh(kernel)[::-1], dtype=np.float64)


def leading_spectrum(rows: TangentRows, count: int, *, seed: int = 0) -> FloatArray:
    """The `count` largest eigenvalues of Θ, from the largest, by Lanczos' method on products with Θ."""
    if not 0 < count < rows.count:
        raise ValueRangeError(f"{count} eigenvalues of {rows.count} were asked for: give 1 to {rows.count - 1}")
    start = np.random.default_rng(seed).standard_normal(rows.count)
    values: FloatArray = eigsh(rows.operator(), k=count, which="LA", v0=start, return_eigenvectors=False)
    return np.sort(values)[::-1]


def drift(before: FloatArray, after: FloatArray) -> float:
    """‖Θ_t - Θ_0‖ / ‖Θ_0‖ in Frobenius' norm."""
    if before.shape != after.shape:
        raise ShapeError(f"the kernels have shapes {before.shape} and {after.shape}: give two of the same rows")
    return float(np.linalg.norm(after - before) / np.linalg.norm(before))


def _given(memory: int | None) -> int:
    return available_memory() if memory is None else memory


def _between(rows: TangentRows, others: TangentRows, memory: int | None) -> FloatArray:
    if rows.network != others.network or not np.array_equal(rows.parameters, others.parameters):
        raise ValueRangeError("the rows belong to different networks or parameters: a kernel is of one network")
    # The bound of the square kernel of both sets holds for the rectangle between them.
    joint = max(rows.points, others.points), max(rows.functionals, others.functionals)
    tile = require_kernel_room(*joint, rows.network.parameter_count, _given(memory))
    kernel = np.empty((rows.count, others.count))
    k, m = rows.functionals, others.functionals
    for start in range(0, rows.points, tile):
        stop = min(start + tile, rows.points)
        left = rows.jacobian(start, stop)
        for begin in range(0, others.points, tile):
            end = min(begin + tile, others.points)
            kernel[start * k : stop * k, begin * m : end * m] = left @ others.jacobian(begin, end).T
    return kernel
