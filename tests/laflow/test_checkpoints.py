"""A run that was interrupted ends, bit for bit, where it would have ended; no damage to a file goes unnoticed."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laflow import (
    CheckpointError,
    Checkpoints,
    FileError,
    GridGraph,
    LabelingProblem,
    ValueRangeError,
    learn_weights,
    train_predictor,
)
from laflow.checkpoint import (
    Keeper,
    State,
    digest,
    random_state,
    read_checkpoint,
    restore_random_state,
    write_checkpoint,
)
from laflow.scenes import voronoi_lines
from tests.laflow.problems import as_sparse, make_case
from tests.laflow.test_model_files import rewrite, with_metadata

STEPS = 4


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """The problems are tiny; that results do not depend on threads is tested elsewhere."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


class Stopped(Exception):
    """Raised in a run that is to end at once, without a chance to write anything."""


def stop_at(step, error=Stopped):
    def callback(seen):
        if seen.step == step:
            raise error

    return callback


def small_problem(kind="grid"):
    case = make_case((5, 6), 3, time=2.0, seed=3)
    if kind == "grid":
        return case.problem, case.weights, case.truth
    if kind == "single":
        graph = GridGraph(case.graph.shape, precision="single")
        return LabelingProblem(case.distances, graph), case.weights, case.truth
    graph, edges = as_sparse(case.graph, case.weights)
    return LabelingProblem(case.distances.reshape(-1, 3), graph), edges, case.truth.ravel()


def learn(kind="grid", optimizer="riemannian", **options):
    problem, weights, truth = small_problem(kind)
    given = {"weights": weights, "time": 2.0, "steps": STEPS, "krylov_dim": 5, "rank": 2, "regularization": 1e-3}
    return learn_weights(problem, truth, **{**given, "optimizer": optimizer, **options})


def assert_same(found, wanted):
    assert found.history == wanted.history
    assert found.best_step == wanted.best_step
    np.testing.assert_array_equal(found.weights, wanted.weights)
    np.testing.assert_array_equal(found.solution.tangent, wanted.solution.tangent)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@cache
def learn_at_once(kind, optimizer, size):
    return learn(kind, optimizer, step_size=size)


@given(
    st.integers(0, STEPS),
    st.integers(0, STEPS),
    st.sampled_from(["riemannian", "adam", "adamax"]),
    st.sampled_from(["grid", "graph"]),
    # Short steps improve throughout; steps far too long leave the best weights behind.
    st.sampled_from([None, 40.0]),
    st.sampled_from([Stopped, KeyboardInterrupt]),
)
def test_weights_learned_in_three_sittings_are_those_of_one(
    tmp_path_factory, first, second, optimizer, kind, size, error
):
    path = tmp_path_factory.mktemp("run") / "run.npz"
    whole = learn_at_once(kind, optimizer, size)
    resume = False
    for step in (first, max(first, second)):
        kept = Checkpoints(path, every_steps=1, resume=resume)
        with pytest.raises(error):
            learn(kind, optimizer, step_size=size, checkpoints=kept, callback=stop_at(step, error))
        resume = True
    assert_same(learn(kind, optimizer, step_size=size, checkpoints=Checkpoints(path, resume=True)), whole)


def test_single_precision_is_resumed_in_single_precision(tmp_path):
    path = tmp_path / "run.npz"
    with pytest.raises(Stopped):
        learn("single", "adam", checkpoints=Checkpoints(path, every_steps=1), callback=stop_at(2))
    found = learn("single", "adam", checkpoints=Checkpoints(path, resume=True))
    assert_same(found, learn("single", "adam"))
    assert found.weights.dtype == np.float32
    with pytest.raises(CheckpointError, match="its problem is"):
        learn("grid", "adam", checkpoints=Checkpoints(path, resume=True))


@pytest.mark.parametrize("optimizer", ["riemannian", "adam"])
def test_a_run_that_has_ended_gives_its_result_again_or_takes_more_steps(tmp_path, optimizer):
    path = tmp_path / "run.npz"
    ended = learn(optimizer=optimizer, steps=2, checkpoints=Checkpoints(path))
    again = Checkpoints(path, resume=True)
    assert_same(learn(optimizer=optimizer, steps=2, checkpoints=again), ended)
    assert_same(learn(optimizer=optimizer, steps=STEPS, checkpoints=again), learn(optimizer=optimizer, steps=STEPS))
    with pytest.raises(CheckpointError, match="before step 4, but steps is 3: give at least 4"):
        learn(optimizer=optimizer, steps=3, checkpoints=again)


