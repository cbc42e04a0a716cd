"""Measured costs against peers and bounds. `python -m verify.benchmarks NAME [--json FILE] [--markdown FILE]`.

A module here is a benchmark, unless its name begins with an underscore. It has a docstring, whose first paragraph is
its summary, and `run(options: Options) -> Report`; `plot(report, path)` if it can draw what it measured.
"""

from dataclasses import asdict, dataclass
from typing import Any

from verify.reporting import Bar


class MissingPeerError(RuntimeError):
    """A peer to compare with is not installed; the message says how to install it."""


class OptionError(ValueError):
    """A benchmark cannot do what an option asks for; the message says what to leave out."""


@dataclass(frozen=True)
class Options:
    """What the command line says: threads (already set in the environment), rounds of measurement, variants.

    `large` asks for the larger problem of a benchmark, `single` for float32 storage, `compiled` for torch.compile.
    """

    threads: int
    rounds: int | None = None
    compiled: bool = True
    large: bool = False
    single: bool = False


@dataclass(frozen=True)
class Row:
    """One line: who, with which parameters, on how many threads, at which relative error, at which cost.

    `ms` is a median. `times_ours` is the median, over rounds, of the time relative to that of laflow's fastest
    configuration that is at least as accurate, in the same round. `cores` is CPU time over wall time. `per_pixel`
    is in ns, `peak_mb` in 10⁶ bytes, `gb_per_s` and `gflop_per_s` in 10⁹ a second, `times_floor` is over the time
    that the machine's own limits allow. `sigma` is σ of a metric after a training of `ms`.
    """

    who: str
    config: str
    threads: int
    error: float | None = None
    ms: float | None = None
    ms_min: float | None = None
    times_ours: float | None = None
    cores: float | None = None
    per_pixel: float | None = None
    peak_mb: float | None = None
    gb_per_s: float | None = None
    gflop_per_s: float | None = None
    times_floor: float | None = None
    sigma: float | None = None


COLUMNS = {
    "who": "who",
    "config": "config",
    "threads": "threads",
    "error": "error",
    "ms": "median ms",
    "ms_min": "least ms",
    "times_ours": "times laflow's",
    "cores": "cores",
    "per_pixel": "ns a pixel",
    "peak_mb": "peak MB",
    "gb_per_s": "GB/s",
    "gflop_per_s": "GFlop/s",
    "times_floor": "times the floor",
    "sigma": "σ",
}


@dataclass(frozen=True)
class Report:
    """Rows, the bars that they must clear, and remarks (what was compared with what)."""

    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
    remarks: tuple[str, ...] = ()

    def table(self) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
        """Titles and cells; columns in which nobody has a value are left out."""
        used = [name for name in COLUMNS if any(getattr(row, name) is not None for row in self.rows)]
        cells = [tuple(getattr(row, name) for name in used) for row in self.rows]
        return tuple(COLUMNS[name] for name in used), cells

    def as_json(self) -> dict[str, Any]:
        """Plain containers for `json`."""
        return {
            "rows": [asdict(row) for row in self.rows],
            "bars": [asdict(bar) for bar in self.bars],
            "remarks": list(self.remarks),
        }
