"""What the two loop templates share: names of loop variables, where arrays live, sizes, the workspace.

Storage is node-last: an array over (ranks, nodes, labels) is stored as ``[rank, label, node]``, weights as
``[neighbour, node]`` on grids and ``[edge]`` on general graphs. Temporaries are rows of the block's workspace.
"""

from __future__ import annotations

import textwrap
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import sympy as sp

from derivations.algebra.language import Array, Entry, Index, Range
from derivations.algebra.program import Program
from derivations.compiler.expression_text import expression_text
from derivations.compiler.loop_nest import Accumulate, LoopNest, Phase, Reach, Term
from derivations.compiler.lowering import NEIGHBOURS, VISITED, NotCompilable, ranges_of

SINGULAR = {
    "labels": "label",
    "ranks": "rank",
    "prototypes": "prototype",
    "features": "feature",
    "neighbours": "neighbour",
}


LINE_LENGTH = 120  # as the formatter of this repository has it

# names that a block function uses for itself
RESERVED = {"p", "out_p", "new", "sum_", "near", "node", "edge", "entry", "count", "start", "stop", "block", "work"}
RESERVED |= {"out", "field", "factors", "first_row"}  # where it calls a function of the runtime


class Lines:
    """Lines of Python with the current indentation."""

    def __init__(self, depth: int = 1) -> None:
        self.text: list[str] = []
        self.depth = depth

    def add(self, line: str) -> None:
        self.text.append("    " * self.depth + line)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        self.add(head)
        self.depth += 1
        yield
        self.depth -= 1


class BlockText(ABC):
    """Writes the body of one block function for one phase of a program."""

    def __init__(self, program: Program, phase: Phase) -> None:
        self.program, self.phase = program, phase
        self.lines = Lines()
        self.variables: dict[Index, str] = {}
        self.far: Index | None = None
        self.out_row = ""
        self.reads: dict[str, str] = {}
        self.numbers: dict[str, str] = {}

    def prelude(self) -> list[str]:
        """Lines before the body, such as numbers in the type of the arrays; known once the body is written."""
        return []

    def body(self) -> list[str]:
        """All lines of the block function's body, below its size definitions."""
        for nest in self.phase.nests:
            self._nest(nest)
        return self.lines.text

    def _nest(self, nest: LoopNest) -> None:
        self.variables, self.far, self.out_row = {}, None, ""
        for line in textwrap.wrap(step_comment(self.program, nest), 100, subsequent_indent="    "):
            self.lines.add(f"# {line}")
        if nest.node is None:
            with self.loops(nest.over):
                self.block_sum(nest)
        else:
            self.node_field(nest)

    def block_sum(self, nest: LoopNest) -> None:
        """A target without a node: one partial sum for the block."""
        self.lines.add("sum_ = 0.0")
        for term in nest.terms:
            self.block_term(term)
        where = "".join(f"{self.variables[index]}, " for index in nest.target.indices)
        self.lines.add(f"{nest.target.array.name}[{where}block] = sum_")

    @abstractmethod
    def block_term(self, term: Term) -> None:
        """Add one term of a block sum to ``sum_``."""

    @abstractmethod
    def node_field(self, nest: LoopNest) -> None:
        """A target with one value per node or per edge."""

    @contextmanager
    def loops(self, over: tuple[Index, ...]) -> Iterator[None]:
        """Loops over ordinary ranges."""
        depth = self.lines.depth
        for index in over:
            name = self.name_variable(index)
            self.lines.add(f"for {name} in range({size_name(self.program, index.range)}):")
            self.lines.depth += 1
        yield
        self.lines.depth = depth
        for index in over:
            del self.variables[index]

    def name_variable(self, index: Index) -> str:
        base = SINGULAR.get(index.range.name, index.range.name.removesuffix("s"))
        name, number = base, 2
        while name in self.variables.values():
            name, number = (f"other_{base}" if number == 2 else f"{base}_{number}"), number + 1
        self.variables[index] = name
        return name

    def home(self, array: Array) -> Array:
        """The array in whose memory ``array`` lives."""
        return self.program.alias.get(array, array)

    def is_temporary(self, array: Array) -> bool:
        return array in self.phase.temporaries

    def other_indices(self, entry: Entry) -> list[str]:
        """Loop variables of the axes that are not nodes, in storage order."""
        return [self.variables[index] for index in entry.indices if index.range.name not in VISITED]

    def temporary_row(self, entry: Entry) -> str:
        """The workspace row of a temporary's entry."""
        others = [index for index in entry.indices if index.range.name not in VISITED]
        where = f"{entry.array.name}_row"
        for position, index in enumerate(others):
            stride = "".join(f" * {size_name(self.program, later.range)}" for later in others[position + 1 :])
            variable = self.variables[index]
            where += f" + ({variable}){stride}" if stride and " " in variable else f" + {variable}{stride}"
        return where

    def text(self, value: sp.Expr) -> str:
        return expression_text(with_size_names(self.program, value), self.read)

    def named(self, source: str, name: str) -> str:
        """A local name for what is read inside the innermost loop; the same source keeps its name."""
        if source not in self.reads:
            taken, number, base = set(self.reads.values()), 2, name
            while name in taken:
                name, number = f"{base}{number}", number + 1
            self.reads[source] = name
        return self.reads[source]

    def assign(self, target: str, value: str, guard: str) -> None:
        """``target = value``, or 0 where a guard is not set; a long line takes two."""
        if guard:
            with self.lines.block(f"if {guard} > 0.0:"):
                self.assign(target, value, "")
            with self.lines.block("else:"):
                self.lines.add(f"{target} = 0.0")
        elif 4 * self.lines.depth + len(f"{target} = {value}") > 110:
            self._assign_new(value)
            self.lines.add(f"{target} = new")
        else:
            self.lines.add(f"{target} = {value}")

    def _assign_new(self, value: str) -> None:
        """``new = value``; what is too long for a line, summand by summand in the same order."""
        if 4 * self.lines.depth + len(f"new = {value}") <= LINE_LENGTH:
            self.lines.add(f"new = {value}")
            return
        (sign, first), *rest = signed_terms(value)
        self.lines.add(f"new = {sign.replace('+', '')}{first}")
        for sign, term in rest:
            self.lines.add(f"new {sign}= {term}")

    def add_reads(self) -> None:
        """Write the assignments of the local names."""
        for source, name in self.reads.items():
            self.lines.add(f"{name} = {source}")
        self.reads = {}

    @abstractmethod
    def read(self, entry: Entry) -> str:
        """The text that reads one entry inside the innermost loop."""


