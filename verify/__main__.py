"""``python -m verify [LEMMA …]``: the audit. It exits with 0 only if every obligation holds or is declared absent."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from derivations.registry import lemma as lemma_named
from derivations.registry import lemmas
from verify.audit import OBLIGATIONS, Audited, as_json, audit, totals
from verify.obligations.outcome import Effort, Outcome, Status
from verify.reporting import write_json

MARKS = {Status.HOLDS: "[green]holds[/]", Status.FAILS: "[bold red]FAILS[/]", Status.ABSENT: "[dim]absent[/]"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the audit and report it."""
    parser = argparse.ArgumentParser(prog="python -m verify", description="Audit lemmas, kernels and proofs.")
    parser.add_argument("lemmas", nargs="*", metavar="LEMMA", help="names of lemmas; all if none is given")
    parser.add_argument("--quick", action="store_true", help="fewer inputs and a sample of the mutants")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the whole report for machines")
    options = parser.parse_args(arguments)
    try:
        chosen = [lemma_named(name) for name in options.lemmas] or list(lemmas())
    except KeyError as error:
        print(f"python -m verify: {error.args[0]}", file=sys.stderr)
        return 2
    effort = Effort.QUICK if options.quick else Effort.FULL
    begin, progress = time.perf_counter(), Console(stderr=True)
    results = []
    with progress.status("audit") as status:
        for result in audit(chosen, effort, status.update):
            results.append(result)
    show(results, time.perf_counter() - begin)
    if options.json is not None:
        write_json(options.json, as_json(results, effort))
    return 0 if all(result.holds for result in results) else 1


def show(results: Sequence[Audited], seconds: float) -> None:
    """The table for people: one row a lemma, then every fault and the totals."""
    console = Console()
    table = Table(title="audit", title_justify="left")
    table.add_column("lemma")
    table.add_column("reference", max_width=28, overflow="ellipsis", no_wrap=True)
    for obligation in OBLIGATIONS:
        table.add_column(obligation.name)
    for result in results:
        cells = [MARKS[result.outcomes[obligation.name].status] for obligation in OBLIGATIONS]
        table.add_row(result.lemma.name, result.lemma.reference, *cells)
    console.print(table)
    for obligation in OBLIGATIONS:
        outcomes = [result.outcomes[obligation.name] for result in results]
        console.print(f"{obligation.name} {obligation.title}: {_summary(outcomes)}")
    for result in results:
        for name, outcome in result.outcomes.items():
            for fault in outcome.faults:
                console.print(f"[red]{result.lemma.name} {name}[/]: {fault}", highlight=False)
    counted = totals(results)
    console.print(
        f"\n{counted['lemmas']} lemmas; {counted['holds']} obligations hold, {counted['fails']} fail, "
        f"{counted['absent']} absent; {counted['killed']} of {counted['mutants']} mutants killed, "
        f"{counted['equivalent']} equivalent; {counted['wrong_variants']} wrong variants; {seconds:.0f} s"
    )


def _summary(outcomes: Sequence[Outcome]) -> str:
    parts = [f"{sum(o.status is status for o in outcomes)} {status.value}" for status in Status]
    return ", ".join(parts) + f", {sum(o.seconds for o in outcomes):.1f} s"


if __name__ == "__main__":
    raise SystemExit(main())
