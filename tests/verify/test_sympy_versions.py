"""The allowed releases of SymPy are bounded on both sides, and the pinned one is among them."""

import re

import pytest

from verify import sympy_versions
from verify.sympy_versions import ROOT, Checked, allowed_range, main


def as_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def test_the_pinned_release_lies_in_the_allowed_range():
    oldest, too_new = allowed_range()
    pinned = re.search(r"^sympy==([\d.]+)$", (ROOT / "requirements" / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert as_numbers(oldest) <= as_numbers(pinned.group(1)) < as_numbers(too_new)


def test_a_range_without_an_end_is_refused(tmp_path):
    project = tmp_path / "pyproject.toml"
    project.write_text('[project.optional-dependencies]\nderive = ["sympy>=1.12"]\n', encoding="utf-8")
    with pytest.raises(ValueError, match="does not bound SymPy on both sides"):
        allowed_range(project)


@pytest.mark.parametrize(("agrees", "status"), [(True, 0), (False, 1)])
def test_both_ends_are_checked_and_a_difference_fails(monkeypatch, capsys, agrees, status):
    asked = []

    def check(requirement: str) -> Checked:
        asked.append(requirement)
        return Checked("1.0", agrees or len(asked) == 1, "the difference", 0.0)

    monkeypatch.setattr(sympy_versions, "check", check)
    assert main([]) == status
    oldest, too_new = allowed_range()
    assert asked == [f"=={oldest}", f"<{too_new}"]
    assert ("the difference" in capsys.readouterr().out) is not agrees