def test_checkpoints_change_no_result_and_a_resumed_run_shows_only_its_own_steps(tmp_path):
    path, seen = tmp_path / "run.npz", []
    with pytest.raises(Stopped):
        learn(checkpoints=Checkpoints(path, every_steps=1), callback=stop_at(2))
    found = learn(checkpoints=Checkpoints(path, resume=True), callback=seen.append)
    assert [entry.step for entry in seen] == [2, 3, 4]
    assert_same(found, learn())


def test_an_interruption_keeps_everything_and_says_how_to_go_on(tmp_path):
    path = tmp_path / "run.npz"
    rare = Checkpoints(path, every_steps=1000, every_seconds=1e6)
    with pytest.raises(KeyboardInterrupt, match=r"end of step 3: all before it is kept in .*run\.npz; resume"):
        learn(checkpoints=rare, callback=stop_at(3, KeyboardInterrupt))
    assert read_checkpoint(path)[0].numbers["step"] == 3


def test_another_error_leaves_the_last_checkpoint_alone(tmp_path):
    path = tmp_path / "run.npz"
    with pytest.raises(Stopped):
        learn(checkpoints=Checkpoints(path, every_steps=2), callback=stop_at(3))
    assert read_checkpoint(path)[0].numbers["step"] == 2


def killed_in_its_fourth_step(run, path, cwd):
    """Start a run of this file in a process of its own, and kill it where it waits, in its fourth step."""
    program = (
        f"import sys, time; from laflow import Checkpoints; from tests.laflow.test_checkpoints import {run}\n"
        "def wait(seen):\n"
        "    if seen.step == 3: print('fourth step', flush=True); time.sleep(600)\n"
        f"{run}(checkpoints=Checkpoints(sys.argv[1], every_steps=1), callback=wait)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        cwd=cwd,
        env={**os.environ, "NUMBA_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline().strip() == "fourth step"
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    finally:
        process.kill()
        process.stdout.close()


def test_a_killed_process_loses_no_finished_step(tmp_path):
    path = tmp_path / "run.npz"
    killed_in_its_fourth_step("learn", path, Path(__file__).parents[2])
    assert read_checkpoint(path)[0].numbers["step"] == 3
    seen = []
    found = learn(checkpoints=Checkpoints(path, resume=True), callback=seen.append)
    assert [entry.step for entry in seen] == [3, 4]
    assert_same(found, learn())


# --- training -----------------------------------------------------------------------------------------------------


def train(**options):
    rng = np.random.default_rng(5)
    scenes = [voronoi_lines(shape, rng, 0.3) for shape in ((12, 16), (16, 12), (12, 12))]
    given = {"prototypes": 6, "steps": STEPS, "validate_every": 2, "rng": np.random.default_rng(1), **options}
    return train_predictor([scene.image for scene in scenes], [scene.truth for scene in scenes], **given)


def assert_same_predictor(found, wanted):
    assert found.history == wanted.history
    for name in ("best_step", "validation_percent", "uniform_percent", "used_uniform"):
        assert getattr(found, name) == getattr(wanted, name)
    for name in ("prototypes", "directions", "scale"):
        np.testing.assert_array_equal(getattr(found.predictor, name), getattr(wanted.predictor, name))


@given(
    st.integers(0, STEPS),
    st.integers(0, STEPS),
    st.booleans(),
    st.sampled_from([np.random.PCG64, np.random.MT19937]),
    st.sampled_from([Stopped, KeyboardInterrupt]),
)
def test_a_predictor_trained_in_three_sittings_is_that_of_one(tmp_path_factory, first, second, augment, kind, error):
    path = tmp_path_factory.mktemp("run") / "run.npz"

    def run(**options):
        return train(augment=augment, rng=np.random.Generator(kind(7)), **options)

    whole = run()
    resume = False
    for step in (first, max(first, second)):
        kept = Checkpoints(path, every_steps=1, resume=resume)
        with pytest.raises(error):
            run(checkpoints=kept, callback=stop_at(step, error))
        resume = True
    assert_same_predictor(run(checkpoints=Checkpoints(path, resume=True)), whole)
    assert_same_predictor(run(checkpoints=Checkpoints(path, resume=True)), whole)


def test_a_resumed_generator_ends_where_an_uninterrupted_one_does(tmp_path):
    path, rngs = tmp_path / "run.npz", [np.random.default_rng(1) for _ in range(3)]
    train(rng=rngs[0])
    with pytest.raises(Stopped):
        train(rng=rngs[1], checkpoints=Checkpoints(path, every_steps=1), callback=stop_at(2))
    train(rng=rngs[2], checkpoints=Checkpoints(path, resume=True))
    assert rngs[2].random() == rngs[0].random()


def test_killed_training_loses_no_finished_step(tmp_path):
    path = tmp_path / "run.npz"
    killed_in_its_fourth_step("train", path, Path(__file__).parents[2])
    assert read_checkpoint(path)[0].numbers["step"] == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.npz"]
    assert_same_predictor(train(checkpoints=Checkpoints(path, resume=True)), train())


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"steps": 5}, "its steps is 4, here it is 5"),
        ({"step_size": 0.2}, "its step_size is 0.3, here it is 0.2"),
        ({"augment": False}, "its augment is True, here it is False"),
        ({"prototypes": 7}, "its prototypes is 6, here it is 7"),
        ({"radius": 2}, "its radius is 1, here it is 2"),
        ({"validation_fraction": 0.6}, "its data is '"),
        ({"rng": np.random.default_rng(2)}, "its rng is '"),
    ],
)
def test_a_checkpoint_of_other_training_is_refused(tmp_path, options, found):
    path = tmp_path / "run.npz"
    with pytest.raises(Stopped):
        train(checkpoints=Checkpoints(path), callback=stop_at(0))
    before = contents(tmp_path)
    with pytest.raises(CheckpointError, match=re.escape(found)):
        train(**options, checkpoints=Checkpoints(path, resume=True))
    assert contents(tmp_path) == before


