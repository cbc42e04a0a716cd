"""The second proof: the same identity at explicit small sizes, by an algorithm that shares nothing with the first.

Nothing here looks at symbolic differentiation or at the normal form. Expressions are *evaluated*, entry by entry with
their sums written out, in exact arithmetic modulo a prime p, at random points; derivatives come from dual numbers
(x + e dx with e² = 0). ``exp`` is g^x, a true homomorphism: what stands in an exponent is evaluated modulo the order q
of g, and what stands in an exponent of an exponent modulo the order r of a generator modulo q, along a chain of primes
q = 2r + 1, p = 2q + 1. ``log`` is the discrete logarithm where it is exponentiated again, and a formal sum of
independent unknowns where it is not. By Schwartz and Zippel a false identity of total degree d passes one point with
probability at most about d/p < 1e-7, and several independent ones with that to their power; a failing point is a
witness that the identity is false at these sizes.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from derivations.algebra.language import Array, Delta, Entry, Index, Range, Tensor, Total, free_indices

# a chain of primes, each one more than twice the next; all are 3 mod 4, and 2 is a square modulo the first two
PRIMES = (2147438927, 1073719463, 536859731)
P = PRIMES[0]
GENERATOR = 4  # a square, so of order PRIMES[n + 1] modulo PRIMES[n]
LEVELS = range(len(PRIMES))
ATTEMPTS = 4000  # each root halves the chance that a point will do


class NoPoint(ArithmeticError):
    """This random point divides by zero or takes a root of a non-square modulo one prime: draw another there."""

    def __init__(self, prime: int) -> None:
        super().__init__(f"a division by zero or the root of a non-square modulo {prime}")
        self.level = PRIMES.index(prime)


def _opaque(*key: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:8], "big")


@lru_cache(maxsize=len(PRIMES))
def _baby_steps(prime: int) -> tuple[dict[int, int], int, int]:
    count = 1 << 15
    table: dict[int, int] = {}
    power = 1
    for step in range(count):
        table.setdefault(power, step)
        power = power * GENERATOR % prime
    return table, count, pow(power, -1, prime)


@lru_cache(maxsize=100000)
def _discrete_log(value: int, prime: int) -> int:
    """k with g^k = ±value: the logarithm on the group modulo its sign."""
    if value == 0:
        raise NoPoint(prime)
    order = (prime - 1) // 2
    if pow(value, order, prime) != 1:
        value = prime - value
    table, count, giant = _baby_steps(prime)
    for leap in range(order // count + 2):
        if value in table:
            return (leap * count + table[value]) % order
        value = value * giant % prime
    raise AssertionError("the generator does not reach this value")


def _root(value: int, degree: int, prime: int) -> int:
    """The one root among the squares, so that roots of products are products of roots."""
    order = (prime - 1) // 2
    if pow(value, order, prime) != 1:
        raise NoPoint(prime)
    if math.gcd(degree, order) != 1:
        raise NotImplementedError(f"no root of degree {degree} modulo {prime}")
    return pow(value, pow(degree, -1, order), prime)


def _inverse(value: int, prime: int) -> int:
    if value % prime == 0:
        raise NoPoint(prime)
    return pow(value, -1, prime)


class Residue:
    """One value: modulo p with its derivative, and modulo the other primes of the chain where exponents ask for it.

    ``level(n)`` is the value modulo ``PRIMES[n]``, worked out when needed. Its formal logarithm is a known part plus
    unknowns, one for every value that is not an exponential.
    """

    __slots__ = ("_kept", "_rule", "dual", "log_known", "log_unknown")

    def __init__(
        self,
        rule: Callable[[int], int],
        dual: int,
        log_known: int = 0,
        log_unknown: Mapping[int, int] | None = None,
    ) -> None:
        self._rule = rule
        self._kept: dict[int, int] = {}
        self.dual = dual % P
        self.log_known = log_known
        self.log_unknown = {self.value: 1} if log_unknown is None else log_unknown

    def level(self, number: int) -> int:
        if number not in self._kept:
            if number not in LEVELS:
                raise NotImplementedError(f"exponentials nest more than {len(PRIMES) - 1} deep")
            self._kept[number] = self._rule(number) % PRIMES[number]
        return self._kept[number]

    @property
    def value(self) -> int:
        return self.level(0)

    def __add__(self, other: Residue) -> Residue:
        return Residue(lambda n: self.level(n) + other.level(n), self.dual + other.dual)

    def __mul__(self, other: Residue) -> Residue:
        unknown = dict(self.log_unknown)
        for key, times in other.log_unknown.items():
            unknown[key] = unknown.get(key, 0) + times
        return Residue(
            lambda n: self.level(n) * other.level(n),
            self.value * other.dual + self.dual * other.value,
            self.log_known + other.log_known,
            unknown,
        )

    def inverse(self) -> Residue:
        inverse = _inverse(self.value, P)
        return Residue(
            lambda n: _inverse(self.level(n), PRIMES[n]),
            -self.dual * inverse * inverse,
            -self.log_known,
            {key: -times for key, times in self.log_unknown.items()},
        )

    def root(self, degree: int) -> Residue:
        slope = _root(self.value, degree, P) * _inverse(degree * self.value, P)
        return Residue(lambda n: _root(self.level(n), degree, PRIMES[n]), self.dual * slope)

    def exp(self) -> Residue:
        value = pow(GENERATOR, self.level(1), P)
        return Residue(lambda n: pow(GENERATOR, self.level(n + 1), PRIMES[n]), value * self.dual, self.value, {})

    def log(self) -> Residue:
        known = self.log_known + sum(times * _opaque("log", key) for key, times in self.log_unknown.items())
        return Residue(
            lambda n: known if n == 0 else _discrete_log(self.level(n - 1), PRIMES[n - 1]),
            self.dual * _inverse(self.value, P),
        )


@lru_cache(maxsize=10000)
def _constant(number: sp.Rational) -> Residue:
    numerator, denominator = int(number.p), int(number.q)
    primes = {} if number == 1 else sp.factorrat(number)  # and -1: what the logarithm consists of
    unknown = {int(prime): int(times) for prime, times in primes.items()}
    return Residue(lambda n: numerator * _inverse(denominator, PRIMES[n]), 0, 0, unknown)


def _variable(levels: Sequence[int], dual: int) -> Residue:
    return Residue(lambda n: levels[n], dual)


@dataclass(frozen=True)
class Point:
    """Random values for every array and symbol at given sizes; ``directions`` gives variables their derivatives.

    ``seeds`` has one seed for every prime: values modulo different primes are independent.
    """

    sizes: Mapping[Range, int]
    seeds: tuple[int, ...]
    directions: Mapping[Array, Array | Tensor]
    symbol_directions: Mapping[sp.Symbol, int]

    def tensor(self, value: Tensor) -> dict[tuple[int, ...], Residue]:
        """All entries of a tensor."""
        run = _Evaluation(self)
        ranges = [range(self.sizes[index.range]) for index in value.free]
        return {at: run(value.expr, dict(zip(value.free, at, strict=True))) for at in itertools.product(*ranges)}


@lru_cache(maxsize=20000)
def _open_indices(expr: sp.Expr) -> tuple[Index, ...]:
    return tuple(sorted(free_indices(expr), key=lambda index: (index.name, index.range.name, index.serial)))


class _Evaluation:
    def __init__(self, point: Point) -> None:
        self.point = point
        self.arrays: dict[Array, Entries] = {}
        self.entries: dict[tuple[Array, tuple[int, ...]], Residue] = {}
        self.symbols: dict[sp.Symbol, Residue] = {
            over.size: _constant(sp.Integer(n)) for over, n in point.sizes.items()
        }
        self.totals: dict[tuple[sp.Expr, tuple[int, ...]], Residue] = {}
        self.plain = self if not point.directions else _Evaluation(Point(point.sizes, point.seeds, {}, {}))

    def __call__(self, expr: sp.Expr, at: Mapping[Index, int]) -> Residue:
        if expr.is_Rational:
            return _constant(expr)
        if isinstance(expr, sp.Add):
            return _fold(self(arg, at) for arg in expr.args)
        if isinstance(expr, sp.Mul):
            if any(isinstance(arg, Delta) and at[arg.args[0]] != at[arg.args[1]] for arg in expr.args):
                return _constant(sp.Integer(0))  # spares the other factors
            first, *rest = expr.args
            result = self(first, at)
            for arg in rest:
                result = result * self(arg, at)
            return result
        if isinstance(expr, sp.exp):
            return self(expr.args[0], at).exp()
        if expr == sp.E:
            return _constant(sp.Integer(1)).exp()
        if isinstance(expr, sp.log):
            return self(expr.args[0], at).log()
        if isinstance(expr, sp.Pow):
            return self._power(expr, at)
        if isinstance(expr, Total):
            return self._total(expr, at)
        if isinstance(expr, Delta):
            left, right = (at[index] for index in expr.args)
            return _constant(sp.Integer(left == right))
        if isinstance(expr, Entry):
            place = (expr.array, tuple(at[index] for index in expr.indices))
            if place not in self.entries:
                self.entries[place] = self._entry(*place)
            return self.entries[place]
        if isinstance(expr, sp.Symbol):
            return self._symbol(expr)
        raise TypeError(f"{type(expr).__name__} has no value at a point: {expr}")

    def _total(self, expr: Total, at: Mapping[Index, int]) -> Residue:
        key = (expr, tuple(at[index] for index in _open_indices(expr)))
        if key not in self.totals:  # one sum stands in many entries: add it up once
            sizes = range(self.point.sizes[expr.bound.range])
            self.totals[key] = _fold(self(expr.summand, {**at, expr.bound: here}) for here in sizes)
        return self.totals[key]

    def _power(self, expr: sp.Pow, at: Mapping[Index, int]) -> Residue:
        base, exponent = self(expr.base, at), expr.exp
        if not exponent.is_Rational:
            return (self(exponent, at) * base.log()).exp()
        if exponent.q != 1:
            base = base.root(int(exponent.q))
        if exponent < 0:
            base = base.inverse()
        result = _constant(sp.Integer(1))
        for _ in range(abs(int(exponent.p))):
            result = result * base
        return result

    def _symbol(self, symbol: sp.Symbol) -> Residue:
        if symbol not in self.symbols:
            levels = [_square(_random(self.point, symbol.name, n), PRIMES[n]) for n in LEVELS]
            self.symbols[symbol] = _variable(levels, self.point.symbol_directions.get(symbol, 0))
        return self.symbols[symbol]

    def _entry(self, array: Array, at: tuple[int, ...]) -> Residue:
        if array not in self.arrays:
            self.arrays[array] = _draw(array, self.point)
        direction = self.point.directions.get(array)
        dual = 0
        if isinstance(direction, Array):
            dual = self._entry(direction, at).value
        elif direction is not None:  # evaluated without derivatives: it may depend on the variable itself
            dual = self.plain(direction.expr, dict(zip(direction.free, at, strict=True))).value
        return _variable(self.arrays[array][at], dual)


def _fold(values: Iterable[Residue]) -> Residue:
    items = list(values)
    if len(items) == 1:
        return items[0]
    result = _constant(sp.Integer(0))
    for item in items:
        result = result + item
    return result


Entries = dict[tuple[int, ...], tuple[int, ...]]


def _random(point: Point, name: str, level: int) -> random.Random:
    return random.Random(f"{point.seeds[level]}:{name}:{level}")


def _square(rng: random.Random, prime: int) -> int:
    """A random non-zero square, so that its roots and logarithms are exact."""
    return pow(rng.randrange(1, prime), 2, prime)


def _draw(array: Array, point: Point) -> Entries:
    """Random entries that obey the array's declared sums modulo every prime."""
    shape = [range(point.sizes[over]) for over in array.axes]
    places = list(itertools.product(*shape))
    if array.mask:  # zeros and ones, the same modulo every prime, with a one at the start of every line
        rng = random.Random(f"{point.seeds[0] // ATTEMPTS}:{array.name}")
        return {at: (int(at[-1] == 0 or rng.random() < 0.7),) * len(PRIMES) for at in places}
    levels = [_draw_level(array, places, _random(point, array.name, n), PRIMES[n]) for n in LEVELS]
    return {at: tuple(level[at] for level in levels) for at in places}


