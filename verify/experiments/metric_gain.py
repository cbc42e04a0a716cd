"""Gain in loss against the distance from the training points, for three kernels (arXiv:2310.19870, Fig. 3).

A metric with independent components is trained at `--points` 100 points of Fermat's quintic, and looked at near them:
gain is σ of Fubini–Study over σ after training, at points at a given distance (the angle arccos|z·w̄|/|z||w|) from a
training point, in random directions along the hypersurface; shown with the mean distance of the nearest training point.

The metric is g_FS + T h T̄ᵀ with T the tangent frame and h a Hermitian form on C^(n+2) whose components all learn by one
kernel Θ(x, x') and not from each other: Θ_ab̄cd̄ = Θ(x, x') S_ad̄ S̄_bc̄ with S = T T̄'ᵀ. At one point S is g_FS, and this
is DeWitt's kernel g_ad̄ g_cb̄: independent components, without a choice of coordinates. Θ is *Gaussian*, exp(-D²/2ℓ²),
ℓ = 0.02; *ReLU*, the tangent kernel of an infinitely wide ReLU network with one hidden layer; *delta*, the limit of
normalised Gaussians as ℓ → 0, in which every point follows the nearest training point. All in terms of zz̄ᵀ/|z|², where
D is the angle's sine. Plain gradient descent with the learning rate 1/λ, λ the largest eigenvalue of the loss's second
derivative at the beginning (Gauss–Newton's), for `--steps` 3000 and a tenth of them; "t → ∞" is the limit of the
same flow. `--seeds` 3. The paper's network, times and ℓ are not known; its gains are in the last columns.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from laflow.metric.geometry.fubini_study import projective_angle
from laflow.metric.geometry.sampling import PointSample, points_on, sample_points
from laflow.metric.geometry.volume import kappa
from laflow.metric.model.monge_ampere import pack
from laflow.metric.model.phi_model import MetricData
from laflow.metric.tangent.frozen_flow import flow_limit
from laflow.metric.tangent.infinite_width import GaussianKernel, WideNetwork
from laflow.metric.tangent.linearised import KernelMetric
from laflow.metric.tangent.tangent_kernel import packed_metric_kernel
from verify.experiments import Options, Report, Table, _figures
from verify.experiments._metrics import Progress, packed_sigma, surface

POINTS, STEPS, SEEDS, DIMENSION, LENGTH = 100, 3000, 3, 3, 0.02
# The paper's Fig. 3: distance, and gains by a Gaussian, a ReLU and a delta kernel.
PAPER = {
    7e-9: (1.4e6, 5, 1.9e6),
    1e-6: (6.5e5, 5, 6.5e5),
    2.5e-5: (7e4, 5, 7e4),
    4e-4: (2e3, 5, 7e3),
    3.5e-3: (90, 5, 600),
    3e-2: (1.2, 5, 70),
    0.16: (1, 4, 9),
    0.4: (1, 2, 1.7),
}
# The share of the steps after which training is looked at early.
EARLY = 10
KERNELS = ("gaussian", "relu", "delta")


@dataclass(frozen=True)
class Gain:
    """One kernel, seed and distance: σ before, early, after, at t → ∞; mean distance of the nearest training point."""

    kernel: str
    seed: int
    asked: float
    nearest: float
    before: float
    early: float
    after: float
    limit: float


def run(options: Options) -> Report:
    """All kernels and seeds at the paper's distances."""
    count, steps, seeds = options.points or POINTS, options.steps or STEPS, options.seeds or SEEDS
    progress, gains = Progress(seeds * len(KERNELS)), list[Gain]()
    for seed in range(options.seed, options.seed + seeds):
        rng = np.random.default_rng([seed, 11])
        train = sample_points(surface(DIMENSION), count, rng)
        tests = {distance: _around(train, distance, rng) for distance in PAPER}
        for kernel in KERNELS:
            progress.case(f"{kernel}, seed {seed}")
            gains += _gains(kernel, seed, train, tests, steps)
    times = ("early", "after", "limit")
    rows = {time: [_row(distance, time, gains) for distance in PAPER] for time in times}
    columns = ("distance", "nearest", *KERNELS, *(f"{kernel}, paper" for kernel in KERNELS))
    titles = dict(zip(times, (f"{max(1, steps // EARLY)} steps", f"{steps} steps", "t → ∞"), strict=True))
    return Report(
        settings={"points": count, "steps": steps, "seeds": seeds, "seed": options.seed, "length": LENGTH},
        tables=tuple(Table(f"Factor gained in σ, quintic, {titles[time]}", columns, rows[time]) for time in times),
        data={"gains": [vars(one) for one in gains], "columns": columns, "rows": rows},
        figures=_draw(rows, titles, options),
    )


def _around(train: PointSample, distance: float, rng: np.random.Generator) -> PointSample:
    """One point of X at `distance` from each training point, in a random direction."""
    direction = rng.standard_normal((len(train), DIMENSION, 2)) @ np.array([1.0, 1.0j])
    along = np.einsum("pa,pai->pi", direction, train.frame)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    size = np.full(len(train), distance) * np.linalg.norm(train.points, axis=1)
    for _ in range(30):
        moved = _onto(train.points + size[:, None] * along)
        reached = projective_angle(train.points, moved)
        size *= np.clip(distance / np.maximum(reached, 1e-300), 0.5, 2.0)
    # Where the hypersurface bends away the distance is only near what was asked; measured distances are reported.
    return points_on(train.hypersurface, moved)


