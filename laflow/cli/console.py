"""What the program says: results on stdout, progress and errors on stderr."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

Advance = Callable[[str], None]


@contextmanager
def progress(title: str, steps: int) -> Iterator[Advance]:
    """A bar of `steps` on stderr; the function handed out moves it on by one and shows a short remark.

    Where stderr is no terminal, one plain line tells what has begun.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        console.print(f"{title} ...", markup=False, highlight=False)
        yield lambda remark: None
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
        yield lambda remark: bar.update(task, advance=1, remark=remark)
        bar.update(task, completed=steps)


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
