"""Neighbour arrays name exactly the nodes within the radius, in lexicographic order of the displacement."""

import itertools

import numpy as np
import pytest

from verify.oracles import neighbourhoods


@pytest.mark.parametrize(("shape", "radius"), [((5,), 2), ((3, 4), 1), ((2, 3), 2), ((2, 3, 2), 1)])
def test_neighbours_are_the_nodes_within_the_radius(shape, radius):
    neighbours = neighbourhoods.grid_neighbours(shape, radius)
    positions = list(itertools.product(*(range(side) for side in shape)))
    for node, position in enumerate(positions):
        within = [
            other
            for other, place in enumerate(positions)
            if max(abs(p - q) for p, q in zip(position, place, strict=True)) <= radius
        ]
        found = neighbours[node][neighbours[node] >= 0]
        assert found.tolist() == within


def test_the_centre_column_is_the_node_itself():
    neighbours = neighbourhoods.grid_neighbours((3, 4), 1)
    assert np.array_equal(neighbours[:, 4], np.arange(12))


def test_dense_and_gathered_weights_are_inverse_to_each_other():
    neighbours = neighbourhoods.grid_neighbours((3, 4), 1)
    weights = neighbourhoods.random_weights(neighbours, np.random.default_rng(0))
    dense = neighbourhoods.dense_weights(weights, neighbours)
    assert np.array_equal(neighbourhoods.gather_weights(dense, neighbours), weights)
    assert np.allclose(dense.sum(axis=1), 1.0, atol=1e-15, rtol=0.0)


def test_graph_rows_are_filled_up_outside():
    neighbours = neighbourhoods.graph_neighbours(np.array([0, 2, 3]), np.array([0, 1, 1]))
    assert neighbours.tolist() == [[0, 1], [1, neighbourhoods.OUTSIDE]]
