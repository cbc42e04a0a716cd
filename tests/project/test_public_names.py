"""The names that `import laflow` and `import laflow.metric` offer."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import laflow
import laflow.metric

PACKAGES = (laflow, laflow.metric)
NAMES = [(package, name) for package in PACKAGES for name in package.__all__]


def imported_for_type_checkers(package):
    (guard,) = [node for node in ast.parse(Path(package.__file__).read_text()).body if isinstance(node, ast.If)]
    return {alias.name: node.module for node in guard.body for alias in node.names}


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_see_what_is_imported_on_first_use(package):
    assert imported_for_type_checkers(package) == package._MODULE_OF


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_listed_once_and_in_order(package):
    assert package.__all__ == sorted(set(package.__all__))
    assert set(package.__all__) == set(package._MODULE_OF)
    assert set(package.__all__) <= set(dir(package))


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_a_public_name_is_the_object_of_its_module_and_is_documented(package, name):
    offered = getattr(package, name)
    assert offered is getattr(import_module(package._MODULE_OF[name]), name)
    assert len(offered.__doc__ or "") > 20


@pytest.mark.parametrize("package", PACKAGES)
def test_an_unknown_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="solve_flows"):
        _ = package.solve_flows


@pytest.mark.parametrize("package", ["laflow", "laflow.metric"])
def test_importing_laflow_loads_nothing_else(package):
    code = f"import {package}, sys; print([name for name in ('numpy', 'numba', 'scipy') if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_the_version_is_that_of_the_project():
    from importlib.metadata import version

    assert laflow.__version__ == version("laflow")
