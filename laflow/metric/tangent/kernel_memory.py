"""What a kernel method may take of the memory, and refusing kernels that take more."""

from math import isqrt

from laflow.errors import ProblemSizeError
from laflow.memory import readable

# Bytes of a number: kernels are float64, because their small eigenvalues matter.
NUMBER = 8


def kernel_bytes(points: int, functionals: int) -> int:
    """Size of the kernel of `functionals` numbers at each of `points` points: (functionals points)² numbers."""
    return NUMBER * (functionals * points) ** 2


def tile_bytes(points: int, functionals: int, parameters: int) -> int:
    """Two Jacobians of `points` points and the tile of the kernel between them."""
    return NUMBER * functionals * points * (2 * parameters + functionals * points)


def tile_points(points: int, functionals: int, parameters: int, room: int) -> int:
    """The largest tile, in points, that fits into `room` bytes; 0 where not even one point does."""
    side = isqrt(parameters**2 + max(room, 0) // NUMBER) - parameters
    return min(points, side // functionals)


def require_kernel_room(points: int, functionals: int, parameters: int, memory: int) -> int:
    """Points of a tile when the whole kernel is in `memory` bytes too.

    Raises `ProblemSizeError`, with the size and the largest number of points that fits, where it is not.
    """
    size = kernel_bytes(points, functionals)
    tile = tile_points(points, functionals, parameters, memory - size)
    if tile < 1:
        rows, largest = functionals * points, largest_points(functionals, parameters, memory)
        raise ProblemSizeError(
            f"the kernel of {points} points is {rows} × {rows} numbers, {readable(size)}, of {readable(max(memory, 0))}"
            f" at hand: at most {largest} points fit; take fewer, use products with the kernel (TangentRows.apply), or"
            " write it to disk (write_kernel_blocks)"
        )
    return tile


def largest_points(functionals: int, parameters: int, memory: int) -> int:
    """The largest number of points whose kernel fits into `memory` bytes, 0 where none does."""
    room = memory - tile_bytes(1, functionals, parameters)
    return 0 if room < 0 else isqrt(room // NUMBER) // functionals
