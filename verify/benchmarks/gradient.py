"""Gradient error against time: laflow and every peer at a sweep of their parameters, all in one process.

The problem is the paper's scenario (b) at the start of training: a Voronoi scene in 8 colours (`--large`: 10) with
noise that makes half of the pixels wrong, uniform weights on 3×3 patches, T=5, ρ=1, 128×128 pixels (`--large`:
512×512). Everyone gets the same arrays, laid out beforehand as each likes them, and computes the loss gradient for all
weights: laflow by `packed_loss_gradient` in a reused workspace, the peers by what `verify.peers` says. All are warmed
up, then measured in turn, round by round. Errors are relative to Runge-Kutta autodiff.

The bars compare, at each level of error, laflow's fastest configuration that is as accurate with the fastest one of
any peer that is, by the median over rounds of the ratio in the same round.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from verify.benchmarks import Options, Report, Row, _process
from verify.benchmarks._in_turn import Candidate, Measured, ratio, relative_error, time_in_turn
from verify.benchmarks._peers import peers
from verify.benchmarks._reference import reference
from verify.instances import Instance, colors_instance
from verify.reporting import Bar

TIME, SEED = 5.0, 0
PROBLEM, LARGE_PROBLEM = ((128, 128), 8), ((512, 512), 10)
ROUNDS, LARGE_ROUNDS = 15, 5
CHOICES = ((2, 2), (3, 2), (4, 2), (4, 3), (5, 2), (5, 3), (6, 3), (6, 4), (7, 4), (8, 4), (8, 5), (9, 5), (10, 5))
TOLERANCES = tuple(10.0**-digits for digits in range(2, 10))
# Level of error: least ratio of the fastest peer's time to laflow's.
BARS = {1e-3: 10.0, 1e-5: 10.0, 1e-8: 10.0}
LARGE_BARS = {1e-5: 12.0}
SINGLE_BARS = {1e-4: 18.0}


def run(options: Options) -> Report:
    """Measure errors, then times, then compare."""
    _process.keep_freed_memory()
    shape, labels = LARGE_PROBLEM if options.large else PROBLEM
    instance = colors_instance(shape, labels, time=TIME, seed=SEED)
    ours = our_candidates(instance, choices=CHOICES, single=options.single)
    certified, refused = our_tolerances(instance, single=options.single)
    candidates = [*ours, *certified, _public_call(instance, options.single), *peers(instance, options)]
    truth = reference(instance)
    errors = [relative_error(c.plain(c.compute()), truth.gradient) for c in candidates]
    rounds = options.rounds or (LARGE_ROUNDS if options.large else ROUNDS)
    timings = time_in_turn([c.compute for c in candidates], rounds)
    measured = [Measured(*found) for found in zip(candidates, errors, timings, strict=True)]
    wrong = 100.0 * np.mean(instance.distances.argmin(axis=1) != instance.truth)
    scene = f"{shape[0]}×{shape[1]}, J={labels}, T={TIME:g}, seed {SEED}: {wrong:.1f}% of the pixels wrong pixelwise."
    bars, pairs = compare(measured, _levels(options))
    return Report(
        tuple(_row(found, measured, options) for found in measured), bars, (scene, truth.remark, *refused, *pairs)
    )


def _levels(options: Options) -> dict[float, float]:
    if options.single:
        return SINGLE_BARS
    return LARGE_BARS if options.large else BARS


def compare(measured: list[Measured], levels: dict[float, float]) -> tuple[tuple[Bar, ...], tuple[str, ...]]:
    """One bar a level of error, and in words who was compared; a level that one side never reaches is missed."""
    bars, words = [], []
    for level, least in levels.items():
        ours, peer = fastest(measured, level, ours=True), fastest(measured, level, ours=False)
        claim = f"times as fast as the fastest peer at an error of at most {level:g}, at least {least:g}"
        if ours is None or peer is None:
            bars.append(Bar(claim, 0.0, False))
            words.append(f"Error {level:g}: {'laflow' if ours is None else 'no peer'} reaches it not.")
            continue
        value = ratio(peer.timing, ours.timing)
        bars.append(Bar(claim, value, value >= least))
        words.append(f"Error {level:g}: {_words(ours)}, against {_words(peer)}.")
    return tuple(bars), tuple(words)


def fastest(measured: list[Measured], level: float, *, ours: bool) -> Measured | None:
    """Who of laflow, or of the peers, is fastest at an error of at most `level`."""
    able = [m for m in measured if m.candidate.ours == ours and m.candidate.hot and m.error <= level]
    return min(able, key=lambda m: m.timing.median, default=None)


def _words(found: Measured) -> str:
    who = f"{found.candidate.who} ({found.candidate.config})"
    return f"{who} {1e3 * found.timing.median:.3g} ms, error {found.error:.1e}"


def _row(found: Measured, measured: list[Measured], options: Options) -> Row:
    ours = fastest(measured, found.error, ours=True)
    return Row(
        found.candidate.who,
        found.candidate.config,
        options.threads,
        error=found.error,
        ms=1e3 * found.timing.median,
        ms_min=1e3 * found.timing.least,
        times_ours=None if ours is None or found.candidate.ours else ratio(found.timing, ours.timing),
        cores=found.timing.cores,
    )


def our_candidates(
    instance: Instance, *, choices: tuple[tuple[int, int], ...], single: bool = False, reuse: bool = True
) -> list[Candidate]:
    """laflow with each (m, rank) of `choices`, as a learning loop calls it: weights and truth packed and checked, and,
    with `reuse`, memory reused. `single` stores float32.
    """
    how = [(f"m={m}, rank {rank}", {"krylov_dim": m, "rank": rank}) for m, rank in choices]
    return _hot_paths(instance, how, single, reuse)


def our_tolerances(instance: Instance, *, single: bool) -> tuple[list[Candidate], list[str]]:
    """laflow asked for a tolerance, and in words which tolerances it refused as below what its numbers can certify."""
    from laflow import LaflowError

    able, refused = [], []
    for candidate in _hot_paths(instance, [(f"tol={tol:g}", {"tol": tol}) for tol in TOLERANCES], single, reuse=True):
        try:
            candidate.compute()
        except LaflowError as error:
            refused.append(f"laflow, {candidate.config}, is refused: {error}.")
        else:
            able.append(candidate)
    return able, refused


def _hot_paths(
    instance: Instance, choices: Sequence[tuple[str, dict[str, Any]]], single: bool, reuse: bool
) -> list[Candidate]:
    from laflow.assignment.gradient import GradientOptions, gradient_workspace, packed_loss_gradient

    problem = labeling_problem(instance, single)
    packed = problem.graph.check_weights(instance.weights.reshape(problem.graph.weights_shape))
    truth = problem.check_truth(instance.truth.reshape(problem.graph.shape))

    def candidate(config: str, chosen: dict[str, Any]) -> Candidate:
        options = GradientOptions(time=instance.time, **chosen)
        workspace = gradient_workspace(problem, options) if reuse else None
        return Candidate(
            "laflow",
            config,
            lambda: packed_loss_gradient(problem, packed, truth, options, workspace).packed_gradient,
            lambda gradient: _rows(problem.graph.unpack_weights(np.asarray(gradient))),
            ours=True,
        )

    return [candidate(config, chosen) for config, chosen in choices]


def labeling_problem(instance: Instance, single: bool) -> Any:
    """`instance` as laflow takes it."""
    import laflow

    assert instance.shape is not None
    assert instance.radius is not None
    graph = laflow.GridGraph(instance.shape, instance.radius, precision="single" if single else "double")
    distances = instance.distances.reshape(*instance.shape, -1)
    return laflow.LabelingProblem(distances, graph=graph, distance_scale=instance.distance_scale)


def _public_call(instance: Instance, single: bool) -> Candidate:
    import laflow

    problem = labeling_problem(instance, single)
    weights = instance.weights.reshape(problem.graph.weights_shape)
    truth = instance.truth.reshape(problem.graph.shape)

    def compute() -> np.ndarray:
        return laflow.loss_gradient(problem, weights, truth, time=instance.time, krylov_dim=5, rank=3).gradient

    config = "m=5, rank 3, public call"
    return Candidate("laflow", config, compute, lambda g: _rows(np.asarray(g)), ours=True, hot=False)


def _rows(gradient: np.ndarray) -> np.ndarray:
    return gradient.reshape(-1, gradient.shape[-1])


def plot(report: Report, path: Path) -> None:
    """Error against time, one colour for each who; the lower left is better."""
    from verify.benchmarks import _picture

    _picture.error_against_time(report.rows, path)
