"""Plain linear algebra on long rows agrees with NumPy, and refuses shapes that would write beyond its memory."""

import numpy as np
import pytest

from laflow.errors import ShapeError
from laflow.linalg import mix_rows, row_products, subtract_rows

# Each entry is a sum of m products: m units in the last place of the sum of magnitudes, here at most about 30.
TOLERANCE = 1e-13


@pytest.mark.parametrize("length", [1, 63, 64, 2048, 5001])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_products_and_combinations_equal_those_of_numpy_at_every_length(length: int, count: int) -> None:
    rng = np.random.default_rng(length + count)
    rows, vector = rng.normal(size=(count, length)), rng.normal(size=length)
    products, square = row_products(rows, vector)
    scale = max(1.0, float(np.abs(rows) @ np.abs(vector) @ np.ones(count)))
    np.testing.assert_allclose(products, rows @ vector, atol=TOLERANCE * scale)
    np.testing.assert_allclose(square, vector @ vector, rtol=TOLERANCE)
    left, expected = vector.copy(), 0.5 * (vector - products @ rows)
    subtract_rows(rows, products, 0.5, left)
    np.testing.assert_allclose(left, expected, atol=TOLERANCE * (1.0 + float(np.abs(products).sum()) * 5.0))
    coefficients, mixed = rng.normal(size=(count, count)), rows.copy()
    mix_rows(coefficients, rows, mixed)
    np.testing.assert_allclose(mixed, coefficients @ rows, atol=1e-11)


def test_rows_may_be_combined_in_place() -> None:
    rng = np.random.default_rng(0)
    rows, coefficients = rng.normal(size=(4, 3000)), rng.normal(size=(2, 4))
    expected = coefficients @ rows
    mix_rows(coefficients, rows, rows[:2])
    np.testing.assert_allclose(rows[:2], expected, atol=1e-12)


@pytest.mark.parametrize(
    ("coefficients", "out"),
    [((3, 4), (2, 10)), ((2, 3), (2, 10)), ((2, 5), (2, 10)), ((2, 4), (2, 9))],
    ids=["a short result", "a column too few", "a column too many", "shorter rows"],
)
def test_shapes_that_do_not_fit_are_refused(coefficients: tuple[int, int], out: tuple[int, int]) -> None:
    with pytest.raises(ShapeError, match="cannot mix rows"):
        mix_rows(np.zeros(coefficients), np.zeros((4, 10)), np.zeros(out))
