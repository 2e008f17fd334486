"""Folder of NIfTI volumes, with masks beside them or in a folder of their own -> table of their slices."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.formats.nifti_names import NiftiPair, is_nifti_name, pair_names
from tumorlens.datasets.table import Table
from tumorlens.datasets.volume_samples import NO_TUMOR, TUMOR, LeftOut, VolumeEntry, volume_samples
from tumorlens.errors import DataError

_BRATS = re.compile(r"BraTS(?:-(?P<kind>[A-Z]+)-\d+-(?P<time>\d+)|\d\d)")
_BRATS_CLASSES = {"GLI": "glioma", "MEN": "meningioma", "MET": "metastasis"}
_MOST_VOLUMES = 12  # in the folder of one patient


def nifti_files(folder: Path) -> Iterator[PurePosixPath]:
    """Paths of the files inside a folder that are called like NIfTI files, hidden ones left out."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if is_nifti_name(path.name) and path.is_file() and not any(part.startswith(".") for part in inside.parts):
            yield PurePosixPath(inside.as_posix())


def read(folder: Path) -> Table:
    """The slices of all volumes.

    A slice shows a tumor where the mask of its volume is not empty. Its class is that of the challenge for names as of
    BraTS, else ``tumor``. Volumes in a folder of their own are of one patient; elsewhere each volume is a group.

    Raises:
        DataError: no volume can be read.
    """
    name = folder.resolve().name or "nifti"
    pairs, counts = pair_names(nifti_files(folder), _channels(folder))
    left_out = LeftOut(counts)
    patients = _patients(pairs)
    entries = [_entry(name, folder, pair, patients.get(pair.image)) for pair in pairs]
    samples = volume_samples(entries, left_out)
    notes = left_out.notes(name)
    if not samples:
        found = "no NIfTI volume can be used"
        raise DataError(file=folder, found=found, expected="volumes with masks", advice="; ".join(notes) or None)
    if other := sum(path.is_file() and not is_nifti_name(path.name) for path in folder.rglob("[!.]*")):
        notes += (f"{name}: {other:,} files that are not called like NIfTI files were not read",)
    if patients:
        notes += (f"{name}: patients are named by the folders of their volumes",)
    if len(patients) < len(pairs):
        notes += (f"{name}: no patient ids; each volume counts as its own patient",)
    if any(entry.mask_labels for entry in entries):
        notes += (f"{name}: masks have the labels of BraTS; edema (label 2) does not count as tumor",)
    labels = {sample.label for sample in samples}
    return Table(name, samples, tuple(sorted(labels | ({NO_TUMOR} if TUMOR in labels else set()))), notes)


def _entry(name: str, folder: Path, pair: NiftiPair, patient: str | None) -> VolumeEntry:
    brats = _BRATS.match(pair.case)
    label = _BRATS_CLASSES.get(brats["kind"] or "GLI", TUMOR) if brats else TUMOR
    return VolumeEntry(
        id=f"{name}/{pair.image}",
        image=folder / pair.image,
        mask=folder / pair.mask if pair.mask else None,
        label=label if pair.mask else None,
        group=f"{name}:{patient}" if patient else None,
        mask_labels=pair.mask_labels,
        sequence=pair.sequence.name,
        contrast=pair.sequence.contrast,
    )


def _patients(pairs: list[NiftiPair]) -> dict[PurePosixPath, str]:
    """The patient of each volume whose name is one of BraTS, or that has a folder of its own or with few others."""
    sizes = Counter(pair.image.parent for pair in pairs)
    own = len(sizes) > 1 and max(sizes.values()) <= _MOST_VOLUMES
    found = {}
    for pair in pairs:
        brats = _BRATS.match(pair.case)
        if brats and brats["time"]:
            found[pair.image] = pair.case[: brats.start("time") - 1]
        elif own and pair.image.parent != PurePosixPath("."):
            found[pair.image] = str(pair.image.parent)
    return found


def _channels(folder: Path) -> Mapping[str, str]:
    """The channels of nnU-Net's dataset.json: number -> name; empty where there is none."""
    try:
        content = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        channels = content.get("channel_names") or content.get("modality") or {}
        return {str(key): str(value) for key, value in channels.items()}
    except (OSError, ValueError, AttributeError):
        return {}


DATASET = Dataset(
    DatasetCard(
        name="nifti",
        summary="your own NIfTI volumes, with masks: every slice is an image",
        images=None,
        patients=None,
        classes=(),
        format="NIfTI",
        layout=(
            "X.nii.gz with X_mask, X_seg or X-label beside it; images/ and labels/ or masks/; nnU-Net's imagesTr/ and "
            "labelsTr/; a folder for each head as in BraTS"
        ),
        license="yours",
        citation="yours",
        problems=("Files name no class of tumor; write a table (docs/how-to/your-own-data.md) to name it.",),
    ),
    read,
    lambda folder: next(nifti_files(folder), None) is not None,
    order=94,
)
