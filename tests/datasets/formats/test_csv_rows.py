"""CSV files of spreadsheets and text editors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.refusal import assert_refused
from tumorlens.datasets.formats.csv_rows import read_rows
from tumorlens.errors import DataError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made.csv"


def test_a_byte_order_mark_spaces_and_empty_lines_are_ignored(path: Path) -> None:
    path.write_bytes('Image , LABEL,\r\n a.png,glioma,\r\n\r\n"b,1.png",méningiome\r\n'.encode("utf-8-sig"))
    assert read_rows(path, ("image", "label")) == [
        (2, {"image": "a.png", "label": "glioma", "": ""}),
        (4, {"image": "b,1.png", "label": "méningiome", "": ""}),
    ]


def test_comments_above_the_header_are_skipped_and_counted_as_lines(path: Path) -> None:
    path.write_text("# made by hand\n# twice\nimage\na.png\n#b.png\n")
    assert read_rows(path, ["image"]) == [(4, {"image": "a.png"}), (5, {"image": "#b.png"})]


def test_a_missing_column_is_an_error_that_lists_the_columns(path: Path) -> None:
    path.write_text("image;label\na.png;glioma\n")
    with pytest.raises(DataError) as error:
        read_rows(path, ("image", "label"))
    assert error.value.file == str(path)
    assert error.value.found == "no column ['image', 'label'] among ['image;label']"
    assert error.value.expected == "these columns in the first line, separated by commas"


def test_an_empty_file_has_no_columns(path: Path) -> None:
    path.write_text("")
    with assert_refused(DataError, found=r"no column \['image'\] among \[\]"):
        read_rows(path, ["image"])


def test_a_row_with_too_many_values_is_refused_with_its_line(path: Path) -> None:
    path.write_text("image,label\na.png,glioma\nb,1.png,glioma\n")
    with assert_refused(
        DataError, file=f"^{path}$", line=3, found="more values than the 2 columns", advice="put a value"
    ):
        read_rows(path, ["image"])


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0", "image\nmén.png\n".encode("latin-1")])
def test_text_in_another_encoding_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with assert_refused(DataError, file=r"made\.csv$", found="is not a CSV file in UTF-8"):
        read_rows(path, ["image"])
