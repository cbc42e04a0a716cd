"""docs/defects.md names tests that are there: a fault is caught by something that runs."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "defects.md").read_text(encoding="utf-8")
ROWS = [
    line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| fault |", "| near miss"))
]


def test_every_test_that_the_page_names_is_there():
    defined = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 8
    assert named <= defined


def test_every_defect_says_how_it_was_found_and_what_catches_it_now():
    assert len(ROWS) > 12
    assert all(all(cell.strip() for cell in row.strip("|").split(" | ")) for row in ROWS)


def test_the_wrong_variant_that_the_page_quotes_is_one():
    from derivations.registry import lemma

    (quoted,) = re.findall(r'wrong variant "([^"]+)" of', PAGE)
    assert quoted in [variant.why for variant in lemma("theorem_3_8_gradient").wrong]
