"""How much the linear map A = R_S Omega and its transpose stretch, bounded by numbers of the size of the graph.

Proved in derivations/assignment/replicator_spread.py and logarithmic_norm.py. Everything here costs passes over fields
of one channel, where a product with A has one for each label.
"""

from dataclasses import dataclass, field

import numpy as np

from laflow.graph import FloatArray, Graph, GridGraph, IntArray

# Steps towards the positive vector that gives the smallest bound on the logarithmic norm: the first two gain most.
STEPS = 3

# How far a test vector may fall: a vector that nearly vanishes somewhere gives a large quotient there.
LEAST_OF_LARGEST = 1e-2

# Sums of nonnegative numbers in float64, of at most a few thousand terms each, are given this much more.
MARGIN = 1.0 + 1e-11

# What rounding may take from differences of numbers up to 1, in roundings of S: where S is nearly one label, all.
DIFFERENCE = 5.0


@dataclass(frozen=True, eq=False)
class OperatorSizes:
    """Upper bounds on A and its parts; each holds for the weights as they are given.

    `spread` (P,) is at least the largest eigenvalue of R_S at every node; `growth` >= 0 at least the logarithmic norm
    of A and of its transpose; `norm` at least ``|A|``; `weights_norm` at least ``|Omega|``; `row_sum` the largest sum
    of a patch; `largest_similarity` the largest entry of S; `labels` counts labels, `neighbours` the nodes of the
    largest patch, or the largest number of patches that a node lies in.
    """

    spread: FloatArray = field(repr=False)
    growth: float
    norm: float
    weights_norm: float
    row_sum: float
    largest_similarity: float
    labels: int
    neighbours: int


def operator_sizes(graph: Graph, weights: FloatArray, similarity: FloatArray) -> OperatorSizes:
    """The sizes of A for packed `weights` and similarity (J, P)."""
    spread, largest = replicator_spread(graph, similarity)
    ones = zeros(graph)
    graph.interior(ones)[...] = 1.0
    rows, columns = average(graph, weights, ones), average_adjoint(graph, weights, ones)
    row_sum = float(rows.max()) * MARGIN
    weights_norm = float(np.sqrt(rows.max() * columns.max())) * MARGIN
    scaled_columns = average_adjoint(graph, weights, spread)
    norm = float(np.sqrt((spread * rows).max() * scaled_columns.max())) * MARGIN
    growth = logarithmic_norm(graph, weights, spread, ones)
    patches = int(max(neighbour_sum(graph, ones).max(), neighbour_sum_adjoint(graph, ones).max()))
    return OperatorSizes(spread, growth, norm, weights_norm, row_sum, largest, similarity.shape[0], patches)


def zeros(graph: Graph, *channels: int) -> FloatArray:
    """A packed field of zeros in float64, whatever the graph's own precision."""
    return np.zeros((*channels, graph.padded_nodes))


def replicator_spread(graph: Graph, similarity: FloatArray) -> tuple[FloatArray, float]:
    """A bound (P,) on the largest eigenvalue of R_S at every node, zero elsewhere, and the largest entry of S.

    The smallest of three: ``max S``; the sum of the two largest ``S (1 - S)``; and the largest that J - 1 nonnegative
    eigenvalues can have with the trace t and the trace of the square f of R_S, which is exact for two and three labels.
    """
    first, second, largest, squares, cubes = (zeros(graph) for _ in range(5))
    difference = DIFFERENCE * float(np.finfo(similarity.dtype).eps)
    degree, lower = np.empty_like(first), np.empty_like(first)
    for stored in similarity:
        share = stored.astype(np.float64, copy=False)
        np.maximum(largest, share, out=largest)
        np.multiply(share, share, out=degree)
        squares += degree
        np.multiply(degree, share, out=lower)
        cubes += lower
        np.subtract(share, degree, out=degree)
        np.minimum(first, degree, out=lower)
        np.maximum(first, degree, out=first)
        np.maximum(second, lower, out=second)
    first += second
    np.minimum(first, largest, out=first)
    trace = 1.0 - squares
    others = similarity.shape[0] - 1.0
    scattered = np.maximum(0.0, squares * (1.0 + squares) - 2.0 * cubes - trace * trace / others) + difference
    np.minimum(first, trace / others + np.sqrt(scattered * ((others - 1.0) / others)), out=first)
    spread = zeros(graph)
    graph.interior(spread)[...] = MARGIN * graph.interior(first) + difference
    return spread, float(graph.interior(largest).max())


