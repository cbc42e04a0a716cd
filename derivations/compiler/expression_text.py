"""The text of a sum-free expression, the same for every hash seed and SymPy version.

SymPy sorts the operands of sums and products by rules of its own; here they are sorted by their text. Grouping that
matters for rounding is kept by naming steps, not by parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import sympy as sp

from derivations.algebra.bound import Line
from derivations.algebra.language import Delta, Entry, Largest, Magnitude, Total

EntryText = Callable[[Entry], str]


def expression_text(expr: sp.Expr, entry_text: EntryText) -> str:
    """Python text of ``expr``, with ``entry_text`` deciding how an array entry is read."""
    return _Writer(entry_text).sum(expr)


def canonical_text(expr: sp.Expr) -> str:
    """A text of any expression of the language, free of serial numbers: what checksums are taken of."""
    return _Writer(lambda e: f"{e.array.name}[{', '.join(index.name for index in e.indices)}]").sum(expr)


def bound_text(line: Line, error: bool) -> str:
    """One line of an error bound for readers: whole numbers without a decimal point."""
    value = re.sub(r"(?<![\w.])(\d+)\.0\b", r"\1", canonical_text(line.value))
    target = canonical_text(line.target) if line.free else line.array.name
    return f"|error of {target}| <= {value}" if error else f"{target} = {value}"


class _Writer:
    def __init__(self, entry_text: EntryText) -> None:
        self.entry_text = entry_text

    def sum(self, expr: sp.Expr) -> str:
        if not isinstance(expr, sp.Add):
            return self.product(expr)
        signed = sorted((_is_negative(term), self.product(-term if _is_negative(term) else term)) for term in expr.args)
        first_negative, first = signed[0]
        text = f"-{first}" if first_negative else first
        for negative, term in signed[1:]:
            text += f" - {term}" if negative else f" + {term}"
        return text

    def product(self, expr: sp.Expr) -> str:
        if isinstance(expr, sp.Pow) and expr.exp.is_Integer and expr.exp > 0:
            return " * ".join([self.power(expr.base)] * int(expr.exp))
        if isinstance(expr, sp.Pow) and expr.exp.is_Rational and expr.exp < 0:
            return f"1.0 / {self.power(expr.base**-expr.exp)}"
        if not isinstance(expr, sp.Mul):
            return self.power(expr)
        if _is_negative(expr):
            return f"-{self.product(-expr)}"
        above, below, number = [], [], sp.Integer(1)
        for factor in expr.args:
            if factor.is_Rational:
                number = number * factor
                continue
            base, exponent = factor.as_base_exp()
            if exponent.is_Rational and exponent < 0:
                below.append(self.power(base**-exponent))
            else:
                above.append(self.power(factor))
        above.sort(key=lambda text: (text.startswith("("), text))
        if number.p != 1 or not above:
            above.insert(0, f"{number.p}.0")
        if number.q != 1:
            below.append(f"{number.q}.0" if number.q < 10**15 else repr(float(number.q)))
        below.sort()
        text = " * ".join(above)
        if below:
            text += f" / {below[0]}" if len(below) == 1 else f" / ({' * '.join(below)})"
        return text

    def power(self, expr: sp.Expr) -> str:
        if isinstance(expr, Entry):
            return self.entry_text(expr)
        if isinstance(expr, sp.Symbol):
            return str(expr.name)
        if expr.is_Integer:
            return f"{expr}.0" if expr >= 0 else f"(-{-expr}.0)"
        if expr.is_Rational:
            return f"({expr.p}.0 / {expr.q}.0)" if expr.q < 10**15 else repr(float(expr))
        if isinstance(expr, sp.exp):
            return f"exp({self.sum(expr.args[0])})"
        if isinstance(expr, sp.log):
            return f"log({self.sum(expr.args[0])})"
        if isinstance(expr, Total | Largest):
            name = "total" if isinstance(expr, Total) else "largest"
            where = f" where {self.entry_text(expr.where)}" if isinstance(expr, Largest) and expr.where else ""
            return f"{name}({self.sum(expr.summand)}, {expr.bound.name}{where})"
        if isinstance(expr, Magnitude):
            return f"|{self.sum(expr.inner)}|"
        if isinstance(expr, Delta):
            return f"delta({expr.args[0].name}, {expr.args[1].name})"
        if isinstance(expr, sp.Pow):
            return self._pow(expr)
        return f"({self.sum(expr)})"

    def _pow(self, expr: sp.Pow) -> str:
        base, exponent = expr.args
        if exponent == sp.Rational(1, 2):
            return f"sqrt({self.sum(base)})"
        if exponent.is_Integer and exponent > 0:
            return "(" + " * ".join([self.power(base)] * int(exponent)) + ")"
        if exponent.is_Rational and exponent > 0 and exponent.q == 2:
            return "(" + " * ".join([self.power(base)] * int(exponent) + [f"sqrt({self.sum(base)})"]) + ")"
        if exponent.is_Rational and exponent < 0:
            return f"(1.0 / {self.power(base**-exponent)})"
        return f"({self.power(base)} ** {self.power(exponent)})"


def _is_negative(term: sp.Expr) -> bool:
    return bool(term.could_extract_minus_sign()) if term.is_Rational else bool(term.as_coeff_Mul()[0] < 0)
