"""Time per pixel of laflow's gradient over the size, the labels, T, the radius, in a volume and on a general graph.

Random distances, uniform weights, radius 1, J=8, T=5, m=5, rank 3 unless a row says otherwise; weights and truth packed
and memory reused, as in a learning loop; malloc keeps what is freed: results of 2048² are 0.6 GB of fresh pages a call
else, a third of its time. All sizes are measured in turn, round by round. The bar: the time per pixel at sizes from
128² to 2048² stays within 1.5 times of the least. `--large` measures a gradient of 4096², J=4, in float32 storage
instead, in a fresh process; there the bar is 6 GB of resident memory in all, inputs and interpreter included.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from verify.benchmarks import Options, Report, Row
from verify.benchmarks._process import keep_freed_memory
from verify.reporting import Bar

ROUNDS = 5
KRYLOV_DIM, RANK = 5, 3
MOST_TIMES, MOST_GB = 1.5, 6.0
SIZES = (32, 64, 128, 256, 512, 1024, 2048)
BARRED = (128, 2048)
HUGE, HUGE_LABELS = (4096, 4096), 4


@dataclass(frozen=True)
class Case:
    """One problem of a series; m and r grow with T."""

    series: str
    config: str
    shape: tuple[int, ...]
    labels: int = 8
    time: float = 5.0
    radius: int = 1
    krylov_dim: int = KRYLOV_DIM
    rank: int = RANK
    sparse: bool = False

    @property
    def nodes(self) -> int:
        """Number of pixels."""
        return int(np.prod(self.shape))


def cases() -> list[Case]:
    """Every series; the case at which two meet stands in both."""
    sizes = [Case("pixels", f"{side}²", (side, side)) for side in SIZES]
    labels = [Case("labels", f"J={labels}, 256²", (256, 256), labels=labels) for labels in (2, 4, 8, 16, 32, 64)]
    times = [
        Case("T", f"T={span:g}, m={m}, rank {r}, 256²", (256, 256), time=span, krylov_dim=m, rank=r)
        for span, m, r in ((1.0, 3, 2), (5.0, 5, 3), (10.0, 8, 4), (20.0, 12, 5))
    ]
    radii = [Case("radius", f"radius {radius}, 256²", (256, 256), radius=radius) for radius in (1, 2, 3)]
    others = [
        Case("volume", "40³, 27 neighbours", (40, 40, 40)),
        Case("graph", "256² in compressed rows", (256, 256), sparse=True),
    ]
    return [*sizes, *labels, *times, *radii, *others]


def run(options: Options) -> Report:
    """Measure every series, or the huge gradient."""
    if options.large:
        return _huge(options)
    keep_freed_memory()
    chosen = cases()
    computations = [computation(case, options) for case in chosen]
    seconds = _in_turn([compute for compute, _ in computations], options.rounds or ROUNDS)
    rows = [
        Row(
            case.series,
            case.config,
            options.threads,
            ms=1e3 * statistics.median(samples),
            ms_min=1e3 * min(samples),
            per_pixel=1e9 * statistics.median(samples) / case.nodes,
        )
        for case, samples in zip(chosen, seconds, strict=True)
    ]
    remark = "m and the rank grow with T, because the error does."
    return Report(tuple(rows), (flatness(chosen, seconds),), (remark,))


def flatness(chosen: list[Case], seconds: list[list[float]]) -> Bar:
    """The largest time per pixel over the least, between the sizes that the bar is about."""
    low, high = BARRED
    each = [
        statistics.median(samples) / case.nodes
        for case, samples in zip(chosen, seconds, strict=True)
        if case.series == "pixels" and low <= case.shape[0] <= high
    ]
    value = max(each) / min(each)
    claim = f"largest over least time per pixel, {low}² to {high}², at most {MOST_TIMES:g}"
    return Bar(claim, value, value <= MOST_TIMES)


def computation(case: Case, options: Options) -> tuple[Callable[[], object], Any]:
    """A gradient of `case` to call again and again, and its problem."""
    import laflow
    from laflow.assignment.gradient import GradientOptions, gradient_workspace, packed_loss_gradient

    precision: Any = "single" if options.single else "double"
    rng = np.random.default_rng(0)
    distances = rng.random((*case.shape, case.labels))
    truth = rng.integers(0, case.labels, case.shape)
    if case.sparse:
        distances, truth = distances.reshape(-1, case.labels), truth.reshape(-1)
        graph = _compressed(case, precision)
    else:
        graph = laflow.GridGraph(case.shape, case.radius, precision=precision)
    problem = laflow.LabelingProblem(distances, graph=graph)
    weights = problem.graph.packed_uniform_weights()
    how = GradientOptions(time=case.time, krylov_dim=case.krylov_dim, rank=case.rank)
    workspace = gradient_workspace(problem, how)
    return lambda: packed_loss_gradient(problem, weights, truth, how, workspace), problem


def _compressed(case: Case, precision: Any) -> Any:
    """The grid as a general graph."""
    import laflow
    from verify.oracles.neighbourhoods import grid_neighbours

    neighbours = grid_neighbours(case.shape, case.radius)
    inside = neighbours >= 0
    return laflow.SparseGraph(np.concatenate([[0], np.cumsum(inside.sum(axis=1))]), neighbours[inside], precision)


def _in_turn(computations: list[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Each one is measured as often as lasts a twentieth of a second, and gives one sample a round."""
    repeats = []
    for compute in computations:
        compute()
        repeats.append(max(1, int(0.05 / max(_once(compute, 1), 1e-6))))
    seconds: list[list[float]] = [[] for _ in computations]
    for _ in range(rounds):
        for samples, compute, count in zip(seconds, computations, repeats, strict=True):
            samples.append(_once(compute, count))
    return seconds


