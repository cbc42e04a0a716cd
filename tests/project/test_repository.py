"""What a newcomer finds: the files, the pins, the commands."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = {
    re.sub(r"[-_.]+", "-", name).lower(): pin
    for name, pin in re.findall(
        r"^([\w.-]+)==(\S+)$", (ROOT / "requirements" / "constraints.txt").read_text(), re.MULTILINE
    )
}
REQUIREMENTS = [
    Requirement(text)
    for text in [
        *PROJECT["dependencies"],
        *(t for extra in PROJECT["optional-dependencies"].values() for t in extra),
    ]
]


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda r: r.name)
def test_every_requirement_is_pinned_within_its_range(requirement):
    assert requirement.specifier.contains(PINS[requirement.name.lower()])


def test_what_runs_is_what_is_pinned():
    extras = PROJECT["optional-dependencies"]
    elsewhere = {Requirement(text).name for extra in ("bench", "docs") for text in extras[extra]}
    installed = {r.name: version(r.name) for r in REQUIREMENTS if r.name not in elsewhere}
    assert installed == {name: PINS[name.lower()] for name in installed}


def test_torch_is_needed_by_the_benchmarks_only():
    extras = PROJECT["optional-dependencies"]
    users = [name for name, needs in extras.items() if any(need.startswith("torch") for need in needs)]
    assert users == ["bench"]
    assert not any(need.startswith("torch") for need in PROJECT["dependencies"])


@pytest.mark.parametrize("name", ["README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff"])
def test_the_usual_files_are_there_and_say_something(name):
    assert len((ROOT / name).read_text()) > 200


def test_every_make_target_in_the_help_exists_and_the_other_way_round():
    makefile = (ROOT / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE).group(1).split()) - {"help"}
    assert set(re.findall(r'^\t@echo "make (\w+) ', makefile, re.MULTILINE)) == phony


def test_importing_the_program_loads_nothing_heavy():
    heavy = "numba", "matplotlib", "scipy", "imageio", "tifffile", "sympy"
    code = f"import sys, laflow.cli; print([name for name in {heavy!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert loaded.stdout.strip() == "[]"


def test_a_wheel_ships_laflow_with_its_data_and_nothing_else(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"laflow"}
    assert {"laflow/data/nuclei_train.png", "laflow/data/ORIGIN.md"} <= set(names)


def test_every_package_that_is_imported_is_required():
    """A package that happens to be in the developer's environment would be missing in a fresh one."""
    provided = {"flint": "python-flint", "markdown_it": "markdown-it-py", "mpmath": "sympy"}
    required = {requirement.name.lower().replace("-", "_") for requirement in REQUIREMENTS}
    own = {"laflow", "derivations", "verify", "tests", *sys.stdlib_module_names}
    # A script for an interpreter of its own, with what a peer requires: nothing here imports it.
    elsewhere = ROOT / "verify" / "peers" / "mlgeometry_worker.py"
    missing = {}
    for folder in ("laflow", "derivations", "verify"):
        for path in set((ROOT / folder).rglob("*.py")) - {elsewhere}:
            for name in imported(path.read_text()) - own:
                package = provided.get(name, name)
                if package.lower().replace("-", "_") not in required:
                    missing[name] = str(path.relative_to(ROOT))
    assert not missing


def imported(source):
    """The top-level names of all absolute imports."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").split(".")[0])
    return names
