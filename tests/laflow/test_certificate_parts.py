"""The parts of a certificate alone: growth of residuals on any matrix, the loss between tangents, ranks, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from laflow.assignment import certificate as certificates
from laflow.assignment.objective import Moments, direction_loss
from laflow.errors import ValueRangeError
from laflow.krylov import KrylovSpace, krylov_space
from laflow.residual_growth import (
    Approximation,
    Trajectory,
    arnoldi_approximation,
    chord_product,
    chord_square,
    guessed_approximation,
    pieces_for,
)

ROUNDING = certificates.FLOAT64_ROUNDOFF


def space_of(matrix: np.ndarray, start: np.ndarray, krylov_dim: int) -> KrylovSpace:
    storage = np.zeros((krylov_dim + 1, start.size))
    storage[0] = start

    def apply(vector: np.ndarray, image: np.ndarray) -> None:
        image[...] = matrix @ vector

    return krylov_space(apply, storage)


def exact_state(matrix: np.ndarray, start: np.ndarray, time: float, forced: bool) -> np.ndarray:
    """The solution of v' = A v + b, v(0) = 0 if forced, else of v' = A v, v(0) = b."""
    size = start.size
    augmented = np.zeros((size + 1, size + 1))
    augmented[:size, :size] = matrix
    if forced:
        augmented[:size, size] = start
    return (expm(time * augmented) @ np.append(np.zeros(size), 1.0))[:size] if forced else expm(time * matrix) @ start


def error_and_bound(
    seed: int, krylov_dim: int, time: float, forced: bool, guessed: bool, rate_share: float = 1.0
) -> tuple[float, float]:
    """True error and bound of a trajectory of a random matrix, at the end."""
    rng = np.random.default_rng(seed)
    matrix = 0.2 * rng.standard_normal((9, 9)) + 0.3 * np.diag(rng.random(9))
    start = rng.standard_normal(9)
    rate = max(0.0, float(np.linalg.eigvalsh((matrix + matrix.T) / 2)[-1])) * rate_share
    space, norm = space_of(matrix, start, krylov_dim), float(np.linalg.norm(matrix, 2))
    approximation = (guessed_approximation if guessed else arnoldi_approximation)(space, norm)
    trajectory = Trajectory(approximation, forced, time, pieces_for(time, approximation))
    used = space if guessed else space.without_last()
    found = np.empty((1, 9))
    used.combine(trajectory.states[-1:], found)
    error = float(np.linalg.norm(found[0] - exact_state(matrix, start, time, forced)))
    rounding = 1e-12 * float(trajectory.mixed_norms.max()) * float(np.exp(rate * time))
    return error, float(trajectory.errors(rate, 0.0)[-1]) + rounding


CASES = {
    "seed": st.integers(0, 2**16),
    "krylov_dim": st.integers(1, 8),
    "time": st.floats(0.05, 12.0),
    "forced": st.booleans(),
    "guessed": st.booleans(),
}


@given(**CASES)
@settings(max_examples=150, deadline=None)
def test_the_error_of_a_trajectory_of_any_matrix_lies_within_its_bound(seed, krylov_dim, time, forced, guessed):
    error, bound = error_and_bound(seed, krylov_dim, time, forced, guessed)
    assert error <= bound


def test_without_the_growth_it_does_not():
    broken = [error_and_bound(seed, 3, 12.0, True, False, rate_share=0.0) for seed in range(10)]
    assert any(error > bound for error, bound in broken)


def test_bounds_do_not_fall_and_lie_below_their_chords():
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((8, 8)) / 3.0
    approximation = arnoldi_approximation(space_of(matrix, rng.standard_normal(8), 4), 1.0)
    coarse = Trajectory(approximation, True, 4.0, 16).errors(0.7, 0.1)
    fine = Trajectory(approximation, True, 4.0, 64).errors(0.7, 0.1)
    assert np.all(np.diff(coarse) >= 0.0)
    chords = np.interp(np.linspace(0, 1, 65), np.linspace(0, 1, 17), coarse)
    assert np.all(fine <= chords * (1 + 1e-12))
    assert coarse[0] == 0.1


def test_the_weighed_gramian_is_the_integral():
    rng = np.random.default_rng(1)
    matrix, start = rng.standard_normal((6, 6)) / 2.0, rng.standard_normal(6)
    approximation = arnoldi_approximation(space_of(matrix, start, 4), 3.0)
    trajectory = Trajectory(approximation, True, 3.0, 32)
    factors = rng.random(32)
    fine = Trajectory(approximation, True, 3.0, 32 * 64).augmented_states
    weights = np.repeat(factors, 64) * 3.0 / (32 * 64)
    middle = 0.5 * (fine[1:, :, None] * fine[1:, None, :] + fine[:-1, :, None] * fine[:-1, None, :])
    assert trajectory.gramian(factors) == pytest.approx(np.einsum("p,pab->ab", weights, middle), rel=1e-4)


def test_chords_are_integrated_exactly():
    assert chord_square(np.array([1.0]), np.array([4.0]), 2.0)[0] == pytest.approx(14.0)
    assert chord_product(np.array([0.0, 1.0]), np.array([1.0, 0.0]), 3.0) == pytest.approx(0.5)


def test_a_space_of_nothing_has_no_error_but_that_of_its_start():
    empty = np.zeros((0, 0))
    trajectory = Trajectory(Approximation(empty, 0.0, 0.0, empty), False, 2.0, 8)
    assert trajectory.errors(0.5, 1.0)[-1] == pytest.approx(np.exp(1.0))
    assert not Trajectory(Approximation(empty, 0.0, 0.0, empty), True, 2.0, 8).errors(0.5, 0.0).any()


def test_a_majorant_that_overflows_bounds_by_infinity():
    matrix = np.diag([900.0, 800.0])
    approximation = arnoldi_approximation(space_of(matrix, np.ones(2), 1), 900.0)
    assert Trajectory(approximation, True, 10.0, 64).errors(900.0, 0.0)[-1] == np.inf


def moments_of(tangent: np.ndarray, target: np.ndarray) -> Moments:
    return Moments(float(np.sum(tangent * target)), float(np.sum(tangent**2)), float(np.sum(target**2)))


@given(seed=st.integers(0, 2**16), size=st.floats(1e-6, 0.999), close=st.booleans())
@settings(max_examples=200, deadline=None)
def test_loss_and_covector_move_no_farther_than_their_bounds(seed, size, close):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, 5)
    target = np.eye(3)[truth] - 1.0 / 3.0
    tangent = target + 1e-3 * rng.standard_normal((5, 3)) if close else rng.standard_normal((5, 3))
    moments, length = moments_of(tangent, target), float(np.linalg.norm(tangent))
    step = rng.standard_normal((5, 3))
    other = tangent + step * (size * length / np.linalg.norm(step))
    rounding = certificates.moment_rounding(3, ROUNDING)
    moved = abs(direction_loss(other, truth) - direction_loss(tangent, truth))
    assert moved <= certificates.loss_error(moments, size * length, rounding) + 1e-15

    def covector(field: np.ndarray) -> np.ndarray:
        own = moments_of(field, target)
        return (own.inner / own.square * field - target) / np.sqrt(own.square * own.target_square)

    bound = certificates.covector_error(length, size * length)
    assert np.linalg.norm(covector(other) - covector(tangent)) <= bound * (1 + 1e-9)


def test_the_curvature_is_attained():
    """At the angle whose cosine is 1/√3, along the right direction, 2/√3 is the exact rate."""
    target, cosine = np.array([1.0, 0.0]), 1.0 / np.sqrt(3.0)
    tangent = np.array([cosine, np.sqrt(1.0 - cosine**2)])

    def covector(field: np.ndarray) -> np.ndarray:
        square = field @ field
        return ((field @ target) / square * field - target) / np.sqrt(square)

    angles = np.linspace(0.0, np.pi, 400)
    rates = [
        np.linalg.norm(covector(tangent + 1e-6 * d) - covector(tangent)) / 1e-6
        for d in np.stack([np.cos(angles), np.sin(angles)], axis=1)
    ]
    assert max(rates) == pytest.approx(certificates.CURVATURE, rel=1e-4)
    assert certificates.covector_error(1.0, 1e-6) / 1e-6 == pytest.approx(max(rates), rel=1e-3)


def test_an_error_as_large_as_the_tangent_says_nothing_of_its_direction():
    moments = moments_of(np.ones((2, 2)), np.eye(2))
    assert certificates.covector_error(1.0, 1.0) == np.inf
    assert certificates.loss_error(moments, 2.0, 0.0) == 2.0
    assert certificates.relative(1.0, 1.0) == np.inf
    assert certificates.relative(1.0, 3.0) == 0.5
    assert certificates.relative(0.0, 0.0) == 0.0


def test_a_rank_leaves_less_than_its_share():
    values = np.array([1.0, 1e-2, 1e-5, 1e-9, 1e-14])
    ranks = [certificates.rank_for(values, 10**4, tolerance) for tolerance in (1e-1, 1e-4, 1e-7, 1e-12)]
    assert ranks == sorted(ranks)
    for rank, tolerance in zip(ranks, (1e-1, 1e-4, 1e-7, 1e-12), strict=True):
        share = certificates.CUT_SHARE * tolerance
        assert values[rank:].sum() * 100.0 <= share * values.sum()
        assert rank == 0 or values[rank - 1 :].sum() * 100.0 > share * values.sum()


@pytest.mark.parametrize(("roundoff", "kind"), [(2.0**-53, "float64"), (2.0**-24, "float32")])
def test_a_tolerance_below_rounding_is_refused_with_cause_value_and_remedy(roundoff, kind):
    certificates.refuse_unattainable(1e-3, 1e-4, 1.0, roundoff, "the gradient's norm")
    with pytest.raises(ValueRangeError, match=rf"tolerance is 1e-20.*{kind}.*1e-12.*at least 2e-12"):
        certificates.refuse_unattainable(1e-20, 1e-12, 1.0, roundoff, "the gradient's norm")
    with pytest.raises(ValueRangeError, match="Krylov dimension" if kind == "float64" else "float64"):
        certificates.refuse_unattainable(1e-3, 2.0, 1.0, roundoff, "the gradient's norm")