def _onto(points: np.ndarray) -> np.ndarray:
    """Newton's method for p = 0 along the conjugate gradient."""
    polynomial = surface(DIMENSION).polynomial
    for _ in range(40):
        slope = polynomial.gradient(points)
        step = polynomial.value(points) / np.sum(np.abs(slope) ** 2, axis=1)
        points = points - step[:, None] * slope.conj()
    return points


def _gains(kernel: str, seed: int, train: PointSample, tests: dict[float, PointSample], steps: int) -> list[Gain]:
    data, scalar = _prepared(train), _scalar(kernel)(train, train)
    metric = KernelMetric(data.reference, data.target, data.weights, _metric_kernel(scalar, train, train))
    early = _descent(metric, max(1, steps // EARLY))
    ends = early, _descent(metric, steps), flow_limit(metric, steps=300).position
    found = []
    for asked, test in tests.items():
        cross, data = _metric_kernel(_scalar(kernel)(test, train), test, train), _prepared(test)
        shape = (len(test), DIMENSION, DIMENSION)
        before, *after = (
            packed_sigma(data.reference + np.moveaxis((cross @ position).reshape(shape), 0, -1), data)
            for position in (np.zeros(metric.coordinates), *ends)
        )
        nearest = float(_distances(test, train).min(axis=1).mean())
        found.append(Gain(kernel, seed, asked, nearest, before, after[0], after[1], after[2]))
    return found


def _prepared(sample: PointSample) -> MetricData:
    """The points without any network's inputs."""
    target = kappa(sample.hypersurface).value * sample.omega_squared
    weights = sample.weights / sample.weights.mean()
    return MetricData(np.empty((16, len(sample), 0)), pack(sample.fubini_study), target, weights)


def _descent(metric: KernelMetric, steps: int) -> np.ndarray:
    position = np.zeros(metric.coordinates)
    rate = 0.5 / np.linalg.eigvalsh(metric.newton(position).matrix)[-1]
    for _ in range(steps):
        position = position - rate * metric.gradient(position)
    return position


def _metric_kernel(scalar: np.ndarray, first: PointSample, second: PointSample) -> np.ndarray:
    """Θ(x, x') S_ad̄ S̄_bc̄ in packed entries."""
    left, right = _tangents(first), _tangents(second)
    product = np.einsum("pai,qdi->paqd", left, right.conj())
    return packed_metric_kernel(np.einsum("pq,paqd,pbqc->pabqcd", scalar, product, product.conj(), optimize=True))


def _tangents(sample: PointSample) -> np.ndarray:
    """The frame, orthogonal to z and over |z|√π: (N, n, n+2), T T̄ᵀ = g_FS."""
    unit = sample.points / np.linalg.norm(sample.points, axis=1, keepdims=True)
    frame = sample.frame - np.einsum("pai,pi->pa", sample.frame, unit.conj())[..., None] * unit[:, None]
    scaled: np.ndarray = frame / (np.sqrt(np.pi) * np.linalg.norm(sample.points, axis=1)[:, None, None])
    return scaled


def _scalar(kernel: str) -> Callable[[PointSample, PointSample], np.ndarray]:
    if kernel == "gaussian":
        return lambda one, other: GaussianKernel(LENGTH).kernel(_inputs(one), _inputs(other))
    if kernel == "relu":
        return lambda one, other: WideNetwork("relu").kernel(_inputs(one), _inputs(other))
    return lambda one, other: np.eye(len(other))[_distances(one, other).argmin(axis=1)]


def _inputs(sample: PointSample) -> np.ndarray:
    """zz̄ᵀ/|z|² as real numbers over √2: Euclidean distances are sines of angles."""
    unit = sample.points / np.linalg.norm(sample.points, axis=1, keepdims=True)
    projector = (unit[:, :, None] * unit[:, None].conj()).reshape(len(sample), -1)
    return np.concatenate([projector.real, projector.imag], axis=1) / np.sqrt(2.0)


def _distances(one: PointSample, other: PointSample) -> np.ndarray:
    return np.asarray(projective_angle(one.points[:, None], other.points[None]))


def _row(distance: float, time: str, gains: list[Gain]) -> tuple[float, ...]:
    here = [one for one in gains if one.asked == distance]
    seen = []
    for kernel in KERNELS:
        # The geometric mean over seeds: gains are factors.
        factors = [np.log(one.before / getattr(one, time)) for one in here if one.kernel == kernel]
        seen.append(float(np.exp(np.mean(factors))))
    return (distance, float(np.mean([one.nearest for one in here])), *seen, *map(float, PAPER[distance]))


def _draw(rows: dict[str, list[tuple[float, ...]]], titles: dict[str, str], options: Options) -> tuple:
    if options.figures is None:
        return ()
    figure, axes = _figures.new_figure(len(rows))
    for panel, (time, lines) in zip(axes.flat, rows.items(), strict=True):
        table = np.array(lines)
        for number, kernel in enumerate(KERNELS):
            (line,) = panel.loglog(table[:, 1], table[:, 2 + number], "o-", label=kernel)
            panel.loglog(table[:, 0], table[:, 5 + number], ":", color=line.get_color())
        panel.set(xlabel="distance to training points", ylabel="factor gained in σ", title=titles[time])
        panel.legend(fontsize=8)
    return (_figures.save(figure, options.figures, "metric-gain"),)
