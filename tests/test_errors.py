"""Errors keep file, finding, expectation and advice as fields, and compose one line of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tumorlens.errors import DataError, ScanError, TumorlensError


def test_a_message_alone_is_kept_unchanged() -> None:
    error = DataError("no images found")
    assert str(error) == "no images found"
    assert (error.file, error.line, error.found, error.expected, error.advice) == (None,) * 5


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"found": "no images"}, "no images"),
        ({"file": Path("a") / "b.csv", "found": "is empty"}, "a/b.csv: is empty"),
        ({"file": "b.csv", "line": 3, "found": "no label", "expected": "one"}, "b.csv, line 3: no label; expected one"),
        ({"found": "no images", "advice": "add some"}, "no images; add some"),
        (
            {"file": "b.csv", "found": "is empty", "expected": "a table", "advice": "write it again"},
            "b.csv: is empty; expected a table; write it again",
        ),
    ],
)
def test_a_message_is_composed_of_the_fields(fields: dict, message: str) -> None:
    error = TumorlensError(**fields)
    assert str(error) == message
    assert {name: getattr(error, name) for name in fields} == fields | (
        {"file": str(fields["file"])} if "file" in fields else {}
    )


def test_a_message_may_be_given_together_with_fields() -> None:
    error = DataError("figshare: no images; add some", advice="add some")
    assert (str(error), error.advice, error.found) == ("figshare: no images; add some", "add some", None)


def test_a_scan_error_always_has_file_and_finding() -> None:
    error = ScanError(Path("a.png"), "is empty", "copy it again")
    assert str(error) == "a.png: is empty; copy it again"
    assert (error.file, error.found, error.advice) == ("a.png", "is empty", "copy it again")
    assert str(ScanError("a.png", "is text", expected="an image")) == "a.png: is text; expected an image"
