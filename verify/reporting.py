"""Tables on the terminal and JSON in files, for benchmarks and experiments."""

import json
import os
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Bar:
    """A bound that must hold: `claim` in words, the value measured, and whether it holds."""

    claim: str
    value: float
    met: bool


def hardware() -> str:
    """Processor, number of cores, memory and versions, in one line."""
    import numpy
    import scipy

    return (
        f"{_processor()}, {os.cpu_count()} cores, {_memory_gib()} GiB; Python {platform.python_version()}, "
        f"NumPy {numpy.__version__}, SciPy {scipy.__version__}"
    )


def write_json(path: Path, content: Any) -> None:
    """Write `content` as JSON beside `path`, then move it there: no reader ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=2, allow_nan=False)
            stream.write("\n")
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; None shows as a dash, floats with three significant digits."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    # Into a file or a pipe, lines may be as long as they need to be.
    console = console if console.is_terminal else Console(width=160)
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < 2 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    console.print(table)


def print_bars(bars: Sequence[Bar]) -> None:
    """Print one line a bar."""
    for bar in bars:
        print(f"{'met   ' if bar.met else 'MISSED'}  {bar.claim}: {cell(bar.value)}")


def cell(value: object) -> str:
    """None as a dash, floats with three significant digits or so."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.1e}" if value != 0.0 and abs(value) < 1e-2 else f"{value:.4g}"
    return str(value)


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gib() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f}"
    except (ValueError, OSError, AttributeError):
        return "?"
