"""What kernel methods take of memory, against the number N of points: bytes by formula, bytes and seconds measured.

The φ-network has 3 layers of 64 GELU units on invariants; n = 1, 2, 3. *scalar*: Θ_φ, N² numbers; *metric*: Θ_ab̄cd̄,
(n² N)² numbers; *product*: Θv without forming Θ; *disk*: tiles written with 64 MiB of memory. Measured by tracing
allocations (NumPy's buffers among them) at N = `--points` 300, where all fit. The last table says how many points fit
into 8 GiB. Training by the loss alone needs none of these.
"""

import tempfile
import tracemalloc
from collections.abc import Callable
from time import perf_counter

import numpy as np

from laflow.memory import readable
from laflow.metric.tangent.kernel_blocks import write_kernel_blocks
from laflow.metric.tangent.kernel_memory import kernel_bytes, largest_points
from laflow.metric.tangent.tangent_kernel import TangentRows, metric_rows, potential_rows, tangent_kernel
from verify.experiments import Options, Report, Table, _figures
from verify.experiments._metrics import SURFACES, fresh_model, points

POINTS, WIDTH, DEPTH = 300, 64, 3
DIMENSIONS = (1, 2, 3)
COUNTS = (300, 1000, 3000, 10_000, 100_000)
BUDGET, DISK_MEMORY = 8 * 2**30, 64 * 2**20


def run(options: Options) -> Report:
    """Formula, measurement, and what fits."""
    count = options.points or POINTS
    measured = [row for n in DIMENSIONS for row in _measured(n, count, options.seed)]
    formula = [
        (SURFACES[n], name, *(readable(kernel_bytes(size, k)) for size in COUNTS))
        for n in DIMENSIONS
        for name, k in (("scalar", 1), ("metric", n * n))
    ]
    fits = [(SURFACES[n], _fits(n, 1), _fits(n, n * n)) for n in DIMENSIONS]
    columns = ("surface", "method", "points", "kernel", "peak", "seconds")
    return Report(
        settings={"points": count, "width": WIDTH, "depth": DEPTH, "seed": options.seed},
        tables=(
            Table("Bytes of the kernel alone", ("surface", "kernel", *(f"N = {size}" for size in COUNTS)), formula),
            Table("Measured", columns, [(*row[:3], readable(row[3]), readable(row[4]), row[5]) for row in measured]),
            Table("Points that fit into 8 GiB", ("surface", "scalar", "metric"), fits),
        ),
        data={"measured": [dict(zip(columns, row, strict=True)) for row in measured], "fits": fits},
        figures=_draw(options),
    )


def _fits(n: int, functionals: int) -> int:
    features = (n + 2) ** 2
    parameters = (features + 1) * WIDTH + (DEPTH - 1) * (WIDTH + 1) * WIDTH + WIDTH + 1
    return largest_points(functionals, parameters, BUDGET)


def _measured(n: int, count: int, seed: int) -> list[tuple[str, str, int, int, int, float]]:
    sample = points(n, count, 20, seed).train
    model = fresh_model(sample, "invariants", seed, width=WIDTH, depth=DEPTH)
    jets = model.prepare(sample, np.float64).jets
    scalar, metric = (make(model.network, model.parameters, jets) for make in (potential_rows, metric_rows))
    cases: list[tuple[str, TangentRows, Callable[[], object]]] = [
        ("scalar", scalar, lambda: tangent_kernel(scalar)),
        ("metric", metric, lambda: tangent_kernel(metric)),
        ("product, metric", metric, lambda: metric.apply(np.ones(metric.count))),
        ("disk, metric", metric, lambda: _to_disk(metric)),
    ]
    return [
        (SURFACES[n], name, count, kernel_bytes(rows.points, rows.functionals), *_cost(call))
        for name, rows, call in cases
    ]


def _to_disk(rows: TangentRows) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_kernel_blocks(rows, folder, memory=DISK_MEMORY)


def _cost(call: Callable[[], object]) -> tuple[int, float]:
    """Peak bytes and seconds, of two calls: tracing takes time."""
    begun = perf_counter()
    call()
    seconds = perf_counter() - begun
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1], seconds
    finally:
        tracemalloc.stop()


def _draw(options: Options) -> tuple:
    if options.figures is None:
        return ()
    figure, axes = _figures.new_figure(1)
    panel, sizes = axes[0, 0], np.geomspace(100, 1e5, 50)
    for n in DIMENSIONS:
        panel.loglog(sizes, 8 * (n * n * sizes) ** 2 / 2**30, label=f"{SURFACES[n]}, metric")
    panel.loglog(sizes, 8 * sizes**2 / 2**30, "--", label="scalar")
    panel.set(xlabel="points", ylabel="GiB")
    panel.legend(fontsize=8)
    return (_figures.save(figure, options.figures, "metric-memory"),)
