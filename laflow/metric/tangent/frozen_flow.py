"""The flow of a frozen tangent kernel at every time and in its limit: gradient descent as a wide network does it.

With residuals that are affine in the coordinates, as on the cubic curve, it has a closed form: for L = Σ w r²/Σ w,
ṙ = -η M r with M = (2/Σw) Θ diag(w), so r(t) = e^(-ηMt) r(0), and at other points what the kernel carries there. For
n = 2, 3 the determinant makes the loss a polynomial of the coordinates: its flow is integrated, its limit found by
Gauss–Newton steps.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, isnan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from laflow.checks import positive_number
from laflow.errors import ConvergenceError, ShapeError, ValueRangeError
from laflow.metric.tangent.linearised import AffineMetric, KernelMetric

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LinearFlow:
    """ṙ = -η Θ ∂L/∂r for L = Σ w r²/Σ w and a constant kernel Θ = F Fᵀ, solved for all times.

    factor: F (N, D): the Jacobian of r, or `kernel_factors` of a kernel. residual: r(0) (N,). weights: (N,). rate: η.
    In the coordinates it is δ̇ = -η ∂L/∂δ with r = r(0) + F δ. Modes within rounding of 0 do not move.
    """

    factor: FloatArray
    residual: FloatArray
    weights: FloatArray
    rate: float = 1.0
    _modes: FloatArray = field(init=False, repr=False)
    _roots: FloatArray = field(init=False, repr=False)
    _turned: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        points = self.residual.shape[0]
        if self.factor.ndim != 2 or self.factor.shape[0] != points or self.weights.shape != (points,):
            raise ShapeError(
                f"the factor has shape {self.factor.shape}, the residual {self.residual.shape}, the weights "
                f"{self.weights.shape}: give (N, D), (N,), (N,)"
            )
        if not self.weights.min() >= 0.0 or not self.weights.sum() > 0.0:
            raise ValueRangeError(f"a weight is {self.weights.min()}: give weights from 0, not all 0")
        positive_number(self.rate, "rate")
        # Of the factor and not of Θ, whose small eigenvalues have lost twice as many digits.
        modes, roots, turned = np.linalg.svd(self._root[:, None] * self.factor, full_matrices=False)
        moving = roots > max(self.factor.shape) * np.finfo(np.float64).eps * roots[0]
        for name, value in (("_modes", modes[:, moving]), ("_roots", roots[moving]), ("_turned", turned[moving])):
            object.__setattr__(self, name, value)

    @property
    def rates(self) -> FloatArray:
        """The rates ηλ, from the largest, of the modes that decay like e^(-ηλt)."""
        found: FloatArray = self.rate * self._roots**2
        return found

    def at(self, time: float) -> FloatArray:
        """r(t) (N,), for 0 ≤ t ≤ ∞."""
        root = self._root
        moved = self._modes @ (self._share(time) * (self._modes.T @ (root * self.residual)))
        counted = root > 0.0
        found: FloatArray = self.residual - moved / np.where(counted, root, 1.0)
        return np.where(counted, found, self.elsewhere(self.factor, self.residual, time))

    def coordinates(self, time: float) -> FloatArray:
        """δ(t) (D,): for a network, θ(t) - θ(0)."""
        amplitude = self._modes.T @ (self._root * self.residual)
        found: FloatArray = -self._turned.T @ (self._share(time) / self._roots * amplitude)
        return found

    def elsewhere(self, factor: FloatArray, start: FloatArray, time: float) -> FloatArray:
        """r(t) (M,) at other points, from r(0) = `start` (M,) and their rows `factor` (M, D)."""
        found: FloatArray = start + factor @ self.coordinates(time)
        return found

    @property
    def _root(self) -> FloatArray:
        """√(2w/Σw): the flow is ṡ = -η root Θ root s in s = root r, with a symmetric matrix."""
        root: FloatArray = np.sqrt(2.0 * self.weights / self.weights.sum())
        return root

    def _share(self, time: float) -> FloatArray:
        """1 - e^(-ηλt) of each mode."""
        if isnan(time) or time < 0.0:
            raise ValueRangeError(f"the time is {time}: give a number from 0, or infinity")
        return np.ones_like(self._roots) if time == inf else -np.expm1(-self.rates * time)


@dataclass(frozen=True, eq=False)
class FlowLimit:
    """Where a frozen flow comes to rest.

    position: (D,) coordinates. loss, sigma: at the points of the flow. gradient: |∂L/∂δ| over its value at the start.
    converged: whether the loss had ended to fall before the steps ran out.
    """

    position: FloatArray
    loss: float
    sigma: float
    gradient: float
    steps: int
    converged: bool


def flow_positions(
    metric: AffineMetric | KernelMetric, times: ArrayLike, *, rate: float = 1.0, tolerance: float = 1e-8
) -> FloatArray:
    """Coordinates (T, D) at increasing `times` (T,) from 0 of the flow from 0, by an implicit method of SciPy.

    The flow is δ̇ = -η ∂L/∂δ, or ċ = -η ∂L/∂g in dual coordinates; η = `rate`. `tolerance` is relative, and absolute in
    units of what the first gradient would move. D³ operations a step: for D up to about a thousand. Raises
    `ConvergenceError` where the integrator gives up.
    """
    asked = np.asarray(times, dtype=np.float64)
    increasing = asked.ndim == 1 and asked.size > 0 and asked[0] >= 0.0 and bool((np.diff(asked) > 0.0).all())
    if not increasing or not np.isfinite(asked).all():
        raise ValueRangeError(f"the times are {asked}: give finite ones from 0 that increase")
    positive_number(rate, "rate")

    def velocity(_time: float, position: FloatArray) -> FloatArray:
        return -rate * metric.gradient(position)

    end = max(float(asked[-1]), np.finfo(np.float64).tiny)
    size = float(np.linalg.norm(metric.gradient(np.zeros(metric.coordinates))))
    absolute = tolerance * max(min(rate * end, 1.0) * size, np.finfo(np.float64).tiny)
    start = np.zeros(metric.coordinates)
    found: Any = solve_ivp(velocity, (0.0, end), start, method="BDF", t_eval=asked, rtol=tolerance, atol=absolute)
    if not found.success:
        raise ConvergenceError(f"the flow could not be integrated to t = {end:g}: {found.message}")
    positions: FloatArray = found.y.T
    return positions


def flow_limit(
    metric: AffineMetric | KernelMetric,
    *,
    steps: int = 200,
    tolerance: float = 1e-4,
    least_damping: float = 1e-12,
    callback: Callable[[FloatArray, float], object] | None = None,
) -> FlowLimit:
    """The limit t → ∞ of the frozen flow from 0, by Gauss–Newton steps with falling damping.

    A step with damping λ is a linearly implicit Euler step of the flow over a time of 1/2ηλ, so the steps follow the
    flow, longer and longer, and like it they stay in the span of the kernel. Where points determine the coordinates,
    the limit is the flow's; where they leave some free (more coordinates than residuals), the flow ends on the same set
    of exact solutions: for n = 1 in this one, for n ≥ 2 close to it. Steps that raise the loss or lose the metric's
    positivity are refused. Ends when 5 steps together lower the loss by less than `tolerance` of it; modes with
    eigenvalues below `least_damping` times their sum over the points are left where they are. `callback` is told the
    coordinates and the loss after every step. Raises `ValueRangeError` where the flow does not begin with a metric.
    """
    position, damping, taken = np.zeros(metric.coordinates), 1e-2, 0
    lost = ~metric.residuals(position).positive
    if lost.any():
        raise ValueRangeError(
            f"the flow begins with a metric that is not positive definite at {int(lost.sum())} of {lost.size} points, "
            f"the first being {int(np.argmax(lost))}: linearise a smaller φ, as that of PhiModel.fresh"
        )
    loss, start = metric.loss(position), metric.gradient_size(position)
    history, converged = [loss], start == 0.0
    while taken < steps and not converged:
        moved = _step(metric, position, loss, damping, least_damping)
        if moved is None:
            converged = True
            break
        position, loss, damping = moved
        taken += 1
        history.append(loss)
        if callback is not None:
            callback(position, loss)
        converged = loss == 0.0 or (len(history) > 5 and history[-6] - loss < tolerance * loss)
    excess = np.abs(metric.residuals(position).residual)
    sigma = float(metric.weights @ excess / metric.weights.sum())
    share = 0.0 if start == 0.0 else metric.gradient_size(position) / start
    return FlowLimit(position, loss, sigma, share, taken, converged)


def _step(
    metric: AffineMetric | KernelMetric, position: FloatArray, loss: float, damping: float, least: float
) -> tuple[FloatArray, float, float] | None:
    """New position, loss and damping; None where no step lowers the loss."""
    system = metric.newton(position)
    # The trace is that of JᵀJ and of JJᵀ alike: one damping means one flow time in all coordinates.
    mean = float(np.trace(system.matrix)) / metric.weights.size
    while damping < 1e8:
        damped = system.matrix.copy()
        damped[np.diag_indices_from(damped)] += damping * mean
        try:
            solver = cho_factor(damped, overwrite_a=True, check_finite=False)
        except LinAlgError:
            damping *= 10.0
            continue
        trial = position - system.lift(cho_solve(solver, system.vector))
        found = metric.residuals(trial)
        lower = float(metric.weights @ found.residual**2 / metric.weights.sum())
        if lower < loss and bool(found.positive.all()):
            return trial, lower, max(0.3 * damping, least)
        damping *= 5.0
    return None
