"""Neighbourhoods: grids of any dimension and radius, general graphs, and the arrays that live on them.

Public arrays are node-major, as images are: ``(*shape, channels)``. Internal ("packed") arrays are
channel-major. On a grid they carry a halo of `radius` cells on every side, so that neighbour `o` of the flat
node `i` is always `i + offsets[o]`: one loop serves every dimension and radius, and no loop asks where the
image ends. The halo holds zeros, and so do the weights of the neighbours that lie outside the image. Channels, and the
first node in each, begin where a line of the cache does.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from types import ModuleType
from typing import Any, Literal, NamedTuple

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from laflow.aligned import aligned_empty, aligned_zeros, line_length
from laflow.errors import GraphError, ShapeError, ValueRangeError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# How numbers are stored. Sums over all nodes and small matrices are in double precision in any case.
Precision = Literal["double", "single"]
STORED_AS: dict[Precision, type[np.floating]] = {"double": np.float64, "single": np.float32}

# Weights are given with the precision of their source (a file, a float32 network); a patch may miss the
# simplex by that much. What is used is what was given: nothing is renormalised silently.
SIMPLEX_TOLERANCE = 1e-6


class GridStructure(NamedTuple):
    """What a kernel needs to know of a grid: neighbour offsets and the flat range of nodes to visit.

    What a kernel makes first and reads again at neighbours, it makes from `early_first` to `early_last`.
    """

    offsets: IntArray
    first: int
    last: int
    early_first: int
    early_last: int


class GraphStructure(NamedTuple):
    """What a kernel needs to know of a general graph: rows, columns, and the same by columns."""

    indptr: IntArray
    indices: IntArray
    transpose_indptr: IntArray
    transpose_nodes: IntArray
    transpose_edges: IntArray
    first: int
    last: int


Structure = GridStructure | GraphStructure


class _Graph(ABC):
    """What both kinds of graph share: running kernels and checking arrays."""

    # Declared here, defined by each kind as a field, a property or a cached property.
    shape: Any  # tuple of ints: what node arrays look like to the outside
    structure: Any  # what kernels get
    precision: Any  # how the arrays of this graph are stored
    _storage: Any  # tuple of ints: what one packed channel looks like, e.g. the padded grid

    @property
    def nodes(self) -> int:
        """Number of nodes I."""
        return prod(self.shape)

    @property
    def dtype(self) -> Any:
        """The NumPy type of the arrays that live on this graph: float64 or, with single precision, float32."""
        return STORED_AS[self.precision]

    @property
    def padded_nodes(self) -> int:
        """Number of cells P of a packed channel: nodes, on a grid also the halo and what aligns the channel."""
        return prod(self._storage)

    def blocks(self, kernel: ModuleType, strip: Structure | None = None) -> int:
        """Number of partial sums that `kernel` writes, one for each `BLOCK` visited nodes."""
        visited = self.structure if strip is None else strip
        return -(-(visited.last - visited.first) // int(kernel.BLOCK))

    def run(
        self, kernel: ModuleType, inputs: tuple[Any, ...], outputs: tuple[Any, ...], strip: Structure | None = None
    ) -> None:
        """Run a generated kernel on packed arrays; `outputs` are overwritten, at all nodes or at those of a `strip`."""
        rows = max(1, int(kernel.work_rows(*inputs)))
        work = aligned_empty((numba.get_num_threads(), rows, int(kernel.BLOCK)), self.dtype)
        entry = kernel.grid if isinstance(self, GridGraph) else kernel.graph
        entry(self.structure if strip is None else strip, *inputs, *outputs, work)

    def sums(
        self, kernel: ModuleType, inputs: tuple[Any, ...], count: int, strip: Structure | None = None
    ) -> tuple[float, ...]:
        """Run a kernel whose `count` outputs are sums over the nodes, all of them or those of a `strip`.

        The partial sums are of fixed blocks, so the result does not depend on the number of threads.
        """
        partial = np.zeros((count, self.blocks(kernel, strip)))
        self.run(kernel, inputs, tuple(partial), strip)
        return tuple(float(total) for total in partial.sum(axis=1))

    def zeros_nodes(self, *channels: int) -> FloatArray:
        """A packed node field of zeros, ``(*channels, P)``."""
        return aligned_zeros((*channels, self.padded_nodes), self.dtype)

    def empty_nodes(self, *channels: int) -> FloatArray:
        """A packed node field for a kernel to fill: zero where no kernel writes, arbitrary elsewhere."""
        field = aligned_empty((*channels, self.padded_nodes), self.dtype)
        field[..., : self.structure.first] = 0.0
        field[..., self.structure.last :] = 0.0
        return field

    @abstractmethod
    def interior(self, packed: NDArray[Any]) -> NDArray[Any]:
        """The cells of a packed node field ``(..., P)`` that are nodes, as a view ``(..., *shape)``."""

    def pack_nodes(self, values: ArrayLike) -> FloatArray:
        """Convert ``(*shape, C)`` to the packed ``(C, P)``."""
        public = np.asarray(values)
        if public.shape[:-1] != self.shape:
            raise ShapeError(
                f"a node field has shape {public.shape}, but the graph has nodes of shape {self.shape}: "
                f"give an array of shape {(*self.shape, 'channels')}"
            )
        packed = self.zeros_nodes(public.shape[-1])
        self.interior(packed)[...] = np.moveaxis(public, -1, 0)
        return packed

    def unpack_nodes(self, packed: NDArray[Any]) -> NDArray[Any]:
        """Convert the packed ``(C, P)`` to ``(*shape, C)``."""
        return np.ascontiguousarray(np.moveaxis(self.interior(packed), 0, -1))


@dataclass(frozen=True)
class GridGraph(_Graph):
    """An image grid, 1-D to N-D, where each node sees the ``(2 radius + 1)^d`` nodes around it and itself.

    `shape` counts nodes along each axis; `radius` is in nodes. Near the border a patch holds only the
    neighbours inside the image. Public weights have shape ``(*shape, |N|)``; neighbours are ordered as
    ``itertools.product(range(-radius, radius + 1), repeat=d)`` orders displacements. With ``single`` precision all
    arrays are float32: half the memory and its traffic.
    """

    shape: tuple[int, ...]
    radius: int = 1
    precision: Precision = "double"

    def __post_init__(self) -> None:
        _check_precision(self.precision)
        shape = tuple(int(side) for side in self.shape)
        object.__setattr__(self, "shape", shape)
        if not shape or any(side < 1 for side in shape):
            raise ShapeError(f"the grid shape is {shape}: every axis needs at least one node")
        if isinstance(self.radius, bool) or int(self.radius) != self.radius or self.radius < 0:
            raise ValueRangeError(f"the radius is {self.radius!r}: give a whole number, 0 or larger")
        object.__setattr__(self, "radius", int(self.radius))

    @property
    def neighbours(self) -> int:
        """Patch size |N|, the node itself included."""
        return int((2 * self.radius + 1) ** len(self.shape))

    @property
    def weights_shape(self) -> tuple[int, ...]:
        """Shape of public weights."""
        return (*self.shape, self.neighbours)

    @property
    def displacements(self) -> IntArray:
        """Displacement of every neighbour, ``(|N|, d)``."""
        steps = range(-self.radius, self.radius + 1)
        return np.array(list(product(steps, repeat=len(self.shape))), dtype=np.int64)

    @cached_property
    def _storage(self) -> tuple[int, ...]:
        return tuple(side + 2 * self.radius for side in self.shape)

    @cached_property
    def _strides(self) -> IntArray:
        return np.array([prod(self._storage[axis + 1 :]) for axis in range(len(self.shape))], dtype=np.int64)

    @cached_property
    def _lead(self) -> int:
        """Cells before the padded grid, so that the first node begins a line of the cache."""
        return -self.radius * int(self._strides.sum()) % line_length(self.dtype)

    @property
    def padded_nodes(self) -> int:
        line = line_length(self.dtype)
        return -(-(self._lead + prod(self._storage)) // line) * line

    @cached_property
    def structure(self) -> GridStructure:
        """Offsets and the range of flat nodes from the first to the last interior one."""
        first = self._lead + self.radius * int(self._strides.sum())
        last = first + int(np.dot(np.array(self.shape) - 1, self._strides)) + 1
        return GridStructure(self.displacements @ self._strides, first, last, first, last)

    def cells_of_rows(self, first: int, last: int) -> slice:
        """The cells of the rows from `first` to before `last` along the first axis, and of the halo beside them.

        They are consecutive. The halo above the image has the rows from ``-radius`` to before 0.
        """
        start = self._lead + self.radius * int(self._strides[0])
        return slice(start + first * int(self._strides[0]), start + last * int(self._strides[0]))

    def interior(self, packed: NDArray[Any]) -> NDArray[Any]:
        """The cells of ``(..., P)`` that are nodes, as a view ``(..., *shape)``."""
        window: tuple[Any, ...] = tuple(slice(self.radius, self.radius + side) for side in self.shape)
        grid = packed[..., self._lead : self._lead + prod(self._storage)]
        return grid.reshape(*packed.shape[:-1], *self._storage)[(..., *window)]

    @cached_property
    def inside(self) -> FloatArray:
        """Mask ``(|N|, P)``: 1 where the neighbour lies inside the image, else 0."""
        return self._fresh_mask()

    def _fresh_mask(self) -> FloatArray:
        mask = self.zeros_weights()
        grid = self.interior(mask)
        for neighbour, displacement in enumerate(self.displacements):
            window: tuple[Any, ...] = tuple(
                slice(max(0, -step), max(0, min(side, side - step)))
                for step, side in zip(displacement.tolist(), self.shape, strict=True)
            )
            grid[(neighbour, *window)] = 1.0
        return mask

    @cached_property
    def _outside(self) -> IntArray:
        """Flat positions in packed weights of a node's neighbours outside the image (few: border nodes)."""
        outside = np.zeros((self.neighbours, self.padded_nodes), dtype=bool)
        self.interior(outside)[...] = True
        return np.flatnonzero(outside & (self._fresh_mask() == 0.0))

    @property
    def weights_layout(self) -> tuple[int, ...]:
        """Shape of packed weights, ``(|N|, P)``."""
        return (self.neighbours, self.padded_nodes)

    def zeros_weights(self) -> FloatArray:
        """Packed weights of zeros, ``(|N|, P)``."""
        return self.zeros_nodes(self.neighbours)

    def empty_weights(self) -> FloatArray:
        """Packed weights for a kernel to fill: zero where no kernel writes, arbitrary elsewhere."""
        return self.empty_nodes(self.neighbours)

    def pack_weights(self, weights: ArrayLike) -> FloatArray:
        """Convert ``(*shape, |N|)`` to the packed ``(|N|, P)``."""
        public = np.asarray(weights)
        if public.shape != self.weights_shape:
            raise ShapeError(
                f"the weights have shape {public.shape}: this grid of radius {self.radius} needs "
                f"{self.weights_shape}, one patch of {self.neighbours} for each node"
            )
        return self.pack_nodes(public)

    def unpack_weights(self, packed: FloatArray) -> FloatArray:
        """Convert the packed ``(|N|, P)`` to ``(*shape, |N|)``."""
        return self.unpack_nodes(packed)

    def packed_uniform_weights(self) -> FloatArray:
        """Packed uniform weights: 1 / (number of neighbours inside), 0 outside."""
        weights = self._fresh_mask()  # not the mask that is kept: large images may never need it
        weights /= np.maximum(weights.sum(axis=0), 1.0)
        return weights

    def uniform_weights(self) -> FloatArray:
        """Uniform weights ``(*shape, |N|)``: every neighbour inside the image counts the same."""
        return self.unpack_weights(self.packed_uniform_weights())

    def check_weights(self, weights: ArrayLike, *, positive: bool = False) -> FloatArray:
        """Return the packed form of public weights, or say why they are no weights.

        Each patch must be finite, non-negative, zero outside the image and sum to one; with `positive`, also
        strictly positive inside (the interior of the simplex, where logarithms of weights exist).
        """
        packed = self.pack_weights(weights)
        sums = packed.sum(axis=0, dtype=np.float64)
        _check_simplex(self.interior(sums), packed, self.interior)
        stray = self._outside[packed.ravel()[self._outside] != 0.0]
        if stray.size:
            neighbour, cell = np.unravel_index(stray[0], packed.shape)
            node = np.array(np.unravel_index(cell - self._lead, self._storage)) - self.radius
            raise ValueRangeError(
                f"node {tuple(node.tolist())} has weight {packed[neighbour, cell]:.6g} on a neighbour "
                "outside the "
                "image: set it to zero and let the rest of the patch sum to one"
            )
        if positive and not np.all((packed > 0.0) | (self.inside == 0.0)):
            raise ValueRangeError(_zero_weight_message())
        return packed


