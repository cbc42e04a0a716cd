"""What stands on the page of one lemma, as plain data for the template."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from derivations.algebra.lemma import Claim, Lemma
from derivations.algebra.program import Program
from derivations.compiler.module_text import bound_lines
from verify.audit import OBLIGATIONS, Audited
from verify.kernel_instances import KERNELS
from verify.obligations.mutants import LAYERS
from verify.obligations.outcome import Outcome
from verify.pages import claim_formulas, latex, statement, wrong_formula
from verify.report.histogram import histogram
from verify.report.mathml import boxed, markdown
from verify.report.steps import Step, left_over, steps

VERDICTS = (*LAYERS, "equivalent", "survives")


@dataclass(frozen=True)
class ClaimView:
    """One claim with what each proof and each oracle said of it."""

    name: str
    formulas: Markup
    steps: tuple[Step, ...]
    symbolic: Mapping[str, Any] | None
    explicit: Mapping[str, Any] | None
    oracles: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class WrongView:
    """A near miss, what was left over of it, and the point that refutes it."""

    claim: str
    why: str
    formula: Markup
    left_over: Markup
    recorded: str
    witness: str
    rejected: bool


@dataclass(frozen=True)
class StepView:
    """One step of a program as formula and as the comment that the kernel bears."""

    text: str
    formula: Markup
    stabiliser: bool


@dataclass(frozen=True)
class ProgramView:
    """A program beside its kernel."""

    name: str
    title: str
    inputs: str
    outputs: str
    steps: tuple[StepView, ...]
    requires: tuple[str, ...]
    ensures: tuple[str, ...]
    bound: tuple[str, ...]
    kernel: str
    sha256: str
    proofs: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class ErrorView:
    """Errors of one output against their bound."""

    name: str
    inputs: int
    worst: float
    worst_on: str
    exact: int
    stated: float | None
    covered: float | None
    picture: Markup


@dataclass(frozen=True)
class Matrix:
    """Counts of mutants: a row a kind of fault, a column a verdict."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def totals(self) -> tuple[int, ...]:
        """The sum of each column."""
        return tuple(sum(row[place] for _, row in self.rows) for place in range(len(self.columns)))


def lemma_view(audited: Audited) -> dict[str, Any]:
    """All of it."""
    lemma, outcomes = audited.lemma, audited.outcomes
    return {
        "lemma": lemma,
        "path": f"derivations/{lemma.family}/{lemma.name}.py",
        "holds": audited.holds,
        "outcomes": [(obligation, outcomes[obligation.name]) for obligation in OBLIGATIONS],
        "statement": markdown(statement(lemma)),
        "limits": markdown(lemma.limits) if lemma.limits else None,
        "claims": list(_claims(lemma, outcomes)),
        "wrong": list(_wrong(lemma, outcomes["O8"])),
        "programs": [_program(program, outcomes) for program in lemma.programs],
        "errors": list(_errors(outcomes["O5"])),
        "matrix": kill_matrix([outcomes["O7"]]),
        "kernels_matrix": _by_kernel(outcomes["O7"]),
        "not_killed": outcomes["O7"].detail.get("not_killed", []),
    }


def kill_matrix(outcomes: Sequence[Outcome]) -> Matrix:
    """Which layer kills which kind of fault, over all given outcomes."""
    kinds = sorted({kind for outcome in outcomes for kind in outcome.detail.get("kinds", {})})
    rows = []
    for kind in kinds:
        found = [outcome.detail.get("kinds", {}).get(kind, {}) for outcome in outcomes]
        rows.append((kind, tuple(sum(row.get(verdict, 0) for row in found) for verdict in VERDICTS)))
    return Matrix(VERDICTS, tuple(rows))


def _by_kernel(outcome: Outcome) -> Matrix:
    matrix = outcome.detail.get("matrix", {})
    return Matrix(VERDICTS, tuple((name, tuple(row.get(v, 0) for v in VERDICTS)) for name, row in matrix.items()))


def _rows(outcome: Outcome, name: str) -> list[Mapping[str, Any]]:
    return [row for row in outcome.detail.get("claims", []) if row["claim"] == name]


def _claims(lemma: Lemma, outcomes: Mapping[str, Outcome]) -> Iterator[ClaimView]:
    for claim in lemma.claims:
        symbolic, explicit = _rows(outcomes["O1"], claim.name), _rows(outcomes["O3"], claim.name)
        yield ClaimView(
            claim.name,
            markdown(claim_formulas(lemma, claim)),
            tuple(steps(claim)),
            symbolic[0] if symbolic else None,
            explicit[0] if explicit else None,
            tuple(_rows(outcomes["O6"], claim.name)),
        )


def _wrong(lemma: Lemma, outcome: Outcome) -> Iterator[WrongView]:
    recorded = {(row["claim"], row["why"]): row for row in outcome.detail.get("variants", [])}
    by_name: dict[str, Claim] = {claim.name: claim for claim in lemma.claims}
    for variant in lemma.wrong:
        claim = replace(by_name[variant.claim], claimed=variant.claimed)
        rest = claim.remainder()
        row = recorded.get((variant.claim, variant.why), {})
        yield WrongView(
            variant.claim,
            variant.why,
            markdown(wrong_formula(lemma, variant)),
            left_over(claim, rest),
            str(row.get("leftover", "")),
            str(row.get("witness", "")),
            bool(row.get("rejected")),
        )


def _program(program: Program, outcomes: Mapping[str, Outcome]) -> ProgramView:
    path = KERNELS / f"{program.name}.py"
    content = path.read_bytes() if path.exists() else b""
    label = f"program {program.name}: "
    proofs = [row for row in outcomes["O2"].detail.get("claims", []) if row["claim"].startswith(label)]
    return ProgramView(
        program.name,
        program.title,
        ", ".join(item.name for item in program.inputs),
        ", ".join(item.name for item in program.outputs),
        tuple(
            StepView(
                f"{step.target} = {step.value}",
                boxed(rf"{latex(step.target)} = {latex(step.value)}"),
                step.stabiliser,
            )
            for step in program.steps
        ),
        program.requires,
        program.ensures,
        bound_lines(program),
        content.decode("utf-8"),
        hashlib.sha256(content).hexdigest(),
        tuple(proofs),
    )


def _errors(outcome: Outcome) -> Iterator[ErrorView]:
    worst_on, stated = outcome.detail.get("worst_on", {}), outcome.detail.get("stated", {})
    covered = outcome.detail.get("covered", {})
    for name, ratios in outcome.detail.get("ratios", {}).items():
        title = f"{name}: error over bound on {len(ratios)} inputs"
        exact = sum(ratio == 0.0 for ratio in ratios)
        yield ErrorView(
            name,
            len(ratios),
            max(ratios),
            worst_on.get(name, ""),
            exact,
            stated.get(name),
            covered.get(name),
            histogram(ratios, title),
        )
