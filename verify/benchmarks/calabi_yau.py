"""Calabi–Yau metrics against autodiff and against MLGeometry-JAX: time of a step, and σ over time.

A step is the loss of a batch of points and its gradient by all parameters, in float32: laflow by its jets, JAX by
autodiff of the same network on the same inputs, in the ways that `verify.peers.jax_phi_model` says, each with the size
of chunks that suits it best. All in one process, in turn, round by round; each takes a few steps in a row, as in a
training, and the time is that of one.

σ over time: trainings on 20 000 points of Fermat's quintic, each in a process of its own on one core, its clock started
with the process (imports, sampling and compilation count), annealed to end with the time given; σ on 20 000 other
points, the same for all, in double precision with the exact κ. `--large` measures trainings only, of 1, 3 and 5
minutes; `--rounds` is the number of seeds. JAX has the network, loss, learning rate and schedule of laflow's Adam;
MLGeometry-JAX its own network and loss.
"""

import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from verify.benchmarks import OptionError, Options, Report, Row, _metric_race, _process
from verify.benchmarks._in_turn import Timing, ratio, time_in_turn
from verify.reporting import Bar

# Dimension, width, depth, points in a batch; the first is laflow's own network.
STEPS = ((3, 32, 2, 500), (3, 64, 3, 500), (3, 64, 3, 2000), (2, 64, 3, 500))
STEP_ROUNDS, STEPS_IN_A_ROW = 15, 5
CHUNKS = (10, 25, 50)
# Ways of autodiff; "jets" differentiates in the parameters only, and is shown for comparison.
AUTODIFF = ("forward-over-reverse", "hessian")
MOST_OF_JAX = 0.5
MINUTES, LARGE_MINUTES = (1.0,), (1.0, 3.0, 5.0)
DIMENSION, POINTS = 3, 20_000


def run(options: Options) -> Report:
    """Measure steps, then trainings; with `--large` trainings only."""
    if options.threads != 1:
        raise OptionError("calabi-yau compares on one core: leave out --threads")
    if options.single:
        raise OptionError("calabi-yau is in float32 as it is: leave out --float32")
    rows, bars = ([], []) if options.large else _steps()
    more_rows, more_bars, remarks = _trainings(options)
    return Report((*rows, *more_rows), (*bars, *more_bars), tuple(remarks))


def _steps() -> tuple[list[Row], list[Bar]]:
    import jax

    _process.keep_freed_memory()
    rows, bars = [], []
    for dimension, width, depth, points in STEPS:
        candidates = list(step_candidates(dimension, width, depth, points))
        for _, _, compile_and_run in candidates:
            compile_and_run()
        timings = time_in_turn([_in_a_row(compute) for _, _, compute in candidates], STEP_ROUNDS)
        problem = f"n={dimension}, {depth}×{width}, {points} points"
        ours = timings[0]
        best: dict[str, tuple[str, Timing]] = {}
        for (who, config, _), timing in zip(candidates[1:], timings[1:], strict=True):
            if who not in best or timing.median < best[who][1].median:
                best[who] = (config, timing)
        rows.append(_step_row("laflow", problem, ours, None))
        for who, (config, timing) in best.items():
            rows.append(_step_row(f"JAX {jax.__version__}, {who}", f"{problem}, {config}", timing, ours))
        fastest = min((best[who][1] for who in AUTODIFF), key=lambda timing: timing.median)
        share = 1.0 / ratio(fastest, ours)
        claim = f"laflow's time of a step over that of the fastest autodiff, {problem}, at most {MOST_OF_JAX:g}"
        bars.append(Bar(claim, share, share <= MOST_OF_JAX))
    return rows, bars


def _in_a_row(compute: Callable[[], object]) -> Callable[[], object]:
    """Several steps: the first after somebody else's finds the caches full of other things."""
    return lambda: [compute() for _ in range(STEPS_IN_A_ROW)]


