"""What a run keeps of itself, when, what it refuses, and that it goes on bit for bit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from laflow.errors import CheckpointError, FileError, ValueRangeError
from verify.battery.problems import instances, problem_of, public, raised, refuses, same, truth_of
from verify.battery.training import COLORS, scene

STEPS = 3


@contextmanager
def _path() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder) / "run.npz"


def _learn(package: Any, optimizer: str = "riemannian", name: str = "plane", **options: Any) -> Any:
    instance = instances()[name]
    given = {"weights": public(instance, instance.weights), "time": 1.5, "steps": STEPS, "krylov_dim": 4, "rank": 2}
    return package.learning.learn_weights(
        problem_of(package, instance), truth_of(instance), **{**given, "optimizer": optimizer, **options}
    )


def _train(package: Any, **options: Any) -> Any:
    scenes = [scene((5, 6), 1), scene((6, 4), 2), scene((5, 4), 4)]
    given: dict[str, Any] = {
        "validation_fraction": 0.3,
        "prototypes": 5,
        "steps": STEPS,
        "time": 1.5,
        "krylov_dim": 4,
        "rank": 2,
        "validate_every": 2,
        "rng": np.random.default_rng(3),
    }
    return package.training.train_predictor(
        [image for image, _, _ in scenes], [truth for _, truth, _ in scenes], **{**given, **options}
    )


def _stop(step: int) -> Callable[[Any], None]:
    def callback(seen: Any) -> None:
        if seen.step == step:
            raise KeyboardInterrupt

    return callback


def _sittings(package: Any, run: Callable[..., Any], step: int) -> Any:
    """The run, interrupted in `step`, gone on with, interrupted in its first step, and gone on with to the end."""
    kept = package.checkpoint.Checkpoints
    with _path() as path:
        rare = {"every_steps": 1000}
        for resume in (False, True):
            stopped = {"checkpoints": kept(path, resume=resume, **rare), "callback": _stop(step)}
            error = raised(partial(run, package, **stopped))
            assert isinstance(error, KeyboardInterrupt)
            assert f"end of step {step}:" in str(error)
            assert str(path) in str(error)
            found, _ = package.checkpoint.read_checkpoint(path)
            assert found.numbers["step"] == step
        seen: list[Any] = []
        end = run(package, checkpoints=kept(path, resume=True, **rare), callback=seen.append)
        assert [item.step for item in seen] == list(range(step, STEPS + 1))
        return end


def _same_weights(found: Any, wanted: Any) -> None:
    assert found.history == wanted.history
    assert found.best_step == wanted.best_step
    same(found.weights, wanted.weights)
    same(found.solution.tangent, wanted.solution.tangent)


def _same_predictor(found: Any, wanted: Any) -> None:
    assert found.history == wanted.history
    for name in ("best_step", "validation_percent", "uniform_percent", "used_uniform"):
        assert getattr(found, name) == getattr(wanted, name)
    for name in ("prototypes", "directions", "scale"):
        same(getattr(found.predictor, name), getattr(wanted.predictor, name))


def check_resumed_learning(package: Any) -> None:
    for optimizer, name, size in (("riemannian", "graph", None), ("adam", "plane", None), ("adamax", "graph", 30.0)):

        def run(package: Any, given: Any = (optimizer, name, size), **options: Any) -> Any:
            return _learn(package, given[0], given[1], step_size=given[2], **options)

        wanted = run(package)
        for step in range(STEPS + 1):
            _same_weights(_sittings(package, run, step), wanted)


def check_learning_takes_more_steps(package: Any) -> None:
    """The best weights may be those of an earlier sitting; fewer steps than were taken are refused."""
    kept = package.checkpoint.Checkpoints
    for size in (1.0, 60.0):
        with _path() as path:
            _same_weights(
                _learn(package, steps=1, step_size=size, checkpoints=kept(path)),
                _learn(package, steps=1, step_size=size),
            )
            resumed = _learn(package, steps=STEPS, step_size=size, checkpoints=kept(path, resume=True))
            _same_weights(resumed, _learn(package, steps=STEPS, step_size=size))
            refuses(
                CheckpointError,
                r"before step 3, but steps is 2: give at least 3",
                partial(_learn, package, steps=2, step_size=size, checkpoints=kept(path, resume=True)),
            )


def check_resumed_training(package: Any) -> None:
    wanted = _train(package)
    for step in range(STEPS + 1):
        _same_predictor(_sittings(package, _train, step), wanted)
    # Validation that gets stale before and after the interruption.
    stale = {"validate_every": 1, "patience": 1, "augment": False, "step_size": 40.0, "steps": 9}
    wanted = _train(package, **stale)
    last = len(wanted.history) - 1
    assert 1 < last < 9
    for step in (1, last):
        with _path() as path:
            kept = package.checkpoint.Checkpoints
            begun = partial(_train, package, checkpoints=kept(path), callback=_stop(step), **stale)
            assert isinstance(raised(begun), KeyboardInterrupt)
            _same_predictor(_train(package, checkpoints=kept(path, resume=True), **stale), wanted)


def _failing_run(module: Any, checkpoints: Any, error: type[BaseException]) -> None:
    with module.Keeper(checkpoints, "test", dict) as keeper:
        for step in range(2):
            keeper.reached(step, partial(int, step))
        raise error


def check_when_states_are_written(package: Any) -> None:
    module = package.checkpoint
    true = module.monotonic, module.write_checkpoint
    clock, written = [0.0], list[Any]()
    module.monotonic = lambda: clock[0]
    module.write_checkpoint = lambda path, state, identity: written.append((path, state, identity["run"]))
    try:
        for steps, seconds, wanted in (
            (3, None, [0, 3, 6, 7]),
            (None, 10.0, [0, 3, 6, 7]),
            (None, 8.0, [0, 2, 4, 6, 7]),
            (5, 1e9, [0, 5, 7]),
            (1000, 9.0, [0, 3, 6, 7]),
            (7, 1e9, [0, 7]),
        ):
            checkpoints = module.Checkpoints("no such folder/run.npz", every_steps=steps, every_seconds=seconds)
            written.clear()
            with module.Keeper(checkpoints, "test", dict) as keeper:
                for step in range(8):
                    clock[0] = 100.0 + 4.0 * step
                    keeper.reached(step, partial(int, step))
            assert written == [(Path("no such folder/run.npz"), step, "test") for step in wanted]
        written.clear()
        for error, last in ((KeyboardInterrupt, [0, 1]), (ValueError, [0])):
            written.clear()
            assert type(raised(partial(_failing_run, module, checkpoints, error))) is error
            assert [step for _, step, _ in written] == last
        written.clear()
        for given in (None, checkpoints):
            with module.Keeper(given, "test", dict) as keeper:
                assert keeper.begin() is None
                if given is None:
                    keeper.reached(0, lambda: 0)
        assert written == []
    finally:
        module.monotonic, module.write_checkpoint = true
    with _path() as path:
        assert (module.Checkpoints(path).every_seconds, module.Checkpoints(path).resume) == (60.0, False)
        for options, found in (
            ({"every_steps": 0}, "every_steps is 0"),
            ({"every_seconds": 0.0}, "every_seconds is 0.0"),
            ({"every_seconds": None}, "both None"),
        ):
            refuses(ValueRangeError, found, partial(module.Checkpoints, path, **options))
        numbers = module.Checkpoints(path, 2.0, 3)
        assert (type(numbers.every_steps), type(numbers.every_seconds)) == (int, float)


def check_files_of_states(package: Any) -> None:
    module = package.checkpoint
    state = module.State({"step": 3, "name": "é"}, {"a": np.arange(6.0).reshape(2, 3).T, "b": np.arange(3)})
    with _path() as path:
        module.write_checkpoint(path, state, {"run": "test", "size": 0.1})
        found, identity = module.read_checkpoint(path)
        assert (dict(found.numbers), identity) == ({"step": 3, "name": "é"}, {"run": "test", "size": 0.1})
        assert set(found.arrays) == {"a", "b"}
        for name, array in found.arrays.items():
            same(array, state.arrays[name])
            assert array.flags.c_contiguous
        whole = path.read_bytes()
        for length in (0, 1, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:length])
            refuses(CheckpointError, "cannot read .*run", lambda: module.read_checkpoint(path))
        path.unlink()
        refuses(CheckpointError, "no checkpoint .*run.*without resuming", lambda: module.read_checkpoint(path))
        with open(path, "wb") as stream:
            np.save(stream, np.ones(2))
        refuses(CheckpointError, "no checkpoint: give", lambda: module.read_checkpoint(path))
        np.savez(path, a=np.ones(2))
        refuses(CheckpointError, "no checkpoint: give", lambda: module.read_checkpoint(path))
        np.savez(path, metadata=np.array([{"format": module.KIND.format}], dtype=object))
        refuses(CheckpointError, "cannot read", lambda: module.read_checkpoint(path))
        good = {"format": "laflow checkpoint", "version": 1, "identity": {}, "numbers": {}}
        for changes, told in (
            ({"format": "x"}, "holds 'x' of version 1, not 'laflow checkpoint' of version 1"),
            ({"version": 2}, "of version 2, not"),
            ({"identity": []}, "of what run"),
            ({"numbers": None}, "of what run"),
        ):
            np.savez(path, metadata=np.frombuffer(json.dumps({**good, **changes}).encode(), dtype=np.uint8))
            refuses(CheckpointError, told, lambda: module.read_checkpoint(path))
        np.savez(path, metadata=np.frombuffer(b"[1]", dtype=np.uint8))
        refuses(CheckpointError, "holds None of version None", lambda: module.read_checkpoint(path))
        np.savez(path, metadata=np.frombuffer(json.dumps(good).encode(), dtype=np.uint8))
        found, identity = module.read_checkpoint(path)
        assert (found.numbers, dict(found.arrays), identity) == ({}, {}, {})


def check_values_of_states(package: Any) -> None:
    state = package.checkpoint.State(
        {"float": 0.5, "nan": float("nan"), "whole": 3, "true": True, "text": "3", "zero": 0, "negative": -1},
        {"good": np.ones((2, 3)), "single": np.ones((2, 3), np.float32), "infinite": np.full((2, 3), np.inf)},
    )
    same(state.array("good", (2, 3)), np.ones((2, 3)))
    for name, shape in (("good", (3, 2)), ("single", (2, 3)), ("infinite", (2, 3)), ("missing", (2, 3))):
        refuses(CheckpointError, f"{name} should be", partial(state.array, name, shape))
    assert state.number("float") == 0.5
    for name in ("nan", "whole", "text", "missing"):
        refuses(CheckpointError, f"{name} is .*finite", partial(state.number, name))
    assert [state.whole_number("whole", least=3, most=3), state.whole_number("whole", least=0)] == [3, 3]
    assert state.whole_number("negative", least=-1, most=-1) == -1
    for name, least, most in (
        ("whole", 4, None),
        ("whole", 0, 2),
        ("true", 0, None),
        ("text", 0, None),
        ("float", 0, None),
        ("zero", -5, -1),
        ("missing", 0, None),
    ):
        refuses(
            CheckpointError,
            f"{name} is .*whole number from {least}",
            partial(state.whole_number, name, least=least, most=most),
        )


def check_checkpoints_of_other_runs(package: Any) -> None:
    kept = package.checkpoint.Checkpoints
    instance = instances()["plane"]
    wrong_truth = truth_of(instance).copy()
    wrong_truth.flat[0] = (wrong_truth.flat[0] + 1) % 3
    with _path() as path:
        _learn(package, steps=1, checkpoints=kept(path))
        for options, name in (
            ({"optimizer": "adam"}, "its optimizer is 'riemannian', here it is 'adam'"),
            ({"step_size": 0.5}, "its step_size is 1.0, here it is 0.5"),
            ({"time": 1.25}, "its time is 1.5"),
            ({"krylov_dim": 5}, "its krylov_dim is 4"),
            ({"rank": 1}, "its rank is 2"),
            ({"method": "factored"}, "its method is 'low-rank'"),
            ({"regularization": 0.1}, "its regularization is 0.0"),
            ({"weights": None}, "its problem is"),
            ({"name": "space", "weights": None}, "its problem is"),
        ):
            resumed = {"checkpoints": kept(path, resume=True), **options}
            refuses(CheckpointError, name, partial(_learn, package, **resumed))
        refuses(CheckpointError, "already: resume", lambda: _learn(package, checkpoints=kept(path)))
        refuses(
            CheckpointError,
            "its problem is",
            lambda: package.learning.learn_weights(
                problem_of(package, instance),
                wrong_truth,
                weights=public(instance, instance.weights),
                time=1.5,
                steps=STEPS,
                krylov_dim=4,
                rank=2,
                checkpoints=kept(path, resume=True),
            ),
        )
        refuses(
            CheckpointError,
            "its run is 'learn_weights', here it is 'train_predictor'",
            lambda: _train(package, checkpoints=kept(path, resume=True)),
        )
        true, package.checkpoint.__version__ = package.checkpoint.__version__, "9.9"
        try:
            refuses(
                CheckpointError,
                "its laflow is .*, here it is '9.9'",
                lambda: _learn(package, checkpoints=kept(path, resume=True)),
            )
        finally:
            package.checkpoint.__version__ = true
        refuses(FileError, "folder", lambda: _learn(package, checkpoints=kept(path.parent)))
    with _path() as path:
        _train(package, steps=1, checkpoints=kept(path))
        image, truth, _ = scene((5, 6), 1)
        cases: list[tuple[dict[str, Any], str]] = [
            ({"steps": 2}, "its steps is 1, here it is 2"),
            ({"step_size": 0.2}, "its step_size"),
            ({"validate_every": 3}, "its validate_every"),
            ({"patience": 3}, "its patience"),
            ({"augment": False}, "its augment is True"),
            ({"time": 1.25}, "its time"),
            ({"krylov_dim": 5}, "its krylov_dim"),
            ({"prototypes": 4}, "its prototypes"),
            ({"feature_radius": 0}, "its feature_radius"),
            ({"radius": 2}, "its radius"),
            ({"distance_scale": 0.5}, "its distance_scale"),
            ({"label_prototypes": COLORS}, "its data"),
            ({"validation": ([image], [truth])}, "its data"),
            ({"clean_images": [scene(s, n)[2] for s, n in (((5, 6), 1), ((6, 4), 2), ((5, 4), 4))]}, "its data"),
            ({"rng": np.random.default_rng(4)}, "its rng"),
        ]
        for changes, told in cases:
            resumed = {"steps": 1, "checkpoints": kept(path, resume=True), **changes}
            refuses(CheckpointError, told, partial(_train, package, **resumed))


LEARNING: dict[str, Any] = {"step": 5, "best_step": 2, "count": 0, "weights": 0, "first": 0, "history": 0}
TRAINING: dict[str, Any] = {
    "step": 4,
    "best_step": 2,
    "count": 0,
    "stale": -1,
    "best_percent": None,
    "uniform_percent": None,
    "scale": None,
    "best_scale": None,
    "random": {},
    **dict.fromkeys(("history", "prototypes", "directions", "best_prototypes", "best_directions"), 0),
    **dict.fromkeys(("directions_first", "prototypes_second", "scale_first"), 0),
}


def check_damaged_numbers(package: Any) -> None:
    """A file that is whole and of this run, but whose numbers or arrays do not fit, is refused."""
    module = package.checkpoint
    cases: list[tuple[Callable[..., Any], dict[str, Any]]] = [(_learn, LEARNING), (_train, TRAINING)]
    for run, wrong in cases:
        given = {"optimizer": "adam"} if run is _learn else {}
        with _path() as path:
            raised(partial(run, package, checkpoints=module.Checkpoints(path), callback=_stop(2), **given))
            state, identity = module.read_checkpoint(path)
            for name, value in wrong.items():
                numbers, arrays = dict(state.numbers), dict(state.arrays)
                if name in numbers:
                    numbers[name] = value
                else:
                    arrays[name] = arrays[name][:-1]
                module.write_checkpoint(path, module.State(numbers, arrays), identity)
                resumed = partial(run, package, checkpoints=module.Checkpoints(path, resume=True), **given)
                refuses(CheckpointError, "random state" if name == "random" else name, resumed)


def check_random_states(package: Any) -> None:
    module = package.checkpoint
    for kind in (np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64):
        rng, other = np.random.Generator(kind(1)), np.random.Generator(kind(2))
        rng.random(7)
        rng.integers(0, 9, 3, dtype=np.uint32)
        module.restore_random_state(other, json.loads(json.dumps(module.random_state(rng))))
        same(other.integers(0, 2**31, 9, dtype=np.uint32), rng.integers(0, 2**31, 9, dtype=np.uint32))
        same(other.random(9), rng.random(9))
        for wrong in (None, {}, {"bit_generator": "nothing"}, [1]):
            refuses(
                CheckpointError,
                f"none of {kind.__name__}",
                partial(module.restore_random_state, other, wrong),
            )


def check_digests(package: Any) -> None:
    digest, base = package.checkpoint.digest, np.arange(6.0).reshape(2, 3)
    parts: list[tuple[Any, ...]] = [(base,), (base.T,), (base.reshape(3, 2),), (base.astype(np.float32),), (base, base)]
    parts += [("a", "b"), ("ab",), (base + 1e-15 * np.eye(2, 3),), ("a", base), (base, "a"), ()]
    assert len({digest(*part) for part in parts}) == len(parts)
    assert digest(base) == digest(np.asfortranarray(base))
    assert len(digest(base)) == 24
