"""Ordinary, extreme and worst-case inputs for any kernel.

Every kind keeps what the program requires (rows that sum to 1, positive weights), and pushes the rest: exponents to
±700, ±5000 and ±1e10, rows at very different heights, the maximum at the first, a middle and the last place,
weights down to 2^-60, denormal numbers, features that coincide with prototypes, two labels and many of everything.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from derivations.algebra.language import Array
from derivations.algebra.program import Program
from verify.kernel_instances import Instance, Layout, instance

KINDS = (
    "ordinary",
    "large exponents",
    "uneven rows",
    "maximum first",
    "maximum inside",
    "maximum last",
    "thin weights",
    "denormal",
    "coincident",
    "two labels",
    "many labels",
)
# for the rounding bounds, besides: exponents at the edge of overflow, and so large that neighbours are far apart
ROUNDING_KINDS = (*KINDS, "exponents to 700", "far beyond", "sixty-four labels")
SIZES = {"labels": 3, "ranks": 2, "prototypes": 3, "features": 2, "directions": 2}
# kernels take sums four terms at a time, and what is left one by one: here they do either
MANY = {"labels": 9, "ranks": 9, "prototypes": 13, "features": 9, "directions": 5}
UNEVEN_GRAPH = [[0, 1, 3], [1], [2, 0, 1, 4], [3, 2], [4, 3, 0]]  # patches of one to four neighbours
LARGE = 5000.0  # far beyond 709, where exp overflows
HEIGHTS = {"large exponents": LARGE, "exponents to 700": 700.0, "far beyond": 1e10}


def kernel_case(program: Program, layout: Layout, kind: str, rng: np.random.Generator) -> Instance:
    """One instance of the given kind."""
    sizes = {"two labels": {"labels": 2}, "many labels": MANY, "sixty-four labels": {"labels": 64}}.get(kind, {})
    case = instance(program, layout, rng, {**SIZES, **sizes})
    dense = {name: _push(program, name, values, kind, rng) for name, values in case.dense.items()}
    for item in program.inputs:
        if isinstance(item, Array):
            for axis, wanted in item.sums:
                dense[item.name] = with_exact_sums(dense[item.name], axis, int(wanted))
    if kind == "coincident" and {"features", "prototypes"} <= set(dense):
        dense["features"][0] = dense["prototypes"][0]
    return dataclasses.replace(case, dense=dense)


def with_exact_sums(values: np.ndarray, axis: int, wanted: int) -> np.ndarray:
    """The same values on a dyadic grid, their sums along ``axis`` exactly ``wanted`` and not only to rounding.

    A lemma's hypothesis is an equation; numbers that miss it by a rounding would be judged by what they miss.
    """
    moved = np.moveaxis(values, axis, -1).copy()
    for row in moved.reshape(-1, moved.shape[-1]):
        top = max(float(np.abs(row).max()), 1.0 if wanted else 0.0)
        if top == 0.0:
            continue
        grid = np.ldexp(1.0, max(int(np.frexp(top)[1]) - 50, -1074))
        whole = [round(float(value) / grid) for value in row]
        whole[int(np.argmax(np.abs(row)))] += round(wanted / grid) - sum(whole)
        row[:] = [number * grid for number in whole]
    result: np.ndarray = np.moveaxis(moved, -1, axis)
    return result


def _push(program: Program, name: str, values: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    (array,) = (item for item in program.inputs if isinstance(item, Array) and item.name == name)
    if array.mask:
        return values
    if name == "weights":
        return _thin(values, rng) if kind == "thin weights" else values
    if any(wanted != 0 for _, wanted in array.sums):
        peaked = kind in (*HEIGHTS, "maximum first", "maximum last")
        return _peaked(array, values, rng) if peaked else values
    if kind in HEIGHTS:
        return values * (HEIGHTS[kind] / max(np.abs(values).max(), 1e-300))
    if kind == "uneven rows" and not array.sums:
        return values + LARGE * rng.normal(size=(*values.shape[:-1], 1))
    if kind.startswith("maximum"):
        place = {"maximum first": 0, "maximum inside": values.shape[-1] // 2, "maximum last": -1}[kind]
        return _one_far_above(array, values, place)
    if kind == "denormal":
        return values * 2.0**-1060
    return values


def _one_far_above(array: Array, values: np.ndarray, place: int) -> np.ndarray:
    """One place of every row far above the others; above or below, since signs differ from formula to formula."""
    raised = values.copy()
    sign = np.where(np.arange(raised[..., place].size) % 2 == 0, 1.0, -1.0).reshape(raised[..., place].shape)
    raised[..., place] += LARGE * sign
    for axis, _ in array.sums:
        raised = raised - raised.mean(axis=axis, keepdims=True)
    result: np.ndarray = raised
    return result


def _thin(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Patches with one heavy neighbour and the others at 2^-k."""
    thin = np.where(weights > 0.0, np.exp2(-rng.integers(20, 60, size=weights.shape)), 0.0)
    for node in range(weights.shape[0]):
        there = np.flatnonzero(weights[node] > 0.0)
        thin[node, there[node % there.size]] = 1.0
    result: np.ndarray = thin / thin.sum(axis=1, keepdims=True)
    return result


def _peaked(array: Array, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Probabilities that are almost certain, the peak moving along the axis that sums to 1."""
    ((axis, _),) = array.sums
    sharp = np.exp2(-rng.integers(10, 50, size=values.shape).astype(float))
    moved = np.moveaxis(sharp, axis, -1)
    flat = moved.reshape(-1, moved.shape[-1])
    flat[np.arange(flat.shape[0]), np.arange(flat.shape[0]) % flat.shape[1]] = 1.0
    peaked = np.moveaxis(flat.reshape(moved.shape), -1, axis)
    result: np.ndarray = peaked / peaked.sum(axis=axis, keepdims=True)
    return result
