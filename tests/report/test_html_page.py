"""A page is one valid file that loads nothing, for any names in the data."""

from __future__ import annotations

import json
import re
from importlib import resources

import numpy as np
import pytest
from PIL import Image

import tumorlens
from tests.fixtures.html import MALICIOUS, Page, check_reading_help
from tumorlens.report import (
    RESEARCH_ONLY,
    CaptionedImage,
    HeatCell,
    PageFooter,
    ReadingHelp,
    Section,
    TableBlock,
    Tile,
    code,
    columns,
    contact_sheet,
    details,
    figure,
    find_blocks,
    heat_table,
    key_values,
    note,
    paragraph,
    render_blocks,
    render_page,
    save_page,
    section_to_dict,
    table,
    tiles,
    verdict,
)
from tumorlens.report.blocks import Paragraph
from tumorlens.report.plots import ConfusionChart
from tumorlens.report.plots.inline_svg import SMALLEST
from tumorlens.report.plots.page_style import FONT_SIZE
from tumorlens.stats import Estimate

ACCURACY = Estimate(0.972, 0.949, 0.986, 669, 43, "patient", "bootstrap")


READING = ReadingHelp("this is shown", "high", "low", "train again")


def everything(name: str) -> str:
    """A page with every block, and `name` as every text."""
    image = CaptionedImage(Image.new("L", (20, 10)), name, name, "wrong")
    body = (
        *tiles([Tile(name, ACCURACY), Tile(name, name, hint=name)]),
        *note("warning", name),
        *paragraph(name),
        *key_values([(name, name)]),
        *table([name, "n"], [[name, 3]], reading=READING),
        *verdict([name, name], name, "ok"),
        *code(name),
        *details(name, paragraph(name)),
        *columns(figure(ConfusionChart([[1]], [name]), name, reading=ReadingHelp(name, name, name, name)), ()),
        *figure(image.image, name, name),
        *contact_sheet([image], reading=READING),
        *heat_table([name, "n"], [(name, [HeatCell(name, name, 0.5, name)])], reading=READING),
    )
    return render_page(name, name, [Section(name, body, lead=name)] * 3, PageFooter(name, name, name, 7, name, (name,)))


@pytest.mark.parametrize("name", ["glioma", MALICIOUS, "", "Größe 3 µm", "腫瘍"])
def test_every_tag_is_closed_for_any_names(name: str) -> None:
    assert Page(everything(name)).tags


def test_a_malicious_name_is_shown_as_text_and_not_executed() -> None:
    parsed = Page(everything(MALICIOUS))
    assert "script" not in {tag for tag, _ in parsed.tags}
    assert not any(name.startswith("on") for _, attributes in parsed.tags for name in attributes)
    assert "alert(1)" in parsed.text


def test_the_page_loads_no_other_file() -> None:
    parsed = Page(everything(MALICIOUS))
    targets = [a[key] or "" for _, a in parsed.tags for key in ("src", "href", "xlink:href") if key in a]
    assert targets
    assert all(target.startswith(("data:image/", "#part-")) for target in targets)
    style = resources.files("tumorlens.report").joinpath("style.css").read_text(encoding="utf-8")
    assert "url(" not in style
    assert "@import" not in style


