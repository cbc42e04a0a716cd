"""Curvature against divided differences of the potential, Gauss's equation, and metrics known in closed form."""

from math import comb, factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laflow.errors import ShapeError, ValueRangeError
from laflow.metric.quality.curvature import chern_density, curvature_endomorphism, ricci_form, scalar_curvature, wedge
from laflow.metric.quality.metric_jets import MetricJets, frame_slopes, fubini_study_jets
from tests.laflow.metric.surfaces import DIMENSIONS, KINDS, random_basis, sampled
from tests.laflow.metric.test_hypersurfaces import oracle_at
from verify.oracles import radial_metrics


def relative(found, exact):
    return np.abs(found - exact).max() / np.abs(exact).max()


@given(st.sampled_from(KINDS), st.sampled_from(DIMENSIONS), st.integers(0, 19), st.booleans())
def test_jets_and_ricci_forms_are_divided_differences_of_the_potential(kind, dimension, row, plain):
    sample = sampled(kind, dimension, 20)
    basis = None if plain else random_basis(dimension + 2, seed=row)
    jets = fubini_study_jets(sample.take([row]), basis)
    oracle = oracle_at(sample, row, basis)
    # Cumulants of order 4 add terms up to about 1e2 times their sum.
    assert relative(jets.metric[0], oracle.metric()) <= 1e-12
    assert relative(jets.first[0], oracle.metric_slopes()) <= 1e-12
    assert relative(jets.second[0], oracle.metric_bends()) <= 1e-12
    assert relative(ricci_form(jets)[0], oracle.ricci_form()) <= 1e-11


@given(st.sampled_from(KINDS), st.sampled_from(DIMENSIONS))
def test_the_curvature_obeys_gausss_equation(kind, dimension):
    """R_ab̄cd̄ = π(g_ab̄ g_cd̄ + g_ad̄ g_cb̄) - (second fundamental form)²: that of P^(n+1), less how X bends in it."""
    sample = sampled(kind, dimension, 50)
    jets = fubini_study_jets(sample)
    g = jets.metric
    ambient = np.pi * (np.einsum("pab,pcd->pcdab", g, g) + np.einsum("pad,pcb->pcdab", g, g))
    slopes = np.abs(sample.hypersurface.polynomial.gradient(sample.points)) ** 2
    normal = slopes[np.arange(50), sample.dependent] / slopes.sum(axis=1)
    normal = normal / (np.pi * np.sum(np.abs(sample.points) ** 2, axis=1))
    bend = frame_slopes(sample)
    expected = ambient - np.einsum("p,pac,pbd->pcdab", normal, bend, bend.conj())
    found = np.einsum("pcdae,peb->pcdab", curvature_endomorphism(jets), g)
    assert relative(found, expected) <= 1e-11


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_fubini_study_on_hypersurfaces_is_the_metric_of_the_sample(dimension):
    sample = sampled("generic", dimension, 50)
    np.testing.assert_allclose(fubini_study_jets(sample).metric, sample.fubini_study, rtol=1e-12, atol=1e-15)


def radial(slopes, x):
    return MetricJets(*radial_metrics.radial_jets(slopes, x))


def points(count, dimension, seed=0):
    return np.random.default_rng(seed).standard_normal((count, dimension, 2)) @ np.array([1.0, 1.0j])


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_projective_space_is_einstein_with_the_known_constant_and_chern_numbers(dimension):
    jets = radial(radial_metrics.projective_slopes, points(30, dimension))
    np.testing.assert_allclose(ricci_form(jets), (dimension + 1) * np.pi * jets.metric, rtol=1e-10, atol=1e-12)
    scalar = 2.0 * np.pi * dimension * (dimension + 1)
    np.testing.assert_allclose(scalar_curvature(jets), scalar, rtol=1e-10)
    np.testing.assert_allclose(scalar_curvature(jets, ricci_form(jets)), scalar, rtol=1e-10)
    # c_k = C(n+1, k) J^k, and J^n = n! det g d^(2n)x is homogeneous.
    volume = factorial(dimension) * np.linalg.det(jets.metric).real
    for order in range(1, dimension + 1):
        found = chern_density(curvature_endomorphism(jets), order, jets.metric)
        np.testing.assert_allclose(found, comb(dimension + 1, order) * volume, rtol=1e-9)


def test_eguchi_hansons_metric_is_ricci_flat_and_not_flat():
    jets = radial(radial_metrics.eguchi_hanson_slopes, points(20, 2, seed=1))
    np.testing.assert_allclose(np.linalg.det(jets.metric), 1.0, rtol=1e-12)
    curvature = curvature_endomorphism(jets)
    assert np.abs(ricci_form(jets)).max() <= 1e-11 * np.abs(curvature).max()
    assert np.abs(curvature).min(axis=0).max() > 1e-3


