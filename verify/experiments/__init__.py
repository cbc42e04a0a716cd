"""The paper's experiments (Section 4). `python -m verify.experiments NAME [--json FILE] [--figures DIR]`.

A module here is an experiment. It has a docstring, which states what the paper leaves open and what is chosen, and
`run(options: Options) -> Report`. Modules whose names begin with an underscore are what experiments share.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Options:
    """What the command line says. None means: as the experiment's docstring says."""

    size: int = 128
    images: int | None = None
    steps: int | None = None
    seed: int = 0
    figures: Path | None = None
    points: int | None = None
    seeds: int | None = None


@dataclass(frozen=True)
class Table:
    """A table to print."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Report:
    """Everything chosen, the tables, the numbers behind the figures, and the figures written.

    rows: for experiments that compare with the truth, what the file says at its top level for machines: each has a
    "name", the "exact" value, the one "seen", its "error", and the "tolerance" for their difference.
    held: whether nothing that had to be reached, in a row or a table, was missed.
    """

    settings: dict[str, Any]
    tables: tuple[Table, ...]
    data: dict[str, Any]
    figures: tuple[Path, ...] = field(default=())
    rows: tuple[dict[str, Any], ...] = ()
    held: bool = True