@dataclass(frozen=True, eq=False)
class SparseGraph(_Graph):
    """A general graph in compressed rows: ``indices[indptr[i]:indptr[i + 1]]`` are the neighbours of node
    `i`.

    As in the paper a node may be, and usually is, its own neighbour. Weights have shape ``(E,)``, one for
    each entry of `indices`. Neighbourhoods need not be symmetric. With ``single`` precision all arrays are float32.
    """

    indptr: IntArray
    indices: IntArray
    precision: Precision = "double"

    def __post_init__(self) -> None:
        _check_precision(self.precision)
        indptr = _whole_numbers(self.indptr, "indptr")
        indices = _whole_numbers(self.indices, "indices")
        object.__setattr__(self, "indptr", indptr)
        object.__setattr__(self, "indices", indices)
        _check_rows(indptr, indices)

    @property
    def shape(self) -> tuple[int, ...]:
        """``(I,)``."""
        return (self.indptr.size - 1,)

    @property
    def edges(self) -> int:
        """Number of entries E of `indices`."""
        return int(self.indices.size)

    @property
    def weights_shape(self) -> tuple[int, ...]:
        """Shape of weights, ``(E,)``."""
        return (self.edges,)

    @property
    def neighbours(self) -> int:
        """Size of the largest patch."""
        return int(np.diff(self.indptr).max())

    @property
    def _storage(self) -> tuple[int, ...]:
        return self.shape

    @cached_property
    def _owner(self) -> IntArray:
        """The node to whose patch each edge belongs, ``(E,)``."""
        return np.repeat(np.arange(self.nodes, dtype=np.int64), np.diff(self.indptr))

    @cached_property
    def structure(self) -> GraphStructure:
        """Rows and columns; the transpose is sorted once so that adjoints gather instead of scatter."""
        edges = np.argsort(self.indices, kind="stable").astype(np.int64)
        starts = np.zeros(self.nodes + 1, dtype=np.int64)
        np.cumsum(np.bincount(self.indices, minlength=self.nodes), out=starts[1:])
        return GraphStructure(self.indptr, self.indices, starts, self._owner[edges], edges, 0, self.nodes)

    def interior(self, packed: NDArray[Any]) -> NDArray[Any]:
        """All cells: a general graph has no halo."""
        return packed

    @cached_property
    def inside(self) -> FloatArray:
        """Ones ``(E,)``: every listed neighbour exists."""
        return np.ones(self.edges, self.dtype)

    @property
    def weights_layout(self) -> tuple[int, ...]:
        """Shape of packed weights, ``(E,)``: as they are given."""
        return (self.edges,)

    def zeros_weights(self) -> FloatArray:
        """Weights of zeros, ``(E,)``."""
        return np.zeros(self.edges, self.dtype)

    def empty_weights(self) -> FloatArray:
        """Weights for a kernel to fill, ``(E,)``."""
        return np.empty(self.edges, self.dtype)

    def pack_weights(self, weights: ArrayLike) -> FloatArray:
        """Check the shape ``(E,)`` and return a contiguous copy in the precision of the graph."""
        public = np.asarray(weights)
        if public.shape != self.weights_shape:
            raise ShapeError(
                f"the weights have shape {public.shape}: this graph needs {self.weights_shape}, one for each edge"
            )
        return np.array(public, dtype=self.dtype, order="C")

    def unpack_weights(self, packed: FloatArray) -> FloatArray:
        """A copy: general graphs store weights as they are."""
        return packed.copy()

    def packed_uniform_weights(self) -> FloatArray:
        """Uniform weights, ``(E,)``."""
        uniform: FloatArray = (1.0 / np.diff(self.indptr))[self._owner].astype(self.dtype)
        return uniform

    def uniform_weights(self) -> FloatArray:
        """Uniform weights ``(E,)``: every neighbour of a node counts the same."""
        return self.packed_uniform_weights()

    def check_weights(self, weights: ArrayLike, *, positive: bool = False) -> FloatArray:
        """Return packed weights ``(E,)``, or say why they are no weights (see `GridGraph.check_weights`)."""
        packed = self.pack_weights(weights)
        _check_simplex(np.add.reduceat(packed, self.indptr[:-1], dtype=np.float64), packed, lambda cells: cells)
        if positive and not np.all(packed > 0.0):
            raise ValueRangeError(_zero_weight_message())
        return packed


