"""Expressions as LaTeX, for people: pages, reports and notebooks. No proof and no kernel depends on this.

The language makes bound indices fresh under their old names; here they are renamed, so that no two indices in scope
look alike. Large expressions become readable by naming known parts: :func:`abbreviate` writes ``S_ij`` wherever the
definition of S occurs, whatever its bound indices are called there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sympy as sp
from sympy.core.alphabets import greeks
from sympy.printing.latex import LatexPrinter, tex_greek_dictionary
from sympy.printing.precedence import PRECEDENCE

from derivations.algebra.language import Array, Delta, Entry, Index, Largest, Range, Tensor, Total, free_indices

Definition = tuple[Array, Tensor]
_GREEK = {*greeks, "lambda", "ell", *tex_greek_dictionary} - {"lamda", "omicron"}  # TeX has no names for these two


def typeset(expr: sp.Expr, symbols: Mapping[sp.Symbol, str] | None = None) -> str:
    """LaTeX of an expression; ``symbols`` gives the LaTeX of symbols whose names are no formulas."""
    return str(_Printer({"symbol_names": dict(symbols or {}), "mul_symbol": r"\,"}).doprint(name_bound_indices(expr)))


def typeset_entry(array: Array, indices: Sequence[Index]) -> str:
    """LaTeX of one entry, also for arrays without indices."""
    return _with_indices(array_name(array), indices)


def array_name(array: Array) -> str:
    """The array's symbol, or its name in upright letters."""
    return array.latex if array.latex != array.name else upright(array.name)


def upright(name: str) -> str:
    """A name of several letters, set as one; Greek letters by their names."""
    if name in _GREEK:
        return f"\\{name}"
    return name if len(name) == 1 else rf"\mathrm{{{name.replace('_', ' ').replace(' ', chr(92) + ' ')}}}"


def _with_indices(symbol: str, indices: Sequence[Index]) -> str:
    if not indices:
        return symbol
    return f"{{{symbol}}}_{{{' '.join(index.name for index in indices)}}}"


# --- names of bound indices -------------------------------------------------------------------------------------


SPARE = "pqstuvwabcdfgh"  # letters for indices that need another name


def name_bound_indices(expr: sp.Expr) -> sp.Expr:
    """Rename indices so that two different ones in one scope have different names."""
    letters: dict[Range, list[str]] = {}
    for index in sorted(expr.atoms(Index), key=lambda index: (index.name, index.serial)):
        names = letters.setdefault(index.range, [])
        if index.name not in names:
            names.append(index.name)
    occupied = {name for names in letters.values() for name in names}
    occupied |= {array_name(array) for array in expr.atoms(Array)} | {item.name for item in expr.atoms(sp.Symbol)}
    spare = [letter for letter in SPARE if letter not in occupied]
    pools = {over: names + spare for over, names in letters.items()}
    free = sorted(free_indices(expr), key=lambda index: (index.serial, index.name))
    taken: set[str] = set()
    for index in free:
        name = _unused(index.name, pools[index.range], taken)
        taken.add(name)
        expr = expr if name == index.name else expr.xreplace({index: Index(name, index.range)})
    return _named(expr, pools, taken)


def distinct(indices: Sequence[Index]) -> tuple[Index, ...]:
    """The indices under names that differ, to write a tensor's entry at."""
    taken: set[str] = set()
    found = []
    for index in indices:
        name = _unused(index.name, SPARE, taken)
        taken.add(name)
        found.append(Index(name, index.range))
    return tuple(found)


def _named(expr: sp.Expr, pools: Mapping[Range, Sequence[str]], taken: set[str]) -> sp.Expr:
    if isinstance(expr, Total | Largest):
        bound = expr.bound
        name = _unused(bound.name, pools[bound.range], taken)
        renamed = Index(name, bound.range, -3)
        inner = [_named(arg.xreplace({bound: renamed}), pools, taken | {name}) for arg in _summands(expr)]
        return type(expr)(inner[0], renamed, *inner[1:])
    if not expr.args or isinstance(expr, Entry | Delta):
        return expr
    return expr.func(*(_named(arg, pools, taken) for arg in expr.args))


