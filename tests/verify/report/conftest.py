"""One small site for all tests of the report: a lemma with a kernel, and one without."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

from derivations.registry import lemma
from verify.audit import Audited, audit
from verify.obligations.outcome import Effort
from verify.report.site import write_site

NAMES = ("lemma_3_2_similarity", "low_rank")
VOID = {"meta", "link", "br", "img", "hr", "input"}


@dataclass
class Page:
    """What a page links to, what can be linked to on it, and what its markup lacks."""

    links: list[str]
    anchors: list[str]
    formulas: int
    faults: list[str]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page([], [], 0, [])
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        for name in ("href", "src"):
            if values.get(name):
                self.page.links.append(str(values[name]))
        if "id" in values:
            self.page.anchors.append(str(values["id"]))
        self.page.formulas += tag == "math"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.page.faults.append(f"</{tag}> closes something else at {self.getpos()}")


def read(path: Path) -> Page:
    """Parse a page; faults are elements that are not closed, or anchors that are there twice."""
    text = path.read_text(encoding="utf-8")
    reader = _Reader()
    reader.feed(text)
    page = reader.page
    page.links += re.findall(r'url\("([^"]+)"\)', text)
    page.faults += [f"<{tag}> stays open" for tag in reader.open]
    page.faults += [f"the anchor {name} is there twice" for name in {*page.anchors} if page.anchors.count(name) > 1]
    return page


@pytest.fixture(scope="session")
def audited() -> list[Audited]:
    """A quick audit of two lemmas."""
    return list(audit([lemma(name) for name in NAMES], Effort.QUICK))


@pytest.fixture(scope="session")
def site(audited: list[Audited], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site written from it."""
    folder = tmp_path_factory.mktemp("report") / "audit"
    write_site(folder, audited, Effort.QUICK, 1.5)
    return folder


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[str, Page]:
    """Every page by its path inside the site."""
    return {path.relative_to(site).as_posix(): read(path) for path in site.rglob("*.html")}
