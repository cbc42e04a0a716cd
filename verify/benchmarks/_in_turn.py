"""Time several computations in turn, round by round, so that a slow moment of the machine hits all alike."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

BUDGET = 4.0  # seconds for each computation: slow ones are left out of some rounds
FEWEST = 3


@dataclass(frozen=True)
class Candidate:
    """Who computes the gradient how: `compute` is what is timed, `plain` turns its result into (I, K)."""

    who: str
    config: str
    compute: Callable[[], object]
    plain: Callable[[object], np.ndarray]
    ours: bool = False
    hot: bool = True  # False: shown, but no bar compares with it


@dataclass(frozen=True)
class Timing:
    """Seconds by round, and processors kept busy: CPU time over wall time."""

    seconds: dict[int, float]
    cores: float

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds.values())

    @property
    def least(self) -> float:
        """Seconds."""
        return min(self.seconds.values())


@dataclass(frozen=True)
class Measured:
    """A candidate with its relative error and its times."""

    candidate: Candidate
    error: float
    timing: Timing


def ratio(slower: Timing, faster: Timing) -> float:
    """The median, over the rounds in which both ran, of one time over the other."""
    rounds = slower.seconds.keys() & faster.seconds.keys()
    return statistics.median(slower.seconds[number] / faster.seconds[number] for number in rounds)


def time_in_turn(computations: Sequence[Callable[[], object]], rounds: int, budget: float = BUDGET) -> list[Timing]:
    """Warm everyone up once, then measure round by round.

    Who would take more than `budget` seconds over all rounds is measured in every second, third, ... round only, at
    least in `FEWEST`; who takes as long as that in a single run, once.
    """
    strides = [_stride(_seconds(compute)[0], rounds, budget) for compute in computations]
    walls: list[dict[int, float]] = [{} for _ in computations]
    busy = [0.0 for _ in computations]
    for number in range(rounds):
        for place, compute in enumerate(computations):
            if number % strides[place] == 0:
                walls[place][number], cpu = _seconds(compute)
                busy[place] += cpu
    return [Timing(wall, cpu / sum(wall.values())) for wall, cpu in zip(walls, busy, strict=True)]


def _stride(seconds: float, rounds: int, budget: float) -> int:
    if seconds > budget:
        return rounds
    most = max(1, (rounds - 1) // max(1, FEWEST - 1))
    return min(most, max(1, math.ceil(seconds * rounds / budget)))


def _seconds(compute: Callable[[], object]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    compute()
    return time.perf_counter() - wall, time.process_time() - cpu


def relative_error(gradient: np.ndarray, reference: np.ndarray) -> float:
    """Euclidean norm of the difference over that of the reference, in float64."""
    return float(np.linalg.norm(gradient.astype(np.float64) - reference) / np.linalg.norm(reference))
