"""Phantom patients -> a folder of PNG files and phantom.csv, for `tumorlens.datasets.sets.phantoms`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from tumorlens._progress import ProgressOption, progress_of
from tumorlens.datasets.phantom.acquisition import PLANES
from tumorlens.datasets.phantom.render import PHANTOM_CLASSES, PhantomSlice, render_patient
from tumorlens.errors import DataError

_COLUMNS = ("image", "mask", "label", "patient", "plane")
SEEDS_PER_SET = 100_000
"""Patients of one set at most, so that sets made with different seeds share none."""


def make(
    folder: Path,
    *,
    patients: int = 40,
    slices: int = 4,
    seed: int = 0,
    size: int | None = None,
    progress: ProgressOption = None,
) -> Path:
    """Render a data set: images/*.png, masks/*.png (0 and 255; none without tumor) and phantom.csv.

    Classes and planes alternate, so that every class has the same number of patients and the same
    planes. The folder gets its name once it is complete.

    Args:
        folder: to write; must not exist yet, or be empty.
        patients: number of patients.
        slices: per patient.
        seed: the same seed gives the same files.
        size: height and width in pixels; varied if None.
        progress: a callable, True for bars, None for silence.

    Returns:
        The folder.

    Raises:
        DataError: the folder is not empty, or a number is out of range.
    """
    if not 1 <= patients <= SEEDS_PER_SET:
        raise DataError(found=f"phantom: {patients} patients requested", expected=f"1 to {SEEDS_PER_SET}")
    with folder_once_complete(folder) as unfinished, progress_of(progress) as shown:
        for name in ("images", "masks"):
            (unfinished / name).mkdir()
        rows = []
        for i in range(patients):
            label, plane = PHANTOM_CLASSES[i % len(PHANTOM_CLASSES)], PLANES[i // len(PHANTOM_CLASSES) % len(PLANES)]
            rendered = render_patient(label, seed * SEEDS_PER_SET + i, plane=plane, slices=slices, size=size)
            rows += [_save(item, unfinished) for item in rendered]
            shown("generating phantoms", i + 1, patients)
        with (unfinished / "phantom.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(_COLUMNS)
            writer.writerows(rows)
    return folder


@contextmanager
def folder_once_complete(folder: Path) -> Iterator[Path]:
    """A new folder to write into, which gets the name `folder` at the end; after an error nothing is left of it.

    Raises:
        DataError: `folder` exists and is not an empty folder.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise DataError(
            file=folder, found="already exists", expected="a new or an empty folder", advice="choose another name"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        unfinished = Path(temporary) / folder.name
        unfinished.mkdir()
        yield unfinished
        if folder.exists():
            folder.rmdir()
        unfinished.rename(folder)


def _save(item: PhantomSlice, folder: Path) -> tuple[str, ...]:
    """Write one slice and return its row of phantom.csv."""
    image, mask = (f"{kind}/{item.patient}_{item.index:02d}.png" for kind in ("images", "masks"))
    Image.fromarray(item.image).save(folder / image)
    if item.label == "no_tumor":
        mask = ""
    else:
        Image.fromarray(item.mask * np.uint8(255)).save(folder / mask)
    return image, mask, item.label, item.patient, item.plane
