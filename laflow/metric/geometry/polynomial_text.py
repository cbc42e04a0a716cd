"""Polynomials as text: `z0^5 + z1^5 - 2.5*z0*z1 + (1-0.5j)*z2^2`. Read by a small scanner; nothing is evaluated."""

import re

import numpy as np

from laflow.errors import ValueRangeError
from laflow.metric.geometry.polynomial import Polynomial

_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_TOKEN = re.compile(
    rf"\s*(?:(?P<power>z(?P<index>\d+)(?:\s*(?:\^|\*\*)\s*(?P<exponent>\d+))?)|(?P<number>{_NUMBER}j?)"
    rf"|\((?P<complex>\s*[+-]?{_NUMBER}j?(?:\s*[+-]\s*{_NUMBER}j)?\s*)\)|(?P<sign>[+-])|(?P<times>\*(?!\*)))"
)
MOST_VARIABLES, HIGHEST_EXPONENT = 16, 64


def parse_polynomial(text: str) -> Polynomial:
    """The polynomial that `text` writes: terms joined by + and -, factors by * (which may be left out).

    A factor is a variable z0, z1, ... with a power (^ or **), a number, or a complex number in parentheses like
    (1-0.5j). The number of variables is the highest index plus one. Raises `ValueRangeError` at what it cannot read.
    """
    terms: list[tuple[complex, dict[int, int]]] = []
    place, open_factor = 0, True
    stripped = text.rstrip()
    while place < len(stripped):
        found = _TOKEN.match(stripped, place)
        if found is None:
            raise _unreadable(text, place)
        if found["sign"]:
            if terms and open_factor:
                raise _unreadable(text, place)
            terms.append((-1.0 if found["sign"] == "-" else 1.0, {}))
            open_factor = True
        elif found["times"]:
            if open_factor:
                raise _unreadable(text, place)
            open_factor = True
        else:
            if not terms:
                terms.append((1.0, {}))
            terms[-1] = _multiplied(*terms[-1], found)
            open_factor = False
        place = found.end()
    if open_factor:
        raise _unreadable(text, len(stripped))
    return _assembled(terms)


def polynomial_text(polynomial: Polynomial) -> str:
    """Text that `parse_polynomial` reads back to the same polynomial, bit for bit."""
    written = []
    for exponents, coefficient in zip(polynomial.exponents.tolist(), polynomial.coefficients.tolist(), strict=True):
        powers = [f"z{i}^{e}" if e > 1 else f"z{i}" for i, e in enumerate(exponents) if e]
        number = f"{coefficient.real!r}" if coefficient.imag == 0 else f"{coefficient.real!r}{coefficient.imag:+}j"
        plain = coefficient.imag == 0 and coefficient.real >= 0
        factors = [] if coefficient == 1 and powers else [number if plain else f"({number})"]
        written.append("*".join(factors + powers))
    return " + ".join(written)


def _multiplied(coefficient: complex, powers: dict[int, int], found: re.Match[str]) -> tuple[complex, dict[int, int]]:
    if not found["power"]:
        return coefficient * complex((found["number"] or found["complex"]).replace(" ", "")), powers
    index, exponent = int(found["index"]), int(found["exponent"] or 1)
    if index >= MOST_VARIABLES or powers.get(index, 0) + exponent > HIGHEST_EXPONENT:
        raise ValueRangeError(
            f"{found['power']} goes too far: give variables z0 to z{MOST_VARIABLES - 1} with exponents up to "
            f"{HIGHEST_EXPONENT}"
        )
    return coefficient, powers | {index: powers.get(index, 0) + exponent}


def _assembled(terms: list[tuple[complex, dict[int, int]]]) -> Polynomial:
    variables = 1 + max((index for _, powers in terms for index in powers), default=0)
    exponents = np.zeros((len(terms), variables), dtype=np.int64)
    for row, (_, powers) in enumerate(terms):
        for index, exponent in powers.items():
            exponents[row, index] = exponent
    return Polynomial(exponents, np.array([coefficient for coefficient, _ in terms], dtype=np.complex128))


def _unreadable(text: str, place: int) -> ValueRangeError:
    return ValueRangeError(
        f"cannot read the polynomial {text!r} at {text[place : place + 12]!r} (character {place}): write it like "
        "z0^3 + z1^3 - 2.5*z0*z1*z2 + (1-0.5j)*z2^3"
    )
