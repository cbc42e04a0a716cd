"""``python -m verify.sympy_versions [VERSION …]``: the kernels' text under other releases of SymPy.

For each release an environment of its own is made in a temporary directory, with that SymPy and nothing else, and
``python -m derivations --check`` runs there over this checkout: every lemma is proved again and every kernel's text is
compared with the committed one. Without arguments it takes the oldest and the newest release that ``pyproject.toml``
allows. Needs a package index; takes about a minute a release.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Checked:
    """What one release of SymPy says: its exact version, whether all is as committed, and what it printed."""

    version: str
    agrees: bool
    output: str
    seconds: float


def allowed_range(pyproject: Path = ROOT / "pyproject.toml") -> tuple[str, str]:
    """The oldest release, and the first that is too new, of the extra ``derive``."""
    extras = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    (requirement,) = (item for item in extras["derive"] if item.startswith("sympy"))
    found = re.fullmatch(r"sympy>=([\d.]+),<([\d.]+)", requirement)
    if found is None:
        raise ValueError(f"{requirement!r} does not bound SymPy on both sides; write sympy>=OLDEST,<TOO_NEW")
    return found.group(1), found.group(2)


def check(requirement: str) -> Checked:
    """Make an environment with one release (``==1.12``, or ``<1.15`` for the newest below) and check there."""
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="sympy-") as place:
        venv.create(place, with_pip=True)
        python = str(Path(place) / "bin" / "python")
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"sympy{requirement}"]
        subprocess.run(install, check=True, capture_output=True, text=True)
        asked = subprocess.run(
            [python, "-c", "import sympy; print(sympy.__version__)"], check=True, capture_output=True, text=True
        )
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [python, "-m", "derivations", "--check"], cwd=ROOT, env=environment, capture_output=True, text=True
        )
    return Checked(asked.stdout.strip(), done.returncode == 0, done.stdout + done.stderr, time.perf_counter() - begin)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the releases asked for; 0 only if all agree."""
    parser = argparse.ArgumentParser(prog="python -m verify.sympy_versions", description=__doc__.split("\n")[0])
    parser.add_argument("versions", nargs="*", metavar="VERSION", help="exact releases; else the ends of the range")
    options = parser.parse_args(arguments)
    oldest, too_new = allowed_range()
    wanted = [f"=={version}" for version in options.versions] or [f"=={oldest}", f"<{too_new}"]
    agreed = True
    for requirement in wanted:
        try:
            checked = check(requirement)
        except subprocess.CalledProcessError as error:
            print(f"sympy{requirement} cannot be installed: {error.stderr.strip()}", file=sys.stderr)
            return 2
        agreed = agreed and checked.agrees
        state = "proofs and kernels as committed" if checked.agrees else "DIFFERS"
        print(f"SymPy {checked.version}: {state} ({checked.seconds:.0f} s)", flush=True)
        if not checked.agrees:
            print(checked.output)
    return 0 if agreed else 1


if __name__ == "__main__":
    raise SystemExit(main())
