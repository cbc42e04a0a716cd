"""Measured costs against peers and bounds. `python -m verify.benchmarks NAME [--json FILE]`.

A module here is a benchmark. It has a docstring and `run(options: Options) -> Report`; its first line is its
summary.
"""

from dataclasses import asdict, dataclass
from typing import Any

from verify.reporting import Bar


class MissingPeerError(RuntimeError):
    """A peer to compare with is not installed; the message says how to install it."""


@dataclass(frozen=True)
class Options:
    """What the command line says: threads (already set in the environment) and rounds of measurement."""

    threads: int
    rounds: int | None = None
    compiled: bool = False


@dataclass(frozen=True)
class Row:
    """One line: who, with which parameters, on how many threads, at which relative error, at which cost.

    `ms` is a median; `times_ours` is the median, over rounds, of the time relative to that of the configuration
    of laflow that the bars are about in the same round.
    """

    who: str
    config: str
    threads: int
    error: float | None = None
    ms: float | None = None
    ms_min: float | None = None
    times_ours: float | None = None
    peak_mb: float | None = None


@dataclass(frozen=True)
class Report:
    """Rows, the bars that they must clear, and remarks (what was compared with what)."""

    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
    remarks: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain containers for `json`."""
        return {
            "rows": [asdict(row) for row in self.rows],
            "bars": [asdict(bar) for bar in self.bars],
            "remarks": list(self.remarks),
        }
