"""The types of a data set: its facts, and the functions that recognize, read and download it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tumorlens._progress import ProgressOption
from tumorlens.datasets.table import Table


@dataclass(frozen=True)
class DatasetCard:
    """The facts that `tumorlens data info NAME` prints.

    Attributes:
        name: as used on the command line.
        summary: one line.
        images: number of images in the original release; None where it varies.
        patients: number of patients, None where unknown.
        classes: class names in label order; empty where the folders decide.
        format: of the files.
        layout: expected content of the folder.
        license: of the images.
        citation: publication to cite.
        homepage: page from which it can be downloaded by hand; empty where there is none.
        problems: known errors and biases, each one sentence.
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
    """A data set that can be recognized and read, and perhaps downloaded.

    Attributes:
        card: its facts.
        read: folder -> table; raises DataError where the layout is another.
        recognizes: whether a folder has the layout of this set.
        get: downloads the original into a folder; None where there is no download.
        order: rank among the data sets that are tried on a folder, lowest first. A layout that contains another one
            must come before it; ``folder`` accepts any class folders and comes last, at 100.
    """

    card: DatasetCard
    read: Callable[[Path], Table]
    recognizes: Callable[[Path], bool]
    get: Callable[[Path, ProgressOption], Path] | None = None
    order: int = 70
