"""Sphinx configuration. `make docs` builds the site into out/docs; warnings are errors."""

import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "extensions")]

project = "laflow"
author = "laflow developers"
copyright = "laflow developers; MIT licence"
version = release = installed_version("laflow")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "lemma_pages",
    "mathml",
]
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["extensions"]
html_math_renderer = "mathml"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
default_role = "py:obj"
add_module_names = False

html_theme = "furo"
html_title = "laflow"
html_static_path = ["static"]
html_css_files = ["laflow.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"source_directory": "docs/", "navigation_with_keys": True}
copybutton_prompt_text = "$ "


# What annotations say once Python has evaluated them, and what they say in the sources.
ALIASES = [
    (re.compile(r"(\w+\.)*_Buffer \| .*?complex \| bytes \| str\]"), "ArrayLike"),
    (re.compile(r"ndarray\[tuple\[Any, \.\.\.\], dtype\[float64\]\]"), "FloatArray"),
    (re.compile(r"ndarray\[tuple\[Any, \.\.\.\], dtype\[int64\]\]"), "IntArray"),
    (re.compile(r"GridGraph \| SparseGraph"), "Graph"),
]


def shorten_types(app, what, name, obj, options, signature, returns):
    """Write the names of type aliases, not what they stand for."""
    return tuple(text and _with_aliases(text) for text in (signature, returns))


def _with_aliases(text):
    text = re.sub(r"~?(numpy|typing|collections\.abc|laflow(\.\w+)*)\.", "", text)
    for pattern, alias in ALIASES:
        text = pattern.sub(alias, text)
    return text


def escape_bars(app, what, name, obj, options, lines):
    """Bars in docstrings are absolute values, not substitutions of reStructuredText."""
    for number, line in enumerate(lines):
        parts = line.split("``")
        parts[::2] = [re.sub(r"(?<!\\)\|", r"\\|", part) for part in parts[::2]]
        lines[number] = "``".join(parts)


def setup(app):
    """Connect what is defined here."""
    app.connect("autodoc-process-docstring", escape_bars)
    app.connect("autodoc-process-signature", shorten_types)
