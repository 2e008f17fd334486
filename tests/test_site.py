"""The site of the documentation: its sources agree with the package, and what is built loads nothing from another host.

CI builds the site and runs the checks of a built one: ``python -m tests.test_site FOLDER``.
"""

from __future__ import annotations

import ast
import json
import re
import runpy
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import tumorlens

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MAP_OF_VERBS = DOCS / "how-to" / "which-verb.md"

# Elements that make a browser load something, with the attribute that says what. A link to follow (`a`) is none.
LOADING = {
    "link": ("href",),
    "script": ("src",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "object": ("data",),
    "embed": ("src",),
    "use": ("href", "xlink:href"),
    "image": ("href", "xlink:href"),
}
OTHER_HOST = re.compile(r"\s*(?:https?:)?//")


class _Loads(HTMLParser):
    """Addresses of other hosts that a page loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in LOADING.get(tag, ()) and OTHER_HOST.match(value or ""):
                self.found.append(f"<{tag} {name}={value}>")


def external_loads(page: str) -> list[str]:
    """Addresses of other hosts in a page, or in the style sheets that stand in it."""
    parser = _Loads()
    parser.feed(page)
    return [*parser.found, *external_styles(" ".join(re.findall(r"(?s)<style.*?</style>", page)))]


def external_styles(css: str) -> list[str]:
    """Addresses of other hosts in a style sheet."""
    return re.findall(r"(?:url\(|@import)\s*[\"']?\s*(?:https?:)?//[^)\"']*", css)


def check_site(site: Path) -> Iterator[str]:
    """What is wrong with a built site, one sentence each."""
    pages = sorted(site.rglob("*.html"))
    if len(pages) < 60:
        yield f"{len(pages)} pages; expected one for each Markdown file and public name"
    for page in pages:
        for address in external_loads(page.read_text(encoding="utf-8")):
            yield f"{page.relative_to(site)} loads {address}"
    for sheet in site.rglob("*.css"):
        for address in external_styles(sheet.read_text(encoding="utf-8")):
            yield f"{sheet.relative_to(site)} loads {address}"
    for name in tumorlens.__all__:
        if not (site / "reference" / "api" / f"tumorlens.{name}.html").is_file():
            yield f"no page for tumorlens.{name}"
    for link in links_of(DOCS / "llms.txt"):
        if not (site / link).is_file():
            yield f"llms.txt links to {link}, which is not in the site"
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    titles = json.loads(index[index.index("(") + 1 : index.rindex(")")])["titles"]
    if "Glossary" not in titles:
        yield "the search index does not know the glossary"


def links_of(page: Path) -> list[str]:
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")) if "//" not in link]


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ('<link rel="stylesheet" href="https://fonts.example.org/a.css">', 1),
        ('<script src="//cdn.example.org/a.js"></script>', 1),
        ("<style>@import 'https://example.org/a.css'; p { background: url(//example.org/b.png) }</style>", 2),
        ('<a href="https://arxiv.org/abs/1706.04599">a paper</a> <script src="_static/a.js"></script>', 0),
        ('<img src="../_images/a.png"><style>p { background: url("data:image/png;base64,//8=") }</style>', 0),
    ],
)
def test_a_page_that_loads_from_another_host_is_found(page: str, found: int) -> None:
    assert len(external_loads(page)) == found


def test_a_site_without_its_pages_is_refused(tmp_path: Path) -> None:
    (tmp_path / "searchindex.js").write_text('Search.setIndex({"titles": []})', encoding="utf-8")
    problems = list(check_site(tmp_path))
    assert "no page for tumorlens.train" in problems
    assert any("llms.txt" in problem for problem in problems)
    assert problems[-1] == "the search index does not know the glossary"


def test_the_api_reference_lists_every_public_name_once() -> None:
    listed = re.findall(r"^   (\w+)$", (DOCS / "reference" / "api.rst").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(tumorlens.__all__)


@pytest.mark.parametrize("folder", [DOCS, *sorted(p.parent for p in DOCS.glob("*/index.md"))], ids=lambda p: p.name)
def test_an_index_page_links_to_every_page_of_its_folder(folder: Path) -> None:
    pages = {p.name for p in [*folder.glob("*.md"), *folder.glob("*.ipynb"), *folder.glob("*.rst")]} - {"index.md"}
    below = {f"{p.parent.name}/index.md" for p in folder.glob("*/index.md")}
    assert (pages | below) - set(links_of(folder / "index.md")) == set()


def test_every_page_is_reachable_from_the_contents_of_the_first_page() -> None:
    """Follows the contents that conf.py gives the index pages; a site where this fails has a page without a place."""
    code = ast.parse((DOCS / "conf.py").read_text(encoding="utf-8"))
    (function,) = (one for one in code.body if isinstance(one, ast.FunctionDef) and one.name == "adapt_markdown")
    future = ast.parse("from __future__ import annotations").body
    names: dict[str, Any] = {"re": re}
    exec(compile(ast.Module([*future, function], []), "conf.py", "exec"), names)  # without importing sphinx
    reached, waiting = {"index"}, ["index"]
    while waiting:
        page = waiting.pop()
        if not (file := DOCS / f"{page}.md").is_file():
            continue
        source = [file.read_text(encoding="utf-8")]
        names["adapt_markdown"](None, page, source)
        contents = re.findall(r"```{toctree}\n(.*?)```", source[0], re.DOTALL)
        entries = re.findall(r"<([^>]+)>$", "\n".join(contents), re.MULTILINE)
        found = {(Path(page).parent / entry).as_posix() for entry in entries} - reached
        reached |= found
        waiting += found
    pages = {
        p.relative_to(DOCS).with_suffix("").as_posix() for end in ("md", "ipynb", "rst") for p in DOCS.rglob(f"*.{end}")
    }
    assert reached == {page for page in pages if not page.startswith(("_", "reference/api/"))}


def test_every_row_of_the_comparison_of_the_readme_names_its_source() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Compared with other tools")[2]
    rows = [line.split("|")[1:-1] for line in table.partition("\n## ")[0].splitlines() if line.startswith("| ")]
    assert rows[0][-1].strip() == "source"
    assert len(rows) > 8
    for row in rows[1:]:
        assert len(row) == len(rows[0])
        assert re.search(r"\]\((https://|docs/)", row[-1]), row[0]


def test_llms_txt_has_the_layout_of_llmstxt_org_and_names_every_page() -> None:
    lines = (DOCS / "llms.txt").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# tumorlens"
    assert lines[2].startswith("> ")
    sections = [line for line in lines if line.startswith("#")][1:]
    assert sections == ["## Start", "## How-to", "## Explanation", "## Reference", "## Optional"]
    for line in lines[lines.index("## Start") :]:
        assert not line or line.startswith("## ") or re.fullmatch(r"- \[[^\]]+\]\([\w/.-]+\): \S.*", line), line
    pages = {p.relative_to(DOCS).as_posix() for p in DOCS.rglob("*.md") if p.parent.name != "decisions"}
    indexes = {"index.md", *(f"{p.parent.name}/index.md" for p in DOCS.glob("*/index.md"))}
    assert pages - indexes - set(links_of(DOCS / "llms.txt")) == set()
    assert "decisions/index.md" in links_of(DOCS / "llms.txt")


def test_decision_records_are_numbered_without_a_gap_and_have_all_parts() -> None:
    records = sorted((DOCS / "decisions").glob("0*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    for number, record in enumerate(records, start=1):
        text = record.read_text(encoding="utf-8")
        assert text.startswith(f"# {number}. ")
        parts = re.findall(r"^\*\*(\w+)\.\*\*$", text, re.MULTILINE)
        assert parts == ["Context", "Choice", "Alternatives", "Drawbacks"], record.name


def test_the_map_of_verbs_is_the_one_that_its_script_writes() -> None:
    script = runpy.run_path(str(DOCS / "images" / "which_verb.py"))
    assert script["FILE"].read_text(encoding="utf-8") == script["diagram"]()


def test_the_map_of_verbs_names_every_verb() -> None:
    from tests.test_docs import VERBS

    rows = re.findall(r"^\|[^|]+\|([^|]+)\|", MAP_OF_VERBS.read_text(encoding="utf-8"), re.MULTILINE)
    for verb in VERBS:
        group, _, name = verb.rpartition(" ")
        assert any(f"`tumorlens {group}" in row and re.search(rf"[` ]{name}[` ]", row) for row in rows), verb


if __name__ == "__main__":
    found = list(check_site(Path(sys.argv[1])))
    print("\n".join(found) or f"{sys.argv[1]}: loads nothing from another host")
    sys.exit(bool(found))
