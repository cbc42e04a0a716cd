"""Formulas as MathML, converted while the site is built: a formula that cannot be converted breaks the build.

Browsers set MathML by themselves, with a mathematical font; the one served with the pages is STIX Two Math, taken
from the package ziamath. See docs/decisions/formulas.md.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.fileutil import copy_asset

from verify.report.mathml import FormulaError, font_file
from verify.report.mathml import mathml as convert


def mathml(latex: str, *, display: bool) -> str:
    """MathML of one formula. Raises `ExtensionError` with the formula if it cannot be converted."""
    try:
        return str(convert(latex, display=display))
    except FormulaError as error:
        raise ExtensionError(str(error)) from error


def visit_inline(writer: Any, node: nodes.math) -> None:
    """Write an inline formula."""
    writer.body.append(mathml(node.astext(), display=False))
    raise nodes.SkipNode


def visit_block(writer: Any, node: nodes.math_block) -> None:
    """Write a displayed formula, in a box that scrolls if the formula is wider than the page."""
    writer.body.append(f'<div class="formula">{mathml(node.astext(), display=True)}</div>\n')
    raise nodes.SkipNode


def copy_font(app: Sphinx, failure: Exception | None) -> None:
    """Serve the font with the pages."""
    if failure is None:
        copy_asset(font_file(), app.outdir / "_static")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    app.connect("build-finished", copy_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
