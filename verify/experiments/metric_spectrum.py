"""Eigenvalues of the metric kernel before and after training (arXiv:2310.19870, Fig. 2), on Fermat's quintic.

A φ-network (GELU, 3 layers of 32 units, NTK parametrisation) on invariants z_i z̄_j/|z|² or on functions invariant under
all symmetries is trained by Adam with batches of 500 points for 50 epochs; the best of it on 500 held-out points is
kept. The kernel of the packed entries of the metric is that of 60 held-out points, (60·9)², divided by its size, so
that the eigenvalues are those of the integral operator. Shown before and after: the largest eigenvalues, how many lie
above half of the largest, and the participation ratio (Σλ)²/Σλ², a number of modes that matter. The paper's network,
points and normalisation are not known, so numbers compare in shape only. `--points` 10000, `--steps` epochs 50,
`--seeds` 3.
"""

from dataclasses import dataclass

import numpy as np

from laflow.metric.phi_model import PhiModel
from laflow.metric.tangent_kernel import drift, metric_rows, spectrum, tangent_kernel
from laflow.metric.training import train_metric
from verify.experiments import Options, Report, Table, _figures
from verify.experiments._metrics import FeatureName, Progress, fresh_model, model_sigma, points

POINTS, EPOCHS, SEEDS, BATCH, HELD_OUT = 10_000, 50, 3, 500, 1000
KERNEL_POINTS, WIDTH, DEPTH, DIMENSION = 60, 32, 3, 3
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
    count, epochs, seeds = options.points or POINTS, options.steps or EPOCHS, options.seeds or SEEDS
    chosen = [(name, options.seed + seed) for name in FEATURES for seed in range(seeds)]
    progress, found = Progress(len(chosen)), []
    for name, seed in chosen:
        progress.case(f"quintic, {name}, seed {seed}, {epochs} epochs")
        found.append(_spectra(name, seed, count, epochs))
    shown = [f"λ{k + 1}" for k in range(SHOWN)]
    columns = ("features", "seed", "epoch", "σ", *shown, "above half", "modes", "drift")
    rows = [row for one in found for row in _rows(one, epochs)]
    settings = {"points": count, "epochs": epochs, "batch": BATCH, "seeds": seeds, "seed": options.seed}
    return Report(
        settings=settings | {"kernel_points": KERNEL_POINTS, "width": WIDTH, "depth": DEPTH},
        tables=(Table("Spectrum of the metric kernel, quintic", columns, rows),),
        data={"spectra": [vars(one) for one in found], "rows": [dict(zip(columns, row, strict=True)) for row in rows]},
        figures=_draw(found, options, epochs),
    )


def _spectra(name: FeatureName, seed: int, count: int, epochs: int) -> Spectra:
    sample = points(DIMENSION, count, HELD_OUT, seed)
    model = fresh_model(sample.train, name, seed, width=WIDTH, depth=DEPTH)
    steps = max(1, epochs * count // BATCH)
    trained = train_metric(
        model, sample.train, held_out=sample.validation, method="adam", steps=steps, batch=min(BATCH, count)
    ).model
    held = model.prepare(sample.test, np.float64)
    kernels = [_kernel(one, held.jets[:, :KERNEL_POINTS]) for one in (model, trained)]
    before, after = (spectrum(kernel).tolist() for kernel in kernels)
    return Spectra(name, seed, before, after, model_sigma(model, held), model_sigma(trained, held), drift(*kernels))


def _kernel(model: PhiModel, jets: np.ndarray) -> np.ndarray:
    kernel = tangent_kernel(metric_rows(model.network, model.parameters, jets))
    return np.asarray(kernel / kernel.shape[0])


def _rows(one: Spectra, epochs: int) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for epoch, values, sigma in ((0, one.before, one.sigma_before), (epochs, one.after, one.sigma_after)):
        array = np.asarray(values)
        shown = [float(value) for value in array[:SHOWN]]
        modes = float(array.sum() ** 2 / np.sum(array**2))
        above = int(np.sum(array > array[0] / 2))
        rows.append((one.features, one.seed, epoch, sigma, *shown, above, modes, one.drift if epoch else None))
    return rows


def _draw(found: list[Spectra], options: Options, epochs: int) -> tuple:
    if options.figures is None:
        return ()
    firsts = [next(one for one in found if one.features == name) for name in FEATURES]
    figure, axes = _figures.new_figure(2, len(FEATURES))
    for line, one in zip(axes, firsts, strict=True):
        for panel, values, epoch in zip(line, (one.before, one.after), (0, epochs), strict=True):
            panel.hist(np.asarray(values), bins=60)
            panel.set(yscale="log", xlabel="eigenvalue", ylabel="how many", title=f"{one.features}, epoch {epoch}")
    return (_figures.save(figure, options.figures, "metric-spectrum"),)
