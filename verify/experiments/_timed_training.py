"""One training in a process of its own, on one core, its clock started with the process: nothing warmed up.

`python -m verify.experiments._timed_training DIMENSION SECONDS POINTS SEED BEGUN` prints one line of JSON. BEGUN is
the time (of `time.time`) at which the process was started, so imports, sampling and compilation count.
"""

import json
import sys
import time

from verify.benchmarks._process import confine

TEST_POINTS = 20_000
TEST_SEED = 2**20


def main(arguments: list[str]) -> int:
    """Train on Fermat's hypersurface with all options at their defaults, then measure σ on other points."""
    dimension, seconds, points, seed, begun = (
        int(arguments[0]),
        float(arguments[1]),
        int(arguments[2]),
        int(arguments[3]),
        float(arguments[4]),
    )
    confine(1)
    import numpy as np

    from laflow.metric.geometry.hypersurface import Hypersurface
    from laflow.metric.geometry.polynomial import fermat
    from laflow.metric.geometry.sampling import sample_points
    from laflow.metric.learning.training import train_metric
    from laflow.metric.model.phi_model import PhiModel
    from laflow.metric.quality.measures import determinants, sigma

    rng = np.random.default_rng(seed)
    surface = Hypersurface(fermat(dimension))
    sample = sample_points(surface, points, rng)
    model = PhiModel.fresh(sample, rng)
    ready = time.time() - begun
    trained = train_metric(model, sample, seconds=seconds - ready, rng=rng)
    spent = time.time() - begun
    test = sample_points(surface, TEST_POINTS, np.random.default_rng(TEST_SEED))
    found = sigma(test, determinants(trained.model.metric(test)), model.kappa.value)
    history = [[ready + entry.seconds, entry.sigma] for entry in trained.history]
    result = {
        "sigma": found.value,
        "standard_error": found.standard_error,
        "seconds": spent,
        "ready": ready,
        "steps": trained.steps,
        "parameters": int(model.parameters.size),
        "history": history,
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
