"""How much the linear map A = R_S Omega and its transpose stretch, bounded by numbers of the size of the graph.

Proved in derivations/assignment/replicator_spread.py and logarithmic_norm.py. Everything here costs passes over fields
of one channel, where a product with A has one for each label.
"""

from dataclasses import dataclass, field

import numpy as np

from laflow.graph import FloatArray, Graph, GridGraph, IntArray

# Steps towards the positive vector that gives the smallest bound on the logarithmic norm: the first two gain most.
STEPS = 2

# Up to so many labels the traces of R_S bound its largest eigenvalue better than its rows, and cost less.
FEW_LABELS = 8

# Nodes that are worked on at once: a few channels of them fit in the second cache level.
CHUNK = 8192

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
    scaled_rows, scaled_columns = spread * rows, average_adjoint(graph, weights, spread)
    return OperatorSizes(
        spread,
        logarithmic_norm(graph, weights, spread, 0.5 * (scaled_rows + scaled_columns)),
        float(np.sqrt(scaled_rows.max() * scaled_columns.max())) * MARGIN,
        float(np.sqrt(rows.max() * columns.max())) * MARGIN,
        float(rows.max()) * MARGIN,
        largest,
        similarity.shape[0],
        largest_patch(graph),
    )


def largest_patch(graph: Graph) -> int:
    """The number of nodes in the largest patch, or of patches that a node lies in if that is larger."""
    if isinstance(graph, GridGraph):
        return graph.neighbours
    return max(graph.neighbours, int(np.bincount(graph.indices, minlength=1).max()))


def zeros(graph: Graph, *channels: int) -> FloatArray:
    """A packed field of zeros in float64, whatever the graph's own precision."""
    return np.zeros((*channels, graph.padded_nodes))


def replicator_spread(graph: Graph, similarity: FloatArray) -> tuple[FloatArray, float]:
    """A bound (P,) on the largest eigenvalue of R_S at every node, zero elsewhere, and the largest entry of S.

    The smaller one of ``max S`` and, for few labels, the largest that J - 1 nonnegative eigenvalues can have with the
    trace t and the trace of the square f of R_S (exact for two and three labels); for many, the sum of the two largest
    ``S (1 - S)``.
    """
    bound = _from_traces if similarity.shape[0] <= FEW_LABELS else _from_degrees
    difference = DIFFERENCE * float(np.finfo(similarity.dtype).eps)
    found = zeros(graph)
    highest = 0.0
    for start in range(0, found.size, CHUNK):
        piece = slice(start, start + CHUNK)
        shares = similarity[:, piece].astype(np.float64, copy=False)
        largest = shares.max(axis=0)
        np.minimum(bound(shares, difference), largest, out=found[piece])
        highest = max(highest, float(largest.max()))
    spread = zeros(graph)
    graph.interior(spread)[...] = MARGIN * graph.interior(found) + difference
    return spread, min(1.0 + difference, highest)


def _from_traces(shares: FloatArray, difference: float) -> FloatArray:
    others = shares.shape[0] - 1.0
    products = shares * shares
    squares = products.sum(axis=0)
    products *= shares
    trace = 1.0 - squares
    scattered = squares * (1.0 + squares) - 2.0 * products.sum(axis=0) - trace * trace / others
    scattered = np.maximum(0.0, scattered) + difference
    return trace / others + np.sqrt(scattered * ((others - 1.0) / others))


def _from_degrees(shares: FloatArray, difference: float) -> FloatArray:
    first, second = np.zeros(shares.shape[1]), np.zeros(shares.shape[1])
    for share in shares:
        degree = share - share * share
        np.maximum(second, np.minimum(first, degree), out=second)
        np.maximum(first, degree, out=first)
    return first + second + difference


def logarithmic_norm(graph: Graph, weights: FloatArray, spread: FloatArray, image: FloatArray) -> float:
    """A bound on the logarithmic norm of A: the largest quotient (N x) / x, N = (D Omega + Omega^T D) / 2.

    Any positive x gives one (Collatz and Wielandt). The first is 1 at every node, of which `image` is N x; `STEPS` more
    are tried, each the image of the one before, and the smallest bound is kept.
    """
    best = float(image.max())
    for _ in range(STEPS):
        if best == 0.0:
            break
        vector = np.maximum(image, LEAST_OF_LARGEST * image.max())
        image = spread * average(graph, weights, vector)
        image += average_adjoint(graph, weights, spread * vector)
        image *= 0.5
        best = min(best, float((image / vector).max()))
    return best * MARGIN


def average(graph: Graph, weights: FloatArray, values: FloatArray) -> FloatArray:
    """Omega times one channel (P,)."""
    if not isinstance(graph, GridGraph):
        structure = graph.structure
        return np.asarray(np.add.reduceat(weights * values[structure.indices], structure.indptr[:-1]))
    total, offsets = zeros(graph), graph.structure.offsets.tolist()
    for start, stop in _chunks(graph):
        for offset, patch in zip(offsets, weights, strict=True):
            total[start:stop] += patch[start:stop] * values[start + offset : stop + offset]
    return total


def average_adjoint(graph: Graph, weights: FloatArray, values: FloatArray) -> FloatArray:
    """The transpose of Omega times one channel (P,)."""
    if not isinstance(graph, GridGraph):
        structure = graph.structure
        edges = structure.transpose_edges
        gathered = np.append(weights[edges] * values[structure.transpose_nodes], 0.0)
        return _segment_sums(gathered, structure.transpose_indptr)
    total, offsets = zeros(graph), graph.structure.offsets.tolist()
    for start, stop in _chunks(graph):
        for offset, patch in zip(offsets, weights, strict=True):
            here = slice(start - offset, stop - offset)
            total[start:stop] += patch[here] * values[here]
    return total


def _chunks(graph: GridGraph) -> list[tuple[int, int]]:
    """The flat nodes in pieces that stay in the cache."""
    first, last = graph.structure.first, graph.structure.last
    return [(start, min(start + CHUNK, last)) for start in range(first, last, CHUNK)]


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
    """Patches are boxes: one axis after the other. The halo keeps rows apart, and what it collects is dropped."""
    total = values
    for stride in _strides(graph):
        summed = total.copy()
        for step in range(stride, graph.radius * stride + 1, stride):
            summed[step:] += total[:-step]
            summed[:-step] += total[step:]
        total = summed
    packed = zeros(graph)
    graph.interior(packed)[...] = graph.interior(total)
    return packed


def _strides(graph: GridGraph) -> list[int]:
    """Flat distance of neighbours along each axis."""
    sides = [side + 2 * graph.radius for side in graph.shape]
    return [int(np.prod(sides[axis + 1 :])) for axis in range(len(sides))]


def _segment_sums(values: FloatArray, indptr: IntArray) -> FloatArray:
    """Sums of segments that may be empty; `values` has one zero more than the segments hold."""
    sums = np.add.reduceat(values, indptr[:-1])
    return np.where(np.diff(indptr) > 0, sums, 0.0)
