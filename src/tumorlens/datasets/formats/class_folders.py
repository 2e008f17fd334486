"""Folder with one subfolder per class -> table; split folders above the classes are optional."""

from __future__ import annotations

import re
from pathlib import Path

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.table import Sample, Table
from tumorlens.errors import DataError

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".mat"}

# Two spellings of one class, also British ones, must not become two classes when data sets are pooled.
_NO_TUMOR = re.compile(r"no_?tumou?r")


def image_files(folder: Path) -> list[Path]:
    """The image files directly in a folder, by extension in any letter case, sorted by name.

    Hidden files are skipped: macOS writes a ``._1.png`` beside every ``1.png`` it copies to a stick.
    """
    return sorted(p for p in _visible(folder) if p.suffix.lower() in SUFFIXES and p.is_file())


def images_below(folder: Path) -> list[Path]:
    """The image files in a folder and below it, as `image_files`, folder by folder; none if it is no folder."""
    if not folder.is_dir():
        return []
    inner = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    return image_files(folder) + [image for child in inner for image in images_below(child)]


def class_name(folder_name: str) -> str:
    """The class name of a folder: lower case, words joined by underscores."""
    name = "_".join(folder_name.lower().replace("-", " ").replace("_", " ").split())
    return "no_tumor" if _NO_TUMOR.fullmatch(name) else name


def read(folder: Path) -> Table:
    """A table of every image below the class folders, named like the folder; labels are the names of the class folders.

    The classes are the sorted class folders of all splits together, so that a class that is missing in one split
    cannot shift the labels of the others. A folder without images is not a class.

    Raises:
        DataError: no images in class folders, or split folders mixed with class folders.
    """
    name = folder.resolve().name or "folder"
    return read_classes(folder, name, None, (f"{name}: no patient ids; every image counts as its own patient",))


def read_classes(folder: Path, name: str, classes: tuple[str, ...] | None, notes: tuple[str, ...]) -> Table:
    """`read` with a given name and, if not None, given classes."""
    samples = []
    for split, class_folder in _class_folders(folder):
        label = class_name(class_folder.name)
        for image in image_files(class_folder):
            path = image.relative_to(folder).as_posix()
            samples.append(Sample(f"{name}/{path}", image, label, split=split))
    if not samples:
        raise DataError(
            file=folder,
            found="no images in class folders found",
            expected="<class>/*.png or <train|val|test>/<class>/*.png in it (also .jpg, .tif, .bmp, .mat)",
        )
    labels = tuple(sorted({s.label for s in samples}))
    if classes is not None and not set(labels) <= set(classes):
        raise DataError(file=folder, found=f"class folders {list(labels)} found", expected=str(list(classes)))
    return Table(name, tuple(samples), classes or labels, notes)


def _class_folders(folder: Path) -> list[tuple[str | None, Path]]:
    """(split or None, class folder) pairs below a folder."""
    if not folder.is_dir():
        raise DataError(file=folder, found="no such folder", expected="one that holds a folder for each class")
    children = sorted(p for p in _visible(folder) if p.is_dir())
    splits = [p for p in children if p.name.lower() in SPLIT_NAMES]
    others = [p for p in children if p not in splits and image_files(p)]
    if splits and others:
        raise DataError(
            file=folder,
            found=f"split folders {[p.name for p in splits]} and class folders {[p.name for p in others]} side by side",
            expected="one or the other",
            advice="move the class folders into the split folders",
        )
    if not splits:
        return [(None, p) for p in others]
    return [(SPLIT_NAMES[p.name.lower()], c) for p in splits for c in _visible(p) if c.is_dir()]


def _visible(folder: Path) -> list[Path]:
    return [p for p in folder.iterdir() if not p.name.startswith(".")]


DATASET = Dataset(
    DatasetCard(
        name="folder",
        summary="your own images: one folder per class, with or without split folders",
        images=None,
        patients=None,
        classes=(),
        format="PNG, JPEG, TIFF, BMP or Figshare .mat",
        layout="<class>/*.png, or <train|val|test>/<class>/*.png; names in any letter case",
        license="yours",
        citation="yours",
        problems=("Folders name no patients; write a table (docs/how-to/your-own-data.md) to name them.",),
    ),
    read,
    lambda folder: bool(_class_folders(folder)),
    order=100,
)
