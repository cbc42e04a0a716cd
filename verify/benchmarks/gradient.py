"""Gradient of a 128×128, J=8, T=5, 3×3 problem in float64: laflow against PyTorch autodiff, all in one
process.

The problem is the paper's scenario (b) at the start of training: a Voronoi scene in 8 colours with noise that
makes half of the pixels wrong, uniform weights, ρ=1. Everyone gets the same arrays, laid out beforehand as
each likes them, and computes the loss gradient for all weights. All are warmed up, then measured in turn,
round by round, so that a slow moment of the machine hits all alike. Errors are relative to Runge-Kutta
autodiff (JAX) whose own error is below 1e-9.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from verify.benchmarks import MissingPeerError, Options, Report, Row
from verify.instances import Instance, colors_instance
from verify.oracles.autodiff import reference_gradient
from verify.reporting import Bar

SHAPE, LABELS, TIME, SEED = (128, 128), 8, 5.0, 0
ROUNDS = 15
OURS = ((3, 2), (5, 3), (8, 4))
COMPARED = (5, 3)
PEERS = (
    ("euler", 10),
    ("runge-kutta", 2),
    ("runge-kutta", 8),
    ("krylov", 4),
    ("krylov", 5),
    ("krylov", 6),
    ("krylov", 8),
)
_NAMES = {"euler": "Euler, {} steps", "runge-kutta": "Runge-Kutta, {} steps", "krylov": "Krylov, m={}"}
LARGEST_ERROR = 1e-5
LEAST_RATIO = 4.0


@dataclass(frozen=True)
class Candidate:
    """Who computes the gradient how: `compute` is what is timed, `plain` turns its result into (I, K)."""

    who: str
    config: str
    compute: Callable[[], object]
    plain: Callable[[object], np.ndarray]


def run(options: Options) -> Report:
    """Measure errors and times; the bars compare laflow (m=5, rank 3) with PyTorch Krylov autodiff (m=6)."""
    instance = colors_instance(SHAPE, LABELS, time=TIME, seed=SEED)
    candidates = [*_ours(instance), *_torch(instance, options)]
    reference = reference_gradient(*instance.plain)
    errors = [_relative_error(c.plain(c.compute()), reference.gradient) for c in candidates]
    seconds = _measure_in_turn([c.compute for c in candidates], options.rounds or ROUNDS)
    ours = seconds[OURS.index(COMPARED)]
    rows = [
        Row(
            candidate.who,
            candidate.config,
            options.threads,
            error=error,
            ms=1e3 * statistics.median(samples),
            ms_min=1e3 * min(samples),
            times_ours=statistics.median(theirs / own for theirs, own in zip(samples, ours, strict=True)),
        )
        for candidate, error, samples in zip(candidates, errors, seconds, strict=True)
    ]
    wrong = 100.0 * np.mean(instance.distances.argmin(axis=1) != instance.truth)
    scene = f"Scenario (b), seed {SEED}: {wrong:.1f}% of the pixels wrong pixelwise; uniform weights, ρ=1."
    truth = f"Reference: Runge-Kutta, {reference.steps} steps; own error, by halving: {reference.error:.1e}."
    return Report(rows=tuple(rows), bars=_bars(rows), remarks=(scene, truth))


def _ours(instance: Instance) -> list[Candidate]:
    import laflow

    shape = instance.shape
    assert shape is not None
    problem = laflow.LabelingProblem(
        instance.distances.reshape(*shape, -1), radius=1, distance_scale=instance.distance_scale
    )
    weights, truth = instance.weights.reshape(*shape, -1), instance.truth.reshape(shape)

    def candidate(krylov_dim: int, rank: int) -> Candidate:
        def compute() -> np.ndarray:
            return laflow.loss_gradient(
                problem,
                weights,
                truth,
                time=instance.time,
                method="low-rank",
                krylov_dim=krylov_dim,
                rank=rank,
            ).gradient

        return Candidate("laflow", f"low-rank, m={krylov_dim}, rank {rank}", compute, _flatten(instance))

    return [candidate(krylov_dim, rank) for krylov_dim, rank in OURS]


def _torch(instance: Instance, options: Options) -> list[Candidate]:
    try:
        import torch
    except ImportError as error:
        raise MissingPeerError(
            f"PyTorch is missing ({error}): install it with pip install -e '.[bench]', or run make bench"
        ) from error
    from verify.peers.torch_flow import torch_flow

    torch.set_num_threads(options.threads)
    flow = torch_flow(*instance.plain, shape=SHAPE, radius=1)
    who = f"PyTorch {torch.__version__.split('+')[0]}"

    def candidate(scheme: str, steps: int, compiled: bool) -> Candidate:
        return Candidate(
            who + (", compiled" if compiled else ""),
            _NAMES[scheme].format(steps),
            lambda: flow.gradient(scheme, steps, compiled=compiled),
            lambda gradient: np.where(instance.neighbours >= 0, flow.plain(gradient), 0.0),
        )

    eager = [candidate(scheme, steps, compiled=False) for scheme, steps in PEERS]
    return eager + ([candidate("krylov", 6, compiled=True)] if options.compiled else [])


def _flatten(instance: Instance) -> Callable[[object], np.ndarray]:
    return lambda gradient: np.asarray(gradient).reshape(instance.weights.shape)


def _measure_in_turn(computations: list[Callable[[], object]], rounds: int) -> list[list[float]]:
    seconds: list[list[float]] = [[] for _ in computations]
    for _ in range(rounds):
        for samples, compute in zip(seconds, computations, strict=True):
            start = time.perf_counter()
            compute()
            samples.append(time.perf_counter() - start)
    return seconds


def _relative_error(gradient: np.ndarray, reference: np.ndarray) -> float:
    return float(np.linalg.norm(gradient - reference) / np.linalg.norm(reference))


def _row(rows: list[Row], who: str, config: str) -> Row:
    return next(row for row in rows if row.who.startswith(who) and row.config == config)


def _bars(rows: list[Row]) -> tuple[Bar, ...]:
    ours, peer = _row(rows, "laflow", "low-rank, m=5, rank 3"), _row(rows, "PyTorch", "Krylov, m=6")
    assert ours.error is not None
    assert peer.times_ours is not None
    ratio = peer.times_ours
    exact = f"relative error of laflow m=5, rank 3, at most {LARGEST_ERROR:g}"
    fast = f"times as fast as PyTorch Krylov m=6, at least {LEAST_RATIO:g}"
    return (
        Bar(exact, ours.error, ours.error <= LARGEST_ERROR),
        Bar(fast, ratio, ratio >= LEAST_RATIO),
    )