def test_links_of_the_contents_lead_to_sections() -> None:
    parsed = Page(everything("glioma"))
    ids = [a["id"] for _, a in parsed.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"] for tag, a in parsed.tags if tag == "a"} == {f"#part-{i}" for i in (1, 2, 3)}


def test_every_page_has_the_research_use_notice_above_the_title_and_in_its_footer() -> None:
    above, _, below = render_page("the title", "s", [], PageFooter()).partition("<h1>the title</h1>")
    assert Page(above.partition("<header>")[2]).text == "Research use only · not a medical device"
    assert RESEARCH_ONLY in below.partition("<footer>")[2]


def test_the_footer_shows_the_facts_that_are_known() -> None:
    def footer(facts: PageFooter) -> str:
        return Page("<footer>" + render_page("t", "s", [], facts).partition("<footer>")[2].partition("</body>")[0]).text

    known = PageFooter("2026-11-28T21:20:59+00:00", "0.1.0", "tumorlens audit 'a b'", 0, "ab12", ("A note.",))
    assert footer(known) == (
        f"{RESEARCH_ONLY} Date 2026-11-28 21:20:59 UTC tumorlens 0.1.0 Command tumorlens audit 'a b' Seed 0 "
        "Data fingerprint ab12 A note."
    )
    assert footer(PageFooter()) == f"{RESEARCH_ONLY} tumorlens {tumorlens.__version__}"


def test_a_page_is_the_same_every_time() -> None:
    assert everything("glioma") == everything("glioma")


def test_the_policy_of_a_page_forbids_to_load_anything() -> None:
    (policy,) = (a["content"] for _, a in Page(everything("glioma")).tags if "http-equiv" in a)
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_a_tile_shows_number_interval_and_evidence() -> None:
    text = Page(render_blocks(tiles([Tile("accuracy", ACCURACY)]))).text
    assert text == "accuracy 97.2 % 95 % CI 94.9 to 98.6 669 images, 43 patients"


def test_a_tile_without_an_interval_shows_that() -> None:
    alone = Estimate(1.0, None, None, 1, 1, "image", "none")
    assert Page(render_blocks(tiles([Tile("accuracy", alone)]))).text.endswith(
        "100.0 % no interval 1 image, patients unknown"
    )


def test_an_undefined_estimate_is_shown_as_undefined() -> None:
    nothing = Estimate(float("nan"), None, None, 0, 0, "patient", "none")
    assert "undefined" in render_blocks(tiles([Tile("AUROC", nothing, percent=False)]))


def test_a_note_shows_its_kind_as_a_word() -> None:
    assert Page(render_blocks(note("danger", "Slices leak."))).text == "Warning. Slices leak."


def test_a_table_has_row_headers_and_aligned_columns() -> None:
    parsed = Page(
        render_blocks(table(["class", "AUROC", "remark"], [["glioma", 0.98765, "few"]], align="lrl", reading=READING))
    )
    scopes = [(tag, a.get("scope"), a["class"]) for tag, a in parsed.tags if tag in ("th", "td")]
    assert scopes[3:] == [("th", "row", "words"), ("td", None, "number"), ("td", None, "words")]
    assert "0.988" in parsed.text


def test_a_table_with_a_row_or_alignment_too_short_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected one for each of 2 columns"):
        table(["class", "n"], [["glioma"]], reading=READING)
    with pytest.raises(ValueError, match="expected one for each of 2 columns"):
        table(["class", "n"], [], align="l", reading=READING)


def test_how_to_read_a_chart_or_table_is_folded_below_it() -> None:
    chart = figure(ConfusionChart([[1]], ["glioma"]), reading="confusion_matrix")
    for blocks in (table(["a"], [], reading=READING), heat_table(["a"], [], reading=READING), chart):
        html = render_blocks(blocks)
        check_reading_help(f"<main>{html}")
        assert html.count('<details class="reading"><summary>How to read this</summary>') == 1
    assert (
        "Shows this is shown Better high Worse low Then train again"
        in Page(render_blocks(table(["a"], [], reading=READING))).text
    )
    with pytest.raises(AssertionError, match="no reading guide"):
        check_reading_help("<main><table></table></div><p>next</p>")


def test_a_chart_without_a_guide_is_an_error() -> None:
    with pytest.raises(ValueError, match="a ConfusionChart without a reading guide"):
        figure(ConfusionChart([[1]], ["glioma"]))


def test_a_verdict_says_what_it_does_not_establish() -> None:
    text = Page(render_blocks(verdict(["Clean.", "Balanced."], "That it is right.", "ok"))).text
    assert text == "Good. Clean. Balanced. This does not establish: That it is right."
    assert verdict([], "nothing") == ()


def test_a_section_can_be_read_without_html() -> None:
    inner = table(["class", "AUROC"], [["glioma", 0.98765]], reading=READING)
    section = Section(
        "Classes",
        paragraph("one") + verdict("proven", "all else") + details("more", columns(inner, paragraph("two"))),
        "lead",
    )
    assert [block.text for block in find_blocks(section.blocks, Paragraph)] == ["one", "two"]
    (found,) = find_blocks(section.blocks, TableBlock)
    assert found.rows == (("glioma", "0.988"),)
    assert found.align == "lr"
    assert json.loads(json.dumps(section_to_dict(section))) == {
        "title": "Classes",
        "lead": "lead",
        "paragraphs": ["one", "two"],
        "notes": [],
        "verdicts": [{"texts": ["proven"], "does_not_establish": "all else"}],
        "tables": [{"headers": ["class", "AUROC"], "rows": [["glioma", "0.988"]]}],
    }


def test_a_contact_sheet_resizes_marks_and_describes_its_images() -> None:
    image = Image.new("RGB", (1000, 500))
    images = contact_sheet(
        [
            CaptionedImage(image, "true <glioma>", "a & b", "wrong"),
            CaptionedImage(image, "fine", "c", "right"),
            CaptionedImage(image, "", "d"),
        ]
    )
    sheet = render_blocks(images)
    assert re.findall(r'alt="([^"]*)"', sheet) == ["a &amp; b", "c", "d"]
    assert sheet.count('width="384" height="192"') == 3
    assert "true &lt;glioma&gt;" in sheet
    assert re.findall(r"[✓✗] \w+", sheet) == ["✗ wrong", "✓ right"]
    assert image.size == (1000, 500)


def test_a_contact_sheet_without_images_is_no_block() -> None:
    assert contact_sheet([]) == ()


def test_a_saved_page_is_utf8_and_the_only_file(tmp_path) -> None:
    path = tmp_path / "new" / "report.html"
    save_page(everything("Größe"), path)
    assert "Größe" in path.read_text(encoding="utf-8")
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]


def test_a_failed_save_keeps_the_old_page(tmp_path) -> None:
    path = tmp_path / "report.html"
    save_page("old", path)
    with pytest.raises(UnicodeEncodeError):
        save_page("new \udcff", path)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_text_and_marks_have_enough_contrast(scheme: str) -> None:
    style = resources.files("tumorlens.report").joinpath("style.css").read_text(encoding="utf-8")
    palettes = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    found = dict(re.findall(r"--(\w+): (#\w{6})", palettes[["light", "dark", "print"].index(scheme)]))
    for ground in ("paper", "panel"):
        for name in ("ink", "muted", "accent", "info", "warning", "danger", "wrong", "ok"):
            assert contrast(found[name], found[ground]) >= 4.5, (name, ground)


def rgb(color: str) -> np.ndarray:
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)], dtype=float)


def contrast(one: str | np.ndarray, other: str | np.ndarray) -> float:
    """Contrast ratio of WCAG 2.1."""
    lights = []
    for color in (one, other):
        c = (rgb(color) if isinstance(color, str) else color) / 255
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        lights.append(linear @ [0.2126, 0.7152, 0.0722] + 0.05)
    return max(lights) / min(lights)


def test_no_text_is_smaller_than_ten_pixels() -> None:
    style = resources.files("tumorlens.report").joinpath("style.css").read_text(encoding="utf-8")
    sizes = [float(size) for size in re.findall(r"font(?:-size)?: ?([\d.]+)px", style)]
    assert len(sizes) > 10
    assert min(sizes) >= 10
    assert FONT_SIZE * SMALLEST >= 10  # of the text of a chart where the page is narrow
