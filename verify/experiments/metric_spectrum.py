"""Eigenvalues of the metric kernel before, during and after training (arXiv:2310.19870, Fig. 2), on Fermat's quintic.

φ-networks as in `metric-frozen` (GELU, 2 layers of 16 units, NTK parametrisation) on z_i z̄_j/|z|² or on functions
invariant under all symmetries, trained by Gauss–Newton steps; looked at before, at some steps of the training, and
after it, when the best by σ on held-out points is kept. The kernel of the packed entries of the metric is that of 60
other points, (60·9)², divided by its size, so that the eigenvalues are those of the integral operator. Shown: the
largest eigenvalues, how many lie above half of the largest, and the participation ratio (Σλ)²/Σλ², a number of modes
that matter. The paper's network, training and normalisation are not known, so numbers compare in shape only.
`--points` 6000, `--steps` 60, `--seeds` 3.
"""

from dataclasses import asdict, dataclass

import numpy as np

from laflow.metric.learning.training import TrainingStep, train_metric
from laflow.metric.model.phi_model import MetricData, PhiModel
from laflow.metric.tangent.tangent_kernel import drift, metric_rows, spectrum, tangent_kernel
from verify.experiments import Options, Report, Table, _figures
from verify.experiments._metrics import FeatureName, Progress, fresh_model, model_sigma, points

POINTS, STEPS, SEEDS, HELD_OUT = 6000, 60, 3, 1000
KERNEL_POINTS, WIDTH, DEPTH, DIMENSION = 60, 16, 2, 3
SHOWN = 6
# Shares of a training after which its spectrum is taken, beside that at the end.
LOOKS = (0.0, 0.05, 0.2, 0.5)
FEATURES: tuple[FeatureName, ...] = ("invariants", "symmetric")


@dataclass(frozen=True)
class Look:
    """Eigenvalues after so many steps, σ on points that neither trained nor chose, drift of the kernel since step 0."""

    step: int
    eigenvalues: list[float]
    sigma: float
    drift: float


@dataclass(frozen=True)
class Spectra:
    """One seed: looks at its training, the first before it, the last at the best model."""

    features: str
    seed: int
    looks: list[Look]


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
    rows = [row for one in found for row in _rows(one)]
    settings = {"points": count, "steps": steps, "seeds": seeds, "seed": options.seed}
    return Report(
        settings=settings | {"kernel_points": KERNEL_POINTS, "width": WIDTH, "depth": DEPTH},
        tables=(Table("Spectrum of the metric kernel, quintic", columns, rows),),
        data={
            "spectra": [asdict(one) for one in found],
            "rows": [dict(zip(columns, row, strict=True)) for row in rows],
        },
        figures=_draw(found, options),
    )


def _spectra(name: FeatureName, seed: int, count: int, steps: int) -> Spectra:
    sample = points(DIMENSION, count, HELD_OUT, seed)
    model = fresh_model(sample.train, name, seed, width=WIDTH, depth=DEPTH)
    held = model.prepare(sample.test, np.float64)
    first, looks = _kernel(model, held), []

    def look(step: int, at: PhiModel) -> None:
        kernel = _kernel(at, held)
        looks.append(Look(step, spectrum(kernel).tolist(), model_sigma(at, held), drift(first, kernel)))

    def watch(seen: TrainingStep) -> None:
        # One look for each share that has been reached since the last one.
        if seen.model is not None and len(looks) < len(LOOKS) and seen.progress >= LOOKS[len(looks)]:
            look(seen.step, seen.model)

    trained = train_metric(
        model, sample.train, held_out=sample.validation, steps=steps, precision="double", callback=watch
    )
    look(steps, trained.model)
    return Spectra(name, seed, looks)


def _kernel(model: PhiModel, held: MetricData) -> np.ndarray:
    kernel = tangent_kernel(metric_rows(model.network, model.parameters, held.jets[:, :KERNEL_POINTS]))
    return np.asarray(kernel / kernel.shape[0])


def _rows(one: Spectra) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for look in one.looks:
        array = np.asarray(look.eigenvalues)
        shown = [float(value) for value in array[:SHOWN]]
        modes = float(array.sum() ** 2 / np.sum(array**2))
        above = int(np.sum(array > array[0] / 2))
        moved = look.drift if look.step else None
        rows.append((one.features, one.seed, look.step, look.sigma, *shown, above, modes, moved))
    return rows


def _draw(found: list[Spectra], options: Options) -> tuple:
    if options.figures is None:
        return ()
    firsts = [next(one for one in found if one.features == name) for name in FEATURES]
    figure, axes = _figures.new_figure(2, len(FEATURES))
    for line, one in zip(axes, firsts, strict=True):
        for panel, look in zip(line, (one.looks[0], one.looks[-1]), strict=True):
            panel.hist(np.asarray(look.eigenvalues), bins=60)
            panel.set(yscale="log", xlabel="eigenvalue", ylabel="how many", title=f"{one.features}, step {look.step}")
    return (_figures.save(figure, options.figures, "metric-spectrum"),)
