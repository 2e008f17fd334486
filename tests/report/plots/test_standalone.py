"""A chart is saved as a file that needs no page around it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.report.plots.examples import (
    CHARTS,
)
from tumorlens.errors import DataError
from tumorlens.report.plots import (
    render_standalone,
    save_chart,
)


def test_a_standalone_file_has_its_size_and_namespace() -> None:
    root = ElementTree.fromstring(render_standalone(CHARTS["costs"]))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"


@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<svg xmlns="), (".png", b"\x89PNG"), (".PDF", b"%PDF")])
def test_a_chart_is_saved_by_suffix_and_the_same_each_time(tmp_path: Path, suffix: str, start: bytes) -> None:
    paths = [tmp_path / f"{i}{suffix}" for i in range(2)]
    for path in paths:
        save_chart(CHARTS["matrix"], path)
    assert paths[0].read_bytes().startswith(start)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_another_suffix_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"suffix '\.jpg' found.*\.svg, \.png, \.pdf"):
        save_chart(CHARTS["matrix"], tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []
