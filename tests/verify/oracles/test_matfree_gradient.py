"""matfree's adjoint of the Arnoldi iteration gives the gradient that two other oracles give, and is what ran."""

import numpy as np
import pytest
from matfree import decomp

from verify.instances import Instance, grid_instance
from verify.oracles import autodiff, dense_flow, matfree_gradient, neighbourhoods

INSTANCE = grid_instance((5, 6), 3, time=4.0, seed=4)
DIMENSION = 24
EXACT = neighbourhoods.gather_weights(dense_flow.gradient_by_quadrature(*INSTANCE.dense_plain), INSTANCE.neighbours)


@pytest.fixture(scope="module", name="found")
def by_matfree():
    return matfree_gradient.gradient(*INSTANCE.plain, dimension=DIMENSION)


def relative_error(gradient):
    return np.linalg.norm(gradient - EXACT) / np.linalg.norm(EXACT)


def test_it_gives_the_dense_gradient(found):
    assert relative_error(found.gradient) <= matfree_gradient.TOLERANCE
    assert found.loss == pytest.approx(float(dense_flow.loss(*INSTANCE.dense_plain)), rel=1e-13)


def test_the_unrolled_iteration_gives_the_same_to_rounding_but_not_bitwise(found):
    unrolled = matfree_gradient.gradient(*INSTANCE.plain, dimension=DIMENSION, custom_vjp=False)
    assert relative_error(unrolled.gradient) <= matfree_gradient.TOLERANCE
    assert not np.array_equal(found.gradient, unrolled.gradient)
    assert not np.array_equal(found.gradient, autodiff.exponential_gradient(*INSTANCE.plain).gradient)


@pytest.mark.parametrize(("custom_vjp", "calls"), [(True, 1), (False, 0)])
def test_matfrees_own_adjoint_runs_exactly_where_it_is_asked_for(monkeypatch, custom_vjp, calls):
    """Counted while JAX traces; a dimension that no other test uses makes it trace anew."""
    seen = []
    adjoint = decomp._hessenberg_adjoint

    def counted(*arguments, **options):
        seen.append(1)
        return adjoint(*arguments, **options)

    monkeypatch.setattr(decomp, "_hessenberg_adjoint", counted)
    found = matfree_gradient.gradient(*INSTANCE.plain, dimension=DIMENSION - 1, custom_vjp=custom_vjp)
    assert len(seen) == calls
    assert relative_error(found.gradient) <= matfree_gradient.TOLERANCE


def test_few_dimensions_give_a_gradient_that_is_off_and_is_seen_to_be():
    """6 of 24 dimensions: the oracle's stated accuracy holds for the dimensions it states only."""
    assert relative_error(matfree_gradient.gradient(*INSTANCE.plain, dimension=6).gradient) > 1e-6


@pytest.mark.parametrize("fault", [1e-3, 1e-6, 1e-9, matfree_gradient.DETECTION_LIMIT])
def test_a_scaled_gradient_is_flagged_down_to_the_detection_limit(found, fault):
    for sign in (-1.0, 1.0):
        difference = np.linalg.norm(EXACT * (1.0 + sign * fault) - found.gradient)
        assert difference > matfree_gradient.TOLERANCE * np.linalg.norm(found.gradient)


def test_one_wrong_entry_and_a_transposed_neighbourhood_are_flagged(found):
    wrong = EXACT.copy()
    wrong[7, 4] *= 1.0 + 1e-6
    for claim in (wrong, EXACT[:, ::-1]):
        difference = np.linalg.norm(claim - found.gradient)
        assert difference > matfree_gradient.TOLERANCE * np.linalg.norm(found.gradient)


def test_an_exhausted_space_is_refused():
    """A constant image on uniform weights: A leaves b's line, so more than a few dimensions do not exist."""
    constant = Instance(
        **{
            **vars(INSTANCE),
            "distances": np.tile(INSTANCE.distances[:1], (30, 1)) * 0.0,
            "weights": neighbourhoods.uniform_weights(INSTANCE.neighbours),
        }
    )
    with pytest.raises(ArithmeticError, match="not finite"):
        matfree_gradient.gradient(*constant.plain, dimension=DIMENSION)