def step_comment(program: Program, nest: LoopNest) -> str:
    """The step in the words of the derivation."""
    entry = nest.target
    where = ", ".join(index.name for index in entry.indices)
    left = f"{entry.array.name}[{where}]" if where else entry.array.name
    right = step_value_text(program, entry.array)
    return f"{left} = {right}"


def step_value_text(program: Program, array: Array) -> str:
    """A step's value, written with its index names."""
    return expression_text(
        with_size_names(program, program.computed[array].value),
        lambda e: f"{e.array.name}[{', '.join(index.name for index in e.indices)}]" if e.indices else e.array.name,
    )


def with_size_names(program: Program, value: sp.Expr) -> sp.Expr:
    """Sizes of ranges under the names that they have in a kernel (J is ``labels``)."""
    sizes = {over.size: sp.Symbol(size_name(program, over), positive=True) for over in ranges_of(program)}
    return value.xreplace(sizes)


def size_name(program: Program, over: Range) -> str:
    """The variable that holds the size of a range: its name, unless an argument is called so."""
    taken = {item.name for item in (*program.inputs, *program.outputs)}
    return f"number_of_{over.name}" if over.name in taken else over.name


def storage_axes(array: Array) -> list[str]:
    """The names of an array's storage axes, nodes or sites last; sparse arrays as on a grid."""
    if array.sparse:
        return [NEIGHBOURS, "nodes"]
    others = [over.name for over in array.axes if over.name not in VISITED]
    return [*others, *(over.name for over in array.axes if over.name in VISITED)]


def size_source(program: Program, over: Range | str) -> tuple[str, int]:
    """An argument and the axis of it whose length is the size of a range."""
    name = over if isinstance(over, str) else over.name
    arrays = [item for item in program.inputs if isinstance(item, Array)] + list(program.outputs)
    for array in arrays:
        axes = storage_axes(array)
        if name in axes:
            return array.name, axes.index(name)
    raise NotCompilable(f"{program.name}: no argument has an axis over {name}")


def temporary_rows(program: Program, phase: Phase) -> list[tuple[str, str]]:
    """Each temporary of a phase with its number of workspace rows, as text."""
    found = []
    for array in phase.temporaries:
        sizes = [size_name(program, over) for over in array.axes if over.name not in VISITED]
        found.append((array.name, " * ".join(sizes) or "1"))
    return found


def start_value(how: Accumulate) -> str:
    """What a target holds before the first term."""
    return "-inf" if how is Accumulate.LARGEST else "0.0"


def is_transposed(term_or_nest: Term | LoopNest) -> bool:
    return term_or_nest.edge is not None and term_or_nest.edge.reach is Reach.TRANSPOSE


def signed_terms(text: str) -> list[tuple[str, str]]:
    """The summands of an expression's text with their signs; what stands in brackets is left alone."""
    terms, sign, depth, begin = [], "+", 0, 0
    if text.startswith("-"):
        sign, begin = "-", 1
    for position, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if depth == 0 and text[position : position + 3] in (" + ", " - "):
            terms.append((sign, text[begin:position]))
            sign, begin = text[position + 1], position + 3
    return [*terms, (sign, text[begin:])]
