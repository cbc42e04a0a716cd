"""python -m verify.benchmarks NAME [--json FILE] [--markdown FILE] [--plot FILE].

The exit code is 0 if every bar is met, 1 if one is missed, 2 if nothing could be measured.
"""

import argparse
import sys
from pathlib import Path

from verify import benchmarks, registry, reporting
from verify.benchmarks import _process


def main(arguments: list[str] | None = None) -> int:
    """Run one benchmark, print its table, write its files."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.threads < 1 or (chosen.rounds is not None and chosen.rounds < 1):
        parser.error("--threads and --rounds are 1 or more")
    # Before NumPy, Numba, torch or JAX is imported.
    _process.confine(chosen.threads)
    benchmark = registry.load(benchmarks, chosen.name)
    if chosen.plot is not None and not hasattr(benchmark, "plot"):
        parser.error(f"{chosen.name} draws nothing: leave out --plot")
    options = benchmarks.Options(
        threads=chosen.threads,
        rounds=chosen.rounds,
        compiled=not chosen.eager,
        large=chosen.large,
        single=chosen.float32,
    )
    try:
        report = benchmark.run(options)
    except (benchmarks.MissingPeerError, benchmarks.OptionError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    _show(chosen, report)
    if chosen.plot is not None:
        chosen.plot.parent.mkdir(parents=True, exist_ok=True)
        benchmark.plot(report, chosen.plot)
    return 0 if all(bar.met for bar in report.bars) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m verify.benchmarks", description=benchmarks.__doc__)
    parser.add_argument("name", choices=registry.names(benchmarks))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows to FILE as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table into its place on a page")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw what was measured (.svg, .png)")
    parser.add_argument("--threads", type=int, default=1, help="threads of everyone (default 1)")
    parser.add_argument("--rounds", type=int, help="how often everyone is measured")
    parser.add_argument("--large", action="store_true", help="the larger problem: 512² (gradient), 4096² (scaling)")
    parser.add_argument("--float32", action="store_true", help="float32 storage for everyone")
    parser.add_argument("--eager", action="store_true", help="leave out torch.compile, which needs a C++ compiler")
    return parser


def _show(chosen: argparse.Namespace, report: benchmarks.Report) -> None:
    titles, cells = report.table()
    reporting.print_table(chosen.name, titles, cells)
    hardware = reporting.hardware()
    for remark in (hardware, *report.remarks):
        print(remark)
    reporting.print_bars(report.bars)
    if chosen.json is not None:
        reporting.write_json(chosen.json, {"benchmark": chosen.name, "hardware": hardware} | report.as_json())
    if chosen.markdown is not None:
        from verify.benchmarks import _markdown

        _markdown.write(chosen.markdown, _place(chosen), _command(chosen), hardware, report)


def _place(chosen: argparse.Namespace) -> str:
    """The name of the place on the page: one for each variant of a benchmark."""
    variants = [name for name in ("large", "float32") if getattr(chosen, name)]
    threads = [f"{chosen.threads}-threads"] if chosen.threads > 1 else []
    return "-".join([chosen.name, *variants, *threads])


def _command(chosen: argparse.Namespace) -> str:
    flags = [f"--{name}" for name in ("large", "float32", "eager") if getattr(chosen, name)]
    flags += [f"--threads {chosen.threads}"] if chosen.threads > 1 else []
    flags += [f"--rounds {chosen.rounds}"] if chosen.rounds else []
    return " ".join(["python -m verify.benchmarks", chosen.name, *flags])


if __name__ == "__main__":
    sys.exit(main())
