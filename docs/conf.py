"""The site of the documentation: the Markdown of this folder, the docstrings and the notebook -> HTML, by Sphinx.

    sphinx-build -W --keep-going -n docs site

The pages are plain Markdown that also reads well in the repository: what only the site needs stands here. The order of
the pages is that of the links on the index page of their folder.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from docutils.nodes import Element, Node
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import tumorlens

DOCS = Path(__file__).parent

project = "tumorlens"
author = "The tumorlens authors"
project_copyright = f"{author}. For research only; not a medical device"
release = version = tumorlens.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_templates"]

default_role = "py:obj"  # `evaluate` in a docstring is a link
napoleon_use_ivar = True

myst_heading_anchors = 4  # links to headings, by the names that GitHub gives them
nb_execution_mode = "off"  # the outputs of the notebook are committed, and the tests run its cells

templates_path = ["_templates"]

html_theme = "pydata_sphinx_theme"
html_title = "tumorlens"
html_extra_path = ["llms.txt"]
html_copy_source = False  # `copy_markdown` puts the source of a page beside it
html_show_sphinx = False
html_sidebars = {"*": []}  # a page of no section has no list of its section
html_context = {"default_mode": "auto"}  # light or dark as the system is
html_theme_options: dict[str, Any] = {
    "footer_start": ["copyright"],
    "footer_end": [],
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "primary_sidebar_end": [],
    "secondary_sidebar_items": ["page-toc"],
}

# Types in signatures that have no page here: those of other libraries, and classes of ours that are not public.
nitpick_ignore_regex = [("py:.*", r"(?!tumorlens\.\w+$).*")]


def adapt_markdown(app: Sphinx, name: str, source: list[str]) -> None:
    """Name files of the repository that are no pages without a link, and give every index page its contents.

    The contents are the pages of the index page's folder, and the indexes below it, in the order of its links and with
    their texts as titles.
    """
    up = rf"(?:\.\./){{{name.count('/') + 1}}}"
    source[0] = re.sub(rf"\[[^\]]*\]\({up}(\w[^)#]*)[^)]*\)", r"`\1`", source[0])
    if name.endswith("index"):
        links = re.findall(r"\[([^\]]+)\]\(([\w-]+|[\w-]+/index)\.(?:md|ipynb|rst)\)", source[0])
        titles = {page: title[0].upper() + title[1:] for title, page in reversed(links)}
        entries = "\n".join(f"{titles[page]} <{page}>" for page in dict.fromkeys(page for _, page in links))
        source[0] += f"\n```{{toctree}}\n:hidden:\n:maxdepth: 2\n\n{entries}\n```\n"


def resolve_public(app: Sphinx, env: BuildEnvironment, node: pending_xref, text: Element) -> Node | None:
    """Link a class that is written with its private module, or without a module, to the page that describes it."""
    module, _, name = node.get("reftarget", "").rpartition(".")
    if module and not module.startswith("tumorlens"):
        return None
    domain = env.domains.python_domain
    found = [full for full in domain.objects if full == f"tumorlens.{name}"]
    found = found or [full for full in domain.objects if full.endswith(f".{name}") and full.count(".") > 1]
    if len(found) != 1 or domain.objects[found[0]].objtype not in ("class", "exception", "function"):
        return None
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", found[0], node, text)


def copy_markdown(app: Sphinx, error: Exception | None) -> None:
    """Put the Markdown of every page beside it, for the links of llms.txt."""
    if error is None and app.builder.format == "html":
        for page in DOCS.rglob("*.md"):
            shutil.copyfile(page, app.outdir / page.relative_to(DOCS))


def setup(app: Sphinx) -> None:
    """Connect the functions above."""
    app.connect("source-read", adapt_markdown)
    app.connect("missing-reference", resolve_public)
    app.connect("build-finished", copy_markdown)
