"""The program from outside: it works, and whatever is wrong ends in exit code 2 and one clear line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from laflow import load_model
from laflow.cli import run
from laflow.cli.fit import repeated
from laflow.scenes import voronoi_colors, voronoi_lines

FAST = ["--steps", "3"]
SMALL_MODEL = [*FAST, "--prototypes", "5", "--feature-radius", "1"]


def save_scene(folder, name, shape, seed):
    scene = voronoi_lines(shape, np.random.default_rng(seed), 0.2)
    iio.imwrite(folder / f"{name}.png", np.uint8(np.clip(255 * (0.2 + 0.6 * scene.image[..., 0]), 0, 255)))
    iio.imwrite(folder / f"{name}_truth.png", np.uint8(255 * scene.truth))


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A folder with images, truths and a model; tests work in copies of it."""
    folder = tmp_path_factory.mktemp("bench")
    save_scene(folder, "cells", (24, 20), 0)
    save_scene(folder, "wide", (16, 30), 1)
    colors = voronoi_colors((16, 12), np.random.default_rng(2), 0.1, labels=3)
    np.save(folder / "color.npy", colors.image)
    np.save(folder / "color_truth.npy", colors.truth)
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert run(["fit", "cells.png", "--truth", "cells_truth.png", "--model", "m.npz", *SMALL_MODEL]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def folder(bench, tmp_path, monkeypatch):
    shutil.copytree(bench, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def assert_refused(folder, capsys, arguments, *found):
    before = contents(folder)
    capsys.readouterr()
    assert run(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    errors = [line for line in told.err.splitlines() if not line.endswith(" ...")]  # progress without a terminal
    assert len(errors) == 1, told.err
    assert errors[0].startswith("laflow: error: ")
    for text in found:
        assert text in errors[0]
    assert contents(folder) == before


def test_fit_then_label_writes_the_values_that_the_truth_had(folder, capsys):
    assert run(["label", "cells.png", "wide.png", "--model", "m.npz", "--out", "found", "--colors", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    for item, name in zip(report["images"], ["cells", "wide"], strict=True):
        labels = iio.imread(item["labels"])
        assert labels.shape == iio.imread(f"{name}.png").shape
        assert set(np.unique(labels)) <= {0, 255}
        assert sum(item["shares"].values()) == pytest.approx(1.0)
        assert iio.imread(item["colors"]).shape == (*labels.shape, 3)
    assert sorted(os.listdir("found")) == [
        "cells_colors.png",
        "cells_labels.png",
        "wide_colors.png",
        "wide_labels.png",
    ]


def test_fit_takes_several_truths_after_one_option_and_images_of_several_sizes(folder, capsys):
    arguments = ["fit", "cells.png", "wide.png", "--truth", "cells_truth.png", "wide_truth.png"]
    assert run([*arguments, "--model", "two.npz", "--json", *SMALL_MODEL]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [item["image"] for item in report["images"]] == ["cells.png", "wide.png"]
    assert report["labels"] == [0, 255]
    assert load_model("two.npz").label_values == (0, 255)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["a", "--truth", "x", "y", "--model", "m"], ["a", "--truth", "x", "--truth", "y", "--model", "m"]),
        (["a", "--truth", "x", "--json", "b"], ["a", "--truth", "x", "--json", "b"]),
        (["--truth", "x", "--truth", "y", "z"], ["--truth", "x", "--truth", "y", "--truth", "z"]),
        (["a", "--model", "m"], ["a", "--model", "m"]),
    ],
)
def test_a_repeated_option_may_be_written_once(typed, meant):
    assert repeated(typed, "--truth") == meant


def test_the_same_seed_fits_the_same_model_and_another_seed_another(folder):
    for name, seed in (("first", "5"), ("again", "5"), ("other", "6")):
        run(
            [
                "fit",
                "cells.png",
                "--truth",
                "cells_truth.png",
                "--model",
                f"{name}.npz",
                "--seed",
                seed,
                *SMALL_MODEL,
            ]
        )
    first, again, other = (load_model(f"{name}.npz").predictor for name in ("first", "again", "other"))
    np.testing.assert_array_equal(first.prototypes, again.prototypes)
    np.testing.assert_array_equal(first.directions, again.directions)
    assert not np.array_equal(first.prototypes, other.prototypes)


def test_weights_are_saved_one_patch_for_each_pixel_and_label_better(folder, capsys):
    arguments = [
        "weights",
        "cells.png",
        "--truth",
        "cells_truth.png",
        "--out",
        "w.npy",
        "--json",
        "--steps",
        "20",
    ]
    assert run(arguments) == 0
    report = json.loads(capsys.readouterr().out)
    weights = np.load("w.npy")
    assert weights.shape == (24, 20, 9)
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0, rtol=1e-12)
    assert report["learned"] < report["uniform"]


def test_weights_without_out_writes_no_file(folder, capsys):
    before = contents(folder)
    assert run(["weights", "color.npy", "--truth", "color_truth.npy", *FAST]) == 0
    assert "color.npy" in capsys.readouterr().out
    assert contents(folder) == before


def test_without_json_a_table_is_shown_and_progress_stays_off_stdout(folder, capsys):
    assert run(["label", "cells.png", "--model", "m.npz"]) == 0
    told = capsys.readouterr()
    assert "labels/cells_labels.png" in told.out
    assert "labelling" in told.err
    assert "labelling" not in told.out


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ([], ["usage", "Usage"]),
        (["--help"], ["Usage"]),
        (["--version"], ["laflow "]),
        *[([command, "--help"], ["Usage"]) for command in ("demo", "fit", "label", "weights")],
    ],
)
def test_help_and_version_are_answered(arguments, found, capsys):
    assert run(arguments) == 0
    told = capsys.readouterr()
    assert any(text in told.out for text in found)
    assert told.err == ""


FIT = ["fit", "cells.png", "--truth", "cells_truth.png", "--model", "new.npz"]
LABEL = ["label", "cells.png", "--model", "m.npz"]
WEIGHTS = ["weights", "cells.png", "--truth", "cells_truth.png"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["frobnicate"], "frobnicate"),
        (["fit"], "Missing"),
        (["fit", "cells.png", "--model", "new.npz"], "--truth"),
        (["fit", "--truth", "cells_truth.png", "cells.png", "--model", "new.npz"], "give the images first"),
        (["label", "cells.png"], "--model"),
        (["weights", "cells.png"], "--truth"),
        ([*WEIGHTS, "--speed", "9"], "--speed"),
        ([*WEIGHTS, "--steps", "0"], "--steps"),
        ([*WEIGHTS, "--steps", "many"], "found 'many'"),
        ([*WEIGHTS, "--steps=7.5"], "found '7.5'"),
        ([*WEIGHTS, "--radius", "0"], "found '0'"),
        ([*WEIGHTS, "--time", "0"], "0"),
        ([*WEIGHTS, "--time", "-3"], "-3"),
        ([*WEIGHTS, "--time", "nan"], "nan"),
        ([*WEIGHTS, "--distance-scale", "0"], "0"),
        ([*WEIGHTS, "--regularization", "-1"], "-1"),
        ([*FIT, "--seed", "-1"], "--seed"),
        ([*FIT, "--time", "inf"], "inf"),
        ([*FIT, "--prototypes", "0"], "--prototypes"),
    ],
)
def test_wrong_options_are_refused(folder, capsys, arguments, found):
    assert_refused(folder, capsys, arguments, found)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (
            ["fit", "gone.png", "--truth", "cells_truth.png", "--model", "new.npz"],
            ["gone.png", "no such file"],
        ),
        (["fit", "cells.png", "--truth", "gone.png", "--model", "new.npz"], ["gone.png", "no such file"]),
        (["fit", "cells.png", "--truth", "wide_truth.png", "--model", "new.npz"], ["(16, 30)", "(24, 20)"]),
        (
            ["fit", "cells.png", "wide.png", "--truth", "cells_truth.png", "--model", "new.npz"],
            ["2 images", "1 truth"],
        ),
        (
            ["fit", "cells.png", "--truth", "cells.png", "--model", "new.npz"],
            ["different values", "cells.png"],
        ),
        (["fit", "cells.png", "--truth", "color.npy", "--model", "new.npz"], ["color.npy"]),
        (
            [
                "fit",
                "cells.png",
                "color.npy",
                "--truth",
                "cells_truth.png",
                "color_truth.npy",
                "--model",
                "new.npz",
            ],
            ["color.npy has 3 channels", "cells.png has 1"],
        ),
        ([*FIT[:-1], "new.txt"], ["new.txt", ".npz"]),
        ([*FIT[:-1], "cells.png/new.npz"], ["cells.png/new.npz", "not a folder"]),
        ([*WEIGHTS, "--out", "w.png"], ["w.png", ".npy"]),
        (["label", "color.npy", "--model", "m.npz"], ["color.npy", "(16, 12, 3)", "1 channels"]),
        (["label", "cells.png", "--model", "gone.npz"], ["gone.npz"]),
        (["label", "cells.png", "--model", "cells.png"], ["cells.png", "model"]),
        (["label", "cells.png", "--model", "color.npy"], ["color.npy", "model"]),
        (["label", "cells.png", "./cells.png", "--model", "m.npz"], ["labels/cells_labels.png"]),
        ([*LABEL, "--out", "cells.png"], ["cells.png", "not a folder"]),
        (["demo", "--out", "cells.png"], ["cells.png", "not a folder"]),
    ],
)
def test_files_that_do_not_fit_are_refused(folder, capsys, arguments, found):
    assert_refused(folder, capsys, arguments, *found)


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.98])
@pytest.mark.parametrize("name", ["cells.png", "m.npz"])
def test_truncated_files_are_refused(folder, capsys, name, keep):
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: int(keep * len(whole))])
    assert_refused(folder, capsys, LABEL, name)


def test_an_object_array_is_refused_as_image_and_as_truth(folder, capsys):
    np.save("objects.npy", np.array([[None, {}]], dtype=object), allow_pickle=True)
    assert_refused(folder, capsys, ["label", "objects.npy", "--model", "m.npz"], "objects.npy", "Python objects")
    assert_refused(folder, capsys, ["weights", "cells.png", "--truth", "objects.npy"], "objects.npy")


def test_an_image_that_cannot_be_read_does_not_harm_the_labels_of_the_others(folder, capsys):
    (folder / "bad.png").write_bytes(b"no picture")
    assert run(["label", "cells.png", "bad.png", "--model", "m.npz"]) == 2
    assert "bad.png" in capsys.readouterr().err
    assert os.listdir("labels") == ["cells_labels.png"]
    assert iio.imread("labels/cells_labels.png").shape == (24, 20)


@pytest.mark.parametrize(
    ("arguments", "existing"),
    [
        ([*FIT, *SMALL_MODEL], "new.npz"),
        ([*WEIGHTS, "--out", "w.npy", *FAST], "w.npy"),
        ([*LABEL, "--out", "found"], "found/cells_labels.png"),
    ],
)
def test_on_a_full_disk_the_old_file_stays_and_nothing_else(folder, capsys, monkeypatch, arguments, existing):
    (folder / existing).parent.mkdir(exist_ok=True)
    (folder / existing).write_bytes(b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert_refused(folder, capsys, arguments, existing, "disk is full", "free some space")


def test_on_a_disk_that_is_really_full_the_old_file_stays(folder):
    """Beyond 4 KiB the operating system refuses to write."""
    (folder / "w.npy").write_bytes(b"old")
    before = contents(folder)
    code = (
        "import resource, signal, sys; from laflow.cli import run; import laflow.kernels;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); sys.exit(run())"
    )
    arguments = [*WEIGHTS, "--out", "w.npy", *FAST]
    told = subprocess.run([sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True)
    assert told.returncode == 2
    assert "w.npy" in told.stderr
    assert "Traceback" not in told.stderr
    assert contents(folder) == before


def test_an_interruption_leaves_no_file(folder, capsys, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("laflow.assignment.learning.learn_weights", interrupt)
    before = contents(folder)
    assert run([*WEIGHTS, "--out", "w.npy"]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert contents(folder) == before


def test_the_demo_reports_both_scenes_and_draws_every_picture(tmp_path, capsys):
    assert run(["demo", "--quick", "--out", str(tmp_path / "demo"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads((tmp_path / "demo" / "report.json").read_text())
    assert [scene["name"] for scene in report["scenes"]] == ["nuclei", "voronoi-lines"]
    for scene in report["scenes"]:
        assert scene["learned"] < min(scene["uniform"], scene["pixelwise"])
        assert 0.0 <= scene["predicted"] <= 100.0
        for kind in ("labelings", "gradient_norm", "weight_patches", "training"):
            picture = iio.imread(tmp_path / "demo" / f"{scene['name']}_{kind}.png")
            assert picture.std() > 10  # something is drawn
    lines = report["scenes"][1]
    assert lines["unseen_image"]["predicted"] < lines["unseen_image"]["uniform"]
