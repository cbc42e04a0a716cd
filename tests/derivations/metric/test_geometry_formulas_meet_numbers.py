"""The typed formulas of the geometry against differences and determinants that share no code with them.

The lemmas treat z and z̄ as independent; here z̄ is the conjugate of z.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derivations.algebra import Range, Tensor, scalar
from derivations.metric import fubini_study, invariant_jets, kahler_curvature, residue_form, ricci_form
from derivations.metric.notation import coordinates, directions
from verify.arithmetic import ComplexFloats
from verify.formulas import Evaluator

seeds = st.integers(0, 2**32 - 1)
STEP = 4e-3
DIFFERENCES = 1e-6  # truncation is STEP⁴ times sixth derivatives of some thousands, rounding 1e-16/STEP²


def values(
    formula: Tensor, arrays: Mapping[str, np.ndarray], sizes: Mapping[Range, int], **scalars: complex
) -> np.ndarray:
    """All entries of a formula of the lemmas, as complex numbers."""
    return np.array(Evaluator(ComplexFloats(), arrays, {"pi": np.pi, **scalars}, sizes)(formula), dtype=complex)


def complex_normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Standard complex normal numbers."""
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def unit(rng: np.random.Generator, size: int) -> np.ndarray:
    """A complex vector of length one."""
    vector = complex_normal(rng, size)
    return vector / np.linalg.norm(vector)


def second_difference(function: Callable, at: np.ndarray, along: np.ndarray) -> float:
    """The second derivative along a real line, by five points."""
    seen = [function(at + k * STEP * along) for k in (-2, -1, 0, 1, 2)]
    return float(np.dot(seen, [-1, 16, -30, 16, -1])) / (12 * STEP**2)


def mixed(function: Callable, at: np.ndarray, u: np.ndarray, v: np.ndarray) -> complex:
    """∂_u ∂̄_v of a real function: 4 ∂_w ∂̄_w is the Laplacian of the plane of w; the rest is polarisation."""

    def levi(w: np.ndarray) -> float:
        return (second_difference(function, at, w) + second_difference(function, at, 1j * w)) / 4

    return sum(1j**k * levi(u + 1j**k * v) for k in range(4)) / 4


@settings(max_examples=25)
@given(seeds)
def test_the_fubini_study_matrix_is_the_mixed_derivative_of_its_potential(seed):
    rng = np.random.default_rng(seed)
    z, u, v = (unit(rng, 4) for _ in range(3))
    seen = mixed(lambda w: np.log(np.vdot(w, w).real) / np.pi, z, u, v)
    arrays = {"z": z, "zbar": z.conj(), "along": u, "along_bar": v.conj()}
    stated = values(scalar(fubini_study.form(fubini_study.metric)), arrays, {coordinates: 4})[()]
    assert stated == pytest.approx(seen, abs=DIFFERENCES)


@settings(max_examples=10)
@given(seeds)
def test_the_bends_of_the_invariants_are_their_mixed_derivatives(seed):
    rng = np.random.default_rng(seed)
    z, u, v = (unit(rng, 3) for _ in range(3))
    arrays = {"z": z, "zbar": z.conj(), "along": u, "along_bar": v.conj()}
    parts = ((invariant_jets.real_bend, np.real), (invariant_jets.imaginary_bend, np.imag))
    for formula, part in parts:
        stated = values(formula, arrays, {coordinates: 3}, iota=1j)
        for i, j in np.ndindex(3, 3):
            seen = mixed(lambda w, i=i, j=j, part=part: part(w[i] * w[j].conj()) / np.vdot(w, w).real, z, u, v)
            assert stated[i, j] == pytest.approx(seen, abs=DIFFERENCES)


@settings(max_examples=20)
@given(st.integers(1, 4), seeds)
def test_the_determinant_of_the_induced_metric_is_the_closed_form(n, seed):
    rng = np.random.default_rng(seed)
    free, slope = complex_normal(rng, 2, n)
    y, p_y = complex_normal(rng, 2)
    point = np.array([1.0, y, *free])
    square = np.linalg.norm(point) ** 2
    ambient = np.eye(n + 2) - np.outer(point.conj(), point) / square  # times |z|²
    frame = np.concatenate([np.zeros((n, 1)), -slope[:, None] / p_y, np.eye(n)], axis=1)
    induced = frame @ ambient @ frame.conj().T
    arrays = {"free": free, "free_bar": free.conj(), "slope": slope, "slope_bar": slope.conj()}
    numbers = {"dependent": y, "dependent_bar": np.conj(y), "dependent_slope": p_y, "dependent_slope_bar": np.conj(p_y)}
    arrays |= {name: np.array(number) for name, number in numbers.items()}
    stated = values(scalar(residue_form.claimed), arrays, {directions: n})[()]
    rounding = 1e-14 * np.linalg.norm(induced, 2) ** n  # of a determinant, over its largest possible size
    assert stated == pytest.approx(np.linalg.det(induced), rel=1e-12, abs=rounding)


@settings(max_examples=15)
@given(st.integers(1, 3), seeds)
def test_the_trace_of_the_curvature_is_minus_the_mixed_derivative_of_log_det(n, seed):
    rng = np.random.default_rng(seed)
    linear, squared = complex_normal(rng, 2, n + 1, n) / 2
    x, u, v = 0.1 * unit(rng, n), unit(rng, n), unit(rng, n)

    def jacobian(at: np.ndarray) -> np.ndarray:  # of F(x) = A x + (B x)², whose square is the potential beside |x|²
        return linear + 2 * (squared @ at)[:, None] * squared

    def metric(at: np.ndarray) -> np.ndarray:
        return np.eye(n) + jacobian(at).T @ jacobian(at).conj()

    turn_u, turn_v = (2 * (squared @ w)[:, None] * squared for w in (u, v))
    arrays = {
        "inverse": np.linalg.inv(metric(x)),
        "slope": turn_u.T @ jacobian(x).conj(),
        "slope_bar": jacobian(x).T @ turn_v.conj(),
        "bend": turn_u.T @ turn_v.conj(),
    }
    trace = scalar(ricci_form.trace(kahler_curvature.multiply(ricci_form.inverse, kahler_curvature.curvature)))
    seen = -mixed(lambda at: np.linalg.slogdet(metric(at))[1], x, u, v)
    assert values(trace, arrays, {directions: n})[()] == pytest.approx(seen, rel=1e-5, abs=1e-5)
