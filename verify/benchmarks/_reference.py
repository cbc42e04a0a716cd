"""The gradient that errors are measured against."""

from dataclasses import dataclass

import numpy as np

from verify.benchmarks._in_turn import relative_error
from verify.instances import Instance
from verify.oracles.autodiff import reference_gradient

LARGEST_NODES = 256 * 256  # beyond which the oracle, which gathers, takes minutes
TOLERANCE = 1e-8
MOST_STEPS = 256


@dataclass(frozen=True)
class Reference:
    """A gradient (I, K), and in words where it comes from and how sure it is."""

    gradient: np.ndarray
    remark: str


def reference(instance: Instance) -> Reference:
    """Runge-Kutta autodiff with steps doubled until its own error is far below every level that is compared."""
    if instance.distances.shape[0] <= LARGEST_NODES:
        found = reference_gradient(*instance.plain)
        remark = f"Reference: Runge-Kutta, {found.steps} steps; own error, by halving: {found.error:.1e}."
        return Reference(found.gradient, remark)
    return _fast_reference(instance)


def _fast_reference(instance: Instance) -> Reference:
    """The same by the JAX peer, which shifts where the oracle gathers, and extrapolated (Richardson)."""
    from verify.peers.jax_flow import jax_flow

    assert instance.shape is not None
    assert instance.radius is not None
    flow = jax_flow(*instance.plain, shape=instance.shape, radius=instance.radius)

    def gradient(steps: int) -> np.ndarray:
        return np.where(instance.neighbours >= 0, flow.plain(flow.gradient("runge-kutta", steps)), 0.0)

    steps = 8
    coarse = gradient(steps)
    while steps < MOST_STEPS:
        steps *= 2
        fine = gradient(steps)
        error = relative_error(coarse, fine) / 15.0
        # What is left after the extrapolation is smaller still.
        if error <= TOLERANCE * 10.0:
            remark = (
                f"Reference: Runge-Kutta by the JAX peer, {steps} steps, extrapolated; the finer one's own error, by "
                f"halving: {error:.1e}."
            )
            return Reference(fine + (fine - coarse) / 15.0, remark)
        coarse = fine
    raise ArithmeticError(f"{MOST_STEPS} Runge-Kutta steps leave an error of {error:.1e}")
