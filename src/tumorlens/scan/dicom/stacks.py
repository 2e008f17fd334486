"""frames -> stacks: frames of one series, size, spacing and orientation, sorted along their normal.

They are never sorted by file name, nor put together where they do not fit: each stack is right, or its frames are
refused with the reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tumorlens._arrays import Floats
from tumorlens.errors import TumorlensError
from tumorlens.scan.dicom.dicom_file import DicomFile, whole
from tumorlens.scan.dicom.frames import SPLITTING, Frame, frames_of
from tumorlens.scan.dicom.header_value import header_value
from tumorlens.scan.volume import Volume

if TYPE_CHECKING:
    from pydicom import Dataset

_MOSAIC_CREATOR, _MOSAIC_TILES = 0x00190010, 0x0019100A
_ORIENTATION = 1e-3  # cosines, about 0.06 degrees
_SPACING = 1e-3  # millimeters
_SAME_PLACE = 0.05  # millimeters along the normal; no slice is thinner
_IRREGULAR = 0.15  # of the distance of slices: the residual of a straight line through their positions
_SHEARED = 0.02  # of the distance of slices: the shift in plane from one to the next
_SHIFTED = 0.5  # pixels: a slice that is moved in plane against its neighbors


@dataclass(frozen=True, eq=False)
class Stack:
    """Frames that belong together, sorted along their normal.

    Attributes:
        frames: one or more.
        irregular: why they are no box of equally spaced slices; None where they are.
        affine: whether they are equally spaced, though perhaps sheared.
        split_by: attributes that told it from others at the same places; empty where there are none.
        notes: what was found and did not prevent reading, one sentence each.
    """

    frames: tuple[Frame, ...]
    irregular: str | None
    affine: bool = True
    split_by: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def header(self) -> Dataset:
        """Of the file of the first frame."""
        return self.frames[0].file.header

    def volume(self) -> Volume:
        """The slices with their geometry; gray values are decoded when they are asked for."""
        return self._volume

    @cached_property
    def _volume(self) -> Volume:
        first = self.frames[0]
        rows, columns = first.spacing
        path = first.file.content.path
        origins = np.stack([frame.position for frame in self.frames])
        return Volume(
            size=(len(self.frames), *first.size),
            origins=_fitted(origins) if self.affine and len(origins) > 1 else origins,
            row_step=first.row_direction * rows,
            column_step=first.column_direction * columns,
            irregular=self.irregular,
            read=lambda index: self.frames[index].read(),
            path=path if len({frame.file for frame in self.frames}) == 1 else path.parent,
            format="DICOM",
            sources=tuple(frame.source for frame in self.frames),
            notes=self.notes,
        )


@dataclass(frozen=True)
class Refusal:
    """Frames that are not read.

    Attributes:
        reason: a short sentence.
        frames: how many.
        series: UID of their series; empty where there is none.
        description: of their series; empty where there is none.
        paths: of their files.
        damaged: whether their files are; others hold something that is no gray slice.
    """

    reason: str
    frames: int
    series: str
    description: str
    paths: tuple[Path, ...]
    damaged: bool = False

    def __str__(self) -> str:
        frames = "1 frame" if self.frames == 1 else f"{self.frames} frames"
        of = f" of '{self.description}'" if self.description else ""
        more = f" and {len(self.paths) - 1} more files" if len(self.paths) > 1 else ""
        return f"{frames}{of} in {self.paths[0]}{more}: {self.reason}"


@dataclass
class _Sorting:
    """What is found while frames are sorted."""

    stacks: list[Stack] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def refuse(self, reason: str, frames: int, files: Iterable[DicomFile], *, damaged: bool = False) -> None:
        several = list({file.content.path: file for file in files}.values())
        series, description = series_of(several[0].header)
        paths = tuple(file.content.path for file in several)
        self.refusals.append(Refusal(reason, frames, series, description, paths, damaged))


def stacks_of(files: Iterable[DicomFile]) -> tuple[list[Stack], list[Refusal]]:
    """Sort the frames of files into stacks.

    Args:
        files: of any number of series, in any order.

    Returns:
        Stacks, in the order of series number and position, and what is refused. Each frame is in one of both, or is a
        copy of another one, which a note says.

    Example:
        >>> from pathlib import Path
        >>> from pydicom import examples
        >>> from tumorlens.scan.content import FileContent
        >>> from tumorlens.scan.dicom.dicom_file import read_dicom_file
        >>> from tumorlens.scan.dicom.stacks import stacks_of
        >>> file = read_dicom_file(FileContent(Path(examples.get_path("mr"))))
        >>> stacks, refusals = stacks_of([file])
        >>> len(stacks), len(refusals)
        (1, 0)
    """
    sorting = _Sorting()
    for group in _groups(files, sorting):
        _sort(group, (), tuple(SPLITTING), (), sorting)
    sorting.stacks.sort(key=_order)
    return sorting.stacks, _joined(sorting.refusals)


def stack_of(frames: Sequence[Frame]) -> Stack | str:
    """The stack of frames that are known to belong together, of one or several series.

    Args:
        frames: one or more, in any order.

    Returns:
        The stack, or why they make none, as a clause.
    """
    first = frames[0]
    if any(frame.size != first.size or not _parallel(first, frame) for frame in frames):
        return "slices of different size, spacing or orientation"
    places = _places(frames)
    if len(places) < len(frames):
        return "several slices at one place"
    return _stack([frame for (frame,) in places], (), ())


def series_of(header: Dataset) -> tuple[str, str]:
    """UID and description of the series of a file, empty where there is none."""
    return str(header_value(header, "SeriesInstanceUID") or ""), " ".join(
        str(header.get("SeriesDescription") or "").split()
    )


def mosaic_tiles(header: Dataset) -> int | None:
    """Number of slices that are tiled in one image of a Siemens or UIH mosaic; None for other images, 0 if unknown."""
    tiles = header.get(_MOSAIC_TILES) if "SIEMENS" in str(header.get(_MOSAIC_CREATOR, "")) else None
    types = {str(value).upper() for value in _several(header_value(header, "ImageType"))}
    if not ({"MOSAIC", "VFRAME"} & types) and tiles is None:
        return None
    return whole(tiles.value) if tiles is not None else 0


def _several(value: object) -> list[object]:
    if value is None:
        return []
    return [value] if isinstance(value, str) or not isinstance(value, Iterable) else list(value)


def _groups(files: Iterable[DicomFile], sorting: _Sorting) -> list[list[Frame]]:
    """Frames of one series, size, spacing and orientation together; the rest is refused."""
    groups: defaultdict[tuple[object, ...], list[list[Frame]]] = defaultdict(list)
    for file in files:
        header = file.header
        if reason := unreadable(file):
            sorting.refuse(reason, file.frames, [file], damaged=file.missing_bytes > 0)
            continue
        for frame in frames_of(file):
            if frame is None:
                sorting.refuse("no position, orientation or spacing in the patient", 1, [file])
                continue
            series = header_value(header, "SeriesInstanceUID") or (
                header.get("SeriesNumber"), header.get("SeriesDescription"), file.content.path.parent
            )  # fmt: skip
            study = header_value(header, "StudyInstanceUID")
            candidates = groups[(str(study), str(series), frame.size)]
            for group in candidates:
                if _parallel(group[0], frame):
                    group.append(frame)
                    break
            else:
                candidates.append([frame])
    return [group for candidates in groups.values() for group in candidates]


def unreadable(file: DicomFile) -> str | None:
    """Why a file holds no gray slices; None where it does."""
    header = file.header
    if file.pixels_at is None or not header_value(header, "Rows") or not header_value(header, "Columns"):
        return "no image"
    if file.keyword != "PixelData":
        return "floating point values, not an image of a scanner"
    colors = str(header_value(header, "PhotometricInterpretation"))
    if header_value(header, "SamplesPerPixel", 1) != 1 or "PALETTE" in colors:
        return "a color image"
    if (missing := file.missing_bytes) > 0:
        return f"an image that is cut off: {missing:,} bytes of pixels are missing"
    if (tiles := mosaic_tiles(header)) is not None:
        return f"a mosaic{f' of {tiles} slices' if tiles else ''} in one image"
    return None


def _parallel(one: Frame, other: Frame) -> bool:
    """Whether two frames have one orientation and spacing."""
    steps = np.abs(np.subtract(one.spacing, other.spacing)).max()
    rows, columns = (
        np.abs(one.row_direction - other.row_direction).max(),
        np.abs(one.column_direction - other.column_direction).max(),
    )
    return bool(steps <= _SPACING and max(rows, columns) < _ORIENTATION)


def _sort(
    frames: Sequence[Frame],
    split_by: tuple[str, ...],
    keywords: tuple[str, ...],
    notes: tuple[str, ...],
    sorting: _Sorting,
) -> None:
    """Make stacks of parallel frames: one frame at each place."""
    places = _places(frames)
    largest = max(len(place) for place in places)
    if largest == 1:
        sorting.stacks.append(_stack([frame for (frame,) in places], split_by, notes))
        return
    remaining, copies = _without_copies(places, same_uid=True)
    if copies:
        _sort(remaining, split_by, keywords, (*notes, _copies(copies)), sorting)
        return
    for i, keyword in enumerate(keywords):
        parts = defaultdict(list)
        for frame in frames:
            parts[frame.attribute(keyword)].append(frame)
        if 1 < len(parts) <= largest and _explains(parts.values(), largest):
            for part in parts.values():
                _sort(part, (*split_by, keyword), keywords[i + 1 :], notes, sorting)
            return
    if {len(place) for place in places} == {largest} and (ordered := _by_instance_number(places)):
        for part in ordered:
            sorting.stacks.append(_stack(part, (*split_by, "InstanceNumber"), notes))
        return
    remaining, copies = _without_copies(places, same_uid=False)
    if copies:
        _sort(remaining, split_by, (), (*notes, _copies(copies)), sorting)
        return
    sorting.refuse("different slices at one place, and no attribute tells them apart", len(frames), _files(frames))


def _explains(parts: Iterable[Sequence[Frame]], largest: int) -> bool:
    """Whether each part has fewer frames at one place than all have together."""
    return all(max(map(len, _places(part))) < largest for part in parts)


def _places(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Frames at one position along the normal together, in the order of the positions."""
    normal = np.cross(frames[0].column_direction, frames[0].row_direction)
    heights = np.array([frame.position @ normal for frame in frames])
    places: list[list[Frame]] = []
    last = -np.inf
    for i in np.argsort(heights, kind="stable"):
        if heights[i] - last > _SAME_PLACE:
            places.append([])
        places[-1].append(frames[i])
        last = heights[i]
    return places


