"""Numbers that callers give: as they are needed, or refused with the value found."""

import numpy as np

from laflow.errors import ValueRangeError


def positive_number(value: float, name: str) -> float:
    """`value` as a float, refusing what is not finite and larger than zero."""
    number = _as_float(value, name)
    if not (np.isfinite(number) and number > 0.0):
        raise ValueRangeError(f"{name} is {value!r}: give a finite number larger than 0")
    return number


def non_negative_number(value: float, name: str) -> float:
    """`value` as a float, refusing what is not finite and at least zero."""
    number = _as_float(value, name)
    if not (np.isfinite(number) and number >= 0.0):
        raise ValueRangeError(f"{name} is {value!r}: give a finite number, 0 or larger")
    return number


def whole_number(value: int, name: str, *, least: int = 1) -> int:
    """`value` as an int, refusing what is not whole or smaller than `least`."""
    number = _as_float(value, name)
    if number != np.floor(number) or not np.isfinite(number) or number < least:
        raise ValueRangeError(f"{name} is {value!r}: give a whole number, {least} or larger")
    return int(number)


def _as_float(value: float, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise ValueRangeError(f"{name} is {value!r}: give a number") from error
