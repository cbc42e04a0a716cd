"""The bars compare the fastest of those who are accurate enough, in the same rounds."""

import time

import numpy as np
import pytest

from verify.benchmarks import Report, Row, _markdown, _picture
from verify.benchmarks._in_turn import FEWEST, Candidate, Measured, Timing, ratio, relative_error, time_in_turn
from verify.benchmarks.gradient import compare, fastest, our_candidates, our_tolerances
from verify.instances import colors_instance
from verify.reporting import Bar


def measured(who, error, seconds, *, ours=False, hot=True):
    timing = Timing(dict(enumerate(seconds)), 1.0)
    return Measured(Candidate(who, "", lambda: None, np.asarray, ours=ours, hot=hot), error, timing)


FIELD = [
    measured("laflow, rough", 1e-2, [0.5], ours=True),
    measured("laflow", 1e-6, [1.0], ours=True),
    measured("laflow, fine", 1e-9, [2.0], ours=True),
    measured("laflow, not compared", 1e-9, [0.1], ours=True, hot=False),
    measured("peer, rough", 1e-2, [3.0]),
    measured("peer", 1e-5, [12.0]),
    measured("peer, finer and faster", 1e-7, [11.0]),
]


@pytest.mark.parametrize(
    ("level", "ours", "peer"),
    [(1e-1, "laflow, rough", "peer, rough"), (1e-5, "laflow", "peer, finer and faster")],
)
def test_the_fastest_of_the_accurate_is_chosen(level, ours, peer):
    assert fastest(FIELD, level, ours=True).candidate.who == ours
    assert fastest(FIELD, level, ours=False).candidate.who == peer


def test_a_bar_is_met_or_missed_by_the_ratio():
    met, missed = compare(FIELD, {1e-5: 11.0, 1e-1: 6.5})[0]
    assert (met.value, met.met) == (11.0, True)
    assert (missed.value, missed.met) == (6.0, False)


def test_a_level_that_one_side_does_not_reach_is_missed_and_said():
    (bar,), (words,) = compare(FIELD, {1e-8: 10.0})
    assert not bar.met
    assert "no peer" in words


def test_ratios_are_taken_round_by_round():
    """A machine that is ten times slower in one round changes no ratio."""
    slow, fast = Timing({0: 2.0, 1: 20.0, 2: 2.0}, 1.0), Timing({0: 1.0, 1: 10.0, 2: 1.0}, 1.0)
    assert ratio(slow, fast) == 2.0
    assert ratio(Timing({1: 20.0}, 1.0), fast) == 2.0


def test_slow_computations_are_left_out_of_rounds_but_never_of_all():
    calls = {"fast": 0, "slow": 0, "slowest": 0}

    def sleeping(name, seconds):
        def compute():
            calls[name] += 1
            time.sleep(seconds)

        return compute

    computations = [sleeping("fast", 0.0), sleeping("slow", 0.02), sleeping("slowest", 0.2)]
    fast, slow, slowest = time_in_turn(computations, rounds=9, budget=0.1)
    assert len(fast.seconds) == 9
    assert FEWEST <= len(slow.seconds) < 9
    assert len(slowest.seconds) == 1
    # One run more each, to warm up.
    assert calls == {"fast": 10, "slow": len(slow.seconds) + 1, "slowest": 2}


def test_only_columns_with_values_are_shown():
    titles, cells = Report((Row("someone", "somehow", 1, ms=2.0), Row("other", "", 1)), ()).table()
    assert titles == ("who", "config", "threads", "median ms")
    assert cells == [("someone", "somehow", 1, 2.0), ("other", "", 1, None)]


def test_the_front_holds_what_nobody_beats_in_both():
    points = [(1e-2, 1.0), (1e-3, 3.0), (1e-3, 2.0), (1e-4, 1.5), (1e-5, 4.0)]
    assert _picture.front(points) == [(1e-2, 1.0), (1e-4, 1.5), (1e-5, 4.0)]


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_picture_is_drawn(tmp_path, suffix):
    rows = [Row("a", "x", 1, error=1e-3, ms=2.0), Row("b", "y", 1, error=1e-5, ms=3.0)]
    _picture.error_against_time(rows, tmp_path / f"picture{suffix}")
    assert (tmp_path / f"picture{suffix}").stat().st_size > 1000


def test_a_table_takes_the_place_of_the_old_one_and_leaves_the_rest(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- gradient -->\nold\n<!-- end of gradient -->\nafter\n", encoding="utf-8")
    report = Report((Row("someone", "some\\how", 1, ms=2.0),), (Bar("a claim", 1.0, False),), ("a remark",))
    for _ in range(2):
        _markdown.write(page, "gradient", "the command", "a machine", report)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert text.count("| someone | some\\how | 1 | 2 |") == 1
    assert "**missed**" in text
    assert "`the command` on a machine" in text
    with pytest.raises(ValueError, match="no place for scaling"):
        _markdown.write(page, "scaling", "the command", "a machine", report)


def test_every_tolerance_is_measured_or_said_to_be_refused():
    """In float64 all are kept; float32 certifies the roughest ones only, and the table says so."""
    instance = colors_instance((12, 13), 3)
    (best,) = our_candidates(instance, choices=((14, 12),))
    truth = best.plain(best.compute())
    able, refused = our_tolerances(instance, single=False)
    assert refused == []
    for candidate in able:
        tolerance = float(candidate.config.removeprefix("tol="))
        assert relative_error(candidate.plain(candidate.compute()), truth) <= tolerance
    single, said = our_tolerances(instance, single=True)
    assert len(single) + len(said) == len(able)
    assert any("tol=1e-09, is refused" in words for words in said)