def _without_copies(places: Sequence[Sequence[Frame]], *, same_uid: bool) -> tuple[list[Frame], int]:
    """The frames without those that equal another one at their place pixel by pixel, and how many these are."""
    kept: list[Frame] = []
    for place in places:
        here: dict[tuple[object, ...], Frame] = {}
        counts = Counter(frame.uid for frame in place)
        for i, frame in enumerate(place):
            alone = len(place) == 1 or (same_uid and counts[frame.uid] == 1)
            key: object = i if alone else _digest(frame, i)
            here.setdefault((frame.uid if same_uid else None, key), frame)
        kept += here.values()
    return kept, sum(map(len, places)) - len(kept)


def _digest(frame: Frame, other: int) -> object:
    """Equal for equal gray values; `other` where they cannot be read."""
    try:
        pixels = frame.read()
    except TumorlensError:
        return other
    return sha256(pixels.tobytes()).digest()


def _copies(count: int) -> str:
    return "1 frame is there twice" if count == 1 else f"{count} frames are copies of others"


def _by_instance_number(places: Sequence[Sequence[Frame]]) -> list[list[Frame]] | None:
    """As many stacks as there are frames at each place, by their numbers; None where these follow no order.

    Either each stack was numbered after the other, or the frames of each place were.
    """
    numbers = np.array([[_instance_number(frame) for frame in place] for place in places])
    if (numbers < 0).any() or any(len(set(row)) < len(row) for row in numbers.tolist()):
        return None
    orders = np.argsort(numbers, axis=1)
    ordered = np.take_along_axis(numbers, orders, axis=1)
    for rows in (ordered.T, ordered):
        spans = sorted((int(row.min()), int(row.max())) for row in rows)
        if all(end < begin for (_, end), (begin, _) in pairwise(spans)):
            return [[places[i][order[k]] for i, order in enumerate(orders)] for k in range(numbers.shape[1])]
    return None


