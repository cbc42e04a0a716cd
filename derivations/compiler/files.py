"""Stage 4. Input: module texts. Output: files with header and checksums, or their differences from the committed ones.

The header names the command, the lemma, the SymPy version, and two SHA-256 sums: of the derivation (claims and program
in canonical text) and of the body below the header, so that an edit by hand is noticed even without regenerating.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sympy as sp

from derivations.algebra.lemma import Lemma
from derivations.algebra.program import Program
from derivations.compiler.expression_text import canonical_text
from derivations.compiler.module_text import compile_program

COMMAND = "python -m derivations"
KERNELS = Path(__file__).resolve().parents[2] / "laflow" / "kernels"
_VERSION = re.compile(r"^# SymPy:      (.*)$", re.MULTILINE)
_PACKAGE = '"""Kernels generated from the derivations; nothing here is written by hand.\n\n{}\n"""\n'


@dataclass(frozen=True)
class GeneratedFile:
    """A file as it should be."""

    path: Path
    text: str

    def difference(self) -> str:
        """A unified diff from the committed file to this one; empty if they agree."""
        present = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        if recorded := _VERSION.search(present):  # the version that generated the file is a note, not content
            wanted = _VERSION.sub(lambda _: recorded.group(0), self.text)
        else:
            wanted = self.text
        name = self.path.name
        lines = difflib.unified_diff(
            present.splitlines(keepends=True),
            wanted.splitlines(keepends=True),
            f"committed/{name}",
            f"generated/{name}",
        )
        return "".join(lines)

    def write(self) -> None:
        """Write to a temporary file, then rename."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(self.text)
            os.chmod(temporary, 0o644)
            os.replace(temporary, self.path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def kernel_files(lemmas: Sequence[Lemma], folder: Path = KERNELS) -> list[GeneratedFile]:
    """All kernel modules of the given lemmas, and the package file that lists them."""
    modules: dict[str, GeneratedFile] = {}
    for lemma in lemmas:
        for program in lemma.programs:
            if program.name in modules:
                raise ValueError(f"two lemmas define a kernel named {program.name}; kernels need distinct names")
            body = compile_program(lemma, program.name)
            text = _header(lemma, program, body) + body
            modules[program.name] = GeneratedFile(folder / f"{program.name}.py", text)
    listing = GeneratedFile(folder / "__init__.py", _PACKAGE.format("\n".join(f"- ``{n}``" for n in sorted(modules))))
    return [*(modules[name] for name in sorted(modules)), listing]


def stale_files(files: Sequence[GeneratedFile], folder: Path = KERNELS) -> list[Path]:
    """Modules in the folder that no lemma generates any more."""
    wanted = {item.path for item in files}
    return sorted(path for path in folder.glob("*.py") if path not in wanted)


def body_checksum_holds(text: str) -> bool:
    """Whether the body of a generated file is the one that its header was made for."""
    header, separator, body = text.partition("\n\n")
    found = re.search(r"^# body:       sha256 ([0-9a-f]{64})$", header, re.MULTILINE)
    return bool(separator and found and found.group(1) == _sha256(body))


def _header(lemma: Lemma, program: Program, body: str) -> str:
    return (
        "# Generated file: do not edit. Change the derivation instead and run\n"
        f"#     {COMMAND}\n"
        f"# lemma:      {lemma.reference}\n"
        f"# SymPy:      {sp.__version__}\n"
        f"# derivation: sha256 {_sha256(derivation_text(lemma, program))}\n"
        f"# body:       sha256 {_sha256(body)}\n\n"
    )


def derivation_text(lemma: Lemma, program: Program) -> str:
    """What the kernel was derived from, as text that depends on nothing but the mathematics."""
    lines = [lemma.name, lemma.reference, *(f"{c.name}: {canonical_text(c.claimed.expr)}" for c in lemma.claims)]
    lines += [f"{output.name} means {canonical_text(meaning.expr)}" for output, meaning in program.means.items()]
    lines += [f"{canonical_text(item.target)} = {canonical_text(item.value)}" for item in program.steps]
    return "\n".join(lines)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
