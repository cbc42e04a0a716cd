"""Random numbers for a claim: its arrays obey their declared sums, and what stands under a logarithm is positive."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from derivations.algebra.language import Array, Delta, Entry, Index, Range, Tensor, Total
from derivations.algebra.lemma import Claim
from verify.arithmetic import Arithmetic, ComplexFloats, Number
from verify.formulas import Evaluator


@dataclass(frozen=True)
class ClaimInstance:
    """Numbers for all arrays and symbols of a claim with directions."""

    claim: Claim
    sizes: Mapping[Range, int]
    arrays: Mapping[str, np.ndarray]
    scalars: Mapping[str, float]

    def direction(self) -> dict[str, np.ndarray]:
        """The direction of every variable, by the variable's name; tensors are evaluated first, to rounding."""
        values = self.direction_in(ComplexFloats())
        return {name: np.array(along, dtype=complex).real for name, along in values.items()}

    def direction_in(self, arithmetic: Arithmetic[Number]) -> dict[str, np.ndarray]:
        """The same as arrays of the arithmetic's numbers."""
        evaluator = self.evaluator(arithmetic, {})
        found: dict[str, np.ndarray] = {}
        for variable, direction in (self.claim.directions or {}).items():
            if isinstance(direction, Array):
                found[variable.name] = evaluator.arrays[direction.name]
            else:
                found[variable.name] = evaluator(direction)
        return found

    def evaluator(self, arithmetic: Arithmetic[Number], moved: Mapping[str, Any], **scalars: Any) -> Evaluator[Number]:
        """An evaluator at these numbers, with some arrays and symbols replaced."""
        return Evaluator(arithmetic, {**self.arrays, **moved}, {**self.scalars, **scalars}, self.sizes)


def claim_instance(claim: Claim, rng: np.random.Generator) -> ClaimInstance:
    """Sizes of two and three, entries of order one."""
    expressions = [claim.mapping.expr, claim.evaluated().expr]
    expressions += [d.expr for d in (claim.directions or {}).values() if isinstance(d, Tensor)]
    arrays: set[Array] = {entry.array for e in expressions for entry in e.atoms(Entry)}
    arrays |= {item for pair in (claim.directions or {}).items() for item in pair if isinstance(item, Array)}
    ranges = {over for array in arrays for over in array.axes} | _ranges_in(expressions)
    ranges |= {index.range for index in (*claim.mapping.free, *claim.evaluated().free)}
    sizes = {over: 2 + (position % 2) for position, over in enumerate(sorted(ranges))}
    positive = {entry.array for e in expressions for entry in _under_logarithms(e)}
    names = {over.size_name for over in ranges}
    symbols = {s.name for e in expressions for s in e.atoms(sp.Symbol)} - names
    values = {a.name: _draw(a, a in positive, sizes, rng) for a in sorted(arrays, key=lambda a: a.name)}
    return ClaimInstance(claim, sizes, values, {name: float(rng.uniform(0.4, 1.3)) for name in sorted(symbols)})


def _ranges_in(expressions: list[sp.Expr]) -> set[Range]:
    found: set[Range] = set()
    for node in itertools.chain.from_iterable(sp.preorder_traversal(e) for e in expressions):
        if isinstance(node, Total):
            found.add(node.bound.range)
        elif isinstance(node, Delta):
            found |= {index.range for index in node.args if isinstance(index, Index)}
    return found


def _under_logarithms(expr: sp.Expr) -> set[Entry]:
    found: set[Entry] = set()
    for node in sp.preorder_traversal(expr):
        power = isinstance(node, sp.Pow) and not (node.exp.is_Integer and node.exp > 0)
        if isinstance(node, sp.log) or power:
            found |= node.args[0].atoms(Entry)
    return found


def _draw(array: Array, positive: bool, sizes: Mapping[Range, int], rng: np.random.Generator) -> np.ndarray:
    shape = tuple(sizes[over] for over in array.axes)
    if array.mask:
        mask = (rng.random(shape) < 0.7).astype(float)
        mask[..., 0] = 1.0
        return mask
    values = rng.normal(size=shape)
    if positive or any(wanted != 0 for _, wanted in array.sums):
        values = np.exp(0.5 * values)
    for axis, wanted in array.sums:
        if wanted == 0:
            values = values - values.mean(axis=axis, keepdims=True)
        else:
            values = float(wanted) * values / values.sum(axis=axis, keepdims=True)
    return values
