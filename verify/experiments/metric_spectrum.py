"""Eigenvalues of the metric kernel before and after training (arXiv:2310.19870, Fig. 2), on Fermat's quintic.

φ-networks as in `metric-frozen` (GELU, 2 layers of 16 units, NTK parametrisation) on z_i z̄_j/|z|² or on functions
invariant under all symmetries, trained by Gauss–Newton steps, the best by σ on held-out points kept. The kernel of the
packed entries of the metric is that of 60 other points, (60·9)², divided by its size, so that the eigenvalues are those
of the integral operator. Shown before and after: the largest eigenvalues, how many lie above half of the largest, and
the participation ratio (Σλ)²/Σλ², a number of modes that matter. The paper's network, training and normalisation are
not known, so numbers compare in shape only. `--points` 6000, `--steps` 60, `--seeds` 3.
"""

from dataclasses import dataclass

import numpy as np

from laflow.metric.learning.training import train_metric
from laflow.metric.model.phi_model import PhiModel
from laflow.metric.tangent.tangent_kernel import drift, metric_rows, spectrum, tangent_kernel
from verify.experiments import Options, Report, Table, _figures
from verify.experiments._metrics import FeatureName, Progress, fresh_model, model_sigma, points

POINTS, STEPS, SEEDS, HELD_OUT = 6000, 60, 3, 1000
KERNEL_POINTS, WIDTH, DEPTH, DIMENSION = 60, 16, 2, 3
SHOWN = 6
FEATURES: tuple[FeatureName, ...] = ("invariants", "symmetric")


@dataclass(frozen=True)
class Spectra:
    """One seed: eigenvalues before and after, σ on held-out points, drift of the kernel."""

    features: str
    seed: int
    before: list[float]
    after: list[float]
    sigma_before: float
    sigma_after: float
    drift: float


def run(options: Options) -> Report:
    """Train every seed, take both spectra."""
    count, steps, seeds = options.points or POINTS, options.steps or STEPS, options.seeds or SEEDS
    chosen = [(name, options.seed + seed) for name in FEATURES for seed in range(seeds)]
    progress, found = Progress(len(chosen)), []
    for name, seed in chosen:
        progress.case(f"quintic, {name}, seed {seed}, {steps} steps")
        found.append(_spectra(name, seed, count, steps))
    shown = [f"λ{k + 1}" for k in range(SHOWN)]
    columns = ("features", "seed", "step", "σ", *shown, "above half", "modes", "drift")
    rows = [row for one in found for row in _rows(one, steps)]
    settings = {"points": count, "steps": steps, "seeds": seeds, "seed": options.seed}
    return Report(
        settings=settings | {"kernel_points": KERNEL_POINTS, "width": WIDTH, "depth": DEPTH},
        tables=(Table("Spectrum of the metric kernel, quintic", columns, rows),),
        data={"spectra": [vars(one) for one in found], "rows": [dict(zip(columns, row, strict=True)) for row in rows]},
        figures=_draw(found, options, steps),
    )


def _spectra(name: FeatureName, seed: int, count: int, steps: int) -> Spectra:
    sample = points(DIMENSION, count, HELD_OUT, seed)
    model = fresh_model(sample.train, name, seed, width=WIDTH, depth=DEPTH)
    trained = train_metric(model, sample.train, held_out=sample.validation, steps=steps, precision="double").model
    held = model.prepare(sample.test, np.float64)
    kernels = [_kernel(one, held.jets[:, :KERNEL_POINTS]) for one in (model, trained)]
    before, after = (spectrum(kernel).tolist() for kernel in kernels)
    return Spectra(name, seed, before, after, model_sigma(model, held), model_sigma(trained, held), drift(*kernels))


def _kernel(model: PhiModel, jets: np.ndarray) -> np.ndarray:
    kernel = tangent_kernel(metric_rows(model.network, model.parameters, jets))
    return np.asarray(kernel / kernel.shape[0])


def _rows(one: Spectra, steps: int) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for step, values, sigma in ((0, one.before, one.sigma_before), (steps, one.after, one.sigma_after)):
        array = np.asarray(values)
        shown = [float(value) for value in array[:SHOWN]]
        modes = float(array.sum() ** 2 / np.sum(array**2))
        above = int(np.sum(array > array[0] / 2))
        rows.append((one.features, one.seed, step, sigma, *shown, above, modes, one.drift if step else None))
    return rows


def _draw(found: list[Spectra], options: Options, steps: int) -> tuple:
    if options.figures is None:
        return ()
    firsts = [next(one for one in found if one.features == name) for name in FEATURES]
    figure, axes = _figures.new_figure(2, len(FEATURES))
    for line, one in zip(axes, firsts, strict=True):
        for panel, values, step in zip(line, (one.before, one.after), (0, steps), strict=True):
            panel.hist(np.asarray(values), bins=60)
            panel.set(yscale="log", xlabel="eigenvalue", ylabel="how many", title=f"{one.features}, step {step}")
    return (_figures.save(figure, options.figures, "metric-spectrum"),)
