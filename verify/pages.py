"""A lemma as a page of Markdown with LaTeX: what is claimed, what was proved just now, what was rejected, what runs.

:func:`lemma_page` takes a lemma and the outcome of its proofs; nothing on the page is written by hand but the
statement, which the lemma file holds. The documentation shows these pages, and reports can.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import sympy as sp

from derivations.algebra.language import Array, Index, Tensor, arrays_in
from derivations.algebra.lemma import Claim, Lemma, Verdict, Wrong
from derivations.algebra.program import Program
from derivations.algebra.typeset import Definition, abbreviate, distinct, typeset, typeset_entry
from derivations.compiler.module_text import bound_lines
from derivations.registry import lemmas

# symbols that have no LaTeX of their own in the lemma files
SYMBOLS = {
    "distance_scale": r"\rho",
    "regularization": r"\tau",
    "step_size": "h",
    "scale": r"\sigma",
    "inner": r"\langle V^*, V\rangle",
    "square": r"\|V\|^2",
    "target_square": r"\|V^*\|^2",
}
LONGEST = 1200  # characters of LaTeX beyond which a formula is read more easily in its file
WIDEST = 200  # characters of LaTeX beyond which a sum is broken into rows
_DISPLAY = re.compile(r"\s*\$\$\s*(.+?)\s*\$\$\s*", re.DOTALL)  # a display needs lines of its own
SMALLEST = 1  # operations below which naming a part makes nothing shorter


@dataclass(frozen=True)
class Outcome:
    """A lemma and what proving it, and trying to prove its wrong variants, gave."""

    lemma: Lemma
    verdicts: Sequence[Verdict]
    rejections: Sequence[tuple[Wrong, Verdict]]

    @property
    def holds(self) -> bool:
        """Everything claimed is proved twice, and every wrong variant is refuted twice."""
        return all(item.holds for item in self.verdicts) and all(item.rejected for _, item in self.rejections)

    @property
    def status(self) -> str:
        """One line for tables."""
        proved = sum(item.holds for item in self.verdicts)
        refused = sum(item.rejected for _, item in self.rejections)
        return f"{proved} of {len(self.verdicts)} proved, {refused} of {len(self.rejections)} wrong variants rejected"


def prove_lemma(lemma: Lemma) -> Outcome:
    """Run both proofs of every claim and of every wrong variant."""
    return Outcome(lemma, lemma.prove(), lemma.reject_wrong_variants())


def lemma_page(outcome: Outcome) -> str:
    """The page of one lemma, in Markdown with ``$`` and ``$$`` formulas."""
    lemma = outcome.lemma
    parts = [
        f"# {lemma.title}",
        f"*{lemma.reference}* · `derivations/{lemma.family}/{lemma.name}.py` · {outcome.status}",
        statement(lemma),
    ]
    if lemma.limits:
        parts.append(f"**What is not proved.** {lemma.limits}")
    parts += ["## Claims", *_claims(outcome)]
    parts += ["## Wrong variants", _rejections(outcome)]
    for program in lemma.programs:
        parts += [f"## Program `{program.name}`", *_program(program)]
    if lemma.runs_in:
        parts += ["## Where it runs", f"No kernel of its own: `{lemma.runs_in}` relies on it."]
    return "\n\n".join(parts) + "\n"


def statement(lemma: Lemma) -> str:
    """Markdown: what the paper states, displays on lines of their own."""
    return _DISPLAY.sub(r"\n\n$$\n\1\n$$\n\n", lemma.statement).strip()


# --- claims -----------------------------------------------------------------------------------------------------


def _claims(outcome: Outcome) -> Iterator[str]:
    verdicts = {item.name: item for item in outcome.verdicts}
    known = _known(outcome.lemma)
    for claim in outcome.lemma.claims:
        yield f"**{_sentence(claim.name)}** · {_status(verdicts[claim.name])}"
        yield from _formulas(claim, known)


def _status(verdict: Verdict) -> str:
    first = "proved for all sizes" if verdict.proved else f"NOT PROVED: `{verdict.leftover}` is left over"
    second = f"equal at {verdict.sizes}" if verdict.agrees else f"NOT EQUAL: {verdict.witness}"
    return f"{first}; {second}"


@dataclass(frozen=True)
class _Side:
    """One row of a display before anything is abbreviated; the left-hand side may be LaTeX already."""

    left: str | sp.Expr
    right: sp.Expr


def _formulas(claim: Claim, known: Sequence[Definition]) -> Iterator[str]:
    """One display: the map, the claim about it, and the names used in both."""
    if claim.directions is not None and claim.symbol is None:
        yield f"As a function of ${', '.join(typeset_entry(item, ()) for item in claim.directions)}$:"
    yield _aligned(_rows(_sides(claim), known))


def _rows(sides: Sequence[_Side], known: Sequence[Definition]) -> list[tuple[str, sp.Expr]]:
    """Both sides of each row, abbreviated, and below them what the abbreviations mean."""
    left = [item if isinstance(item, str) else abbreviate(item, known) for item in (side.left for side in sides)]
    right = [abbreviate(side.right, known) for side in sides]
    rows = [(item if isinstance(item, str) else latex(item), value) for item, value in zip(left, right, strict=True)]
    shown = [item for item in (*left, *right) if not isinstance(item, str)]
    rows += [(typeset_entry(array, meaning.free), meaning.expr) for array, meaning in _used(shown, sides, known)]
    return rows


def claim_formulas(lemma: Lemma, claim: Claim) -> str:
    """Markdown: the map, what is claimed of it, and the names used in both."""
    return "\n\n".join(_formulas(claim, _known(lemma)))


def wrong_formula(lemma: Lemma, variant: Wrong) -> str:
    """Markdown: what a wrong variant claims."""
    (claim,) = (item for item in lemma.claims if item.name == variant.claim)
    return _aligned(_rows(_sides(replace(claim, claimed=variant.claimed))[-1:], _known(lemma)))


def _known(lemma: Lemma) -> list[Definition]:
    return [*_shared_definitions(), *_step_definitions(lemma.programs)]


def _sides(claim: Claim) -> list[_Side]:
    """What is claimed, after the map that it is claimed of."""
    free = distinct(claim.claimed.free)
    claimed, place = claim.claimed[free], _subscript(free)
    if claim.symbol is not None:
        slope = rf"\frac{{\partial F{place}}}{{\partial {latex(claim.symbol)}}}"
        return [_Side(f"F{place}", claim.mapping[free]), _Side(slope, claimed)]
    if claim.directions is None:
        return [_Side(claim.derived[free], claimed)]
    if claim.paired_with is not None:
        (variable,) = claim.directions
        slope = rf"\frac{{\partial g}}{{\partial {typeset_entry(variable, free)}}}"
        return [_Side("g", claim.mapping.expr), _Side(slope, claimed)]
    directions = ", ".join(_direction_tex(item) for item in claim.directions.values())
    slope = rf"\big(dF\,[{directions}]\big){place}"
    return [_Side(f"F{place}", claim.mapping[free]), _Side(slope, claimed)]


def _direction_tex(direction: Array | Tensor) -> str:
    return typeset_entry(direction, ()) if isinstance(direction, Array) else latex(direction.expr)


def _aligned(rows: Sequence[tuple[str, sp.Expr]]) -> str:
    """Rows of a display, aligned at their equality signs; sums that are long get a row for each term."""
    lines: list[str] = []
    for left, right in rows:
        text = latex(right)
        equals = "&="
        if len(left) + len(text) > WIDEST and len(left) > WIDEST / 3:  # the left-hand side gets a row of its own
            lines.append(f"& {left}")
            left, equals = "", r"&\quad ="
        if len(text) > LONGEST:
            lines.append(rf"{left} {equals} \text{{a formula of {len(text)} characters: see the file}}")
        elif len(text) > WIDEST and right.is_Add:
            first, *rest = (latex(term) for term in right.as_ordered_terms())
            lines.append(f"{left} {equals} {first}")
            lines += [rf"&\qquad {term if term.startswith('-') else '+ ' + term}" for term in rest]
        else:
            lines.append(f"{left} {equals} {text}")
    return "$$\n\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}\n$$"


# --- names for parts of formulas --------------------------------------------------------------------------------


def _shared_definitions() -> list[Definition]:
    """What one program computes and another one reads: S, the memberships, ..., by their formulas."""
    programs = [program for lemma in lemmas() for program in lemma.programs]
    read = {(item.name, item.axes) for program in programs for item in program.inputs if isinstance(item, Array)}
    found = [
        (array, meaning)
        for program in programs
        for array, meaning in program.means.items()
        if (array.name, array.axes) in read and sp.count_ops(meaning.expr) >= SMALLEST
    ]
    return sorted(found, key=lambda item: (-sp.count_ops(item[1].expr), item[0].name))


def _step_definitions(programs: Iterable[Program]) -> list[Definition]:
    """The steps of the programs, in their order: each one may use the names of those before."""
    return [
        (step.array, Tensor(step.free, step.value))
        for program in programs
        for step in program.steps
        if not step.stabiliser and step.array not in program.outputs and sp.count_ops(step.value) >= SMALLEST
    ]


def _used(shown: Sequence[sp.Expr], sides: Sequence[_Side], known: Sequence[Definition]) -> list[Definition]:
    """The names that abbreviating has brought into ``shown``, with their meanings, abbreviated by the others."""
    written = [item for side in sides for item in (side.left, side.right) if not isinstance(item, str)]
    original = {array for expr in written for array in arrays_in(expr)}
    meanings = {array: meaning for array, meaning in known if array not in original}
    found: list[Definition] = []
    frontier = list(shown)
    while frontier:
        for array in sorted(arrays_in(frontier.pop(0)), key=lambda item: item.name):
            if array in meanings:
                meaning = meanings.pop(array)
                smaller = [item for item in known if item[0] in meanings]
                found.append((array, Tensor(meaning.free, abbreviate(meaning.expr, smaller))))
                frontier.append(found[-1][1].expr)
    return found


# --- wrong variants and programs --------------------------------------------------------------------------------


def _rejections(outcome: Outcome) -> str:
    rows = ["| a near miss of | what is wrong | all sizes | small sizes |", "|---|---|---|---|"]
    for variant, verdict in outcome.rejections:
        first = "PASSED" if verdict.proved else "not proved"
        second = "PASSED" if verdict.agrees else f"refuted at {verdict.sizes}"
        rows.append(f"| {variant.claim} | {variant.why} | {first} | {second} |")
    return "\n".join(rows)


def _program(program: Program) -> Iterator[str]:
    yield f"{_sentence(program.title)}. Kernel: `laflow/kernels/{program.name}.py`."
    yield "Input: " + ", ".join(f"`{item.name}`" for item in program.inputs) + "."
    yield _aligned([(latex(step.target), step.value) for step in program.steps])
    if free := [item.array.name for item in program.steps if item.stabiliser]:
        yield f"Stabilisers, of which no result depends: {', '.join(f'`{name}`' for name in free)}."
    results = [item for item in program.outputs if item not in program.scratch]
    yield "Output: " + ", ".join(f"`{item.name}`" for item in results) + "."
    rows = [
        ("requires", "; ".join(program.requires)),
        ("ensures", "; ".join(program.ensures)),
        ("error", "; ".join(bound_lines(program))),
    ]
    yield "\n".join(["| | |", "|---|---|", *(f"| {name} | {_cell(text)} |" for name, text in rows)])


def _cell(text: str) -> str:
    return "`" + text.replace("|", r"\|") + "`" if text else ""


# --- LaTeX ------------------------------------------------------------------------------------------------------


def latex(expr: sp.Expr) -> str:
    """LaTeX of an expression, its scalars by the letters of the paper."""
    names = {symbol: SYMBOLS[symbol.name] for symbol in expr.free_symbols if getattr(symbol, "name", None) in SYMBOLS}
    return typeset(expr, names)


def _subscript(free: Sequence[Index]) -> str:
    return f"_{{{' '.join(index.name for index in free)}}}" if free else ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
