"""What learning minimises: the distance of directions (3.4) and the regulariser of the weights (3.5)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from laflow.assignment.distances import finite_array
from laflow.checks import non_negative_number
from laflow.errors import ShapeError, ValueRangeError
from laflow.graph import FloatArray, Graph, GridGraph, Structure
from laflow.kernels import direction_gradient, direction_moments
from laflow.kernels import regularizer as regularizer_kernel
from laflow.kernels import regularizer_gradient as regularizer_gradient_kernel


@dataclass(frozen=True)
class Moments:
    """<V*, V>, |V|^2 and |V*|^2, from which the direction loss and its gradient follow."""

    inner: float
    square: float
    target_square: float

    @property
    def loss(self) -> float:
        """f(V) = 1 - <V*, V> / (|V*| |V|), between 0 and 2; by convention 1 where V = 0 has no direction."""
        product = self.square * self.target_square
        return 1.0 - self.inner / float(np.sqrt(product)) if product > 0.0 else 1.0


def packed_moments(graph: Graph, target: FloatArray, tangent: FloatArray, strip: Structure | None = None) -> Moments:
    """The moments of packed fields, on all nodes or on a `strip`; they do not depend on the number of threads."""
    return Moments(*graph.sums(direction_moments, (target, tangent), 3, strip))


def direction_gradient_into(
    graph: Graph, target: FloatArray, tangent: FloatArray, moments: Moments, out: FloatArray
) -> None:
    """Write the gradient of the direction loss; zero at V = 0, by the convention of `Moments.loss`.

    `out` may be `tangent` itself: every entry depends on the same entry only.
    """
    if moments.square * moments.target_square > 0.0:
        scalars = (moments.inner, moments.square, moments.target_square)
        graph.run(direction_gradient, (target, tangent, *scalars), (out,))
    else:
        out[...] = 0.0


def direction_loss(tangent: ArrayLike, truth: ArrayLike) -> float:
    """The loss (3.4) of a tangent field ``(*shape, J)`` against true labels ``(*shape,)``.

    Only the direction of the tangent counts. At V = 0, which has none, the loss is 1 by convention.
    """
    field = finite_array(tangent, "the tangent")
    labels = np.asarray(truth)
    if field.ndim < 2 or field.shape[:-1] != labels.shape or not np.issubdtype(labels.dtype, np.integer):
        raise ShapeError(
            f"a tangent of shape {field.shape} does not go with a truth of shape {labels.shape} and type "
            f"{labels.dtype}: give (*shape, labels) and whole numbers (*shape,)"
        )
    if labels.size and (labels.min() < 0 or labels.max() >= field.shape[-1]):
        raise ValueRangeError(
            f"the truth holds labels {labels.min()} to {labels.max()}: this tangent has labels 0 to "
            f"{field.shape[-1] - 1}"
        )
    graph = GridGraph(labels.shape, 0)
    target = np.eye(field.shape[-1])[labels] - 1.0 / field.shape[-1]
    return packed_moments(graph, graph.pack_nodes(target), graph.pack_nodes(field)).loss


def regularizer(graph: Graph, weights: ArrayLike, regularization: float) -> float:
    """(tau/2) sum_i |Pi_0 log Omega_i|^2, Eq. (3.5), of positive weights; `regularization` is tau >= 0."""
    packed = graph.check_weights(weights, positive=True)
    return packed_regularizer(graph, packed, non_negative_number(regularization, "regularization"))


def packed_regularizer(graph: Graph, weights: FloatArray, regularization: float) -> float:
    """`regularizer` of packed, checked weights."""
    return graph.sums(regularizer_kernel, (weights, graph.inside, regularization), 1)[0]


def add_regularizer_gradient(graph: Graph, weights: FloatArray, regularization: float, gradient: FloatArray) -> None:
    """Add tau (Pi_0 log Omega_i) / Omega_i to a packed gradient."""
    addition = graph.empty_weights()
    graph.run(regularizer_gradient_kernel, (weights, graph.inside, regularization), (addition,))
    gradient += addition
