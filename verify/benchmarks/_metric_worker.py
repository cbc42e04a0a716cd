"""One training of a φ-model in a process of its own, on one core; its clock starts with the process.

`python -m verify.benchmarks._metric_worker WHO DIMENSION SECONDS POINTS SEED BEGUN` prints one line of JSON. WHO is
laflow (all options at their defaults), laflow-adam or jax (network, points, batches, rate and schedule of laflow-adam).
BEGUN is the time (of `time.time`) at which the process was started, so imports, sampling and compilation count.
"""

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from verify.benchmarks._process import confine, keep_freed_memory

if TYPE_CHECKING:
    import numpy as np

    from laflow.metric.geometry.sampling import PointSample
    from laflow.metric.model.phi_model import PhiModel

BATCH, RATE = 500, 1e-2
TEST_POINTS, TEST_SEED = 20_000, 2**20
WHO = ("laflow", "laflow-adam", "jax")


def main(arguments: list[str]) -> int:
    """Train on Fermat's hypersurface, then measure σ on other points, in double precision with the exact κ."""
    who, dimension, points, seed = arguments[0], int(arguments[1]), int(arguments[3]), int(arguments[4])
    seconds, begun = float(arguments[2]), float(arguments[5])
    confine(1)
    keep_freed_memory()
    import numpy as np

    from laflow.metric.geometry.hypersurface import Hypersurface
    from laflow.metric.geometry.polynomial import fermat
    from laflow.metric.geometry.sampling import sample_points
    from laflow.metric.model.phi_model import PhiModel
    from laflow.metric.quality.measures import determinants, sigma

    rng = np.random.default_rng(seed)
    surface = Hypersurface(fermat(dimension))
    sample = sample_points(surface, points, rng)
    model = PhiModel.fresh(sample, rng)
    end = begun + seconds
    train = _by_jax if who == "jax" else _by_laflow
    trained, steps = train(model, sample, end, rng, who)
    spent = time.time() - begun
    test = sample_points(surface, TEST_POINTS, np.random.default_rng(TEST_SEED))
    found = sigma(test, determinants(trained.metric(test)), model.kappa.value)
    result = {"sigma": found.value, "standard_error": found.standard_error, "seconds": spent, "steps": steps}
    print(json.dumps(result))
    return 0


def _by_laflow(
    model: "PhiModel", sample: "PointSample", end: float, rng: "np.random.Generator", who: str
) -> tuple["PhiModel", int]:
    from laflow.metric.learning.training import train_metric

    chosen: dict[str, Any] = {"method": "adam", "batch": BATCH, "learning_rate": RATE} if who == "laflow-adam" else {}
    left = max(end - time.time(), 0.1)
    trained = train_metric(model, sample, seconds=left, rng=rng, **chosen)
    return trained.model, trained.steps


def _by_jax(
    model: "PhiModel", sample: "PointSample", end: float, rng: "np.random.Generator", who: str
) -> tuple["PhiModel", int]:
    """Adam in a lean loop: one compiled call a step."""
    import numpy as np

    from laflow.metric.learning.descent import annealed
    from verify.peers.jax_phi_model import AdamState, JaxPhiModel, inputs

    begun = time.time()
    data = model.prepare(sample)
    given = inputs(data.jets, data.reference, data.target, data.weights)
    peer = JaxPhiModel(model.network.sizes, model.network.activation, "forward-over-reverse")
    state = AdamState.begin(model.parameters.astype(np.float32))
    order, steps, longest = np.zeros(0, dtype=np.int64), 0, 0.0
    while time.time() + longest < end:
        if order.size < BATCH:
            order = rng.permutation(len(data))
        chosen, order = order[:BATCH], order[BATCH:]
        start = time.time()
        state = peer.adam_step(state, given, chosen, annealed(RATE, (start - begun) / (end - begun)))
        steps += 1
        # The first step compiles.
        longest = time.time() - start if steps > 1 else 0.0
    return model.with_parameters(np.asarray(state.parameters)), steps


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
