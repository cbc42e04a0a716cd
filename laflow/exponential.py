"""The exponential in operations that compilers turn into vector instructions.

The C library's `exp` is called for one number at a time, which would be half of the cost of a softmax. Here
exp(x) = 2^k exp(r) with k whole and |r| <= log(2)/2: r to twice the working precision (Cody and Waite), exp(r) by
its Taylor polynomial of degree 13, whose remainder is below 2^-57, and 2^k written into the exponent bits.
"""

import numpy as np
from numba import njit

# Multiples of log 2 that have few bits, so that their products with k are exact, and what these lack.
LOG2_HIGH = 6.93147180369123816490e-01
LOG2_LOW = 1.90821492927058770002e-10
INVERSE_LOG2 = 1.4426950408889634

# Adding 1.5 * 2^52 rounds to whole numbers, and leaves them in the last bits of the sum.
WHOLE = 6755399441055744.0
ONE_BITS = 0x3FF0000000000000

# Beyond these the result is 0 or infinite.
LEAST, LARGEST = -746.0, 710.0


@njit(cache=True, error_model="numpy", nogil=True)
def exp(x):  # type: ignore[no-untyped-def]
    """exp(x) within one unit in the last place; gradual underflow to 0, infinite above 709.78."""
    bounded = min(max(x, LEAST), LARGEST)
    power = (bounded * INVERSE_LOG2 + WHOLE) - WHOLE
    r = (bounded - power * LOG2_HIGH) - power * LOG2_LOW
    tail = 1.0 / 6227020800.0
    tail = tail * r + 1.0 / 479001600.0
    tail = tail * r + 1.0 / 39916800.0
    tail = tail * r + 1.0 / 3628800.0
    tail = tail * r + 1.0 / 362880.0
    tail = tail * r + 1.0 / 40320.0
    tail = tail * r + 1.0 / 5040.0
    tail = tail * r + 1.0 / 720.0
    tail = tail * r + 1.0 / 120.0
    tail = tail * r + 1.0 / 24.0
    tail = tail * r + 1.0 / 6.0
    tail = tail * r + 0.5
    grown = 1.0 + (r + r * r * tail)
    # 2^k in two halves, each of which is a number even where the result underflows.
    half = (0.5 * power + WHOLE) - WHOLE
    return (grown * _power_of_two(half)) * _power_of_two(power - half)


@njit(cache=True, error_model="numpy", nogil=True)
def _power_of_two(power):  # type: ignore[no-untyped-def]
    shifted = np.float64(power + WHOLE).view(np.int64) << np.int64(52)
    return np.int64(shifted + np.int64(ONE_BITS)).view(np.float64)