def test_eguchi_hansons_metric_has_its_euler_integral():
    """∫ c_2 = 2 - 1/2 over C²/±1 with its sphere: the Euler number less the share of the end."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    # u = v/(1-v) from 0 to ∞; the density falls like u^-6 and is bounded at 0 times u du.
    v = 0.5 * (nodes + 1.0)
    u = v / (1.0 - v)
    jets = radial(radial_metrics.eguchi_hanson_slopes, np.column_stack([np.sqrt(u), 0.0 * u]) + 0j)
    density = chern_density(curvature_endomorphism(jets), 2)
    # d⁴x = π² u du on shells, half of it for the quotient.
    found = np.sum(0.5 * weights * density * 0.5 * np.pi**2 * u / (1.0 - v) ** 2)
    assert found == pytest.approx(1.5, rel=1e-6)


@given(st.sampled_from(DIMENSIONS), st.integers(0, 99))
def test_the_flat_metric_is_flat_in_curved_coordinates(dimension, seed):
    """y_i = x_i + x·S_i·x/2 holomorphic: g = A A† with A_ai = ∂y_i/∂x_a, its derivatives S."""
    rng = np.random.default_rng(seed)
    shape = (dimension, dimension, dimension, 2)
    bends = 0.2 * (rng.standard_normal(shape) @ np.array([1.0, 1.0j]))
    bends = bends + bends.swapaxes(0, 1)  # [a, c, i]
    x = points(5, dimension, seed)
    slopes = np.eye(dimension) + np.einsum("pc,aci->pai", x, bends)
    jets = MetricJets(
        np.einsum("pai,pbi->pab", slopes, slopes.conj()),
        np.einsum("aci,pbi->pcab", bends, slopes.conj()),
        np.broadcast_to(np.einsum("aci,bdi->cdab", bends, bends.conj()), (5, *[dimension] * 4)),
    )
    scale = np.abs(np.linalg.inv(jets.metric)).max() * np.abs(jets.second).max() + 1.0
    conditions = np.linalg.cond(jets.metric).max()
    assert np.abs(curvature_endomorphism(jets)).max() <= 1e-14 * scale * conditions**2


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_scaling_a_metric_scales_its_scalar_curvature_and_no_chern_density(dimension):
    jets = fubini_study_jets(sampled("dwork", dimension, 30))
    scaled = MetricJets(3.0 * jets.metric, 3.0 * jets.first, 3.0 * jets.second)
    np.testing.assert_allclose(scalar_curvature(scaled), scalar_curvature(jets) / 3.0, rtol=1e-10)
    np.testing.assert_allclose(ricci_form(scaled), ricci_form(jets), rtol=1e-9, atol=1e-10)
    one, two = (chern_density(curvature_endomorphism(j), dimension) for j in (jets, scaled))
    np.testing.assert_allclose(two, one, rtol=1e-9, atol=1e-9 * np.abs(one).max())


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_sum_of_metrics_has_the_sum_of_their_jets(dimension):
    sample = sampled("dwork", dimension, 5)
    one, two = fubini_study_jets(sample), fubini_study_jets(sample, random_basis(dimension + 2))
    total = one + two
    np.testing.assert_array_equal(total.second, one.second + two.second)
    np.testing.assert_array_equal(total.first, one.first + two.first)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_the_wedge_of_equal_forms_is_a_determinant_and_the_wedge_is_symmetric(dimension):
    rng = np.random.default_rng(0)
    forms = [rng.standard_normal((4, dimension, dimension)) for _ in range(dimension)]
    np.testing.assert_allclose(
        wedge(*[forms[0]] * dimension), factorial(dimension) * np.linalg.det(forms[0]), rtol=1e-12
    )
    np.testing.assert_allclose(wedge(*forms), wedge(*forms[::-1]), rtol=1e-10)


def test_orders_and_shapes_that_make_no_sense_are_refused():
    jets = fubini_study_jets(sampled("fermat", 2, 4))
    curvature = curvature_endomorphism(jets)
    with pytest.raises(ValueRangeError, match="1 to 2"):
        chern_density(curvature, 3, jets.metric)
    with pytest.raises(ValueRangeError, match="give the metric of J"):
        chern_density(curvature, 1)
    with pytest.raises(ShapeError, match=r"\(N, n, n, n, n\)"):
        MetricJets(jets.metric, jets.first, jets.first)
    metric = jets.metric.copy()
    metric[2] = 0.0
    singular = MetricJets(metric, jets.first, jets.second)
    with pytest.raises(ValueRangeError, match="point 2 is singular"):
        ricci_form(singular)
