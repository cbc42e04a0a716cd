"""Compiled functions behind checks of what they are handed, so that faulty callers stop instead of writing anywhere.

What a kernel may be handed follows from its program: every axis of every array has one size, and all accesses of the
structure lie inside. Arrays of another type or layout would have the kernel compiled anew; that counts as a fault.
"""

from __future__ import annotations

import importlib
import types
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

import laflow.linalg
from derivations.algebra.language import Array
from derivations.algebra.program import Program
from derivations.registry import lemmas


class Misused(RuntimeError):
    """A compiled function was handed what it does not take."""


@lru_cache(maxsize=1)
def guarded_kernels() -> types.ModuleType:
    """In the place of ``laflow.kernels``: every kernel with checked arguments."""
    package = types.ModuleType("guarded_kernels")
    for lemma in lemmas():
        for program in lemma.programs:
            setattr(package, program.name, _guarded(program))
    return package


def _guarded(program: Program) -> types.ModuleType:
    kernel = importlib.import_module(f"laflow.kernels.{program.name}")
    module = types.ModuleType(program.name)
    vars(module).update(BLOCK=kernel.BLOCK, work_rows=kernel.work_rows)
    for kind in ("grid", "graph"):
        if hasattr(kernel, kind):
            setattr(module, kind, _checking(program, kind, kernel))
    if hasattr(kernel, "sites"):
        module.sites = _checking_sites(program, kernel)  # type: ignore[attr-defined]
    return module


def _checking_sites(program: Program, kernel: Any) -> Callable[..., None]:
    def call(*arguments: Any) -> None:
        arrays = (*program.inputs, *program.outputs)
        _require(len(arguments) == len(arrays) + 1, f"{program.name}: {len(arguments)} arguments")
        *given, work = arguments
        sizes: dict[str, int] = {}
        for item, value in zip(arrays, given, strict=True):
            assert isinstance(item, Array)  # sites know no scalars
            axes = [name for name in (over.name for over in item.axes) if name != "sites"] + ["sites"]
            _check_shape(program, item, value, axes, sizes, work.dtype)
        rows = max(1, int(kernel.work_rows(*given[: len(program.inputs)])))
        _require(work.dtype in (np.float32, np.float64) and work.flags.c_contiguous, "work")
        _require(work.ndim == 3 and work.shape[0] > 0 and work.shape[1] >= rows, "work")
        _require(work.shape[2] == kernel.BLOCK, "work")
        kernel.sites(*arguments)

    return call


