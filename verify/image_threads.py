"""python -m verify.image_threads [--sides N …] [--images N] [--rounds N]: images per second of a training step.

Prediction, gradient and pull-back of several images, interleaved in one process: images in turn with one thread, in
turn with all threads inside one image, and spread over threads (`laflow.parallel`). Medians of the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import numba
import numpy as np

from laflow.assignment.batch import ImageBatch, labelled_images
from laflow.assignment.gradient import GradientOptions
from laflow.assignment.predictor import initial_predictor
from laflow.parallel import Spread, spread_over_threads
from laflow.scenes import voronoi_lines
from verify.reporting import print_table

OPTIONS = GradientOptions(3.0, "low-rank", 6, 3)
PROTOTYPES, FEATURE_RADIUS = 50, 2


def training_step(side: int, count: int) -> Callable[[Spread], Callable[[], object]]:
    """A training step over `count` images, for each way to spread them."""
    rng = np.random.default_rng(0)
    scenes = [voronoi_lines((side, side), rng, 0.3) for _ in range(count)]
    predictor = initial_predictor(
        [scene.clean for scene in scenes],
        [scene.truth for scene in scenes],
        prototypes=PROTOTYPES,
        feature_radius=FEATURE_RADIUS,
        rng=rng,
    )
    images = labelled_images([(scene.image, scene.truth) for scene in scenes], scenes[0].prototypes, 1, 1.0)

    def prepared(spread: Spread) -> Callable[[], object]:
        batch = ImageBatch(OPTIONS, spread)
        return lambda: batch.gradient(predictor, images, [None] * count)

    return prepared


def images_per_second(side: int, count: int, rounds: int) -> list[float]:
    """In turn with one thread, in turn with all threads inside one image, and images at once."""
    threads, prepared = numba.get_num_threads(), training_step(side, count)
    ways = ((1, 1), (threads, 1), (threads, count))
    seconds: list[list[float]] = [[] for _ in ways]
    try:
        with ExitStack() as pools:
            steps = [prepared(pools.enter_context(spread_over_threads(at_once))) for _, at_once in ways]
            for _ in range(rounds + 1):
                for taken, step, (inside, _) in zip(seconds, steps, ways, strict=True):
                    numba.set_num_threads(inside)
                    begin = time.perf_counter()
                    step()
                    taken.append(time.perf_counter() - begin)
    finally:
        numba.set_num_threads(threads)
    return [count / statistics.median(taken[1:]) for taken in seconds]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m verify.image_threads", description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[32, 64, 128, 256])
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    rows = [
        [f"{side}²", *(f"{value:.1f}" for value in images_per_second(side, options.images, options.rounds))]
        for side in options.sides
    ]
    threads = numba.get_num_threads()
    columns = ["image", "in turn, 1 thread", f"in turn, {threads} threads", f"at once, {threads} threads"]
    print_table(f"images per second ({numba.threading_layer()})", columns, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
