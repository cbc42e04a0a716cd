"""Seconds from starting Python to the first small gradient, kernels cached. The bar is 2 s.

Each run is a new process: start of the interpreter, `import laflow`, a 16×16 labeling problem, one gradient.
The first run, which may compile and cache, is shown but does not count. Measured from outside, by the
parent's clock.
"""

import statistics
import subprocess
import sys
import time

from verify.benchmarks import Options, Report, Row
from verify.reporting import Bar

RUNS = 7
LARGEST_SECONDS = 2.0
_IMPORT = "import laflow; laflow.loss_gradient"
_GRADIENT = """
import numpy as np
import laflow
rng = np.random.default_rng(0)
problem = laflow.LabelingProblem(rng.random((16, 16, 3)))
truth = rng.integers(0, 3, (16, 16))
result = laflow.loss_gradient(problem, problem.graph.uniform_weights(), truth, time=5.0)
assert np.all(np.isfinite(result.gradient))
"""


def run(options: Options) -> Report:
    """Run new processes one after another."""
    first = _seconds(_GRADIENT)
    gradients = [_seconds(_GRADIENT) for _ in range(options.rounds or RUNS)]
    imports = [_seconds(_IMPORT) for _ in range(options.rounds or RUNS)]
    bare = [_seconds("import numpy, scipy.linalg, numba") for _ in range(3)]
    median = statistics.median(gradients)
    rows = (
        Row("laflow", "first process (may compile)", options.threads, ms=1e3 * first),
        _row("import and first gradient", gradients, options),
        _row("import alone", imports, options),
        _row("for comparison: import numpy, scipy.linalg, numba", bare, options),
    )
    bar = Bar(f"seconds to the first gradient, at most {LARGEST_SECONDS:g}", median, median <= LARGEST_SECONDS)
    return Report(rows, (bar,), (f"Median of {len(gradients)} new processes, interpreter start included.",))


def _seconds(program: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return time.perf_counter() - start


def _row(config: str, seconds: list[float], options: Options) -> Row:
    return Row("laflow", config, options.threads, ms=1e3 * statistics.median(seconds), ms_min=1e3 * min(seconds))
