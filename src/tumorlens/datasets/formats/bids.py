"""BIDS folder -> table of the slices of its T1-weighted volumes; `sub-` is the patient."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.formats.nifti_folder import nifti_files
from tumorlens.datasets.formats.nifti_names import AFTER_CONTRAST, stem_of
from tumorlens.datasets.table import Table
from tumorlens.datasets.volume_samples import TUMOR, LeftOut, VolumeEntry, volume_samples
from tumorlens.errors import DataError

_RAW = re.compile(r"sub-[A-Za-z0-9]+/(?:ses-[A-Za-z0-9]+/)?anat/sub-[^/]+")
_DERIVED = re.compile(r"derivatives/(?:[^/]+/)+sub-[^/]+")
_MASKS = ("mask", "dseg", "roi", "probseg")
_LESION = re.compile(r"lesion|tumou?r|glioma|mening|metasta|pituitar|enhanc|core", re.IGNORECASE)
_FREE = ("desc", "label", "space", "res", "den")  # entities of a mask that its volume need not have


@dataclass(frozen=True)
class BidsName:
    """A file of a BIDS folder.

    Attributes:
        path: inside the folder.
        entities: key -> value, such as ``sub`` and ``ces``.
        suffix: last word, such as ``T1w``.
    """

    path: PurePosixPath
    entities: dict[str, str]
    suffix: str

    @classmethod
    def parse(cls, path: PurePosixPath) -> BidsName:
        """Split a name into its entities."""
        *pairs, suffix = stem_of(path).split("_")
        entities = dict(pair.split("-", 1) for pair in pairs if "-" in pair)
        return cls(path, entities, suffix)

    @property
    def session(self) -> tuple[str, str]:
        """Subject and session."""
        return self.entities.get("sub", ""), self.entities.get("ses", "")

    @property
    def after_contrast(self) -> bool:
        """Whether it has the entity of a contrast agent."""
        return self.entities.get("ce", "none").lower() not in ("none", "no")


def read(folder: Path) -> Table:
    """The slices of the T1-weighted volumes: of those after contrast (``ce-``) where there are any, else of all.

    Masks are those in ``derivatives`` whose name says lesion or tumor.

    Raises:
        DataError: no volume can be read.
    """
    name = folder.resolve().name or "bids"
    left_out = LeftOut()
    images, masks = _sorted(nifti_files(folder), left_out.volumes)
    contrast = any(image.after_contrast for image in images)
    used = []
    for image in images:
        if contrast and not image.after_contrast:
            left_out.volumes["T1w without contrast (no ce- in its name) beside others with"] += 1
        else:
            used.append(image)
    entries = [_entry(name, folder, image, _mask_of(image, masks[image.session])) for image in used]
    samples = volume_samples(entries, left_out)
    notes = left_out.notes(name)
    if not samples:
        found, advice = "no T1w volume can be used", "; ".join(notes) or None
        raise DataError(file=folder, found=found, expected="sub-*/anat/*_T1w.nii.gz", advice=advice)
    if not contrast:
        notes += (f"{name}: no T1w states contrast (ce-) in its name, so all T1w are used",)
    return Table(name, samples, tuple(sorted({sample.label for sample in samples})), notes)


def _sorted(
    paths: Iterable[PurePosixPath], left_out: Counter[str]
) -> tuple[list[BidsName], defaultdict[tuple[str, str], list[BidsName]]]:
    """The T1w volumes, and the masks of each session; the rest is counted."""
    images: list[BidsName] = []
    masks: defaultdict[tuple[str, str], list[BidsName]] = defaultdict(list)
    for path in paths:
        one = BidsName.parse(path)
        if _RAW.match(str(path)):
            if one.suffix == "T1w":
                images.append(one)
            else:
                left_out["anatomy of another kind than T1w"] += 1
        elif _DERIVED.match(str(path)) and one.suffix in _MASKS and _LESION.search(path.name):
            masks[one.session].append(one)
        elif _DERIVED.match(str(path)):
            left_out["a derivative that is no mask of a lesion or tumor"] += 1
        else:
            left_out["not in an anat folder of a subject"] += 1
    return images, masks


def _mask_of(image: BidsName, masks: list[BidsName]) -> BidsName | None:
    """The mask of a volume: the one whose entities contradict none of it, and repeat most of it."""
    fitting = [
        mask
        for mask in masks
        if all(image.entities.get(key) == value for key, value in mask.entities.items() if key not in _FREE)
    ]
    return max(
        fitting, key=lambda mask: (len(mask.entities.keys() & image.entities.keys()), str(mask.path)), default=None
    )


def _entry(name: str, folder: Path, image: BidsName, mask: BidsName | None) -> VolumeEntry:
    subject, session = image.session
    return VolumeEntry(
        id=f"{name}/{image.path}",
        image=folder / image.path,
        mask=folder / mask.path if mask else None,
        label=TUMOR if mask else None,
        group=f"{name}:sub-{subject}",
        study=f"sub-{subject}_ses-{session}" if session else None,
        sequence=AFTER_CONTRAST if image.after_contrast else "T1",
        contrast=True if image.after_contrast else None,
    )


DATASET = Dataset(
    DatasetCard(
        name="bids",
        summary="a BIDS folder: T1-weighted volumes with masks of lesions in its derivatives",
        images=None,
        patients=None,
        classes=(),
        format="NIfTI",
        layout="sub-*/[ses-*/]anat/*_T1w.nii.gz, derivatives/*/sub-*/*_mask.nii.gz; after contrast where named ce-*",
        license="yours",
        citation="yours",
        problems=("BIDS names no class of tumor; write a table (docs/how-to/your-own-data.md) to name it.",),
    ),
    read,
    lambda folder: any(_RAW.match(str(path)) for path in nifti_files(folder)),
    order=92,
)
