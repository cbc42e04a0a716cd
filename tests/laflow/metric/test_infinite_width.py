"""Kernels of infinite width: quadrature of their expectations, closed and nested derivatives, and the rate N^(-1/2)."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laflow.errors import ShapeError, ValueRangeError
from laflow.metric.model.jet_network import JetNetwork
from laflow.metric.tangent.infinite_width import GaussianKernel, WideNetwork
from laflow.metric.tangent.tangent_kernel import complex_metric_kernel, metric_rows, potential_rows, tangent_kernel
from tests.laflow.metric.networks import random_jets
from verify.oracles.differenced_kernel import differenced_corner

SEEDS = range(4)


def gauss_hermite(covariance, function, nodes=160):
    """E f(u) f(v) for (u, v) ~ N(0, covariance)."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    root = np.linalg.cholesky(covariance)
    u, v = root[0, 0] * x[:, None], root[1, 0] * x[:, None] + root[1, 1] * x[None]
    weights = w[:, None] * w[None] / (2 * np.pi)
    return np.sum(weights * function(u) * function(v))


def by_quadrature(first, second, depth, bias_variance):
    """Θ of an erf network for one pair of points, its expectations by Gauss-Hermite quadrature."""
    from scipy.special import erf

    features = np.array([first, second])
    covariance = features @ features.T / first.size + bias_variance
    theta = covariance[0, 1] - bias_variance + 1.0
    for _ in range(depth):
        slope = gauss_hermite(covariance, lambda u: 2 / np.sqrt(np.pi) * np.exp(-(u**2)))
        pairs = ((0, 0), (0, 1), (1, 1))
        values = {
            (i, j): gauss_hermite(
                np.array([[covariance[i, i], covariance[i, j]], [covariance[i, j], covariance[j, j]]])
                + 1e-14 * np.eye(2),
                erf,
            )
            for i, j in pairs
        }
        theta = theta * slope + values[0, 1] + 1.0
        covariance = np.array([[values[0, 0], values[0, 1]], [values[0, 1], values[1, 1]]]) + bias_variance
    return theta


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_erf_recursion_is_that_of_its_gaussian_expectations(depth, seed):
    first, second = np.random.default_rng(seed).standard_normal((2, 4))
    network = WideNetwork("erf", depth=depth, bias_variance=0.3)
    found = network.kernel(first[None], second[None])[0, 0]
    assert found == pytest.approx(by_quadrature(first, second, depth, 0.3), rel=1e-7)


@given(seed=st.integers(0, 99))
def test_the_relu_expectations_are_those_of_the_angle(seed):
    first, second = np.random.default_rng(seed).standard_normal((2, 3))
    # E over u, v in polar coordinates: the half planes where both are positive overlap in an angle π - θ.
    theta = np.arccos(np.clip(first @ second / np.linalg.norm(first) / np.linalg.norm(second), -1, 1))
    angles = np.linspace(theta - np.pi / 2, np.pi / 2, 20001)
    middle, width = (angles[1:] + angles[:-1]) / 2, (np.pi - theta) / 20000
    norms = np.linalg.norm(first) * np.linalg.norm(second) / 3
    value = norms / np.pi * width * np.sum(np.cos(middle) * np.cos(middle - theta))
    slope = (np.pi - theta) / (2 * np.pi)
    found = WideNetwork("relu", bias_variance=0.0, trains_biases=False).kernel(first[None], second[None])[0, 0]
    assert found == pytest.approx(first @ second / 3 * slope + value, rel=1e-7, abs=1e-9)


def empirical(network, jets, seed, rows):
    parameters = network.initial_parameters(np.random.default_rng(seed))
    return tangent_kernel(rows(network, parameters, jets))


def rate(widths, errors):
    return np.polyfit(np.log(widths), np.log(np.sqrt(np.mean(np.square(errors), axis=1))), 1)[0]


@pytest.mark.parametrize("kind", ["scalar", "metric"])
def test_kernels_of_finite_width_tend_to_the_analytic_one_like_one_over_the_root_of_the_width(kind):
    jets = 0.5 * random_jets(2, 4, 3)
    analytic = WideNetwork("erf").kernel(jets[0]) if kind == "scalar" else WideNetwork("erf").metric_kernel(jets)
    rows, widths = potential_rows if kind == "scalar" else metric_rows, (64, 256, 1024, 4096)
    errors = []
    for width in widths:
        network = JetNetwork((3, width, 1), "erf", "ntk", 2)
        found = [empirical(network, jets, seed, rows) for seed in range(12)]
        errors.append([np.linalg.norm(kernel - analytic) / np.linalg.norm(analytic) for kernel in found])
    assert rate(widths, errors) == pytest.approx(-0.5, abs=0.15)
    assert np.mean(errors[-1]) < 0.1


def test_deep_kernels_tend_to_the_analytic_one():
    jets = 0.5 * random_jets(1, 4, 3)
    network = WideNetwork("erf", depth=2)
    errors = []
    for width in (32, 128, 512):
        finite = JetNetwork((3, width, width, 1), "erf", "ntk", 1)
        found = [empirical(finite, jets, seed, metric_rows) for seed in range(8)]
        errors.append([np.linalg.norm(kernel - network.metric_kernel(jets)) for kernel in found])
    assert rate((32, 128, 512), errors) == pytest.approx(-0.5, abs=0.15)


