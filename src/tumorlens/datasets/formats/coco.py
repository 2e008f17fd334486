"""COCO exports of Roboflow and others: images beside a ``_annotations.coco.json``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.formats.class_folders import SPLIT_NAMES, class_name, image_files
from tumorlens.datasets.formats.coco_annotations import read_annotations
from tumorlens.datasets.formats.coco_types import Annotations
from tumorlens.datasets.reference_masks import MaskLocation
from tumorlens.datasets.table import Sample, Table
from tumorlens.datasets.unannotated import UNANNOTATED
from tumorlens.errors import DataError

ANNOTATION_FILE = "_annotations.coco.json"


def read(folder: Path) -> Table:
    """A table of every listed image that exists, named like the folder; labels are the names of the categories.

    An image with annotations of several categories gets the label of the category that covers the largest area.
    Categories without annotation are not classes. Masks are rendered from the annotations when they are read, see
    `tumorlens.datasets.reference_masks`. Problems stand in the notes; `find_integrity_issues` in
    `tumorlens.auditing` reports them in detail.

    Raises:
        DataError: there is no annotation file, none of them can be read, both the folder and its split
            folders have one, or no listed image exists.
    """
    name, files = _name(folder), annotation_files(folder)
    if not files:
        raise DataError(
            file=folder,
            found=f"no {ANNOTATION_FILE} found",
            expected="one beside the images, in it or in each of its split folders (train, valid, test)",
        )
    if len({split is None for split, _ in files}) > 1:
        raise DataError(
            file=folder,
            found=f"{ANNOTATION_FILE} found in it and in its split folders",
            expected="one or the other",
            advice="remove one of them",
        )
    subsets, notes = _readable(folder, name, files)
    samples: dict[str, Sample] = {}
    listed = several = 0
    for split, content in subsets:
        areas_by_file = _areas(content)
        for file, image in {image.file: image for image in content.images}.items():
            listed += 1
            if not file.is_file():
                continue
            areas = areas_by_file.get(file, {UNANNOTATED: 0.0})
            several += len(areas) > 1
            id_ = f"{name}/{file.relative_to(folder).as_posix()}"
            label = max(sorted(areas), key=lambda label: areas[label])
            samples[id_] = Sample(id_, file, label, MaskLocation(content.path, str(image.id)).path, split=split)
    if not samples:
        raise DataError(
            file=subsets[0][1].path,
            found=f"none of the {listed:,} listed images exists",
            expected="the images beside the file",
        )
    notes += _problems(name, [annotations for _, annotations in subsets], listed, len(samples), several)
    return Table(name, tuple(samples.values()), tuple(sorted({s.label for s in samples.values()})), tuple(notes))


def annotation_files(folder: Path) -> tuple[tuple[str | None, Path], ...]:
    """(split or None, annotation file) of the folder itself and of its split folders, sorted."""
    if not folder.is_dir():
        return ()
    expected: list[tuple[str | None, Path]] = [(None, folder / ANNOTATION_FILE)]
    for path in sorted(folder.iterdir()):
        if path.name.lower() in SPLIT_NAMES:
            expected.append((SPLIT_NAMES[path.name.lower()], path / ANNOTATION_FILE))
    return tuple((split, path) for split, path in expected if path.is_file())


def unlisted(annotations: Annotations) -> list[Path]:
    """The images beside an annotation file that it does not list, sorted."""
    listed = {image.file for image in annotations.images}
    return [image for image in image_files(annotations.path.parent) if image not in listed]


def unused_categories(files: Iterable[Annotations]) -> list[str]:
    """Names of the categories without annotation in any of the files, sorted."""
    categories: set[str] = set()
    used: set[str] = set()
    for file in files:
        categories |= set(file.categories.values())
        used |= {file.name(annotation.category) for annotation in file.annotations}
    return sorted(categories - used)


def _readable(
    folder: Path, name: str, files: tuple[tuple[str | None, Path], ...]
) -> tuple[list[tuple[str | None, Annotations]], list[str]]:
    """The files that can be read, and notes on those that cannot; the first error where none can."""
    subsets: list[tuple[str | None, Annotations]] = []
    notes = [f"{name}: no patient ids; every image counts as its own patient"]
    first: DataError | None = None
    for split, path in files:
        try:
            subsets.append((split, read_annotations(path)))
        except DataError as error:
            first = first or error
            notes.append(f"{name}: {path.relative_to(folder).as_posix()} cannot be read; its images are left out")
    if first and not subsets:
        raise first
    return subsets, notes


def _problems(name: str, files: Sequence[Annotations], listed: int, images: int, several: int) -> Iterator[str]:
    """A note on each problem of an export.

    Args:
        name: of the data set.
        files: its annotation files.
        listed: images in them.
        images: listed images that exist.
        several: images with annotations of several categories.
    """
    annotations = [annotation for file in files for annotation in file.annotations]
    boxes, crowds = sum(a.kind == "box" for a in annotations), sum(a.iscrowd for a in annotations)
    spare = sum(len(unlisted(file)) for file in files)
    of_all = f"of {len(annotations):,} annotations"
    problems = {
        f"of {images:,} images, {several:,} show several categories and have the label of the largest": several,
        f"{of_all}, {boxes:,} are boxes; the masks show them as filled boxes": boxes,
        f"{of_all}, {crowds:,} stand for several objects (iscrowd); the masks show them": crowds,
        f"of {listed:,} listed images, {listed - images:,} do not exist": listed - images,
        f"images that exist but are not listed, and so left out: {spare:,}": spare,
    }
    for problem, count in problems.items():
        if count:
            yield f"{name}: {problem}"
    for category in unused_categories(files):
        yield f"{name}: no annotation uses the category '{category}', so it is not a class"


def _areas(annotations: Annotations) -> Mapping[Path, Mapping[str, float]]:
    """Area of every class in every annotated image."""
    files = defaultdict(set)
    for image in annotations.images:
        files[image.id].add(image.file)
    areas: dict[Path, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for annotation in annotations.annotations:
        for file in files[annotation.image]:
            areas[file][class_name(annotations.name(annotation.category))] += annotation.area
    return areas


def _name(folder: Path) -> str:
    """The folder's name; a split folder by itself is named after its parent too, for every export has a "train"."""
    path = folder.resolve()
    if path.name.lower() in SPLIT_NAMES and path.parent.name:
        return f"{path.parent.name}-{path.name}"
    return path.name or "coco"


DATASET = Dataset(
    DatasetCard(
        name="coco",
        summary="an export in COCO format, for example of Roboflow; labels are the categories",
        images=None,
        patients=None,
        classes=(),
        format="images and COCO JSON; polygons, run lengths or boxes",
        layout=f"<train|valid|test>/{ANNOTATION_FILE} with the images beside it, or one such folder",
        license="as stated in the export",
        citation="as stated in the export",
        problems=(
            "An export names no patients: slices of one patient are usually in two subsets of its split.",
            "The export 'TumorSegmentation' (2,146 images) is Figshare transposed; all its outlines are bounding "
            "boxes; 210 of 215 test and 429 of 429 valid images show a patient of train.",
        ),
    ),
    read,
    lambda folder: bool(annotation_files(folder)),
    order=80,
)