def _step_row(who: str, config: str, timing: Timing, ours: Timing | None) -> Row:
    return Row(
        who,
        config,
        1,
        ms=1e3 * timing.median / STEPS_IN_A_ROW,
        ms_min=1e3 * timing.least / STEPS_IN_A_ROW,
        times_ours=None if ours is None else ratio(timing, ours),
        cores=timing.cores,
    )


def step_candidates(
    dimension: int, width: int, depth: int, points: int
) -> Iterator[tuple[str, str, Callable[[], object]]]:
    """laflow first, then each way of JAX with each size of chunks: who, how, and what computes loss and gradient."""
    import jax.numpy as jnp

    from laflow.metric.geometry.hypersurface import Hypersurface
    from laflow.metric.geometry.polynomial import fermat
    from laflow.metric.geometry.sampling import sample_points
    from laflow.metric.learning.objective import MetricObjective
    from laflow.metric.model.phi_model import PhiModel
    from verify.peers.jax_phi_model import JaxPhiModel, inputs

    sample = sample_points(Hypersurface(fermat(dimension)), points, np.random.default_rng(0))
    model = PhiModel.fresh(sample, np.random.default_rng(1), width=width, depth=depth)
    data = model.prepare(sample)
    objective = MetricObjective(model.network, data)
    yield "laflow", "", lambda: objective.gradient(model.parameters)
    given = inputs(data.jets, data.reference, data.target, data.weights)
    parameters = jnp.asarray(model.parameters.astype(np.float32))
    for way in (*AUTODIFF, "jets"):
        for chunk in CHUNKS:
            peer = JaxPhiModel(model.network.sizes, model.network.activation, way, chunk=chunk)
            yield way, f"chunks of {chunk}", _loss_and_gradient(peer, parameters, given)


def _loss_and_gradient(peer: "object", parameters: object, given: object) -> Callable[[], object]:
    return lambda: peer.loss_and_gradient(parameters, given)  # type: ignore[attr-defined]


def _trainings(options: Options) -> tuple[list[Row], list[Bar], list[str]]:
    who = ["laflow", "laflow-adam", "jax"]
    remarks = [f"σ: Fermat's quintic, {POINTS} points, means over {options.rounds or 1} seeds, spread (least to most)."]
    if _metric_race.mlgeometry_interpreter() is not None:
        who.append("mlgeometry")
    else:
        remarks.append(_metric_race.HOW_TO_INSTALL + ".")
    rows, bars = [], []
    for minutes in LARGE_MINUTES if options.large else MINUTES:
        found: dict[str, list[_metric_race.Finish]] = {name: [] for name in who}
        for seed in range(options.rounds or 1):
            for name in who:
                found[name].append(_metric_race.race(name, DIMENSION, 60 * minutes, POINTS, seed))
        rows += [_training_row(name, minutes, finishes) for name, finishes in found.items()]
        for name in who[2:]:
            share = _mean(found["laflow"]) / _mean(found[name])
            claim = f"laflow's σ over that of {_metric_race.NAMES[name]} after {minutes:g} min, less than 1"
            bars.append(Bar(claim, share, share < 1.0))
    return rows, bars, remarks


def _training_row(name: str, minutes: float, finishes: list[_metric_race.Finish]) -> Row:
    values = [finish.sigma for finish in finishes]
    steps = statistics.mean(finish.steps for finish in finishes)
    config = f"{minutes:g} min, {steps:.0f} steps"
    if len(values) > 1:
        config += f", {min(values):.2e} to {max(values):.2e}"
    spent = 1e3 * statistics.median(finish.spent for finish in finishes)
    return Row(_metric_race.NAMES[name], config, 1, ms=spent, sigma=_mean(finishes))


def _mean(finishes: list[_metric_race.Finish]) -> float:
    return statistics.mean(finish.sigma for finish in finishes)


def plot(report: Report, path: Path) -> None:
    """σ over the length of the training, one line for each who."""
    from verify.benchmarks import _picture

    _picture.sigma_over_time(report.rows, path)
