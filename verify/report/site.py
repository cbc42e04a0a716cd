"""The static site: written beside its folder and renamed, so that no reader ever sees half of it."""

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from verify.audit import Audited, as_json
from verify.obligations.outcome import Effort, Status
from verify.report.index_view import index_view, worst_on, worst_ratio
from verify.report.lemma_view import lemma_view
from verify.report.mathml import FONT, font_file, markdown

DATA = "audit.json"  # the report for machines; what makes a folder a report of ours
WRITTEN_BY = "python -m verify --html"
MARKS = {Status.HOLDS: "✓", Status.FAILS: "✗", Status.ABSENT: "–"}


class FolderError(ValueError):
    """The folder is not ours to replace."""


def check_folder(folder: Path) -> None:
    """Raise `FolderError` unless the folder is missing, empty, or a report written here before."""
    if folder.is_symlink():
        raise FolderError(f"{folder} is a symbolic link: name the folder itself")
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"{folder} is a file: name another folder, or remove it")
    if folder.is_dir() and any(folder.iterdir()) and not _is_report(folder):
        raise FolderError(f"{folder} exists and is no report of `{WRITTEN_BY}`: name another folder, or remove it")


def _is_report(folder: Path) -> bool:
    try:
        content = json.loads((folder / DATA).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("written_by") == WRITTEN_BY


def write_site(folder: Path, results: Sequence[Audited], effort: Effort, seconds: float) -> None:
    """Write the site; a report that is there already is replaced only once the new one is complete."""
    check_folder(folder)
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".part"))
    try:
        built = temporary / "site"
        _write_pages(built, results, effort, seconds)
        if folder.exists():
            os.replace(folder, temporary / "before")
        os.replace(built, folder)
    finally:
        if not folder.exists() and (temporary / "before").exists():
            os.replace(temporary / "before", folder)
        shutil.rmtree(temporary, ignore_errors=True)


def _write_pages(folder: Path, results: Sequence[Audited], effort: Effort, seconds: float) -> None:
    (folder / "lemmas").mkdir(parents=True)
    (folder / "static").mkdir()
    pages = environment()
    first = pages.get_template("index.html").render(root=".", **index_view(results, effort, seconds))
    (folder / "index.html").write_text(first, encoding="utf-8")
    for place, result in enumerate(results):
        around = {
            "before": results[place - 1].lemma if place else None,
            "after": results[place + 1].lemma if place + 1 < len(results) else None,
        }
        text = pages.get_template("lemma.html").render(root="..", effort=effort.value, **around, **lemma_view(result))
        (folder / "lemmas" / f"{result.lemma.name}.html").write_text(text, encoding="utf-8")
    with as_file(files("verify.report") / "templates" / "style.css") as style:
        shutil.copyfile(style, folder / "static" / "style.css")
    shutil.copyfile(font_file(), folder / "static" / FONT)
    content = {"written_by": WRITTEN_BY, **as_json(results, effort)}
    (folder / DATA).write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")


def environment() -> Environment:
    """Templates; what is no markup is escaped, and a missing name is an error."""
    pages = Environment(
        loader=PackageLoader("verify.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters.update(mark=_mark, figure=_figure, duration=_duration, markdown=markdown, sizes=_sizes)
    pages.globals.update(worst_on=worst_on, worst_ratio=worst_ratio)
    return pages


def _mark(status: Status) -> Markup:
    return Markup('<span class="{}" title="{}">{}</span>').format(status.value, status.value, MARKS[status])


def _figure(value: float | None) -> str:
    if value is None:
        return "–"
    if value == 0.0:
        return "0"
    return f"{value:.2f}" if 0.01 <= abs(value) < 1000 else f"{value:.1e}"


def _duration(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms" if seconds < 1.0 else f"{seconds:.1f} s"


def _sizes(text: str) -> str:
    """The explicit sizes of a proof; claims over no range have none."""
    found = [size.strip() for size in text.split(";") if size.strip()]
    return "; ".join(found) or "random points (no ranges)"
