"""Arrays over index ranges of symbolic size, and the expressions one writes with them.

A lemma talks of ``I`` nodes, ``J`` labels, ``N`` neighbours without ever fixing these numbers. So an index here
belongs to a :class:`Range`, an :class:`Array` says which ranges its axes run over, and :func:`total` sums an
expression over a whole range. Everything else (sums, products, powers, ``exp``, ``log``) is ordinary SymPy.

Bound indices are made fresh by every ``total``, so substituting an index can never capture one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp

_fresh = itertools.count()


@dataclass(frozen=True, order=True)
class Range:
    """A set of indices whose size is a symbol: nodes, labels, neighbours, ..."""

    name: str
    size_name: str

    @property
    def size(self) -> sp.Symbol:
        """The number of indices in the range."""
        return sp.Symbol(self.size_name, positive=True, integer=True)

    def index(self, name: str) -> Index:
        """An index that runs over this range, printed as ``name``."""
        return Index(name, self)

    def indices(self, names: str) -> tuple[Index, ...]:
        """Several indices, from names separated by blanks."""
        return tuple(self.index(name) for name in names.split())


class Index(sp.Atom):
    """One index; equal to another of the same name and range."""

    name: str
    range: Range
    serial: int

    def __new__(cls, name: str, over: Range, serial: int = -1) -> Index:
        obj = sp.Atom.__new__(cls)
        obj.name, obj.range, obj.serial = name, over, serial
        return obj

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.name, self.range, self.serial)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.name, self.range, self.serial)

    def fresh(self) -> Index:
        """An index of the same range that occurs nowhere else."""
        return Index(self.name, self.range, next(_fresh))

    def _sympystr(self, printer: Any) -> str:
        return self.name

    def sort_key(self, order: Any = None) -> Any:
        return sp.Symbol(f"{self.name}_{self.range.name}_{self.serial}").sort_key(order)


class Array(sp.Atom):
    """A named array with one range per axis.

    ``sums`` maps an axis to the value that summing over it gives (a probability array sums to 1 over labels, a
    tangent array to 0); the prover may use it. ``sparse`` marks a nodes x nodes matrix that vanishes off the graph:
    the compiler turns sums over its second axis into loops over neighbours. ``mask`` marks an array of zeros and ones:
    the compiler turns a factor that is a mask into a condition.
    """

    name: str
    axes: tuple[Range, ...]
    latex: str
    sums: tuple[tuple[int, sp.Expr], ...]
    sparse: bool
    mask: bool
    __iter__ = None  # without this, SymPy takes anything with __getitem__ for a sequence

    def __new__(
        cls,
        name: str,
        *axes: Range,
        latex: str | None = None,
        sums: Mapping[int, Any] | None = None,
        sparse: bool = False,
        mask: bool = False,
    ) -> Array:
        obj = sp.Atom.__new__(cls)
        obj.name, obj.axes, obj.latex, obj.sparse, obj.mask = name, axes, latex or name, sparse, mask
        obj.sums = tuple(sorted((axis, sp.sympify(value)) for axis, value in (sums or {}).items()))
        return obj

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.name, self.axes, self.sums, self.sparse, self.mask)

    def __getitem__(self, indices: Index | tuple[Index, ...]) -> Entry:
        return Entry(self, *(indices if isinstance(indices, tuple) else (indices,)))

    def _sympystr(self, printer: Any) -> str:
        return self.name


class Entry(sp.Expr):
    """One entry of an array."""

    is_commutative = True

    def __new__(cls, array: Array, *indices: Index) -> Entry:
        found = tuple(index.range for index in indices)
        if found != array.axes:
            want = ", ".join(r.name for r in array.axes)
            have = ", ".join(r.name for r in found)
            raise TypeError(f"{array.name} is indexed by ({want}), but was given ({have})")
        return sp.Expr.__new__(cls, array, *indices)

    @property
    def array(self) -> Array:
        return self.args[0]

    @property
    def indices(self) -> tuple[Index, ...]:
        return self.args[1:]

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        return sp.Integer(0)

    def _sympystr(self, printer: Any) -> str:
        return f"{self.array.name}[{', '.join(index.name for index in self.indices)}]"


class Total(sp.Expr):
    """The sum of an expression over a whole range."""

    is_commutative = True

    def __new__(cls, summand: sp.Expr, bound: Index) -> sp.Expr:
        summand = sp.sympify(summand)
        if summand == 0:
            return sp.Integer(0)
        return sp.Expr.__new__(cls, summand, bound)

    @property
    def summand(self) -> sp.Expr:
        return self.args[0]

    @property
    def bound(self) -> Index:
        return self.args[1]

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        return Total(self.summand.diff(symbol), self.bound)

    def _sympystr(self, printer: Any) -> str:
        return f"total({printer.doprint(self.summand)}, {self.bound.name})"


class Largest(sp.Expr):
    """The largest value of an expression over a range; a stabiliser, of which no proof depends."""

    is_commutative = True

    @property
    def summand(self) -> sp.Expr:
        return self.args[0]

    @property
    def bound(self) -> Index:
        return self.args[1]

    @property
    def where(self) -> Entry | None:
        """The mask entry outside which values do not count, if any."""
        return self.args[2] if len(self.args) > 2 else None

    def _sympystr(self, printer: Any) -> str:
        return f"largest({printer.doprint(self.summand)}, {self.bound.name})"


class Magnitude(sp.Expr):
    """The absolute value of an expression; for bounds, since it is not analytic. SymPy's own rewrites its argument."""

    is_commutative = True

    @property
    def inner(self) -> sp.Expr:
        return self.args[0]

    def _sympystr(self, printer: Any) -> str:
        return f"|{printer.doprint(self.inner)}|"


