"""Fig. 2: % wrong pixels over gradient steps, low-rank gradient against autodiff of two integrators.

Three gradients drive the same descent Ω ← exp_Ω(-h ∂L) from uniform weights: laflow's low-rank gradient (m=10,
rank 4); autodiff (JAX) of 10 explicit Euler steps; autodiff of exponential integration in a Krylov space (m=10).
After each step the pixels are labelled by the same accurate flow (m=20), so that only the gradients differ.

The paper leaves open, and here is chosen: ρ=1, T=5, τ=0, h = 1/max|∂L| at every step; scenario (b) with noise 0.6,
which makes half of the pixels wrong, scenario (a) with noise 0.3, both also without noise; 1 image each and 30 steps
(`--images 5` is the paper's number). The paper shows (b) only.
"""

from collections.abc import Callable

import numpy as np

import laflow
from verify.experiments import Options, Report, Table, _figures
from verify.experiments._scenarios import NOISE, Scenario, ScenarioName, scenario, wrong_percent
from verify.oracles.autodiff import discrete_gradient

TIME, KRYLOV_DIM, RANK, EULER_STEPS = 5.0, 10, 4, 10
ACCURATE_DIM = 20
IMAGES, STEPS = 1, 30
LOW_RANK = f"low-rank, m={KRYLOV_DIM}, rank {RANK}"
EULER = f"autodiff, Euler, {EULER_STEPS} steps"
EXPONENTIAL = f"autodiff, exponential, m={KRYLOV_DIM}"
CASES: tuple[tuple[ScenarioName, bool], ...] = (("b", True), ("b", False), ("a", True), ("a", False))

Gradient = Callable[[np.ndarray], np.ndarray]


def run(options: Options) -> Report:
    """Train on every scenario with every gradient."""
    images, steps = options.images or IMAGES, options.steps or STEPS
    curves: dict[str, dict[str, list[float]]] = {}
    rows = []
    for name, noisy in CASES:
        title = f"scenario ({name}), " + (f"noise {NOISE[name]:g}" if noisy else "noiseless")
        scenes = [scenario(name, options.size, options.seed + number, noisy=noisy) for number in range(images)]
        curves[title] = {
            method: np.mean([_train(one, gradient(one), steps) for one in scenes], axis=0).tolist()
            for method, gradient in _METHODS.items()
        }
        pixelwise = float(np.mean([one.pixelwise_percent for one in scenes]))
        rows += [(title, method, pixelwise, *_summary(curve)) for method, curve in curves[title].items()]
    columns = ("scenario", "gradient", "pixelwise %", "uniform %", "after 10 steps %", "last %", "best %", "at step")
    settings = {"size": options.size, "images": images, "steps": steps, "seed": options.seed, "time": TIME}
    return Report(
        settings=settings | {"distance_scale": 1.0, "regularization": 0.0, "step": "1/max|dL|"},
        tables=(Table("% wrong pixels while training (Fig. 2)", columns, rows),),
        data={"curves": curves},
        figures=_draw(curves, options),
    )


def _train(one: Scenario, gradient: Gradient, steps: int) -> list[float]:
    """% wrong pixels before the first step and after each."""
    graph = one.problem.graph
    weights = graph.uniform_weights()
    wrong = [_wrong(one, weights)]
    for _ in range(steps):
        direction = gradient(weights)
        largest = float(np.abs(direction).max())
        if largest > 0.0:
            weights = laflow.exponential_step(graph, weights, direction, 1.0 / largest)
        wrong.append(_wrong(one, weights))
    return wrong


def _wrong(one: Scenario, weights: np.ndarray) -> float:
    solution = laflow.solve_flow(one.problem, weights, time=TIME, krylov_dim=ACCURATE_DIM)
    return wrong_percent(solution.labels, one.scene.truth)


def _low_rank(one: Scenario) -> Gradient:
    return lambda weights: (
        laflow.loss_gradient(
            one.problem, weights, one.scene.truth, time=TIME, krylov_dim=KRYLOV_DIM, rank=RANK
        ).gradient
    )


def _autodiff(one: Scenario, scheme: str, steps: int) -> Gradient:
    plain = one.instance(TIME)

    def gradient(weights: np.ndarray) -> np.ndarray:
        flat = weights.reshape(plain.weights.shape)
        return discrete_gradient(flat, *plain.plain[1:], scheme=scheme, steps=steps).gradient.reshape(weights.shape)

    return gradient


_METHODS: dict[str, Callable[[Scenario], Gradient]] = {
    LOW_RANK: _low_rank,
    EULER: lambda one: _autodiff(one, "euler", EULER_STEPS),
    EXPONENTIAL: lambda one: _autodiff(one, "krylov", KRYLOV_DIM),
}


def _summary(curve: list[float]) -> tuple[object, ...]:
    best = int(np.argmin(curve))
    return curve[0], curve[min(10, len(curve) - 1)], curve[-1], curve[best], best


def _draw(curves: dict[str, dict[str, list[float]]], options: Options) -> tuple:
    if options.figures is None:
        return ()
    figure, axes = _figures.new_figure(len(curves))
    for panel, (title, methods) in zip(axes.flat, curves.items(), strict=True):
        _figures.draw_curves(panel, methods, title=title, ylabel="% wrong pixels")
        panel.set_yscale("symlog", linthresh=0.01)
        panel.set_ylim(bottom=0.0)
    return (_figures.save(figure, options.figures, "training-curves"),)
