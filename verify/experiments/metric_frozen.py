"""Frozen kernels against networks that are trained: the paper's main claim, on Fermat's K3 and quintic.

Three metrics from the same random φ-networks (GELU, 2 layers of 16 units, NTK parametrisation; erf where infinite
width takes part), the same points and the same L² loss of Monge–Ampère: *frozen*, the network linearised at its
beginning, its flow followed to t → ∞; *trained*, the network itself, by Gauss–Newton steps; *infinite width*, the flow
of the analytic kernel, t → ∞. "stopped" is the frozen flow where σ on validation points was lowest; the trained network
is always chosen that way. σ is reported on points of neither. Raw affine coordinates, invariants z_i z̄_j/|z|², and
functions invariant under all symmetries of the hypersurface. `--points` 1500 to train on, 2000 held out, `--seeds` 3
(random networks and points), `--steps` 100 for each. The paper's own choice of network and features is not known. The
table with infinite width takes at most 150 points, because its kernel has (n² N)² entries.
"""

from dataclasses import dataclass

import numpy as np

from laflow.metric.frozen_flow import flow_limit
from laflow.metric.infinite_width import WideNetwork
from laflow.metric.linearised import KernelMetric, linearised
from laflow.metric.phi_model import MetricData, PhiModel
from laflow.metric.training import train_metric
from verify.experiments import Options, Report, Table, _figures
from verify.experiments._metrics import (
    SURFACES,
    FeatureName,
    Points,
    Progress,
    fresh_model,
    model_sigma,
    packed_sigma,
    points,
    spread,
)

POINTS, HELD_OUT, STEPS, SEEDS, WIDTH = 1500, 2000, 100, 3, 16
WIDE_POINTS = 150
DIMENSIONS = (2, 3)
FEATURES: tuple[FeatureName, ...] = ("coordinates", "invariants", "symmetric")


@dataclass(frozen=True)
class Case:
    """One seed: σ on test points. `positive`: share of test points where the frozen flow's limit is a metric."""

    surface: str
    features: str
    seed: int
    points: int
    parameters: int
    fubini_study: float
    frozen: float
    stopped: float
    trained: float
    frozen_train: float
    positive: float
    infinite: float | None = None


def run(options: Options) -> Report:
    """All surfaces, features and seeds, in two tables."""
    count, seeds = options.points or POINTS, options.seeds or SEEDS
    steps, few = options.steps or STEPS, min(options.points or POINTS, WIDE_POINTS)
    chosen = [(n, name, seed) for n in DIMENSIONS for name in FEATURES for seed in range(seeds)]
    progress, cases, wide = Progress(2 * len(chosen)), list[Case](), list[Case]()
    for n, name, seed in chosen:
        progress.case(f"{SURFACES[n]}, {name}, seed {options.seed + seed}, {count} points")
        cases.append(_case(n, name, options.seed + seed, count, steps, wide=False))
    for n, name, seed in chosen:
        progress.case(f"{SURFACES[n]}, {name}, seed {options.seed + seed}, {few} points, with infinite width")
        wide.append(_case(n, name, options.seed + seed, few, steps, wide=True))
    columns = ("surface", "features", "Fubini–Study", "frozen, t → ∞", "frozen, stopped", "trained", "frozen/trained")
    return Report(
        settings={"points": count, "steps": steps, "seeds": seeds, "seed": options.seed, "width": WIDTH, "depth": 2},
        tables=(
            Table(f"σ on held-out points, {count} to train on (GELU)", columns, _rows(cases, infinite=False)),
            Table(f"with infinite width, {few} points (erf)", (*columns, "infinite width"), _rows(wide, infinite=True)),
        ),
        data={"cases": [vars(case) for case in cases], "wide": [vars(case) for case in wide]},
        figures=_draw(cases, options),
    )


def _case(n: int, name: FeatureName, seed: int, count: int, steps: int, *, wide: bool) -> Case:
    sample = points(n, count, HELD_OUT if not wide else max(2 * count, 20), seed)
    activation = "erf" if wide else "gelu"
    model = fresh_model(sample.train, name, seed, width=WIDTH, activation=activation)
    data = [model.prepare(some, np.float64) for some in (sample.train, sample.validation, sample.test)]
    frozen, stopped, train_sigma, positive = _frozen(model, data, steps)
    trained = train_metric(model, sample.train, held_out=sample.validation, steps=steps, precision="double").model
    return Case(
        SURFACES[n],
        name,
        seed,
        count,
        model.network.parameter_count,
        packed_sigma(data[2].reference, data[2]),
        frozen,
        stopped,
        model_sigma(trained, data[2]),
        train_sigma,
        positive,
        _infinite(sample, model, data, steps) if wide else None,
    )


def _frozen(model: PhiModel, data: list[MetricData], steps: int) -> tuple[float, float, float, float]:
    """σ on test points at t → ∞ and where stopped, σ on the training points, share of positive test metrics."""
    train, validation, test = (linearised(model.network, model.parameters, some) for some in data)
    path = [np.zeros(train.coordinates)]
    limit = flow_limit(train, steps=steps, callback=lambda position, _loss: path.append(position))
    best = min(path, key=lambda position: packed_sigma(validation.metric(position), data[1]))
    end = test.residuals(limit.position)
    frozen, stopped = (packed_sigma(test.metric(position), data[2]) for position in (limit.position, best))
    return frozen, stopped, limit.sigma, float(end.positive.mean())


def _infinite(sample: Points, model: PhiModel, data: list[MetricData], steps: int) -> float:
    """σ on test points of the analytic kernel's flow from Fubini–Study."""
    kernel = WideNetwork("erf", depth=2)
    train, test = data[0], data[2]
    metric = KernelMetric(train.reference, train.target, train.weights, kernel.metric_kernel(train.jets))
    limit = flow_limit(metric, steps=steps)
    n = train.reference.shape[0]
    change = kernel.metric_kernel(test.jets, train.jets) @ limit.position
    return packed_sigma(test.reference + np.moveaxis(change.reshape(-1, n, n), 0, -1), test)


def _rows(cases: list[Case], *, infinite: bool) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for key in dict.fromkeys((case.surface, case.features) for case in cases):
        here = [case for case in cases if (case.surface, case.features) == key]
        names = ("fubini_study", "frozen", "stopped", "trained")
        ratio = float(np.mean([case.stopped for case in here]) / np.mean([case.trained for case in here]))
        last = (spread([case.infinite for case in here if case.infinite is not None]),) if infinite else ()
        rows.append((*key, *(spread([getattr(case, name) for case in here]) for name in names), ratio, *last))
    return rows


def _draw(cases: list[Case], options: Options) -> tuple:
    if options.figures is None:
        return ()
    surfaces = list(dict.fromkeys(case.surface for case in cases))
    figure, axes = _figures.new_figure(len(surfaces))
    for panel, surface in zip(axes.flat, surfaces, strict=True):
        here = [case for case in cases if case.surface == surface]
        kinds = list(dict.fromkeys(case.features for case in here))
        for name, marker in (("fubini_study", "_"), ("frozen", "o"), ("stopped", "s"), ("trained", "^")):
            values = [(kinds.index(case.features), getattr(case, name)) for case in here]
            panel.plot(*np.array(values).T, marker, label=name.replace("_", "–"), alpha=0.7)
        panel.set(yscale="log", xticks=range(len(kinds)), xticklabels=kinds, ylabel="σ, held-out points", title=surface)
        panel.legend(fontsize=8)
    return (_figures.save(figure, options.figures, "metric-frozen"),)