def test_relu_and_cosine_networks_of_finite_width_tend_to_their_kernels():
    features = np.random.default_rng(1).standard_normal((5, 3))
    wide = {"relu": WideNetwork("relu").kernel(features), "cosine": GaussianKernel(1.3).kernel(features)}
    widths, errors = (64, 512, 4096), {"relu": [], "cosine": []}
    for width in widths:
        for name, finite in (("relu", relu_kernel), ("cosine", cosine_kernel)):
            found = [finite(features, width, np.random.default_rng(seed)) for seed in range(12)]
            errors[name].append([np.linalg.norm(kernel - wide[name]) for kernel in found])
    for name in errors:
        assert rate(widths, errors[name]) == pytest.approx(-0.5, abs=0.15), name


def relu_kernel(features, width, rng):
    """Of √(1/N) Σ a_k relu(w_k·x/√F + b_k) + c, every gradient written out."""
    weight, bias, outer = rng.standard_normal((width, 3)), 0.1 * rng.standard_normal(width), rng.standard_normal(width)
    before = features @ weight.T / np.sqrt(3) + bias
    on, after = (before > 0) * 1.0, np.maximum(before, 0.0)
    inner = features @ features.T / 3 + 1.0
    return after @ after.T / width + (on * outer**2) @ on.T / width * inner + 1.0


def cosine_kernel(features, width, rng):
    """Of √(2/N) Σ a_k cos(w_k·x + b_k), only a trained."""
    after = np.cos(features @ rng.standard_normal((3, width)) / 1.3 + rng.uniform(0, 2 * np.pi, width))
    return 2.0 / width * after @ after.T


@pytest.mark.parametrize("entry", [(0, 0, 0, 0, 0, 0), (0, 2, 0, 1, 1, 2), (1, 0, 1, 0, 2, 1), (1, 1, 1, 1, 1, 0)])
@pytest.mark.parametrize("name", ["erf", "gaussian"])
def test_metric_kernels_are_the_fourth_derivatives_of_the_scalar_ones(name, entry):
    for dimension in (max(entry) + 1, 3):
        jets = random_jets(dimension, 2, 3)
        kernel = WideNetwork("erf", depth=2) if name == "erf" else GaussianKernel(1.7)
        exact = differenced_corner(erf_in_digits if name == "erf" else gaussian_in_digits, jets, entry)
        direct = complex_metric_kernel(kernel.metric_kernel(jets), dimension)
        # Of entries of very different size, relative to the largest: they are sums of terms of that size.
        assert abs(direct[entry] - exact) <= 1e-12 * np.max(np.abs(direct))


def gaussian_in_digits(x, y):
    return mp.exp(-sum((u - v) ** 2 for u, v in zip(x, y, strict=True)) / (2 * mp.mpf(1.7) ** 2))


def erf_in_digits(x, y):
    """Depth 2, biases of variance 0.01, all trained."""

    def value(one, cross, other):
        return 2 / mp.pi * mp.asin(2 * cross / mp.sqrt((1 + 2 * one) * (1 + 2 * other)))

    bias = mp.mpf(0.01)
    inner = [sum(u * v for u, v in zip(*pair, strict=True)) / 3 for pair in ((x, x), (x, y), (y, y))]
    theta = inner[1] + 1
    one, cross, other = (product + bias for product in inner)
    for _ in range(2):
        slope = 4 / mp.pi / mp.sqrt((1 + 2 * one) * (1 + 2 * other) - 4 * cross**2)
        theta = theta * slope + value(one, cross, other) + 1
        one, cross, other = (value(*three) + bias for three in ((one,) * 3, (one, cross, other), (other,) * 3))
    return theta


@given(dimension=st.integers(1, 3), points=st.integers(1, 4), length=st.floats(0.5, 5.0), seed=st.integers(0, 99))
def test_metric_kernels_are_symmetric_and_positive_semidefinite(dimension, points, length, seed):
    jets = random_jets(dimension, points, 3, seed)
    for kernel in (WideNetwork("erf").metric_kernel(jets), GaussianKernel(length).metric_kernel(jets)):
        assert np.array_equal(kernel, kernel.T)
        values = np.linalg.eigvalsh(kernel)
        # Rounding of sums of a few dozen products in each entry.
        assert values[0] >= -1e-12 * kernel.shape[0] * values[-1]


def test_parts_of_the_points_make_up_the_same_kernel(monkeypatch):
    jets = random_jets(2, 5, 3)
    whole = WideNetwork("erf").metric_kernel(jets, jets[:, :3])
    monkeypatch.setattr("laflow.metric.tangent.infinite_width.ENTRIES_AT_ONCE", 1)
    np.testing.assert_allclose(WideNetwork("erf").metric_kernel(jets, jets[:, :3]), whole, rtol=1e-13, atol=1e-13)


def test_a_gaussian_kernel_becomes_local():
    features = np.random.default_rng(0).standard_normal((6, 3))
    np.testing.assert_allclose(GaussianKernel(1e-3).kernel(features), np.eye(6), atol=1e-300)
    near = features + 1e-9
    assert GaussianKernel(1e-8).kernel(features, near)[0, 0] == pytest.approx(np.exp(-3e-18 / 2e-16), rel=1e-6)


def test_what_does_not_fit_is_refused():
    jets = random_jets(2, 3, 3)
    with pytest.raises(ValueRangeError, match="give erf or relu"):
        WideNetwork("gelu")
    with pytest.raises(ValueRangeError, match="kink"):
        WideNetwork("relu").metric_kernel(jets)
    with pytest.raises(ValueRangeError, match="length is 0"):
        GaussianKernel(0.0)
    with pytest.raises(ShapeError, match=r"give \(points, features\)"):
        GaussianKernel(1.0).kernel(jets)
    with pytest.raises(ShapeError, match="points, features"):
        GaussianKernel(1.0).metric_kernel(jets[:7])
    with pytest.raises(ShapeError, match="the same channels and features"):
        GaussianKernel(1.0).metric_kernel(jets, jets[:, :, :2])
