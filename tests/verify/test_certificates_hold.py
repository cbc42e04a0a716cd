"""The error of a certified gradient, tangent and loss lies within its bound: against the dense oracle and enclosures.

The oracles share no code with laflow and carry their own accuracy: the dense one to `dense_flow.TOLERANCE` of
`gradient_scale`, which is allowed on top; the ball arithmetic its radii.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laflow import residual_growth
from laflow.assignment import certificate, operator_sizes
from verify import bridge
from verify.certified import Certified, certified_gradient
from verify.instances import Instance, colors_instance, grid_instance
from verify.oracles import ball_flow, dense_flow
from verify.oracles.neighbourhoods import gather_weights
from verify.strategies import instances

COLUMNS = st.sampled_from(("exact", "guessed"))
MANY = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def dense_errors(instance: Instance, found: Certified) -> tuple[float, float, float]:
    """Errors of gradient, tangent and loss against the dense oracle."""
    exact = gather_weights(dense_flow.gradient_by_quadrature(*instance.dense_plain), instance.neighbours)
    tangent = dense_flow.final_tangent(instance.dense, instance.log_likelihood, instance.time)
    loss = float(dense_flow.direction_loss(tangent, instance.target))
    return (
        float(np.linalg.norm(found.gradient - exact)),
        float(np.linalg.norm(found.tangent - tangent)),
        abs(found.loss - loss),
    )


def within(instance: Instance, found: Certified) -> tuple[bool, bool, bool]:
    """Whether gradient, tangent and loss lie within their bounds, as far as the dense oracle can tell."""
    errors, bounds = dense_errors(instance, found), found.certificate
    scale = dense_flow.gradient_scale(*instance.dense_plain)
    scales = scale, float(np.linalg.norm(found.tangent)), 1.0
    limits = bounds.gradient, bounds.tangent, bounds.loss
    found_within = [
        error <= limit + dense_flow.TOLERANCE * size for error, limit, size in zip(errors, limits, scales, strict=True)
    ]
    return found_within[0], found_within[1], found_within[2]


@given(instance=instances(unknowns=36), krylov_dim=st.integers(1, 14), rank=st.integers(1, 8), column=COLUMNS)
@MANY
def test_the_true_error_lies_within_the_bound(instance, krylov_dim, rank, column):
    assert within(instance, certified_gradient(instance, krylov_dim, rank, column)) == (True, True, True)


@given(
    sides=st.tuples(st.integers(2, 5), st.integers(2, 3)),
    labels=st.integers(2, 5),
    time=st.floats(0.1, 20.0),
    spread=st.floats(0.0, 3.0),
    contrast=st.floats(0.1, 8.0),
    seed=st.integers(0, 2**16),
    krylov_dim=st.integers(2, 12),
)
@MANY
def test_it_does_at_any_time_and_contrast(sides, labels, time, spread, contrast, seed, krylov_dim):
    instance = grid_instance(sides, labels, time=time, spread=spread, contrast=contrast, seed=seed)
    assert within(instance, certified_gradient(instance, krylov_dim)) == (True, True, True)


@given(instance=instances(unknowns=10), krylov_dim=st.integers(1, 12), column=COLUMNS)
@FEW
def test_it_does_against_enclosures_where_nothing_is_allowed_on_top(instance, krylov_dim, column):
    """Rounding is the whole error once the spaces are exhausted: its term alone has to hold."""
    found = certified_gradient(instance, krylov_dim, last_column=column)
    arguments = instance.dense, instance.distances, instance.time
    exact = ball_flow.final_tangent(*arguments, distance_scale=instance.distance_scale)
    off = np.linalg.norm(np.abs(found.tangent - exact.middle) - exact.radius)
    assert off <= found.certificate.tangent
    if not found.tangent.any() or not np.isfinite(found.certificate.gradient):
        return
    gradient = ball_flow.gradient_by_block_exponential(
        instance.dense, instance.distances, instance.truth, instance.time, distance_scale=instance.distance_scale
    )
    middle = gather_weights(gradient.middle, instance.neighbours)
    radius = gather_weights(gradient.radius, instance.neighbours)
    error = np.maximum(np.abs(found.gradient - middle) - radius, 0.0)
    assert np.linalg.norm(error) <= found.certificate.gradient


@given(instance=instances(unknowns=36), krylov_dim=st.integers(1, 10))
@FEW
def test_single_precision_has_a_rounding_term_of_its_own(instance, krylov_dim):
    found = certified_gradient(instance, krylov_dim, precision="single")
    assert within(instance, found) == (True, True, True)
    double = certified_gradient(instance, krylov_dim).certificate
    assert found.certificate.tangent_rounding >= 1e4 * double.tangent_rounding


def hard_instance(labels: int = 3, time: float = 20.0) -> Instance:
    return colors_instance((5, 5), labels, time=time, seed=3)


def test_bounds_of_the_tangent_are_tight_and_those_of_the_gradient_near():
    """At most 3 times the error for T <= 5 and 30 for T = 20 for v_T; the gradient's are told by the experiment."""
    for time, tangent_bar, gradient_bar in ((1.0, 3.0, 15.0), (5.0, 3.0, 30.0), (20.0, 30.0, 100.0)):
        instance = hard_instance(time=time)
        for krylov_dim in (4, 6):
            found = certified_gradient(instance, krylov_dim)
            gradient, tangent, _ = dense_errors(instance, found)
            assert found.certificate.tangent <= tangent_bar * tangent
            assert found.certificate.gradient <= gradient_bar * gradient