class Delta(sp.Expr):
    """1 where two indices of one range agree, else 0."""

    is_commutative = True

    def __new__(cls, left: Index, right: Index) -> sp.Expr:
        if left.range != right.range:
            raise TypeError(f"a delta needs one range, but was given {left.range.name} and {right.range.name}")
        if left == right:
            return sp.Integer(1)
        return sp.Expr.__new__(cls, left, right)

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        return sp.Integer(0)

    def _sympystr(self, printer: Any) -> str:
        return f"delta({self.args[0].name}, {self.args[1].name})"


def total(summand: Any, *bound: Index) -> sp.Expr:
    """Sum ``summand`` over the whole range of each given index."""
    result = sp.sympify(summand)
    for index in bound:
        fresh = index.fresh()
        result = Total(result.xreplace({index: fresh}), fresh)
    return result


def largest(summand: Any, bound: Index, where: Entry | None = None) -> sp.Expr:
    """The largest value of ``summand`` over the range of ``bound``, or over the part of it that a mask admits."""
    fresh = bound.fresh()
    value = sp.sympify(summand).xreplace({bound: fresh})
    return Largest(value, fresh) if where is None else Largest(value, fresh, where.xreplace({bound: fresh}))


def magnitude(value: Any) -> sp.Expr:
    """The absolute value of ``value``."""
    return Magnitude(sp.sympify(value))


@dataclass(frozen=True)
class Tensor:
    """An expression with named free indices: a map's value, entry by entry."""

    free: tuple[Index, ...]
    expr: sp.Expr

    def __getitem__(self, indices: Index | tuple[Index, ...]) -> sp.Expr:
        given = indices if isinstance(indices, tuple) else (indices,)
        found, want = tuple(i.range for i in given), tuple(i.range for i in self.free)
        if found != want:
            raise TypeError(
                f"indices over ({', '.join(r.name for r in found)}) given, ({', '.join(r.name for r in want)}) expected"
            )
        expr = _refresh(self.expr) if _bound_indices(self.expr).intersection(given) else self.expr
        return expr.xreplace(dict(zip(self.free, given, strict=True)))

    @property
    def axes(self) -> tuple[Range, ...]:
        return tuple(index.range for index in self.free)


def tensor(free: Sequence[Index] | Index, expr: Any) -> Tensor:
    """The tensor whose entry at ``free`` is ``expr``."""
    indices = (free,) if isinstance(free, Index) else tuple(free)
    return Tensor(indices, sp.sympify(expr))


def scalar(expr: Any) -> Tensor:
    """A tensor without indices."""
    return Tensor((), sp.sympify(expr))


def arrays_in(expr: sp.Expr) -> set[Array]:
    """All arrays of which ``expr`` has entries."""
    return {entry.array for entry in expr.atoms(Entry)}


def substitute(expr: sp.Expr, values: Mapping[Array, Tensor | Callable[..., sp.Expr]]) -> sp.Expr:
    """Replace every entry of the given arrays by the value at the same indices."""

    def value_of(entry: Entry) -> sp.Expr:
        value = values[entry.array]
        if isinstance(value, Tensor):
            return value[entry.indices]
        return value(*entry.indices)

    found = {entry: value_of(entry) for entry in expr.atoms(Entry) if entry.array in values}
    return _refresh(expr.xreplace(found)) if found else expr


def _refresh(expr: sp.Expr) -> sp.Expr:
    """Give every sum a bound index that occurs nowhere else."""
    if isinstance(expr, Total | Largest):
        fresh = expr.bound.fresh()
        rest = [_refresh(arg).xreplace({expr.bound: fresh}) for arg in (expr.args[0], *expr.args[2:])]
        return type(expr)(rest[0], fresh, *rest[1:])
    if not expr.args or isinstance(expr, Entry | Delta):
        return expr
    return expr.func(*(_refresh(arg) for arg in expr.args))


@lru_cache(maxsize=20000)
def _bound_indices(expr: sp.Expr) -> frozenset[Index]:
    """The indices that sums in ``expr`` bind: no other index may take their place inside it."""
    return frozenset(node.bound for node in expr.atoms(Total, Largest))


def free_indices(expr: sp.Expr) -> set[Index]:
    """The indices of ``expr`` that no sum binds."""
    if isinstance(expr, Index):
        return {expr}
    if isinstance(expr, Total | Largest):
        return free_indices(expr.summand) - {expr.bound}
    found: set[Index] = set()
    for arg in expr.args:
        found |= free_indices(arg)
    return found


def names(items: Iterable[Array | Index]) -> str:
    """Names separated by commas, for messages."""
    return ", ".join(sorted(item.name for item in items))
