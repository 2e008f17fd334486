"""The piece of HTML that stands for an object in a notebook is escaped, and needs nothing from elsewhere."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from tumorlens.report import notebook_html

BAD = "<script>alert('x')</script>"


def test_every_text_is_escaped() -> None:
    html = notebook_html(BAD, [(BAD, BAD)], image=Image.new("L", (8, 8)), alt=BAD, warnings=[BAD], note=BAD)
    assert html.count("&lt;script&gt;") == 6
    assert "<script" not in html


def test_nothing_is_loaded_and_every_tag_is_closed() -> None:
    html = notebook_html("title", [("a", 1)], image=Image.new("RGB", (8, 8)), alt="an image", warnings=["b"], note="c")
    assert re.findall(r"(?:src|href|url)\W+(\w+:)", html) == ["data:"]
    opened, closed = re.findall(r"<(\w+)", html), re.findall(r"</(\w+)>", html)
    assert sorted(closed) == sorted(tag for tag in opened if tag != "img")


def test_what_is_not_given_leaves_nothing_behind() -> None:
    html = notebook_html("title")
    for tag in ("<table", "<img", "<tr"):
        assert tag not in html


@pytest.mark.parametrize(
    ("size", "shown"), [((512, 256), (320, 160)), ((50, 100), (128, 256)), ((300, 100), (300, 100))]
)
def test_large_images_are_reduced_and_small_ones_enlarged(size: tuple[int, int], shown: tuple[int, int]) -> None:
    html = notebook_html("title", image=Image.new("L", size))
    assert f'width="{shown[0]}" height="{shown[1]}"' in html
