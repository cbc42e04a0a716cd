"""The tangent kernel: against finite differences and nested automatic differentiation, its products, its refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laflow.errors import ProblemSizeError, ShapeError, ValueRangeError
from laflow.metric.model.monge_ampere import residuals
from laflow.metric.tangent.kernel_memory import kernel_bytes, largest_points, require_kernel_room, tile_bytes
from laflow.metric.tangent.tangent_kernel import (
    complex_metric_kernel,
    contracted,
    drift,
    leading_spectrum,
    metric_rows,
    packed_metric_kernel,
    potential_rows,
    residual_rows,
    spectrum,
    tangent_kernel,
)
from tests.laflow.metric.networks import random_jets, random_network
from verify.oracles.nested_kernel import nested_kernel

KINDS = ("potential", "metric", "residual")


def rows_of(kind, network, parameters, jets):
    if kind == "potential":
        return potential_rows(network, parameters, jets)
    if kind == "metric":
        return metric_rows(network, parameters, jets)
    return residual_rows(network, parameters, jets, slope_of(network, jets))


def slope_of(network, jets):
    n = network.dimension
    return np.random.default_rng(5).standard_normal((n, n, jets.shape[1]))


def functionals(rows, parameters):
    """What the rows are the Jacobian of, as a function of parameters."""
    output = rows.network.forward(parameters, rows.jets).output
    return np.einsum("kcp,cp->pk", rows.covectors, output).reshape(-1)


def differenced_jacobian(rows, step=1e-3):
    # Fourth order: step⁴ times a fifth derivative of about 1, and rounding over step: 1e-12 together.
    columns = []
    for unit in np.eye(rows.network.parameter_count):
        near, far = (
            functionals(rows, rows.parameters + h * unit) - functionals(rows, rows.parameters - h * unit)
            for h in (step, 2 * step)
        )
        columns.append((8 * near - far) / (12 * step))
    return np.array(columns).T


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_the_gram_matrix_equals_finite_differences(kind, dimension):
    rows = rows_of(kind, *random_network(dimension), random_jets(dimension, 4, 3))
    jacobian = differenced_jacobian(rows)
    exact = jacobian @ jacobian.T
    assert np.max(np.abs(tangent_kernel(rows) - exact)) <= 1e-8 * np.max(np.abs(exact))


@given(
    kind=st.sampled_from(KINDS),
    dimension=st.integers(1, 3),
    points=st.integers(1, 6),
    activation=st.sampled_from(["tanh", "gelu", "erf", "sine", "softplus"]),
    seed=st.integers(0, 99),
)
def test_the_kernel_is_symmetric_and_positive_semidefinite(kind, dimension, points, activation, seed):
    network, parameters = random_network(dimension, seed=seed, activation=activation)
    kernel = tangent_kernel(rows_of(kind, network, parameters, random_jets(dimension, points, 3, seed)))
    assert np.array_equal(kernel, kernel.T)
    values = spectrum(kernel)
    # Rounding of a Gram matrix and of its eigenvalues.
    assert values[-1] >= -1e-13 * kernel.shape[0] * values[0]


@pytest.mark.parametrize("activation", ["tanh", "erf"])
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_the_metric_kernel_is_the_fourth_derivative_of_the_scalar_kernel(dimension, activation):
    network, parameters = random_network(dimension, activation=activation, sizes=(3, 4, 4, 1))
    jets = random_jets(dimension, 2, 3)
    direct = complex_metric_kernel(tangent_kernel(metric_rows(network, parameters, jets)), dimension)
    nested = nested_kernel(network.layers(parameters), activation, jets)
    assert np.max(np.abs(direct - nested)) <= 1e-12 * np.max(np.abs(nested))


@given(
    kind=st.sampled_from(KINDS),
    dimension=st.integers(1, 3),
    parametrisation=st.sampled_from(["standard", "ntk"]),
    activation=st.sampled_from(["tanh", "gelu", "erf", "sine", "softplus", "square"]),
    seed=st.integers(0, 99),
)
def test_products_that_form_nothing_equal_products_with_the_matrix(kind, dimension, parametrisation, activation, seed):
    network, parameters = random_network(dimension, seed=seed, activation=activation, parametrisation=parametrisation)
    rows = rows_of(kind, network, parameters, random_jets(dimension, 5, 3, seed))
    vector = np.random.default_rng(seed).standard_normal(rows.count)
    exact = tangent_kernel(rows) @ vector
    scale = np.linalg.norm(rows.jacobian()) ** 2 * np.linalg.norm(vector)
    assert np.max(np.abs(rows.apply(vector) - exact)) <= 1e-13 * scale


@given(kind=st.sampled_from(KINDS), dimension=st.integers(1, 3), seed=st.integers(0, 99))
def test_the_forward_and_the_backward_pass_are_adjoint(kind, dimension, seed):
    rows = rows_of(kind, *random_network(dimension, seed=seed, activation="gelu"), random_jets(dimension, 5, 3, seed))
    rng = np.random.default_rng(seed)
    direction, values = rng.standard_normal(rows.network.parameter_count), rng.standard_normal(rows.count)
    scale = np.linalg.norm(rows.jacobian()) * np.linalg.norm(direction) * np.linalg.norm(values)
    assert abs(rows.pushed(direction) @ values - direction @ rows.pulled(values)) <= 1e-14 * scale


def test_passes_over_parts_of_the_points_change_nothing(monkeypatch):
    rows = rows_of("metric", *random_network(2), random_jets(2, 7, 3))
    vector, whole = np.arange(rows.count) - 3.0, rows.jacobian()
    product = rows.apply(vector)
    monkeypatch.setattr("laflow.metric.tangent.tangent_kernel.TAPE_BYTES", 1)
    np.testing.assert_allclose(rows.jacobian(), whole, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(rows.apply(vector), product, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("tile", [1, 2, 3, 7])
def test_tiles_make_up_the_same_kernel(tile):
    rows = rows_of("metric", *random_network(2), random_jets(2, 7, 3))
    sizes = rows.functionals, rows.network.parameter_count
    memory = kernel_bytes(rows.points, rows.functionals) + tile_bytes(tile, *sizes)
    assert require_kernel_room(rows.points, *sizes, memory) == tile
    np.testing.assert_allclose(tangent_kernel(rows, memory=memory), tangent_kernel(rows), rtol=1e-12, atol=1e-12)
    part = rows_of("potential", rows.network, rows.parameters, rows.jets[:, 2:5])
    joint = rows.jacobian() @ part.jacobian().T
    np.testing.assert_allclose(tangent_kernel(rows, part, memory=memory), joint, rtol=1e-12, atol=1e-12)


@given(functionals=st.integers(1, 9), parameters=st.integers(1, 5000), memory=st.integers(0, 10**9))
def test_the_largest_number_of_points_fits_and_one_more_does_not(functionals, parameters, memory):
    most = largest_points(functionals, parameters, memory)
    if most:
        assert require_kernel_room(most, functionals, parameters, memory) >= 1
    with pytest.raises(ProblemSizeError, match=f"at most {most} points"):
        require_kernel_room(most + 1, functionals, parameters, memory)


def test_a_kernel_too_large_for_memory_is_refused_with_its_size_and_the_largest_that_fits():
    network, parameters = random_network(3)
    rows = metric_rows(network, parameters, np.broadcast_to(0.0, (16, 10**6, 3)))
    with pytest.raises(ProblemSizeError, match=r"9000000 × 9000000 numbers, 589 TiB, of 1 GiB at hand: at most 12\d\d"):
        tangent_kernel(rows, memory=2**30)
    with pytest.raises(ProblemSizeError, match="write_kernel_blocks"):
        tangent_kernel(rows)


@given(dimension=st.integers(1, 3), seed=st.integers(0, 99))
def test_the_residuals_kernel_is_the_metric_kernel_between_their_slopes(dimension, seed):
    network, parameters = random_network(dimension, seed=seed)
    jets = random_jets(dimension, 4, 3, seed)
    slope = slope_of(network, jets)
    metric = tangent_kernel(metric_rows(network, parameters, jets))
    direct = tangent_kernel(residual_rows(network, parameters, jets, slope))
    np.testing.assert_allclose(contracted(metric, slope, slope), direct, rtol=1e-10, atol=1e-12 * direct.max())


def test_complex_kernels_are_hermitian_in_each_pair_and_symmetric_under_exchange():
    rows = rows_of("metric", *random_network(3), random_jets(3, 3, 3))
    packed = tangent_kernel(rows)
    kernel = complex_metric_kernel(packed, 3)
    np.testing.assert_allclose(packed_metric_kernel(kernel), packed, atol=1e-14 * packed.max())
    # g_ab̄ is conjugate to g_bā, entry by entry.
    np.testing.assert_allclose(kernel.transpose(0, 2, 1, 3, 5, 4), kernel.conj(), atol=1e-13)
    np.testing.assert_allclose(kernel.transpose(3, 4, 5, 0, 1, 2), kernel, atol=1e-13)


def test_the_leading_eigenvalues_need_no_matrix():
    rows = rows_of("metric", *random_network(2), random_jets(2, 8, 3))
    values = spectrum(tangent_kernel(rows))
    np.testing.assert_allclose(leading_spectrum(rows, 5), values[:5], rtol=1e-9)
    with pytest.raises(ValueRangeError, match="give 1 to 31"):
        leading_spectrum(rows, 32)


def test_a_model_that_is_linear_in_its_parameters_never_drifts():
    network, parameters = random_network(2, sizes=(3, 1))
    jets = random_jets(2, 5, 3)
    kernels = [tangent_kernel(metric_rows(network, theta, jets)) for theta in (parameters, 100.0 * parameters)]
    assert drift(*kernels) == 0.0
    deep, parameters = random_network(2)
    kernels = [tangent_kernel(metric_rows(deep, theta, jets)) for theta in (parameters, 1.5 * parameters)]
    assert drift(*kernels) > 0.1


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_a_step_of_gradient_descent_is_what_the_kernel_predicts_up_to_the_square_of_the_rate(dimension):
    network, parameters = random_network(dimension, activation="gelu")
    n, jets = dimension, 0.3 * random_jets(dimension, 6, 3)
    reference = np.broadcast_to(np.eye(n)[..., None] + 0.0, (n, n, 6))
    target, weights = np.linspace(0.5, 1.5, 6), np.linspace(1.0, 2.0, 6)

    def found_at(theta):
        bend = network.forward(theta, jets).output[1 + 2 * n :].reshape(n, n, 6)
        return residuals(reference + bend, target)

    start = found_at(parameters)
    rows = residual_rows(network, parameters, jets, start.slope)
    pull = 2.0 * weights * start.residual / weights.sum()
    change, gradient = tangent_kernel(rows) @ pull, rows.pulled(pull)
    rates = 1e-3 * 0.5 ** np.arange(5)
    errors = [
        np.linalg.norm(found_at(parameters - rate * gradient).residual - (start.residual - rate * change))
        for rate in rates
    ]
    slope = np.polyfit(np.log(rates), np.log(errors), 1)[0]
    assert slope == pytest.approx(2.0, abs=0.05)
    assert errors[0] < 0.1 * rates[0] * np.linalg.norm(change)


def test_what_does_not_fit_is_refused():
    network, parameters = random_network(2)
    jets = random_jets(2, 4, 3)
    rows = metric_rows(network, parameters, jets)
    with pytest.raises(ShapeError, match="give one for each of the 16 rows"):
        rows.apply(np.ones(4))
    with pytest.raises(ValueRangeError, match="not finite"):
        metric_rows(network, parameters * np.nan, jets)
    with pytest.raises(ValueRangeError, match="different networks or parameters"):
        tangent_kernel(rows, metric_rows(network, 2 * parameters, jets))
    with pytest.raises(ShapeError, match="covectors have shape"):
        type(rows)(network, parameters, jets, np.ones((1, 9, 5)))
    with pytest.raises(ShapeError, match="give two of the same rows"):
        drift(np.eye(2), np.eye(3))
