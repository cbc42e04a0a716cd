"""Large fields strip by strip, so that what is made of a strip is used while it is still in the cache.

A power A^(k+1) b is known on a strip as soon as A^k b is on that strip and on the few rows of the image beyond it. So
the powers follow each other through the image as a wavefront, each some strips behind the one before, and weights and
similarity are read from memory once for all of them.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from laflow.graph import FloatArray, Graph, GridStructure, Structure
from laflow.linalg import lower_products

# Writes the product of a field (J, P) into another, on the nodes of a strip.
Product = Callable[[FloatArray, FloatArray, Structure], None]

# Bytes of one field in a strip, and those of a field that is larger than caches: smaller ones gain nothing.
STRIP, LARGE = 2**18, 2**23

# Strips are of whole blocks, those of the kernels (256 nodes) and of the linear algebra.
BLOCK = 1024


def strips(graph: Graph, channels: int) -> tuple[Structure, ...]:
    """The nodes of `graph` in pieces of consecutive ones, or all in one where a field of so many channels is small.

    The early range of a piece (see `GridStructure`) reaches as far beyond it as neighbours do; early ranges do not
    overlap and cover all nodes.
    """
    whole = graph.structure
    cell = channels * np.dtype(graph.dtype).itemsize
    if not isinstance(whole, GridStructure) or graph.padded_nodes * cell < LARGE:
        return (whole,)
    reach, length = int(whole.offsets.max()), max(1, STRIP // cell // BLOCK) * BLOCK
    pieces, early = [], whole.first
    for first in range(whole.first, whole.last, length):
        last = min(first + length, whole.last)
        pieces.append(GridStructure(whole.offsets, first, last, early, min(last + reach, whole.last)))
        early = pieces[-1].early_last
    return tuple(pieces)


def early_range(strip: Structure) -> tuple[int, int]:
    """Where fields are made that a kernel on this strip reads at neighbours; on a general graph, everywhere."""
    return (strip.early_first, strip.early_last) if isinstance(strip, GridStructure) else (strip.first, strip.last)


def strip_of(strip: Structure, first: int, last: int) -> Structure:
    """Other nodes of the same graph."""
    return strip._replace(first=first, last=last)


def powers_in_strips(graph: Graph, product: Product, storage: FloatArray, first: int, new: int) -> NDArray[np.float64]:
    """Fill the fields after `first` in `storage` (k, J, P), one or more, each by a `product` with the one before.

    Returns the inner products (k, k) of the fields from `new` on with themselves and earlier ones, as
    `linalg.lower_products` does.
    """
    pieces, stages = strips(graph, storage.shape[1]), storage.shape[0] - 1 - first
    total = np.zeros((storage.shape[0],) * 2)
    for number, stage in _wavefront(pieces, stages):
        piece = pieces[number]
        if stage < stages:
            product(storage[first + stage], storage[first + stage + 1], piece)
        else:
            total += lower_products(storage, new, piece.first, piece.last)
    return total


def _wavefront(pieces: tuple[Structure, ...], stages: int) -> Iterator[tuple[int, int]]:
    """Pairs (piece, stage): every stage on every piece, and a last one as soon as a piece has had all others.

    Each stage is far enough behind the one before for what it reads beyond its piece, and for a scratch field that all
    share: a stage reads it around its piece after the next one has written around an earlier piece.
    """
    length = pieces[0].last - pieces[0].first
    lag = -(-2 * int(pieces[0].offsets.max()) // length) if isinstance(pieces[0], GridStructure) else 1
    for tick in range(len(pieces) + (stages - 1) * lag):
        for stage in range(stages + 1):
            number = tick - min(stage, stages - 1) * lag
            if 0 <= number < len(pieces):
                yield number, stage