Graph = GridGraph | SparseGraph


def _check_precision(precision: str) -> None:
    if precision not in STORED_AS:
        raise ValueRangeError(f"the precision is {precision!r}: choose one of {', '.join(STORED_AS)}")


def _whole_numbers(values: ArrayLike, name: str) -> IntArray:
    array = np.asarray(values)
    if array.ndim != 1 or not (np.issubdtype(array.dtype, np.integer) or array.size == 0):
        raise ShapeError(f"{name} has shape {array.shape} and type {array.dtype}: give a 1-D array of whole numbers")
    # A copy: kernels are compiled for writable arrays, and the graph is immutable.
    return np.array(array, dtype=np.int64, order="C")


def _check_rows(indptr: IntArray, indices: IntArray) -> None:
    """Compressed rows that describe a graph in which every node has distinct, existing neighbours."""
    if indptr.size < 2:
        raise GraphError("the graph has no nodes: indptr needs one more entry than there are nodes, at least 2")
    if indptr[0] != 0 or indptr[-1] != indices.size:
        raise GraphError(
            f"indptr runs from {indptr[0]} to {indptr[-1]}: it must run from 0 to the number of indices, {indices.size}"
        )
    sizes = np.diff(indptr)
    if np.any(sizes < 0):
        row = int(np.argmax(sizes < 0))
        raise GraphError(f"indptr falls from {indptr[row]} to {indptr[row + 1]} at node {row}: it must not decrease")
    if np.any(sizes == 0):
        raise GraphError(
            f"node {int(np.argmin(sizes))} is isolated: it has no neighbours. Give every node at least itself"
        )
    if indices.min() < 0 or indices.max() >= sizes.size:
        wrong = indices.min() if indices.min() < 0 else indices.max()
        raise GraphError(f"indices name node {wrong}: the graph has nodes 0 to {sizes.size - 1}")
    owner = np.repeat(np.arange(sizes.size), sizes)
    order = np.lexsort((indices, owner))
    twice = (np.diff(owner[order]) == 0) & (np.diff(indices[order]) == 0)
    if np.any(twice):
        edge = order[int(np.argmax(twice))]
        raise GraphError(f"node {owner[edge]} lists neighbour {indices[edge]} twice: list each neighbour once")


def _check_simplex(sums: FloatArray, packed: FloatArray, interior: Any) -> None:
    """`sums` over the patches are one and no weight is negative. (A NaN fails the first test.)"""
    # Summing is enough to find NaN and infinities, so that good input costs two passes only.
    wrong = ~(np.abs(sums - 1.0) <= SIMPLEX_TOLERANCE)
    if np.any(wrong):
        node = tuple(np.argwhere(wrong)[0].tolist())
        raise ValueRangeError(
            f"the weights of node {node} sum to {sums[node]:.9g}: each patch must be finite and sum to 1 "
            "(divide each patch by its sum)"
        )
    if packed.min() < 0.0:
        raise ValueRangeError(
            f"the smallest weight is {packed.min():.6g}: weights must not be negative (clip, then normalise each patch)"
        )


def _zero_weight_message() -> str:
    return (
        "a weight is exactly 0: learning and the regulariser need the logarithm of every weight inside the "
        "image; "
        "mix in a little of the uniform weights"
    )
