"""Hypersurfaces against what is known of them: volumes, κ, σ, classes, Chern numbers, invariances, curvature.

10^6 points (`--points`) of Fermat's cubic curve, quartic K3 and quintic threefold, and of Dwork's with ψ = 1/2; Chern
numbers from 4/10 of them. "error" is a standard error by sampling lines, or, for what is no Monte-Carlo estimate, the
rounding to expect. Tolerances: 3 standard errors (of some 30 estimates, one of 12 seeds misses one of them); for κ 0.2%
and for σ 0.003 where 3 standard errors are less; for Euler numbers 3 standard errors and 3%, the smaller. The other
metric than Fubini–Study is g_FS + ∂∂̄φ with φ = (1/π) log(|zL|²/|z|²), L a fixed random matrix.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import factorial, pi
from pathlib import Path

import numpy as np

from laflow.metric.geometry.estimates import Estimate
from laflow.metric.geometry.fubini_study import fubini_study
from laflow.metric.geometry.hypersurface import Hypersurface
from laflow.metric.geometry.polynomial import dwork, fermat
from laflow.metric.geometry.sampling import PointSample, charted, points_on, sample_points
from laflow.metric.geometry.volume import estimate_volume, exact_volume, kappa, kappa_of_volume
from laflow.metric.quality import measures
from laflow.metric.quality.curvature import chern_density, curvature_endomorphism, ricci_form, scalar_curvature, wedge
from laflow.metric.quality.metric_jets import MetricJets, fubini_study_jets
from verify.experiments import Options, Report, Table, _figures
from verify.oracles import cubic_periods, radial_metrics
from verify.oracles.implicit_surface import ImplicitSurface

POINTS = 1_000_000
CURVATURE_SHARE = 0.4
AT_ONCE = 20_000
NAMES = {1: "cubic", 2: "K3", 3: "quintic"}
PUBLISHED_VOLUMES = {1: 2.7028761, 2: 11.8170450, 3: 47.2975609}
PUBLISHED_SIGMA = {1: 0.097, 2: 0.230, 3: 0.373}
EULER = {1: 0, 2: 24, 3: -200}
# Invariants of 1000 points: σ's residual and weights, off by at most a few hundred roundings.
ROUNDING = 1e-11


@dataclass(frozen=True)
class Row:
    """One comparison with the truth."""

    name: str
    exact: float
    seen: float
    error: float
    tolerance: float

    @property
    def held(self) -> bool:
        """Whether what is seen lies within the tolerance. NaN never does."""
        return abs(self.seen - self.exact) <= self.tolerance

    @classmethod
    def estimated(cls, name: str, exact: float, estimate: Estimate, tolerance: float | None = None) -> "Row":
        """A row whose tolerance is 3 standard errors where no other is given."""
        allowed = 3.0 * estimate.standard_error if tolerance is None else tolerance
        return cls(name, float(exact), estimate.value, estimate.standard_error, allowed)


def run(options: Options) -> Report:
    """All comparisons for n = 1, 2, 3, and Ricci measures, which have no exact value."""
    count = options.points or POINTS
    rows: list[Row] = []
    unknown: list[tuple[object, ...]] = []
    for dimension in (1, 2, 3):
        rng = np.random.default_rng([options.seed, dimension])
        sample = sample_points(Hypersurface(fermat(dimension)), count, rng)
        pencil = sample_points(Hypersurface(dwork(dimension, 0.5)), count, rng)
        some = sample.take(slice(0, max(2 * sample.hypersurface.degree, round(CURVATURE_SHARE * count))))
        rows += _volumes(sample, pencil) + _sigma(sample) + _classes(sample) + _chern_numbers(some)
        rows += _invariances(sample.take(slice(0, 1000)), rng) + _ricci_forms(pencil.take(slice(0, 2)))
        unknown += _ricci_measures(some.take(slice(0, AT_ONCE)))
    rows += _known_metrics()
    shown = [
        (row.name, row.exact, row.seen, row.error, row.tolerance, "held" if row.held else "MISSED") for row in rows
    ]
    settings = {"points": count, "seed": options.seed, "held": sum(row.held for row in rows), "of": len(rows)}
    return Report(
        settings=settings,
        tables=(
            Table("Ground truths", ("what", "exact", "seen", "error", "tolerance", ""), shown),
            Table("Without an exact value", ("what", "seen", "error"), unknown),
        ),
        data={"ricci_measures": [dict(zip(("name", "seen", "error"), row, strict=True)) for row in unknown]},
        figures=_draw(rows, options.figures),
        rows=tuple(asdict(row) for row in rows),
        held=all(row.held for row in rows),
    )


def _volumes(sample: PointSample, pencil: PointSample) -> list[Row]:
    dimension, name = sample.hypersurface.dimension, _name(sample)
    volume, exact = estimate_volume(sample), exact_volume(sample.hypersurface)
    other, exact_other = estimate_volume(pencil), exact_volume(pencil.hypersurface)
    assert exact is not None
    assert exact_other is not None
    constant = kappa_of_volume(sample.hypersurface, volume.value)
    estimate = Estimate(constant, constant * volume.standard_error / volume.value)
    exact_kappa = kappa(sample.hypersurface).value
    rows = [
        Row(f"closed form of the volume, {name}", PUBLISHED_VOLUMES[dimension], exact, 5e-8, 6e-8),
        Row.estimated(f"volume, {name}", exact, volume),
        Row.estimated(f"volume, Dwork's {name}, ψ=1/2", exact_other, other),
        Row.estimated(f"κ, {name}", exact_kappa, estimate, max(0.002 * exact_kappa, 3.0 * estimate.standard_error)),
    ]
    if dimension == 1:
        area = cubic_periods.pencil_volume(0.5)
        rows.append(
            Row("closed form of the volume, Dwork's cubic, against its periods", area, exact_other, 1e-13, 1e-12)
        )
    return rows


def _sigma(sample: PointSample) -> list[Row]:
    dimension = sample.hypersurface.dimension
    found = measures.sigma(sample, _determinants(sample, _plain(sample)), kappa(sample.hypersurface).value)
    tolerance = max(0.003, 3.0 * found.standard_error)
    return [Row.estimated(f"σ of Fubini–Study, {_name(sample)}", PUBLISHED_SIGMA[dimension], found, tolerance)]


def _classes(sample: PointSample) -> list[Row]:
    dimension, degree, name = sample.hypersurface.dimension, sample.hypersurface.degree, _name(sample)
    plain, other = _plain(sample), _basis(sample)

    def pairing(block: PointSample) -> np.ndarray:
        metrics = [fubini_study(block.points @ basis, block.frame @ basis) for basis in (other, plain)]
        return wedge(metrics[0], *[metrics[1]] * (dimension - 1)).real

    power = measures.kahler_volume(sample, _determinants(sample, plain)).scaled(factorial(dimension))
    changed = measures.kahler_volume(sample, _determinants(sample, other)).scaled(factorial(dimension))
    rows = [
        Row(f"∫J^{dimension} of Fubini–Study, {name}", degree, power.value, 1e-13 * degree, 1e-11 * degree),
        Row.estimated(f"∫J^{dimension} of g_FS + ∂∂̄φ, {name}", degree, changed),
    ]
    if dimension > 1:
        mixed = measures.integral(sample, _by_blocks(sample, pairing))
        rows.append(Row.estimated(f"∫J∧J_FS^{dimension - 1} of g_FS + ∂∂̄φ, {name}", degree, mixed))
    return rows


def _chern_numbers(sample: PointSample) -> list[Row]:
    dimension, name = sample.hypersurface.dimension, _name(sample)
    rows = []
    for label, basis in (("Fubini–Study", _plain(sample)), ("g_FS + ∂∂̄φ", _basis(sample))):

        def densities(block: PointSample, basis: np.ndarray = basis) -> np.ndarray:
            jets = fubini_study_jets(block, basis)
            curvature = curvature_endomorphism(jets)
            found = [chern_density(curvature, order, jets.metric) for order in range(1, dimension + 1)]
            return np.stack(found, axis=1)

        table = _by_blocks(sample, densities)
        for order in range(1, dimension):
            exact = measures.exact_chern_number(dimension, order)
            found = measures.integral(sample, table[:, order - 1])
            rows.append(Row.estimated(f"∫c_{order}∧J^{dimension - order} of {label}, {name}", exact, found))
        euler = measures.integral(sample, table[:, -1])
        allowed = 3.0 * euler.standard_error
        allowed = min(allowed, 0.03 * abs(EULER[dimension])) if EULER[dimension] else allowed
        rows.append(Row.estimated(f"Euler number by {label}, {name}", EULER[dimension], euler, allowed))
    return rows


def _invariances(sample: PointSample, rng: np.random.Generator) -> list[Row]:
    """Largest relative change of det g/|Ω|² (from the metric itself) and of w under what must not change them."""
    degree, name = sample.hypersurface.degree, _name(sample)
    scale = np.exp(rng.standard_normal((len(sample), 2)) @ np.array([1.0, 1.0j]))[:, None]
    phases = np.exp(2j * pi * rng.integers(0, degree, degree) / degree)
    turned = np.argsort(np.abs(sample.points), axis=1)[:, -2]
    other = sample.points / sample.points[np.arange(len(sample)), turned][:, None]
    changed = {
        "scale": points_on(sample.hypersurface, scale * sample.points, sample.line),
        "permutation": points_on(sample.hypersurface, sample.points[:, rng.permutation(degree)], sample.line),
        "phase": points_on(sample.hypersurface, phases * sample.points, sample.line),
        "patch": charted(sample.hypersurface, other, turned, sample.hypersurface.dependent(other, turned), sample.line),
    }
    before = measures.determinants(sample.fubini_study) / sample.omega_squared
    rows = []
    for change, again in changed.items():
        ratios = (
            measures.determinants(again.fubini_study) / again.omega_squared / before,
            again.weights / sample.weights,
        )
        seen = max(float(np.abs(ratio - 1.0).max()) for ratio in ratios)
        rows.append(Row(f"change of det g/|Ω|² and w with {change}, {name}", 0.0, seen, 1e-13, ROUNDING))
    return rows


def _ricci_forms(sample: PointSample) -> list[Row]:
    polynomial, rows = sample.hypersurface.polynomial, []
    terms = list(zip(polynomial.coefficients.tolist(), polynomial.exponents.tolist(), strict=True))
    for label, basis in (("Fubini–Study", _plain(sample)), ("g_FS + ∂∂̄φ", _basis(sample))):
        found = ricci_form(fubini_study_jets(sample, basis))
        seen = 0.0
        for number in range(len(sample)):
            charts = int(sample.patch[number]), int(sample.dependent[number])
            exact = ImplicitSurface(terms, sample.points[number], *charts, basis).ricci_form()
            seen = max(seen, float(np.abs(found[number] - exact).max() / np.abs(exact).max()))
        what = f"Ricci form of {label} against differences in 150 digits, Dwork's {_name(sample)}"
        rows.append(Row(what, 0.0, seen, 1e-13, ROUNDING))
    return rows


def _ricci_measures(sample: PointSample) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for label, basis in (("Fubini–Study", _plain(sample)), ("g_FS + ∂∂̄φ", _basis(sample))):
        jets = fubini_study_jets(sample, basis)
        estimate = measures.ricci_measure(sample, measures.determinants(jets.metric), scalar_curvature(jets))
        found.append((f"mean |R| of {label}, {_name(sample)}", estimate.value, estimate.standard_error))
    return found


def _known_metrics() -> list[Row]:
    """Metrics with curvature in closed form: P^n, and Eguchi and Hanson's, which is Ricci-flat and not flat."""
    rows = []
    for dimension in (1, 2, 3):
        x = np.random.default_rng(dimension).standard_normal((100, dimension, 2)) @ np.array([1.0, 1.0j])
        jets = MetricJets(*radial_metrics.radial_jets(radial_metrics.projective_slopes, x))
        ratio = scalar_curvature(jets)
        worst = ratio[np.argmax(np.abs(ratio - 2.0 * pi * dimension * (dimension + 1)))]
        exact = 2.0 * pi * dimension * (dimension + 1)
        rows.append(Row(f"scalar curvature of P^{dimension}", exact, float(worst), 1e-12 * exact, 1e-10 * exact))
    nodes, weights = np.polynomial.legendre.leggauss(60)
    share = 0.5 * (nodes + 1.0)
    u = share / (1.0 - share)
    line = np.column_stack([np.sqrt(u), 0.0 * u]).astype(np.complex128)
    jets = MetricJets(*radial_metrics.radial_jets(radial_metrics.eguchi_hanson_slopes, line))
    curvature = curvature_endomorphism(jets)
    # Close to the sphere u = 0, where coordinates end, entries of g are large and cancel.
    flatness = (np.abs(ricci_form(jets)).max(axis=(1, 2)) / np.abs(curvature).max(axis=(1, 2, 3, 4)))[u > 0.1].max()
    # d⁴x = π² u du on shells of C², half of that for C²/±1.
    euler = float(np.sum(0.25 * weights * chern_density(curvature, 2) * pi**2 * u / (1.0 - share) ** 2))
    rows.append(Row("Ricci form over curvature, Eguchi–Hanson", 0.0, float(flatness), 1e-12, 1e-10))
    rows.append(Row("∫c_2 of Eguchi–Hanson", 1.5, euler, 1e-8, 1e-6))
    return rows


