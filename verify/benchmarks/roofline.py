"""Distance of the gradient at 512×512, J=10, to the machine's own limit, part by part. The bar is 3 times the floor.

What each part must move and compute is counted from its formula (`_counts`); bandwidth, at the size of what the part
walks over, and peak are measured in the same run (`_machine`), in one thread. The floor of a part is the longer of the
two times that its bytes and its operations need, that of the gradient is the sum over its parts: it is the floor of
these parts, and fusing two of them would lower it. Parts are timed where they run, in a gradient like any other; the
whole is timed without that.
"""

import statistics
import time

import numpy as np

from verify.benchmarks import OptionError, Options, Report, Row
from verify.benchmarks._machine import Machine
from verify.benchmarks._parts import Call, recorded
from verify.benchmarks.gradient import LARGE_PROBLEM, PROBLEM, SEED, TIME, our_candidates
from verify.instances import colors_instance
from verify.reporting import Bar

CHOICES = ((5, 3), (8, 4))
ROUNDS = 9
MOST_TIMES = 3.0


def run(options: Options) -> Report:
    """Count and time the parts, measure the machine, compare; one thread only."""
    if options.threads != 1:
        raise OptionError("the limits are those of one thread: leave out --threads")
    machine = Machine(np.float32 if options.single else np.float64)
    peak = machine.peak()
    rows: list[Row] = []
    bars: list[Bar] = []
    for (shape, labels), choices in ((LARGE_PROBLEM, CHOICES), (PROBLEM, CHOICES[:1])):
        instance = colors_instance(shape, labels, time=TIME, seed=SEED)
        for choice in choices:
            (candidate,) = our_candidates(instance, choices=(choice,), single=options.single)
            title = f"{shape[0]}×{shape[1]}, J={labels}, {candidate.config}"
            whole, parts = _rows(candidate.compute, title, machine, peak, options.rounds or ROUNDS)
            rows += [*parts, whole]
            if (shape, labels) == LARGE_PROBLEM:
                times = whole.times_floor or np.inf
                bars.append(Bar(f"times the floor, {title}, at most {MOST_TIMES:g}", times, times <= MOST_TIMES))
    limits = ", ".join(f"{1e-9 * speed:.1f} at {2**power / 1e6:.1f} MB" for power, speed in machine.measured())
    words = f"Limits of one thread: {1e-9 * peak:.1f} GFlop/s; GB/s of a triad over so many bytes: {limits}."
    return Report(tuple(rows), tuple(bars), (words, "GB/s and GFlop/s are counted bytes and operations over time."))


def _rows(compute, title: str, machine: Machine, peak: float, rounds: int) -> tuple[Row, list[Row]]:  # type: ignore[no-untyped-def]
    """The whole, and its parts."""
    compute()
    wholes, recordings = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        compute()
        wholes.append(time.perf_counter() - start)
        with recorded() as calls:
            compute()
        recordings.append(calls)
    parts, floor = [], 0.0
    for name in dict.fromkeys(call.part for call in recordings[0]):
        per_round = [[call for call in calls if call.part == name] for calls in recordings]
        least = sum(part_floor(call, machine, peak) for call in per_round[0])
        floor += least
        seconds = [sum(call.seconds for call in calls) for calls in per_round]
        label = f"{name}, {len(per_round[0])} calls" if len(per_round[0]) > 1 else name
        parts.append(_row(title, label, seconds, least, per_round[0]))
    return _row(title, "the whole", wholes, floor, recordings[0]), parts


def part_floor(call: Call, machine: Machine, peak: float) -> float:
    """Seconds below which this call cannot get on this machine."""
    return max(call.count.bytes / machine.bandwidth(call.count.bytes), call.count.flops / peak)


def _row(title: str, part: str, seconds: list[float], floor: float, calls: list[Call]) -> Row:
    median = statistics.median(seconds)
    return Row(
        title,
        part,
        1,
        ms=1e3 * median,
        ms_min=1e3 * min(seconds),
        gb_per_s=1e-9 * sum(call.count.bytes for call in calls) / median,
        gflop_per_s=1e-9 * sum(call.count.flops for call in calls) / median,
        times_floor=median / floor,
    )
