"""Inputs of a neural potential: functions on a hypersurface and their Kähler jets in local coordinates.

With t_i = |z_i|²/|z|², which sum to 1:
- coordinates: Re and Im of the affine coordinates z_i with z_patch = 1; they differ from chart to chart.
- invariants: t_i and Re, Im of z_i z̄_j/|z|², i < j: functions on projective space.
- symmetric: power sums of t_i within classes of interchangeable variables, and Re, Im of products E_I Ē_J of
  monomials or sums of monomials with the same phases. They are invariant under the symmetries of X that `symmetries`
  finds, as the Ricci-flat metric is.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from laflow.errors import ShapeError, ValueRangeError
from laflow.metric.features.complex_jets import coordinate_jets
from laflow.metric.features.invariants import Invariants, all_invariants
from laflow.metric.features.symmetric_invariants import invariants_of
from laflow.metric.geometry.polynomial import ComplexArray, Polynomial

FloatArray = NDArray[np.float64]

KINDS = ("symmetric", "invariants", "coordinates")
# Points at a time: the jets of so many stay in the second cache level.
POINTS_AT_ONCE = 512
# Highest power of t in a sum over interchangeable monomials.
HIGHEST_MOMENT = 2


@dataclass(frozen=True)
class FeatureMap:
    """Features of a hypersurface in P^(variables - 1), by `kind`; `polynomial` for the symmetric kind only.

    `symmetric_invariants`, `invariants` and `coordinates` make them. Maps with equal fields are equal.
    """

    kind: str
    variables: int
    polynomial: Polynomial | None = None
    highest_moment: int = HIGHEST_MOMENT

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueRangeError(f"the kind of features is {self.kind!r}: give one of {', '.join(KINDS)}")
        if self.variables < 2:
            raise ValueRangeError(f"there are {self.variables} homogeneous coordinates: give 2 or more")
        if (self.kind == "symmetric") != (self.polynomial is not None):
            raise ValueRangeError(
                f"features of kind {self.kind!r} have {'no' if self.polynomial is None else 'a'} polynomial: give one "
                "with kind 'symmetric' and with no other"
            )
        if self.polynomial is not None and self.polynomial.variables != self.variables:
            raise ShapeError(f"the polynomial has {self.polynomial.variables} variables: give {self.variables}")
        if self.highest_moment < 0:
            raise ValueRangeError(f"the highest moment is {self.highest_moment}: give 0 or more")

    @property
    def count(self) -> int:
        """Number of features F."""
        return len(self.names)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """A name for each feature."""
        if self.recipe is not None:
            return self.recipe.names
        return tuple(f"{part} z{i}" for i in range(self.variables) for part in ("Re", "Im"))

    def jets(self, points: ComplexArray, frame: ComplexArray) -> FloatArray:
        """Kähler jets ((n+1)², N, F) at `points` (N, n+2) with z_patch = 1 and `frame` (N, n, n+2) ∂z_i/∂x_a.

        Channels: value, Re ∂_a, Im ∂_a, and the Hermitian ∂_a∂̄_b as Re + Im, row by row. Raises `ShapeError`.
        """
        count = points.shape[0]
        if points.shape != (count, self.variables) or frame.ndim != 3 or frame.shape[::2] != points.shape:
            raise ShapeError(
                f"points have shape {points.shape} and frames {frame.shape}: give (N, {self.variables}) and "
                f"(N, n, {self.variables})"
            )
        found = np.empty(((frame.shape[1] + 1) ** 2, count, self.count))
        for first in range(0, count, POINTS_AT_ONCE):
            chunk = slice(first, first + POINTS_AT_ONCE)
            found[:, chunk] = self._chunk(points[chunk], frame[chunk]).transpose(1, 2, 0)
        return found

    def _chunk(self, points: ComplexArray, frame: ComplexArray) -> FloatArray:
        """Jets (F, (n+1)², N)."""
        jets = coordinate_jets(points, frame)
        if self.recipe is not None:
            return self.recipe.jets(jets)
        return np.stack([part.real_channels() for jet in jets for part in (jet, jet.scaled(-1j))])

    @cached_property
    def recipe(self) -> Invariants | None:
        if self.polynomial is not None:
            return invariants_of(self.polynomial, self.highest_moment)
        return all_invariants(self.variables) if self.kind == "invariants" else None


def symmetric_invariants(polynomial: Polynomial, *, highest_moment: int = HIGHEST_MOMENT) -> FeatureMap:
    """Features invariant under the symmetries of {p = 0}; see `symmetric_invariants.invariants_of` for which."""
    return FeatureMap("symmetric", polynomial.variables, polynomial, highest_moment)


def invariants(variables: int) -> FeatureMap:
    """t_i, and Re and Im of z_i z̄_j/|z|² for i < j: variables² features."""
    return FeatureMap("invariants", variables)


def coordinates(variables: int) -> FeatureMap:
    """Re and Im of the affine coordinates, 2·variables features; those of z_patch = 1 are constant at each point."""
    return FeatureMap("coordinates", variables)
