"""The second proof: the same identity at explicit small sizes, by an algorithm that shares nothing with the first.

Nothing here looks at symbolic differentiation or at the normal form. Expressions are *evaluated*, entry by entry with
their sums written out, in exact arithmetic modulo a prime p = 2q + 1, at random points; derivatives come from dual
numbers (x + e dx with e² = 0). ``exp`` is g^x, a true homomorphism, for which every value carries a second residue
modulo q, the order of g; ``log`` is the discrete logarithm where it is exponentiated again, and a formal sum of
independent unknowns where it is not. By Schwartz and Zippel a false identity of total degree d passes one point with
probability at most about d/p < 1e-7, and ``points`` independent ones with that to their power; a failing point is a
witness that the identity is false at these sizes.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from derivations.algebra.language import Array, Delta, Entry, Index, Range, Tensor, Total

Q = 1073740571  # prime, and so is P = 2 Q + 1; P = 7 mod 8, so that 2 and 1/2 are squares
P = 2 * Q + 1
GENERATOR = 4  # a square, so of order q


class NoPoint(ArithmeticError):
    """This random point divides by zero or takes a root of a non-square: draw another."""


def _opaque(*key: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:8], "big")


@lru_cache(maxsize=1)
def _baby_steps() -> tuple[dict[int, int], int, int]:
    count = 1 << 15
    table, power = {}, 1
    for step in range(count):
        table.setdefault(power, step)
        power = power * GENERATOR % P
    return table, count, pow(power, -1, P)


@lru_cache(maxsize=100000)
def _discrete_log(value: int) -> int:
    """k with g^k = ±value: the logarithm on the group modulo its sign."""
    if pow(value, Q, P) != 1:
        value = P - value
    table, count, giant = _baby_steps()
    for leap in range(Q // count + 2):
        if value in table:
            return (leap * count + table[value]) % Q
        value = value * giant % P
    raise AssertionError("the generator does not reach this value")


class Residue:
    """A value modulo p with its derivative, its residue modulo q as an exponent, and its formal logarithm."""

    __slots__ = ("dual", "log_known", "log_unknown", "shadow", "value")

    def __init__(
        self,
        value: int,
        dual: int,
        shadow: Callable[[], int],
        log_known: int = 0,
        log_unknown: Mapping[int, int] | None = None,
    ) -> None:
        self.value, self.dual, self.shadow = value % P, dual % P, _once(shadow)
        self.log_known = log_known
        self.log_unknown = {self.value: 1} if log_unknown is None else log_unknown

    def __add__(self, other: Residue) -> Residue:
        return Residue(self.value + other.value, self.dual + other.dual, lambda: (self.shadow() + other.shadow()) % Q)

    def __mul__(self, other: Residue) -> Residue:
        unknown = dict(self.log_unknown)
        for key, times in other.log_unknown.items():
            unknown[key] = unknown.get(key, 0) + times
        return Residue(
            self.value * other.value,
            self.value * other.dual + self.dual * other.value,
            lambda: self.shadow() * other.shadow() % Q,
            self.log_known + other.log_known,
            unknown,
        )

    def inverse(self) -> Residue:
        if self.value == 0:
            raise NoPoint
        inverse = pow(self.value, -1, P)
        return Residue(
            inverse,
            -self.dual * inverse * inverse,
            lambda: _invert(self.shadow()),
            -self.log_known,
            {key: -times for key, times in self.log_unknown.items()},
        )

    def root(self) -> Residue:
        if pow(self.value, Q, P) != 1:
            raise NoPoint
        root = pow(self.value, (P + 1) // 4, P)
        if pow(root, Q, P) != 1:
            root = P - root
        return Residue(root, self.dual * pow(2 * root, -1, P), lambda: _opaque("root", self.shadow()) % Q)

    def exp(self) -> Residue:
        value = pow(GENERATOR, self.shadow(), P)
        return Residue(value, value * self.dual, lambda: _opaque("exp", self.shadow()) % Q, self.value, {})

    def log(self) -> Residue:
        if self.value == 0:
            raise NoPoint
        value = self.log_known + sum(times * _opaque("log", key) for key, times in self.log_unknown.items())
        return Residue(value, self.dual * pow(self.value, -1, P), lambda: _discrete_log(self.value))


def _once(thunk: Callable[[], int]) -> Callable[[], int]:
    kept: list[int] = []

    def value() -> int:
        if not kept:
            kept.append(thunk())
        return kept[0]

    return value


def _invert(shadow: int) -> int:
    if shadow == 0:
        raise NoPoint
    return pow(shadow, -1, Q)


def _constant(number: sp.Rational) -> Residue:
    numerator, denominator = int(number.p), int(number.q)
    value = numerator * pow(denominator, -1, P)
    unknown = {} if number == 1 else None
    return Residue(value, 0, lambda: numerator * pow(denominator, -1, Q) % Q, 0, unknown)


@dataclass(frozen=True)
class Point:
    """Random values for every array and symbol at given sizes; ``directions`` gives variables their derivatives."""

    sizes: Mapping[Range, int]
    seed: int
    directions: Mapping[Array, Array | Tensor]
    symbol_directions: Mapping[sp.Symbol, int]

    def evaluate(self, expr: sp.Expr) -> Residue:
        """The value of an expression without free indices."""
        return _Evaluation(self)(expr, {})

    def tensor(self, value: Tensor) -> dict[tuple[int, ...], Residue]:
        """All entries of a tensor."""
        run = _Evaluation(self)
        ranges = [range(self.sizes[index.range]) for index in value.free]
        return {at: run(value.expr, dict(zip(value.free, at, strict=True))) for at in itertools.product(*ranges)}


class _Evaluation:
    def __init__(self, point: Point) -> None:
        self.point = point
        self.arrays: dict[Array, dict[tuple[int, ...], tuple[int, int]]] = {}
        self.symbols: dict[sp.Symbol, Residue] = {over.size: _size(n) for over, n in point.sizes.items()}

    def __call__(self, expr: sp.Expr, at: Mapping[Index, int]) -> Residue:
        if expr.is_Rational:
            return _constant(expr)
        if isinstance(expr, sp.Add):
            return _fold(self(arg, at) for arg in expr.args)
        if isinstance(expr, sp.Mul):
            result = _constant(sp.Integer(1))
            for arg in expr.args:
                result = result * self(arg, at)
            return result
        if isinstance(expr, sp.exp):
            return self(expr.args[0], at).exp()
        if isinstance(expr, sp.log):
            return self(expr.args[0], at).log()
        if isinstance(expr, sp.Pow):
            return self._power(expr, at)
        if isinstance(expr, Total):
            sizes = range(self.point.sizes[expr.bound.range])
            return _fold(self(expr.summand, {**at, expr.bound: here}) for here in sizes)
        if isinstance(expr, Delta):
            left, right = (at[index] for index in expr.args)
            return _constant(sp.Integer(left == right))
        if isinstance(expr, Entry):
            return self._entry(expr.array, tuple(at[index] for index in expr.indices))
        if isinstance(expr, sp.Symbol):
            return self._symbol(expr)
        raise TypeError(f"{type(expr).__name__} has no value at a point: {expr}")

    def _power(self, expr: sp.Pow, at: Mapping[Index, int]) -> Residue:
        base, exponent = self(expr.base, at), expr.exp
        if not exponent.is_Rational:
            return (self(exponent, at) * base.log()).exp()
        if exponent.q == 2:
            base = base.root()
        elif exponent.q != 1:
            raise TypeError(f"only square roots have a value here, not the power {exponent}")
        if exponent < 0:
            base = base.inverse()
        result = _constant(sp.Integer(1))
        for _ in range(abs(int(exponent.p))):
            result = result * base
        return result

    def _symbol(self, symbol: sp.Symbol) -> Residue:
        if symbol not in self.symbols:
            rng = random.Random(f"{self.point.seed}:{symbol.name}")
            value, shadow = pow(GENERATOR, rng.randrange(Q), P), rng.randrange(Q)
            dual = self.point.symbol_directions.get(symbol, 0)
            self.symbols[symbol] = Residue(value, dual, lambda: shadow)
        return self.symbols[symbol]

    def _entry(self, array: Array, at: tuple[int, ...]) -> Residue:
        if array not in self.arrays:
            self.arrays[array] = _draw(array, self.point)
        value, shadow = self.arrays[array][at]
        direction = self.point.directions.get(array)
        dual = 0
        if isinstance(direction, Array):
            dual = self._entry(direction, at).value
        elif direction is not None:
            dual = self(direction.expr, dict(zip(direction.free, at, strict=True))).value
        return Residue(value, dual, lambda: shadow)


def _fold(values: Sequence[Residue] | Callable[[], Residue]) -> Residue:
    items = list(values)  # type: ignore[arg-type]
    if len(items) == 1:
        return items[0]
    result = _constant(sp.Integer(0))
    for item in items:
        result = result + item
    return result


def _size(number: int) -> Residue:
    return Residue(number, 0, lambda: number % Q)


def _draw(array: Array, point: Point) -> dict[tuple[int, ...], tuple[int, int]]:
    """Random entries: squares (so that logarithms are exact), obeying the array's declared sums in both residues."""
    rng = random.Random(f"{point.seed}:{array.name}")
    shape = [range(point.sizes[over]) for over in array.axes]
    entries = {at: (pow(GENERATOR, rng.randrange(Q), P), rng.randrange(Q)) for at in itertools.product(*shape)}
    for axis, wanted in array.sums:
        lines: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        for at in entries:
            lines.setdefault(at[:axis] + at[axis + 1 :], []).append(at)
        for line in lines.values():
            _impose(entries, line, int(wanted), rng)
    return entries