def test_a_checkpoint_of_another_kind_of_run_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    learn(steps=1, checkpoints=Checkpoints(path))
    with pytest.raises(CheckpointError, match="its run is 'learn_weights', here it is 'train_predictor'"):
        train(checkpoints=Checkpoints(path, resume=True))


# --- when a state is written --------------------------------------------------------------------------------------


def steps_written(monkeypatch, checkpoints, times):
    """The steps whose state is written by a run that reaches step k at the time `times[k]`."""
    clock, written = [0.0], []
    monkeypatch.setattr("laflow.checkpoint.monotonic", lambda: clock[0])
    monkeypatch.setattr("laflow.checkpoint.write_checkpoint", lambda _path, state, _identity: written.append(state))
    with Keeper(checkpoints, "test", dict) as keeper:
        for step, now in enumerate(times):
            clock[0] = now
            keeper.reached(step, lambda step=step: step)
    return written


def test_states_are_written_at_the_beginning_when_due_and_at_the_end(monkeypatch, tmp_path):
    path = tmp_path / "run.npz"
    times = [0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 24.0, 28.0]
    for given_steps, given_seconds, wanted in [
        (3, None, [0, 3, 6, 7]),
        (None, 10.0, [0, 3, 6, 7]),
        (None, 8.0, [0, 2, 4, 6, 7]),
        (5, 1e9, [0, 5, 7]),
        (1000, 1e9, [0, 7]),
        (7, 1e9, [0, 7]),  # due at the end: once
    ]:
        checkpoints = Checkpoints(path, every_steps=given_steps, every_seconds=given_seconds)
        assert steps_written(monkeypatch, checkpoints, times) == wanted
    assert steps_written(monkeypatch, None, times) == []
    assert Checkpoints(path).every_seconds == 60.0


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"every_steps": 0}, "every_steps is 0"),
        ({"every_steps": 1.5}, "every_steps is 1.5"),
        ({"every_seconds": 0.0}, "every_seconds is 0.0"),
        ({"every_seconds": float("nan")}, "every_seconds is nan"),
        ({"every_seconds": None}, "both None"),
    ],
)
def test_wrong_intervals_are_refused(options, found):
    with pytest.raises(ValueRangeError, match=re.escape(found)):
        Checkpoints("run.npz", **options)


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path):
    path = tmp_path / "run.npz"
    with pytest.raises(Stopped):
        learn(optimizer="adam", checkpoints=Checkpoints(path, every_steps=1), callback=stop_at(2))
    return path


def resumed(path, **options):
    return learn(**{"optimizer": "adam", **options}, checkpoints=Checkpoints(path, resume=True))


