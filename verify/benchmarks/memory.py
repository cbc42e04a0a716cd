"""Peak extra memory of one gradient at 512×512, J=10: laflow and every peer, each in fresh processes.

First m=10, the paper's Remark 3.12, where the bar is 500 MB: two fresh processes, each with kernels loaded and the
problem built before counting starts; one counts what NumPy allocates (tracemalloc), the other the process's resident
memory at its peak over that before. Then everyone at configurations whose error may be 1e-5 or less (`_footprint`),
resident; errors are relative to SciPy's gradient, whose own is far below. What counts is all that the call needs beyond
its inputs, its result included. 1 MB is 10⁶ bytes.
"""

import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from verify.benchmarks import OptionError, Options, Report, Row
from verify.reporting import Bar

SHAPE, LABELS, KRYLOV_DIM, TIME = (512, 512), 10, 10, 5.0
CONFIGURATIONS = (("low-rank", 4), ("low-rank", 1), ("factored", 10))
LARGEST_MB = 500.0
LEVEL, LEAST_SHARE = 1e-5, 8.0
_MEASURES = ("allocated", "resident")


def run(options: Options) -> Report:
    """Measure each configuration in new processes."""
    if options.single:
        raise OptionError("memory is compared in float64, in which SciPy gives the truth: leave out --float32")
    rows, worst = [], 0.0
    for method, rank in CONFIGURATIONS:
        for measure in _MEASURES:
            peak = _in_new_process(measure, method, rank)
            config = f"{method}, m={KRYLOV_DIM}, rank {rank}, {measure}"
            rows.append(Row("laflow", config, options.threads, peak_mb=peak))
            if (method, rank) == CONFIGURATIONS[0]:
                worst = max(worst, peak)
    bar = Bar(f"peak extra MB of {CONFIGURATIONS[0][0]}, at most {LARGEST_MB:g}", worst, worst <= LARGEST_MB)
    compared = _everyone(options)
    vector = 8e-6 * LABELS * SHAPE[0] * SHAPE[1]
    size = f"A field of {SHAPE[0]}×{SHAPE[1]}×{LABELS} takes {vector:.1f} MB."
    bars, remarks = (bar, _share(compared)), (size, f"Resident: {_resident_source()}.", _least_words(compared))
    return Report((*rows, *compared), bars, remarks)


def _everyone(options: Options) -> list[Row]:
    """Peak and error of laflow and of the peers at the configurations of the large gradient benchmark."""
    from verify.benchmarks import _footprint
    from verify.benchmarks._in_turn import relative_error

    chosen = replace(options, large=True)
    names = _footprint.names(chosen)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{place}.npy" for place in range(len(names))]
        peaks = [_footprint.measure(place, path, chosen) for place, path in enumerate(paths)]
        best = next(place for place, (who, _) in enumerate(names) if who.startswith("SciPy"))
        truth = np.load(paths[best])
        errors = [relative_error(np.load(path), truth) for path in paths]
    return [
        Row(who, config, options.threads, error=None if place == best else error, peak_mb=peak)
        for place, ((who, config), error, peak) in enumerate(zip(names, errors, peaks, strict=True))
    ]


def _least(rows: list[Row], *, ours: bool) -> Row | None:
    """Who needs least, of laflow or of the peers, at an error of at most `LEVEL`; SciPy's is the truth."""
    able = [row for row in rows if (row.who == "laflow") == ours and (row.error or 0.0) <= LEVEL]
    return min(able, key=lambda row: row.peak_mb or 0.0, default=None)


def _share(rows: list[Row]) -> Bar:
    claim = f"times less memory than the leanest peer at an error of at most {LEVEL:g}, at least {LEAST_SHARE:g}"
    ours, peer = _least(rows, ours=True), _least(rows, ours=False)
    if ours is None or peer is None or not ours.peak_mb or not peer.peak_mb:
        return Bar(claim, 0.0, False)
    value = peer.peak_mb / ours.peak_mb
    return Bar(claim, value, value >= LEAST_SHARE)


def _least_words(rows: list[Row]) -> str:
    found = [_least(rows, ours=ours) for ours in (True, False)]
    words = [f"{row.who} ({row.config}) {row.peak_mb:.0f} MB" for row in found if row is not None]
    return f"Error {LEVEL:g}: {', against '.join(words)}."


def _in_new_process(measure: str, method: str, rank: int) -> float:
    command = [sys.executable, "-m", "verify.benchmarks.memory", measure, method, str(rank)]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(finished.stdout.splitlines()[-1]))


def _measure(measure: str, method: Any, rank: int) -> float:
    """Peak extra MB of one gradient, in this process."""
    import laflow

    rng = np.random.default_rng(0)

    def gradient(shape: tuple[int, int]):  # type: ignore[no-untyped-def]
        problem = laflow.LabelingProblem(rng.random((*shape, LABELS)))
        weights = problem.graph.uniform_weights()
        truth = rng.integers(0, LABELS, shape)
        # The mask and the index arrays of a graph are built once a graph, and belong to the problem.
        problem.graph.check_weights(weights)
        return lambda: (
            laflow.loss_gradient(
                problem, weights, truth, time=TIME, method=method, krylov_dim=KRYLOV_DIM, rank=rank
            ).gradient
        )

    gradient((16, 16))()
    compute = gradient(SHAPE)
    if measure == "allocated":
        tracemalloc.start()
        result = compute()
        peak = tracemalloc.get_traced_memory()[1]
    else:
        _forget_peak()
        before = _resident()[0]
        result = compute()
        peak = round(_resident()[1] - before)
    assert np.all(np.isfinite(result))
    return peak / 1e6


def _forget_peak() -> None:
    """Linux: start the record of the peak anew, so that building the inputs does not count."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _resident() -> tuple[float, float]:
    """Bytes resident now and at the peak."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return float(peak), float(peak)
    sizes = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return 1024.0 * float(sizes["VmRSS"]), 1024.0 * float(sizes["VmHWM"])


def _resident_source() -> str:
    if Path("/proc/self/status").exists():
        return "VmHWM - VmRSS of /proc/self/status"
    return "growth of ru_maxrss, which misses what stays below the peak of building the inputs"


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
