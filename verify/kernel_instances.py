"""Random arguments for any kernel, on a grid, a graph or sites, and the same numbers as dense arrays for the formulas.

Everything follows from the program: axes give shapes, declared sums and masks give constraints, so a new lemma is
covered without an edit here. The placement of neighbours is written out anew (dense node pairs, coordinates); of the
runtime only the two structure types are used, by which compiled kernels are cached.
"""

from __future__ import annotations

import itertools
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp

from derivations.algebra.language import Array, Range
from derivations.algebra.program import Program
from laflow.graph import GraphStructure, GridStructure
from verify.neighbour_sums import add_products, gather, gather_transposed

KERNELS = Path(__file__).resolve().parents[1] / "laflow" / "kernels"
VISITED = ("nodes", "sites")  # the ranges that kernels run along


@dataclass(frozen=True)
class Layout:
    """Where the nodes, and the pairs (node, neighbour number, neighbour), of a graph lie in a kernel's arrays.

    Sites are nodes without neighbours, and their kernels take no structure.
    """

    kind: str
    structure: GridStructure | GraphStructure | None
    storage: int
    node_at: np.ndarray
    pairs: tuple[tuple[int, int, int, Any], ...]  # node, neighbour number, neighbour node, place in weights
    weights_shape: tuple[int, ...]
    neighbours: int

    @property
    def span(self) -> tuple[int, int]:
        """The first place that a kernel visits, and the one after the last."""
        return (0, self.storage) if self.structure is None else (self.structure.first, self.structure.last)

    def in_strips(self, count: int) -> list[tuple[GridStructure | GraphStructure, ...]]:
        """What a kernel is handed before its arrays, call by call: nothing over sites, one structure on a graph."""
        whole = self.structure
        if count == 1 or not isinstance(whole, GridStructure):
            return [() if whole is None else (whole,)]
        ends = [int(end) for end in np.linspace(whole.first, whole.last, count + 1)]
        ahead = [whole.first, *(min(end + int(whole.offsets.max()), whole.last) for end in ends[1:])]
        bounds = zip(ends[:-1], ends[1:], ahead[:-1], ahead[1:], strict=True)
        return [(GridStructure(whole.offsets, *piece),) for piece in bounds]


def grid_layout(shape: tuple[int, ...], radius: int) -> Layout:
    """A grid with a halo of ``radius`` cells."""
    padded = tuple(side + 2 * radius for side in shape)
    coordinates = list(itertools.product(*(range(side) for side in shape)))
    flat = {at: int(np.ravel_multi_index([x + radius for x in at], padded)) for at in coordinates}
    number = {at: n for n, at in enumerate(coordinates)}
    moves = list(itertools.product(range(-radius, radius + 1), repeat=len(shape)))
    strides = [int(np.prod(padded[axis + 1 :])) for axis in range(len(shape))]
    offsets = np.array([sum(m * s for m, s in zip(move, strides, strict=True)) for move in moves], dtype=np.int64)
    pairs = []
    for at in coordinates:
        for slot, move in enumerate(moves):
            there = tuple(x + m for x, m in zip(at, move, strict=True))
            if there in number:
                pairs.append((number[at], slot, number[there], (slot, flat[at])))
    node_at = np.array([flat[at] for at in coordinates])
    first, last = int(node_at.min()), int(node_at.max()) + 1
    structure = GridStructure(offsets, first, last, first, last)
    cells = int(np.prod(padded))
    return Layout("grid", structure, cells, node_at, tuple(pairs), (len(moves), cells), len(moves))


def site_layout(count: int) -> Layout:
    """Sites one after the other."""
    return Layout("sites", None, count, np.arange(count), (), (), 0)


