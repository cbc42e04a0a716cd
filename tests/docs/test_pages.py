"""The code on the pages runs as it stands, and prints what the pages say that it prints."""

import contextlib
import io
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<output>.*?)^```\n)?", re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
PAGES = sorted(page for page in DOCS.rglob("*.md") if "lemmas" not in page.parts and "```python" in page.read_text())

# Percentages and counts on the pages come from learning, whose last steps differ with the order of roundings: a tenth
# of a number, or 0.3 percentage points, is what other machines may differ by. A wrong formula differs by far more.
RELATIVE, ABSOLUTE = 0.1, 0.3


def printed_as_shown(printed: str, shown: str) -> bool:
    """Whether the words agree exactly, and the numbers nearly."""
    if NUMBER.sub("#", printed) != NUMBER.sub("#", shown):
        return False
    pairs = zip(NUMBER.findall(printed), NUMBER.findall(shown), strict=True)
    return all(abs(float(a) - float(b)) <= max(ABSOLUTE, RELATIVE * abs(float(b))) for a, b in pairs)


@pytest.mark.parametrize(
    ("printed", "shown", "same"),
    [
        ("2.1 % wrong", "2.0 % wrong", True),
        ("3.1 % wrong", "2.0 % wrong", False),
        ("(64, 64)", "(64, 65, 2)", False),
        ("proved: True", "proved: False", False),
    ],
)
def test_what_is_printed_is_compared_by_words_and_numbers(printed, shown, same):
    assert printed_as_shown(printed, shown) is same


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_the_code_of_a_page_runs_and_prints_what_the_page_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block["code"], page.name, "exec"), names)
        assert printed_as_shown(printed.getvalue(), block["output"] or ""), printed.getvalue()


def test_the_pages_with_code_are_found():
    found = {page.relative_to(DOCS).as_posix() for page in PAGES}
    assert found >= {"tutorial.md", "howto/add-a-lemma.md", "howto/general-graph.md", "howto/methods.md"}


def test_every_page_is_reached_from_the_first():
    listed = set(re.findall(r"^[\w/-]+$", (DOCS / "index.md").read_text(), re.MULTILINE))
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.rglob("*.md")}
    pages -= {page for page in pages if page.startswith(("lemmas/", "decisions/"))}
    assert pages - {"index"} <= listed


def test_every_decision_is_listed():
    folder = DOCS / "decisions"
    listed = set(re.findall(r"^[\w-]+$", (folder / "README.md").read_text(), re.MULTILINE))
    assert {page.stem for page in folder.glob("*.md")} - {"README"} <= listed


def test_the_table_of_equations_names_every_lemma_and_kernel_of_the_paper_and_no_other():
    from derivations.registry import lemmas

    table = (DOCS / "science.md").read_text()
    linked = set(re.findall(r"\(lemmas/(\w+)\.md\)", table))
    numbered = [item for item in lemmas() if item.family == "assignment" and re.search(r"\(\d\.\d", item.reference)]
    assert {item.name for item in numbered} <= linked <= {item.name for item in lemmas()}
    kernels = [program.name for item in numbered for program in item.programs]
    assert [name for name in kernels if f"`{name}`" not in table] == []


def test_every_file_that_a_page_names_exists():
    root = DOCS.parent
    named = re.compile(r"`((?:laflow|derivations|verify|tests|docs)/[\w./-]*[\w/])`")
    later = {"derivations/assignment/cross_entropy.py", "laflow/kernels/cross_entropy_gradient.py"}
    for page in [
        *PAGES,
        *DOCS.glob("*.md"),
        *DOCS.glob("decisions/*.md"),
        root / "README.md",
        root / "CONTRIBUTING.md",
    ]:
        missing = [name for name in named.findall(page.read_text()) if name not in later and not (root / name).exists()]
        assert missing == [], page
