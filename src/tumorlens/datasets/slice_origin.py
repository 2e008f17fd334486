"""The type of a slice's origin: the volume, series and study that it comes from, and its place there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tumorlens.errors import DataError
from tumorlens.scan.volume import PLANES

COLUMNS = ("volume", "plane", "slice_index", "position", "series", "study", "sequence", "contrast")
"""Columns of a table with slices of volumes, behind the others; the attributes of `SliceOrigin`."""


@dataclass(frozen=True)
class SliceOrigin:
    """Where a slice comes from.

    Attributes:
        volume: id of the volume, ``"<set>/<name>"``; equal for all of its slices.
        plane: of the slice: ``"axial"``, ``"coronal"`` or ``"sagittal"``.
        slice_index: from 0, in the order of the upright volume: axial from foot to head, coronal from front to back,
            sagittal from left to right.
        position: of the slice along its normal, in the order of `slice_index`, millimeters in LPS; None where unknown.
        series: of the volume, the same on every machine; None where unknown.
        study: of the volume, likewise.
        sequence: of the volume as its files state it, for example ``"T1 after contrast"``; None where unknown.
        contrast: whether contrast was given; None where unknown.

    Example:
        >>> from tumorlens.datasets import SliceOrigin
        >>> SliceOrigin("ward/head1", "axial", 12, 31.5).cells()
        ('ward/head1', 'axial', '12', '31.5', '', '', '', '')
    """

    volume: str
    plane: str
    slice_index: int
    position: float | None = None
    series: str | None = None
    study: str | None = None
    sequence: str | None = None
    contrast: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """The values of `COLUMNS` as text; empty where unknown."""
        position = "" if self.position is None else f"{self.position:.8g}"
        contrast = "" if self.contrast is None else "yes" if self.contrast else "no"
        texts = (self.series or "", self.study or "", self.sequence or "", contrast)
        return (self.volume, self.plane, str(self.slice_index), position, *texts)

    @classmethod
    def from_cells(cls, row: Mapping[str, str]) -> SliceOrigin | None:
        """The origin that a row of a table states; None where it names no volume.

        Args:
            row: text by column; `COLUMNS` that are missing or empty are unknown.

        Raises:
            DataError: no plane or number of the slice, or a value that cannot be one.
        """
        if not row.get("volume"):
            return None
        for name, known in (("plane", PLANES), ("contrast", ("yes", "no", ""))):
            if row.get(name, "") not in known:
                raise DataError(found=f"{name} '{row.get(name, '')}'", expected=f"one of {list(known)}")
        try:
            index = int(row.get("slice_index", ""))
            position = float(row["position"]) if row.get("position") else None
        except ValueError:
            found = f"slice_index '{row.get('slice_index', '')}' and position '{row.get('position', '')}'"
            raise DataError(found=found, expected="the number of the slice, and millimeters or nothing") from None
        return cls(
            volume=row["volume"],
            plane=row["plane"],
            slice_index=index,
            position=position,
            series=row.get("series") or None,
            study=row.get("study") or None,
            sequence=row.get("sequence") or None,
            contrast={"yes": True, "no": False}.get(row.get("contrast", "")),
        )
