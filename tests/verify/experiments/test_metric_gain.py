"""The parts of the experiment on gain: points at the distance asked for, and a kernel that is DeWitt's."""

import numpy as np
import pytest

from laflow.metric.geometry.fubini_study import projective_angle
from laflow.metric.geometry.sampling import charted, sample_points
from laflow.metric.tangent.tangent_kernel import complex_metric_kernel
from verify.experiments import metric_gain
from verify.experiments._metrics import surface


@pytest.fixture(scope="module")
def train():
    return sample_points(surface(3), 12, np.random.default_rng(0))


@pytest.mark.parametrize("distance", [1e-8, 1e-5, 1e-2, 0.1])
def test_points_lie_on_the_hypersurface_at_the_distance_asked_for(train, distance):
    test = metric_gain._around(train, distance, np.random.default_rng(1))
    # Rounding of the points, 1e-16, over the distance; and what 30 corrections of the length leave.
    np.testing.assert_allclose(projective_angle(train.points, test.points), distance, rtol=1e-6)


def test_at_equal_points_the_kernel_is_that_of_dewitt(train):
    packed = metric_gain._metric_kernel(np.eye(len(train)), train, train)
    kernel = complex_metric_kernel(packed, 3)
    g = train.fubini_study
    for p in range(len(train)):
        np.testing.assert_allclose(kernel[p, :, :, p], np.einsum("ad,cb->abcd", g[p], g[p]), atol=1e-13)
        assert np.abs(kernel[p, :, :, p - 1]).max() == 0.0


@pytest.mark.parametrize("name", metric_gain.KERNELS)
def test_its_kernels_are_positive_and_do_not_depend_on_charts(train, name):
    scalar = metric_gain._scalar(name)(train, train)
    values = np.linalg.eigvalsh(metric_gain._metric_kernel(scalar, train, train))
    assert values[0] > -1e-12 * values[-1]
    # The trace of Θ with the inverse metrics is a number at each pair of points.
    inverse = np.linalg.inv(train.fubini_study)
    kernel = complex_metric_kernel(metric_gain._metric_kernel(scalar, train, train), 3)
    traces = np.einsum("pba,pabqcd,qdc->pq", inverse, kernel, inverse)
    charts = _other_charts(train)
    kernel = complex_metric_kernel(metric_gain._metric_kernel(scalar, charts, charts), 3)
    inverse = np.linalg.inv(charts.fubini_study)
    np.testing.assert_allclose(np.einsum("pba,pabqcd,qdc->pq", inverse, kernel, inverse), traces, atol=1e-10)


def _other_charts(sample):
    """The same points with the second largest slope's coordinate as the dependent one."""
    slopes = np.abs(sample.hypersurface.polynomial.gradient(sample.points))
    slopes[np.arange(len(sample)), sample.patch] = -1.0
    dependent = np.argsort(slopes, axis=1)[:, -2]
    return charted(sample.hypersurface, sample.points, sample.patch, dependent, sample.line)
