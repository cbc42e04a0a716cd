"""Enclosures hold what they must, exclude what is wrong by a few units in the last place, and meet one another."""

import numpy as np
import pytest

from verify.instances import grid_instance
from verify.oracles import ball_flow, dense_flow

INSTANCE = grid_instance((2, 2), 2, time=2.0, seed=1)
ARGUMENTS = (INSTANCE.dense, INSTANCE.distances, INSTANCE.truth, INSTANCE.time)
GRADIENT = ball_flow.gradient_by_block_exponential(*ARGUMENTS)
TANGENT = ball_flow.final_tangent(INSTANCE.dense, INSTANCE.distances, INSTANCE.time)


def test_two_routes_to_the_gradient_enclose_the_same_numbers():
    """One exponential of a block triangle (Van Loan) and the paper's φ of a Kronecker sum."""
    assert ball_flow.gradient_by_kronecker_sum(*ARGUMENTS).meets(GRADIENT)


def test_enclosures_are_as_narrow_as_float64_can_say():
    """At 200 bits, what remains of the radius is the half unit by which the middle is rounded."""
    for enclosure in (GRADIENT, TANGENT):
        assert np.all(enclosure.radius <= 1.001 * 2.0**-53 * np.abs(enclosure.middle) + 1e-300)


def test_phi_of_a_kronecker_sum_of_diagonal_matrices_is_known_entry_by_entry():
    """φ(a_i + b_j): eigenvalues of the sum are the sums of the eigenvalues."""
    left, right = np.array([0.5, -1.25, 2.0]), np.array([-0.25, 1.5])
    found = ball_flow.phi_of_kronecker_sum(np.diag(left), np.diag(right), np.ones(6))
    sums = np.add.outer(left, right).ravel()
    assert found.holds(np.expm1(sums) / sums, 4.0 * np.finfo(float).eps * np.abs(found.middle))


def test_a_kronecker_sum_of_size_one_hundred_is_enclosed():
    rng = np.random.default_rng(0)
    left, right, vector = rng.normal(size=(10, 10)), rng.normal(size=(10, 10)), rng.normal(size=100)
    found = ball_flow.phi_of_kronecker_sum(left, right, vector)
    swapped = ball_flow.phi_of_kronecker_sum(right, left, vector.reshape(10, 10).T.ravel())
    turned = ball_flow.Enclosure(swapped.middle.reshape(10, 10).T.ravel(), swapped.radius.reshape(10, 10).T.ravel())
    assert found.meets(turned)  # A ⊕ B and B ⊕ A differ by the perfect shuffle


@pytest.mark.parametrize("time", [0.01, 1.0, 5.0, 20.0])
def test_scipys_error_is_seen_against_it_and_is_small(time):
    """SciPy errs by more than half a unit, which the oracle sees, and by little: it squares about log2(T) times."""
    instance = grid_instance((3, 4), 3, time=time, seed=2)
    exact = ball_flow.final_tangent(instance.dense, instance.distances, time)
    verdict = exact.judge(dense_flow.final_tangent(instance.dense, instance.log_likelihood, time))
    assert verdict.tolerance < verdict.error < 1e-13 * (1.0 + time)


@pytest.mark.parametrize("enclosure", [GRADIENT, TANGENT], ids=["gradient", "tangent"])
def test_the_middle_is_held_and_a_fault_of_the_detection_limit_in_any_entry_is_not(enclosure):
    assert enclosure.holds(enclosure.middle)
    assert enclosure.judge(enclosure.middle).agrees
    for at in np.ndindex(*enclosure.middle.shape):
        for sign in (-1.0, 1.0):
            wrong = enclosure.middle.copy()
            wrong[at] *= 1.0 + sign * ball_flow.DETECTION_LIMIT
            assert not enclosure.holds(wrong)


def test_not_a_number_is_never_held():
    assert not GRADIENT.holds(np.full_like(GRADIENT.middle, np.nan))
    assert not GRADIENT.judge(np.full_like(GRADIENT.middle, np.nan)).agrees


def test_near_misses_of_the_gradient_are_flagged():
    """A transposed weight index, a forgotten factor T, a sign, and Π0 in place of (1/J)Π0 (a factor J in b)."""
    labels = INSTANCE.labels
    extra = source_term()
    for wrong in (GRADIENT.middle.T, GRADIENT.middle * INSTANCE.time, -GRADIENT.middle):
        assert not GRADIENT.judge(wrong).agrees
    for factor in (-1.0, 1.0, labels - 1.0):  # the source's term left out, counted twice (3.28a), scaled by J
        verdict = GRADIENT.judge(GRADIENT.middle + factor * extra)
        assert verdict.error > 1e3 * verdict.tolerance


def source_term() -> np.ndarray:
    """<Λ, dB E_ik>, the source's share of the gradient, by the dense oracle."""
    problem = INSTANCE.dense_plain
    covector = dense_flow.adjoint_integral(*problem)
    share = np.zeros_like(INSTANCE.dense)
    for node, other in np.ndindex(share.shape):
        change = np.zeros_like(share)
        change[node, other] = 1.0
        moved = dense_flow.source_differential(INSTANCE.dense, INSTANCE.log_likelihood, change)
        share[node, other] = moved @ covector.reshape(-1)
    return share


def test_a_tangent_at_another_time_or_scale_is_flagged():
    later = ball_flow.final_tangent(INSTANCE.dense, INSTANCE.distances, np.nextafter(INSTANCE.time, 3.0))
    softer = ball_flow.final_tangent(INSTANCE.dense, INSTANCE.distances, INSTANCE.time, distance_scale=1.0 + 1e-14)
    assert not TANGENT.holds(softer.middle)
    assert not TANGENT.holds(later.middle)
