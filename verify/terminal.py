"""The audit on a terminal: one row a lemma, then every fault and the totals."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from verify.audit import OBLIGATIONS, Audited, totals
from verify.obligations.outcome import Outcome, Status

MARKS = {Status.HOLDS: "[green]✓[/]", Status.FAILS: "[bold red]✗[/]", Status.ABSENT: "[dim]–[/]"}
PIPED = 160  # columns where nobody's window ends
FEWEST = 12  # columns below which a reference says nothing


def show(results: Sequence[Audited], seconds: float, console: Console | None = None) -> None:
    """Print the table; names of lemmas are never cut short."""
    console = console or (Console() if sys.stdout.isatty() else Console(width=PIPED))
    console.print(_table(results, console.width))
    console.print("✓ holds  ✗ fails  – absent, with a reason", style="dim")
    for obligation in OBLIGATIONS:
        outcomes = [result.outcomes[obligation.name] for result in results]
        console.print(f"{obligation.name} {obligation.title}: {_summary(outcomes)}", highlight=False)
    for result in results:
        for name, outcome in result.outcomes.items():
            for fault in outcome.faults:
                console.print(f"[red]{result.lemma.name} {name}[/]: ", end="")
                console.print(fault, highlight=False, markup=False)
    counted = totals(results)
    console.print(
        f"\n{counted['lemmas']} lemmas; {counted['holds']} obligations hold, {counted['fails']} fail, "
        f"{counted['absent']} absent; {counted['killed']} of {counted['mutants']} mutants killed, "
        f"{counted['equivalent']} equivalent; {counted['wrong_variants']} wrong variants; {seconds:.0f} s"
    )


def _table(results: Sequence[Audited], width: int) -> Table:
    """The reference gets the room that is left, and goes where there is none."""
    longest = max((len(result.lemma.name) for result in results), default=5)
    left = width - (longest + 3) - len(OBLIGATIONS) * 5 - 4
    table = Table(title="audit", title_justify="left")
    table.add_column("lemma", no_wrap=True, min_width=longest)
    if left >= FEWEST:
        table.add_column("reference", no_wrap=True, overflow="ellipsis", max_width=left)
    for obligation in OBLIGATIONS:
        table.add_column(obligation.name, justify="center", no_wrap=True, min_width=2)
    for result in results:
        cells = [MARKS[result.outcomes[obligation.name].status] for obligation in OBLIGATIONS]
        reference = [result.lemma.reference] if left >= FEWEST else []
        table.add_row(result.lemma.name, *reference, *cells)
    return table


def _summary(outcomes: Sequence[Outcome]) -> str:
    parts = [f"{sum(o.status is status for o in outcomes)} {status.value}" for status in Status]
    return ", ".join(parts) + f", {sum(o.seconds for o in outcomes):.1f} s"
