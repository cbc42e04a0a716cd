"""python -m verify.experiments NAME [--json FILE] [--figures DIR].

The exit code is 0 if all that had to be reached was, 1 if something was missed.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from verify import experiments, registry, reporting


def main(arguments: list[str] | None = None) -> int:
    """Run one experiment, print its tables, write its numbers and pictures."""
    chosen = _parse(arguments)
    options = experiments.Options(
        size=chosen.size,
        images=chosen.images,
        steps=chosen.steps,
        seed=chosen.seed,
        figures=chosen.figures,
        points=chosen.points,
        seeds=chosen.seeds,
    )
    report = registry.load(experiments, chosen.name).run(options)
    for table in report.tables:
        reporting.print_table(table.title, table.columns, table.rows)
    print("; ".join(f"{name}: {value}" for name, value in report.settings.items()))
    for path in report.figures:
        print(f"wrote {path}")
    if chosen.json is not None:
        content: dict[str, Any] = {"experiment": chosen.name, "hardware": reporting.hardware()}
        if report.rows:
            content["rows"] = list(report.rows)
        reporting.write_json(chosen.json, content | {"settings": report.settings, "data": report.data})
    return 0 if report.held else 1


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m verify.experiments", description=experiments.__doc__)
    parser.add_argument("name", choices=registry.names(experiments))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write settings and numbers to FILE as JSON")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="write pictures (PNG) into DIR")
    parser.add_argument("--size", type=int, default=128, help="side of the images in pixels (default 128)")
    parser.add_argument("--images", type=int, help="number of images to average over")
    parser.add_argument("--steps", type=int, help="number of gradient steps")
    parser.add_argument("--points", type=int, help="number of points of a hypersurface")
    parser.add_argument("--seeds", type=int, help="number of seeds to average over, from --seed on")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    for name in ("size", "images", "steps", "points", "seeds"):
        value = getattr(options, name)
        if value is not None and value < 1:
            parser.error(f"--{name} is {value}: give 1 or more")
    return options


if __name__ == "__main__":
    sys.exit(main())
