"""A private copy of the runtime's modules, in which the text of one module may be another.

The copy is made of fresh module objects that import each other; nothing in `sys.modules` changes, so that a mutant
cannot leak. The generated kernels, and the linear algebra unless it is what is mutated, stay the compiled ones, behind
guards: a mutant that would hand them arrays of wrong sizes, and make them write where nothing is theirs, stops.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import types
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import laflow.graph
from verify import interpreted_vectors
from verify.kernel_guards import guarded_kernels, guarded_linalg

ROOT = Path(laflow.__file__).parent

# In the order of their imports.
MODULES = (
    "checks",
    "aligned",
    "linalg",
    "krylov",
    "graph",
    "neighbour_sums",
    "strips",
    "bands",
    "parallel",
    "assignment.distances",
    "assignment.flow",
    "assignment.objective",
    "assignment.low_rank",
    "assignment.banded",
    "assignment.reference",
    "assignment.gradient",
    "optimizers",
    "archives",
    "checkpoint",
    "assignment.learning",
    "assignment.predictor",
    "assignment.grid_symmetry",
    "assignment.batch",
    "assignment.training",
)


def source_of(module: str) -> str:
    """The text of a module of the runtime, named without ``laflow.``."""
    return (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")


class Package:
    """Modules of the runtime by their last names: ``package.flow.solve_flow``."""

    def __init__(self, modules: Mapping[str, types.ModuleType]) -> None:
        for name, module in modules.items():
            setattr(self, name.rpartition(".")[2], module)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the runtime has no module {name}")


def load(mutated: str = "", text: str = "") -> Package:
    """A copy of the package; with ``text`` in the place of the module ``mutated``.

    Modules that do not depend on the mutated one are shared between copies.
    """
    if not mutated:
        return Package(_original())
    modules = dict(_original())
    changed = {mutated}
    for name in MODULES:
        if name != mutated and not changed & _imports(name):
            continue
        changed.add(name)
        code = compile(text, f"laflow/{name}", "exec", dont_inherit=True) if name == mutated else _code(name)
        modules[name] = _execute(name, code, modules)
    return Package(modules)


def load_recording(seen: set[tuple[str, str]], interpreted: str = "") -> Package:
    """A copy of which every function adds (module, name) to ``seen`` when it is called."""
    modules: dict[str, types.ModuleType] = {}
    for name in MODULES:
        if name == "linalg" != interpreted:
            modules[name] = guarded_linalg()
            continue
        tree = ast.parse(source_of(name))
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            told = ast.parse(f"_seen.add(({name!r}, {function.name!r}))").body
            function.body = [*told, *function.body]
        code = compile(ast.fix_missing_locations(tree), f"laflow/{name}", "exec", dont_inherit=True)
        modules[name] = _execute(name, code, modules, _seen=seen)
    return Package(modules)


@lru_cache(maxsize=1)
def _original() -> Mapping[str, types.ModuleType]:
    modules: dict[str, types.ModuleType] = {}
    for name in MODULES:
        modules[name] = guarded_linalg() if name == "linalg" else _execute(name, _code(name), modules)
    return modules


def _execute(
    name: str, code: types.CodeType, modules: Mapping[str, types.ModuleType], **given: Any
) -> types.ModuleType:
    module = types.ModuleType(f"laflow.{name}")
    module.__dict__.update(given)
    module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _importer(modules)}
    exec(code, module.__dict__)  # text of this repository, or a mutant of it
    if name == "graph":  # compiled kernels are cached by these two types
        module.__dict__["GridStructure"] = laflow.graph.GridStructure
        module.__dict__["GraphStructure"] = laflow.graph.GraphStructure
    return module


def _importer(modules: Mapping[str, types.ModuleType]) -> Callable[..., Any]:
    def private_import(
        name: str, globals_: Any = None, locals_: Any = None, from_list: Any = (), level: int = 0
    ) -> types.ModuleType:
        own = name.removeprefix("laflow.")
        if name == "laflow.kernels":
            return guarded_kernels()
        if name == "numba" and from_list and "njit" in from_list:
            return _interpreted_numba()
        if name == "laflow.vectors":
            return interpreted_vectors
        if name.startswith("laflow.") and own in modules:
            return modules[own]
        found: types.ModuleType = builtins.__import__(name, globals_, locals_, from_list, level)
        return found

    return private_import


@lru_cache(maxsize=1)
def _interpreted_numba() -> types.ModuleType:
    """What a module with compiled functions imports when it is to be interpreted; tasks run in another order."""
    module = types.ModuleType("interpreted_numba")
    vars(module).update(njit=lambda **_options: lambda function: function, prange=lambda n: reversed(range(n)))
    return module


@cache
def _code(name: str) -> types.CodeType:
    return compile(source_of(name), f"laflow/{name}", "exec", dont_inherit=True)


@cache
def _imports(name: str) -> frozenset[str]:
    """The modules of the runtime that a module imports by name."""
    nodes = ast.walk(ast.parse(source_of(name)))
    found = (node.module or "" for node in nodes if isinstance(node, ast.ImportFrom))
    return frozenset(item.removeprefix("laflow.") for item in found if item.startswith("laflow."))


def compiled(name: str) -> types.ModuleType:
    """A module of the runtime as users get it."""
    return importlib.import_module(f"laflow.{name}")
