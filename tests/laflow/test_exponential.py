"""The exponential of the kernels against ball arithmetic and the C library."""

import math

import flint
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laflow.exponential import exp


def units_off(x: float) -> float:
    """The error of exp(x) in units in the last place of the exact value, to 100 bits."""
    with flint.ctx.workprec(100) if hasattr(flint.ctx, "workprec") else flint.ctx:
        exact = flint.arb(x).exp()
        error = abs(flint.arb(float(exp(x))) - exact)
        return float(error.mid()) / float(np.spacing(float(exact.mid())))


@given(st.floats(-745.0, 709.7))
def test_the_exponential_is_within_one_unit_in_the_last_place(x: float) -> None:
    assert units_off(x) <= 1.0


@given(st.floats(-0.7, 0.7))
def test_so_it_is_where_softmax_is_most_sensitive(x: float) -> None:
    assert units_off(x) <= 1.0


@pytest.mark.parametrize("power", range(-1074, 1024, 97))
def test_neighbours_of_multiples_of_log_two_are_no_worse(power: int) -> None:
    # There the reduction changes from one multiple to the next; half way between them it is longest.
    for base in (power * math.log(2.0), (power + 0.5) * math.log(2.0)):
        for x in (base, np.nextafter(base, -np.inf), np.nextafter(base, np.inf)):
            if -745.0 < x < 709.7:
                assert units_off(float(x)) <= 1.0


@pytest.mark.parametrize(
    ("x", "value"),
    [
        (0.0, 1.0),
        (-0.0, 1.0),
        (-745.1, 5e-324),
        (-746.0, 0.0),
        (-1e300, 0.0),
        (-math.inf, 0.0),
        (709.8, math.inf),
        (math.inf, math.inf),
    ],
)
def test_limits_are_those_of_the_c_library(x: float, value: float) -> None:
    assert exp(x) == value


def test_what_is_no_number_stays_so() -> None:
    assert math.isnan(exp(math.nan))


@given(st.lists(st.floats(-750.0, 710.0), min_size=1, max_size=40))
def test_interpreted_and_compiled_agree_bit_for_bit(values: list[float]) -> None:
    import laflow.exponential as module

    compiled = [exp(value) for value in values]
    interpreted = module.exp.py_func
    assert compiled == [interpreted(value) for value in values]
