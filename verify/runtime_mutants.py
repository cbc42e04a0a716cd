"""python -m verify.runtime_mutants [MODULE …] [--json FILE] [--sample N]: faults planted in the hand-written runtime.

Every mutant of a module is loaded into a private copy of the package (`verify.private_package`) and runs the checks of
the battery (`verify.battery`) that execute the mutated function, quickest first, until one notices. No process is
started for a mutant, nothing is compiled, and nothing outside of the copy changes.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

import numba
import numpy as np

from verify.battery import Check, checks
from verify.mutation import Mutant
from verify.private_package import MODULES, load, load_recording, source_of
from verify.reporting import print_table, write_json
from verify.runtime_equivalents import Reason, reason_to_survive
from verify.runtime_operators import MODULE, runtime_mutants
from verify.time_limit import time_limit

LEAST_KILLED = 0.95  # of the mutants that are not equivalent
SECONDS = 20.0  # a mutant that runs longer has lost its way


@dataclass(frozen=True)
class Baseline:
    """How long each check takes on the package as it stands, and which functions of the runtime it executes."""

    seconds: dict[str, float]
    executed: dict[str, frozenset[tuple[str, str]]]
    kills: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def order_for(self, module: str, function: str) -> list[str]:
        """The checks that execute a function (for constants: all), quickest and deadliest first."""
        found = [name for name, seen in self.executed.items() if function == MODULE or (module, function) in seen]
        return sorted(found, key=lambda name: self.seconds[name] / (1 + self.kills[module, function, name]))


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: ``killed`` by a check, ``equivalent``, ``accepted`` or ``survives``."""

    module: str
    mutant: str
    kind: str
    verdict: str
    killed_by: str = ""
    stopped: bool = False
    reason: str = ""


def measure(battery: dict[str, Check], interpreted: str = "") -> Baseline:
    """Run the battery on the package as it stands. Raises what a check raises."""
    seen: set[tuple[str, str]] = set()
    package = load_recording(seen, interpreted)
    seconds, executed = {}, {}
    for name, check in battery.items():
        with _strict(interpreted):
            check(package)  # once to fill the caches of what is expected
            seen.clear()
            begin = time.perf_counter()
            check(package)
            seconds[name] = time.perf_counter() - begin
        executed[name] = frozenset(seen)
    return Baseline(seconds, executed)


@cache
def baseline(module: str) -> Baseline:
    """The baseline for mutants of a module: linear algebra runs interpreted if it is what is mutated."""
    if module == "linalg":
        battery = {name: check for name, check in checks().items() if name.startswith("krylov")}
        return measure(battery, "linalg")
    return _baseline()


@lru_cache(maxsize=1)
def _baseline() -> Baseline:
    return measure(checks())


def judge(module: str, mutant: Mutant, against: Baseline | None = None) -> Verdict:
    """Run a mutant until a check notices it; what survives needs a reason."""
    known = baseline(module) if against is None else against
    name = "import"
    try:
        with _strict(module), time_limit(SECONDS):
            package = load(module, mutant.text)
            for name in known.order_for(module, mutant.function):
                checks()[name](package)
    except Exception as error:
        known.kills[module, mutant.function, name] += 1
        stopped = not isinstance(error, AssertionError)
        return Verdict(module, mutant.label, mutant.kind, "killed", name, stopped)
    reason = reason_to_survive(module, mutant)
    if reason is None:
        return Verdict(module, f"{mutant.label} in {mutant.statement}", mutant.kind, "survives")
    return Verdict(module, mutant.label, mutant.kind, _word(reason), reason=reason.why)


def _word(reason: Reason) -> str:
    return "accepted" if reason.accepted else "equivalent"


@contextmanager
def _strict(module: str = "") -> Iterator[None]:
    """Warnings are errors, as in the tests; one thread, because the problems are tiny.

    Where the linear algebra is what is mutated it runs interpreted, and its sums would warn of an overflow that
    compiled ones are silent about.
    """
    overflow: Literal["ignore", "warn"] = "ignore" if module == "linalg" else "warn"
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        with warnings.catch_warnings(), np.errstate(divide="warn", invalid=overflow, over=overflow, under="ignore"):
            warnings.simplefilter("error")
            yield
    finally:
        numba.set_num_threads(threads)


def run(module: str, sample: int = 1) -> list[Verdict]:
    """Judge every mutant of a module, or one in ``sample`` of them."""
    found = runtime_mutants(source_of(module))[::sample]
    return [judge(module, mutant) for mutant in found]


def share_killed(verdicts: Sequence[Verdict]) -> float:
    """Killed mutants, relative to those that are not equivalent."""
    counted = Counter(item.verdict for item in verdicts)
    rest = len(verdicts) - counted["equivalent"]
    return counted["killed"] / rest if rest else 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the mutants of some or all modules; exit with 0 only if enough die and no survivor lacks a reason."""
    parser = argparse.ArgumentParser(prog="python -m verify.runtime_mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"some of {', '.join(MODULES)}; all by default")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="judge one mutant in N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every verdict for machines")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.modules) - set(MODULES)):
        parser.error(f"no module of the runtime is called {', '.join(unknown)}: choose from {', '.join(MODULES)}")
    if options.sample < 1:
        parser.error(f"--sample is {options.sample}: give 1 or more")
    verdicts, rows = [], []
    for module in options.modules or MODULES:
        begin = time.perf_counter()
        found = run(module, options.sample)
        verdicts += found
        rows.append(_row(module, found, time.perf_counter() - begin))
        print(f"{module}: {len(found)} mutants, {rows[-1][-1]} s", file=sys.stderr, flush=True)
    show(verdicts, rows)
    if options.json is not None:
        write_json(options.json, as_json(verdicts, options.sample))
    without_reason = any(item.verdict == "survives" for item in verdicts)
    return 1 if without_reason or share_killed(verdicts) < LEAST_KILLED else 0


def _row(module: str, verdicts: Sequence[Verdict], seconds: float) -> list[str]:
    counted = Counter(item.verdict for item in verdicts)
    words = ("killed", "equivalent", "accepted", "survives")
    numbers = [str(counted[word]) for word in words]
    return [module, str(len(verdicts)), *numbers, f"{100.0 * share_killed(verdicts):.1f}", f"{seconds:.0f}"]


def show(verdicts: Sequence[Verdict], rows: list[list[str]]) -> None:
    """The table, and every survivor without a reason."""
    columns = ["module", "mutants", "killed", "equivalent", "accepted", "survive", "% killed", "s"]
    total = _row("all", verdicts, sum(float(row[-1]) for row in rows))
    print_table("mutants of the runtime", columns, [*rows, total])
    for item in verdicts:
        if item.verdict == "survives":
            print(f"{item.module}: {item.mutant}")


def as_json(verdicts: Sequence[Verdict], sample: int) -> dict[str, Any]:
    """Totals with the names of the audit, and every verdict."""
    counted = Counter(item.verdict for item in verdicts)
    return {
        "sample": sample,
        "totals": {"mutants": len(verdicts), "share_killed": share_killed(verdicts), **counted},
        "verdicts": [asdict(item) for item in verdicts],
    }


if __name__ == "__main__":
    raise SystemExit(main())
