"""The names that `import laflow` offers."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import laflow

SOURCE = Path(laflow.__file__).read_text()


def imported_for_type_checkers():
    (guard,) = [node for node in ast.parse(SOURCE).body if isinstance(node, ast.If)]
    return {alias.name: node.module for node in guard.body for alias in node.names}


def test_type_checkers_see_what_is_imported_on_first_use():
    assert imported_for_type_checkers() == laflow._MODULE_OF


def test_every_public_name_is_listed_once_and_in_order():
    assert laflow.__all__ == sorted(set(laflow.__all__))
    assert set(laflow.__all__) == set(laflow._MODULE_OF)
    assert set(laflow.__all__) <= set(dir(laflow))


@pytest.mark.parametrize("name", laflow.__all__)
def test_a_public_name_is_the_object_of_its_module_and_is_documented(name):
    offered = getattr(laflow, name)
    assert offered is getattr(import_module(laflow._MODULE_OF[name]), name)
    assert len(offered.__doc__ or "") > 20


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="solve_flows"):
        _ = laflow.solve_flows


def test_importing_laflow_loads_nothing_else():
    code = "import laflow, sys; print([name for name in ('numpy', 'numba', 'scipy') if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_the_version_is_that_of_the_project():
    from importlib.metadata import version

    assert laflow.__version__ == version("laflow")
