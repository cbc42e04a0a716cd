"""The committed kernels are exactly what the derivations generate, whatever the hash seed, and edits are noticed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from derivations.__main__ import main
from derivations.compiler.files import KERNELS, GeneratedFile, body_checksum_holds, kernel_files, stale_files
from derivations.registry import lemmas

ROOT = Path(__file__).resolve().parents[3]
FILES = kernel_files(lemmas())


@pytest.mark.parametrize("item", FILES, ids=lambda item: item.path.name)
def test_a_committed_kernel_is_what_its_derivation_generates(item: GeneratedFile) -> None:
    assert item.difference() == ""


@pytest.mark.parametrize("path", sorted(KERNELS.glob("[!_]*.py")), ids=lambda path: path.name)
def test_the_body_of_a_kernel_matches_its_checksum_and_one_changed_character_does_not(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert body_checksum_holds(text)
    assert not body_checksum_holds(text.replace("range(", "range (", 1))


def test_no_kernel_is_left_over_from_a_lemma_that_is_gone() -> None:
    assert stale_files(FILES) == []


@pytest.mark.parametrize("seed", ["1", "4321"])
def test_kernels_do_not_depend_on_the_hash_seed(seed: str) -> None:
    command = [sys.executable, "-m", "derivations", "--check"]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_difference_is_shown_with_the_command_that_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = tmp_path / "linear_map.py"
    (original,) = (item for item in FILES if item.path.name == "linear_map.py")
    edited.write_text(original.text.replace(" - ", " + "), encoding="utf-8")
    monkeypatch.setattr("derivations.__main__.kernel_files", lambda _: [GeneratedFile(edited, original.text)])
    monkeypatch.setattr("derivations.__main__.stale_files", lambda _: [])
    assert main(["--check"]) == 1
    shown = capsys.readouterr().out
    assert "--- committed/linear_map.py" in shown
    assert "python -m derivations" in shown


def test_another_sympy_version_in_the_header_is_no_difference(tmp_path: Path) -> None:
    (original,) = (item for item in FILES if item.path.name == "linear_map.py")
    other = tmp_path / "linear_map.py"
    other.write_text(original.text.replace("# SymPy:      1.", "# SymPy:      0."), encoding="utf-8")
    assert GeneratedFile(other, original.text).difference() == ""


def test_writing_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    item = GeneratedFile(tmp_path / "kernel.py", "new\n")
    item.path.write_text("old\n", encoding="utf-8")
    item.write()
    assert item.path.read_text(encoding="utf-8") == "new\n"
    assert [path.name for path in tmp_path.iterdir()] == ["kernel.py"]