def _summands(expr: sp.Expr) -> tuple[sp.Expr, ...]:
    return (expr.args[0], *expr.args[2:])


def _unused(wanted: str, pool: Sequence[str], taken: set[str]) -> str:
    for name in (wanted, *pool):
        if name not in taken:
            return name
    while wanted in taken:
        wanted += "'"
    return wanted


# --- abbreviations ----------------------------------------------------------------------------------------------


def abbreviate(expr: sp.Expr, definitions: Sequence[Definition]) -> sp.Expr:
    """Write the name of a definition wherever its expression occurs, with whatever indices."""
    for array, meaning in definitions:
        expr = _abbreviated(expr, array, meaning)
    return expr


def _abbreviated(expr: sp.Expr, array: Array, meaning: Tensor) -> sp.Expr:
    found = _find(_factors(meaning.expr), _factors(expr), {}, frozenset(meaning.free))
    if found is not None:
        binding, rest = found
        return array[tuple(binding[index] for index in meaning.free)] * _abbreviated(sp.Mul(*rest), array, meaning)
    if not expr.args or isinstance(expr, Entry | Delta | Index):
        return expr
    if isinstance(expr, Total | Largest):
        inner = [_abbreviated(arg, array, meaning) for arg in _summands(expr)]
        return type(expr)(inner[0], expr.bound, *inner[1:])
    return expr.func(*(_abbreviated(arg, array, meaning) for arg in expr.args))


def _factors(expr: sp.Expr) -> list[sp.Expr]:
    """The factors of a product, whole powers written as repeated factors."""
    found: list[sp.Expr] = []
    for factor in sp.Mul.make_args(expr):
        if isinstance(factor, sp.exp):  # SymPy writes exp(u)² as exp(2u)
            times, argument = factor.args[0].as_coeff_Mul()
            whole = abs(int(times)) if times.is_Integer else 1
            found += [sp.exp(argument * times / whole)] * whole
            continue
        base, exponent = factor.as_base_exp()
        if exponent.is_Integer:
            found += [base if exponent > 0 else 1 / base] * abs(int(exponent))
        else:
            found.append(factor)
    return found


Binding = dict[Index, Index]


def _find(
    wanted: Sequence[sp.Expr], factors: list[sp.Expr], binding: Binding, free: frozenset[Index]
) -> tuple[Binding, list[sp.Expr]] | None:
    """Match every wanted expression with one of the factors; the binding, and the factors that are left."""
    if not wanted:
        return binding, factors
    for number, factor in enumerate(factors):
        for matched in _match(wanted[0], factor, binding, free):
            found = _find(wanted[1:], factors[:number] + factors[number + 1 :], matched, free)
            if found is not None:
                return found
    return None


def _match(pattern: Any, expr: Any, binding: Binding, free: frozenset[Index]) -> Iterator[Binding]:
    """All ways to read ``pattern`` as ``expr``: its free indices stand for any, its bound ones for bound ones."""
    if isinstance(pattern, Index):
        if isinstance(expr, Index) and pattern.range == expr.range:
            if pattern in binding:
                if binding[pattern] == expr:
                    yield binding
            elif pattern in free:
                yield {**binding, pattern: expr}
        return
    if pattern.func != expr.func or len(pattern.args) != len(expr.args) or not pattern.args:
        if pattern == expr:
            yield binding
        return
    if isinstance(pattern, Total | Largest):
        if pattern.bound.range == expr.bound.range:
            within = {**binding, pattern.bound: expr.bound}
            yield from _match_all(_summands(pattern), _summands(expr), within, free)
    elif isinstance(pattern, sp.Add | sp.Mul):
        yield from _match_unordered(pattern.args, list(expr.args), binding, free)
    else:
        yield from _match_all(pattern.args, expr.args, binding, free)


def _match_all(
    patterns: Sequence[Any], exprs: Sequence[Any], binding: Binding, free: frozenset[Index]
) -> Iterator[Binding]:
    if not patterns:
        yield binding
        return
    for matched in _match(patterns[0], exprs[0], binding, free):
        yield from _match_all(patterns[1:], exprs[1:], matched, free)