def test_a_checkpoint_that_is_not_there_or_would_be_lost_is_refused(kept):
    before = contents(kept.parent)
    with pytest.raises(CheckpointError, match=r"no checkpoint .*other\.npz: .*without resuming"):
        resumed(kept.with_name("other.npz"))
    with pytest.raises(CheckpointError, match=r"there is a checkpoint .*run\.npz already: resume from it, remove it"):
        learn(checkpoints=Checkpoints(kept))
    with pytest.raises(FileError, match=r"it is a folder; name a file"):
        learn(checkpoints=Checkpoints(kept.parent))
    with pytest.raises(CheckpointError, match="cannot read"):
        learn(checkpoints=Checkpoints(kept.parent, resume=True))
    assert contents(kept.parent) == before


def test_a_folder_that_is_missing_is_told_before_the_first_step(tmp_path):
    seen = []
    with pytest.raises(FileError, match="no such folder; make it"):
        learn(checkpoints=Checkpoints(tmp_path / "nowhere" / "run.npz"), callback=seen.append)
    assert seen == []


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"optimizer": "adamax"}, "its optimizer is 'adam', here it is 'adamax'"),
        ({"step_size": 0.25}, "its step_size is 0.2, here it is 0.25"),
        ({"time": 2.5}, "its time is 2.0, here it is 2.5"),
        ({"krylov_dim": 6}, "its krylov_dim is 5, here it is 6"),
        ({"rank": 3}, "its rank is 2, here it is 3"),
        ({"regularization": 0.0}, "its regularization is 0.001, here it is 0.0"),
        ({"method": "factored"}, "its method is 'low-rank', here it is 'factored'"),
        ({"weights": None}, "its problem is '"),
        ({"kind": "graph"}, "its problem is '"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(kept, options, found):
    before = contents(kept.parent)
    with pytest.raises(CheckpointError, match=re.escape(found) + r".*resume with what it was begun with"):
        resumed(kept, **options)
    assert contents(kept.parent) == before


def test_a_checkpoint_of_other_data_another_version_or_another_kind_of_run_is_refused(kept, monkeypatch):
    problem, weights, truth = small_problem()
    others = [
        (problem, np.where(truth == 0, 1, truth)),
        (replace_likelihood(problem, 0, 1e-9), truth),
    ]
    for other, labels in others:
        with pytest.raises(CheckpointError, match="its problem is"):
            learn_weights(
                other,
                labels,
                weights=weights,
                time=2.0,
                steps=STEPS,
                krylov_dim=5,
                rank=2,
                regularization=1e-3,
                optimizer="adam",
                checkpoints=Checkpoints(kept, resume=True),
            )
    monkeypatch.setattr("laflow.checkpoint.__version__", "9.9")
    with pytest.raises(CheckpointError, match=r"its laflow is '.*', here it is '9\.9'"):
        resumed(kept)


def replace_likelihood(problem, label, change):
    """The same problem with one entry of the likelihood changed by very little."""
    other = LabelingProblem(np.ones((*problem.graph.shape, problem.labels)))
    likelihood = problem.log_likelihood.copy()
    problem.graph.interior(likelihood)[label, 2, 3] += change
    object.__setattr__(other, "log_likelihood", likelihood)
    return other


def test_a_file_cut_short_anywhere_is_refused_and_left_as_it_is(kept):
    whole = kept.read_bytes()
    for length in [*range(0, len(whole), 97), len(whole) - 1]:
        kept.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"run\.npz"):
            read_checkpoint(kept)
    with pytest.raises(CheckpointError, match="damaged, truncated or of another kind"):
        resumed(kept)
    assert contents(kept.parent) == {"run.npz": whole[:-1]}


@given(st.integers(0, 10**9), st.integers(1, 255))
def test_a_damaged_byte_is_noticed_or_changes_nothing(tmp_path_factory, position, change):
    path = tmp_path_factory.mktemp("damaged") / "run.npz"
    state = State({"step": 3}, {"weights": np.arange(12.0).reshape(3, 4)})
    write_checkpoint(path, state, {"run": "test"})
    damaged = bytearray(path.read_bytes())
    damaged[position % len(damaged)] ^= change
    path.write_bytes(damaged)
    try:
        found, identity = read_checkpoint(path)
    except CheckpointError:
        return
    assert (found.numbers, identity) == (state.numbers, {"run": "test"})
    np.testing.assert_array_equal(found.arrays["weights"], state.arrays["weights"])


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x80\x04N.", b"PK\x03\x04"])
def test_a_foreign_file_is_refused(tmp_path, content):
    path = tmp_path / "run.npz"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot read"):
        read_checkpoint(path)


