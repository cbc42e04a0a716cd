"""Smooth activations of a unit with their first three derivatives, which the jets of a network need.

The derivatives are proved in `derivations/metric/activations.py`. The hyperbolic tangent runs in a generated kernel;
others need functions (erf, sine) that SciPy and NumPy evaluate better than a kernel made of exponentials would.
"""

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit

from laflow.errors import ValueRangeError
from laflow.kernels import activation_tanh
from laflow.metric.model.kernel_workspace import workspace
from laflow.metric.model.normal_distribution import normal_distribution

Array = NDArray[Any]
Jet = tuple[Array, Array, Array, Array]


def activation_jet(name: str, values: Array) -> Jet:
    """σ, σ', σ'', σ''' at `values`, of the same shape and type. `ValueRangeError` for an unknown activation."""
    return checked_activation(name)(values)


def checked_activation(name: str) -> Callable[[Array], Jet]:
    """The activation of this name, with its derivatives."""
    if name not in ACTIVATIONS:
        raise ValueRangeError(f"the activation is {name!r}: give one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def _tanh(u: Array) -> Jet:
    value, first, second, third = (np.empty_like(u) for _ in range(4))
    flat = [part.reshape(-1) for part in (np.ascontiguousarray(u), value, first, second, third)]
    activation_tanh.sites(*flat, workspace(activation_tanh, flat[0]))
    return value, first, second, third


def _softplus(u: Array) -> Jet:
    share = expit(u)
    first_change = share * (1 - share)
    return np.logaddexp(u, u.dtype.type(0)), share, first_change, first_change * (1 - 2 * share)


def _gelu(u: Array) -> Jet:
    """u Φ(u) with the normal distribution Φ, and not its approximation by a hyperbolic tangent."""
    kind, share, square = u.dtype.type, normal_distribution(u), u * u
    normal = square * kind(-0.5)
    np.exp(normal, out=normal)
    normal *= kind(1 / sqrt(2 * pi))
    moved = u * normal
    first = share + moved
    second = normal * (2 - square)
    square -= 4
    moved *= square
    share *= u
    return share, first, second, moved


def _erf(u: Array) -> Jet:
    first = np.exp(-u * u) * u.dtype.type(2 / sqrt(pi))
    return erf(u), first, -2 * u * first, (4 * u * u - 2) * first


def _sine(u: Array) -> Jet:
    sine, cosine = np.sin(u), np.cos(u)
    return sine, cosine, -sine, -cosine


def _square(u: Array) -> Jet:
    return u * u, 2 * u, np.full_like(u, 2), np.zeros_like(u)


ACTIVATIONS: dict[str, Callable[[Array], Jet]] = {
    "gelu": _gelu,
    "tanh": _tanh,
    "softplus": _softplus,
    "erf": _erf,
    "sine": _sine,
    "square": _square,
}
