"""The Gateaux differential of a map and its adjoint, derived and never typed.

The differential follows the curve ``x + e dx`` and differentiates at ``e = 0``; this passes through sums of symbolic
size without a single Kronecker delta. The adjoint reads off the coefficient of the direction: it is the pairing with
the covector, evaluated at the direction that is 1 at one entry and 0 elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from derivations.algebra.language import Array, Delta, Index, Tensor, substitute, tensor, total

_STEP = sp.Symbol("e")


def differential(mapping: Tensor, directions: Mapping[Array, Array | Tensor]) -> Tensor:
    """The derivative of ``mapping`` along ``directions`` (variable -> direction)."""
    curve = {
        variable: (lambda *at, x=variable, dx=direction: x[at] + _STEP * dx[at])
        for variable, direction in directions.items()
    }
    moved = substitute(mapping.expr, curve)
    return Tensor(mapping.free, moved.diff(_STEP).xreplace({_STEP: sp.Integer(0)}))


def derivative(mapping: Tensor, symbol: sp.Symbol) -> Tensor:
    """The derivative of ``mapping`` with respect to a scalar symbol (a time, a scale)."""
    return Tensor(mapping.free, mapping.expr.diff(symbol))


def pairing(left: Tensor | Array, right: Tensor) -> sp.Expr:
    """The inner product: the sum over all entries of the product."""
    return total(left[right.free] * right.expr, *right.free)


def adjoint(mapping: Tensor, variable: Array, covector: Array | Tensor, at: tuple[Index, ...]) -> Tensor:
    """The adjoint differential of ``mapping`` with respect to ``variable``, applied to ``covector``.

    Its entry ``at`` is the derivative of <covector, mapping> in the direction that is 1 at ``at`` and 0 elsewhere.
    """

    place = tuple(index.fresh() for index in at)

    def unit(*indices: Index) -> sp.Expr:
        return sp.Mul(*(Delta(index, here) for index, here in zip(indices, place, strict=True)))

    curve = {variable: lambda *indices: variable[indices] + _STEP * unit(*indices)}
    moved = substitute(mapping.expr, curve)
    along = Tensor(mapping.free, moved.diff(_STEP).xreplace({_STEP: sp.Integer(0)}))
    return tensor(at, pairing(covector, along).xreplace(dict(zip(place, at, strict=True))))