def test_other_arrays_and_objects_are_refused_without_being_run(tmp_path):
    path = tmp_path / "run.npz"
    with open(path, "wb") as stream:
        np.save(stream, np.ones(3))
    with pytest.raises(CheckpointError, match="no checkpoint"):
        read_checkpoint(path)
    np.savez(path, weights=np.ones(3))
    with pytest.raises(CheckpointError, match="no checkpoint"):
        read_checkpoint(path)
    np.savez(path, metadata=np.array([{"format": "laflow checkpoint"}], dtype=object))
    with pytest.raises(CheckpointError, match="cannot read"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"format": "laflow labeling model"}, "'laflow labeling model' of version 1"),
        ({"version": 2}, "of version 2"),
        ({"identity": None}, "of what run"),
        ({"numbers": [1]}, "of what run"),
        ({"numbers": {}}, "step is None"),
        ({"numbers": {"step": -1}}, "step is -1"),
        ({"numbers": {"step": True}}, "step is True"),
        ({"numbers": {"step": 2, "count": 0, "best_step": 0}}, "count is 0"),
        ({"numbers": {"step": 2, "count": 2, "best_step": 2}}, "best_step is 2"),
        ({"numbers": {"step": 1, "count": 1, "best_step": 0}}, "history should be finite float64 of shape (1, 3)"),
    ],
)
def test_wrong_numbers_in_a_file_are_refused(kept, changes, found):
    with_metadata(kept, **changes)
    with pytest.raises(CheckpointError, match=re.escape(found)):
        resumed(kept)


@pytest.mark.parametrize("name", ["weights", "history", "best_weights", "first", "second"])
@pytest.mark.parametrize("change", ["missing", "shape", "type", "infinite"])
def test_wrong_arrays_in_a_file_are_refused(kept, name, change):
    with np.load(kept) as archive:
        array = archive[name]
    wrong = {
        "missing": None,
        "shape": array[:-1],
        "type": array.astype(np.float32),
        "infinite": np.full_like(array, np.inf),
    }
    rewrite(kept, **{name: wrong[change]})
    with pytest.raises(CheckpointError, match=rf"checkpoint's {name} should be finite float64"):
        resumed(kept)


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failed_write_ends_the_run_and_keeps_the_good_checkpoint(kept, monkeypatch, failing):
    before = contents(kept.parent)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, failing, full)
    with pytest.raises(FileError, match=r"run\.npz.*the disk is full"):
        resumed(kept)
    assert contents(kept.parent) == before


def test_a_second_interruption_while_the_last_state_is_written_keeps_the_good_checkpoint(kept, monkeypatch):
    before = contents(kept.parent)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        resumed(kept)
    assert contents(kept.parent) == before


# --- parts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64]
)
def test_a_random_state_survives_json(kind):
    rng, other = np.random.Generator(kind(1)), np.random.Generator(kind(2))
    rng.random(7)
    rng.integers(0, 2**31, 3, dtype=np.uint32)  # half a word is kept back
    restore_random_state(other, json.loads(json.dumps(random_state(rng))))
    np.testing.assert_array_equal(
        other.integers(0, 2**31, 9, dtype=np.uint32), rng.integers(0, 2**31, 9, dtype=np.uint32)
    )
    np.testing.assert_array_equal(other.random(50), rng.random(50))


def test_digests_differ_where_anything_differs():
    base = np.arange(6.0).reshape(2, 3)
    parts = [(base,), (base.T,), (base.reshape(3, 2),), (base.astype(np.float32),), (base, base), ("a", "b"), ("ab",)]
    parts += [(base + np.eye(2, 3) * 1e-15,), ("a", base), (base, "a"), ()]
    assert len({digest(*part) for part in parts}) == len(parts)
    assert digest(base) == digest(np.asfortranarray(base))


def test_numbers_that_are_not_finite_come_back_where_they_may_be_and_are_told_of_where_not(tmp_path):
    write_checkpoint(tmp_path / "run.npz", State({"loss": float("nan")}, {"losses": np.array([1.0, np.inf])}), {})
    state, _ = read_checkpoint(tmp_path / "run.npz")
    assert np.isnan(state.number("loss", finite=False))
    np.testing.assert_array_equal(state.array("losses", (2,), finite=False), [1.0, np.inf])
    with pytest.raises(CheckpointError, match="loss is nan, no finite number"):
        state.number("loss")
    with pytest.raises(CheckpointError, match=r"float64 of shape \(2,\), but .* with entries that are not finite"):
        state.array("losses", (2,))