def _instance_number(frame: Frame) -> int:
    """Instance number, with the number of the frame where a file holds several; -1 where there is none."""
    number = whole(header_value(frame.file.header, "InstanceNumber"), -1)
    return frame.index if frame.number is not None else number


def _stack(frames: Sequence[Frame], split_by: tuple[str, ...], notes: tuple[str, ...]) -> Stack:
    affine, reason = _geometry(frames)
    return Stack(tuple(frames), reason, affine, split_by, notes)


def _geometry(frames: Sequence[Frame]) -> tuple[bool, str | None]:
    """Whether sorted frames are equally spaced, and why they are no box of slices; None where they are one."""
    if len(frames) == 1:
        return True, None
    first = frames[0]
    positions = np.stack([frame.position for frame in frames])
    normal = np.cross(first.column_direction, first.row_direction)
    gaps = np.diff(positions @ normal)
    typical = float(np.median(gaps))
    residual = _fitted(positions) - positions
    if np.abs(residual @ normal).max() > _IRREGULAR * typical:
        return False, f"irregular: distances between slices from {gaps.min():.2f} to {gaps.max():.2f} mm"
    if (shift := float(np.abs(residual).max())) > _SHIFTED * min(first.spacing) + _IRREGULAR * typical:
        return False, f"irregular: slices are shifted in plane by up to {shift:.1f} mm"
    return True, _shear(frames)


