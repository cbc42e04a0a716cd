"""What a training takes of the memory, by its method, and refusing trainings that take more."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from laflow.errors import ProblemSizeError
from laflow.memory import available_memory, readable
from laflow.metric.learning import gauss_newton, limited_memory
from laflow.metric.learning.descent import CURVATURE_POINTS
from laflow.metric.learning.objective import LEAST_AT_ONCE, ROWS_AT_ONCE, SITES_AT_ONCE
from laflow.metric.model.jet_network import JetNetwork
from laflow.metric.model.phi_model import CHUNK

# Bytes of a number in float64, which parameters are kept in; steps may use float32.
DOUBLE = 8
# Copies of the parameters that every training holds, and of what its gradients are summed up in.
KEPT, WORKED_ON = 6, 4
# Copies of the parameters in moments and in what Adam makes of them.
MOMENTS = 6
# Arrays as large as the channels of all layers in a pass for the loss, which is in double precision on held-out points,
# and in one for the rows of the Jacobian.
LOSS_ARRAYS, ROW_ARRAYS = 6, 4
# Copies of a matrix that is factorised: itself, damped, and as LAPACK wants it.
FACTORISED = 3


def training_bytes(
    network: JetNetwork, method: str, points: int, *, precision: str = "single", rate_given: bool = False
) -> int:
    """Bytes that a training by `method` on `points` points takes at its peak: a little less to three times as much.

    By far the most for wide networks are JᵀJ, or the Jacobian of the points whose kernel is inverted, of
    "gauss-newton", the Jacobian that "gradient-descent" finds its rate by (unless `rate_given`), and the pairs that
    "lbfgs" remembers.
    """
    number = 4 if precision == "single" else DOUBLE
    parameters, units = network.parameter_count, sum(network.sizes[1:])
    passed = min(points, max(LEAST_AT_ONCE, SITES_AT_ONCE // max(network.sizes)))
    common = (
        points * network.channels * network.sizes[0] * number
        + parameters * (KEPT * DOUBLE + WORKED_ON * number)
        + passed * (2 * network.dimension + 1) * units * LOSS_ARRAYS * DOUBLE
    )
    if method == "gauss-newton":
        small = parameters <= gauss_newton.MOST_PARAMETERS
        return common + (_normal_bytes if small else _kernel_bytes)(network, points, number)
    if method == "lbfgs":
        # Pairs of arrays, old and new.
        return common + 4 * (limited_memory.MEMORY + 1) * parameters * DOUBLE
    if method == "adam":
        return common + MOMENTS * parameters * DOUBLE
    seen = min(CURVATURE_POINTS, points)
    return (
        common
        if rate_given
        else common + max(_rows_bytes(network, seen, number), seen * parameters * (number + DOUBLE))
    )


def _normal_bytes(network: JetNetwork, points: int, number: int) -> int:
    rows = min(points, ROWS_AT_ONCE) * network.parameter_count * number
    return FACTORISED * DOUBLE * network.parameter_count**2 + rows


def _kernel_bytes(network: JetNetwork, points: int, number: int) -> int:
    seen = min(gauss_newton.KERNEL_POINTS, points)
    return _rows_bytes(network, seen, number) + FACTORISED * DOUBLE * seen**2


def _rows_bytes(network: JetNetwork, points: int, number: int) -> int:
    """All rows of the Jacobian and their points' jets; a chunk's rows once more, and those of its largest layer."""
    chunk = min(points, CHUNK)
    rows = (points + 2 * chunk) * network.parameter_count
    jets = network.channels * (points * network.sizes[0] + chunk * sum(network.sizes[1:]) * ROW_ARRAYS)
    return (rows + jets) * number


def require_training_room(
    network: JetNetwork, method: str, points: int, *, precision: str = "single", rate_given: bool = False
) -> None:
    """Raises `ProblemSizeError`, with the size and what would fit, where a training does not fit into memory."""
    memory = available_memory()

    def needed(tried: JetNetwork, by: str, count: int) -> int:
        return training_bytes(tried, by, count, precision=precision, rate_given=rate_given)

    size = needed(network, method, points)
    if size <= memory:
        return
    remedies = []
    if most := _largest(points, lambda count: needed(network, method, count) <= memory):
        remedies.append(f"{most} points or fewer")
    if width := _largest(
        max(network.sizes[1:]), lambda width: needed(_narrowed(network, width), method, points) <= memory
    ):
        remedies.append(f"layers of {width} units or fewer")
    if others := [name for name in ("lbfgs", "adam") if name != method and needed(network, name, points) <= memory]:
        remedies.append(f"the method {others[-1]}, which takes {readable(needed(network, others[-1], points))}")
    raise ProblemSizeError(
        f"the method {method} with {network.parameter_count} parameters on {points} points takes about "
        f"{readable(size)}, of {readable(memory)} at hand: give {', or '.join(remedies) or 'less of everything'}"
    )


def _narrowed(network: JetNetwork, width: int) -> JetNetwork:
    """The network with so many units in a hidden layer at most."""
    hidden = tuple(int(size) for size in np.minimum(network.sizes[1:-1], width))
    return replace(network, sizes=(network.sizes[0], *hidden, 1))


def _largest(most: int, fits: Callable[[int], bool]) -> int:
    """The largest number from 1 to `most` that fits, if smaller ones do too; 0 where none does."""
    least, beyond = 0, most + 1
    while beyond - least > 1:
        middle = (least + beyond) // 2
        least, beyond = (middle, beyond) if fits(middle) else (least, middle)
    return least
