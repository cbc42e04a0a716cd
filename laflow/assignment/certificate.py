"""A bound on the error of a gradient, of the tangent it starts from and of the loss: what is guaranteed, in numbers.

The gradient is linear in M = integral lambda(T - s) v(s)^T ds and in Lambda. Errors of v and lambda are bounded along
time by `laflow.residual_growth`; they reach the gradient pair of neighbours by pair, weighed by the largest energy that
the other factor has in a neighbourhood, not by its energy in the whole image
(derivations/assignment/gradient_as_pairing.py, gradient_error.py, loss_curvature.py).

Truncation is bounded rigorously, as small matrices are evaluated to rounding. Rounding is bounded to first order in the
unit roundoff, counting every operation at its worst; the log-likelihoods are taken as they are stored.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from laflow.assignment.objective import Moments
from laflow.assignment.operator_sizes import OperatorSizes, average, neighbour_sum, neighbour_sum_adjoint, zeros
from laflow.errors import ValueRangeError
from laflow.graph import FloatArray, Graph
from laflow.residual_growth import Trajectory, chord_product, chord_square

FLOAT64_ROUNDOFF, FLOAT32_ROUNDOFF = 2.0**-53, 2.0**-24

# Rounding of sums over the image, which are always made in float64 and by blocks, in units of its roundoff.
SUM_ROUNDINGS = 300.0

# Rounding of the small exponentials and decompositions, in units of float64's roundoff.
SMALL_ROUNDINGS = 100.0

# Rounding of a norm of a difference that was stored, in units of the roundoff.
NORM_ROUNDINGS = 100.0

# The bound over what it would be if errors lay evenly over the image, measured, for each label; and the share of a
# tolerance that may be cut off the core, small because gradients are smaller than their core by as much as 15 times.
LOCALITY, CUT_SHARE = 1.5, 0.02

# The largest eigenvalue of the second derivative of a cosine, times the square of the length.
CURVATURE = 2.0 / np.sqrt(3.0)


@dataclass(frozen=True)
class Certificate:
    """Bounds on errors: Frobenius norm over all weights, 2-norm of v_T, absolute error of the loss without regulariser.

    Every bound includes its rounding part, which alone is also given. Relative bounds are relative to the norm of the
    exact quantity, and infinite if the bound does not tell it from zero.
    """

    gradient: float
    gradient_relative: float
    tangent: float
    tangent_relative: float
    loss: float
    gradient_rounding: float
    tangent_rounding: float


@dataclass(frozen=True, eq=False)
class LikelihoodSizes:
    """What the bounds need of the log-likelihoods L: computed once for a problem.

    `ranges` (P,) is the root of the sum, over the patch of a node, of ``(max L_k - min L_k)^2``; `norms` (P,) that of
    ``|L_k|^2``; `total` is the Frobenius norm of L and `largest` its largest entry.
    """

    ranges: FloatArray = field(repr=False)
    norms: FloatArray = field(repr=False)
    total: float
    largest: float


@dataclass(frozen=True, eq=False)
class CutCore:
    """M = sum_r values[r] left_r right_r^T as it was cut, and where in the image its factors are.

    `left` (r, k) and `right` (r, k') are orthonormal coordinates of the singular vectors kept in the adjoint and the
    forward space; `left_energies` and `right_energies` (r, P) the squares of those unit vectors at every node;
    `values` all singular values, kept or cut; `integral` the norm of Lambda.
    """

    left: FloatArray
    right: FloatArray
    left_energies: FloatArray = field(repr=False)
    right_energies: FloatArray = field(repr=False)
    values: FloatArray
    integral: float

    @property
    def rank(self) -> int:
        """Number of singular triplets kept."""
        return int(self.left.shape[0])


@dataclass(frozen=True, eq=False)
class FlowErrors:
    """Bounds on the error of a trajectory at the ends of its pieces: of truncation, and of rounding to first order."""

    truncation: FloatArray
    rounding: FloatArray

    @property
    def total(self) -> FloatArray:
        """Both together."""
        return self.truncation + self.rounding

    @property
    def end(self) -> float:
        """The bound at the end of the trajectory."""
        return float(self.truncation[-1] + self.rounding[-1])


def likelihood_sizes(graph: Graph, log_likelihood: FloatArray) -> LikelihoodSizes:
    """The sizes of packed log-likelihoods (J, P)."""
    spans = zeros(graph)
    inner = graph.interior(log_likelihood)
    graph.interior(spans)[...] = inner.max(axis=0) - inner.min(axis=0)
    squares = node_energies(graph, log_likelihood[None])[0]
    return LikelihoodSizes(
        np.sqrt(neighbour_sum(graph, spans * spans)),
        np.sqrt(neighbour_sum(graph, squares)),
        float(np.sqrt(squares.sum())),
        float(np.abs(inner).max()),
    )


def node_energies(graph: Graph, fields: FloatArray) -> FloatArray:
    """The squares of fields (r, J, P) at every node, (r, P); zero on the halo."""
    packed = zeros(graph, fields.shape[0])
    for square, one in zip(packed, fields, strict=True):
        # over all cells, which is contiguous; what is not a node is dropped
        graph.interior(square)[...] = graph.interior(np.einsum("jp,jp->p", one, one, dtype=np.float64))
    return packed


def forward_errors(
    trajectory: Trajectory, sizes: OperatorSizes, likelihood: LikelihoodSizes, graph: Graph, roundoff: float
) -> FlowErrors:
    """Bounds on ``|v(s) - Q y(s)|`` along a forced trajectory in the space of (A, b)."""
    labels = sizes.labels
    sampled = float(np.sqrt(graph.nodes * sizes.largest_similarity))
    source = softmax_roundings(sizes, likelihood) * sampled / labels + 2.0 * np.sqrt(graph.nodes * labels) / labels**2
    return FlowErrors(
        trajectory.errors(sizes.growth, 0.0),
        _rounding(trajectory, sizes, likelihood, roundoff, roundoff * source, 0.0),
    )


def adjoint_errors(
    trajectory: Trajectory,
    sizes: OperatorSizes,
    likelihood: LikelihoodSizes,
    roundoff: float,
    tangent: FlowErrors,
    moments: Moments,
) -> FlowErrors:
    """Bounds on ``|lambda(t) - P x(t)|`` along a free trajectory in the space of (A^T, df), df formed at Q y(T)."""
    length = float(np.sqrt(moments.square))
    truncation = covector_error(length, float(tangent.truncation[-1]))
    both = covector_error(length, tangent.end)
    own = 2.0 * moment_rounding(sizes.labels, roundoff) / length if length > 0.0 else np.inf
    rounding = both - truncation + own if np.isfinite(both) else np.inf
    return FlowErrors(
        trajectory.errors(sizes.growth, truncation),
        _rounding(trajectory, sizes, likelihood, roundoff, 0.0, rounding),
    )


def covector_error(length: float, error: float) -> float:
    """How far df at V can be from df at V' if ``|V| = length`` and ``|V - V'| <= error``."""
    return CURVATURE * error / (length - error) ** 2 if error < length else np.inf


def moment_rounding(labels: int, roundoff: float) -> float:
    """Rounding of a cosine made of the moments: sums over labels are as fields are stored, those over the image not."""
    return 2.0 * ((labels + 3.0) * roundoff + SUM_ROUNDINGS * FLOAT64_ROUNDOFF)


def loss_error(moments: Moments, error: float, rounding: float) -> float:
    """How far the direction loss at V can be from that at V', ``|V - V'| <= error``; at most 2.

    `rounding` is that of the cosine, from `moment_rounding`.
    """
    length = float(np.sqrt(moments.square))
    if moments.target_square == 0.0:
        return 0.0
    if error >= length:
        return 2.0
    cosine = min(1.0, abs(moments.inner) / (length * float(np.sqrt(moments.target_square))))
    sine, shift = float(np.sqrt(1.0 - cosine * cosine + 2.0 * rounding)), error / length
    turned = sine * shift + cosine * shift * shift / (1.0 + float(np.sqrt(1.0 - shift * shift)))
    return min(2.0, turned + rounding)


def softmax_roundings(sizes: OperatorSizes, likelihood: LikelihoodSizes) -> float:
    """Relative error of an entry of S in units of the roundoff: of its exponent, and of the sum that divides it."""
    exponent = (sizes.neighbours + 5.0) * likelihood.largest * sizes.row_sum
    return exponent + sizes.labels + 6.0


def _rounding(
    trajectory: Trajectory,
    sizes: OperatorSizes,
    likelihood: LikelihoodSizes,
    roundoff: float,
    steady: float,
    start: float,
) -> FloatArray:
    """Rounding to first order along a trajectory: of every product with A, of S in it, and of mixing the basis."""
    product = (sizes.neighbours + sizes.labels + 3.0) * 2.0 * sizes.largest_similarity
    # S in R_S: with relative errors e, diag(e S) - e S S^T - S (e S)^T = e R_S + R_S e - diag(e S)
    product += softmax_roundings(sizes, likelihood) * (2.0 * float(sizes.spread.max()) + sizes.largest_similarity)
    mixed = trajectory.mixed_norms
    rates = roundoff * product * sizes.weights_norm * mixed + steady
    turns = 1.0 + trajectory.time * sizes.norm
    mixing = roundoff * (trajectory.approximation.coordinates + 2.0) + FLOAT64_ROUNDOFF * SMALL_ROUNDINGS * turns
    times = np.arange(trajectory.pieces + 1) * trajectory.step
    with np.errstate(over="ignore", invalid="ignore"):
        grown = start * np.exp(sizes.growth * times) if start > 0.0 else 0.0
        return np.asarray(trajectory.accumulated(sizes.growth, rates) + mixing * np.maximum.accumulate(mixed) + grown)


def gradient_error(
    graph: Graph,
    weights: FloatArray,
    sizes: OperatorSizes,
    likelihood: LikelihoodSizes,
    trajectories: tuple[Trajectory, Trajectory],
    errors: tuple[FloatArray, FloatArray],
    core: CutCore,
) -> float:
    """A bound on the gradient's error from those of v and lambda, without what was cut off the core.

    `trajectories` and `errors` are those of the forward and the adjoint space, with the same pieces.
    """
    (forward, adjoint), (tangent, costate) = trajectories, errors
    if not (np.all(np.isfinite(tangent)) and np.all(np.isfinite(costate))):
        return float("inf")
    reach = sizes.spread * likelihood.ranges
    largest_spread, largest_reach = float(sizes.spread.max()), float(reach.max())
    through_weights = largest_reach * sizes.weights_norm

    # lambda_m dv: <P_i, dv_k> with the energy of P around k, and the third moment with its energy at i
    weight, gram = _weighed(tangent, adjoint, 0.0)
    local, rest, _ = _split(gram, core.left, core.left_energies)
    around = float(np.sqrt(neighbour_sum_adjoint(graph, sizes.spread**2 * local).max()))
    at = float((reach * np.sqrt(local)).max())
    total = weight * (around + sizes.weights_norm * at + rest * (largest_spread + through_weights))

    # dlambda (v_m, 1): all that a node pairs its costate with, the source among it
    source = likelihood.total / sizes.labels
    weight, gram = _weighed(costate, forward, source)
    local, rest, constant = _split(gram, core.right, core.right_energies)
    partner = sizes.spread * (np.sqrt(neighbour_sum(graph, local)) + constant * likelihood.norms / sizes.labels)
    partner += reach * np.sqrt(sizes.row_sum * average(graph, weights, local))
    total += weight * (float(partner.max()) + rest * (largest_spread + largest_reach * sizes.row_sum))

    # dlambda dv
    both = chord_product(tangent, costate[::-1], forward.step)
    return total + both * (largest_spread + through_weights)


def cut_error(sizes: OperatorSizes, likelihood: LikelihoodSizes, core_values: FloatArray, rank: int) -> float:
    """A bound on what the singular triplets beyond `rank` would add to the gradient."""
    return cut_factor(sizes, likelihood) * float(np.sum(core_values[rank:]))


def cut_factor(sizes: OperatorSizes, likelihood: LikelihoodSizes) -> float:
    """A bound on the gradient that a unit of M makes."""
    largest_reach = float((sizes.spread * likelihood.ranges).max())
    return float(sizes.spread.max()) + largest_reach * sizes.weights_norm


def choose_rank(sizes: OperatorSizes, likelihood: LikelihoodSizes, core_values: FloatArray, allowed: float) -> int:
    """The smallest rank whose `cut_error` is at most `allowed`."""
    beyond = np.append(np.cumsum(core_values[::-1])[::-1], 0.0) * cut_factor(sizes, likelihood)
    return int(np.argmax(beyond <= allowed))


def assembly_rounding(
    graph: Graph, sizes: OperatorSizes, likelihood: LikelihoodSizes, core: CutCore, roundoff: float
) -> float:
    """Rounding of the one pass that makes the gradient of M and Lambda, to first order: the kernel's own bound."""
    labels, rank = sizes.labels, core.rank
    roundings = sizes.neighbours + 3.0 * labels + rank + rank * labels + 10.0
    roundings += 3.0 * softmax_roundings(sizes, likelihood)
    size = 2.0 * sizes.largest_similarity
    spans = float(likelihood.ranges.max())
    total = size * core.integral * float(likelihood.norms.max()) / labels
    for value, energy in zip(core.values, core.left_energies, strict=False):
        around = float(np.sqrt(neighbour_sum_adjoint(graph, energy).max()))
        at = 3.0 * spans * float(np.sqrt(energy.max())) * sizes.weights_norm
        total += size * float(value) * (around + at)
    return roundoff * roundings * total


def certify(
    graph: Graph,
    weights: FloatArray,
    sizes: OperatorSizes,
    likelihood: LikelihoodSizes,
    trajectories: tuple[Trajectory, Trajectory],
    errors: tuple[FlowErrors, FlowErrors],
    core: CutCore,
    moments: Moments,
    gradient_norm: float,
    roundoff: float = FLOAT64_ROUNDOFF,
) -> Certificate:
    """The certificate of a gradient of norm `gradient_norm`, made of the `core` in both spaces."""
    tangent, costate = errors
    settings = graph, weights, sizes, likelihood, trajectories
    cut = cut_error(sizes, likelihood, core.values, core.rank)
    own = assembly_rounding(graph, sizes, likelihood, core, roundoff)
    bound = gradient_error(*settings, (tangent.total, costate.total), core) + cut + own
    rounding = gradient_error(*settings, (tangent.rounding, costate.rounding), core) + own
    length = float(np.sqrt(moments.square))
    return Certificate(
        bound,
        relative(bound, gradient_norm),
        tangent.end,
        relative(tangent.end, length),
        loss_error(moments, tangent.end, moment_rounding(sizes.labels, roundoff)),
        rounding,
        float(tangent.rounding[-1]),
    )


def moved(certificate: Certificate, away: float, norm: float) -> Certificate:
    """The certificate of a gradient of that `norm` at most `away` from the one that is certified."""
    bound = certificate.gradient + away
    return replace(certificate, gradient=bound, gradient_relative=relative(bound, norm))


def distance(left: FloatArray, right: FloatArray, roundoff: float) -> float:
    """At least the Frobenius norm of the difference of two gradients, summed in float64."""
    difference = (left - right).astype(np.float64, copy=False).reshape(-1)
    return float(np.linalg.norm(difference)) * (1.0 + NORM_ROUNDINGS * roundoff)


def relative(bound: float, norm: float) -> float:
    """An absolute bound relative to the exact norm, which is at least ``norm - bound``; 0 for no error at all."""
    if bound == 0.0:
        return 0.0
    return bound / (norm - bound) if bound < norm else float("inf")


def refuse_unattainable(tolerance: float, rounding: float, norm: float, roundoff: float, what: str) -> None:
    """Raise `ValueRangeError` if rounding alone, bounded by `rounding`, exceeds a `tolerance` relative to `norm`."""
    least = relative(rounding, norm)
    if least <= tolerance:
        return
    kind = "float32" if roundoff > FLOAT64_ROUNDOFF else "float64"
    remedy = "store the fields in float64" if kind == "float32" else "give no tolerance, but a Krylov dimension"
    asked = f"ask for at least {2.0 * least:.1g}, or {remedy}" if np.isfinite(least) else remedy
    raise ValueRangeError(
        f"the tolerance is {tolerance:.3g}, but in {kind} rounding alone is bounded by {least:.2g} of {what}: {asked}"
    )


def _weighed(errors: FloatArray, partner: Trajectory, source: float) -> tuple[float, FloatArray]:
    """Cauchy and Schwarz along time: the root of ``integral e^2 / f``, and the partner's Gram matrix with weight f.

    `errors` run against the partner's time. The weight f = e / |partner| makes both factors the same size; `source` is
    the size of the constant coordinate.
    """
    reversed_errors = errors[::-1]
    left, right = reversed_errors[:-1], reversed_errors[1:]
    norms = np.hypot(partner.norms, source)
    larger = np.maximum(norms[:-1], norms[1:])
    larger = np.maximum(larger, 1e-12 * larger.max(initial=0.0) + 1e-300)
    factors = np.maximum(left, right) / larger
    squares = chord_square(left, right, partner.step)
    shares = np.divide(squares, factors, where=factors > 0.0, out=np.zeros_like(squares))
    return float(np.sqrt(shares.sum())), partner.gramian(factors)


def _split(gram: FloatArray, vectors: FloatArray, energies: FloatArray) -> tuple[FloatArray, float, float]:
    """A weighed Gram matrix: energies at the nodes (P,), the root of what `vectors` leave out, and the constant's."""
    coordinates = gram[:-1, :-1]
    kept = vectors @ coordinates @ vectors.T
    trace = float(np.trace(coordinates))
    outside = max(0.0, trace - float(np.trace(kept))) + 1e-14 * trace
    if vectors.shape[0] == vectors.shape[1]:
        outside = 1e-14 * trace
    return np.abs(kept).sum(axis=1) @ energies, float(np.sqrt(outside)), float(np.sqrt(max(0.0, gram[-1, -1])))


def expected_gradient_error(
    likelihood: LikelihoodSizes,
    labels: int,
    trajectories: tuple[Trajectory, Trajectory],
    errors: tuple[FlowErrors, FlowErrors],
) -> float:
    """What the relative bound of the gradient is going to be, roughly, before there is a gradient: no bound.

    The errors of v and lambda relative to the integral that the gradient is linear in, as if all of it lay evenly over
    the image, times what the bound was measured to be of that, give or take a factor of 3. For deciding when two
    spaces suffice: the certificate then says whether they did.
    """
    (forward, adjoint), (tangent, costate) = trajectories, errors
    partner = np.hypot(forward.norms, likelihood.total / labels)
    with np.errstate(over="ignore", invalid="ignore"):
        missing = chord_product(tangent.total, adjoint.norms[::-1], forward.step)
        missing += chord_product(costate.total[::-1], partner, forward.step)
        whole = chord_product(partner, adjoint.norms[::-1], forward.step)
    if missing == 0.0:
        return 0.0
    return LOCALITY * labels * missing / whole if whole > 0.0 and np.isfinite(missing) else float("inf")


def rank_for(values: FloatArray, nodes: int, tolerance: float) -> int:
    """The smallest rank whose cut counts little, as `cut_error` bounds it, in a gradient of this relative tolerance.

    What is cut may in the worst case lie at one node, while the gradient is spread over all `nodes`.
    """
    beyond = np.append(np.cumsum(values[::-1])[::-1], 0.0)
    return int(np.argmax(beyond * np.sqrt(nodes) <= CUT_SHARE * tolerance * beyond[0]))
