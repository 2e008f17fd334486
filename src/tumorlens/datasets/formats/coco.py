"""COCO exports, as Roboflow and others write them: images beside a ``_annotations.coco.json``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.formats.class_folders import SPLIT_NAMES, class_name, image_files
from tumorlens.datasets.formats.coco_annotations import read_annotations
from tumorlens.datasets.formats.coco_types import Annotations
from tumorlens.datasets.reference_masks import MaskLocation
from tumorlens.datasets.table import Sample, Table
from tumorlens.datasets.unannotated import UNANNOTATED
from tumorlens.errors import DataError

FILE = "_annotations.coco.json"


def read(folder: Path) -> Table:
    """A table of every listed image that is there, called as the folder; labels are the categories' names.

    An image with annotations of several categories has the label of the one that covers most area.
    Categories without annotation are no classes. Masks are drawn from the annotations when they are read, see
    `tumorlens.datasets.reference_masks`. What is amiss stands in the notes; `find_integrity_issues` in `tumorlens.auditing`
    tells it in detail.

    Raises:
        DataError: no annotation file is there, none of them can be read, both the folder and its split
            folders have one, or no listed image exists.
    """
    name, files = _name(folder), annotation_files(folder)
    if not files:
        raise DataError(
            f"{folder}: no {FILE} found; expected one beside the images, in it or in each of its "
            "split folders (train, valid, test)"
        )
    if len({split is None for split, _ in files}) > 1:
        raise DataError(f"{folder}: {FILE} found in it and in its split folders; expected either, so remove one")
    parts, notes = _parts(folder, name, files)
    samples: dict[str, Sample] = {}
    listed = several = 0
    for split, part in parts:
        shown = _shown(part)
        for file, image in {image.file: image for image in part.images}.items():
            listed += 1
            if not file.is_file():
                continue
            areas = shown.get(file, {UNANNOTATED: 0.0})
            several += len(areas) > 1
            id_ = f"{name}/{file.relative_to(folder).as_posix()}"
            label = max(sorted(areas), key=lambda label: areas[label])
            samples[id_] = Sample(id_, file, label, MaskLocation(part.path, str(image.id)).path, split=split)
    if not samples:
        raise DataError(
            f"{parts[0][1].path}: none of the {listed:,} images listed is there; expected them beside the file"
        )
    drawn = [annotation for _, part in parts for annotation in part.annotations]
    boxes, crowds = sum(a.kind == "box" for a in drawn), sum(a.iscrowd for a in drawn)
    spare = sum(len(unlisted(part)) for _, part in parts)
    facts = {
        f"of {len(samples):,} images, {several:,} show several categories and have the label of the largest": several,
        f"of {len(drawn):,} annotations, {boxes:,} are boxes; the masks show them as filled rectangles": boxes,
        f"of {len(drawn):,} annotations, {crowds:,} stand for several objects (iscrowd); the masks show them": crowds,
        f"of {listed:,} listed images, {listed - len(samples):,} are not there": listed - len(samples),
        f"images that are there but not listed, and so left out: {spare:,}": spare,
    }
    notes += [f"{name}: {fact}" for fact, count in facts.items() if count]
    notes += [
        f"{name}: no annotation uses the category '{category}', so it is no class"
        for category in unused_categories(part for _, part in parts)
    ]
    return Table(name, tuple(samples.values()), tuple(sorted({s.label for s in samples.values()})), tuple(notes))


def annotation_files(folder: Path) -> tuple[tuple[str | None, Path], ...]:
    """(split or None, annotation file) of the folder itself and of its split folders, sorted."""
    if not folder.is_dir():
        return ()
    own: list[tuple[str | None, Path]] = [(None, folder / FILE)]
    own += [(SPLIT_NAMES[p.name.lower()], p / FILE) for p in sorted(folder.iterdir()) if p.name.lower() in SPLIT_NAMES]
    return tuple((split, path) for split, path in own if path.is_file())


def unlisted(part: Annotations) -> list[Path]:
    """The images beside an annotation file that it does not list, sorted."""
    listed = {one.file for one in part.images}
    return [image for image in image_files(part.path.parent) if image not in listed]


def unused_categories(files: Iterable[Annotations]) -> list[str]:
    """Names of the categories that no annotation of any of the files uses, sorted."""
    named: set[str] = set()
    used: set[str] = set()
    for file in files:
        named |= set(file.categories.values())
        used |= {file.name(annotation.category) for annotation in file.annotations}
    return sorted(named - used)


def _parts(
    folder: Path, name: str, files: tuple[tuple[str | None, Path], ...]
) -> tuple[list[tuple[str | None, Annotations]], list[str]]:
    """What can be read, and notes on what cannot; an error where nothing can."""
    parts: list[tuple[str | None, Annotations]] = []
    notes = [f"{name}: no patient ids; every image counts as its own patient"]
    first: DataError | None = None
    for split, path in files:
        try:
            parts.append((split, read_annotations(path)))
        except DataError as error:
            first = first or error
            notes.append(f"{name}: {path.relative_to(folder).as_posix()} cannot be read; its images are left out")
    if first and not parts:
        raise first
    return parts, notes


def _shown(part: Annotations) -> Mapping[Path, Mapping[str, float]]:
    """Area of every class in every annotated image."""
    files = defaultdict(set)
    for image in part.images:
        files[image.id].add(image.file)
    found: dict[Path, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for annotation in part.annotations:
        for file in files[annotation.image]:
            found[file][class_name(part.name(annotation.category))] += annotation.area
    return found


def _name(folder: Path) -> str:
    """The folder's name; a split folder by itself is called with its parent's, for every export has a "train"."""
    place = folder.resolve()
    if place.name.lower() in SPLIT_NAMES and place.parent.name:
        return f"{place.parent.name}-{place.name}"
    return place.name or "coco"


DATASET = Dataset(
    DatasetCard(
        name="coco",
        summary="an export in COCO's format, as Roboflow writes it; labels are the categories",
        images=None,
        patients=None,
        classes=(),
        format="images and COCO JSON; polygons, run lengths or boxes",
        layout=f"<train|valid|test>/{FILE} with the images beside it, or one such folder",
        license="as the export says",
        citation="as the export says",
        problems=(
            "An export says nothing of patients: slices of one person are usually on two sides of its split.",
            "The export 'TumorSegmentation' (2,146 images) is Figshare transposed; all its outlines are rectangles; "
            "210 of 215 test and 429 of 429 valid images share a patient with train.",
        ),
    ),
    read,
    lambda folder: bool(annotation_files(folder)),
)
