"""CSV files as people make them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tumorlens.datasets.formats.csv_rows import read_rows
from tumorlens.errors import DataError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made.csv"


def test_a_spreadsheets_file_is_read_like_any_other(path: Path) -> None:
    path.write_bytes('Image , LABEL,\r\n a.png,glioma,\r\n\r\n"b,1.png",méningiome\r\n'.encode("utf-8-sig"))
    assert read_rows(path, ("image", "label")) == [
        (2, {"image": "a.png", "label": "glioma", "": ""}),
        (4, {"image": "b,1.png", "label": "méningiome", "": ""}),
    ]


def test_comments_above_the_header_are_passed_over_and_lines_counted(path: Path) -> None:
    path.write_text("# made by hand\n# twice\nimage\na.png\n#b.png\n")
    assert read_rows(path, ["image"]) == [(4, {"image": "a.png"}), (5, {"image": "#b.png"})]


def test_a_missing_column_is_named_among_those_found(path: Path) -> None:
    path.write_text("image;label\na.png;glioma\n")
    with pytest.raises(DataError, match=r"no column \['image', 'label'\] among \['image;label'\].*commas"):
        read_rows(path, ("image", "label"))


def test_an_empty_file_has_no_columns(path: Path) -> None:
    path.write_text("")
    with pytest.raises(DataError, match=r"no column \['image'\] among \[\]"):
        read_rows(path, ["image"])


def test_a_row_with_too_many_values_is_refused_with_its_line(path: Path) -> None:
    path.write_text("image,label\na.png,glioma\nb,1.png,glioma\n")
    with pytest.raises(DataError, match=r"line 3: more values than the 2 columns"):
        read_rows(path, ["image"])


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0", "image\nmén.png\n".encode("latin-1")])
def test_what_is_no_utf8_text_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"made\.csv: is no CSV file in UTF-8"):
        read_rows(path, ["image"])
