"""`laflow metric` from outside: it works, and whatever is wrong ends in exit code 2 and one clear line."""

import json
import os
import shutil
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from laflow.cli import metric_options, run
from laflow.errors import FileError, ValueRangeError
from laflow.metric.geometry.point_files import load_points
from laflow.metric.model.model_files import load_metric, load_metric_and_notes
from laflow.metric.quality.evaluation import evaluate

FAST = ["--steps", "2", "--width", "4", "--depth", "1"]
TRAIN = ["metric", "train", "points.npz", "--out", "new.npz", *FAST]
# Fresh points at the end of a training; fewer are as good to test with.
FEW = 400


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A folder with points and a model of Fermat's cubic, and points of another surface; tests work in copies."""
    folder = tmp_path_factory.mktemp("bench")
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert run(["metric", "sample", "fermat-cubic", "--points", "300", "--seed", "4"]) == 0
        assert run(["metric", "sample", "dwork-cubic:0.5", "--points", "60", "--out", "other.npz"]) == 0
        assert run(["metric", "train", "points.npz", "--out", "m.npz", *FAST]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def folder(bench, tmp_path, monkeypatch):
    shutil.copytree(bench, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("laflow.cli.metric_train.FRESH_POINTS", FEW)
    monkeypatch.setattr("laflow.cli.metric_compare.FRESH_POINTS", FEW)
    return tmp_path / "here"


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def reported(capsys, arguments):
    """The JSON that a command prints, and nothing else stands on stdout."""
    capsys.readouterr()
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


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


def test_points_are_sampled_with_their_volume(folder, capsys):
    report = reported(capsys, ["metric", "sample", "fermat-quartic", "--points", "201", "--out", "new/k3.npz"])
    sample = load_points("new/k3.npz")
    assert (len(sample), sample.hypersurface.dimension) == (201, 2) == (report["count"], report["dimension"])
    assert report["exact_volume"] == pytest.approx(11.8170450)
    assert abs(report["volume"]["value"] - 11.8170450) <= 4.0 * report["volume"]["standard_error"]
    assert report["farthest"] <= 1e-14
    assert report["kappa"]["standard_error"] == 0.0


def test_training_lowers_sigma_and_tells_what_the_saved_model_has(folder, capsys):
    report = reported(capsys, TRAIN)
    assert report["evaluation"]["sigma"]["value"] < 0.5 * report["fubini_study"]["sigma"]["value"]
    assert report["evaluation"]["positive_share"] == 1.0
    model, notes = load_metric_and_notes("new.npz")
    assert model.network.parameter_count == report["parameters"]
    assert notes == report["training"]
    assert [look["step"] for look in notes["history"]] == [0, 1, 2]
    assert notes["held_out_sigma"] == min(look["sigma"] for look in notes["history"])


@pytest.mark.parametrize("method", ["adam", "lbfgs", "gradient-descent"])
def test_every_method_trains(folder, capsys, method):
    batch = ["--batch", "50"] if method == "adam" else []
    report = reported(capsys, [*TRAIN, "--method", method, *batch, "--precision", "double"])
    assert report["training"]["method"] == method
    assert report["training"]["steps"] == 2
    assert ("batch" in report["training"]) == (method == "adam")


def test_a_surface_is_enough_to_train_on(folder, capsys):
    report = reported(capsys, ["metric", "train", "fermat-cubic", "--points", "100", *FAST])
    assert report["model"] == "metric.npz"
    assert report["training"]["points"] == 100
    assert load_metric("metric.npz").hypersurface.dimension == 1


def test_where_no_closed_form_is_known_the_learned_metric_sharpens_kappa(folder, capsys):
    surface = "z0^3 + z1^3 + z2^3 + z0^2*z1"
    train = ["metric", "train", surface, "--points", "300", "--steps", "6", "--width", "8", "--depth", "1"]
    kappa = reported(capsys, [*train, "--out", "k.npz"])["evaluation"]["kappa"]
    from laflow.metric.geometry.volume import kappa as by_points

    plain = by_points(load_metric("k.npz").hypersurface, metric_options.read_sample(surface, 300, 300, seed=0))
    assert 0.0 < kappa["standard_error"] < 0.1 * plain.standard_error
    assert abs(kappa["value"] - plain.value) <= 4.0 * plain.standard_error
    assert run([*train, "--out", "k.npz"]) == 0
    assert "by the learned metric" in capsys.readouterr().out


def test_the_same_seed_trains_the_same_model_and_another_seed_another(folder):
    train = ["metric", "train", "fermat-cubic", "--points", "100", *FAST]
    for name, seed in (("first", "5"), ("again", "5"), ("other", "6")):
        assert run([*train, "--out", f"{name}.npz", "--seed", seed]) == 0
    first, again, other = (load_metric(f"{name}.npz").parameters for name in ("first", "again", "other"))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_points_to_evaluate_on_are_never_those_trained_on():
    from laflow.metric.geometry.sampling import sample_points

    surface = metric_options.read_surface("fermat-cubic")
    trained = metric_options.read_sample("fermat-cubic", 30, 30, seed=3)
    fresh = metric_options.fresh_sample(surface, None, 30, 30, seed=3)
    kernel = metric_options.fresh_sample(surface, None, 30, 30, seed=3, stream=metric_options.KERNEL)
    for one, other in ((fresh, trained), (kernel, trained), (kernel, fresh)):
        shared = np.isin(one.points, other.points)
        assert (one.points[shared] == 1.0).all()  # the coordinate that is divided out
    again = sample_points(surface, 30, metric_options.generator(3, metric_options.POINTS))
    np.testing.assert_array_equal(again.points, trained.points)


def test_evaluation_tells_what_the_library_measures(folder, capsys):
    report = reported(capsys, ["metric", "evaluate", "m.npz", "--sample", "points.npz"])
    found = evaluate(load_metric("m.npz"), load_points("points.npz"))
    assert report["evaluation"]["sigma"] == {"value": found.sigma.value, "standard_error": found.sigma.standard_error}
    assert report["evaluation"]["class_number"]["value"] == found.class_number.value
    assert report["curvature"] is None
    assert report["fubini_study"]["least_eigenvalue"] == pytest.approx(1.0)


def test_curvature_is_measured_when_asked_for(folder, capsys):
    arguments = ["metric", "evaluate", "m.npz", "--points", "300", "--ricci", "--euler", "--curvature-points", "200"]
    report = reported(capsys, arguments)
    curvature, flat = report["curvature"], report["fubini_study_curvature"]
    assert curvature["points"] == 200
    assert curvature["exact_euler"] == 0
    assert curvature["ricci"]["value"] < flat["ricci"]["value"]
    assert abs(curvature["euler"]["value"]) <= 4.0 * curvature["euler"]["standard_error"]
    assert curvature["ricci_difference"] <= 1e-4 * curvature["ricci"]["value"]
    assert run(arguments) == 0
    assert "Euler number" in capsys.readouterr().out


def test_a_form_that_is_no_metric_is_told_and_drawn_where_it_has_a_logarithm(folder, capsys):
    from laflow.metric.model.model_files import save_metric

    model = load_metric("m.npz")
    parameters = model.parameters.copy()
    parameters[-5:] *= 40.0  # the last layer, and with it φ
    save_metric(model.with_parameters(parameters), "bad.npz")
    assert run(["metric", "evaluate", "bad.npz", "--points", "100", "--picture", "bad.png", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["evaluation"]["positive_share"] < 1.0
    assert "bad.npz is no metric: it is not positive at" in told.err
    assert run(["metric", "compare", "--model", "m.npz", "--model", "bad.npz", "--json"]) == 0
    told = capsys.readouterr()
    assert "bad.npz is no metric: it is not positive at" in told.err
    assert "m.npz is no metric" not in told.err
    assert iio.imread("bad.png").std() > 10


def test_the_kernel_of_a_model_stands_beside_that_of_a_random_network(folder, capsys):
    report = reported(capsys, ["metric", "kernel", "m.npz", "--points", "40"])
    for spectrum in (report["trained"], report["random"]):
        assert len(spectrum["eigenvalues"]) == len(spectrum["energies"]) == 40
        assert sum(spectrum["eigenvalues"]) == pytest.approx(spectrum["trace"])
    assert sum(report["trained"]["energies"]) < sum(report["random"]["energies"])  # their sums are the losses


def test_a_rate_and_a_batch_are_for_the_methods_that_use_them(folder, capsys, monkeypatch):
    from laflow.metric.learning import training

    given, seen = training.train_metric, {}

    def watching(*arguments, method, batch, learning_rate, **options):
        seen[method] = batch, learning_rate
        return given(*arguments, method=method, batch=batch, learning_rate=learning_rate, **options)

    monkeypatch.setattr(training, "train_metric", watching)
    assert run(["metric", "compare", "points.npz", *FAST, "--batch", "50", "--learning-rate", "0.001"]) == 0
    assert seen == {"gauss-newton": (50, None), "adam": (50, 0.001), "lbfgs": (50, None)}
    assert run(["metric", "train", "points.npz", *FAST, "--method", "adam", "--out", "a.npz"]) == 0
    assert seen["adam"] == (500, None)
    assert load_metric_and_notes("a.npz")[1]["batch"] == 500


def test_methods_and_models_are_compared_on_the_same_points(folder, capsys):
    arguments = ["metric", "compare", "points.npz", "--method", "adam", "--method", "lbfgs", "--model", "m.npz", *FAST]
    report = reported(capsys, arguments)
    assert [item["name"] for item in report["runs"]] == ["adam", "lbfgs", "m.npz"]
    assert {item["evaluation"]["points"] for item in report["runs"]} == {FEW}
    first = [item["training"]["history"][0]["sigma"] for item in report["runs"][:2]]
    assert first[0] == first[1]  # one start, one set of held-out points
    assert report["runs"][2]["training"]["method"] == "gauss-newton"
    assert run(arguments) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("adam", "lbfgs", "m.npz", "Fubini–Study"))


def test_models_alone_are_compared_without_training(folder, capsys):
    report = reported(capsys, ["metric", "compare", "--model", "m.npz", "--model", "m.npz"])
    first, second = report["runs"]
    assert first["evaluation"] == second["evaluation"]
    assert report["points"] is None


def test_a_method_that_fails_is_told_and_the_others_go_on(folder, capsys):
    arguments = ["metric", "compare", "points.npz", "--method", "gradient-descent", "--learning-rate", "1e30"]
    arguments += ["--steps", "60", "--width", "4", "--depth", "1"]
    assert_refused(folder, capsys, arguments, "gradient-descent has failed", "lost its positivity")
    report = reported(capsys, [*arguments, "--method", "gauss-newton"])
    assert "lost its positivity" in report["runs"][0]["error"]
    assert report["runs"][1]["error"] is None
    assert run([*arguments, "--method", "gauss-newton"]) == 0
    told = capsys.readouterr()
    assert "failed" in told.out
    assert "note: gradient-descent has failed" in told.err


@pytest.mark.parametrize(
    "arguments",
    [
        TRAIN,
        ["metric", "evaluate", "m.npz", "--points", "60"],
        ["metric", "kernel", "m.npz", "--points", "40"],
        ["metric", "compare", "points.npz", "--method", "adam", *FAST],
    ],
    ids=lambda arguments: arguments[1],
)
def test_pictures_are_drawn(folder, capsys, arguments):
    assert run([*arguments, "--picture", "drawn/found.png"]) == 0
    assert "drawn/found.png" in capsys.readouterr().out
    picture = iio.imread("drawn/found.png")
    assert picture.shape[0] > 500
    assert picture.std() > 10  # something is drawn
    assert os.listdir("drawn") == ["found.png"]


def test_a_picture_of_a_surface_shows_a_disc(folder, capsys):
    assert run(["metric", "train", "fermat-quartic", "--points", "200", "--out", "k3.npz", *FAST]) == 0
    assert run(["metric", "evaluate", "k3.npz", "--points", "60", "--picture", "k3.png"]) == 0
    assert iio.imread("k3.png").std() > 10


def test_progress_tells_steps_seconds_loss_and_sigma_on_stderr_only(folder, capsys):
    assert run(TRAIN) == 0
    told = capsys.readouterr()
    assert "training the metric: step 0, " in told.err
    assert "loss " in told.err
    assert "σ " in told.err
    assert "training the metric" not in told.out
    assert "model saved to new.npz" in told.out


@pytest.mark.parametrize("command", ["", "sample", "train", "evaluate", "kernel", "compare"])
def test_help_is_answered(command, capsys):
    assert run(["metric", *([command, "--help"] if command else [])]) == 0
    told = capsys.readouterr()
    assert "Usage" in told.out
    assert told.err == ""


SAMPLE = ["metric", "sample", "fermat-cubic", "--out", "new.npz"]
EVALUATE = ["metric", "evaluate", "m.npz"]
KERNEL = ["metric", "kernel", "m.npz"]
COMPARE = ["metric", "compare"]


WIDE = ["--width", "4096", "--depth", "3", "--steps", "1"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["metric", "train", "points.npz", *WIDE], "gauss-newton with 33591297 parameters on 300 points"),
        (["metric", "train", "fermat-quintic", "--points", "200", *WIDE], "gauss-newton with 33599489 parameters"),
        (["metric", "train", "points.npz", *WIDE, "--method", "lbfgs"], "the method lbfgs"),
        (["metric", "compare", "points.npz", *WIDE], "gauss-newton with"),
    ],
)
def test_a_training_too_large_for_memory_is_refused_before_a_model_is_made(
    folder, capsys, monkeypatch, arguments, words
):
    monkeypatch.setattr("laflow.metric.learning.training_memory.available_memory", lambda: 2**30)
    monkeypatch.setattr("laflow.metric.model.phi_model.PhiModel.fresh", None)
    assert_refused(folder, capsys, arguments, words, "of 1 GiB at hand", "units or fewer")


def training_on(surface):
    return ["metric", "train", surface, "--out", "new.npz"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["metric", "frobnicate"], ["frobnicate"]),
        (["metric", "train"], ["Missing"]),
        (["metric", "sample", "fermat-cubic"], ["points.npz already", "--out"]),
        ([*SAMPLE, "--points", "1"], ["--points", "found '1'"]),
        ([*SAMPLE, "--points", "10000000000000"], ["10000000000000 points", "at hand", "or fewer"]),
        ([*SAMPLE, "--seed", "-1"], ["--seed"]),
        ([*TRAIN, "--seconds", "0"], ["seconds is 0.0"]),
        ([*TRAIN, "--seconds", "nan"], ["seconds is nan"]),
        ([*TRAIN, "--seconds", "long"], ["--seconds", "found 'long'"]),
        ([*TRAIN, "--method", "adam", "--learning-rate", "-1"], ["learning_rate is -1"]),
        ([*TRAIN, "--learning-rate", "0.1"], ["--learning-rate is 0.1", "gauss-newton would not", "--method adam or"]),
        ([*TRAIN, "--method", "lbfgs", "--learning-rate", "0.1"], ["--learning-rate is 0.1", "lbfgs would not"]),
        ([*TRAIN, "--batch", "50"], ["--batch is 50", "gauss-newton would not use it", "--method adam"]),
        ([*TRAIN, "--method", "gradient-descent", "--batch", "50"], ["--batch is 50", "gradient-descent would not"]),
        (
            [*COMPARE, "points.npz", "--method", "lbfgs", "--method", "gauss-newton", "--batch", "50"],
            ["--batch is 50, but lbfgs and gauss-newton would not use it"],
        ),
        ([*TRAIN, "--method", "sgd"], ["--method", "'sgd'", "'gauss-newton'"]),
        ([*TRAIN, "--features", "fourier"], ["--features", "'fourier'", "'symmetric'"]),
        ([*TRAIN, "--activation", "relu"], ["--activation", "'relu'", "'gelu'"]),
        ([*TRAIN, "--precision", "half"], ["--precision", "'half'"]),
        ([*TRAIN, "--width", "0"], ["--width", "found '0'"]),
        ([*TRAIN, "--points", "50"], ["--points is 50", "points.npz has its own"]),
        ([*EVALUATE, "--sample", "points.npz", "--points", "50"], ["--points is 50", "points.npz has its own"]),
        ([*KERNEL, "--points", "10000000"], ["kernel of 10000000 points", "TiB", "points fit"]),
        (COMPARE, ["nothing to compare"]),
        ([*COMPARE, "--model", "m.npz", "--method", "adam"], ["--method is adam", "no SURFACE"]),
        ([*COMPARE, "points.npz", "--method", "sgd"], ["'sgd'", "gauss-newton"]),
        (training_on("fermat-sextic"), ["fermat-sextic", "fermat-quintic", "polynomial"]),
        (training_on("fermat-cubic:2"), ["fermat-cubic:2"]),
        (training_on("dwork-cubic"), ["dwork-cubic", "no number"]),
        (training_on("dwork-cubic:x"), ["dwork-cubic:x", "no number"]),
        (training_on("dwork-cubic:inf"), ["inf", "finite"]),
        (training_on("dwork-cubic:1"), ["singular", "change a coefficient"]),
        (training_on("z0^3 + z1^3 + z2^3 - 3*z0*z1*z2"), ["singular"]),
        (training_on("z0^4 + z1^4 + z2^4"), ["degree 4", "has degree 3"]),
        (training_on("z0^3 + z1^2 + z2^3"), ["degrees [2, 3]", "homogeneous"]),
        (training_on("z0^3 + z1^3"), ["2 variables"]),
        (training_on("z0^3 + z1^3 + z2^3; exit()"), ["; exit()"]),
        (training_on("-z0^2 + q*z1"), ["cannot read", "q*z1"]),
    ],
)
def test_wrong_options_are_refused(folder, capsys, arguments, found):
    assert_refused(folder, capsys, arguments, *found)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ([*SAMPLE[:-1], "new.txt"], ["new.txt", ".npz"]),
        ([*TRAIN, "--out", "new.pt"], ["new.pt", ".npz"]),
        ([*TRAIN, "--out", "m.npz/new.npz"], ["m.npz/new.npz", "not a folder"]),
        ([*TRAIN, "--picture", "new.jpg"], ["new.jpg", ".png"]),
        ([*TRAIN, "--picture", "m.npz/new.png"], ["not a folder"]),
        (training_on("gone.npz"), ["no sample of points gone.npz", "sample points first"]),
        (training_on("m.npz"), ["m.npz", "no sample of points"]),
        (["metric", "evaluate", "gone.npz"], ["no metric model gone.npz", "train one first"]),
        (["metric", "evaluate", "points.npz"], ["points.npz", "no metric model"]),
        ([*EVALUATE, "--sample", "m.npz"], ["m.npz", "no sample of points"]),
        ([*EVALUATE, "--sample", "other.npz"], ["other.npz has points of", "the model is of", "its own surface"]),
        ([*KERNEL, "--sample", "other.npz"], ["other.npz has points of"]),
        ([*COMPARE, "other.npz", "--model", "m.npz"], ["m.npz is of", "one surface"]),
        ([*COMPARE, "--model", "gone.npz"], ["gone.npz"]),
        ([*TRAIN, "--resume"], ["--resume is given without --checkpoint"]),
        ([*TRAIN, "--checkpoint", "run.txt"], ["--checkpoint is run.txt"]),
        ([*TRAIN, "--checkpoint", "m.npz"], ["there is a checkpoint m.npz already"]),
        ([*TRAIN, "--checkpoint", "m.npz", "--resume"], ["m.npz"]),
        ([*TRAIN, "--checkpoint", "gone.npz", "--resume"], ["gone.npz"]),
        ([*TRAIN, "--checkpoint", "new.npz"], ["--checkpoint and --out are both new.npz", "two names"]),
        ([*TRAIN, "--checkpoint", "./there/../new.npz"], ["--checkpoint and --out are both"]),
    ],
)
def test_files_that_do_not_fit_are_refused(folder, capsys, arguments, found):
    assert_refused(folder, capsys, arguments, *found)


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.98])
@pytest.mark.parametrize("name", ["points.npz", "m.npz"])
def test_truncated_files_are_refused(folder, capsys, name, keep):
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: int(keep * len(whole))])
    commands = {"points.npz": [TRAIN, [*EVALUATE, "--sample", "points.npz"]], "m.npz": [EVALUATE, KERNEL]}[name]
    for command in commands:
        assert_refused(folder, capsys, command, name, "truncated")


