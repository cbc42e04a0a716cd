"""Turning the predictor back is as good as turning the image."""

import itertools
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laflow import predict_weights
from laflow.assignment.grid_symmetry import GridSymmetry
from laflow.assignment.predictor import PredictorGradient
from tests.laflow.test_predictor import random_predictor


def symmetries(dimensions):
    flips = [[axis for axis in range(dimensions) if chosen >> axis & 1] for chosen in range(2**dimensions)]
    return [
        GridSymmetry(axes, tuple(flipped))
        for axes, flipped in itertools.product(itertools.permutations(range(dimensions)), flips)
    ]


def turned(array, symmetry, first=0):
    """The array with its node axes, from `first` on, turned; the axes around them stay."""
    end = first + len(symmetry.axes)
    order = (*range(first), *(first + axis for axis in symmetry.axes), *range(end, array.ndim))
    return np.flip(array.transpose(order), [first + axis for axis in symmetry.flipped])


@pytest.mark.parametrize(
    ("shape", "feature_radius", "radius"), [((5,), 2, 1), ((4, 6), 1, 2), ((4, 3), 2, 1), ((3, 4, 2), 1, 1)]
)
def test_a_predictor_turned_back_sees_what_the_predictor_sees_in_the_turned_image(shape, feature_radius, radius):
    rng, dimensions = np.random.default_rng(0), len(shape)
    predictor = random_predictor(rng, dimensions=dimensions, feature_radius=feature_radius, radius=radius)
    image = rng.random((*shape, 2))
    for symmetry in symmetries(dimensions):
        wanted = predict_weights(predictor, turned(image, symmetry))
        found = predict_weights(symmetry.turned_back(predictor), image)
        patches = found.reshape(*shape, *(2 * radius + 1,) * dimensions)
        both = turned(turned(patches, symmetry), symmetry, dimensions)  # the nodes, and the patch of every node
        # The same sums in another order: 50 terms of size 1 in a square root, times exponents up to 10.
        np.testing.assert_allclose(both.reshape(wanted.shape), wanted, atol=1e-13)


@given(st.integers(1, 3), st.integers(0, 10**6))
def test_the_gradient_is_turned_by_the_adjoint(dimensions, seed):
    rng = np.random.default_rng(seed)
    predictor = random_predictor(rng, dimensions=dimensions)
    symmetry = symmetries(dimensions)[seed % (factorial(dimensions) * 2**dimensions)]
    back = symmetry.turned_back(predictor)
    given = PredictorGradient(
        rng.standard_normal(predictor.prototypes.shape), rng.standard_normal(predictor.directions.shape), 1.7
    )
    found = symmetry.turned(given, predictor)
    for name in ("prototypes", "directions"):
        left = np.sum(getattr(given, name) * getattr(back, name))
        right = np.sum(getattr(found, name) * getattr(predictor, name))
        assert left == pytest.approx(right, rel=1e-12, abs=1e-12)
    assert (found.scale, back.scale) == (1.7, predictor.scale)


def test_every_symmetry_is_drawn_and_nothing_else():
    rng = np.random.default_rng(1)
    for dimensions in (1, 2, 3):
        drawn = {GridSymmetry.drawn(dimensions, rng) for _ in range(800)}
        assert drawn == set(symmetries(dimensions))
