"""First and mixed second derivatives of complex functions at many points, carried through sums and products."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laflow.metric.geometry.polynomial import ComplexArray


@dataclass(frozen=True, eq=False)
class ComplexJet:
    """A complex function f of local coordinates x at N points; not the second derivatives of one kind.

    value: (N,) f. forward: (n, N) ∂_a f. backward: (n, N) ∂̄_b f. mixed: (n, n, N) ∂_a∂̄_b f at [a, b].
    """

    value: ComplexArray
    forward: ComplexArray
    backward: ComplexArray
    mixed: ComplexArray

    def __add__(self, other: "ComplexJet") -> "ComplexJet":
        return ComplexJet(
            self.value + other.value,
            self.forward + other.forward,
            self.backward + other.backward,
            self.mixed + other.mixed,
        )

    def __mul__(self, other: "ComplexJet") -> "ComplexJet":
        """f g: ∂_a∂̄_b (f g) = f ∂_a∂̄_b g + ∂_a f ∂̄_b g + ∂_a g ∂̄_b f + g ∂_a∂̄_b f."""
        mixed = self.value * other.mixed
        mixed += other.value * self.mixed
        mixed += self.forward[:, None] * other.backward
        mixed += other.forward[:, None] * self.backward
        return ComplexJet(
            self.value * other.value,
            self.value * other.forward + other.value * self.forward,
            self.value * other.backward + other.value * self.backward,
            mixed,
        )

    def scaled(self, factor: complex) -> "ComplexJet":
        """c f for a constant c."""
        return ComplexJet(factor * self.value, factor * self.forward, factor * self.backward, factor * self.mixed)

    def power(self, exponent: int) -> "ComplexJet":
        """f^k for a whole k, negative too where f has no zero."""
        lower = self.value ** (exponent - 1) if exponent else np.zeros_like(self.value)
        lowest = self.value ** (exponent - 2) if exponent not in (0, 1) else np.zeros_like(self.value)
        slope = exponent * lower
        mixed = slope * self.mixed
        mixed += (exponent * (exponent - 1) * lowest) * (self.forward[:, None] * self.backward)
        return ComplexJet(self.value**exponent, slope * self.forward, slope * self.backward, mixed)

    def conjugate(self) -> "ComplexJet":
        """f̄: ∂_a f̄ is the conjugate of ∂̄_a f."""
        return ComplexJet(
            self.value.conj(), self.backward.conj(), self.forward.conj(), self.mixed.conj().swapaxes(0, 1)
        )

    def real_channels(self) -> NDArray[np.float64]:
        """Kähler jet ((n+1)², N) of Re f: value, Re ∂_a, Im ∂_a, and the Hermitian ∂_a∂̄_b as Re + Im, row by row."""
        slopes = 0.5 * (self.forward + self.backward.conj())
        bends = 0.5 * (self.mixed + self.mixed.conj().swapaxes(0, 1))
        packed = (bends.real + bends.imag).reshape(-1, self.value.size)
        return np.concatenate([self.value.real[None], slopes.real, slopes.imag, packed])


def holomorphic(value: ComplexArray, forward: ComplexArray) -> ComplexJet:
    """The jet of a holomorphic function with `value` (N,) and ∂_a f (n, N): its other derivatives are 0."""
    dimension, count = forward.shape
    return ComplexJet(
        value, forward, np.zeros_like(forward), np.zeros((dimension, dimension, count), dtype=np.complex128)
    )


def coordinate_jets(points: ComplexArray, frame: ComplexArray) -> list[ComplexJet]:
    """The homogeneous coordinates z_i of `points` (N, n+2) as functions of x, by `frame` (N, n, n+2) ∂z_i/∂x_a."""
    values, slopes = np.ascontiguousarray(points.T), np.ascontiguousarray(frame.transpose(2, 1, 0))
    return [holomorphic(value, slope) for value, slope in zip(values, slopes, strict=True)]


def total(jets: list[ComplexJet]) -> ComplexJet:
    """The sum of one jet or more."""
    found = jets[0]
    for jet in jets[1:]:
        found = found + jet
    return found