def _impose(entries: dict[tuple[int, ...], tuple[int, int]], line: list[tuple[int, ...]], wanted: int, rng: random.Random) -> None:
    last = line[-1]
    shadow = (wanted - sum(entries[at][1] for at in line[:-1])) % Q
    if wanted == 0:
        entries[last] = ((-sum(entries[at][0] for at in line[:-1])) % P, shadow)
        return
    while True:  # scale the line to its sum, by a square so that its entries stay squares
        whole = sum(entries[at][0] for at in line) % P
        scale = wanted * pow(whole, -1, P) % P if whole else 0
        if scale and pow(scale, Q, P) == 1:
            break
        entries[last] = (pow(GENERATOR, rng.randrange(Q), P), entries[last][1])
    for at in line:
        entries[at] = (entries[at][0] * scale % P, entries[at][1])
    entries[last] = (entries[last][0], shadow)


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
            one, two = _draw_both(left, right, directions or {}, symbol_directions or {}, assignment, 1000 * number)
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
    for attempt in range(400):
        point = Point(sizes, seed + attempt, directions, symbol_directions)
        plain = Point(sizes, seed + attempt, {}, {})
        try:
            return point.tensor(left), plain.tensor(renamed)
        except NoPoint:
            continue
    raise NoPoint("400 random points in a row divide by zero or take the root of a non-square")
