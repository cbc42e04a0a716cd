"""The loop nests between a program and its text: what is looped over, what is assigned, and nothing about layout.

A kernel visits the nodes in blocks. Each step of a program becomes one :class:`LoopNest` per block: the loops of its
target, a start value, and terms that are accumulated into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import sympy as sp

from derivations.algebra.language import Array, Entry, Index
from derivations.algebra.program import Program


class Accumulate(Enum):
    """How a term enters its target."""

    SET = "set"
    ADD = "add"
    LARGEST = "largest"


class Reach(Enum):
    """How the second node of a sparse pair is found from the node being visited."""

    GATHER = "gather"  # the pair is (node, neighbour)
    TRANSPOSE = "transpose"  # the pair is (neighbour, node)


@dataclass(frozen=True)
class Edge:
    """A loop over the neighbours of the visited node.

    ``far`` is the index of the neighbour node where the program names it (a sparse pair), ``slot`` the index of the
    neighbour's number where the program names that (an array over nodes x neighbours).
    """

    reach: Reach
    far: Index | None = None
    slot: Index | None = None


@dataclass(frozen=True)
class Term:
    """One summand: loops over ordinary ranges, perhaps a loop over neighbours, and the value inside."""

    value: sp.Expr
    over: tuple[Index, ...] = ()
    edge: Edge | None = None
    guard: Entry | None = None


@dataclass(frozen=True)
class LoopNest:
    """``target`` = start value, then every term accumulated, for one block of nodes."""

    target: Entry
    node: Index | None
    over: tuple[Index, ...]
    edge: Edge | None
    how: Accumulate
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Phase:
    """Nests that run block by block without waiting for other blocks; ``temporaries`` live in the workspace."""

    nests: tuple[LoopNest, ...]
    temporaries: tuple[Array, ...]


@dataclass(frozen=True)
class Kernel:
    """A lowered program."""

    program: Program
    phases: tuple[Phase, ...]
