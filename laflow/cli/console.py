"""What the program says: results on stdout, progress and errors on stderr."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from laflow.cli.interrupts import heeding

# Where stderr is no terminal, how many seconds pass between two lines of progress.
SECONDS_BETWEEN_LINES = 60.0


class Advance(Protocol):
    """Move the bar on by one, or to `done` steps, and show a short remark."""

    def __call__(self, remark: str, done: int | None = None) -> None: ...


@contextmanager
def progress(title: str, steps: int) -> Iterator[Advance]:
    """A bar of `steps` on stderr, and the function that moves it on.

    Where stderr is no terminal, one plain line tells what has begun, and another one a minute how far it is.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        console.print(f"{title} ...", markup=False, highlight=False)
        yield heeding(_lines(console, title, steps))
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[remark]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=steps, remark="")

        def advance(remark: str, done: int | None = None) -> None:
            bar.update(task, completed=done, advance=1 if done is None else None, remark=remark)

        yield heeding(advance)
        bar.update(task, completed=steps)


def _lines(console: Console, title: str, steps: int) -> Advance:
    shown, count = monotonic(), 0

    def advance(remark: str, done: int | None = None) -> None:
        nonlocal shown, count
        count = count + 1 if done is None else done
        if monotonic() - shown >= SECONDS_BETWEEN_LINES:
            shown = monotonic()
            console.print(f"{title}: {count} of {steps}, {remark} ...", markup=False, highlight=False)

    return advance


def show_json(result: dict[str, Any]) -> None:
    """One JSON document on stdout; numbers that JSON lacks (NaN, infinity) are refused."""
    sys.stdout.write(json.dumps(result, indent=2, allow_nan=False) + "\n")


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str = "") -> None:
    """A table on stdout, the first column to the left, the others to the right."""
    table = Table(title=title, caption=caption or None, caption_justify="left", title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def show_line(text: str) -> None:
    """One line on stdout."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """One line on stderr: the program goes on."""
    sys.stderr.write(f"laflow: note: {text}\n")


def fail(text: str) -> None:
    """The one line on stderr with which the program ends on bad input."""
    sys.stderr.write(f"laflow: error: {' '.join(text.split())}\n")


def percent(value: float) -> str:
    """A share of pixels, `value` in percent, with two decimals."""
    return f"{value:.2f} %"
