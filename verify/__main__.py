"""``python -m verify [LEMMA …]``: the audit. It exits with 0 only if every obligation holds or is declared absent."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from derivations.registry import lemma as lemma_named
from derivations.registry import lemmas
from verify.audit import as_json, audit
from verify.obligations.outcome import Effort
from verify.reporting import write_json
from verify.terminal import show


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the audit and report it."""
    options = _parser().parse_args(arguments)
    try:
        chosen = [lemma_named(name) for name in options.lemmas] or list(lemmas())
        _check_before_the_audit(options)
    except KeyError as error:
        return _refuse(error.args[0])
    except ValueError as error:
        return _refuse(str(error))
    effort = Effort.QUICK if options.quick else Effort.FULL
    begin, progress = time.perf_counter(), Console(stderr=True)
    results = []
    with progress.status("audit") as status:
        for result in audit(chosen, effort, status.update):
            results.append(result)
    seconds = time.perf_counter() - begin
    show(results, seconds)
    if options.json is not None:
        write_json(options.json, as_json(results, effort))
    if options.html is not None:
        from verify.report.site import write_site

        write_site(options.html, results, effort, seconds)
        progress.print(f"The report is in {options.html / 'index.html'}", highlight=False)
    if options.assurance is not None:
        from verify.report.assurance import write_assurance

        write_assurance(options.assurance, results, effort)
    return 0 if all(result.holds for result in results) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m verify", description="Audit lemmas, kernels and proofs.")
    parser.add_argument("lemmas", nargs="*", metavar="LEMMA", help="names of lemmas; all if none is given")
    parser.add_argument("--quick", action="store_true", help="fewer inputs and a sample of the mutants")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the whole report for machines")
    parser.add_argument("--html", type=Path, metavar="DIR", help="write the whole report as a site, one page a lemma")
    parser.add_argument("--assurance", type=Path, metavar="FILE", help="write the table of the documentation")
    return parser


def _check_before_the_audit(options: argparse.Namespace) -> None:
    """Refuse what could not be written in the end."""
    if options.html is not None:
        from verify.report.site import check_folder

        check_folder(options.html)
    if options.assurance is not None and options.lemmas:
        raise ValueError("--assurance is a table of all lemmas: name none")


def _refuse(reason: str) -> int:
    print(f"python -m verify: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
