"""One comparison of a frozen kernel with the network it comes from: what the experiments on frozen kernels share."""

from dataclasses import dataclass

import numpy as np

from laflow.metric.learning.training import train_metric
from laflow.metric.model.phi_model import MetricData, PhiModel
from laflow.metric.tangent.frozen_flow import flow_limit
from laflow.metric.tangent.linearised import linearised
from verify.experiments import Table, _figures
from verify.experiments._metrics import (
    SURFACES,
    FeatureName,
    Points,
    fresh_model,
    model_sigma,
    packed_sigma,
    spread,
    with_input_spread,
)

COLUMNS = ("surface", "features", "Fubini–Study", "frozen, t → ∞", "frozen, stopped", "trained", "stopped/trained")


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


@dataclass(frozen=True, eq=False)
class Setting:
    """A random model and the points of its three samples, prepared: to train on, to choose by, to report on."""

    name: str
    seed: int
    sample: Points
    model: PhiModel
    train: MetricData
    validation: MetricData
    test: MetricData


def setting(
    sample: Points, name: FeatureName, seed: int, *, width: int, activation: str, inputs: float | None = None
) -> Setting:
    """The model of this seed on these points; `inputs`: their standard deviation, None for bends of size 1."""
    model = fresh_model(sample.train, name, seed, width=width, activation=activation)
    if inputs is not None:
        model = with_input_spread(model, sample.train, inputs)
    prepared = (model.prepare(some, np.float64) for some in (sample.train, sample.validation, sample.test))
    called = name if inputs is None else f"{name}, narrow"
    return Setting(called, seed, sample, model, *prepared)


def compared(one: Setting, steps: int) -> Case:
    """Frozen to t → ∞, frozen and stopped, and trained by Gauss–Newton steps."""
    model, test = one.model, one.test
    frozen, stopped, train_sigma, positive = _frozen(one, steps)
    trained = train_metric(
        model, one.sample.train, held_out=one.sample.validation, steps=steps, precision="double"
    ).model
    return Case(
        SURFACES[model.network.dimension],
        one.name,
        one.seed,
        len(one.train),
        model.network.parameter_count,
        packed_sigma(test.reference, test),
        frozen,
        stopped,
        model_sigma(trained, test),
        train_sigma,
        positive,
    )


def table(title: str, cases: list[Case], more: dict[str, dict[tuple[str, str], list[float]]]) -> Table:
    """Means and spreads over seeds; `more` columns by name, then by surface and features."""
    rows: list[tuple[object, ...]] = []
    for key in dict.fromkeys((case.surface, case.features) for case in cases):
        here = [case for case in cases if (case.surface, case.features) == key]
        names = ("fubini_study", "frozen", "stopped", "trained")
        ratio = float(np.mean([case.stopped for case in here]) / np.mean([case.trained for case in here]))
        added = (spread(values[key]) for values in more.values())
        rows.append((*key, *(spread([getattr(case, name) for case in here]) for name in names), ratio, *added))
    return Table(title, (*COLUMNS, *more), rows)


def draw(cases: list[Case], more: dict[str, list[float]]) -> object:
    """σ of every case, a panel for each surface."""
    surfaces = list(dict.fromkeys(case.surface for case in cases))
    figure, axes = _figures.new_figure(len(surfaces))
    for panel, surface in zip(axes.flat, surfaces, strict=True):
        chosen = [number for number, case in enumerate(cases) if case.surface == surface]
        kinds = list(dict.fromkeys(cases[number].features for number in chosen))
        named = {
            name: [getattr(case, name) for case in cases] for name in ("fubini_study", "frozen", "stopped", "trained")
        }
        for (name, values), marker in zip((named | more).items(), "_os^D", strict=False):
            drawn = [(kinds.index(cases[number].features), values[number]) for number in chosen]
            panel.plot(*np.array(drawn).T, marker, label=name.replace("_", "–"), alpha=0.7)
        panel.set(yscale="log", xticks=range(len(kinds)), xticklabels=kinds, ylabel="σ, held-out points", title=surface)
        panel.legend(fontsize=8)
    return figure


def _frozen(one: Setting, steps: int) -> tuple[float, float, float, float]:
    """σ on test points at t → ∞ and where stopped, σ on the training points, share of positive test metrics."""
    network, parameters = one.model.network, one.model.parameters
    train, validation, test = (linearised(network, parameters, data) for data in (one.train, one.validation, one.test))
    path = [np.zeros(train.coordinates)]
    limit = flow_limit(train, steps=steps, callback=lambda position, _loss: path.append(position))
    best = min(path, key=lambda position: packed_sigma(validation.metric(position), one.validation))
    end = test.residuals(limit.position)
    frozen, stopped = (packed_sigma(test.metric(position), one.test) for position in (limit.position, best))
    return frozen, stopped, limit.sigma, float(end.positive.mean())
