"""Stage 2 on general graphs: neighbours come from compressed sparse rows, weights are one number per edge.

The loop over nodes is outside the loop over their edges; sums go into a scalar. A transposed sum walks the edges that
end in a node, listed in advance.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from derivations.algebra.language import Entry
from derivations.compiler.block_text import BlockText, is_transposed, start_value
from derivations.compiler.loop_nest import Accumulate, Edge, LoopNest, Term
from derivations.compiler.lowering import NEIGHBOURS, NODES


class GraphBlock(BlockText):
    """Loops over the nodes of the block outside, loops over their edges inside."""

    def node_field(self, nest: LoopNest) -> None:
        nodes = self.lines.block("for node in range(start, stop):")
        with self.loops(nest.over), nodes, self.edge_loop(nest.edge, is_transposed(nest)):
            target = self._place(nest.target)
            if nest.how is Accumulate.SET:
                (term,) = nest.terms
                value = self.text(term.value)
                guard = self.read(term.guard) if term.guard is not None else ""
                self.add_reads()
                self.assign(target, value, guard)
                return
            self.lines.add(f"sum_ = {start_value(nest.how)}")
            for term in nest.terms:
                self._term(term, nest.how)
            self.lines.add(f"{target} = sum_")

    def block_term(self, term: Term) -> None:
        with self.loops(term.over), self.lines.block("for node in range(start, stop):"):
            self._inner(term, Accumulate.ADD)

    def _term(self, term: Term, how: Accumulate) -> None:
        with self.loops(term.over):
            self._inner(term, how)

    def _inner(self, term: Term, how: Accumulate) -> None:
        with self.edge_loop(term.edge, is_transposed(term)):
            value = self.text(term.value)
            statement = f"sum_ += {value}" if how is Accumulate.ADD else f"sum_ = max(sum_, {value})"
            guard = self.read(term.guard) if term.guard is not None else ""
            self.add_reads()
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
        if transposed:
            self.lines.add("for entry in range(transpose_indptr[node], transpose_indptr[node + 1]):")
            self.lines.depth += 1
            self.lines.add("edge = transpose_edges[entry]")
            self.lines.add("near = transpose_nodes[entry]")
        else:
            self.lines.add("for edge in range(indptr[node], indptr[node + 1]):")
            self.lines.depth += 1
            if edge.far is not None:
                self.lines.add("near = indices[edge]")
        self.far = edge.far
        yield
        self.lines.depth, self.far = depth, before

    def read(self, entry: Entry) -> str:
        if not entry.indices:
            return str(entry.array.name)
        near = self.far is not None and self.far in entry.indices and not entry.array.sparse
        return self.named(self._place(entry), f"{'near' if near else 'this'}_{entry.array.name}")

    def _place(self, entry: Entry) -> str:
        axes = [over.name for over in entry.array.axes]
        array = self.home(entry.array)
        if axes.count(NODES) == 2 or axes == [NODES, NEIGHBOURS]:
            return f"{array.name}[edge]"
        if NODES not in axes:
            return f"{array.name}[{', '.join(self.other_indices(entry))}]"
        if self.is_temporary(entry.array):
            return f"work[{self.temporary_row(entry)}, node - start]"
        node = "near" if self.far is not None and self.far in entry.indices else "node"
        return f"{array.name}[{', '.join([*self.other_indices(entry), node])}]"
