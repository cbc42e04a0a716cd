"""Entire functions of commuting operators.

Left multiplication by one matrix and right multiplication by another commute (they are A⊗1 and 1⊗Bᵀ), and so do all
functions of one matrix. An identity between entire functions of commuting operators holds if and only if it holds for
scalars in their place: polynomials satisfy it termwise, and entire functions are limits of polynomials. So statements
about ``expm``, φ and Kronecker sums of matrices of any size are proved as identities in scalar symbols, which is what
:func:`commuting` names. Quotients like (e^a - e^b)/(a - b) stand for the entire functions that they extend to.
"""

from __future__ import annotations

import sympy as sp


def commuting(names: str) -> tuple[sp.Symbol, ...]:
    """Scalar stand-ins for operators that commute with each other."""
    return tuple(sp.Symbol(name) for name in names.split())


def phi(z: sp.Expr) -> sp.Expr:
    """φ(z) = (e^z - 1)/z, Eq. (2.24)."""
    return (sp.exp(z) - 1) / z
