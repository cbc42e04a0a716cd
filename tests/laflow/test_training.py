"""A step does no work twice, memory does not grow, and neither threads nor their number change a single bit."""

import gc
import threading
import time
import tracemalloc
from collections import Counter

import numba
import numpy as np
import pytest

from laflow import LabelingProblem, distances_to_colors, learn_weights, train_predictor
from laflow.assignment.gradient import GradientOptions, gradient_workspace, packed_loss_gradient
from laflow.assignment.training import TrainedPredictor
from laflow.errors import ValueRangeError
from laflow.graph import _Graph
from laflow.parallel import spread_over_threads
from laflow.scenes import voronoi_lines

THREADS = numba.get_num_threads()


@pytest.fixture
def threads():
    """Sets the number of threads for one test."""
    yield numba.set_num_threads
    numba.set_num_threads(THREADS)


def scenes(*shapes):
    rng = np.random.default_rng(5)
    return [voronoi_lines(shape, rng, 0.3) for shape in shapes]


SHAPES = ((20, 24), (24, 20), (16, 16), (20, 24), (12, 30))


def train(shapes=SHAPES, **options):
    found = scenes(*shapes)
    given = {"label_prototypes": found[0].prototypes, "prototypes": 8, "steps": 3, "validate_every": 2, **options}
    images, truths = [scene.image for scene in found], [scene.truth for scene in found]
    return train_predictor(images, truths, rng=np.random.default_rng(1), **given)


def assert_same(found: TrainedPredictor, wanted: TrainedPredictor):
    assert found.history == wanted.history
    assert (found.best_step, found.validation_percent) == (wanted.best_step, wanted.validation_percent)
    for name in ("prototypes", "directions", "scale"):
        np.testing.assert_array_equal(getattr(found.predictor, name), getattr(wanted.predictor, name))


# --- work -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def runs(monkeypatch):
    """Counts the runs of every kernel."""
    counted, run = Counter(), _Graph.run

    def counting(graph, kernel, inputs, outputs, strip=None):
        counted[kernel.__name__.rpartition(".")[2]] += 1
        run(graph, kernel, inputs, outputs, strip)

    monkeypatch.setattr(_Graph, "run", counting)
    return counted


def taken(counted):
    """What was counted since the last time."""
    found = Counter(counted)
    counted.clear()
    return found


@pytest.mark.parametrize("optimizer", ["riemannian", "adam"])
def test_a_learning_step_costs_one_gradient_and_the_move(runs, optimizer):
    (scene,) = scenes((24, 20))
    problem = LabelingProblem(distances_to_colors(scene.image, scene.prototypes))
    options = GradientOptions(2.0, "low-rank", 5, 2)
    workspace, uniform = gradient_workspace(problem, options), problem.graph.packed_uniform_weights()
    taken(runs)
    gradient = packed_loss_gradient(problem, uniform, scene.truth, options, workspace)
    one = taken(runs)
    assert one["similarity"] == 1
    assert one["linear_map"] + one["linear_map_adjoint"] == gradient.matvecs

    steps = []
    learn_weights(
        problem,
        scene.truth,
        time=2.0,
        krylov_dim=5,
        rank=2,
        steps=4,
        optimizer=optimizer,
        callback=lambda _: steps.append(taken(runs)),
    )
    move = Counter(["exponential_step"] + ["riemannian_gradient"] * (optimizer == "adam"))
    # Loss, labels and gradient come of one forward and one adjoint solve; a callback sees the move before it.
    assert steps[0] == one
    assert steps[1:] == [one + move] * 4
    assert not runs  # nothing after the last step


def test_a_training_step_computes_nothing_of_an_image_twice(runs):
    steps = []
    train(augment=True, validate_every=1000, steps=3, callback=lambda _: steps.append(taken(runs)))
    images, held_out = 4, 1
    kinds = ("predicted_weights", "similarity", "low_rank_gradient", "predictor_adjoint")
    for step, counted in enumerate(steps[1:], start=1):
        measured = held_out if step == 3 else 0
        wanted = [images + measured, images + measured, images, images]
        assert [counted[kind] for kind in kinds] == wanted
        assert counted["log_likelihood"] == 0
    assert steps[0]["log_likelihood"] == images + held_out
    assert not runs  # and no step that is not used


# --- memory ---------------------------------------------------------------------------------------------------------

# A step of history is five small Python numbers. Python keeps freed tuples in lists of its own, of bounded length,
# which fill up over the first steps. An array of one channel of these problems has 11 KiB, most have 20 to 200 KiB.
SMALL_OBJECTS = 8 * 1024


@pytest.fixture
def one_thread(threads):
    """Peaks that do not depend on what happens at the same time."""
    threads(1)


def memory_of(run):
    """Of every step of `run`, which is given the callback that measures: peak memory, and all arrays at its end."""
    peaks, arrays = [], []
    of_arrays = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)

    def measure(_seen):
        peaks.append(tracemalloc.get_traced_memory()[1])
        traces = tracemalloc.take_snapshot().filter_traces([of_arrays]).traces
        arrays.append(sum(trace.size for trace in traces))
        tracemalloc.reset_peak()

    gc.disable()  # what only the collector would free counts as kept
    tracemalloc.start()
    try:
        run(measure)
    finally:
        tracemalloc.stop()
        gc.enable()
    return peaks, arrays


