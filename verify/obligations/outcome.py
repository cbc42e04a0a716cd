"""The outcome of one obligation of one lemma."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from derivations.algebra.lemma import Lemma


class Status(Enum):
    """Whether an obligation holds; ``ABSENT`` always comes with a reason."""

    HOLDS = "holds"
    FAILS = "fails"
    ABSENT = "absent"


class Effort(Enum):
    """How much is run: ``QUICK`` on every test run, ``FULL`` in the audit."""

    QUICK = "quick"
    FULL = "full"


@dataclass(frozen=True)
class Outcome:
    """Status, one figure with its meaning, the seconds spent, and what a reader may want to see.

    ``detail`` holds plain data (numbers, strings, lists, dicts) for the report; ``faults`` one line for each failure.
    """

    status: Status
    figure: str
    faults: tuple[str, ...] = ()
    seconds: float = 0.0
    detail: dict[str, Any] = field(default_factory=dict)


Discharge = Callable[[Lemma, Effort], Outcome]


def holds_unless(faults: list[str], figure: str, **detail: Any) -> Outcome:
    """An outcome that holds exactly if there are no faults."""
    return Outcome(Status.FAILS if faults else Status.HOLDS, figure, tuple(faults), detail=detail)


def absent(reason: str) -> Outcome:
    """The lemma has nothing that this obligation is about."""
    return Outcome(Status.ABSENT, reason)


def timed(discharge: Discharge, lemma: Lemma, effort: Effort) -> Outcome:
    """Run one obligation; an exception is a failure, with its text."""
    begin = time.perf_counter()
    try:
        outcome = discharge(lemma, effort)
    except Exception as error:
        outcome = Outcome(Status.FAILS, "stopped by an error", (f"{type(error).__name__}: {error}",))
    return replace(outcome, seconds=time.perf_counter() - begin)
