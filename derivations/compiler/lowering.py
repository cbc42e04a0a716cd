"""Stage 1. Input: a ``Program``. Output: a ``Kernel``, its steps as loop nests, grouped into phases.

A kernel visits one range: the *nodes* of a grid or graph, which have neighbours, or *sites*, which have none.

A phase ends where a step reads, at a *neighbour*, something that an earlier step of the same phase wrote: all blocks
must have written before any reads. What such a step reads must therefore be an output, not a temporary.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra.language import Array, Entry, Index, Largest, Range, Total
from derivations.algebra.program import Program, Step
from derivations.compiler.loop_nest import Accumulate, Edge, Kernel, LoopNest, Phase, Reach, Term

NODES, NEIGHBOURS, SITES = "nodes", "neighbours", "sites"
VISITED = (NODES, SITES)  # what a kernel runs along, block by block


class NotCompilable(ValueError):
    """A step has a form that no loop nest is known for."""


def lower(program: Program) -> Kernel:
    """Turn every step into a loop nest and group the nests into phases."""
    visited_range(program)
    nests = [_nest(program, item) for item in program.steps]
    phases: list[list[LoopNest]] = [[]]
    for nest in nests:
        written = {_home(program, done.target.array) for done in phases[-1]}
        if written & {_home(program, array) for array in _read_at_neighbours(nest)}:
            phases.append([])
        phases[-1].append(nest)
    return Kernel(program, tuple(_phase(program, group) for group in phases))


def visited_range(program: Program) -> str:
    """The name of the range that the program's kernel visits; raises NotCompilable if there are two."""
    found = {over.name for array in arrays_of(program) for over in array.axes if over.name in VISITED}
    if len(found) > 1:
        raise NotCompilable(f"{program.name}: a kernel visits nodes or sites, not both; split it into two programs")
    return found.pop() if found else NODES


def arrays_of(program: Program) -> list[Array]:
    """The arrays that a program reads or computes."""
    return [item for item in program.inputs if isinstance(item, Array)] + [item.array for item in program.steps]


def _home(program: Program, array: Array) -> Array:
    return program.alias.get(array, array)


def _phase(program: Program, nests: list[LoopNest]) -> Phase:
    outputs = set(program.outputs)
    local = [nest.target.array for nest in nests]
    kept = tuple(array for array in local if array not in outputs and array not in program.alias)
    for nest in nests:
        for term in nest.terms:
            for entry in term.value.atoms(Entry):
                here = _home(program, entry.array)
                if entry.array in program.computed and here not in outputs and entry.array not in local:
                    raise NotCompilable(
                        f"{program.name}: {entry.array.name} is a temporary of another phase; make it an output"
                    )
    return Phase(tuple(nests), kept)


def _read_at_neighbours(nest: LoopNest) -> set[Array]:
    found: set[Array] = set()
    for term in nest.terms:
        edge = term.edge or nest.edge
        if edge is None or edge.far is None:
            continue
        for entry in term.value.atoms(Entry):
            if edge.far in entry.indices and not entry.array.sparse:
                found.add(entry.array)
    return found


def _nest(program: Program, item: Step) -> LoopNest:
    node, edge = _node_and_edge(item.target)
    over = tuple(index for index in item.free if index.range.name not in (*VISITED, NEIGHBOURS))
    if edge is None and node is None:  # a block sum: neighbour numbers are ordinary indices of its target
        over = item.free
    if isinstance(item.value, Largest):
        bound, where = item.value.bound, item.value.where
        term = _term(program, item, node, edge, item.value.summand, [bound])
        guarded = Term(term.value, term.over, term.edge, where)
        return LoopNest(item.target, node, over, edge, Accumulate.LARGEST, (guarded,))
    parts = [_peel(program, item, part) for part in sp.Add.make_args(item.value)]
    parts.sort(key=lambda part: (bool(part[1]), str(part[0])))
    terms = tuple(_term(program, item, node, edge, value, bounds) for value, bounds in parts)
    plain = len(terms) == 1 and not parts[0][1]
    if not any(bounds for _, bounds in parts) and not plain:  # no sums at all: one assignment of the whole value
        terms, plain = (_term(program, item, node, edge, item.value, []),), True
    return LoopNest(item.target, node, over, edge, Accumulate.SET if plain else Accumulate.ADD, terms)


def _node_and_edge(target: Entry) -> tuple[Index | None, Edge | None]:
    at_nodes = [index for index in target.indices if index.range.name in VISITED]
    slots = [index for index in target.indices if index.range.name == NEIGHBOURS]
    if not at_nodes:
        return None, None
    if len(at_nodes) == 2:
        return at_nodes[0], Edge(Reach.GATHER, far=at_nodes[1])
    if slots:
        return at_nodes[0], Edge(Reach.GATHER, slot=slots[0])
    return at_nodes[0], None


def _peel(program: Program, item: Step, part: sp.Expr) -> tuple[sp.Expr, list[Index]]:
    """Write one summand as a sum-free value under a list of bound indices."""
    factors = sp.Mul.make_args(part)
    sums = [factor for factor in factors if isinstance(factor, Total)]
    if len(sums) > 1 or any(factor.has(Total) for factor in factors if factor not in sums):
        raise NotCompilable(f"{program.name}: step {item.array.name} multiplies or nests sums; name them as steps")
    if not sums:
        return part, []
    value, bounds = sp.Mul(*(factor for factor in factors if factor not in sums)), []
    inner: sp.Expr = sums[0]
    while isinstance(inner, Total):
        bounds.append(inner.bound)
        inner = inner.summand
    if inner.has(Total):
        raise NotCompilable(f"{program.name}: step {item.array.name} nests sums inside a sum; name them as steps")
    return value * inner, bounds


def _term(
    program: Program, item: Step, node: Index | None, edge: Edge | None, value: sp.Expr, bounds: list[Index]
) -> Term:
    over, own_edge, summed = [], None, None
    for bound in bounds:
        name = bound.range.name
        if name in VISITED and node is None and summed is None:
            summed = bound
        elif name in VISITED:
            own_edge = Edge(_reach(program, item, value, node or summed, bound), far=bound)
        elif name == NEIGHBOURS and (node is not None or summed is not None):
            own_edge = Edge(Reach.GATHER, slot=bound)
        else:
            over.append(bound)
    if edge is not None and own_edge is not None:
        raise NotCompilable(f"{program.name}: step {item.array.name} loops over neighbours twice")
    if node is None and summed is None:
        raise NotCompilable(f"{program.name}: step {item.array.name} has no node to loop over")
    masks = [f for f in sp.Mul.make_args(value) if isinstance(f, Entry) and f.array.mask]
    guard = masks[0] if masks else None
    return Term(value / guard if guard is not None else value, tuple(over), own_edge, guard)


def _reach(program: Program, item: Step, value: sp.Expr, node: Index | None, far: Index) -> Reach:
    for entry in value.atoms(Entry):
        if entry.array.sparse and entry.indices == (node, far):
            return Reach.GATHER
        if entry.array.sparse and entry.indices == (far, node):
            return Reach.TRANSPOSE
    raise NotCompilable(
        f"{program.name}: step {item.array.name} sums over all nodes {far.name} without a sparse matrix that joins them"
    )


def ranges_of(program: Program) -> list[Range]:
    """All ordinary ranges (neither nodes nor sites) of a program's arrays, in a fixed order."""
    return sorted({over for array in arrays_of(program) for over in array.axes if over.name not in VISITED})
