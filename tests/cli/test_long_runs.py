"""Interrupted commands say how to go on, and go on to the same files."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from importlib import import_module

import numpy as np
import pytest

from laflow.checkpoint import read_checkpoint
from laflow.cli import console, run
from laflow.scenes import voronoi_lines


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with an image and its truth."""
    scene = voronoi_lines((20, 16), np.random.default_rng(0), 0.2)
    np.save(tmp_path / "cells.npy", scene.image)
    np.save(tmp_path / "truth.npy", scene.truth)
    monkeypatch.chdir(tmp_path)
    return tmp_path


FIT = ["fit", "cells.npy", "--truth", "truth.npy", "--steps", "4", "--prototypes", "5"]
WEIGHTS = ["weights", "cells.npy", "--truth", "truth.npy", "--steps", "4"]
COMMANDS = [
    ([*FIT, "--model"], "m.npz", "laflow.assignment.training", "train_predictor"),
    ([*WEIGHTS, "--out"], "w.npy", "laflow.assignment.learning", "learn_weights"),
]


@pytest.mark.parametrize(("command", "result", "module", "name"), COMMANDS)
def test_an_interrupted_command_goes_on_to_the_same_file(folder, capsys, monkeypatch, command, result, module, name):
    assert run([*command, f"whole-{result}"]) == 0
    original = getattr(import_module(module), name)

    def interrupted(*arguments, callback, **options):
        def stopping(seen):
            callback(seen)
            if seen.step == 2:
                raise KeyboardInterrupt

        return original(*arguments, callback=stopping, **options)

    kept = ["--checkpoint", "runs/run.npz", "--checkpoint-every", "1000"]
    monkeypatch.setattr(f"{module}.{name}", interrupted)
    assert run([*command, result, *kept]) == 130
    told = capsys.readouterr().err
    assert "note: the run is kept in runs/run.npz; the same command with --resume goes on from there" in told
    assert "laflow: error: interrupted" in told
    assert os.listdir("runs") == ["run.npz"]
    assert not os.path.exists(result)

    before = (folder / "runs" / "run.npz").read_bytes()
    assert run([*command, result, *kept]) == 2
    assert "there is a checkpoint runs/run.npz already; add --resume" in capsys.readouterr().err
    assert (folder / "runs" / "run.npz").read_bytes() == before

    monkeypatch.setattr(f"{module}.{name}", original)
    assert run([*command, result, *kept, "--resume"]) == 0
    found, whole = np.load(result), np.load(f"whole-{result}")
    for part in whole.files if result == "m.npz" else [...]:
        np.testing.assert_array_equal(found[part], whole[part])


def test_ctrl_c_in_a_real_process_keeps_the_run(folder):
    """A signal in the midst of a step, not at the end of one."""
    command = [sys.executable, "-c", "from laflow.cli import main; main()"]
    with subprocess.Popen(
        [*command, *WEIGHTS[:-1], "1000000", "--checkpoint", "run.npz"],
        cwd=folder,
        env={**os.environ, "NUMBA_NUM_THREADS": "1"},
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # which tests in the background ignore
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (folder / "run.npz").exists() and process.poll() is None:
            time.sleep(0.05)
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=300)  # where nothing is compiled yet, a step takes a minute or two
    assert process.returncode == 130, told
    assert "--resume goes on from there" in told
    assert "Traceback" not in told
    assert read_checkpoint(folder / "run.npz")[0].numbers["step"] > 0


def test_a_ctrl_c_that_a_callback_swallows_ends_the_run_at_the_next_step(folder, capsys, monkeypatch):
    original = import_module("laflow.assignment.learning").learn_weights

    def swallowing(*arguments, callback, **options):
        def step(seen):
            if seen.step == 1:
                with contextlib.suppress(KeyboardInterrupt):  # as LLVM's callbacks into Python do
                    signal.raise_signal(signal.SIGINT)
            callback(seen)

        return original(*arguments, callback=step, **options)

    monkeypatch.setattr("laflow.assignment.learning.learn_weights", swallowing)
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert run([*WEIGHTS, "--checkpoint", "run.npz"]) == 130
    assert "--resume goes on from there" in capsys.readouterr().err
    assert read_checkpoint(folder / "run.npz")[0].numbers["step"] == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert run([*WEIGHTS, "--checkpoint", "run.npz", "--resume"]) == 0  # what was heeded is forgotten


def test_a_run_in_the_background_goes_on_ignoring_ctrl_c(folder, monkeypatch):
    original, during = import_module("laflow.assignment.learning").learn_weights, []

    def looking(*arguments, **options):
        during.append(signal.getsignal(signal.SIGINT))
        return original(*arguments, **options)

    monkeypatch.setattr("laflow.assignment.learning.learn_weights", looking)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run(WEIGHTS) == 0
    finally:
        signal.signal(signal.SIGINT, before)
    assert during == [signal.SIG_IGN]


def test_one_name_for_the_checkpoint_and_the_result_is_refused(folder, capsys):
    before = sorted(os.listdir())
    assert run([*FIT, "--model", "m.npz", "--checkpoint", "./m.npz"]) == 2
    assert "--checkpoint and --model are both m.npz; one would replace the other" in capsys.readouterr().err
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--resume"], "--resume is given without --checkpoint"),
        (["--checkpoint", "run.txt"], "--checkpoint is run.txt"),
        (["--checkpoint", "run.npz", "--resume"], "no checkpoint run.npz: check the name"),
        (["--checkpoint", "cells.npy/run.npz"], "cells.npy is a file"),
        (["--checkpoint", "run.npz", "--checkpoint-every", "0"], "every_seconds is 0"),
        (["--checkpoint", "cells.npz", "--resume"], "no checkpoint"),
    ],
)
@pytest.mark.parametrize(("command", "result", "module", "name"), COMMANDS)
def test_wrong_options_are_refused(folder, capsys, command, result, module, name, options, found):
    np.savez("cells.npz", image=np.ones(3))
    before = sorted(os.listdir())
    assert run([*command, result, *options]) == 2
    (error,) = [line for line in capsys.readouterr().err.splitlines() if not line.endswith(" ...")]
    assert found in error
    assert sorted(os.listdir()) == before


def test_a_run_resumed_with_other_options_is_refused(folder, capsys):
    assert run([*WEIGHTS, "--checkpoint", "run.npz"]) == 0
    assert run([*WEIGHTS, "--checkpoint", "run.npz", "--resume", "--time", "2"]) == 2
    assert "its time is 5.0, here it is 2.0" in capsys.readouterr().err
    capsys.readouterr()
    assert run([*WEIGHTS[:-1], "6", "--checkpoint", "run.npz", "--resume", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["image"] == "cells.npy"


def test_without_a_terminal_a_line_a_minute_tells_how_far_a_run_is(capsys, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("laflow.cli.console.monotonic", lambda: clock[0])
    with console.progress("learning", 9) as advance:
        for now, done in ((20.0, None), (60.0, None), (70.0, 7), (130.0, 8)):
            clock[0] = now
            advance("3 % wrong", done)
    assert capsys.readouterr().err.splitlines() == [
        "learning ...",
        "learning: 2 of 9, 3 % wrong ...",
        "learning: 8 of 9, 3 % wrong ...",
    ]