def _shear(frames: Sequence[Frame]) -> str | None:
    """What to say where slices lie obliquely above each other; None where they lie upright."""
    first = frames[0]
    step = (frames[-1].position - first.position) / (len(frames) - 1)
    normal = np.cross(first.column_direction, first.row_direction)
    sideways = float(np.linalg.norm(step - (step @ normal) * normal))
    if sideways <= _SHEARED * np.linalg.norm(step):
        return None
    degrees = np.degrees(np.arctan2(sideways, step @ normal))
    return f"sheared: the gantry was tilted by {degrees:.1f} degrees"


def _fitted(positions: Floats) -> Floats:
    """Equally spaced positions on the straight line that is nearest to the given ones."""
    steps = np.arange(len(positions)) - (len(positions) - 1) / 2
    slope = steps @ positions / (steps @ steps)
    return np.asarray(positions.mean(axis=0) + steps[:, None] * slope)


def _files(frames: Sequence[Frame]) -> list[DicomFile]:
    return [frame.file for frame in frames]


def _order(stack: Stack) -> tuple[int, str, tuple[str, ...], str]:
    number = whole(stack.header.get("SeriesNumber"), 2**31)
    first = stack.frames[0]
    values = tuple(f"{first.attribute(k):>16}" if k in SPLITTING else "" for k in stack.split_by)
    return number, series_of(stack.header)[0], values, str(first.source.path)


def _joined(refusals: Sequence[Refusal]) -> list[Refusal]:
    """One refusal a series and reason."""
    joined: dict[tuple[str, str, str], Refusal] = {}
    for one in refusals:
        key = one.reason, one.series, one.description
        if before := joined.get(key):
            paths = tuple(dict.fromkeys((*before.paths, *one.paths)))
            one = Refusal(one.reason, before.frames + one.frames, one.series, one.description, paths, one.damaged)
        joined[key] = one
    return list(joined.values())
