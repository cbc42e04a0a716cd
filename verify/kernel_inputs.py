"""Ordinary, extreme and worst-case inputs for any kernel.

Every kind keeps what the program requires (rows that sum to 1, positive weights), and pushes the rest: exponents to
±700, the maximum at every label in turn, weights down to 2^-k, denormal numbers, two labels and many.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from derivations.algebra.language import Array
from derivations.algebra.program import Program
from verify.kernel_instances import Instance, Layout, instance

KINDS = ("ordinary", "large exponents", "maximum everywhere", "thin weights", "denormal", "two labels", "many labels")

SIZES = {"labels": 3, "ranks": 2, "prototypes": 3, "features": 2}


def kernel_case(program: Program, layout: Layout, kind: str, rng: np.random.Generator) -> Instance:
    """One instance of the given kind."""
    labels = {"two labels": 2, "many labels": 9}.get(kind, SIZES["labels"])
    case = instance(program, layout, rng, {**SIZES, "labels": labels})
    dense = {name: _push(program, name, values, kind, rng) for name, values in case.dense.items()}
    return dataclasses.replace(case, dense=dense)


def _push(program: Program, name: str, values: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    (array,) = (item for item in program.inputs if isinstance(item, Array) and item.name == name)
    if array.mask:
        return values
    probabilities = any(wanted != 0 for _, wanted in array.sums)
    if name == "weights":
        return _thin(values, rng) if kind == "thin weights" else values
    if probabilities:
        return _peaked(array, values, rng) if kind in ("large exponents", "maximum everywhere") else values
    if kind == "large exponents":
        return values * (700.0 / max(np.abs(values).max(), 1e-300))
    if kind == "maximum everywhere":
        return _maximum_in_turn(values)
    if kind == "denormal":
        return values * 2.0**-1060
    return values


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


def _maximum_in_turn(values: np.ndarray) -> np.ndarray:
    """The largest entry of the last axis at each of its places in turn, and far above the others."""
    moved = values.copy().reshape(-1, values.shape[-1]) if values.ndim else values
    moved[np.arange(moved.shape[0]), np.arange(moved.shape[0]) % moved.shape[1]] += 40.0
    result: np.ndarray = moved.reshape(values.shape)
    return result
