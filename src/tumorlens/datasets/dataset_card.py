"""What is known of a data set, and the type that ties this knowledge to the code that reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tumorlens.datasets.download.http_download import Progress
from tumorlens.datasets.table import Table


@dataclass(frozen=True)
class DatasetCard:
    """The facts `tumorlens data info NAME` prints.

    Attributes:
        name: as used on the command line.
        summary: one line.
        images: number of images in the original release; None where it varies.
        patients: number of patients, None where unknown.
        classes: class names in label order; empty where the folders decide.
        format: of the files.
        layout: what the folder must hold.
        license: of the images.
        citation: whom to cite.
        homepage: where it can be fetched by hand; empty where there is none.
        problems: what is known to be wrong with it, each one sentence.
    """

    name: str
    summary: str
    images: int | None
    patients: int | None
    classes: tuple[str, ...]
    format: str
    layout: str
    license: str
    citation: str
    homepage: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """A data set that can be read, recognized and perhaps fetched.

    Attributes:
        card: what is known of it.
        read: folder -> table; raises DataError where the layout is another.
        recognizes: whether a folder looks like this set.
        get: fetches the original into a folder; None where there is nothing to fetch.
    """

    card: DatasetCard
    read: Callable[[Path], Table]
    recognizes: Callable[[Path], bool]
    get: Callable[[Path, Progress | None], Path] | None = None