def _checking(program: Program, kind: str, kernel: Any) -> Callable[..., None]:
    entry = getattr(kernel, kind)

    def call(structure: Any, *arguments: Any) -> None:
        *given, work = arguments
        if len(given) != len(program.inputs) + len(program.outputs):
            raise Misused(f"{program.name}: {len(given)} arguments")
        sizes = _structure_sizes(kind, structure, given, program)
        sizes["blocks"] = -(-(structure.last - structure.first) // kernel.BLOCK)
        for item, value in zip((*program.inputs, *program.outputs), given, strict=True):
            _check(program, kind, item, value, sizes)
        rows = max(1, int(kernel.work_rows(*given[: len(program.inputs)])))
        _require(isinstance(work, np.ndarray) and work.flags.c_contiguous and work.dtype == np.float64, "work")
        _require(work.ndim == 3 and work.shape[0] > 0 and work.shape[1:] == (rows, kernel.BLOCK), "work")
        entry(structure, *arguments)

    return call


def _structure_sizes(kind: str, structure: Any, given: list[Any], program: Program) -> dict[str, int]:
    if kind == "graph":
        nodes = structure.indptr.size - 1
        edges = structure.indices.size
        _require(structure.first == 0 and structure.last == nodes, "range of nodes")
        for name, size, bound in (
            ("indptr", nodes + 1, edges + 1),
            ("indices", edges, nodes),
            ("transpose_indptr", nodes + 1, edges + 1),
            ("transpose_nodes", edges, nodes),
            ("transpose_edges", edges, edges),
        ):
            _indices(getattr(structure, name), size, bound)
        return {"nodes": nodes, "neighbours": edges}
    padded = next(
        (
            value.shape[-1]
            for item, value in zip((*program.inputs, *program.outputs), given, strict=True)
            if isinstance(item, Array) and item.axes[0].name == "nodes" and np.ndim(value) > 0
        ),
        0,
    )
    _indices(structure.offsets + padded, structure.offsets.size, 2 * padded)
    _require(all(type(bound) is int for bound in structure[1:]), "range of nodes")
    _require(0 <= structure.early_first <= structure.early_last <= padded, "range of early nodes")
    _require(structure.first + structure.offsets.min() >= 0, "first node")
    _require(structure.first <= structure.last and structure.last - 1 + structure.offsets.max() < padded, "last node")
    return {"nodes": padded, "neighbours": int(structure.offsets.size)}


def _indices(array: Any, size: int, bound: int) -> None:
    _require(isinstance(array, np.ndarray) and array.dtype == np.int64 and array.flags.c_contiguous, "indices")
    _require(array.shape == (size,) and (size == 0 or (array.min() >= 0 and array.max() < bound)), "indices")


def _check(program: Program, kind: str, item: Array | sp.Symbol, value: Any, sizes: dict[str, int]) -> None:
    if isinstance(item, sp.Symbol):
        _require(type(value) in (float, np.float64), f"{program.name}: {item.name}")
        return
    axes = [over.name for over in item.axes]
    if axes.count("nodes") == 2 or axes == ["nodes", "neighbours"]:
        wanted = ["neighbours", "nodes"] if kind == "grid" else ["neighbours"]
    elif "nodes" in axes:
        wanted = [name for name in axes if name != "nodes"] + ["nodes"]
    else:
        wanted = axes + (["blocks"] if item in program.outputs else [])
    _check_shape(program, item, value, wanted, sizes, np.float64)


def _check_shape(
    program: Program, item: Array, value: Any, wanted: list[str], sizes: dict[str, int], kind: Any
) -> None:
    _require(isinstance(value, np.ndarray) and value.ndim == len(wanted), f"{program.name}: {item.name}")
    _require(value.dtype == kind and value.flags.c_contiguous, f"{program.name}: {item.name}")
    for name, size in zip(wanted, value.shape, strict=True):
        _require(sizes.setdefault(name, size) == size, f"{program.name}: {item.name} has shape {value.shape}")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise Misused(f"a compiled function was handed something else: {what}")


@lru_cache(maxsize=1)
def guarded_linalg() -> types.ModuleType:
    """In the place of ``laflow.linalg``: its public functions with checked arguments."""
    module = types.ModuleType("laflow.linalg")
    compiled = laflow.linalg

    def row_products(rows: Any, vector: Any) -> Any:
        _rows(rows, vector.shape)
        _rows(vector[None], vector.shape)
        return compiled.row_products(rows, vector)

    def subtract_rows(rows: Any, coefficients: Any, scale: Any, vector: Any) -> None:
        _rows(rows, vector.shape)
        _rows(coefficients[None], (rows.shape[0],))
        _require(isinstance(scale, float), "scale")
        compiled.subtract_rows(rows, coefficients, scale, vector)

    def gram(rows: Any, known: Any = None) -> Any:
        _rows(rows, rows.shape[1:])
        if known is not None:
            _rows(known, known.shape[1:], contiguous=False)
            _require(known.shape[0] == known.shape[1] <= rows.shape[0], "known")
        return compiled.gram(rows, known)

    def mix_rows(coefficients: Any, rows: Any, out: Any) -> None:
        _rows(coefficients, coefficients.shape[1:], contiguous=False)
        _rows(rows, rows.shape[1:])
        _rows(out, rows.shape[1:])
        _require(coefficients.shape == (out.shape[0], rows.shape[0]), "coefficients")
        compiled.mix_rows(coefficients, rows, out)

    def lower_products(fields: Any, first: Any, begin: Any, end: Any) -> Any:
        _fields(fields, fields.shape[1:])
        _require(0 <= first <= fields.shape[0] and 0 <= begin <= end <= fields.shape[2], "columns")
        return compiled.lower_products(fields, first, begin, end)

    def mix_fields(coefficients: Any, fields: Any, out: Any, begin: Any, end: Any) -> None:
        _rows(coefficients, coefficients.shape[1:], contiguous=False)
        _fields(fields, fields.shape[1:])
        _fields(out, fields.shape[1:])
        _require(coefficients.shape == (out.shape[0], fields.shape[0]), "coefficients")
        _require(0 <= begin <= end <= fields.shape[2], "columns")
        compiled.mix_fields(coefficients, fields, out, begin, end)

    vars(module).update(row_products=row_products, subtract_rows=subtract_rows, gram=gram, mix_rows=mix_rows)
    vars(module).update(lower_products=lower_products, mix_fields=mix_fields, whole_gram=compiled.whole_gram)
    return module


def _fields(fields: Any, shape: tuple[int, ...]) -> None:
    _require(isinstance(fields, np.ndarray) and fields.dtype == np.float64, "an array")
    _require(fields.ndim == 3 and fields.shape[1:] == shape, f"fields of shape {fields.shape}")
    _require(fields.flags.c_contiguous, "layout of fields")


def _rows(rows: Any, shape: tuple[int, ...], contiguous: bool = True) -> None:
    _require(isinstance(rows, np.ndarray) and rows.dtype == np.float64, "an array")
    _require(rows.ndim == 2 and rows.shape[1:] == shape, f"rows of shape {rows.shape}")
    _require(rows.flags.c_contiguous or not contiguous, "layout of rows")
