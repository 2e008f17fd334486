"""The types of what is known of an image: the volume that it is a slice of, and how it was acquired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tumorlens.errors import DataError
from tumorlens.scan.volume import PLANES

COLUMNS = ("volume", "plane", "slice_index", "position", "series", "study", "sequence", "contrast", "skull_stripped")
"""Columns of a table with slices of volumes or with known acquisitions, behind the others."""

_WORDS = {"yes": True, "no": False, "": None}


@dataclass(frozen=True)
class SliceOrigin:
    """Where a slice of a volume comes from.

    Attributes:
        volume: id of the volume, ``"<set>/<name>"``; equal for all of its slices.
        plane: of the slice: ``"axial"``, ``"coronal"`` or ``"sagittal"``.
        slice_index: from 0, in the order of the upright volume: axial from foot to head, coronal from front to back,
            sagittal from left to right.
        position: of the slice along its normal, in the order of `slice_index`, millimeters in LPS; None where unknown.
        series: of the volume, the same on every machine; None where unknown.
        study: of the volume, likewise.

    Example:
        >>> from tumorlens.datasets import SliceOrigin
        >>> SliceOrigin("ward/head1", "axial", 12, 31.5)
        SliceOrigin(volume='ward/head1', plane='axial', slice_index=12, position=31.5, series=None, study=None)
    """

    volume: str
    plane: str
    slice_index: int
    position: float | None = None
    series: str | None = None
    study: str | None = None


@dataclass(frozen=True)
class AcquisitionFacts:
    """How an image was acquired, and what was removed from it; None where unknown.

    Attributes:
        plane: ``"axial"``, ``"coronal"`` or ``"sagittal"``.
        sequence: as files or the makers of the set state it, for example ``"T1 after contrast"``.
        contrast: whether contrast was given.
        skull_stripped: whether nothing but the brain is left.

    Example:
        >>> from tumorlens.datasets import AcquisitionFacts
        >>> AcquisitionFacts("axial", "FLAIR", contrast=False).sequence
        'FLAIR'
    """

    plane: str | None = None
    sequence: str | None = None
    contrast: bool | None = None
    skull_stripped: bool | None = None


def cells(origin: SliceOrigin | None, acquisition: AcquisitionFacts | None) -> tuple[str, ...]:
    """The values of `COLUMNS` as text; empty where unknown."""
    known = acquisition or AcquisitionFacts()
    plane = (origin.plane if origin else None) or known.plane or ""
    position = f"{origin.position:.8g}" if origin and origin.position is not None else ""
    place = (origin.volume, plane, str(origin.slice_index)) if origin else ("", plane, "")
    group = (origin.series or "", origin.study or "") if origin else ("", "")
    words = {value: word for word, value in _WORDS.items()}
    return (*place, position, *group, known.sequence or "", words[known.contrast], words[known.skull_stripped])


def from_cells(row: Mapping[str, str]) -> tuple[SliceOrigin | None, AcquisitionFacts | None]:
    """The origin and the acquisition that a row of a table states; None where it states nothing.

    Args:
        row: text by column; `COLUMNS` that are missing or empty are unknown.

    Raises:
        DataError: a volume without plane or number of the slice, or a value that cannot be one.
    """
    for name, known in (("plane", (*PLANES, "")), ("contrast", _WORDS), ("skull_stripped", _WORDS)):
        if row.get(name, "") not in known:
            raise DataError(found=f"{name} '{row.get(name, '')}'", expected=f"one of {list(known)}")
    acquisition = AcquisitionFacts(
        plane=row.get("plane") or None,
        sequence=row.get("sequence") or None,
        contrast=_WORDS[row.get("contrast", "")],
        skull_stripped=_WORDS[row.get("skull_stripped", "")],
    )
    return _origin(row), acquisition if acquisition != AcquisitionFacts() else None


def _origin(row: Mapping[str, str]) -> SliceOrigin | None:
    if not row.get("volume"):
        return None
    if not row.get("plane"):
        raise DataError(found=f"volume {row['volume']} without a plane", expected=f"one of {list(PLANES)}")
    try:
        index = int(row.get("slice_index", ""))
        position = float(row["position"]) if row.get("position") else None
    except ValueError:
        found = f"slice_index '{row.get('slice_index', '')}' and position '{row.get('position', '')}'"
        raise DataError(found=found, expected="the number of the slice, and millimeters or nothing") from None
    return SliceOrigin(
        volume=row["volume"],
        plane=row["plane"],
        slice_index=index,
        position=position,
        series=row.get("series") or None,
        study=row.get("study") or None,
    )
