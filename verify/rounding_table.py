"""``python -m verify.rounding_table``: the worst rounding errors of every kernel, recorded, and only ever improved.

Runs obligation O5 in full and writes ``verify/rounding_table.json``: for each output of each kernel the worst error
over its running bound and over the bound in its docstring, and the input on which the former occurred. A figure that
got worse by more than ``ALLOWANCE`` is refused unless ``--because`` says why (the reason is recorded beside it);
smaller changes keep what was recorded. ``--check`` compares and writes nothing.

The allowance: kernels add and multiply alike on every machine, but ``exp`` and ``log`` of another C library may differ
in the last place, in the kernel and in the inputs drawn; errors are a few units there, so a worst ratio can move by a
fraction of itself.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from derivations.algebra.lemma import Lemma
from derivations.registry import lemmas
from verify.obligations import rounding
from verify.obligations.outcome import Effort
from verify.reporting import write_json

TABLE = Path(__file__).with_name("rounding_table.json")
ALLOWANCE = 1.25


@dataclass(frozen=True)
class Worst:
    """Worst error of one output over its running bound, over the stated bound, the input, and a reason if it rose."""

    running: float
    stated: float
    on: str
    because: str = ""


def read(path: Path = TABLE) -> dict[str, Worst]:
    """The recorded table by ``kernel.output``; empty if there is none."""
    if not path.exists():
        return {}
    recorded = json.loads(path.read_text(encoding="utf-8"))["outputs"]
    return {name: Worst(**row) for name, row in recorded.items()}


def measure(chosen: Iterable[Lemma], effort: Effort) -> dict[str, Worst]:
    """Fresh figures, rounded up to three decimals."""
    found = {}
    for lemma in chosen:
        if lemma.programs:
            detail = rounding.discharge(lemma, effort).detail
            for name, running in detail["worst"].items():
                found[name] = Worst(_up(running), _up(detail["stated"][name]), detail["worst_on"][name])
    return found


def worse(fresh: Mapping[str, Worst], recorded: Mapping[str, Worst]) -> list[str]:
    """What rose by more than the allowance, one line each; an output without a record is no fault."""
    lines = []
    for name, row in fresh.items():
        for what in ("running", "stated"):
            now, before = getattr(row, what), getattr(recorded.get(name, row), what)
            if not now <= ALLOWANCE * before:
                lines.append(f"{name}: error over {what} bound {now:.3f}, recorded {before:.3f} (on {row.on})")
    return lines


def merged(fresh: Mapping[str, Worst], recorded: Mapping[str, Worst], because: str) -> dict[str, Worst]:
    """The table to write: better figures replace recorded ones, worse ones too if there is a reason."""
    table = {}
    for name, row in sorted(fresh.items()):
        before = recorded.get(name, row)
        rose = bool(worse({name: row}, recorded))
        if rose:
            table[name] = Worst(row.running, row.stated, row.on, because)
        else:
            on = row.on if row.running < before.running else before.on
            table[name] = Worst(min(row.running, before.running), min(row.stated, before.stated), on, before.because)
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, compare, and write unless something got worse."""
    parser = argparse.ArgumentParser(
        prog="python -m verify.rounding_table", description="Record worst rounding errors."
    )
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--because", default="", metavar="REASON", help="accept worse figures, for this reason")
    options = parser.parse_args(arguments)
    recorded, fresh = read(), measure(lemmas(), Effort.FULL)
    found = worse(fresh, recorded)
    for line in found:
        print(line, file=sys.stderr)
    if not options.check and (not found or options.because):
        table = merged(fresh, recorded, options.because)
        write_json(TABLE, {"outputs": {name: asdict(row) for name, row in table.items()}})
        print(f"{len(table)} outputs recorded in {TABLE.name}")
        return 0
    if found:
        print("figures got worse; mend the kernel, or say --because REASON", file=sys.stderr)
    return 1 if found else 0


def _up(ratio: float) -> float:
    return math.ceil(ratio * 1000.0) / 1000.0 if math.isfinite(ratio) else math.inf


if __name__ == "__main__":
    raise SystemExit(main())
