"""The errors a user can meet: what was found, what was expected, what to do next."""

from __future__ import annotations

from pathlib import Path


class TumorlensError(Exception):
    """Something the user can mend. The command line prints it as one line and exits with 1."""


class ScanError(TumorlensError):
    """A file that cannot be read as a scan or as a mask.

    Args:
        path: the file.
        found: what is wrong with it.
        advice: what was expected, or what to do next.
    """

    def __init__(self, path: str | Path, found: str, advice: str) -> None:
        super().__init__(f"{path}: {found}; {advice}")
        self.path = str(path)
        self.found = found
        self.advice = advice


class DataError(TumorlensError):
    """A folder or a table that does not hold what its data set should."""


class DownloadError(TumorlensError):
    """A transfer that failed or delivered the wrong bytes; says where to put the files by hand."""


class SplitError(TumorlensError):
    """A split that cannot be made, or one that puts a patient on two sides."""


class LeakError(TumorlensError):
    """A split in which images outside of train are known from train."""


class RecipeError(TumorlensError):
    """A recipe with an unknown key or a value that does not fit."""


class ModelError(TumorlensError):
    """An unknown model name, or weights that do not fit the network."""


class RunError(TumorlensError):
    """A run folder that is missing a part, or that belongs to other data."""


class ModelFileError(TumorlensError):
    """An exported file that is not a tumorlens bundle."""


class ParityError(TumorlensError):
    """An exported graph that answers differently from the network it was made of."""


class MissingExtraError(TumorlensError):
    """A part of tumorlens whose optional dependencies are not installed."""
