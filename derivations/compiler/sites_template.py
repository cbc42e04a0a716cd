"""Stage 2 on sites: the visited range has no neighbours, so that one loop over a block of sites serves all.

Numbers take the type of the arrays: beside a literal, which is a float64, single precision would be widened and
narrowed again at every operation.
"""

from __future__ import annotations

import re

import sympy as sp

from derivations.algebra.program import Program
from derivations.compiler.block_text import storage_axes
from derivations.compiler.grid_template import GridBlock
from derivations.compiler.loop_nest import Accumulate, LoopNest, Phase, Term
from derivations.compiler.lowering import SITES, NotCompilable, arrays_of

_NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.])")

_WORD = re.compile(r"[a-z_]\w*")


class SitesBlock(GridBlock):
    """Loops over ordinary ranges outside, the loop over the sites of the block inside."""

    def __init__(self, program: Program, phase: Phase) -> None:
        super().__init__(program, phase)
        self.rows: dict[str, str] = {}

    def node_field(self, nest: LoopNest) -> None:
        if any(term.guard is not None for term in nest.terms):
            raise NotCompilable(f"{self.program.name}: step {nest.target.array.name} has a mask, which sites know not")
        super().node_field(nest)

    def _runs(self, term: Term, target: str) -> None:
        """Term by term: the ranges summed over have one to three members, too few for runs."""
        self._term(term, Accumulate.ADD, target)

    def text(self, value: sp.Expr) -> str:
        return _NUMBER.sub(self._typed, super().text(value))

    def prelude(self) -> list[str]:
        source = next(array for array in arrays_of(self.program) if SITES in storage_axes(array))
        numbers = [f"{name} = {source.name}.dtype.type({number})" for number, name in sorted(self.numbers.items())]
        return [f"    {line}" for line in (*numbers, *(f"{name} = {row}" for row, name in self.rows.items()))]

    def add_reads(self) -> None:
        """Rows that no loop variable moves are named once, before all loops."""
        moving = {word for place in self.variables.values() for word in _WORD.findall(place)}
        still = {source: name for source, name in self.reads.items() if not moving & set(_WORD.findall(source))}
        self.rows.update(still)
        self.reads = {source: name for source, name in self.reads.items() if source not in still}
        super().add_reads()

    def _typed(self, found: re.Match[str]) -> str:
        number = found.group(0)
        return self.numbers.setdefault(number, f"number_{number.removesuffix('.0').replace('.', '_')}")