def _match_unordered(
    patterns: Sequence[Any], exprs: list[Any], binding: Binding, free: frozenset[Index]
) -> Iterator[Binding]:
    if not patterns:
        yield binding
        return
    for number, expr in enumerate(exprs):
        for matched in _match(patterns[0], expr, binding, free):
            yield from _match_unordered(patterns[1:], exprs[:number] + exprs[number + 1 :], matched, free)


# --- LaTeX ------------------------------------------------------------------------------------------------------


class _Printer(LatexPrinter):
    """SymPy's printer, with sums in brackets wherever something follows them."""

    def _print_Entry(self, expr: Entry, exp: str | None = None) -> str:
        text = typeset_entry(expr.array, expr.indices)
        return text if exp is None else f"{{{text}}}^{{{exp}}}"

    def _print_Total(self, expr: Total) -> str:
        bounds, inner = [], expr
        while isinstance(inner, Total):
            bounds.append(inner.bound.name)
            inner = inner.summand
        return rf"\sum_{{{', '.join(bounds)}}} \, {self._summand(inner)}"

    def _print_Largest(self, expr: Largest) -> str:
        admitted = "" if expr.where is None else rf":\, {self._print(expr.where)} = 1"
        return rf"\max_{{{expr.bound.name}{admitted}}} \, {self._summand(expr.summand)}"

    def _summand(self, expr: sp.Expr) -> str:
        level = PRECEDENCE["Atom"] if expr.is_Mul and expr.could_extract_minus_sign() else PRECEDENCE["Mul"]
        return self.parenthesize(expr, level, strict=True)

    def _print_Delta(self, expr: Delta, exp: str | None = None) -> str:
        return rf"\delta_{{{expr.args[0].name} {expr.args[1].name}}}"

    def _print_ExpBase(self, expr: sp.exp, exp: str | None = None) -> str:
        argument = expr.args[0]
        if not argument.has(Total) and exp is None and not argument.is_Add:
            return f"e^{{{self._print(argument)}}}"
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"\exp{power}\left({self._print(argument)}\right)"

    def _print_Symbol(self, expr: sp.Symbol, style: str = "plain") -> str:
        name: str | None = self._settings["symbol_names"].get(expr)
        if name is not None:
            return name
        several = "_" in expr.name or (len(expr.name) > 2 and expr.name not in _GREEK)
        return upright(expr.name) if several else str(super()._print_Symbol(expr, style))

    def _print_Rational(self, expr: sp.Rational) -> str:
        power = len(str(expr.q)) - 1
        if expr.p == 1 and power > 3 and expr.q == 10**power:
            return f"10^{{-{power}}}"
        return str(super()._print_Rational(expr))

    def _print_Add(self, expr: sp.Add, order: str | None = None) -> str:
        terms = sorted(self._as_ordered_terms(expr, order=order), key=lambda term: term.could_extract_minus_sign())
        text = str(self._print(terms[0]))
        for term in terms[1:]:
            if term.could_extract_minus_sign():
                inner = -term
                text += f" - {self.parenthesize(inner, PRECEDENCE['Add']) if inner.is_Add else self._print(inner)}"
            else:
                text += f" + {self._print(term)}"
        return text

    def _needs_brackets(self, expr: sp.Expr) -> bool:
        return isinstance(expr, Total | Largest) or bool(super()._needs_brackets(expr))

    def _needs_mul_brackets(self, expr: sp.Expr, first: bool = False, last: bool = False) -> bool:
        if isinstance(expr, Total | Largest):
            return not last
        return bool(super()._needs_mul_brackets(expr, first, last))

    def _helper_print_standard_power(self, expr: sp.Pow, template: str) -> str:
        if isinstance(expr.base, Total | Largest):
            return str(template % (rf"\left({self._print(expr.base)}\right)", self._print(expr.exp)))
        return str(super()._helper_print_standard_power(expr, template))

    def parenthesize(self, item: sp.Expr, level: int, is_neg: bool = False, strict: bool = False) -> str:
        if isinstance(item, Total | Largest):
            text = self._print(item)
            return rf"\left({text}\right)" if level > PRECEDENCE["Mul"] else str(text)
        return str(super().parenthesize(item, level, is_neg, strict))
