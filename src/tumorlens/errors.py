"""Errors that a user can fix: each says what was found, what was expected and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Advice for a name that is none of the known ones: the nearest of them, or None if none is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]}?" if near else None


class TumorlensError(Exception):
    """An error that the user can fix. The command line prints it as one line and exits with 1.

    The line is composed of the fields, without those that are not given:
    ``FILE, line LINE: FOUND; expected EXPECTED; ADVICE``.

    Args:
        found: the problem.
        file: the file, folder or URL with the problem.
        line: the line in that file, counted from 1.
        expected: what should have been there instead.
        advice: what to do next.
    """

    def __init__(
        self,
        found: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        expected: str | None = None,
        advice: str | None = None,
    ) -> None:
        self.file = None if file is None else str(file)
        self.line = line
        self.found = found
        self.expected = expected
        self.advice = advice
        super().__init__(self._composed())

    def _composed(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        clauses = [self.found, self.expected and f"expected {self.expected}", self.advice]
        text = "; ".join(clause for clause in clauses if clause)
        return text if place is None else f"{place}: {text}"


class ScanError(TumorlensError):
    """A file that cannot be read as a scan or as a mask.

    Args:
        file: the file.
        found: the problem.
        advice: what to do next.
        expected: what the file should hold instead.
    """

    file: str

    def __init__(self, file: str | Path, found: str, advice: str | None = None, *, expected: str | None = None) -> None:
        super().__init__(found, file=file, expected=expected, advice=advice)


class StudyError(TumorlensError):
    """A study without a series that can be predicted."""


class DicomResultError(TumorlensError):
    """A result that cannot be written as a DICOM object; the message says why."""


class DataError(TumorlensError):
    """A folder or a table that does not hold what its data set should."""


class DownloadError(TumorlensError):
    """A download that failed or delivered wrong bytes; the message says how to fetch the files by hand."""


class SplitError(TumorlensError):
    """A split that cannot be made, or one that puts a patient into two subsets."""


class LeakError(TumorlensError):
    """A split in which validation or test images leak into train."""


class RecipeError(TumorlensError):
    """A recipe with an unknown key or an invalid value."""


class ModelError(TumorlensError):
    """An unknown model name, or weights that do not fit the network."""


class ResultsFolderError(TumorlensError):
    """A folder that cannot take results: it holds others, or another process writes to it."""


class RunError(TumorlensError):
    """A run folder that lacks a file, or that belongs to other data."""


class ModelFileError(TumorlensError):
    """A file that is not an ONNX model exported by tumorlens."""


class ParityError(TumorlensError):
    """An exported ONNX model whose outputs differ from those of its network."""


class MissingExtraError(TumorlensError):
    """An optional dependency that is not installed; the message names the extra to install."""