def test_a_default_name_is_taken_once_and_a_given_one_again(folder, capsys):
    train = ["metric", "train", "points.npz", *FAST]
    assert run(train) == 0
    assert_refused(folder, capsys, train, "metric.npz already", "--out metric.npz to replace it")
    assert run([*train, "--out", "metric.npz"]) == 0


def test_on_a_full_disk_the_old_model_stays_and_nothing_else(folder, capsys, monkeypatch):
    (folder / "new.npz").write_bytes(b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert_refused(folder, capsys, TRAIN, "new.npz", "disk is full", "free some space")


def test_an_interrupted_training_goes_on_to_the_same_model(folder, capsys, monkeypatch):
    from laflow.metric.learning import training

    train = ["metric", "train", "points.npz", "--steps", "4", "--width", "4", "--depth", "1", "--out"]
    kept = ["--checkpoint", "runs/run.npz", "--checkpoint-every", "1000"]
    assert run([*train, "whole.npz"]) == 0
    original = training.train_metric

    def interrupted(*arguments, callback, **options):
        def stopping(seen):
            callback(seen)
            if seen.step == 2:
                raise KeyboardInterrupt

        return original(*arguments, callback=stopping, **options)

    monkeypatch.setattr(training, "train_metric", interrupted)
    capsys.readouterr()
    assert run([*train, "part.npz", *kept]) == 130
    told = capsys.readouterr().err
    assert "note: the run is kept in runs/run.npz; the same command with --resume goes on from there" in told
    assert "laflow: error: interrupted" in told
    assert not os.path.exists("part.npz")
    monkeypatch.setattr(training, "train_metric", original)
    assert run([*train, "part.npz", *kept, "--resume", "--seed", "1"]) == 2
    assert "runs/run.npz" in capsys.readouterr().err
    assert run([*train, "part.npz", *kept, "--resume"]) == 0
    part, whole = (load_metric(name).parameters for name in ("part.npz", "whole.npz"))
    np.testing.assert_array_equal(part, whole)


@pytest.mark.parametrize(
    ("name", "polynomial"),
    [
        ("fermat-cubic", "z0^3 + z1^3 + z2^3"),
        ("fermat-quintic", "z4^5 + z3^5 + z2^5 + z1^5 + z0^5"),
        ("dwork-quartic:0.5", "z0^4 + z1^4 + z2^4 + z3^4 - 2*z0*z1*z2*z3"),
        ("dwork:0.2+0.1j", "dwork-quintic:0.2+0.1j"),
    ],
)
def test_a_name_stands_for_its_polynomial(name, polynomial):
    named, written = (metric_options.read_surface(text).polynomial for text in (name, polynomial))
    assert named == written


def test_a_polynomial_may_begin_with_a_minus(folder, capsys):
    assert run(["metric", "sample", "-z0^3 + z1^3 + z2^3", "--points", "30", "--out", "minus.npz"]) == 0
    assert load_points("minus.npz").hypersurface == metric_options.read_surface("z1^3 - z0^3 + z2^3")


def test_points_of_another_surface_are_refused_by_name(folder):
    with pytest.raises(FileError, match=r"other\.npz has points of"):
        metric_options.fresh_sample(metric_options.read_surface("fermat-cubic"), Path("other.npz"), None, 10, 0)
    with pytest.raises(ValueRangeError, match="no surface 'torus'"):
        metric_options.read_surface("torus")