def test_forgetting_the_growth_is_noticed(monkeypatch):
    monkeypatch.setattr(operator_sizes, "logarithmic_norm", lambda *_: 0.0)
    found = certified_gradient(hard_instance(), 6)
    assert within(hard_instance(), found)[1] is False


def test_forgetting_the_residual_is_noticed(monkeypatch):
    monkeypatch.setattr(residual_growth, "ORTHOGONALITY", 1e-3)
    found = certified_gradient(hard_instance(), 6)
    assert within(hard_instance(), found) == (False, False, False)


def test_forgetting_the_errors_of_the_adjoint_is_noticed(monkeypatch):
    whole = certificate.gradient_error
    monkeypatch.setattr(
        certificate, "gradient_error", lambda *given: whole(*given[:5], (given[5][0], 0.0 * given[5][1]), given[6])
    )
    instance = hard_instance(2, 1.0)
    assert within(instance, certified_gradient(instance, 4))[0] is False


def test_forgetting_what_was_cut_is_noticed(monkeypatch):
    monkeypatch.setattr(certificate, "cut_error", lambda *_: 0.0)
    instance = hard_instance(3, 5.0)
    assert within(instance, certified_gradient(instance, 12, rank=1))[0] is False


def test_taking_the_guessed_column_as_known_is_noticed(monkeypatch):
    guessed = residual_growth.guessed_approximation
    monkeypatch.setattr(
        "verify.certified.guessed_approximation", lambda *given: replace(guessed(*given), residual_norm=0.0)
    )
    instance = hard_instance(3, 5.0)
    assert within(instance, certified_gradient(instance, 5, last_column="guessed")) == (False, False, False)


@given(instance=instances(unknowns=40))
@FEW
def test_sizes_of_the_operator_bound_those_of_the_dense_matrix(instance):
    problem = bridge.labeling_problem(instance)
    graph = problem.graph
    weights = graph.check_weights(bridge.public_weights(instance))
    similar = dense_flow.similarity(instance.dense, instance.log_likelihood)
    shaped = similar.reshape(*graph.shape, -1)
    sizes = operator_sizes.operator_sizes(graph, weights, graph.pack_nodes(shaped))
    matrix = dense_flow.system_matrix(instance.dense, similar)
    slack = 1.0 + 1e-9
    spreads = [np.linalg.eigvalsh(dense_flow.replicator(row))[-1] for row in similar]
    assert np.all(np.asarray(spreads) <= graph.interior(sizes.spread).reshape(-1) * slack + 1e-16)
    assert np.linalg.norm(matrix, 2) <= sizes.norm * slack + 1e-16
    assert np.linalg.norm(instance.dense, 2) <= sizes.weights_norm * slack
    assert np.linalg.eigvalsh((matrix + matrix.T) / 2.0)[-1] <= sizes.growth * slack + 1e-15
    assert sizes.growth <= 0.5 * sizes.row_sum + 0.5 * sizes.weights_norm**2


def test_for_two_and_three_labels_the_spread_is_exact():
    rng = np.random.default_rng(0)
    for labels in (2, 3):
        instance = grid_instance((4, 4), labels, contrast=4.0, seed=labels)
        graph = bridge.labeling_problem(instance).graph
        similar = dense_flow.softmax(3.0 * rng.standard_normal((4, 4, labels)))
        spread, largest = operator_sizes.replicator_spread(graph, graph.pack_nodes(similar))
        exact = [np.linalg.eigvalsh(dense_flow.replicator(row))[-1] for row in similar.reshape(-1, labels)]
        assert graph.interior(spread).reshape(-1) == pytest.approx(exact, rel=1e-9)
        assert largest == similar.max()