def assert_flat(memory):
    peaks, arrays = memory
    assert len(peaks) == 31
    # The best weights met, and their flow, are other arrays than those in work from the second step on.
    assert max(arrays[4:]) <= arrays[3] + 1024
    assert max(peaks[4:]) <= peaks[3] + (len(peaks) - 4) * SMALL_OBJECTS


@pytest.mark.parametrize("optimizer", ["riemannian", "adam", "adamax"])
def test_the_memory_of_learning_does_not_grow_with_the_steps(one_thread, optimizer):
    (scene,) = scenes((40, 40))
    problem = LabelingProblem(distances_to_colors(scene.image, scene.prototypes))
    options = {"time": 2.0, "krylov_dim": 4, "rank": 2, "steps": 30, "optimizer": optimizer}
    learn_weights(problem, scene.truth, **options)  # what is loaded once
    assert_flat(memory_of(lambda measure: learn_weights(problem, scene.truth, **options, callback=measure)))


def test_the_memory_of_training_does_not_grow_with_the_steps(one_thread):
    options = {"shapes": ((32, 40), (40, 32), (24, 24)), "patience": 100, "workers": 1}
    train(**options)
    assert_flat(memory_of(lambda measure: train(**options, steps=30, callback=measure)))


def test_more_images_need_no_more_large_arrays(one_thread):
    """Between 3 and 9 images of a size, only what is kept of every image differs: itself, its truth, its problem."""

    def peak(images, step):
        return memory_of(lambda measure: train([(48, 48)] * images, workers=1, steps=2, callback=measure))[0][step]

    peak(3, 0)
    pixels = 48 * 48
    # What the caller keeps of a scene (image, clean image, truth), and L of two labels with its halo.
    kept = 8 * pixels * 3 + 8 * 50 * 50 * 2
    assert peak(9, 1) - peak(3, 1) <= 6 * 1.2 * kept
    # The arrays of one image in work, F = 9, K = 8, |N| = 9 fields and the gradient's, are far more.
    assert 8 * pixels * (9 + 8 + 9) > 5 * kept


# --- threads --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 3, None])
@pytest.mark.parametrize("count", [1, 2])
def test_neither_workers_nor_threads_change_a_bit(threads, workers, count):
    if count > THREADS:
        pytest.skip("this machine has one thread")
    wanted = train(workers=1)
    threads(count)
    assert_same(train(workers=workers), wanted)


def test_workers_are_whole_numbers_from_one():
    with pytest.raises(ValueRangeError, match="workers is 0"):
        train(workers=0)


needs_two = pytest.mark.skipif(THREADS < 2, reason="this machine has one thread")


@needs_two
def test_images_are_worked_on_side_by_side_each_with_its_share_of_the_threads(monkeypatch):
    monkeypatch.setattr(numba, "threading_layer", lambda: "omp")
    together = threading.Barrier(2, timeout=60)

    def work(item):
        together.wait()  # ends only if two items are worked on at once
        return item, numba.get_num_threads(), threading.current_thread() is threading.main_thread()

    with spread_over_threads(2) as spread:
        assert spread(work, range(4)) == [(item, THREADS // 2, False) for item in range(4)]
    assert numba.get_num_threads() == THREADS


@needs_two
@pytest.mark.parametrize(("layer", "most"), [("workqueue", 8), ("omp", 1)])
def test_a_pool_that_takes_no_calls_from_several_threads_gets_none(monkeypatch, layer, most):
    monkeypatch.setattr(numba, "threading_layer", lambda: layer)
    with spread_over_threads(most) as spread:
        seen = spread(lambda item: (item, threading.current_thread(), numba.get_num_threads()), range(3))
    assert seen == [(item, threading.main_thread(), THREADS) for item in range(3)]


@needs_two
def test_an_error_in_one_image_ends_the_work(monkeypatch):
    monkeypatch.setattr(numba, "threading_layer", lambda: "omp")
    begun = []

    def work(item):
        begun.append(item)
        if item == 0:
            raise ValueRangeError("no")
        time.sleep(0.05)

    with pytest.raises(ValueRangeError, match="no"), spread_over_threads(2) as spread:
        spread(work, range(100))
    assert len(begun) < 20


def test_threads_change_no_bit_of_learned_weights(threads):
    (scene,) = scenes((40, 33))
    problem = LabelingProblem(distances_to_colors(scene.image, scene.prototypes))
    found = []
    for count in sorted({1, THREADS}):
        threads(count)
        found.append(learn_weights(problem, scene.truth, steps=4, optimizer="adam"))
    np.testing.assert_array_equal(found[0].weights, found[-1].weights)
    assert found[0].history == found[-1].history


def test_a_workspace_left_over_from_other_weights_changes_no_bit():
    (scene,) = scenes((24, 20))
    problem = LabelingProblem(distances_to_colors(scene.image, scene.prototypes))
    options = GradientOptions(2.0, "low-rank", 5, 2)
    workspace = gradient_workspace(problem, options)
    weights = learn_weights(problem, scene.truth, steps=1, time=2.0).packed_weights
    for given in (weights, problem.graph.packed_uniform_weights(), weights):
        fresh = packed_loss_gradient(problem, given, scene.truth, options)
        reused = packed_loss_gradient(problem, given, scene.truth, options, workspace)
        np.testing.assert_array_equal(reused.packed_gradient, fresh.packed_gradient)
