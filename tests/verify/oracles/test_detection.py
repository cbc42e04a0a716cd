"""Every oracle sees the fault that it publishes, and the documentation says what is measured."""

import importlib
import pkgutil
import re

import numpy as np
import pytest

from verify import oracles
from verify.oracles import detection
from verify.oracles.__main__ import BEGIN, END, PAGE, main, with_table
from verify.oracles.verdict import Verdict

NOT_ORACLES = {"__main__", "detection", "neighbourhoods", "verdict"}  # plumbing; the neighbours are exact integers

# They give values and curvatures of metrics: no gradient of a flow to plant faults in. Their own tests plant some.
METRICS = {
    "cubic_periods": "test_cubic_periods",
    "differenced_kernel": "test_kernel_oracles",
    "implicit_surface": "test_implicit_surface",
    "nested_kernel": "test_kernel_oracles",
    "radial_metrics": "test_radial_metrics",
}


@pytest.fixture(scope="module", name="found")
def measured():
    return detection.detections()


def test_every_oracle_sees_what_it_publishes_and_accepts_the_exact_gradient(found):
    assert [row.oracle for row in found if not row.kept] == []
    assert all(row.seen <= row.published for row in found)


def test_every_module_of_oracles_is_measured_and_publishes_a_limit(found):
    names = {module.name for module in pkgutil.iter_modules(oracles.__path__)} - NOT_ORACLES - set(METRICS)
    assert {row.oracle.split(" ")[0] for row in found} == names
    for name in names:
        module = importlib.import_module(f"verify.oracles.{name}")
        assert 0.0 < module.DETECTION_LIMIT < 1e-2
        assert "Detection limit:" in (module.__doc__ or "")


def test_every_oracle_has_tests_of_its_own(found):
    here = PAGE.parents[1] / "tests" / "verify" / "oracles"
    for name in {row.oracle.split(" ")[0] for row in found}:
        assert (here / f"test_{name}.py").exists()


def test_every_oracle_of_metrics_has_tests_and_the_page_tells_of_it():
    here, page = PAGE.parents[1] / "tests" / "verify" / "oracles", PAGE.read_text(encoding="utf-8")
    for name, tests in METRICS.items():
        assert name in (here / f"{tests}.py").read_text(encoding="utf-8")
        assert f"`{name}`" in page


def test_orders_and_errors_are_what_they_must_be():
    assert [figure.what for figure in detection.figures() if not figure.reached] == []


def test_a_blind_oracle_sees_nothing_and_one_that_flags_everything_sees_nothing_either():
    assert detection.smallest_seen(lambda fault: Verdict(0.0, 1.0), 1e-3) == float("inf")
    assert detection.smallest_seen(lambda fault: Verdict(1.0, 0.0), 1e-3) == float("inf")


def test_an_oracle_that_sees_one_sign_only_sees_nothing():
    assert detection.smallest_seen(lambda fault: Verdict(max(fault, 0.0), 0.0), 1e-3) == float("inf")


def test_the_ladder_stops_at_the_first_fault_that_is_missed():
    """Sees 1e-8 by luck, but not 1e-6: its limit is the last above that."""

    def lucky(fault):
        return Verdict(abs(fault), 3e-6 if abs(fault) > 2e-8 else 0.0)

    assert np.isclose(detection.smallest_seen(lucky, 1e-3), 10**-5.5) or detection.smallest_seen(lucky, 1e-3) == 1e-5


def test_the_page_names_every_oracle_with_the_limit_that_it_publishes(found):
    table = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    rows = re.findall(r"^\| `([^`]+)` \| [^|]+ \| ([\d.e+-]+) \|", table, re.MULTILINE)
    published = {row.oracle: f"{row.published:.1e}" for row in found}
    assert dict(rows) == published


def test_a_table_replaces_the_one_that_stands_there(found):
    page = f"before\n{BEGIN}stale rows\n{END}after\n"
    made = with_table(page, found, [])
    assert "stale rows" not in made
    assert made.startswith("before\n")
    assert made.endswith("after\n")
    assert with_table(made, found, []) == made


def test_the_command_fails_if_an_oracle_misses_its_limit(monkeypatch, capsys):
    blind = detection.Detection("blind", "nothing", 1e-3, float("inf"), 0.0, 0.0)
    monkeypatch.setattr("verify.oracles.__main__.detections", lambda: [blind])
    monkeypatch.setattr("verify.oracles.__main__.figures", list)
    assert main([]) == 1
    assert "missed: blind" in capsys.readouterr().err
