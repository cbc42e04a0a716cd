"""A program: named steps that compute a lemma's map stably, proved equal to what was derived.

A step defines one array, entry by entry, from inputs and from earlier steps. A *stabiliser* (a shift by the maximum)
is a step whose value must not matter: the proof leaves it free, so it holds for whatever rounding does to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy as sp

from derivations.algebra.bound import Bound
from derivations.algebra.language import (
    Array,
    Entry,
    Index,
    Largest,
    Tensor,
    arrays_in,
    free_indices,
    names,
    substitute,
)


@dataclass(frozen=True)
class Step:
    """``target = value`` for all values of the target's indices."""

    target: Entry
    value: sp.Expr
    stabiliser: bool = False

    @property
    def array(self) -> Array:
        return self.target.array

    @property
    def free(self) -> tuple[Index, ...]:
        return self.target.indices


def step(target: Entry, value: object) -> Step:
    """An ordinary step."""
    return Step(target, sp.sympify(value))


def stabiliser(target: Entry, value: object) -> Step:
    """A step on whose value no result may depend."""
    return Step(target, sp.sympify(value), stabiliser=True)


@dataclass(frozen=True)
class Program:
    """Inputs, steps and outputs of one kernel.

    ``means`` gives the formula that each output must equal. ``alias`` lets a step live in the memory of an output.
    ``grid_only`` marks programs that need one patch shape for all nodes. ``bound`` states the kernel's rounding
    error, and may be written in the values of the steps.
    """

    name: str
    title: str
    inputs: tuple[Array | sp.Symbol, ...]
    steps: tuple[Step, ...]
    outputs: tuple[Array, ...]
    means: Mapping[Array, Tensor]
    requires: tuple[str, ...]
    ensures: tuple[str, ...]
    bound: Bound
    scratch: tuple[Array, ...] = ()
    alias: Mapping[Array, Array] = field(default_factory=dict)
    grid_only: bool = False

    def __post_init__(self) -> None:
        known: set[Array] = {item for item in self.inputs if isinstance(item, Array)}
        for item in self.steps:
            unknown = arrays_in(item.value) - known
            if unknown:
                raise ValueError(f"{self.name}: step {item.array.name} reads {names(unknown)} before it is computed")
            if len(set(item.free)) != len(item.free):
                raise ValueError(f"{self.name}: step {item.array.name} repeats an index on its left")
            if stray := free_indices(item.value) - set(item.free):
                raise ValueError(f"{self.name}: step {item.array.name} leaves the index {names(stray)} open")
            if not item.stabiliser and item.value.has(Largest):
                raise ValueError(f"{self.name}: step {item.array.name} takes a maximum, so it must be a stabiliser")
            if item.array in known:
                raise ValueError(f"{self.name}: {item.array.name} is defined twice")
            known.add(item.array)
        if missing := set(self.outputs) - known:
            raise ValueError(f"{self.name}: no step computes {names(missing)}")
        self.bound.refuse_unknown(self.name, known, set(self.outputs))
        if unstated := set(self.outputs) - set(self.scratch) - set(self.means):
            raise ValueError(f"{self.name}: nothing is claimed of the output {names(unstated)}")

    @property
    def computed(self) -> dict[Array, Step]:
        """Steps by the array they define."""
        return {item.array: item for item in self.steps}

    def inlined(self, output: Array) -> Tensor:
        """The output as one expression of the inputs, its stabilisers left free."""
        definitions: dict[Array, Tensor] = {}
        for item in self.steps:
            if not item.stabiliser:
                definitions[item.array] = Tensor(item.free, substitute(item.value, definitions))
        return definitions[output]
