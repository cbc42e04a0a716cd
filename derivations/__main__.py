"""``python -m derivations``: write the kernels; ``--check`` compares them, ``--list`` shows every lemma."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from derivations.algebra.lemma import Lemma
from derivations.compiler.files import (
    COMMAND,
    KERNELS,
    GeneratedFile,
    body_checksum_holds,
    kernel_files,
    stale_files,
)
from derivations.registry import lemmas


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 0 if everything is as it should be."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Write the kernels that the derivations define.")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="compare with the committed kernels, write nothing")
    choice.add_argument("--list", action="store_true", help="prove every lemma and list the results")
    options = parser.parse_args(arguments)
    found = lemmas()
    if options.list:
        return _list(found)
    files = kernel_files(found)
    return _check(files) if options.check else _write(files)


def _write(files: Sequence[GeneratedFile]) -> int:
    changed = [item for item in files if item.difference()]
    for item in changed:
        item.write()
        print(f"wrote {item.path.relative_to(KERNELS.parents[1])}")
    for path in stale_files(files):
        path.unlink()
        print(f"removed {path.relative_to(KERNELS.parents[1])}, which no lemma generates")
    print(f"{len(files) - 1} kernels, {len(changed)} files changed")
    return 0


def _check(files: Sequence[GeneratedFile]) -> int:
    faults = 0
    for item in files:
        difference = item.difference()
        if difference:
            sys.stdout.write(difference)
            faults += 1
        elif item.path.name != "__init__.py" and not body_checksum_holds(item.path.read_text(encoding="utf-8")):
            print(f"{item.path.name}: the body does not match its checksum")
            faults += 1
    for path in stale_files(files):
        print(f"{path.name}: no lemma generates this file")
        faults += 1
    if faults:
        print(f"\n{faults} kernel file(s) differ from their derivations. To mend this, run:\n    {COMMAND}")
        return 1
    print(f"{len(files) - 1} kernels agree with their derivations")
    return 0


def _list(found: Sequence[Lemma]) -> int:
    rows = [("lemma", "reference", "proof (all sizes; small sizes)", "wrong variants", "kernels")]
    faults = 0
    for lemma in found:
        verdicts = lemma.prove()
        rejected = [verdict.rejected for _, verdict in lemma.reject_wrong_variants()]
        proved, agrees = sum(v.proved for v in verdicts), sum(v.agrees for v in verdicts)
        faults += sum(not v.holds for v in verdicts) + rejected.count(False)
        status = f"{proved}/{len(verdicts)} proved; {agrees}/{len(verdicts)} agree"
        kernels = ", ".join(program.name for program in lemma.programs) or (
            f"({lemma.runs_in})" if lemma.runs_in else "-"
        )
        rows.append((lemma.name, lemma.reference, status, f"{sum(rejected)}/{len(rejected)} rejected", kernels))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(f"\n{len(found)} lemmas, {faults} faults")
    for lemma in found:
        if lemma.limits:
            print(f"{lemma.name}: {lemma.limits}")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
