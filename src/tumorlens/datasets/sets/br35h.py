"""Br35H (Hamada 2020, Kaggle): tumor yes or no, and outlines of 801 tumors from the VGG Image Annotator."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.download.kaggle_download import get_kaggle
from tumorlens.datasets.formats.class_folders import SPLIT_NAMES, image_files
from tumorlens.datasets.formats.via import ViaImage, read_via
from tumorlens.datasets.reference_masks import MaskLocation
from tumorlens.datasets.table import Sample, Table
from tumorlens.datasets.unannotated import UNANNOTATED
from tumorlens.errors import DataError

CLASSES = ("no_tumor", "tumor")
OUTLINED = "Br35H-Mask-RCNN"
"""The folder of the outlined images; they are copies of images in ``yes``."""

_FOLDERS = {"no": "no_tumor", "yes": "tumor"}
_PATTERNS = ("annotations_*.json", "via_region_data.json")
_NOTE = "br35h: no patient ids"


def read(folder: Path) -> Table:
    """The table of ``yes`` and ``no``, or of the outlined images where `folder` holds only these.

    An outline belongs to the image with the name and the size in bytes that the annotations give. In ``yes``
    those images have a mask. The outlined images by themselves have the split of their folders (TRAIN,
    VAL, TEST); they all show a tumor, and an image without an outline is `UNANNOTATED`.

    Raises:
        DataError: the folder has neither layout, a folder is empty, or an annotation file cannot be read.
    """
    return _whole(folder) if (folder / "yes").is_dir() or (folder / "no").is_dir() else _outlined(folder)


def recognizes(folder: Path) -> bool:
    """True for yes and no beside pred or the outlined images, and for the folder of the latter."""
    if (folder / "yes").is_dir() and (folder / "no").is_dir():
        return (folder / "pred").is_dir() or (folder / OUTLINED).is_dir()
    return bool(_annotation_files(folder))


def _whole(folder: Path) -> Table:
    annotated, notes = _annotated(_annotation_files(folder / OUTLINED))
    samples = []
    for name, label in _FOLDERS.items():
        images = image_files(folder / name) if (folder / name).is_dir() else []
        if not images:
            raise DataError(file=folder, found=f"no images in {name}/ found", expected="some in yes/ and in no/")
        for image in images:
            path, entry = annotated.get(_key(image), (None, None))
            mask = MaskLocation(path, entry.key).path if path and entry and entry.shapes else None
            samples.append(Sample(f"br35h/{name}/{image.name}", image, label, mask))
    if annotated:
        masks = sum(sample.mask is not None for sample in samples)
        notes.append(f"br35h: {masks:,} of {len(samples):,} images have an outline, the others no mask")
    return Table("br35h", tuple(samples), CLASSES, tuple(notes))


def _outlined(folder: Path) -> Table:
    files = _annotation_files(folder)
    if not files:
        raise DataError(
            file=folder,
            found=f"neither yes/ and no/ nor outlines ({' or '.join(_PATTERNS)}) found",
            expected="the Br35H set",
        )
    annotated, notes = _annotated(files)
    samples = []
    images = [image for part in _folders(folder) for image in image_files(part)]
    for image in images:
        if (key := _key(image)) in annotated:
            path, entry = annotated[key]
            label = "tumor" if entry.shapes else UNANNOTATED
            split = None if image.parent == folder else SPLIT_NAMES[image.parent.name.lower()]
            id_ = f"br35h/{image.relative_to(folder).as_posix()}"
            samples.append(Sample(id_, image, label, MaskLocation(path, entry.key).path, split=split))
    if not samples:
        raise DataError(
            file=files[0],
            found=f"none of {len(annotated):,} listed images exists with its size in bytes",
            expected="the images unchanged beside it, or in TRAIN, VAL and TEST",
        )
    missing, unlisted = len(annotated) - len(samples), len(images) - len(samples)
    counts = {
        f"br35h: of {len(annotated):,} listed images, {missing:,} do not exist": missing,
        f"br35h: images that exist but are not listed, and so left out: {unlisted:,}": unlisted,
    }
    notes += [note for note, n in counts.items() if n > 0]
    return Table("br35h", tuple(samples), tuple(sorted({s.label for s in samples})), tuple(notes))


def _folders(folder: Path) -> list[Path]:
    """The folder itself and its split folders, sorted."""
    if not folder.is_dir():
        return []
    return [folder, *(p for p in sorted(folder.iterdir()) if p.name.lower() in SPLIT_NAMES and p.is_dir())]


def _annotation_files(folder: Path) -> list[Path]:
    return [path for part in _folders(folder) for pattern in _PATTERNS for path in sorted(part.glob(pattern))]


def _key(image: Path) -> tuple[str, int]:
    return image.name, image.stat().st_size


def _annotated(files: Iterable[Path]) -> tuple[dict[tuple[str, int], tuple[Path, ViaImage]], list[str]]:
    """The annotation file and entry of each image, by its name and size in bytes, the first of several; and notes."""
    entries: dict[tuple[str, int], tuple[Path, ViaImage]] = {}
    notes = [_NOTE]
    for path in files:
        content = read_via(path)
        for image in content.images:
            entries.setdefault((image.name, image.bytes), (path, image))
        if content.faults:
            faults = f"{len(content.faults):,} entries of {path.name} cannot be used: {content.faults[0]}"
            notes.append(f"br35h: {faults}")
    return entries, notes


DATASET = Dataset(
    DatasetCard(
        name="br35h",
        summary="tumor yes / no, and outlines of 801 of the tumors",
        images=3000,
        patients=None,
        classes=CLASSES,
        format="JPEG of mixed sizes; outlines as JSON of the VGG Image Annotator",
        layout=f"yes/*.jpg, no/*.jpg and {OUTLINED}/ with annotations_all.json and TRAIN, VAL, TEST; "
        f"or {OUTLINED} by itself",
        license="see Kaggle",
        citation="Hamada 2020, Br35H :: Brain Tumor Detection 2020, Kaggle",
        homepage="https://www.kaggle.com/datasets/ahmedhamada0/brain-tumor-detection",
        problems=(
            "3,000 files are 577 different images, many of them mirrored, brightened or sharpened.",
            "Of the 100 outlined images in TEST, 91 have a near-duplicate in TRAIN.",
            f"The 801 images of {OUTLINED} are byte-identical copies of images in yes/: use either.",
            "No patient ids; the annotators and their protocol are not documented.",
            "pred/ holds 60 images without a label; they are not read.",
        ),
    ),
    read,
    recognizes,
    lambda folder, _progress: get_kaggle("ahmedhamada0/brain-tumor-detection", folder),
    order=30,
)
