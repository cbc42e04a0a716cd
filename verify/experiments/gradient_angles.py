"""Fig. 3: the angle between the approximate and the exact gradient at every pixel, and the gradient's norm.

Scenario (a) at the first step: thin lines, noise 0.3, uniform weights. Compared are Riemannian gradients R_Ω ∂L, the
directions in which weights move, by their cosine at each pixel. The exact gradient is Runge-Kutta autodiff (JAX)
with its own relative error below 1e-8; the paper takes fine explicit Euler steps for it.

The paper leaves open, and here is chosen: ρ=1, τ=0, T=1, 5, 20 and m=10. The paper states that over 99% of the
pixels reach a cosine of 0.9. laflow's low rank keeps the part of b exact, which the paper's form does not.
"""

import numpy as np

import laflow
from verify.experiments import Options, Report, Table, _figures
from verify.experiments._scenarios import NOISE, scenario
from verify.oracles.autodiff import discrete_gradient, reference_gradient

TIMES, RANKS, KRYLOV_DIM = (1.0, 5.0, 20.0), (1, 2, 4), 10
SHOWN_TIME, SHOWN_RANK = 5.0, 1
GOOD_COSINE = 0.9
REFERENCE_ERROR = 1e-8


def run(options: Options) -> Report:
    """Compare gradients for each T and rank."""
    one = scenario("a", options.size, options.seed)
    rows, data, shown = [], [], {}
    for time in TIMES:
        plain = one.instance(time)
        reference = reference_gradient(*plain.plain, tolerance=REFERENCE_ERROR)
        exact = _riemannian(one, reference.gradient)
        candidates = {f"low-rank, m={KRYLOV_DIM}, rank {rank}": _ours(one, time, rank) for rank in RANKS}
        euler = discrete_gradient(*plain.plain, scheme="euler", steps=10).gradient
        candidates["autodiff, Euler, 10 steps"] = _riemannian(one, euler)
        for who, found in candidates.items():
            cosine = _cosines(found, exact)
            error = float(np.linalg.norm(found - exact) / np.linalg.norm(exact))
            share = 100.0 * float(np.mean(cosine >= GOOD_COSINE))
            rows.append((who, f"T={time:g}", error, share, float(cosine.min()), float(np.median(cosine))))
            data.append({"who": who, "time": time, "error": error, "share_percent": share})
            if time == SHOWN_TIME:
                shown[who] = cosine
        if time == SHOWN_TIME:
            norm = np.linalg.norm(exact, axis=-1)
    columns = ("gradient", "T", "relative error", f"% of pixels with cosine ≥ {GOOD_COSINE}", "least", "median")
    settings = {"size": options.size, "seed": options.seed, "noise": NOISE["a"], "distance_scale": 1.0}
    return Report(
        settings=settings | {"krylov_dim": KRYLOV_DIM, "regularization": 0.0, "weights": "uniform"},
        tables=(Table("Cosine to the exact gradient, pixel by pixel (Fig. 3)", columns, rows),),
        data={"rows": data},
        figures=_draw(one, shown, norm, options),
    )


def _ours(one, time: float, rank: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    result = laflow.loss_gradient(one.problem, None, one.scene.truth, time=time, krylov_dim=KRYLOV_DIM, rank=rank)
    return _riemannian(one, result.gradient)


def _riemannian(one, gradient: np.ndarray) -> np.ndarray:  # type: ignore[no-untyped-def]
    """R_Ω ∂L at uniform weights, (H, W, 9)."""
    graph = one.problem.graph
    weights = graph.uniform_weights()
    return laflow.riemannian_gradient(graph, weights, gradient.reshape(weights.shape))


def _cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cosine at each pixel, (H, W); 1 where both vanish."""
    inner = np.sum(left * right, axis=-1)
    norms = np.linalg.norm(left, axis=-1) * np.linalg.norm(right, axis=-1)
    return np.where(norms > 0.0, inner / np.where(norms > 0.0, norms, 1.0), 1.0)


def _draw(one, shown: dict[str, np.ndarray], norm: np.ndarray, options: Options) -> tuple:  # type: ignore[no-untyped-def]
    if options.figures is None:
        return ()
    figure, ((scene, cosine, size, histogram),) = _figures.new_figure(4)
    _figures.draw_image(scene, one.scene.image, title=f"scenario (a), noise {NOISE['a']:g}")
    first = f"low-rank, m={KRYLOV_DIM}, rank {SHOWN_RANK}"
    _figures.draw_field(figure, cosine, shown[first], limits=(-1.0, 1.0), title=f"cosine, {first}, T={SHOWN_TIME:g}")
    _figures.draw_field(figure, size, norm, title="norm of the exact gradient")
    bins = np.linspace(-1.0, 1.0, 81)
    for who, values in shown.items():
        histogram.hist(values.ravel(), bins=bins, histtype="step", linewidth=1.6, label=who)
    histogram.set_yscale("log")
    histogram.set_xlabel("cosine")
    histogram.set_ylabel("pixels")
    histogram.set_title(f"T={SHOWN_TIME:g}", fontsize=10)
    histogram.legend(fontsize=8, loc="upper left")
    return (_figures.save(figure, options.figures, "gradient-angles"),)
