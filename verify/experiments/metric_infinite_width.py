"""Kernels of infinite width against networks of finite width, frozen and trained, on few points.

As `metric-frozen`, with erf networks of 2 layers of 16 units, and the flow of the analytic kernel of infinite width of
the same architecture from Fubini–Study, t → ∞. That kernel has (n² N)² entries and none of it can be left out, so
`--points` 150 (the same for all methods), 300 to report on. `--seeds` 3, `--steps` 100.
"""

import numpy as np

from laflow.metric.tangent.frozen_flow import flow_limit
from laflow.metric.tangent.infinite_width import WideNetwork
from laflow.metric.tangent.linearised import KernelMetric
from verify.experiments import Options, Report, _figures
from verify.experiments._frozen import Case, Setting, compared, draw, setting, table
from verify.experiments._metrics import SURFACES, FeatureName, Progress, packed_sigma, points

POINTS, STEPS, SEEDS, WIDTH, DEPTH = 150, 100, 3, 16, 2
DIMENSIONS: tuple[int, ...] = (2, 3)
FEATURES: tuple[FeatureName, ...] = ("coordinates", "invariants", "symmetric")


def run(options: Options) -> Report:
    """All surfaces, features and seeds."""
    count, steps, seeds = options.points or POINTS, options.steps or STEPS, options.seeds or SEEDS
    chosen = [(n, name, options.seed + seed) for n in DIMENSIONS for name in FEATURES for seed in range(seeds)]
    progress, cases, wide = Progress(len(chosen)), [], list[float]()
    for n, name, seed in chosen:
        progress.case(f"{SURFACES[n]}, {name}, seed {seed}")
        one = setting(points(n, count, max(2 * count, 20), seed), name, seed, width=WIDTH, activation="erf")
        cases.append(compared(one, steps))
        wide.append(_infinite(one, steps))
    by_case = dict[tuple[str, str], list[float]]()
    for case, sigma in zip(cases, wide, strict=True):
        by_case.setdefault((case.surface, case.features), []).append(sigma)
    return Report(
        settings={"points": count, "steps": steps, "seeds": seeds, "seed": options.seed, "width": WIDTH},
        tables=(table(f"σ on held-out points, {count} to train on", cases, {"infinite width": by_case}),),
        data={"cases": [vars(case) | {"infinite": sigma} for case, sigma in zip(cases, wide, strict=True)]},
        figures=_draw(cases, wide, options),
    )


def _draw(cases: list[Case], wide: list[float], options: Options) -> tuple:
    if options.figures is None:
        return ()
    return (_figures.save(draw(cases, {"infinite width": wide}), options.figures, "metric-infinite-width"),)


def _infinite(one: Setting, steps: int) -> float:
    """σ on test points at the end of the analytic kernel's flow."""
    kernel, train, test = WideNetwork("erf", depth=DEPTH), one.train, one.test
    metric = KernelMetric(train.reference, train.target, train.weights, kernel.metric_kernel(train.jets))
    limit = flow_limit(metric, steps=steps)
    n = train.reference.shape[0]
    change = kernel.metric_kernel(test.jets, train.jets) @ limit.position
    return packed_sigma(test.reference + np.moveaxis(change.reshape(-1, n, n), 0, -1), test)
