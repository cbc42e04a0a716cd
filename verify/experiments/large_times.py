"""Large T: one larger Krylov space, or several steps with smaller ones?

v' = A v + b is followed to T on scenario (b) (8 colours, noise 0.6, uniform weights, ρ=1) in 1, 2, 4 or 8 equal steps,
v(t+h) = v(t) + h φ(hA)(A v(t) + b), each in a Krylov space of its own of the least dimension m with which the relative
error of v(T) is at most 1e-6 (the truth: one space of 200 dimensions). Products count A v(t) too. Fields held are m + 1
powers, v and b. Times are the least of 5 runs, everything in turn. `--steps N` allows N dimensions at most.
"""

import time as clock
from functools import partial
from pathlib import Path

import numpy as np

import laflow
from laflow.assignment.flow import linear_map_into, packed_similarity, source_into
from laflow.krylov import krylov_space, phi_trajectory
from verify.experiments import Options, Report, Table, _figures
from verify.experiments._scenarios import NOISE, scenario

TIMES, STEPS = (5.0, 10.0, 20.0, 40.0), (1, 2, 4, 8)
WANTED, TRUTH, MOST, RUNS = 1e-6, 200, 60, 5


def run(options: Options) -> Report:
    """The least dimension for every T and number of steps, and what it costs."""
    problem = scenario("b", options.size, options.seed).problem
    most = options.steps or MOST
    rows: list[tuple[object, ...]] = []
    curves: dict[str, list[float]] = {f"{steps} steps" if steps > 1 else "one step": [] for steps in STEPS}
    for time in TIMES:
        truth, _ = stepped(problem, time, 1, TRUTH)
        found = [(steps, least_dimension(problem, time, steps, truth, most)) for steps in STEPS]
        able = [(steps, m) for steps, m in found if m is not None]
        seconds = _in_turn([partial(stepped, problem, time, steps, m) for steps, m in able])
        cost = dict(zip(able, seconds, strict=True))
        products = {(steps, m): stepped(problem, time, steps, m)[1] for steps, m in able}
        for (steps, m), curve in zip(found, curves.values(), strict=True):
            curve.append(float("nan") if m is None else products[steps, m])
            if m is None:
                rows.append((time, steps, f"> {most}", None, None, None))
                continue
            rows.append((time, steps, m, products[steps, m], m + 3, 1e3 * cost[steps, m]))
    columns = ("T", "steps", "m", "products", "fields held", "ms")
    settings = {"size": options.size, "seed": options.seed, "noise": NOISE["b"], "error of v(T)": WANTED}
    return Report(
        settings,
        (Table("One Krylov space, or several steps", columns, rows),),
        {"rows": [dict(zip(columns, row, strict=True)) for row in rows]},
        _draw(curves, options),
    )


def _draw(curves: dict[str, list[float]], options: Options) -> tuple[Path, ...]:
    if options.figures is None:
        return ()
    figure, ((axes,),) = _figures.new_figure(1, width=5.0, height=3.5)
    for name, products in curves.items():
        axes.plot(TIMES, products, marker="o", label=name)
    axes.set_xlabel("T")
    axes.set_ylabel(f"products for an error of {WANTED:g}")
    axes.set_xscale("log")
    axes.legend(fontsize=8)
    return (_figures.save(figure, options.figures, "large-times"),)


def least_dimension(
    problem: laflow.LabelingProblem, time: float, steps: int, truth: np.ndarray, most: int
) -> int | None:
    """The smallest m, by bisection, with which v(T) is as accurate as wanted; None if `most` is not enough."""
    low, high = 0, most
    if _error(stepped(problem, time, steps, most)[0], truth) > WANTED:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if _error(stepped(problem, time, steps, middle)[0], truth) <= WANTED:
            high = middle
        else:
            low = middle
    return high


def stepped(problem: laflow.LabelingProblem, time: float, steps: int, dimension: int) -> tuple[np.ndarray, int]:
    """v(T), packed (J, P), in so many steps with Krylov spaces of `dimension`, and the products with A made."""
    graph, labels = problem.graph, problem.labels
    weights = graph.packed_uniform_weights()
    similar = packed_similarity(problem, weights)
    constant, tangent = graph.empty_nodes(labels), graph.zeros_nodes(labels)
    source_into(problem, similar, constant)
    storage, moved = graph.empty_nodes(dimension + 1, labels), graph.empty_nodes(labels)

    def apply(vector: np.ndarray, image: np.ndarray) -> None:
        linear_map_into(problem, weights, similar, vector, image)

    products = 0
    for step in range(steps):
        storage[0] = constant
        if step:
            apply(tangent.reshape(-1), moved.reshape(-1))
            storage[0] += moved
            products += 1
        space = krylov_space(apply, storage.reshape(dimension + 1, -1))
        space.combine(phi_trajectory(space, time / steps)[-1:], moved.reshape(1, -1))
        tangent += moved
        products += space.products
    return tangent, products


def _error(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))


def _in_turn(computations: list[partial[tuple[np.ndarray, int]]]) -> list[float]:
    """The least seconds of each, round by round."""
    least = [np.inf] * len(computations)
    for _ in range(RUNS):
        for number, compute in enumerate(computations):
            begin = clock.perf_counter()
            compute()
            least[number] = min(least[number], clock.perf_counter() - begin)
    return least
