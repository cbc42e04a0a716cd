"""How tight the certificates are: bound over true error of v_T and of the gradient, by labels, time and dimension.

Not in the paper. Voronoi colours with noise, uniform weights on 3×3 patches, ρ=1 (scenario (b), with 2, 4 and 8
labels), `krylov_dim` m = 4, 6, ..., 14, nothing cut. Three certificates are compared: "exact", Arnoldi's own
approximation of m dimensions, whose residual is known; "guessed", which uses the (m+1)-th vector too and bounds its
residual by |A|; and "by difference", |∂L_m - ∂L_(m+1)| plus the bound of m+1, for a product more in each space and a
second assembly. Truth is the same gradient with m = 40; cases whose true error is below 100 times what is certified of
it are left out. For images of 24²: `--size 24`. A second table is of gradients asked for with tolerances from 1e-2 to
1e-8, as anyone would, with the plain certificate and a sharp one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from laflow import LaflowError, loss_gradient
from verify import bridge
from verify.certified import Certified, certified_gradient
from verify.experiments import Options, Report, Table, _figures
from verify.instances import Instance, colors_instance

LABELS, TIMES = (2, 4, 8), (1.0, 5.0, 20.0)
DIMENSIONS = (4, 6, 8, 10, 12, 14)
TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
TRUTH_DIMENSION = 40


@dataclass(frozen=True)
class Asked:
    """A gradient asked for with a tolerance: its bound over its true error, relative to the tolerance, and its cost."""

    labels: int
    time: float
    tol: float
    sharp: bool
    ratio: float
    error: float
    matvecs: int


@dataclass(frozen=True)
class Ratios:
    """One case: true relative errors, and bounds over true errors."""

    labels: int
    time: float
    krylov_dim: int
    tangent_error: float
    gradient_error: float
    tangent: float
    exact: float
    guessed: float
    guessed_gain: float
    by_difference: float


def run(options: Options) -> Report:
    """Certify every case and compare with the truth."""
    cases: list[Ratios] = []
    asked: list[Asked] = []
    for seed, labels, time in _problems(options):
        instance = colors_instance((options.size, options.size), labels, time=time, seed=seed)
        truth = certified_gradient(instance, TRUTH_DIMENSION)
        cases += _cases(instance, truth, labels, time)
        asked += _asked(instance, truth, labels, time)
    columns = ("J", "T", "cases", "v_T", "gradient", "guessed", "its bound / exact", "by difference", "largest")
    rows = [_row(cases, labels, time) for labels in LABELS for time in TIMES]
    settings = {"size": options.size, "seed": options.seed, "images": options.images or 1, "truth": TRUTH_DIMENSION}
    return Report(
        settings=settings,
        tables=(Table("Bound over true error, medians over m", columns, rows), _asked_table(asked)),
        data={
            "cases": [vars(case) for case in cases],
            "rows": [dict(zip(columns, row, strict=True)) for row in rows],
            "asked": [vars(one) for one in asked],
        },
        figures=_draw(cases, options),
    )


def _problems(options: Options) -> Iterator[tuple[int, int, float]]:
    """Seed, labels and time of each problem."""
    return product(range(options.seed, options.seed + (options.images or 1)), LABELS, TIMES)


def _cases(instance: Instance, truth: Certified, labels: int, time: float) -> list[Ratios]:
    found = []
    for krylov_dim in DIMENSIONS:
        coarse, fine = (certified_gradient(instance, krylov_dim + more) for more in (0, 1))
        guess = certified_gradient(instance, krylov_dim, last_column="guessed")
        error, guess_error = _gradient_error(coarse, truth), _gradient_error(guess, truth)
        tangent_error = float(np.linalg.norm(coarse.tangent - truth.tangent))
        known = truth.certificate.gradient, truth.certificate.tangent
        if min(error, guess_error) < 100.0 * known[0] or tangent_error < 100.0 * known[1]:
            continue
        difference = float(np.linalg.norm(coarse.gradient - fine.gradient)) + fine.certificate.gradient
        found.append(
            Ratios(
                labels,
                time,
                krylov_dim,
                tangent_error / float(np.linalg.norm(truth.tangent)),
                error / float(np.linalg.norm(truth.gradient)),
                coarse.certificate.tangent / tangent_error,
                coarse.certificate.gradient / error,
                guess.certificate.gradient / guess_error,
                guess.certificate.gradient / coarse.certificate.gradient,
                difference / error,
            )
        )
    return found


def _asked(instance: Instance, truth: Certified, labels: int, time: float) -> list[Asked]:
    """With every tolerance that is not refused, and with either certificate."""
    problem, weights = bridge.labeling_problem(instance), bridge.public_weights(instance)
    found = []
    for tol in TOLERANCES:
        for sharp in (False, True):
            try:
                one = loss_gradient(problem, weights, bridge.public_truth(instance), time=time, tol=tol, sharp=sharp)
            except LaflowError:
                continue
            error = float(np.linalg.norm(bridge.plain_weights(instance, one.gradient) - truth.gradient))
            assert one.certificate is not None
            bound = one.certificate.gradient
            if error >= 100.0 * truth.certificate.gradient:
                relative = error / float(np.linalg.norm(truth.gradient)) / tol
                found.append(Asked(labels, time, tol, sharp, bound / error, relative, one.matvecs))
    return found


def _asked_table(asked: list[Asked]) -> Table:
    columns = ("J", "T", "sharp", "cases", "bound / error", "least", "largest", "error / tolerance", "products")
    rows = []
    for labels in LABELS:
        for time in TIMES:
            for sharp in (False, True):
                here = [one for one in asked if (one.labels, one.time, one.sharp) == (labels, time, sharp)]
                ratios = [one.ratio for one in here]
                figures = (
                    (np.median(ratios), min(ratios), max(ratios), np.median([one.error for one in here]))
                    if here
                    else (None,) * 4
                )
                products = float(np.mean([one.matvecs for one in here])) if here else None
                rows.append((labels, time, "yes" if sharp else "no", len(here), *figures, products))
    return Table("Asked for with a tolerance, medians over tolerances", columns, rows)


def _gradient_error(found: Certified, truth: Certified) -> float:
    return float(np.linalg.norm(found.gradient - truth.gradient))


def _row(cases: list[Ratios], labels: int, time: float) -> tuple[object, ...]:
    here = [case for case in cases if (case.labels, case.time) == (labels, time)]
    if not here:
        return (labels, time, 0, *[None] * 6)
    names = ("tangent", "exact", "guessed", "guessed_gain", "by_difference")
    medians = [float(np.median([getattr(case, name) for case in here])) for name in names]
    return (labels, time, len(here), *medians, max(case.exact for case in here))


def _draw(cases: list[Ratios], options: Options) -> tuple:
    if options.figures is None:
        return ()
    figure, axes = _figures.new_figure(len(TIMES))
    for panel, time in zip(axes.flat, TIMES, strict=True):
        lines = {
            f"J={labels}, {name}": [
                getattr(case, field) for case in cases if (case.labels, case.time) == (labels, time)
            ]
            for labels in LABELS
            for name, field in (("v", "tangent"), ("gradient", "exact"))
        }
        _figures.draw_curves(panel, lines, title=f"T = {time:g}", ylabel="bound / true error")
        panel.set_yscale("log")
    return (_figures.save(figure, options.figures, "certificate"),)
