"""`python -m verify.experiments` runs every experiment, on small images or few points here, and draws it."""

import json

import numpy as np
import pytest

from verify import experiments, registry
from verify.experiments import Options
from verify.experiments.__main__ import main
from verify.experiments.metric_accuracy import Case

# A small run of each: enough to see that it works and that learning learns.
SMALL = ["--size", "24", "--images", "1", "--steps", "4", "--seeds", "1"]
POINTS = {"metric-ground-truths": 3000, "metric-accuracy": 3000, "metric-spectrum": 60}


def test_every_figure_of_the_paper_has_its_experiment_and_so_have_certificates_and_metrics():
    paper = ["gradient-angles", "krylov-rank-time", "predictor", "training-curves"]
    found = registry.names(experiments)
    assert [name for name in found if not name.startswith("metric-")] == sorted(["certificate", "large-times", *paper])
    metrics = ("drift", "frozen", "gain", "ground-truths", "infinite-width", "memory", "spectrum")
    assert {f"metric-{name}" for name in metrics} <= set(found)


@pytest.fixture(autouse=True)
def _fewer_cases(monkeypatch):
    """One scenario, one time: what differs between cases is data, and compiling references takes long."""
    monkeypatch.setattr(registry.load(experiments, "training-curves"), "CASES", (("a", True),))
    monkeypatch.setattr(registry.load(experiments, "gradient-angles"), "TIMES", (1.0,))
    monkeypatch.setattr(registry.load(experiments, "gradient-angles"), "SHOWN_TIME", 1.0)
    panels = {"rank": [("rank 1", 1.0, 5, 1), ("rank 2", 1.0, 5, 2)]}
    monkeypatch.setattr(registry.load(experiments, "krylov-rank-time"), "PANELS", panels)
    few_metrics = {
        "metric-frozen": {
            "DIMENSIONS": (2,),
            "FEATURES": (("coordinates", 0.2), ("symmetric", None)),
            "HELD_OUT": 40,
            "WIDTH": 4,
        },
        "metric-infinite-width": {"DIMENSIONS": (1,), "FEATURES": ("symmetric",), "WIDTH": 4},
        "metric-spectrum": {"KERNEL_POINTS": 5, "WIDTH": 4, "DEPTH": 1},
        "metric-drift": {"WIDTHS": (4, 16), "KERNEL_POINTS": 5},
        # Processes of their own that compile anew: the time is mostly that.
        "metric-accuracy": {"CASES": (Case("cubic", 1, 80.0, 0.001, None),), "SEEDS": 1},
        "metric-memory": {"DIMENSIONS": (1, 2), "WIDTH": 4},
        "metric-gain": {"PAPER": {1e-4: (2e4, 5, 3e4), 0.4: (1, 2, 1.7)}},
    }
    for name, values in few_metrics.items():
        for constant, few in values.items():
            monkeypatch.setattr(registry.load(experiments, name), constant, few)
    for constant, few in {"TIMES": (0.5, 20.0), "STEPS": (1, 2), "TRUTH": 40}.items():
        monkeypatch.setattr(registry.load(experiments, "large-times"), constant, few)
    for name, few in (("LABELS", (2,)), ("TIMES", (5.0,)), ("DIMENSIONS", (4,)), ("TRUTH_DIMENSION", 14)):
        monkeypatch.setattr(registry.load(experiments, "certificate"), name, few)


@pytest.mark.parametrize("name", registry.names(experiments))
def test_it_writes_its_settings_its_numbers_and_its_pictures(name, tmp_path, capsys):
    path = tmp_path / "numbers.json"
    points = POINTS.get(name, 20)
    small = [*SMALL, "--points", str(points)]
    code = main([name, *small, "--json", str(path), "--figures", str(tmp_path / "figures")])
    # So few points may miss what must be reached; the exit code says so.
    assert code == ("MISSED" in capsys.readouterr().out)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["experiment"] == name
    chosen = {"points": points} if name.startswith("metric-") else {"size": 24}
    assert chosen.items() <= content["settings"].items()
    assert content["data"]
    (picture,) = (tmp_path / "figures").iterdir()
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("sigma", "code"), [(0.0009, 0), (0.0011, 1), (float("nan"), 1)])
def test_an_accuracy_that_is_missed_ends_with_1(sigma, code, monkeypatch):
    accuracy = registry.load(experiments, "metric-accuracy")
    monkeypatch.setattr(accuracy, "_train", lambda *given: {"sigma": sigma, "history": []})
    assert main(["metric-accuracy"]) == code


def test_a_spectrum_is_taken_at_several_steps_of_one_training():
    report = registry.load(experiments, "metric-spectrum").run(Options(points=1000, steps=20, seeds=1))
    for one in report.data["spectra"]:
        steps = [look["step"] for look in one["looks"]]
        assert steps == sorted(steps)
        assert (steps[0], steps[-1], len(steps) >= 4) == (0, 20, True)
        spectra = [np.array(look["eigenvalues"]) for look in one["looks"]]
        # Steps change the kernel; drift is how much of it, of what it was.
        assert all(np.abs(later - spectra[0]).max() > 1e-6 * spectra[0][0] for later in spectra[1:])
        assert one["looks"][0]["drift"] == 0.0
        assert all(look["drift"] > 0.0 for look in one["looks"][1:])


def test_one_large_space_takes_fewer_products_than_steps_and_what_does_not_suffice_is_told(tmp_path):
    path = tmp_path / "numbers.json"
    assert main(["large-times", "--size", "24", "--steps", "12", "--json", str(path)]) == 0
    one, two, *_ = json.loads(path.read_text(encoding="utf-8"))["data"]["rows"]
    assert (one["steps"], two["steps"]) == (1, 2)
    assert one["products"] < two["products"]
    assert one["m"] >= two["m"]
    assert main(["large-times", "--size", "24", "--steps", "2", "--json", str(path)]) == 0
    assert json.loads(path.read_text(encoding="utf-8"))["data"]["rows"][-1]["m"] == "> 2"


def test_wrong_arguments_are_refused():
    with pytest.raises(SystemExit) as refusal:
        main(["predictor", "--size", "0"])
    assert refusal.value.code == 2
