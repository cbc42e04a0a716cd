"""Compiled sums over neighbours against the same written out, for all grids, precisions and pieces."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import laflow.neighbour_sums as compiled
from laflow.graph import GridGraph
from laflow.vectors import REGISTER, lanes, several
from verify import neighbour_sums as plain

GRIDS = st.one_of(
    st.tuples(st.tuples(st.integers(1, 40)), st.integers(0, 3)),
    st.tuples(st.tuples(st.integers(1, 12), st.integers(1, 40)), st.integers(0, 3)),
    st.tuples(st.tuples(*[st.integers(1, 6)] * 3), st.integers(0, 1)),
)
SUMS = (compiled.gather, compiled.gather_transposed)
Case = tuple[np.random.Generator, GridGraph, int, int, int]


@st.composite
def cases(draw: Callable[[Any], Any]) -> Case:
    """Random numbers, a grid, a number of channels, and the ends of a piece of its nodes."""
    (shape, radius), precision = draw(GRIDS), draw(st.sampled_from(("double", "single")))
    graph = GridGraph(shape, radius, precision)
    begin = draw(st.integers(graph.structure.first, graph.structure.last))
    end = draw(st.integers(begin, graph.structure.last))
    return np.random.default_rng(draw(st.integers(0, 2**16))), graph, draw(st.integers(1, 9)), begin, end


def _fields(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """A field and weights, or what is to be added to, with numbers in the halo too."""
    rng, graph, channels, _, _ = case
    field, weights = rng.standard_normal((channels, graph.padded_nodes)), rng.standard_normal(graph.weights_layout)
    return field.astype(graph.dtype), weights.astype(graph.dtype)


def _require_close(found: np.ndarray, exact: np.ndarray, size: np.ndarray, terms: int) -> None:
    """A sum of products, in any order, is off by at most so many roundings of the sum of absolute values."""
    assert np.all(np.abs(found - exact) <= (terms + 1) * np.finfo(found.dtype).eps * size)


@given(cases(), st.sampled_from(("gather", "gather_transposed")))
def test_sums_over_neighbours_are_those_written_out_and_nothing_else_is_written(case: Case, name: str) -> None:
    _, graph, channels, begin, end = case
    field, weights = _fields(case)
    out = np.full_like(field, np.nan)
    getattr(compiled, name)(out[:, begin:end], field, weights, graph.structure.offsets, begin)
    exact, size = np.empty((2, channels, end - begin))
    double = field.astype(float), weights.astype(float)
    getattr(plain, name)(exact, *double, graph.structure.offsets, begin)
    getattr(plain, name)(size, *(np.abs(array) for array in double), graph.structure.offsets, begin)
    _require_close(out[:, begin:end], exact, size, graph.neighbours)
    out[:, begin:end] = np.nan
    assert np.all(np.isnan(out))


@given(cases())
def test_products_at_neighbours_are_those_written_out_and_nothing_else_is_written(case: Case) -> None:
    rng, graph, channels, begin, end = case
    field, out = _fields(case)
    factors = rng.standard_normal((channels, end - begin)).astype(graph.dtype)
    before = out.copy()
    compiled.add_products(out[:, begin:end], field, factors, graph.structure.offsets, begin)
    exact, size = before[:, begin:end].astype(float), np.abs(before[:, begin:end]).astype(float)
    double = field.astype(float), factors.astype(float)
    plain.add_products(exact, *double, graph.structure.offsets, begin)
    plain.add_products(size, *(np.abs(array) for array in double), graph.structure.offsets, begin)
    _require_close(out[:, begin:end], exact, size, channels)
    out[:, begin:end] = before[:, begin:end]
    np.testing.assert_array_equal(out, before)


@given(cases(), st.data())
def test_it_does_not_matter_where_a_piece_begins(case: Case, data: st.DataObject) -> None:
    # Vectors and single nodes, rows and neighbours one by one: all add in the same order.
    rng, graph, channels, begin, end = case
    field, weights = _fields(case)
    factors = rng.standard_normal((channels, end - begin)).astype(graph.dtype)
    cut = data.draw(st.integers(begin, end))
    offsets = graph.structure.offsets
    for function in SUMS:
        whole, pieces = np.zeros_like(field), np.zeros_like(field)
        function(whole[:, begin:end], field, weights, offsets, begin)
        for first, last in ((begin, cut), (cut, end)):
            function(pieces[:, first:last], field, weights, offsets, first)
        np.testing.assert_array_equal(whole, pieces)
    whole, pieces = weights.copy(), weights.copy()
    compiled.add_products(whole[:, begin:end], field, factors, offsets, begin)
    for first, last in ((begin, cut), (cut, end)):
        part = np.ascontiguousarray(factors[:, first - begin : last - begin])
        compiled.add_products(pieces[:, first:last], field, part, offsets, first)
    np.testing.assert_array_equal(whole, pieces)


@pytest.mark.parametrize("radius", [1, 2])
def test_fields_whose_next_nodes_are_fetched_give_the_same(radius: int) -> None:
    graph, channels = GridGraph((260, 300), radius), 7
    rng, offsets = np.random.default_rng(1), graph.structure.offsets
    field, weights = rng.random((channels, graph.padded_nodes)), rng.random(graph.weights_layout)
    assert field.nbytes > compiled.FAR
    first, last = graph.structure.first, graph.structure.last
    for name in ("gather", "gather_transposed"):
        found, exact = np.empty((2, channels, last - first))
        getattr(compiled, name)(found, field, weights, offsets, first)
        getattr(plain, name)(exact, field, weights, offsets, first)
        _require_close(found, exact, exact, graph.neighbours)
    factors, wanted = rng.random((channels, last - first)), weights[:, first:last].copy()
    compiled.add_products(weights[:, first:last], field, factors, offsets, first)
    plain.add_products(wanted, field, factors, offsets, first)
    _require_close(weights[:, first:last], wanted, wanted, channels)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_a_vector_is_as_wide_as_a_register(kind: type) -> None:
    from numba import njit

    width = njit(lambda array: lanes(several(array)))(np.zeros(1, kind))
    assert width * np.dtype(kind).itemsize == REGISTER