def _draw_level(
    array: Array, places: Sequence[tuple[int, ...]], rng: random.Random, prime: int
) -> dict[tuple[int, ...], int]:
    entries = {at: _square(rng, prime) for at in places}
    for axis, wanted in array.sums:
        lines: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        for at in places:
            lines.setdefault(at[:axis] + at[axis + 1 :], []).append(at)
        for line in lines.values():
            values = _with_sum([entries[at] for at in line], int(wanted), rng, prime)
            entries.update(zip(line, values, strict=True))
    return entries


def _with_sum(values: list[int], wanted: int, rng: random.Random, prime: int) -> list[int]:
    """Make values sum to ``wanted``: by the last one if that is 0, else by scaling all with a square."""
    if wanted == 0:
        return [*values[:-1], -sum(values[:-1]) % prime]
    while True:
        whole = sum(values) % prime
        scale = wanted * pow(whole, -1, prime) % prime if whole else 0
        if scale and pow(scale, (prime - 1) // 2, prime) == 1:
            return [value * scale % prime for value in values]
        values = [*values[:-1], _square(rng, prime)]


@dataclass(frozen=True)
class Agreement:
    """What evaluating at random points showed."""

    holds: bool
    points: int
    sizes: str
    witness: str = ""


def agree_at_points(
    left: Tensor,
    right: Tensor,
    *,
    directions: Mapping[Array, Array | Tensor] | None = None,
    symbol_directions: Mapping[sp.Symbol, int] | None = None,
    sizes: Sequence[Mapping[Range, int]],
    points: int = 2,
) -> Agreement:
    """Compare two tensors at random points; with directions, the derivative of ``left`` with ``right``.

    ``sizes`` lists assignments of a size to every range. Raises ``NoPoint`` where no point can be drawn at all.
    """
    differentiate = directions is not None or symbol_directions is not None
    tried = 0
    for assignment in sizes:
        for number in range(points):
            one, two = _draw_both(left, right, directions or {}, symbol_directions or {}, assignment, ATTEMPTS * number)
            tried += 1
            for at, value in one.items():
                seen = value.dual if differentiate else value.value
                if seen != two[at].value:
                    label = ", ".join(f"{over.size_name}={n}" for over, n in assignment.items())
                    where = f"entry {at}" if at else "the value"
                    return Agreement(False, tried, label, f"{where} at {label}: {seen} against {two[at].value} mod {P}")
    label = "; ".join(", ".join(f"{over.size_name}={n}" for over, n in a.items()) for a in sizes)
    return Agreement(True, tried, label)


def _draw_both(
    left: Tensor,
    right: Tensor,
    directions: Mapping[Array, Array | Tensor],
    symbol_directions: Mapping[sp.Symbol, int],
    sizes: Mapping[Range, int],
    seed: int,
) -> tuple[dict[tuple[int, ...], Residue], dict[tuple[int, ...], Residue]]:
    renamed = Tensor(left.free, right[left.free])
    seeds = [seed] * len(PRIMES)
    for _ in range(ATTEMPTS):
        point = Point(sizes, tuple(seeds), directions, symbol_directions)
        plain = Point(sizes, tuple(seeds), {}, {})
        try:
            return point.tensor(left), plain.tensor(renamed)
        except NoPoint as fault:  # what failed modulo one prime is drawn anew modulo that prime only
            seeds[fault.level] += 1
            failed = fault
    raise failed
