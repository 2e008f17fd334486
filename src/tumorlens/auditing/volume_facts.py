"""slices of volumes -> facts of each volume: sequence, contrast, skull-stripped, defaced."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tumorlens.auditing.integrity.dicom_issues import HeaderFacts
from tumorlens.datasets import AcquisitionFacts, Sample, Table
from tumorlens.errors import ScanError
from tumorlens.scan import GrayImage, read_scan
from tumorlens.scan.slice_location import file_of

_LOOKED_AT = 5  # slices between 40 and 70 % of a volume
_DEPTHS = np.arange(0, 0.36, 0.02)  # below the surface of the head, in radii of a disk of its area
_RIM = 6  # depths that are scalp
_VALLEY = 14  # depths in which the skull is dark
_STRIPPED, _WITH_SKULL = 0.9, 0.85  # of the brain: gray value of the darkest depth
_EMPTY_BACKGROUND = 0.7  # share of pixels beside the head that have one value
_STRIPPED_NAME = re.compile(r"brain[_\-. ]?(extract|only)|skull[_\-. ]?strip|_bet(?![a-z])|desc-brain(?!.?mask)", re.I)
_DEFACED_NAME = re.compile(r"deface|mideface|face[_\-. ]?(removed|stripped)", re.I)


@dataclass(frozen=True)
class VolumeFacts:
    """What is known of a volume.

    Attributes:
        volume: its id.
        slices: number in the table.
        plane: of the slices; several are joined by ``+``.
        group: of its slices in the audit.
        series: hash of the series; None where unknown.
        study: hash of the study; None where unknown.
        sequence: as its files state it; None where unknown.
        contrast: whether contrast was given; None where unknown.
        skull_stripped: whether nothing but the brain is left, from pixels or names; None where unclear.
        defaced: whether files or names say that the face was removed; None where nothing is said.
    """

    volume: str
    slices: int
    plane: str
    group: str
    series: str | None
    study: str | None
    sequence: str | None
    contrast: bool | None
    skull_stripped: bool | None
    defaced: bool | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def find_volume_facts(
    table: Table, groups: Sequence[str], headers: Mapping[Path, HeaderFacts]
) -> tuple[VolumeFacts, ...]:
    """The facts of every volume of a table; a few of its slices are read.

    Args:
        table: any; images are left out.
        groups: of the audit, one for each sample.
        headers: of the DICOM files.
    """
    group_of = {sample.id: group for sample, group in zip(table.samples, groups, strict=True)}
    found = []
    for name, slices in table.volumes.items():
        origin = slices[0].origin
        acquired = slices[0].acquisition or AcquisitionFacts()
        assert origin is not None
        path = file_of(slices[0].image)
        stated = headers[path].defaced if path in headers else None
        found.append(
            VolumeFacts(
                volume=name,
                slices=len(slices),
                plane="+".join(dict.fromkeys(s.origin.plane for s in slices if s.origin)),
                group=group_of[slices[0].id],
                series=origin.series,
                study=origin.study,
                sequence=acquired.sequence,
                contrast=acquired.contrast,
                skull_stripped=_stated_stripped(acquired, path, slices),
                defaced=True if _DEFACED_NAME.search(str(path.name)) else stated,
            )
        )
    return tuple(found)


def _stated_stripped(acquired: AcquisitionFacts, path: Path, slices: Sequence[Sample]) -> bool | None:
    """Whether the skull was stripped: as the table states it, else the name of the file, else the pixels."""
    if acquired.skull_stripped is not None:
        return acquired.skull_stripped
    return True if _STRIPPED_NAME.search(path.name) else _skull_stripped(slices)


def _skull_stripped(slices: Sequence[Sample]) -> bool | None:
    """Whether there is no dark skull below a rim of scalp, and nothing at all beside the head."""
    chosen = np.unique(
        np.linspace(0.4 * len(slices), 0.7 * len(slices), _LOOKED_AT).astype(int).clip(0, len(slices) - 1)
    )
    measured = []
    for i in chosen:
        try:
            if found := _surface(read_scan(slices[i].image).gray_slice()):
                measured.append(found)
        except ScanError:
            continue
    if not measured:
        return None
    valley, empty = np.median(measured, axis=0)
    if valley > _STRIPPED and empty > _EMPTY_BACKGROUND:
        return True
    return False if valley < _WITH_SKULL else None


def _surface(gray: GrayImage) -> tuple[float, float] | None:
    """Gray value of the darkest depth below the scalp over that of the brain, and how empty the background is."""
    from scipy import ndimage

    values = gray.astype(np.float32)
    bright = ndimage.gaussian_filter(values, 1) > 0.1 * np.percentile(values, 99)
    components, count = ndimage.label(bright)
    if not count:
        return None
    head = ndimage.binary_fill_holes(components == np.bincount(components.ravel())[1:].argmax() + 1)
    if not 0.05 < head.mean() < 0.98:
        return None
    depth = ndimage.distance_transform_edt(head) / np.sqrt(head.sum() / np.pi)
    width = max(float(_DEPTHS[1]), 1.5 / float(np.sqrt(head.sum() / np.pi)))  # at least a pixel
    profile = np.array([np.median(values[head & (depth > at) & (depth <= at + width)]) for at in _DEPTHS])
    rim = int(profile[:_RIM].argmax())
    brain = max(min(float(profile[rim]), float(np.median(values[head & (depth > _DEPTHS[-1])]))), 1.0)
    return float(profile[rim:_VALLEY].min()) / brain, float((values[~head] == values.min()).mean())
