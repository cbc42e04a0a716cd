"""Stage 2 on grids: the neighbours of a node lie at constant offsets in the flat, padded array.

So the innermost loop runs over a block of consecutive nodes: no branch at the border (halo weights are zero), no
reduction across SIMD lanes (so no reordering of sums is needed), any dimension and radius.

Sums are taken several terms at a time, which saves passes over what they are added to: nine neighbours (all those of
a 3x3 patch), four of anything else, and what is left one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from derivations.algebra.language import Entry
from derivations.compiler.block_text import LINE_LENGTH, BlockText, is_transposed, signed_terms, size_name, start_value
from derivations.compiler.loop_nest import Accumulate, Edge, LoopNest, Term
from derivations.compiler.lowering import NEIGHBOURS, NODES, VISITED

NEIGHBOUR = "neighbour"  # the loop variable over neighbours
NEIGHBOURS_AT_ONCE, TERMS_AT_ONCE = 9, 4


class GridBlock(BlockText):
    """Loops over neighbours outside, loops over the nodes of the block inside."""

    def node_field(self, nest: LoopNest) -> None:
        with self.loops(nest.over), self.edge_loop(nest.edge, is_transposed(nest)):
            target = self._row_text(nest.target)
            self.lines.add(f"out_p = {target}")
            self.out_row = target
            terms = list(nest.terms)
            if nest.how is Accumulate.SET:
                self._term(terms[0], Accumulate.SET, "out_p[p]")
                return
            opening = terms[0] if nest.how is Accumulate.ADD and _can_open(terms[0]) else None
            if opening is not None and opening.edge is not None:
                self._runs(terms.pop(0), "out_p[p]", opens=True)
            elif opening is not None:
                self._term(terms.pop(0), Accumulate.SET, "out_p[p]")
            else:
                with self.lines.block("for p in range(count):"):
                    self.lines.add(f"out_p[p] = {start_value(nest.how)}")
            for term in terms:
                if nest.how is Accumulate.ADD and term.guard is None and (term.over or term.edge is not None):
                    self._runs(term, "out_p[p]", opens=False)
                else:
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

    def _runs(self, term: Term, target: str, opens: bool) -> None:
        """Add a sum to the target, several terms at a time; with ``opens``, its first terms replace the target."""
        if term.edge is not None:
            outer, variable, size, at_once = term.over, self._edge_variable(term.edge), NEIGHBOURS, NEIGHBOURS_AT_ONCE
        else:
            outer = term.over[:-1]
            variable, size = self.name_variable(term.over[-1]), size_name(self.program, term.over[-1].range)
            at_once = TERMS_AT_ONCE
        with self.loops(outer):
            whole = f"{size} // {at_once} * {at_once}"
            with self.lines.block(f"for {variable} in range(0, {whole}, {at_once}):"):
                self._run(term, target, variable, at_once, opens)
            with self.lines.block(f"for {variable} in range({whole}, {size}):"):
                self._run(term, target, variable, 1, opens)
        self._forget(term)

    def _run(self, term: Term, target: str, variable: str, count: int, opens: bool) -> None:
        depth, before = self.lines.depth, self.far
        values = []
        for step in range(count):
            where = f"{variable} + {step}" if step else variable
            if term.edge is None:
                self.variables[term.over[-1]] = where
            else:
                self.slot = where
                if term.edge.slot is not None:
                    self.variables[term.edge.slot] = where
                if term.edge.far is not None:
                    self.far = term.edge.far
                    self.near = f"near{step + 1}" if step else "near"
                    sign = "-" if is_transposed(term) else "+"
                    self.lines.add(f"{self.near} = start {sign} offsets[{where}]")
            values.append(self.text(term.value))
        self.add_reads()
        self.lines.depth, self.far, self.near, self.slot = depth, before, "near", NEIGHBOUR
        if opens:
            with self.lines.block(f"if {variable} == 0:"), self.lines.block("for p in range(count):"):
                self._sum(f"{target} = ", values)
            with self.lines.block("else:"), self.lines.block("for p in range(count):"):
                self._sum(f"{target} += ", values)
        else:
            with self.lines.block("for p in range(count):"):
                self._sum(f"{target} += ", values)

    def _sum(self, head: str, values: list[str]) -> None:
        """Assign a sum: on one line if it fits, else term by term."""
        terms = [term for value in values for term in signed_terms(value)]
        text = "".join(f" {sign} {term}" for sign, term in terms)
        line = head + (text[3:] if text.startswith(" + ") else f"-{text[3:]}")
        if 4 * self.lines.depth + len(line) <= LINE_LENGTH:
            self.lines.add(line)
            return
        self.lines.add(f"{head}(")
        for position, (sign, term) in enumerate(terms):
            lead = f"{sign} " if position else sign.replace("+", "")
            self.lines.add(f"    {lead}{term}")
        self.lines.add(")")

    def _edge_variable(self, edge: Edge) -> str:
        return NEIGHBOUR if edge.slot is None else self.name_variable(edge.slot)

    def _forget(self, term: Term) -> None:
        """Take back the names of the loop variables of `_runs`."""
        if term.edge is None:
            del self.variables[term.over[-1]]
        elif term.edge.slot is not None:
            del self.variables[term.edge.slot]

    @contextmanager
    def edge_loop(self, edge: Edge | None, transposed: bool) -> Iterator[None]:
        if edge is None:
            yield
            return
        depth, before = self.lines.depth, self.far
        variable = NEIGHBOUR
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
        if all(over.name not in VISITED for over in entry.array.axes):
            row = f"{entry.array.name}[{', '.join(self.other_indices(entry))}]" if entry.indices else entry.array.name
            return self.named(row, f"this_{entry.array.name}")
        at_neighbour = self._lies_at_neighbour(entry)
        name = f"{'near_' if at_neighbour else ''}{entry.array.name}"
        row = self._row_text(entry)
        # Under two names the compiler would have to fear that the rows overlap, and would not vectorise the loop.
        return "out_p[p]" if row == self.out_row else f"{self.named(row, f'{name}_p')}[p]"

    def _lies_at_neighbour(self, entry: Entry) -> bool:
        if entry.array.sparse:  # a sparse pair is stored at its first node
            return self.far is not None and entry.indices[0] == self.far
        return self.far is not None and self.far in entry.indices

    def _row_text(self, entry: Entry) -> str:
        if self.is_temporary(entry.array):
            return f"work[{self.temporary_row(entry)}]"
        array = self.home(entry.array)
        others = [self.slot] if _is_pair(entry) else self.other_indices(entry)
        nodes = f"{self.near} : {self.near} + count" if self._lies_at_neighbour(entry) else "start:stop"
        return f"{array.name}[{', '.join([*others, nodes])}]"


def _is_pair(entry: Entry) -> bool:
    return sum(over.name == NODES for over in entry.array.axes) == 2


def _can_open(term: Term) -> bool:
    """Whether a sum may begin with this term: one value, or a sum over neighbours, of which there is at least one."""
    return not term.over and term.guard is None
