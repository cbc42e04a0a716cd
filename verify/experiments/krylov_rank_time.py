"""Fig. 4: what the Krylov dimension m, the rank r and the time T do to training and to the gradient.

Scenario (b), noise 0.6, uniform start, descent with h = 1/max|∂L|: training curves for (a) m = 2, 3, 5, 10, 20 with
rank min(4, m), (b) rank 1, 2, 4, 8 with m = 10, (c) T = 1, 5, 10, 20 with m = 20 and rank 4. Beside each, the
relative error of the first gradient against Runge-Kutta autodiff (JAX), whose own error is below 1e-7: smaller numbers
in the table bound nothing.

The paper leaves open, and here is chosen: ρ=1, τ=0, T=5 in (a) and (b), 1 image, 30 steps.
"""

import numpy as np

import laflow
from verify.experiments import Options, Report, Table, _figures
from verify.experiments._scenarios import NOISE, Scenario, scenario
from verify.oracles.autodiff import reference_gradient

TIME, STEPS = 5.0, 30
REFERENCE_ERROR = 1e-7
PANELS = {
    "(a) Krylov dimension": [(f"m={m}", TIME, m, min(4, m)) for m in (2, 3, 5, 10, 20)],
    "(b) rank": [(f"rank {r}", TIME, 10, r) for r in (1, 2, 4, 8)],
    "(c) time": [(f"T={t:g}", t, 20, 4) for t in (1.0, 5.0, 10.0, 20.0)],
}


def run(options: Options) -> Report:
    """Train once for each setting."""
    one = scenario("b", options.size, options.seed)
    steps = options.steps or STEPS
    references = {
        time: reference_gradient(*one.instance(time).plain, tolerance=REFERENCE_ERROR).gradient
        for time in sorted({time for panel in PANELS.values() for _, time, _, _ in panel})
    }
    curves: dict[str, dict[str, list[float]]] = {}
    rows = []
    for panel, cases in PANELS.items():
        curves[panel] = {}
        for name, time, krylov_dim, rank in cases:
            curve = _curve(one, time, krylov_dim, rank, steps)
            error = _error(one, time, krylov_dim, rank, references[time])
            curves[panel][name] = curve
            reached = next((step for step, wrong in enumerate(curve) if wrong <= 0.1), None)
            rows.append((panel, name, time, krylov_dim, rank, error, curve[0], min(curve), reached))
    columns = ("panel", "curve", "T", "m", "rank", "error of dL", "start %", "best %", "steps to 0.1%")
    settings = {"size": options.size, "seed": options.seed, "steps": steps, "noise": NOISE["b"]}
    return Report(
        settings=settings | {"distance_scale": 1.0, "regularization": 0.0, "step": "1/max|dL|"},
        tables=(Table("Krylov dimension, rank and time (Fig. 4)", columns, rows),),
        data={"curves": curves, "rows": [dict(zip(columns, row, strict=True)) for row in rows]},
        figures=_draw(curves, options),
    )


def _curve(one: Scenario, time: float, krylov_dim: int, rank: int, steps: int) -> list[float]:
    learned = laflow.learn_weights(
        one.problem, one.scene.truth, time=time, steps=steps, krylov_dim=krylov_dim, rank=rank
    )
    wrong = [step.wrong_percent for step in learned.history]
    return wrong + [wrong[-1]] * (steps + 1 - len(wrong))


def _error(one: Scenario, time: float, krylov_dim: int, rank: int, exact: np.ndarray) -> float:
    found = laflow.loss_gradient(
        one.problem, None, one.scene.truth, time=time, krylov_dim=krylov_dim, rank=rank
    ).gradient.reshape(exact.shape)
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


def _draw(curves: dict[str, dict[str, list[float]]], options: Options) -> tuple:
    if options.figures is None:
        return ()
    figure, axes = _figures.new_figure(len(curves))
    for panel, (title, lines) in zip(axes.flat, curves.items(), strict=True):
        _figures.draw_curves(panel, lines, title=title, ylabel="% wrong pixels")
        panel.set_yscale("symlog", linthresh=0.01)
        panel.set_ylim(bottom=0.0)
    return (_figures.save(figure, options.figures, "krylov-rank-time"),)
