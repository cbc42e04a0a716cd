"""The invariants of a hypersurface's own symmetries, from its polynomial."""

from laflow.metric.features.invariants import Carrier, Invariants, MixedSum
from laflow.metric.features.symmetries import (
    Exponents,
    PhaseLattice,
    conjugation_is_a_symmetry,
    indecomposable_invariants,
    interchangeable_variables,
    permuted,
    phase_blocks,
    phase_lattice,
    term_orbits,
    terms,
)
from laflow.metric.geometry.polynomial import Polynomial

Classes = tuple[tuple[int, ...], ...]


def invariants_of(polynomial: Polynomial, highest_moment: int) -> Invariants:
    """Features that all symmetries found by `symmetries` leave unchanged.

    Power sums Σ t_i^k, k = 1..size, of each class of interchangeable variables. Carriers: the coordinates z_i where
    z_i z̄_j is invariant under the phases of X, and where such products do not generate all invariants of the phases,
    as many orbits of p's terms as it takes. Sums over an orbit of K monomials have moments 0..min(`highest_moment`,
    K-1), the K-th depending on those before. Left out, by rule, is what others determine: Σ t_i = 1 and p = 0 make one
    power sum and one carrier redundant, |E|² of a single monomial is a product of t_i, and Im is odd under conjugation.
    """
    classes = interchangeable_variables(polynomial)
    groups = _carrier_groups(polynomial, classes, highest_moment)
    # Conjugation changes the signs of Im in all groups at once: leaving Im out would lose their relative sign.
    parts = ("Re",) if conjugation_is_a_symmetry(polynomial) and len(groups) < 2 else ("Re", "Im")
    carriers: list[Carrier] = []
    products: list[tuple[str, int, int]] = []
    for group in groups:
        places = range(len(carriers), len(carriers) + len(group))
        carriers += group
        for i in places:
            if len(carriers[i].monomials) > 1:
                products.append(("Re", i, i))
            products += [(part, i, j) for j in places if j > i for part in parts]
    sums = [(members, k) for members in classes for k in range(1, len(members) + 1)]
    sums.remove((classes[-1], 1))
    pairs = [(first, second) for group in groups for first in _exponents_of(group) for second in _exponents_of(group)]
    covered = {_less(first, second) for first, second in pairs}
    mixed = _mixed_sums(polynomial, classes, {v for v in covered if _degree(v) == polynomial.degree or _degree(v) == 1})
    return Invariants(tuple(sums), tuple(carriers), tuple(products), mixed)


def _mixed_sums(polynomial: Polynomial, classes: Classes, covered: set[Exponents]) -> tuple[MixedSum, ...]:
    """Orbit sums of the generators of the phases' invariants that no product of two carriers is.

    Two terms of p may share factors: then their product is one generator times some t_i, and near the zeros of those
    t_i it says less than the generator. Differences of two terms need no moments, their products have them.
    """
    real = conjugation_is_a_symmetry(polynomial)
    lattice = phase_lattice(polynomial)
    differences = {_less(first, second) for first in terms(polynomial) for second in terms(polynomial)}
    found: list[MixedSum] = []
    seen: set[Exponents] = set()
    for vector in indecomposable_invariants(lattice, polynomial.variables, polynomial.degree + 1):
        orbit = permuted(vector, classes)
        if vector in seen or orbit & covered:
            continue
        turned = {_less((0,) * len(vector), other) for other in orbit}
        seen |= orbit | turned
        parts = ("Re",) if real or turned == orbit else ("Re", "Im")
        # With its conjugates in the orbit, v- and v+ change places, and their means of t add up to a constant.
        moments = (0,) if len(orbit) == 1 or orbit & differences or turned == orbit else (0, 1)
        found += [MixedSum(tuple(sorted(orbit)), moment, part) for moment in moments for part in parts]
    return tuple(found)


def _exponents_of(group: list[Carrier]) -> set[Exponents]:
    return {exponents for carrier in group for exponents, _ in carrier.monomials}


def _less(first: Exponents, second: Exponents) -> Exponents:
    return tuple(a - b for a, b in zip(first, second, strict=True))


def _degree(vector: Exponents) -> int:
    return sum(max(power, 0) for power in vector)


def _carrier_groups(polynomial: Polynomial, classes: Classes, highest_moment: int) -> list[list[Carrier]]:
    """Carriers with equal phases under the symmetries of X, group by group."""
    lattice, groups = phase_lattice(polynomial), []
    generated = PhaseLattice()
    for block in phase_blocks(lattice, polynomial.variables):
        if len(block) > 1:
            # Transpositions of interchangeable variables permute blocks: a class lies in one, or has each in its own.
            units = {i: tuple(int(i == j) for j in range(polynomial.variables)) for i in block}
            orbits = [[(units[i], 1.0 + 0.0j) for i in members] for members in classes if members[0] in block]
            groups.append([carrier for orbit in orbits for carrier in _moments(orbit, highest_moment)])
            generated = generated.with_differences(units.values())
    if not generated.contains_differences(terms(polynomial)):
        groups.append(_term_carriers(polynomial, classes, generated, highest_moment))
    return groups


def _term_carriers(
    polynomial: Polynomial, classes: Classes, generated: PhaseLattice, highest_moment: int
) -> list[Carrier]:
    """Orbits of p's terms, each kept if it adds to what products of carriers generate, with their moments."""
    given = terms(polynomial)
    all_orbits = term_orbits(polynomial, classes)
    chosen: list[tuple[Exponents, ...]] = []
    for orbit in all_orbits:
        kept = [exponents for other in chosen for exponents in other]
        if not chosen or not generated.contains_differences([*kept, *orbit]):
            chosen.append(orbit)
            generated = generated.with_differences([*kept, *orbit])
    carriers = []
    largest = max(chosen, key=len)
    for orbit in chosen:
        found = _moments([(exponents, given[exponents]) for exponents in orbit], highest_moment)
        # p = 0: the sum of all terms vanishes.
        dependent = orbit is largest and len(chosen) == len(all_orbits)
        carriers += found[1:] if dependent else found
    return carriers


def _moments(monomials: list[tuple[Exponents, complex]], highest_moment: int) -> list[Carrier]:
    highest = min(highest_moment, len(monomials) - 1)
    return [Carrier(tuple(monomials), moment) for moment in range(highest + 1)]
