"""python -m verify.benchmarks NAME [--json FILE].

The exit code is 0 if every bar is met, 1 if one is missed, 2 if nothing could be measured.
"""

import argparse
import os
import sys
from pathlib import Path

from verify import benchmarks, registry, reporting

_THREAD_VARIABLES = (
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def main(arguments: list[str] | None = None) -> int:
    """Run one benchmark, print its table, write its JSON."""
    options = _parse(arguments)
    # Before NumPy, Numba or torch is imported: they read these once.
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(options.threads)
    benchmark = registry.load(benchmarks, options.name)
    try:
        report = benchmark.run(
            benchmarks.Options(threads=options.threads, rounds=options.rounds, compiled=options.compiled)
        )
    except benchmarks.MissingPeerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    _show(options.name, report)
    if options.json is not None:
        content = {"benchmark": options.name, "hardware": reporting.hardware()} | report.as_json()
        reporting.write_json(options.json, content)
    return 0 if all(bar.met for bar in report.bars) else 1


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m verify.benchmarks", description=benchmarks.__doc__)
    parser.add_argument("name", choices=registry.names(benchmarks))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows to FILE as JSON")
    parser.add_argument("--threads", type=int, default=1, help="threads of everyone (default 1)")
    parser.add_argument("--rounds", type=int, help="how often everyone is measured")
    parser.add_argument("--compiled", action="store_true", help="measure torch.compile too (needs a C++ compiler)")
    options = parser.parse_args(arguments)
    if options.threads < 1 or (options.rounds is not None and options.rounds < 1):
        parser.error("--threads and --rounds are 1 or more")
    return options


def _show(name: str, report: benchmarks.Report) -> None:
    reporting.print_table(
        name,
        ("who", "config", "threads", "error", "median ms", "least ms", "ratio", "peak MB"),
        [
            (row.who, row.config, row.threads, row.error, row.ms, row.ms_min, row.times_ours, row.peak_mb)
            for row in report.rows
        ],
    )
    print(reporting.hardware())
    for remark in report.remarks:
        print(remark)
    reporting.print_bars(report.bars)


if __name__ == "__main__":
    sys.exit(main())
