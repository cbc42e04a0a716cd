"""∂_a∂̄_b∂'_c∂̄'_d of a function of two points, by central differences in 80 digits (mpmath).

The points' features are polynomials in real coordinates with the given Kähler jets at the origin, so that every
derivative is one of a function of real numbers. Steps of 1e-12 leave an error of about 1e-23: exact in float64.
"""

from collections.abc import Callable, Sequence
from itertools import product

import mpmath as mp
import numpy as np

DIGITS, STEP = 80, "1e-12"

Vector = list[mp.mpf]
# ∂_a∂̄_b = (1/4) Σ over real and imaginary parts of both: (∂_s - i∂_t)(∂_s + i∂_t)
FACTORS = {(0, 0): 1.0, (0, 1): 1j, (1, 0): -1j, (1, 1): 1.0}


def differenced_corner(function: Callable[[Vector, Vector], mp.mpf], jets: np.ndarray, entry: Sequence[int]) -> complex:
    """One entry (p, a, b, q, c, d) of ∂_a∂̄_b∂'_c∂̄'_d function(f(x_p), f(x_q)), for jets (channels, N, features)."""
    p, a, b, q, c, d = entry
    with mp.workdps(DIGITS):
        found = mp.mpc(0)
        for (left, one), (right, other) in product(FACTORS.items(), repeat=2):
            second = _second(a, b, left), _second(c, d, right)
            for (sign, x), (turn, y) in product(*second):
                value = function(_features(jets[:, p], x), _features(jets[:, q], y))
                found += mp.mpc(one * other) * sign * turn * value
        return complex(found / (16 * (4 * mp.mpf(STEP) ** 2) ** 2))


def _second(a: int, b: int, parts: tuple[int, int]) -> list[tuple[int, dict[tuple[int, int], mp.mpf]]]:
    """D_u D_v f = (f(u+v) - f(u-v) - f(-u+v) + f(-u-v)) / 4h², also for u = v: signs and places."""
    step, found = mp.mpf(STEP), []
    for first, second in product((1, -1), repeat=2):
        place: dict[tuple[int, int], mp.mpf] = {}
        for coordinate, part, sign in ((a, parts[0], first), (b, parts[1], second)):
            place[coordinate, part] = place.get((coordinate, part), mp.mpf(0)) + sign * step
        found.append((first * second, place))
    return found


def _features(jet: np.ndarray, place: dict[tuple[int, int], mp.mpf]) -> Vector:
    """f_0 + 2 Re(f_a x_a) + Re(f_ab̄ x_a x̄_b) at x = the `place`, exactly as the jet (channels, features) says."""
    n = int(np.sqrt(jet.shape[0])) - 1
    x = [mp.mpc(place.get((a, 0), 0), place.get((a, 1), 0)) for a in range(n)]
    found = []
    for feature in range(jet.shape[1]):
        number = [mp.mpf(float(value)) for value in jet[:, feature]]
        value = number[0] + sum(2 * (number[1 + a] * x[a].real - number[1 + n + a] * x[a].imag) for a in range(n))
        for a, b in product(range(n), repeat=2):
            packed, turned = number[1 + 2 * n + a * n + b], number[1 + 2 * n + b * n + a]
            hermitian = mp.mpc((packed + turned) / 2, (packed - turned) / 2)
            value += (hermitian * x[a] * mp.conj(x[b])).real
        found.append(value)
    return found
