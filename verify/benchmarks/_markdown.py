"""Put a report into its place on a Markdown page: between `<!-- NAME -->` and `<!-- end of NAME -->`."""

import os
import re
import tempfile
from pathlib import Path

from verify.benchmarks import Report
from verify.reporting import cell


def write(path: Path, place: str, command: str, hardware: str, report: Report) -> None:
    """Replace what stands in `place` on the page, which must have it, whole or not at all.

    Raises ValueError where the page has no such place.
    """
    opening, closing = f"<!-- {place} -->", f"<!-- end of {place} -->"
    page = path.read_text(encoding="utf-8")
    between = re.compile(re.escape(opening) + ".*?" + re.escape(closing), re.DOTALL)
    if not between.search(page):
        raise ValueError(f"{path} has no place for {place}: add the lines {opening} and {closing}")
    text = "\n".join([opening, "", section(command, hardware, report), closing])
    _replace(path, between.sub(lambda _: text, page))


def section(command: str, hardware: str, report: Report) -> str:
    """The command, the table, bars and remarks."""
    titles, cells = report.table()
    lines = [f"`{command}` on {hardware}:", "", _line(titles), _line("---" for _ in titles)]
    lines += [_line(cell(value) for value in row) for row in cells]
    if report.bars:
        lines += ["", "| bar | value | |", "|---|---|---|"]
        lines += [_line((bar.claim, cell(bar.value), "met" if bar.met else "**missed**")) for bar in report.bars]
    return "\n".join([*lines, "", *report.remarks, ""])


def _line(cells: object) -> str:
    return "| " + " | ".join(cells) + " |"  # type: ignore[arg-type]


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
