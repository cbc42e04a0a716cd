"""LaTeX as MathML and Markdown as HTML, both at build time. See docs/decisions/formulas.md."""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from markdown_it import MarkdownIt
from markupsafe import Markup
from math_core import LatexError, LatexToMathML
from mdit_py_plugins.dollarmath import dollarmath_plugin

FONT = "STIXTwoMath-Regular.ttf"  # from the package ziamath
_CONVERTER = LatexToMathML()


def font_file() -> Path:
    """Where the font lies. The package that ships it is not imported: only its file is wanted."""
    package = find_spec("ziamath")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("the font of the formulas is missing: pip install ziamath")
    return Path(package.origin).parent / "fonts" / FONT


class FormulaError(ValueError):
    """A formula cannot be converted; the message holds it."""


def mathml(latex: str, *, display: bool) -> Markup:
    """MathML of one formula. Raises `FormulaError` with the formula if it cannot be converted."""
    try:
        return Markup(_CONVERTER.convert_with_local_state(latex.strip(), displaystyle=display))
    except LatexError as error:
        raise FormulaError(f"cannot convert the formula {latex!r}: {error}") from error


def boxed(latex: str) -> Markup:
    """A displayed formula in a box that scrolls if the formula is wider than the page."""
    return Markup('<div class="formula">{}</div>').format(mathml(latex, display=True))


def markdown(text: str) -> Markup:
    """HTML of Markdown with ``$`` and ``$$`` formulas; HTML in the text is shown as text."""
    return Markup(_markdown().render(text))


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    def render(latex: str, options: dict[str, bool]) -> str:
        return mathml(latex, display=bool(options.get("display_mode")))

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    dollarmath_plugin(parser, renderer=render, double_inline=True)
    return parser
