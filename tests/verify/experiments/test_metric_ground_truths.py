"""The ground truths of hypersurfaces hold on few points too, within their errors, and a wrong one is seen."""

import json

import numpy as np
import pytest

from laflow.metric.geometry.hypersurface import Hypersurface
from laflow.metric.geometry.polynomial import fermat
from laflow.metric.geometry.sampling import sample_points
from laflow.metric.quality import measures
from laflow.metric.quality.curvature import chern_density
from verify.experiments import Options, metric_ground_truths
from verify.experiments.__main__ import main
from verify.experiments.metric_ground_truths import Row


@pytest.fixture(scope="module")
def report():
    return metric_ground_truths.run(Options(points=12_000, seed=3))


def test_every_row_lies_within_four_errors_of_the_truth(report):
    for row in report.rows:
        # Published values of σ have three digits.
        allowed = max(4.0 * row["error"], 1e-3 if row["name"].startswith("σ") else 0.0)
        assert abs(row["seen"] - row["exact"]) <= allowed, row


def test_all_that_is_known_of_each_hypersurface_is_looked_at(report):
    names = [row["name"] for row in report.rows]
    assert len(set(names)) == len(names)
    for name in ("cubic", "K3", "quintic"):
        for what in ("volume, ", "κ, ", "σ of Fubini–Study, ", "Euler number by g_FS + ∂∂̄φ, ", "∫J^"):
            assert any(known.startswith(what) and known.endswith(name) for known in names)
        for change in ("scale", "permutation", "phase", "patch"):
            assert f"change of det g/|Ω|² and w with {change}, {name}" in names


def test_the_file_has_the_rows_at_its_top_with_the_five_numbers_of_each(tmp_path, capsys):
    path = tmp_path / "rows.json"
    code = main(["metric-ground-truths", "--points", "300", "--json", str(path)])
    content = json.loads(path.read_text(encoding="utf-8"))
    missed = content["settings"]["of"] - content["settings"]["held"]
    assert code == (1 if missed else 0)
    assert all(set(row) == {"name", "exact", "seen", "error", "tolerance"} for row in content["rows"])
    assert content["settings"]["of"] == len(content["rows"])
    assert capsys.readouterr().out.count("MISSED") == missed


@pytest.mark.parametrize(("tolerance", "code"), [(0.2, 0), (0.05, 1)])
def test_the_exit_code_tells_whether_a_row_was_missed(tolerance, code, monkeypatch, capsys):
    rows = [Row("close", 2.0, 2.0, 0.05, 0.15), Row("a tenth off", 2.0, 2.1, 0.05, tolerance)]
    for part in ("_volumes", "_sigma", "_classes", "_chern_numbers", "_ricci_forms", "_ricci_measures"):
        monkeypatch.setattr(metric_ground_truths, part, lambda *given: [])
    monkeypatch.setattr(metric_ground_truths, "_invariances", lambda *given: [])
    monkeypatch.setattr(metric_ground_truths, "_known_metrics", lambda: rows)
    assert main(["metric-ground-truths", "--points", "30"]) == code
    assert ("MISSED" in capsys.readouterr().out) == bool(code)


def test_a_wrong_value_and_no_value_are_misses():
    assert Row("right", 2.0, 2.1, 0.05, 0.15).held
    assert not Row("wrong", 2.0, 2.2, 0.05, 0.15).held
    assert not Row("none", 2.0, float("nan"), 0.05, 0.15).held


@pytest.mark.parametrize("part", ["_sigma", "_chern_numbers", "_classes"])
def test_a_fault_of_a_tenth_is_seen(part, monkeypatch):
    """Determinants and Chern densities a tenth too large."""
    compare = getattr(metric_ground_truths, part)
    sample = sample_points(Hypersurface(fermat(2)), 20_000, np.random.default_rng(0))

    def agree():
        return all(abs(row.seen - row.exact) <= max(4.0 * row.error, row.tolerance) for row in compare(sample))

    assert agree()
    monkeypatch.setattr(measures, "determinants", lambda metric: 1.1 * np.linalg.det(metric).real)
    monkeypatch.setattr(metric_ground_truths, "chern_density", lambda *given: 1.1 * chern_density(*given))
    assert not agree()
