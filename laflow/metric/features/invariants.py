"""Functions on a hypersurface made of moduli t_i = |z_i|²/|z|² and of products of monomials with equal phases."""

from dataclasses import dataclass
from functools import cached_property, reduce
from operator import mul

import numpy as np
from numpy.typing import NDArray

from laflow.metric.features.complex_jets import ComplexJet, total
from laflow.metric.features.symmetries import Exponents


@dataclass(frozen=True)
class Carrier:
    """E = Σ_m c_m m(z) τ_m^a over monomials m, with τ_m = Σ_i α_i t_i / degree, α the exponents of m.

    monomials: exponents and coefficients (c_m) of monomials of one degree. moment: a.
    """

    monomials: tuple[tuple[Exponents, complex], ...]
    moment: int

    @property
    def degree(self) -> int:
        """The degree of the monomials, as polynomials in z."""
        return sum(self.monomials[0][0])

    @property
    def name(self) -> str:
        """The first monomial, with the moment."""
        factors = [
            f"z{i}" + (f"^{power}" if power > 1 else "") for i, power in enumerate(self.monomials[0][0]) if power
        ]
        return "*".join(factors) + ("*t" + (f"^{self.moment}" if self.moment > 1 else "") if self.moment else "")


@dataclass(frozen=True)
class MixedSum:
    """Σ_v z^(v+) z̄^(v-) τ_v^a / |z|^(2 degree) over vectors v = v+ - v-, with τ_v = v-·t / degree.

    vectors: exponents of z, negative ones for z̄, each v+ and v- of one degree. moment: a. part: "Re" or "Im".
    """

    vectors: tuple[Exponents, ...]
    moment: int
    part: str

    @property
    def degree(self) -> int:
        """The degree in z, which is that in z̄."""
        return sum(max(power, 0) for power in self.vectors[0])

    @property
    def name(self) -> str:
        """The first monomial, with the moment."""
        factors = [
            f"{'z' if power > 0 else 'conj z'}{i}" + (f"^{abs(power)}" if abs(power) > 1 else "")
            for i, power in enumerate(self.vectors[0])
            if power
        ]
        return f"{self.part} " + "*".join(factors) + ("*t" if self.moment else "")


@dataclass(frozen=True)
class Invariants:
    """Features: the power sums Σ_{i∈members} t_i^k, then Re or Im of E_I Ē_J/|z|^(2 degree), then mixed sums.

    power_sums: members and k. carriers: E. products: "Re" or "Im", I and J, carriers of one degree.
    """

    power_sums: tuple[tuple[tuple[int, ...], int], ...]
    carriers: tuple[Carrier, ...]
    products: tuple[tuple[str, int, int], ...]
    mixed: tuple[MixedSum, ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """A name for each feature."""
        sums = ["+".join(f"t{i}" + (f"^{k}" if k > 1 else "") for i in members) for members, k in self.power_sums]
        names = [carrier.name for carrier in self.carriers]
        products = [f"{part} <{names[first]}, {names[second]}>" for part, first, second in self.products]
        return (*sums, *products, *(item.name for item in self.mixed))

    def jets(self, coordinates: list[ComplexJet]) -> NDArray[np.float64]:
        """Kähler jets (F, (n+1)², N) from those of the homogeneous coordinates z_i."""
        squares = [z * z.conjugate() for z in coordinates]
        inverse = total(squares).power(-1)
        moduli = [square * inverse for square in squares]
        sums = [total([moduli[i].power(k) for i in members]) for members, k in self.power_sums]
        values = [_carried(carrier, coordinates, moduli) for carrier in self.carriers]
        duals = [
            value.conjugate() * inverse.power(carrier.degree)
            for value, carrier in zip(values, self.carriers, strict=True)
        ]
        products = []
        for part, first, second in self.products:
            product = values[first] * duals[second]
            products.append(product if part == "Re" else product.scaled(-1j))
        mixed = [_mixed(item, coordinates, moduli) * inverse.power(item.degree) for item in self.mixed]
        return np.stack([jet.real_channels() for jet in [*sums, *products, *mixed]])


def all_invariants(variables: int) -> Invariants:
    """t_i, and Re and Im of z_i z̄_j/|z|² for i < j: together they tell all points of projective space apart."""
    units = [tuple(int(i == j) for j in range(variables)) for i in range(variables)]
    return Invariants(
        power_sums=tuple(((i,), 1) for i in range(variables)),
        carriers=tuple(Carrier(((unit, 1.0 + 0.0j),), 0) for unit in units),
        products=tuple(
            (part, i, j) for i in range(variables) for j in range(i + 1, variables) for part in ("Re", "Im")
        ),
    )


def _mixed(item: MixedSum, coordinates: list[ComplexJet], moduli: list[ComplexJet]) -> ComplexJet:
    summands = []
    for vector in item.vectors:
        factors = [
            (z if power > 0 else z.conjugate()).power(abs(power))
            for z, power in zip(coordinates, vector, strict=True)
            if power
        ]
        if item.moment:
            below = [t.scaled(-power / item.degree) for t, power in zip(moduli, vector, strict=True) if power < 0]
            factors.append(total(below).power(item.moment))
        summands.append(reduce(mul, factors))
    found = total(summands)
    return found if item.part == "Re" else found.scaled(-1j)


def _carried(carrier: Carrier, coordinates: list[ComplexJet], moduli: list[ComplexJet]) -> ComplexJet:
    summands = []
    for exponents, coefficient in carrier.monomials:
        involved = [i for i, power in enumerate(exponents) if power]
        summand = coordinates[involved[0]].power(exponents[involved[0]])
        for i in involved[1:]:
            summand = summand * coordinates[i].power(exponents[i])
        if carrier.moment:
            mean = total([moduli[i].scaled(exponents[i] / carrier.degree) for i in involved])
            summand = summand * mean.power(carrier.moment)
        summands.append(summand if coefficient == 1 else summand.scaled(coefficient))
    return total(summands)
