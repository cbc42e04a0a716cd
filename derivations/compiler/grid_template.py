"""Stage 2 on grids: the neighbours of a node lie at constant offsets in the flat, padded array.

So the innermost loop runs over a block of consecutive nodes: no branch at the border (halo weights are zero), no
reduction across SIMD lanes (so no reordering of sums is needed), any dimension and radius.

Sums over neighbours are where time goes. Those of the two forms that occur, a field averaged with weights and products
of two fields for every neighbour, are calls of `laflow.neighbour_sums`. Other sums are taken several terms at a time,
which saves passes over what they are added to: nine neighbour numbers, four of anything else, what is left one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sympy as sp

from derivations.algebra.language import Entry, Index
from derivations.compiler.block_text import LINE_LENGTH, BlockText, is_transposed, signed_terms, size_name, start_value
from derivations.compiler.loop_nest import Accumulate, Edge, LoopNest, Phase, Term
from derivations.compiler.lowering import NEIGHBOURS, NODES, VISITED

NEIGHBOUR = "neighbour"  # the loop variable over neighbours
NEIGHBOURS_AT_ONCE, TERMS_AT_ONCE = 9, 4

# the functions of laflow.neighbour_sums
GATHER, GATHER_TRANSPOSED, ADD_PRODUCTS = NEIGHBOUR_SUMS = ("gather", "gather_transposed", "add_products")


class GridBlock(BlockText):
    """Loops over neighbours outside, loops over the nodes of the block inside."""

    def node_field(self, nest: LoopNest) -> None:
        if _is_average(nest):
            self._average(nest)
        elif _is_products(nest, self.phase):
            self._products(nest)
        else:
            self._loops_over_nodes(nest)

    def _average(self, nest: LoopNest) -> None:
        """All channels of a field averaged over neighbours, by one call."""
        (term,) = nest.terms
        pair, field = _pair_and_field(term)
        function = GATHER_TRANSPOSED if is_transposed(term) else GATHER
        with self.loops(nest.over[:-1]):
            target = self._all_channels(nest.target, nest.over[-1])
            where = self._whole_field(field, nest.over[-1])
            self.lines.add(f"{function}({target}, {where}, {pair.array.name}, offsets, start)")

    def _products(self, nest: LoopNest) -> None:
        """One number for every neighbour: sums of products over all axes of two fields, by one call a term."""
        assert nest.edge is not None
        self.lines.add(f"out = {self.home(nest.target.array).name}[:, start:stop]")
        self.lines.add("out[:, :] = 0.0")
        for term in nest.terms:
            field, factor = _field_and_factor(term, nest.edge)
            self.lines.add(f"field = {self._as_channels(field)}")
            self.lines.add(f"factors = {self._all_rows(factor)}")
            self.lines.add(f"{ADD_PRODUCTS}(out, field, factors, offsets, start)")

    def _as_channels(self, entry: Entry) -> str:
        """An array with all axes but the nodes as one."""
        name = self.home(entry.array).name
        axes = [size_name(self.program, over) for over in entry.array.axes if over.name not in VISITED]
        return name if len(axes) == 1 else f"{name}.reshape({' * '.join(axes)}, {name}.shape[{len(axes)}])"

    def _all_rows(self, entry: Entry) -> str:
        """The workspace rows of a temporary."""
        axes = [size_name(self.program, over) for over in entry.array.axes if over.name not in VISITED]
        first = f"{entry.array.name}_row"
        return f"work[{first} : {first} + {' * '.join(axes)}, :count]"

    def _all_channels(self, entry: Entry, channel: Index) -> str:
        """The block's nodes of all channels of an output or a temporary: two axes."""
        others = self._axes_but(entry, channel)
        if not self.is_temporary(entry.array):
            return f"{self.home(entry.array).name}[{', '.join([*others, ':', 'start:stop'])}]"
        channels = size_name(self.program, channel.range)
        first = f"{entry.array.name}_row" + "".join(f" + {other} * {channels}" for other in others)
        if others:
            self.lines.add(f"first_row = {first}")
            first = "first_row"
        return f"work[{first} : {first} + {channels}, :count]"

    def _whole_field(self, entry: Entry, channel: Index) -> str:
        """All nodes of all channels of an array: two axes."""
        others = self._axes_but(entry, channel)
        return self.home(entry.array).name + (f"[{', '.join(others)}]" if others else "")

    def _axes_but(self, entry: Entry, channel: Index) -> list[str]:
        """Loop variables of the axes that are neither nodes nor channels."""
        over = (index for index in entry.indices if index.range.name not in VISITED and index != channel)
        return [self.variables[index] for index in over]

    def _loops_over_nodes(self, nest: LoopNest) -> None:
        with self.loops(nest.over), self.edge_loop(nest.edge, is_transposed(nest)):
            target = self._row_text(nest.target)
            self.lines.add(f"out_p = {target}")
            self.out_row = target
            terms = list(nest.terms)
            if nest.how is Accumulate.SET:
                self._term(terms[0], Accumulate.SET, "out_p[p]")
                return
            if nest.how is Accumulate.ADD and _can_open(terms[0]):
                self._term(terms.pop(0), Accumulate.SET, "out_p[p]")
            else:
                with self.lines.block("for p in range(count):"):
                    self.lines.add(f"out_p[p] = {start_value(nest.how)}")
            for term in terms:
                if nest.how is Accumulate.ADD and _in_runs(term):
                    self._runs(term, "out_p[p]")
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

    def _runs(self, term: Term, target: str) -> None:
        """Add a sum to the target, several terms at a time."""
        summed = term.over[-1] if term.edge is None else term.edge.slot
        assert summed is not None
        outer, at_once = (term.over[:-1], TERMS_AT_ONCE) if term.edge is None else (term.over, NEIGHBOURS_AT_ONCE)
        variable = self.name_variable(summed)
        size = size_name(self.program, summed.range) if term.edge is None else NEIGHBOURS
        with self.loops(outer):
            whole = f"{size} // {at_once} * {at_once}"
            with self.lines.block(f"for {variable} in range(0, {whole}, {at_once}):"):
                self._run(term, target, summed, variable, at_once)
            with self.lines.block(f"for {variable} in range({whole}, {size}):"):
                self._run(term, target, summed, variable, 1)
        del self.variables[summed]

    def _run(self, term: Term, target: str, summed: Index, variable: str, count: int) -> None:
        values = []
        for step in range(count):
            self.variables[summed] = f"{variable} + {step}" if step else variable
            values.append(self.text(term.value))
        self.add_reads()
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
        others = [NEIGHBOUR] if _is_pair(entry) else self.other_indices(entry)
        nodes = "near : near + count" if self._lies_at_neighbour(entry) else "start:stop"
        return f"{array.name}[{', '.join([*others, nodes])}]"


def _is_pair(entry: Entry) -> bool:
    return sum(over.name == NODES for over in entry.array.axes) == 2


def _can_open(term: Term) -> bool:
    """Whether a sum may begin with this term: it is one value."""
    return not term.over and term.edge is None and term.guard is None


def _in_runs(term: Term) -> bool:
    """Whether a term is a sum that can be taken several terms at a time."""
    by_number = term.edge is not None and term.edge.far is None
    return term.guard is None and (by_number or (term.edge is None and bool(term.over)))


def _is_average(nest: LoopNest) -> bool:
    """``out[.., i, c] = sum_k weights[i, k] field[.., k, c]`` or its transpose, c the last axis of both fields."""
    if nest.how is not Accumulate.ADD or nest.edge is not None or len(nest.terms) != 1 or not nest.over:
        return False
    (term,), channel = nest.terms, nest.over[-1]
    if term.over or term.guard is not None or term.edge is None or term.edge.far is None or not _two_entries(term):
        return False
    pair, field = _pair_and_field(term)
    on_nodes = pair.array.sparse and not field.array.sparse and term.edge.far in field.indices
    return on_nodes and nest.target.indices[-1] == channel and field.indices[-1] == channel


def _is_products(nest: LoopNest, phase: Phase) -> bool:
    """``out[i, k] = sum_c field[.., k, c] factor[.., i, c] + ...``, summed over all axes of a field and a temporary."""
    if nest.how is not Accumulate.ADD or nest.edge is None or nest.edge.far is None or not nest.target.array.sparse:
        return False
    return all(_is_product(term, nest.edge, phase) for term in nest.terms) and not is_transposed(nest)


def _is_product(term: Term, edge: Edge, phase: Phase) -> bool:
    if term.edge is not None or term.guard is not None or not _two_entries(term):
        return False
    field, factor = _field_and_factor(term, edge)
    axes = [[index for index in entry.indices if index.range.name not in VISITED] for entry in (field, factor)]
    summed = axes[0] == axes[1] and set(axes[0]) == set(term.over)
    return summed and factor.array in phase.temporaries and edge.far in field.indices and edge.far not in factor.indices


def _two_entries(term: Term) -> bool:
    factors = sp.Mul.make_args(term.value)
    return len(factors) == 2 and all(isinstance(factor, Entry) and len(factor.indices) > 1 for factor in factors)


def _pair_and_field(term: Term) -> tuple[Entry, Entry]:
    """The two factors of an average, the sparse one first."""
    first, second = sp.Mul.make_args(term.value)
    return (first, second) if first.array.sparse else (second, first)


def _field_and_factor(term: Term, edge: Edge) -> tuple[Entry, Entry]:
    """The two factors of a product, the one at the neighbour first."""
    first, second = sp.Mul.make_args(term.value)
    return (first, second) if edge.far in first.indices else (second, first)
