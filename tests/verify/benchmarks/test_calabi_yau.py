"""The benchmark of metrics: all compute the same step, trainings are told apart, MLGeometry may be missing."""

import sys

import numpy as np
import pytest

from verify.benchmarks import MissingPeerError, OptionError, Options, _metric_race, calabi_yau
from verify.benchmarks._metric_race import Finish, race


def test_everyone_computes_the_same_loss_and_gradient():
    (_, _, ours), *others = calabi_yau.step_candidates(2, 4, 1, 50)
    loss, gradient = ours()
    seen = set()
    for who, _, compute in others:
        if who not in seen:  # one size of chunks: compiling takes seconds
            seen.add(who)
            value, slope = compute()
            # Both in single precision, through some ten operations a layer.
            assert float(value) == pytest.approx(loss.value, rel=1e-5)
            np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-5 * np.abs(gradient).max())
    assert seen == {*calabi_yau.AUTODIFF, "jets"}


@pytest.mark.parametrize("who", ["laflow-adam", "jax"])
def test_a_training_in_its_own_process_ends_with_the_clock_and_returns_a_metric(who):
    """How far it gets in a second depends on the machine; that the peer learns is tested beside it."""
    found = race(who, 1, 1.0, 300, 0)
    assert found.steps >= 0
    # Fubini–Study has 0.097 on the cubic, and a fresh model is within a few per cent of its metric.
    assert 0.0 < found.sigma < 0.3


def finishes(sigmas):
    return lambda who, dimension, seconds, points, seed: Finish(who, seconds, seed, sigmas[who], 5, seconds)


def measured(monkeypatch, sigmas, interpreter, **options):
    monkeypatch.setattr(_metric_race, "race", finishes(sigmas))
    monkeypatch.setattr(_metric_race, "mlgeometry_interpreter", lambda: interpreter)
    monkeypatch.setattr(calabi_yau, "STEPS", ())
    return calabi_yau.run(Options(threads=1, **options))


def test_a_peer_with_the_lower_sigma_makes_a_bar_miss(monkeypatch):
    sigmas = {"laflow": 0.002, "laflow-adam": 0.003, "jax": 0.004, "mlgeometry": 0.001}
    report = measured(monkeypatch, sigmas, "python", large=True, rounds=2)
    assert [bar.met for bar in report.bars] == [True, False] * 3
    assert {row.sigma for row in report.rows} == set(sigmas.values())


def test_without_mlgeometry_the_report_says_how_to_install_it(monkeypatch, tmp_path):
    report = measured(monkeypatch, {"laflow": 0.002, "laflow-adam": 0.003, "jax": 0.004}, None)
    assert len(report.bars) == 1
    assert any("pip install MLGeometry-JAX" in remark for remark in report.remarks)
    calabi_yau.plot(report, tmp_path / "sigma.svg")
    assert (tmp_path / "sigma.svg").stat().st_size > 1000


def test_an_interpreter_without_mlgeometry_is_named(monkeypatch):
    monkeypatch.setenv(_metric_race.VARIABLE, sys.executable)
    with pytest.raises(MissingPeerError, match="cannot import MLGeometry"):
        _metric_race.mlgeometry_interpreter()


@pytest.mark.parametrize("options", [Options(threads=2), Options(threads=1, single=True)])
def test_options_that_mean_nothing_here_are_refused(options):
    with pytest.raises(OptionError, match="leave out"):
        calabi_yau.run(options)
