"""Single faults planted in a lemma's programs as SymPy expressions, and tried on the proofs.

The normal form judges every mutant, exact arithmetic at points (finite fields) one in `POINTS`, and each that the
normal form accepts. A mutant that both accept is the same program for all sizes: the normal form has shown it. Such a
one needs a reason (`reason_to_prove`); one on which the proofs disagree is a fault of a proof.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import sympy as sp

from derivations.algebra.language import Array, Entry, Largest, Tensor, Total, free_indices
from derivations.algebra.lemma import Lemma, identity, prove
from derivations.algebra.normal_form import NotInLanguage, normal_form
from derivations.algebra.program import Program, Step

POINTS = 24  # exact arithmetic at points is slower: one mutant in so many is also refuted by it
STABILISER = "a stabiliser may have any value: the result does not depend on it"
MASK = "a mask is its own square, and the other factor carries it already"


@dataclass(frozen=True)
class ProgramMutant:
    """A program with one fault in one step."""

    program: Program
    step: Step
    kind: str
    before: str
    after: str

    @property
    def label(self) -> str:
        return f"{self.program.name}: {self.step.array.name}: {self.kind}: {self.before} -> {self.after}"


@dataclass(frozen=True)
class Tried:
    """What became of a mutant: rejected by both proofs, or proved by both for a reason, or a fault."""

    mutant: ProgramMutant
    rejected: bool
    reason: str
    fault: str


def program_mutants(program: Program) -> list[ProgramMutant]:
    """All mutants of a program; equal ones are counted once."""
    found: dict[tuple[Array, sp.Expr], ProgramMutant] = {}
    known: list[Array] = [item for item in program.inputs if isinstance(item, Array)]
    for position, item in enumerate(program.steps):
        for kind, before, after, value in _faults(item.value, known):
            if value == item.value or (item.array, value) in found or free_indices(value) - set(item.free):
                continue
            steps = (*program.steps[:position], replace(item, value=value), *program.steps[position + 1 :])
            try:
                mutated = replace(program, steps=steps)
            except ValueError:  # no program at all: the language refuses it
                continue
            found[item.array, value] = ProgramMutant(mutated, item, kind, str(before), str(after))
        known.append(item.array)
    return list(found.values())


Fault = tuple[str, sp.Expr, sp.Expr, sp.Expr]  # kind, the place before and after, the whole value after


def _faults(expr: sp.Expr, known: list[Array]) -> Iterator[Fault]:
    """Every fault at every place of an expression."""
    for kind, after in _at(expr, known):
        yield kind, expr, after, after
    for number, argument in enumerate(expr.args):
        if not isinstance(argument, sp.Expr) or isinstance(expr, Entry) or (isinstance(expr, Largest) and number > 1):
            continue
        for kind, before, after, value in _faults(argument, known):
            arguments = [*expr.args[:number], value, *expr.args[number + 1 :]]
            yield kind, before, after, expr.func(*arguments)


def _at(expr: sp.Expr, known: list[Array]) -> Iterator[tuple[str, sp.Expr]]:
    if isinstance(expr, sp.Add):
        for term in expr.args:
            yield "term dropped", expr - term
            yield "sign flipped", expr - 2 * term
    elif isinstance(expr, sp.Mul):
        for factor in expr.args:
            yield (
                "factor dropped" if factor != -1 else "sign flipped",
                sp.Mul(*(f for f in expr.args if f is not factor)),
            )
    elif isinstance(expr, sp.Pow):
        yield "power inverted", sp.Pow(expr.base, -expr.exp)
        yield "power dropped", expr.base
    elif isinstance(expr, sp.exp | sp.log):
        yield "function dropped", expr.args[0]
        yield "argument negated", expr.func(-expr.args[0])
    elif isinstance(expr, Total):
        for index in sorted(free_indices(expr), key=str):
            if index.range == expr.bound.range:
                yield "sum replaced by a term", expr.summand.xreplace({expr.bound: index})
    elif isinstance(expr, Entry):
        yield from _entries(expr, known)
    elif isinstance(expr, sp.Symbol | sp.Rational) and expr != -1:
        yield "constant changed", expr + 1


def _entries(entry: Entry, known: list[Array]) -> Iterator[tuple[str, sp.Expr]]:
    for other in known:
        if other.axes == entry.array.axes and other != entry.array:
            yield "array replaced", other[entry.indices]
    for first in range(len(entry.indices)):
        for second in range(first):
            if entry.indices[first].range == entry.indices[second].range:
                swapped = list(entry.indices)
                swapped[first], swapped[second] = swapped[second], swapped[first]
                yield "indices swapped", entry.array[tuple(swapped)]


def reason_to_prove(mutant: ProgramMutant) -> str:
    """Why both proofs may take a mutant for the program; empty if no reason is known."""
    stabilisers = {item.array.name for item in mutant.program.steps if item.stabiliser}
    if mutant.step.stabiliser:
        return STABILISER
    if any(f"{name}[" in mutant.before + mutant.after for name in stabilisers):
        return STABILISER
    masks = {item.name for item in mutant.program.inputs if isinstance(item, Array) and item.mask}
    if mutant.kind == "factor dropped" and any(f"{name}[" in mutant.before for name in masks):
        return MASK
    return ""


def try_mutants(lemma: Lemma, every: int = 1) -> list[Tried]:
    """The proofs on all mutants of the lemma's programs, or on one in ``every``."""
    found = []
    for program in lemma.programs:
        original = {output: program.inlined(output) for output in program.means}
        for number, mutant in enumerate(program_mutants(program)[::every]):
            found.append(_try(lemma, original, mutant, number % POINTS == 0))
    return found


def _try(lemma: Lemma, original: Mapping[Array, Tensor], mutant: ProgramMutant, at_points: bool) -> Tried:
    if mutant.step.stabiliser:  # the proof leaves it free: it has been shown for every value at once
        return Tried(mutant, False, STABILISER, "")
    for output, meaning in mutant.program.means.items():
        derived = mutant.program.inlined(output)
        if derived.expr == original[output].expr:  # the step does not reach this output
            continue
        try:
            proved = not normal_form(derived.expr - meaning[derived.free])
            verdict = prove(identity(output.name, derived, meaning), lemma.sizes) if proved or at_points else None
        except (ArithmeticError, NotInLanguage):  # it divides by zero, or is no formula of the language
            return Tried(mutant, True, "", "")
        if verdict is not None and verdict.agrees != proved:
            which = "the normal form proves it, a point refutes it" if proved else "no point refutes it"
            return Tried(mutant, False, "", f"{mutant.label}: {which}")
        if not proved:
            return Tried(mutant, True, "", "")
    reason = reason_to_prove(mutant)
    return Tried(mutant, False, reason, "" if reason else f"{mutant.label}: both proofs accept it")
