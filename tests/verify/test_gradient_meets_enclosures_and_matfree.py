"""laflow's gradient lies within ball enclosures widened by rounding, and is that of a third party's library."""

import numpy as np
import pytest

from verify import bridge
from verify.instances import Instance, grid_instance
from verify.oracles import ball_flow, dense_flow, matfree_gradient
from verify.oracles.neighbourhoods import gather_weights

EPSILON = float(np.finfo(np.float64).eps)
# In units of epsilon · gradient_scale. Krylov spaces stay below 0.8 on 36 random problems up to T = 20;
# another BLAS may round ten times as badly. The dense
# method exponentiates -T𝒜ᵀ ⊕ T𝒜, whose entries grow with e^{2T‖A‖} before they are used: 15 at T = 20.
ROUNDINGS, ROUNDINGS_DENSE = 8.0, 150.0

SMALL = [
    grid_instance((2, 2), 2, time=2.0, seed=1),
    grid_instance((3,), 3, radius=2, time=20.0, seed=2),
    grid_instance((2, 2, 2), 2, time=5.0, seed=3),
    grid_instance((3, 4), 2, time=5.0, contrast=32.0, seed=4),
]
MEDIUM = [grid_instance((3, 4), 3, time=5.0, seed=5), grid_instance((4, 4), 3, radius=2, time=1.0, seed=6)]


def enclosure(instance: Instance) -> ball_flow.Enclosure:
    found = ball_flow.gradient_by_block_exponential(instance.dense, instance.distances, instance.truth, instance.time)
    middle, radius = (gather_weights(values, instance.neighbours) for values in (found.middle, found.radius))
    return ball_flow.Enclosure(middle, radius)


def error_in_roundings(instance: Instance, gradient: np.ndarray) -> float:
    exact = enclosure(instance)
    allowed = np.linalg.norm(exact.radius)
    beyond = max(0.0, float(np.linalg.norm(gradient - exact.middle)) - float(allowed))
    return beyond / (EPSILON * dense_flow.gradient_scale(*instance.dense_plain))


@pytest.mark.parametrize("instance", SMALL)
def test_the_dense_gradient_lies_in_its_enclosure_up_to_rounding(instance):
    assert error_in_roundings(instance, bridge.gradient(instance, method="dense")[0]) <= ROUNDINGS_DENSE


@pytest.mark.parametrize("instance", [*SMALL, *MEDIUM])
def test_the_low_rank_gradient_with_exhausted_spaces_lies_in_its_enclosure_up_to_rounding(instance):
    size = instance.distances.size
    gradient = bridge.gradient(instance, method="low-rank", krylov_dim=size, rank=size)[0]
    assert error_in_roundings(instance, gradient) <= ROUNDINGS


def test_a_gradient_wrong_by_1e_minus_12_would_leave_it():
    instance = MEDIUM[0]
    gradient = bridge.gradient(instance, method="factored", krylov_dim=36)[0]
    assert error_in_roundings(instance, gradient * (1.0 + 1e-12)) > ROUNDINGS


@pytest.mark.parametrize(
    ("shape", "labels", "radius", "time"), [((5, 6), 3, 1, 4.0), ((8, 9), 4, 1, 5.0), ((4, 4, 4), 2, 1, 2.0)]
)
def test_matfrees_gradient_is_laflows(shape, labels, radius, time):
    """Both on Krylov spaces large enough that rounding is all that parts them; yet not the same numbers."""
    instance = grid_instance(shape, labels, radius=radius, time=time, seed=9)
    theirs = matfree_gradient.gradient(*instance.plain, dimension=24)
    ours, result = bridge.gradient(instance, method="low-rank", krylov_dim=24, rank=16)
    difference = np.linalg.norm(ours - theirs.gradient) / np.linalg.norm(theirs.gradient)
    assert 0.0 < difference <= matfree_gradient.TOLERANCE
    assert result.loss == pytest.approx(theirs.loss, rel=1e-12)
