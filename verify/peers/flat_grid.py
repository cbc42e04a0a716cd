"""A grid flattened with a halo of zeros, from the first interior cell to the last: the layout of the array peers.

Label-major, so that a neighbour is a contiguous slice at a constant offset. Of unfolding, stacked shifts with einsum,
gathers, strided views and 2-D slices this was the fastest in PyTorch and in JAX.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class FlatGrid:
    """`cells` (I,) is where the nodes lie among the `length` cells, `offsets` (K,) leads to the neighbours."""

    cells: np.ndarray
    length: int
    offsets: tuple[int, ...]

    @property
    def reach(self) -> int:
        """The largest offset: how far a field is padded before it is shifted."""
        return max(self.offsets)

    def spread(self, field: np.ndarray, dtype: type = np.float64) -> np.ndarray:
        """(I, C) to (C, length), zero on the halo."""
        flat: np.ndarray = np.zeros((field.shape[1], self.length), dtype)
        flat[:, self.cells] = field.T
        return flat

    def gather(self, flat: np.ndarray) -> np.ndarray:
        """(C, length) to (I, C)."""
        return flat[:, self.cells].T


def flat_grid(shape: Sequence[int], radius: int) -> FlatGrid:
    """The grid of `shape` in which each node sees `radius` nodes to every side."""
    padded = tuple(side + 2 * radius for side in shape)
    inner = np.ix_(*(np.arange(radius, radius + side) for side in shape))
    positions = np.arange(int(np.prod(padded))).reshape(padded)[inner].reshape(-1)
    strides = np.array([int(np.prod(padded[axis + 1 :])) for axis in range(len(shape))])
    displacements = np.indices((2 * radius + 1,) * len(shape)).reshape(len(shape), -1).T - radius
    return FlatGrid(
        cells=positions - positions[0],
        length=int(positions[-1] - positions[0]) + 1,
        offsets=tuple(int(offset) for offset in displacements @ strides),
    )