def logarithmic_norm(graph: Graph, weights: FloatArray, spread: FloatArray, start: FloatArray) -> float:
    """A bound on the logarithmic norm of A: the largest quotient (N x) / x, N = (D Omega + Omega^T D) / 2.

    Any positive x gives one (Collatz and Wielandt); `start` is the first, `STEPS` more are tried and the smallest bound
    is kept.
    """
    nodes = start > 0.0
    vector, best = start, np.inf
    for _ in range(STEPS + 1):
        image = spread * average(graph, weights, vector)
        image += average_adjoint(graph, weights, spread * vector)
        image *= 0.5
        quotient = float(np.divide(image, vector, where=nodes, out=np.zeros_like(image)).max())
        best = min(best, quotient)
        if quotient == 0.0:
            break
        vector = np.where(nodes, np.maximum(image, LEAST_OF_LARGEST * image.max()), 0.0)
    return best * MARGIN


def average(graph: Graph, weights: FloatArray, values: FloatArray) -> FloatArray:
    """Omega times one channel (P,)."""
    if not isinstance(graph, GridGraph):
        structure = graph.structure
        return np.add.reduceat(weights * values[structure.indices], structure.indptr[:-1])
    total, first, last = zeros(graph), graph.structure.first, graph.structure.last
    product = np.empty(last - first)
    for offset, patch in zip(graph.structure.offsets.tolist(), weights, strict=True):
        np.multiply(patch[first:last], values[first + offset : last + offset], out=product)
        total[first:last] += product
    return total


def average_adjoint(graph: Graph, weights: FloatArray, values: FloatArray) -> FloatArray:
    """The transpose of Omega times one channel (P,)."""
    if not isinstance(graph, GridGraph):
        structure = graph.structure
        edges = structure.transpose_edges
        gathered = np.append(weights[edges] * values[structure.transpose_nodes], 0.0)
        return _segment_sums(gathered, structure.transpose_indptr)
    total, first, last = zeros(graph), graph.structure.first, graph.structure.last
    product = np.empty(last - first)
    for offset, patch in zip(graph.structure.offsets.tolist(), weights, strict=True):
        np.multiply(patch[first:last], values[first:last], out=product)
        total[first + offset : last + offset] += product
    return total


def neighbour_sum(graph: Graph, values: FloatArray) -> FloatArray:
    """The sum of one channel (P,), zero on the halo, over the patch of every node."""
    if not isinstance(graph, GridGraph):
        return average(graph, graph.inside, values)
    return _box_sum(graph, values)


def neighbour_sum_adjoint(graph: Graph, values: FloatArray) -> FloatArray:
    """The sum of one channel (P,), zero on the halo, over the nodes in whose patch a node lies."""
    if not isinstance(graph, GridGraph):
        return average_adjoint(graph, graph.inside, values)
    return _box_sum(graph, values)


def _box_sum(graph: GridGraph, values: FloatArray) -> FloatArray:
    """Patches are boxes: one axis after the other."""
    total = np.array(graph.interior(values))
    for axis, side in enumerate(graph.shape):
        source = np.moveaxis(total, axis, 0)
        summed = source.copy()
        for step in range(1, min(graph.radius, side - 1) + 1):
            summed[step:] += source[:-step]
            summed[:-step] += source[step:]
        total = np.moveaxis(summed, 0, axis)
    packed = zeros(graph)
    graph.interior(packed)[...] = total
    return packed


def _segment_sums(values: FloatArray, indptr: IntArray) -> FloatArray:
    """Sums of segments that may be empty; `values` has one zero more than the segments hold."""
    sums = np.add.reduceat(values, indptr[:-1])
    return np.where(np.diff(indptr) > 0, sums, 0.0)
