"""Stage 2 on grids: the neighbours of a node lie at constant offsets in the flat, padded array.

So the innermost loop runs over a block of consecutive nodes: no branch at the border (halo weights are zero), no
reduction across SIMD lanes (so no reordering of sums is needed), any dimension and radius.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from derivations.algebra.language import Entry
from derivations.compiler.block_text import BlockText, is_transposed, start_value
from derivations.compiler.loop_nest import Accumulate, Edge, LoopNest, Term
from derivations.compiler.lowering import NEIGHBOURS, NODES


class GridBlock(BlockText):
    """Loops over neighbours outside, loops over the nodes of the block inside."""

    def node_field(self, nest: LoopNest) -> None:
        with self.loops(nest.over), self.edge_loop(nest.edge, is_transposed(nest)):
            target = self._row_text(nest.target)
            self.lines.add(f"out_p = {target}")
            terms = list(nest.terms)
            if nest.how is Accumulate.SET:
                self._term(terms[0], Accumulate.SET, "out_p[p]")
                return
            opening = terms[0] if _is_plain(terms[0]) and nest.how is Accumulate.ADD else None
            if opening is not None:
                self._term(terms.pop(0), Accumulate.SET, "out_p[p]")
            else:
                with self.lines.block("for p in range(count):"):
                    self.lines.add(f"out_p[p] = {start_value(nest.how)}")
            for term in terms:
                self._term(term, nest.how, "out_p[p]")

    def block_term(self, term: Term) -> None:
        self._term(term, Accumulate.ADD, "sum_")

    def _term(self, term: Term, how: Accumulate, target: str) -> None:
        with self.loops(term.over), self.edge_loop(term.edge, is_transposed(term)):
            value = self.text(term.value)
            guard = self.read(term.guard) if term.guard is not None else ""
            self.add_reads()
            with self.lines.block("for p in range(count):"):
                self._assign(how, target, value, guard)

    def _assign(self, how: Accumulate, target: str, value: str, guard: str) -> None:
        if how is Accumulate.SET:
            self.assign(target, value, guard)
            return
        if how is Accumulate.ADD:
            statement = f"{target} += {value}"
        else:
            statement = f"{target} = max({target}, {value})"
        if guard:
            with self.lines.block(f"if {guard} > 0.0:"):
                self.lines.add(statement)
        else:
            self.lines.add(statement)

    @contextmanager
    def edge_loop(self, edge: Edge | None, transposed: bool) -> Iterator[None]:
        if edge is None:
            yield
            return
        depth, before = self.lines.depth, self.far
        variable = "neighbour"
        if edge.slot is not None:
            variable = self.name_variable(edge.slot)
        self.lines.add(f"for {variable} in range({NEIGHBOURS}):")
        self.lines.depth += 1
        if edge.far is not None:
            self.far = edge.far
            sign = "-" if transposed else "+"
            self.lines.add(f"near = start {sign} offsets[{variable}]")
        yield
        self.lines.depth, self.far = depth, before
        if edge.slot is not None:
            del self.variables[edge.slot]

    def read(self, entry: Entry) -> str:
        if all(over.name != NODES for over in entry.array.axes):
            row = f"{entry.array.name}[{', '.join(self.other_indices(entry))}]" if entry.indices else entry.array.name
            return self.named(row, f"this_{entry.array.name}")
        at_neighbour = self._lies_at_neighbour(entry)
        name = f"{'near_' if at_neighbour else ''}{entry.array.name}"
        return f"{self.named(self._row_text(entry), f'{name}_p')}[p]"

    def _lies_at_neighbour(self, entry: Entry) -> bool:
        if entry.array.sparse:  # a sparse pair is stored at its first node
            return self.far is not None and entry.indices[0] == self.far
        return self.far is not None and self.far in entry.indices

    def _row_text(self, entry: Entry) -> str:
        if self.is_temporary(entry.array):
            return f"work[{self.temporary_row(entry)}]"
        array = self.home(entry.array)
        others = ["neighbour"] if _is_pair(entry) else self.other_indices(entry)
        nodes = "near : near + count" if self._lies_at_neighbour(entry) else "start:stop"
        return f"{array.name}[{', '.join([*others, nodes])}]"


def _is_pair(entry: Entry) -> bool:
    return sum(over.name == NODES for over in entry.array.axes) == 2


def _is_plain(term: Term) -> bool:
    return not term.over and term.edge is None and term.guard is None