def graph_layout(neighbour_lists: list[list[int]]) -> Layout:
    """A general graph from the list of neighbours of every node."""
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in neighbour_lists])]).astype(np.int64)
    indices = np.array([k for row in neighbour_lists for k in row], dtype=np.int64)
    ends: list[list[tuple[int, int]]] = [[] for _ in neighbour_lists]
    pairs = []
    for node, row in enumerate(neighbour_lists):
        for slot, far in enumerate(row):
            edge = int(indptr[node]) + slot
            ends[far].append((node, edge))
            pairs.append((node, slot, far, (edge,)))
    flat = [pair for row in ends for pair in row]
    structure = GraphStructure(
        indptr,
        indices,
        np.concatenate([[0], np.cumsum([len(row) for row in ends])]).astype(np.int64),
        np.array([node for node, _ in flat], dtype=np.int64),
        np.array([edge for _, edge in flat], dtype=np.int64),
        0,
        len(neighbour_lists),
    )
    widest = max(len(row) for row in neighbour_lists)
    count = len(neighbour_lists)
    return Layout("graph", structure, count, np.arange(count), tuple(pairs), (indices.size,), widest)


@dataclass(frozen=True)
class Instance:
    """One call of a kernel: dense arrays for the formulas, packed ones for the kernel."""

    program: Program
    layout: Layout
    sizes: Mapping[Range, int]
    dense: Mapping[str, np.ndarray]
    scalars: Mapping[str, float]

    def run(self, kernel: types.ModuleType | Mapping[str, Any], tasks: int = 1) -> dict[str, np.ndarray]:
        """Call a kernel (a module, or the namespace of an interpreted one); outputs as dense arrays."""
        packed = self.run_packed(kernel, tasks)
        return {array.name: self.unpacked(array, packed[array.name]) for array in self.program.outputs}

    def run_packed(
        self, kernel: types.ModuleType | Mapping[str, Any], tasks: int = 1, strips: int = 1
    ) -> dict[str, np.ndarray]:
        """The same with outputs as the kernel left them; on a grid, called for so many strips, one after the other."""
        entry = _get(kernel, self.layout.kind)
        block = int(_get(kernel, "BLOCK"))
        inputs = [self._packed(item) for item in self.program.inputs]
        first, last = self.layout.span
        blocks = -(-(last - first) // block)
        outputs = {array.name: self._unwritten(array, blocks) for array in self.program.outputs}
        rows = max(1, int(_get(kernel, "work_rows")(*inputs)))
        work = np.full((tasks, rows, block), np.nan)  # a kernel must not read what it has not written
        for structure in self.layout.in_strips(strips):
            entry(*structure, *inputs, *outputs.values(), work)
        return outputs

    def beyond(self, array: Array, packed: np.ndarray) -> np.ndarray:
        """What a kernel left where no node or pair of nodes is: the halo, and neighbours outside the image."""
        if not _has_nodes(array):
            return np.zeros(0)
        elsewhere = np.ones(packed.shape, dtype=bool)
        if _is_paired(array):
            for _, _, _, place in self.layout.pairs:
                elsewhere[place] = False
        else:
            elsewhere[..., self.layout.node_at] = False
        left: np.ndarray = packed[elsewhere]
        return left

    def present(self, array: Array) -> np.ndarray:
        """Where an output has entries: everywhere, but for pairs of nodes only on edges."""
        shape = tuple(self.sizes[over] for over in array.axes)
        if not _is_paired(array):
            return np.ones(shape, dtype=bool)
        edges = np.zeros(shape, dtype=bool)
        for node, slot, far, _ in self.layout.pairs:
            edges[node, far if array.sparse else slot] = True
        return edges

    def _packed(self, item: Array | sp.Symbol) -> Any:
        if isinstance(item, sp.Symbol):
            return self.scalars[item.name]
        dense = self.dense[item.name]
        if not _has_nodes(item):
            return np.ascontiguousarray(dense)
        packed = np.zeros(self._packed_shape(item, 0))
        if _is_paired(item):
            if not (item.mask or item.name == "weights"):  # nothing may depend on what stands outside the image
                packed += 0.37
            for node, slot, far, place in self.layout.pairs:
                packed[place] = dense[node, far if item.sparse else slot]
            return packed
        packed[..., self.layout.node_at] = np.moveaxis(dense, _visited_axis(item), -1)
        return packed

    def _unwritten(self, array: Array, blocks: int) -> np.ndarray:
        """An output as a caller hands it over: anything where the kernel writes, zero where it does not."""
        shape = self._packed_shape(array, blocks)
        output = np.full(shape, np.nan)
        if shape[-1] == self.layout.storage and shape != self.layout.weights_shape[-1:]:
            first, last = self.layout.span
            output[..., :first] = 0.0
            output[..., last:] = 0.0
        return output

    def _packed_shape(self, array: Array, blocks: int) -> tuple[int, ...]:
        if _is_paired(array):
            return self.layout.weights_shape
        others = tuple(self.sizes[over] for over in array.axes if over.name not in VISITED)
        return (*others, self.layout.storage if _has_nodes(array) else blocks)

    def unpacked(self, array: Array, packed: np.ndarray) -> np.ndarray:
        if _is_paired(array):
            dense = np.full(tuple(self.sizes[over] for over in array.axes), np.nan)
            for node, slot, far, place in self.layout.pairs:
                dense[node, far if array.sparse else slot] = packed[place]
            return dense
        if not _has_nodes(array):
            return packed.sum(axis=-1)
        return np.moveaxis(packed[..., self.layout.node_at], -1, _visited_axis(array))


def instance(program: Program, layout: Layout, rng: np.random.Generator, sizes: Mapping[str, int]) -> Instance:
    """Random arguments of ``program`` on ``layout``; ``sizes`` gives the ranges that the layout does not."""
    ranges: dict[Range, int] = {}
    for item in (*program.inputs, *(step.array for step in program.steps)):
        for over in item.axes if isinstance(item, Array) else ():
            known = {**dict.fromkeys(VISITED, len(layout.node_at)), "neighbours": layout.neighbours}
            ranges[over] = known.get(over.name, sizes.get(over.name, 2))
    dense = {item.name: _draw(item, layout, ranges, rng) for item in program.inputs if isinstance(item, Array)}
    scalars = {item.name: float(rng.uniform(0.2, 2.0)) for item in program.inputs if isinstance(item, sp.Symbol)}
    return Instance(program, layout, ranges, dense, scalars)


def _draw(array: Array, layout: Layout, ranges: Mapping[Range, int], rng: np.random.Generator) -> np.ndarray:
    shape = tuple(ranges[over] for over in array.axes)
    if _is_paired(array):
        present = np.zeros(shape)
        for node, slot, far, _ in layout.pairs:
            present[node, far if array.sparse else slot] = 1.0
        if array.mask:
            return present
        if array.name == "weights":  # positive, each patch summing to 1
            raw = present * np.exp2(-rng.integers(0, 12, size=shape)) * rng.uniform(1.0, 2.0, size=shape)
            return raw / raw.sum(axis=1, keepdims=True)
        return present * rng.normal(size=shape)
    values = rng.normal(size=shape)
    for axis, wanted in array.sums:
        if wanted == 0:
            values = values - values.mean(axis=axis, keepdims=True)
        else:
            values = np.exp(values)
            values = float(wanted) * values / values.sum(axis=axis, keepdims=True)
    return values


def interpreted(name: str, text: str | None = None) -> dict[str, Any]:
    """The namespace of a kernel module run as plain Python, its decorators doing nothing, its calls checked."""
    source = (KERNELS / f"{name}.py").read_text(encoding="utf-8") if text is None else text
    source = source.replace("from numba import njit, prange\n", "")
    source = re.sub(r"from laflow\.neighbour_sums import [\w, ]+\n", "", source)
    namespace: dict[str, Any] = {"njit": _no_decorator, "prange": range, "__name__": f"interpreted_{name}"}
    namespace |= {function.__name__: function for function in (gather, gather_transposed, add_products)}
    exec(compile(source, f"{name}.py", "exec"), namespace)  # text of this repository, checked against its derivation
    return namespace


def _no_decorator(**_options: Any) -> Callable[[Any], Any]:
    return lambda function: function


def _get(kernel: types.ModuleType | Mapping[str, Any], name: str) -> Any:
    return kernel[name] if isinstance(kernel, Mapping) else getattr(kernel, name)


def _has_nodes(array: Array) -> bool:
    return any(over.name in VISITED for over in array.axes)


def _visited_axis(array: Array) -> int:
    return next(axis for axis, over in enumerate(array.axes) if over.name in VISITED)


def over_sites(program: Program) -> bool:
    """Whether the program's kernel runs along sites."""
    return any(over.name == "sites" for step in program.steps for over in step.array.axes)


def _is_paired(array: Array) -> bool:
    axes = [over.name for over in array.axes]
    return axes.count("nodes") == 2 or axes == ["nodes", "neighbours"]
