"""The lemma pages: every lemma is proved while the site is built, and a fault breaks the build."""

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.display import status_iterator

from derivations.algebra.lemma import Lemma
from derivations.registry import lemmas
from verify.pages import Outcome, lemma_page, prove_lemma

LOGGER = logging.getLogger(__name__)
FOLDER = "lemmas"


def write_pages(app: Sphinx) -> None:
    """Write one page a lemma and their table, where they differ from what is there."""
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(exist_ok=True)
    found = lemmas()
    outcomes = [
        prove_lemma(item) for item in status_iterator(found, "proving... ", length=len(found), stringify_func=_name)
    ]
    if faults := [item.lemma.name for item in outcomes if not item.holds]:
        raise ExtensionError(f"not everything holds in {', '.join(faults)}: python -m derivations --list says what")
    pages = {f"{item.lemma.name}.md": lemma_page(item) + _sources(item.lemma) for item in outcomes}
    pages["index.md"] = _table(outcomes)
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for path in folder.glob("*.md"):
        if path.name not in pages:
            path.unlink()


def _name(lemma: Lemma) -> str:
    return lemma.name


def _sources(lemma: Lemma) -> str:
    paths = [f"derivations/{lemma.family}/{lemma.name}.py"]
    paths += [f"laflow/kernels/{program.name}.py" for program in lemma.programs]
    return "\n## Sources\n\n" + "\n".join(_listing(path) for path in paths)


def _listing(path: str) -> str:
    return (
        f'<details class="source"><summary><code>{path}</code></summary>\n\n'
        f"```{{literalinclude}} ../../{path}\n:language: python\n```\n\n</details>\n"
    )


def _table(outcomes: list[Outcome]) -> str:
    rows = ["| lemma | reference | proofs | kernels |", "|---|---|---|---|"]
    for item in outcomes:
        lemma = item.lemma
        kernels = ", ".join(f"`{program.name}`" for program in lemma.programs) or (
            f"({lemma.runs_in.removeprefix('laflow/')})" if lemma.runs_in else "–"
        )
        rows.append(f"| [{lemma.title}]({lemma.name}.md) | {lemma.reference} | {item.status} | {kernels} |")
    names = "\n".join(item.lemma.name for item in outcomes)
    return f"{INTRODUCTION}\n" + "\n".join(rows) + f"\n\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"


INTRODUCTION = """# The lemmas

One page a lemma, written by the derivation itself: all claims below were proved while this site was built, each one
twice, and the wrong variants were refuted twice (`python -m derivations --list` does the same on a terminal). "For all
sizes" means by a normal form with symbolic numbers of nodes, labels and neighbours; "equal at" lists the explicit sizes
of the second proof, which evaluates both sides exactly in a finite field and shares no code with the first. Formulas
are printed from the objects that were proved; names in upright letters are steps of the lemma's program.
[The science](../science.md) says what the lemmas are for, [](../howto/proof-failure.md) how to read a failure.
"""


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the pages before Sphinx looks for them."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
