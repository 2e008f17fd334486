"""The training table of the recipe `default`: all of its sets, from one folder."""

from __future__ import annotations

from pathlib import Path

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.sets import brain_tumor_progression, figshare, muslim_ms, no_tumor, open_ms, soop, whole_heads
from tumorlens.datasets.table import Table, pool
from tumorlens.errors import DataError

_PARTS = {
    "figshare": figshare.DATASET,
    "no_tumor": no_tumor.DATASET,
    "volumes/brain_tumor_progression": brain_tumor_progression.DATASET,
    "whole_heads": whole_heads.DATASET,
    "openms_raw": open_ms.DATASET,
    "ms_slices": muslim_ms.DATASET,
    "soop": soop.DATASET,
}


def read(folder: Path) -> Table:
    """The pooled table of all sets; each keeps its name in ids and patients.

    Raises:
        DataError: the folder of a set is missing, or holds another set.
    """
    absent = [name for name in _PARTS if not (folder / name).is_dir()]
    if absent:
        raise DataError(
            file=folder,
            found=f"folder {absent[0]} is missing",
            expected=f"the folders {', '.join(_PARTS)}",
            advice=f"see the layout of this one with: tumorlens data info {_PARTS[absent[0]].card.name}",
        )
    return pool(part.read(folder / name) for name, part in _PARTS.items())


DATASET = Dataset(
    DatasetCard(
        name="default_training",
        summary="the sets that the recipe default is trained on, pooled",
        images=None,
        patients=None,
        classes=("glioma", "meningioma", "pituitary", "no_tumor"),
        format="those of its sets",
        layout=", ".join(f"{name}/ ({part.card.name})" for name, part in _PARTS.items()),
        license="those of its sets: CC BY, CC0, MIT, BSD, Apache",
        citation="those of its sets",
        problems=(
            "Patients of whole volumes are few beside those of single slices; recipe default samples accordingly.",
        ),
    ),
    read,
    lambda folder: all(part.recognizes(folder / name) for name, part in _PARTS.items()),
    order=56,
)
