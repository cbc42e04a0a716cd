"""How far the tangent kernel drifts in training, against the width: plain gradient descent, NTK parametrisation, K3.

φ-networks with 2 hidden layers (GELU, invariants) of 16 to 256 units, 400 steps of gradient descent on all points with
one learning rate for all widths: half of the inverse of the largest eigenvalue of the loss's Gauss–Newton matrix,
taken at the beginning and averaged over seeds and widths. Drift is ‖Θ_t - Θ_0‖/‖Θ_0‖ of the metric kernel (Frobenius)
at 40 held-out points. Theory: it falls like width^(-1/2), and a network of which only the last layer counts has none.
`--points` 200, `--steps` 400, `--seeds` 3.
"""

from dataclasses import dataclass

import numpy as np

from laflow.metric.learning.objective import MetricObjective
from laflow.metric.model.monge_ampere import residuals
from laflow.metric.model.phi_model import PhiModel
from laflow.metric.tangent.tangent_kernel import drift, leading_spectrum, metric_rows, residual_rows, tangent_kernel
from verify.experiments import Options, Report, Table, _figures
from verify.experiments._metrics import SURFACES, Points, Progress, fresh_model, points, spread

POINTS, STEPS, SEEDS, DIMENSION = 200, 400, 3, 2
WIDTHS: tuple[int, ...] = (16, 32, 64, 128, 256)
KERNEL_POINTS = 40


@dataclass(frozen=True)
class Drift:
    """One run: drift of the kernel, and the loss at the beginning and at the end."""

    width: int
    seed: int
    drift: float
    loss_before: float
    loss_after: float


def run(options: Options) -> Report:
    """All widths and seeds."""
    count, steps, seeds = options.points or POINTS, options.steps or STEPS, options.seeds or SEEDS
    samples = {seed: points(DIMENSION, count, 2 * KERNEL_POINTS, seed) for seed in _seeds(options, seeds)}
    models = {
        (width, seed): fresh_model(sample.train, "invariants", seed, width=width)
        for width in WIDTHS
        for seed, sample in samples.items()
    }
    largest = float(np.mean([_largest_curvature(model, samples[seed]) for (_, seed), model in models.items()]))
    progress, found = Progress(len(models)), []
    for (width, seed), model in models.items():
        progress.case(f"width {width}, seed {seed}")
        found.append(_descend(width, seed, model, samples[seed], steps, 0.5 / largest))
    rows = [_row(width, [one for one in found if one.width == width]) for width in WIDTHS]
    slope = _slope(found)
    columns = ("width", "drift", "loss before", "loss after")
    return Report(
        settings={"points": count, "steps": steps, "seeds": seeds, "seed": options.seed, "rate": 0.5 / largest},
        tables=(
            Table(f"Drift of the metric kernel, {SURFACES[DIMENSION]}", columns, rows),
            Table("drift against width", ("log-log slope", "theory"), [(slope, -0.5)]),
        ),
        data={"runs": [vars(one) for one in found], "slope": slope},
        figures=_draw(found, options),
    )


def _seeds(options: Options, seeds: int) -> range:
    return range(options.seed, options.seed + seeds)


def _largest_curvature(model: PhiModel, sample: Points) -> float:
    """Largest eigenvalue of 2 JᵀWJ/Σw, J of the residuals, without forming it."""
    data = model.prepare(sample.train, np.float64)
    bend = model.network.forward(model.parameters, data.jets).output[1 + 2 * DIMENSION :]
    slope = residuals(data.reference + bend.reshape(data.reference.shape), data.target).slope
    weighted = slope * np.sqrt(2.0 * data.weights / data.weights.sum())
    return float(leading_spectrum(residual_rows(model.network, model.parameters, data.jets, weighted), 1)[0])


def _descend(width: int, seed: int, model: PhiModel, sample: Points, steps: int, rate: float) -> Drift:
    objective = MetricObjective(model.network, model.prepare(sample.train, np.float64))
    parameters = model.parameters.copy()
    before = objective.loss(parameters).value
    for _ in range(steps):
        parameters -= rate * objective.gradient(parameters)[1]
    jets = model.prepare(sample.validation, np.float64).jets
    kernels = [tangent_kernel(metric_rows(model.network, theta, jets)) for theta in (model.parameters, parameters)]
    return Drift(width, seed, drift(*kernels), before, objective.loss(parameters).value)


def _slope(found: list[Drift]) -> float | None:
    if len({one.width for one in found}) < 2:
        return None
    return float(np.polyfit(np.log([one.width for one in found]), np.log([one.drift for one in found]), 1)[0])


def _row(width: int, found: list[Drift]) -> tuple[object, ...]:
    return (width, *(spread([getattr(one, name) for one in found]) for name in ("drift", "loss_before", "loss_after")))


def _draw(found: list[Drift], options: Options) -> tuple:
    if options.figures is None:
        return ()
    figure, axes = _figures.new_figure(1)
    panel = axes[0, 0]
    panel.loglog([one.width for one in found], [one.drift for one in found], "o", label="runs")
    widths = np.array(sorted({one.width for one in found}), dtype=float)
    panel.loglog(widths, found[0].drift * np.sqrt(found[0].width / widths), "--", label="width^(-1/2)")
    panel.set(xlabel="width", ylabel="‖Θ_t - Θ_0‖ / ‖Θ_0‖")
    panel.legend(fontsize=8)
    return (_figures.save(figure, options.figures, "metric-drift"),)