def _once(compute: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        compute()
    return (time.perf_counter() - start) / count


def _huge(options: Options) -> Report:
    command = [sys.executable, "-m", "verify.benchmarks.scaling"]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(finished.stdout.splitlines()[-1])
    config = f"{HUGE[0]}×{HUGE[1]}, J={HUGE_LABELS}, m={KRYLOV_DIM}, rank {RANK}, float32"
    row = Row(
        "laflow",
        config,
        options.threads,
        ms=found["ms"],
        per_pixel=1e6 * found["ms"] / (HUGE[0] * HUGE[1]),
        peak_mb=found["peak_mb"],
    )
    gigabytes = found["peak_mb"] / 1e3
    bar = Bar(f"peak GB of a gradient at {config}, at most {MOST_GB:g}", gigabytes, gigabytes <= MOST_GB)
    return Report((row,), (bar,), ("Resident memory in all (VmHWM): interpreter, inputs, gradient.",))


def _huge_gradient() -> dict[str, float]:
    """In this process: the first gradient of its size, its time, and the peak of the process."""
    import laflow
    from laflow.assignment.gradient import GradientOptions, packed_loss_gradient

    def gradient(shape: tuple[int, int]) -> tuple[Any, float]:
        rng = np.random.default_rng(0)
        graph = laflow.GridGraph(shape, precision="single")
        problem = laflow.LabelingProblem(rng.random((*shape, HUGE_LABELS), dtype=np.float32), graph=graph)
        truth = rng.integers(0, HUGE_LABELS, shape)
        weights = problem.graph.packed_uniform_weights()
        how = GradientOptions(krylov_dim=KRYLOV_DIM, rank=RANK)
        start = time.perf_counter()
        found = packed_loss_gradient(problem, weights, truth, how).packed_gradient
        return found, 1e3 * (time.perf_counter() - start)

    gradient((16, 16))  # loads or compiles the kernels
    found, ms = gradient(HUGE)
    assert np.all(np.isfinite(found))
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (peak,) = (float(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return {"ms": ms, "peak_mb": 1024.0 * peak / 1e6}


def plot(report: Report, path: Path) -> None:
    """Time per pixel over the size."""
    from verify.benchmarks import _picture

    found = [row for row in report.rows if row.who == "pixels" and row.per_pixel]
    points = [(float(row.config.rstrip("²")) ** 2, float(row.per_pixel or 0.0)) for row in found]
    _picture.time_per_pixel({f"laflow, J=8, m={KRYLOV_DIM}, rank {RANK}": points}, path)


if __name__ == "__main__":
    print(json.dumps(_huge_gradient()))
