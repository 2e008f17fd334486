"""Errors keep file, finding, expectation and advice as fields, and compose one line of them."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tumorlens.errors import DataError, ScanError, TumorlensError, did_you_mean


def test_the_finding_is_required_and_the_other_fields_are_none() -> None:
    error = DataError("no images found")
    assert str(error) == error.found == "no images found"
    assert (error.file, error.line, error.expected, error.advice) == (None,) * 4
    with pytest.raises(TypeError, match="found"):
        DataError(advice="add some")  # type: ignore[call-arg]


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


def test_fields_survive_a_process_boundary() -> None:
    error = pickle.loads(pickle.dumps(DataError("is empty", file="b.csv", line=3, advice="write it again")))
    assert (error.file, error.line, error.found, error.advice) == ("b.csv", 3, "is empty", "write it again")
    assert str(error) == "b.csv, line 3: is empty; write it again"


@pytest.mark.parametrize(("name", "advice"), [("brane", "did you mean brain?"), ("spine", None)])
def test_the_nearest_known_name_is_suggested(name: str, advice: str | None) -> None:
    assert did_you_mean(name, {"brain": 1, "head": 2}) == advice


def test_a_scan_error_always_has_file_and_finding() -> None:
    error = ScanError(Path("a.png"), "is empty", "copy it again")
    assert str(error) == "a.png: is empty; copy it again"
    assert (error.file, error.found, error.advice) == ("a.png", "is empty", "copy it again")
    assert str(ScanError("a.png", "is text", expected="an image")) == "a.png: is text; expected an image"
