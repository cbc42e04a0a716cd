"""What the lemmas of infinite width quote (Gaussian integrals, Price's theorem) holds: they give expectations."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import erf

from derivations.algebra import Array, scalar
from derivations.metric import infinite_width_cosine, infinite_width_erf, infinite_width_relu
from derivations.metric.infinite_width import inputs
from verify.arithmetic import ComplexFloats
from verify.formulas import Evaluator

variances = st.floats(0.05, 1.5)
correlations = st.floats(-0.99, 0.99)
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(60)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def number(expr: sp.Expr, arrays: dict[Array, float], **scalars: float) -> float:
    """An expression of the lemmas at numbers."""
    values = {array.name: np.array(value) for array, value in arrays.items()}
    return complex(Evaluator(ComplexFloats(), values, {"pi": np.pi, **scalars}, {})(scalar(expr))[()]).real


def gaussian_mean(function, first: float, second: float, correlation: float) -> float:
    """E f(h) f(k) by a product of Gauss-Hermite rules."""
    h = np.sqrt(first) * NODES[:, None]
    k = np.sqrt(second) * (correlation * NODES[:, None] + np.sqrt(1 - correlation**2) * NODES[None, :])
    return float(np.sum(WEIGHTS[:, None] * WEIGHTS[None, :] * function(h) * function(k)))


def angular_mean(function, correlation: float) -> float:
    """The mean of f(h) f(k) over the circle, h and k of length one, by a rule that knows where either changes sign."""
    angle = np.arccos(correlation)
    kinks = np.sort(
        [np.pi / 2, 3 * np.pi / 2, (angle + np.pi / 2) % (2 * np.pi), (angle + 3 * np.pi / 2) % (2 * np.pi)]
    )
    value, _ = quad(lambda t: function(np.cos(t)) * function(np.cos(t - angle)), 0, 2 * np.pi, points=kinks, limit=100)
    return value / (2 * np.pi)


@settings(max_examples=25)
@given(variances, variances, correlations)
def test_the_kernel_of_erf_and_its_slope_are_expectations(first, second, correlation):
    covariance = correlation * np.sqrt(first * second)
    widened = (1 + 2 * first) * (1 + 2 * second)
    angle = np.arcsin(2 * covariance / np.sqrt(widened))
    at = {
        infinite_width_erf.angle: angle,
        infinite_width_erf.sine: np.sin(angle),
        infinite_width_erf.cosine: np.cos(angle),
    }
    scalars = {"A": 1 + 2 * first, "B": 1 + 2 * second}
    # the rule of 60 nodes is exact to about 1e-8 for erf of these widths
    assert number(infinite_width_erf.covariance, at, **scalars) == pytest.approx(covariance, abs=1e-12)
    assert number(infinite_width_erf.kernel, at) == pytest.approx(
        gaussian_mean(erf, first, second, correlation), abs=1e-6
    )
    slope = gaussian_mean(lambda h: 2 / np.sqrt(np.pi) * np.exp(-(h**2)), first, second, correlation)
    assert number(infinite_width_erf.slope, at, **scalars) == pytest.approx(slope, abs=1e-6)
    excess = {"a'": first - 1, "b'": second - 1, "c": covariance}
    assert number(infinite_width_erf.slope_of_covariance, {}, **excess) == pytest.approx(slope, abs=1e-6)


@settings(max_examples=25)
@given(variances, variances, correlations)
def test_the_kernel_of_relu_and_its_slope_are_expectations(first, second, correlation):
    angle, length = np.arccos(correlation), np.sqrt(first * second)
    at = {
        infinite_width_relu.angle: angle,
        infinite_width_relu.sine: np.sin(angle),
        infinite_width_relu.cosine: np.cos(angle),
    }
    # E f(h) f(k) = E r² · (mean over the circle) for the ReLU, with E r² = 2; the step does not see r
    relu = 2 * length * angular_mean(lambda h: max(h, 0.0), correlation)
    assert number(infinite_width_relu.kernel, at, ell=length) == pytest.approx(relu, abs=1e-9)
    step = angular_mean(lambda h: float(h > 0), correlation)
    assert number(infinite_width_relu.opening, at) == pytest.approx(step, abs=1e-9)


@settings(max_examples=25)
@given(st.floats(0.5, 3.0), st.integers(0, 2**32 - 1))
def test_the_kernel_of_cosine_features_is_an_expectation(ell, seed):
    x, y = np.random.default_rng(seed).normal(size=(2, 2))
    phases = np.arange(4) * np.pi / 2  # exact for waves of two phases
    turned = [NODES[:, None] * p[0] / ell + NODES[None, :] * p[1] / ell for p in (x, y)]
    waves = np.mean([2 * np.cos(turned[0] + b) * np.cos(turned[1] + b) for b in phases], axis=0)
    seen = float(np.sum(WEIGHTS[:, None] * WEIGHTS[None, :] * waves))
    arrays = {"point": x, "other": y}
    evaluator = Evaluator(ComplexFloats(), arrays, {"ell": ell}, {inputs: 2})
    stated = complex(evaluator(scalar(infinite_width_cosine.kernel))[()]).real
    assert stated == pytest.approx(seen, abs=1e-9)  # the rule is exact to rounding for waves of this length
