"""The direction of the imports, and where compiled code may stand."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
COMPILERS = {"njit", "jit", "vectorize", "guvectorize", "stencil", "cfunc"}


def test_import_contracts_hold():
    lint = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert lint.returncode == 0, lint.stdout + lint.stderr
    assert "0 broken" in lint.stdout


def test_contracts_name_every_arrow():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    forbidden = {(c["source_modules"][0], target) for c in contracts for target in c.get("forbidden_modules", [])}
    assert forbidden >= {
        ("laflow", "derivations"),
        ("laflow", "verify"),
        ("laflow", "sympy"),
        ("derivations", "laflow"),
        ("derivations", "verify"),
    }


def compiled_by_hand(source: str) -> list[int]:
    """Lines on which a name of Numba's compilers is imported from numba or reached through an attribute."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        imported = isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "numba"
        if imported and COMPILERS & {alias.name for alias in node.names}:
            lines.append(node.lineno)
        if isinstance(node, ast.Attribute) and node.attr in COMPILERS:
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize(
    "source",
    [
        "from numba import njit",
        "import numba\n@numba.njit\ndef f(): pass",
        "import numba as nb\nf = nb.vectorize(g)",
    ],
)
def test_the_search_for_compiled_code_finds_it(source):
    assert compiled_by_hand(source)


def test_compiled_code_stands_in_kernels_what_they_are_built_on_and_linalg_only():
    by_hand = ("exponential", "vectors", "neighbour_sums", "linalg")
    allowed = {*(ROOT / "laflow" / f"{name}.py" for name in by_hand), *(ROOT / "laflow" / "kernels").glob("*.py")}
    written = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / "laflow").rglob("*.py"))
        if path not in allowed
        for line in compiled_by_hand(path.read_text())
    ]
    assert not written
