"""Numbers are told with their errors, and what is no number is never told as one."""

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laflow.cli import metric_report
from laflow.cli.metric_compare import sigma_after
from laflow.cli.metric_options import read_surface
from laflow.cli.metric_pictures import surface_title
from laflow.metric.geometry.estimates import Estimate
from laflow.metric.learning.training import TrainingStep


@pytest.mark.parametrize(
    ("value", "error", "told"),
    [
        (0.37554, 0.00212, "0.3755 ± 0.0021"),
        (-175.19, 12.8, "-175 ± 13"),
        (0.00015234, 0.0000012, "0.0001523 ± 0.0000012"),
        (7.86e-8, 1.7e-9, "(7.86 ± 0.17)e-08"),
        (0.0, 3.0e-6, "(0.0 ± 3.0)e-06"),
        (5.0, 1e-17, "5"),
        (0.017618949, 0.0, "0.017618949"),
        (math.nan, 1.0, "nan ± 1.0"),
    ],
)
def test_values_are_told_with_two_digits_of_their_error(value, error, told):
    assert metric_report.with_error(Estimate(value, error)) == told


@given(st.floats(-1e6, 1e6), st.floats(-12.0, 3.0))
def test_what_is_told_is_the_value_within_a_share_of_its_error(value, power):
    error = 10.0**power
    told = metric_report.with_error(Estimate(value, error))
    if "±" not in told:
        assert error <= 1e-12 * abs(value)
        return
    found = re.fullmatch(r"\(?(\S+) ± ([^\s)]+)\)?(e[+-]\d+)?", told)
    scale = float(f"1{found[3] or ''}")
    # Two digits: half a unit of the second one is at most a twentieth of the error.
    assert abs(float(found[1]) * scale - value) <= 0.051 * error + 1e-12 * abs(value)
    assert abs(float(found[2]) * scale - error) <= 0.051 * error


def test_json_has_null_for_what_is_no_number():
    looks = [TrainingStep(3, 1.5, 0.2, math.nan, math.inf, 1e-4, "recovered")]
    (told,) = metric_report.history_of(looks)
    assert told == {"step": 3, "seconds": 1.5, "loss": None, "sigma": None, "rate": 1e-4, "event": "recovered"}
    json.dumps(told, allow_nan=False)
    assert metric_report.as_json({"a": [Estimate(1.0, 0.5)]}) == {"a": [{"value": 1.0, "standard_error": 0.5}]}


def look(step, seconds, event=""):
    return TrainingStep(step, seconds, seconds / 60, 1e-4, 0.01, 1.0, event)


def test_without_a_terminal_lines_come_a_dozen_a_training_and_at_every_event(capsys, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("laflow.cli.metric_report.monotonic", lambda: clock[0])
    with metric_report.training_progress("training", 60.0) as watch:
        for seen in (look(0, 0.0), look(1, 2.0), look(2, 3.0, "recovered"), look(3, 7.0), look(4, 9.0)):
            clock[0] = seen.seconds
            watch(seen)
    assert capsys.readouterr().err.splitlines() == [
        "training ...",
        "training: step 0, 0.0 s, loss 1.00e-04, σ 0.01 ...",
        f"training: step 2, 3.0 s, loss 1.00e-04, σ 0.01; {metric_report.EVENTS['recovered']} ...",
        "training: step 4, 9.0 s, loss 1.00e-04, σ 0.01 ...",
    ]


def test_a_terminal_has_a_bar_with_the_same_figures(capsys, monkeypatch):
    from rich.console import Console

    def terminal(**options):
        return Console(**options, force_terminal=True, width=200)

    monkeypatch.setattr("laflow.cli.metric_report.Console", terminal)
    with metric_report.training_progress("training", 60.0) as watch:
        watch(look(0, 0.0))
        watch(look(1, 30.0, "restarted"))
    told = capsys.readouterr().err
    assert "step 1, 30.0 s, loss 1.00e-04, σ 0.01" in told
    assert "collapsed to Fubini–Study" in told


def test_sigma_along_the_way_is_the_best_so_far():
    history = [{"seconds": s, "sigma": sigma} for s, sigma in ((1.0, 0.4), (2.0, 0.1), (3.0, None), (4.0, 0.2))]
    training = {"history": history}
    assert [sigma_after(training, mark) for mark in (0.5, 1.0, 3.5, 4.0, 7.0, 9.0)] == [
        "",
        "0.4",
        "0.1",
        "0.1",
        "0.1",
        "",
    ]
    assert sigma_after(None, 1.0) == ""


@pytest.mark.parametrize(
    ("surface", "title"),
    [
        ("fermat-cubic", "$z_0^3+z_1^3+z_2^3 = 0$"),
        ("z0^3 + z1^3 + 0.5*z2^3 - 2*z0*z1*z2", "$z_0^3-2z_0z_1z_2+z_1^3+0.5z_2^3 = 0$"),
        ("dwork-cubic:0.5j", "$z_0^3+(0-1.5j)z_0z_1z_2+z_1^3+z_2^3 = 0$"),
    ],
)
def test_titles_write_the_equation(surface, title):
    assert surface_title(read_surface(surface)) == title
