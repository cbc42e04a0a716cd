"""σ over time: trainings of equal length on equal points, each in a process of its own on one core, in turn."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from verify.benchmarks import MissingPeerError, _metric_worker

# The interpreter of an environment with MLGeometry-JAX.
VARIABLE = "LAFLOW_MLGEOMETRY_PYTHON"
HOW_TO_INSTALL = (
    "MLGeometry-JAX was left out: python -m venv DIR && DIR/bin/pip install MLGeometry-JAX==2.0.0, then set "
    f"{VARIABLE}=DIR/bin/python"
)
NAMES = {"laflow": "laflow", "laflow-adam": "laflow, Adam", "jax": "JAX autodiff, Adam", "mlgeometry": "MLGeometry-JAX"}


@dataclass(frozen=True)
class Finish:
    """Who trained for so many seconds from which seed, σ on held-out points, steps, and the seconds it really took."""

    who: str
    seconds: float
    seed: int
    sigma: float
    steps: int
    spent: float


def mlgeometry_interpreter() -> str | None:
    """The interpreter that is named by the environment; None where none is. Raises `MissingPeerError` if it fails."""
    interpreter = os.environ.get(VARIABLE)
    if not interpreter:
        return None
    probe = subprocess.run(
        [interpreter, "-c", "import MLGeometry.bihomoNN"], capture_output=True, text=True, check=False
    )
    if probe.returncode:
        raise MissingPeerError(f"{VARIABLE}={interpreter} cannot import MLGeometry: {probe.stderr.strip()[-200:]}")
    return interpreter


def race(who: str, dimension: int, seconds: float, points: int, seed: int) -> Finish:
    """One training. `who` is a key of NAMES."""
    found = (
        _mlgeometry(dimension, seconds, points, seed)
        if who == "mlgeometry"
        else _worker(who, dimension, seconds, points, seed)
    )
    return Finish(who, seconds, seed, found["sigma"], int(found["steps"]), found["seconds"])


def _worker(who: str, dimension: int, seconds: float, points: int, seed: int) -> dict[str, float]:
    given = (who, dimension, seconds, points, seed, time.time())
    command = [sys.executable, "-m", "verify.benchmarks._metric_worker", *map(str, given)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the training of {who} failed: {done.stderr.strip()[-400:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _mlgeometry(dimension: int, seconds: float, points: int, seed: int) -> dict[str, float]:
    """The same points by file: sampling is spared."""
    import numpy as np

    from laflow.metric.geometry.hypersurface import Hypersurface
    from laflow.metric.geometry.polynomial import fermat
    from laflow.metric.geometry.sampling import sample_points
    from laflow.metric.geometry.volume import kappa
    from laflow.metric.quality.measures import sigma
    from verify import peers

    interpreter = mlgeometry_interpreter()
    if interpreter is None:
        raise MissingPeerError(HOW_TO_INSTALL)
    surface = Hypersurface(fermat(dimension))
    sample = sample_points(surface, points, np.random.default_rng(seed))
    test = sample_points(surface, _metric_worker.TEST_POINTS, np.random.default_rng(_metric_worker.TEST_SEED))
    with tempfile.TemporaryDirectory() as folder:
        data, result = Path(folder) / "points.npz", Path(folder) / "result.npz"
        np.savez(
            data,
            points=sample.points,
            frame=sample.frame,
            omega_squared=sample.omega_squared,
            weights=sample.weights,
            test_points=test.points,
            test_frame=test.frame,
        )
        worker = Path(peers.__file__).parent / "mlgeometry_worker.py"
        given = (data, seconds, seed, time.time(), result)
        done = subprocess.run([interpreter, str(worker), *map(str, given)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the training of MLGeometry-JAX failed: {done.stderr.strip()[-400:]}")
        with np.load(result, allow_pickle=False) as file:
            value = sigma(test, file["determinant"], kappa(surface).value).value
            return {"sigma": value, "steps": float(file["steps"]), "seconds": float(file["seconds"])}
