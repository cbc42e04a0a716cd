"""A gradient band by band is the gradient, on any grid, and needs little more memory than its results."""

import tracemalloc
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import laflow
from laflow import GridGraph, LabelingProblem
from laflow.assignment.gradient import GradientOptions, gradient_workspace, packed_loss_gradient
from laflow.bands import bands
from verify.battery.bands import small_bands

SHAPES = st.one_of(
    st.tuples(st.tuples(st.integers(1, 200)), st.integers(0, 3)),
    st.tuples(st.tuples(st.integers(1, 60), st.integers(1, 12)), st.integers(0, 2)),
    st.tuples(st.tuples(st.integers(1, 40), st.integers(1, 4), st.integers(1, 4)), st.integers(0, 1)),
)


def _problem(
    shape: tuple[int, ...], radius: int, labels: int, precision: Literal["double", "single"] = "double", seed: int = 0
) -> tuple[LabelingProblem, Any, Any]:
    rng = np.random.default_rng(seed)
    problem = LabelingProblem(3.0 * rng.random((*shape, labels)), GridGraph(shape, radius, precision))
    inside = problem.graph.uniform_weights() > 0.0
    weights = rng.random(inside.shape) * inside
    packed = problem.graph.check_weights(weights / weights.sum(axis=-1, keepdims=True))
    return problem, packed, rng.integers(0, labels, shape)


@given(SHAPES, st.integers(0, 9), st.integers(1, 20))
def test_bands_own_every_row_once_and_have_their_margins(
    grid: tuple[tuple[int, ...], int], margin: int, most: int
) -> None:
    shape, radius = grid
    found = bands(GridGraph(shape, radius), margin, most)
    owned = [row for band in found for row in range(band.first + band.begin, band.first + band.end)]
    assert owned == list(range(shape[0]))
    for band in found:
        rows = band.graph.shape[0]
        assert band.first >= 0
        assert band.first + rows <= shape[0]
        assert band.begin >= margin or band.first == 0
        assert rows - band.end >= margin or band.first + rows == shape[0]
        assert len(found) == 1 or rows <= max(most, 4 * margin, 1)


@given(SHAPES, st.integers(1, 9), st.integers(1, 20), st.integers(0, 2**16))
def test_what_is_cut_out_and_put_back_is_the_field(
    grid: tuple[tuple[int, ...], int], margin: int, most: int, seed: int
) -> None:
    shape, radius = grid
    graph, values = GridGraph(shape, radius), np.random.default_rng(seed).random((*shape, 2))
    field, again = graph.pack_nodes(values), graph.zeros_nodes(2)
    for band in bands(graph, margin, most):
        piece = band.graph.zeros_nodes(2)
        band.cut(field, piece)
        np.testing.assert_array_equal(band.graph.unpack_nodes(piece), values[band.rows])
        band.put(piece, again)
        for structure in (band.nodes, band.around(0), band.around(margin)):
            ours = set(range(band.own.start, band.own.stop)) & set(range(*band.graph.structure[1:3]))
            assert ours <= set(range(structure.first, structure.last))
    np.testing.assert_array_equal(field, again)


@given(SHAPES, st.integers(2, 5), st.integers(1, 6), st.data())
def test_the_gradient_in_bands_is_the_gradient(
    grid: tuple[tuple[int, ...], int], labels: int, krylov_dim: int, data: st.DataObject
) -> None:
    (shape, radius), precision = grid, data.draw(st.sampled_from(("double", "single")))
    problem, weights, truth = _problem(shape, radius, labels, precision, data.draw(st.integers(0, 99)))
    time, method = data.draw(st.sampled_from((0.5, 2.0, 8.0))), data.draw(st.sampled_from(("low-rank", "factored")))
    options = GradientOptions(time, method, krylov_dim, data.draw(st.integers(1, krylov_dim)))
    room = gradient_workspace(problem, options)
    wanted = packed_loss_gradient(problem, weights, truth, options, room)
    with small_bands(laflow.assignment, data.draw(st.integers(1, 2000))):
        found = packed_loss_gradient(problem, weights, truth, options)
    assert (found.krylov_dim, found.rank) == (wanted.krylov_dim, wanted.rank)
    # Gram matrices are summed in another order; powers that are nearly dependent make much of that (`ROUNDINGS`).
    rounding = 1e4 * float(np.finfo(problem.graph.dtype).eps) * np.exp(options.time)
    # Packed, as nothing must be left in the halo either.
    scale = np.linalg.norm(wanted.packed_gradient)
    assert np.linalg.norm(found.packed_gradient - wanted.packed_gradient) <= rounding * scale
    tangent = wanted.solution.packed_tangent
    assert np.linalg.norm(found.solution.packed_tangent - tangent) <= rounding * np.linalg.norm(tangent)
    assert abs(found.loss - wanted.loss) <= rounding
    assert found.matvecs >= wanted.matvecs


def test_every_product_is_counted() -> None:
    problem, weights, truth = _problem((60, 6), 1, 3)
    with small_bands(laflow.assignment, 1):
        found = packed_loss_gradient(problem, weights, truth, GradientOptions(2.0, "low-rank", 4, 2))
    assert found.matvecs == 5 * 4
    assert found.solution.matvecs == 2 * 4


def test_a_flow_that_stands_still_is_left_to_whole_fields() -> None:
    problem = LabelingProblem(np.ones((80, 5, 3)))
    with small_bands(laflow.assignment, 1):
        found = packed_loss_gradient(
            problem, problem.graph.packed_uniform_weights(), np.zeros((80, 5), int), GradientOptions()
        )
    assert found.loss == 1.0
    assert not found.gradient.any()


@pytest.mark.parametrize("method", ["low-rank", "factored"])
def test_memory_beyond_the_results_does_not_grow_with_the_image(method: str) -> None:
    """Peak memory less the gradient and v_T, for an image of twice the rows: a tenth more at most, and no field."""
    extra = []
    for rows in (400, 800):
        problem, weights, truth = _problem((rows, 128), 1, 6)
        options = GradientOptions(2.0, method, 6, 2)
        packed_loss_gradient(problem, weights, truth, options)
        tracemalloc.start()
        try:
            with small_bands(laflow.assignment, 2**16):
                found = packed_loss_gradient(problem, weights, truth, options)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        extra.append(peak - found.packed_gradient.nbytes - found.solution.packed_tangent.nbytes)
    assert extra[1] <= 1.1 * extra[0]
