"""Standard errors by lines are honest: they cover as often as they say, where naive ones do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laflow.errors import ShapeError, ValueRangeError
from laflow.metric.geometry.estimates import estimated_mean, estimated_ratio


def correlated(rng, lines=400, size=5, shared=0.7):
    line = np.repeat(np.arange(lines), size)
    return shared * rng.standard_normal(lines)[line] + (1.0 - shared) * rng.standard_normal(line.size), line


def test_errors_of_correlated_points_cover_as_often_as_they_say_and_naive_ones_do_not():
    rng = np.random.default_rng(0)
    honest = naive = 0
    for _ in range(400):
        values, line = correlated(rng)
        found = estimated_mean(values, line)
        honest += abs(found.value) <= 1.96 * found.standard_error
        naive += abs(found.value) <= 1.96 * values.std() / np.sqrt(values.size)
    # 95% of 400 is 380 ± 4.4; naive errors are low by √(1 + 4·0.84) = 2.1.
    assert 366 <= honest <= 394
    assert naive <= 300


def test_errors_of_ratios_cover_as_often_as_they_say():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        noise, line = correlated(rng)
        weights = np.exp(0.3 * rng.standard_normal(line.size))
        found = estimated_ratio(weights * (2.0 + noise), weights, line)
        covered += abs(found.value - 2.0) <= 1.96 * found.standard_error
    assert 366 <= covered <= 394


def test_a_ratio_that_is_the_same_at_all_points_has_no_error():
    weights, line = correlated(np.random.default_rng(2))
    found = estimated_ratio(3.0 * (weights + 9.0), weights + 9.0, line)
    assert found.value == pytest.approx(3.0, rel=1e-14)
    assert found.standard_error <= 1e-15


@given(st.integers(2, 30), st.integers(0, 99))
def test_a_mean_of_independent_points_has_the_classical_error(count, seed):
    values = np.random.default_rng(seed).standard_normal(count)
    found = estimated_mean(values, np.arange(count))
    assert found.value == pytest.approx(values.mean(), abs=1e-14)
    assert found.standard_error == pytest.approx(values.std(ddof=1) / np.sqrt(count), rel=1e-12)


@given(st.integers(0, 99), st.floats(0.1, 10.0))
def test_order_of_points_and_names_of_lines_do_not_matter(seed, factor):
    rng = np.random.default_rng(seed)
    values, line = correlated(rng, lines=9)
    order, names = rng.permutation(values.size), rng.permutation(1000)[:9]
    one, two = estimated_mean(values, line), estimated_mean(factor * values[order], names[line][order])
    assert two.value == pytest.approx(factor * one.value, rel=1e-12, abs=1e-14)
    assert two.standard_error == pytest.approx(one.scaled(-factor).standard_error, rel=1e-12)


def test_points_of_one_line_or_without_lines_are_refused():
    with pytest.raises(ValueRangeError, match="2 lines"):
        estimated_mean(np.ones(5), np.zeros(5, dtype=np.int64))
    with pytest.raises(ShapeError, match="one line index for each"):
        estimated_mean(np.ones(5), np.zeros(4, dtype=np.int64))