def _by_blocks(sample: PointSample, values: Callable[[PointSample], np.ndarray]) -> np.ndarray:
    """`values` of all points, so many at a time that frames and jets need little memory."""
    return np.concatenate([values(sample.take(slice(k, k + AT_ONCE))) for k in range(0, len(sample), AT_ONCE)])


def _determinants(sample: PointSample, basis: np.ndarray) -> np.ndarray:
    def values(block: PointSample) -> np.ndarray:
        return measures.determinants(fubini_study(block.points @ basis, block.frame @ basis))

    return _by_blocks(sample, values)


def _plain(sample: PointSample) -> np.ndarray:
    return np.eye(sample.hypersurface.degree, dtype=np.complex128)


def _basis(sample: PointSample) -> np.ndarray:
    """The matrix L of φ: close enough to 1 that Monte-Carlo errors stay below 1%."""
    degree = sample.hypersurface.degree
    rng = np.random.default_rng(degree)
    return np.eye(degree) + 0.1 * (rng.standard_normal((degree, degree, 2)) @ np.array([1.0, 1.0j]))


def _name(sample: PointSample) -> str:
    return NAMES[sample.hypersurface.dimension]


def _draw(rows: list[Row], folder: Path | None) -> tuple[Path, ...]:
    if folder is None:
        return ()
    figure, axes = _figures.new_figure(1, width=9.0, height=0.22 * len(rows) + 1.0)
    panel = axes.flat[0]
    deviations = [(row.seen - row.exact) / row.tolerance for row in rows]
    panel.barh(range(len(rows)), deviations, color=["tab:blue" if row.held else "tab:red" for row in rows])
    panel.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=7)
    panel.invert_yaxis()
    panel.axvspan(-1.0, 1.0, alpha=0.1, color="tab:green")
    panel.set_xlabel("(seen - exact) / tolerance")
    return (_figures.save(figure, folder, "metric_ground_truths"),)
