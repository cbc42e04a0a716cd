"""``python -m verify.oracles [--json FILE] [--write]``: how small a fault each oracle sees, measured now.

Exits with 1 if an oracle misses the limit that it publishes, or a figure lies outside its interval. ``--write`` brings
the table of ``docs/oracles.md`` up to date.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from verify.oracles.detection import Detection, Figure, detections, figures
from verify.reporting import print_table, write_json

PAGE = Path(__file__).resolve().parents[2] / "docs" / "oracles.md"
BEGIN, END = "<!-- table: python -m verify.oracles --write -->\n", "<!-- end of table -->\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, show, and write what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m verify.oracles", description="Detection limits of the oracles.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures for machines")
    parser.add_argument("--write", action="store_true", help="update the table in docs/oracles.md")
    options = parser.parse_args(arguments)
    found, reached = detections(), figures()
    print_table(
        "smallest relative fault of a gradient that each oracle sees",
        ("oracle", "compares with", "published", "seen", "error of the exact one", "seconds"),
        [(row.oracle, row.compares, row.published, row.seen, row.error, row.seconds) for row in found],
    )
    for figure in reached:
        state = "reached" if figure.reached else "MISSED "
        print(f"{state} {figure.what}: {figure.value:.4g} in [{figure.least:g}, {figure.most:g}]")
    if options.json is not None:
        content = {"oracles": [asdict(row) for row in found], "figures": [asdict(row) for row in reached]}
        write_json(options.json, content)
    if options.write:
        write_page(PAGE, with_table(PAGE.read_text(encoding="utf-8"), found, reached))
    missed = [row.oracle for row in found if not row.kept] + [row.what for row in reached if not row.reached]
    if missed:
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


def with_table(page: str, found: Sequence[Detection], reached: Sequence[Figure]) -> str:
    """The page with its tables made anew; what changes from run to run (times, roundings) is left out."""
    lines = ["| oracle | compares with | publishes | saw |", "|---|---|---|---|"]
    lines += [f"| `{row.oracle}` | {row.compares} | {row.published:.1e} | {row.seen:.1e} |" for row in found]
    lines += ["", "| figure | must lie in | found |", "|---|---|---|"]
    lines += [f"| {row.what} | [{row.least:g}, {row.most:g}] | {_short(row)} |" for row in reached]
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n" + "\n".join(lines) + "\n\n" + END + after


def _short(figure: Figure) -> str:
    return f"{figure.value:.2f}" if figure.least > 0.0 else f"{figure.value:.0e}"


def write_page(path: Path, text: str) -> None:
    """Write beside the page, then rename."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)


if __name__ == "__main__":
    raise SystemExit(main())
