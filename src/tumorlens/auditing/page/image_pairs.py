"""AuditReport -> pairs of images side by side, the second flipped or rotated like the first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.duplicates.alignment import alignment_scores
from tumorlens.auditing.duplicates.near_duplicates import DUPLICATE_SCORE
from tumorlens.auditing.duplicates.perceptual_hash import transformed
from tumorlens.auditing.issues import DuplicateKind, DuplicatePair, Leak
from tumorlens.auditing.leakage import patients_of
from tumorlens.auditing.page.page_text import contradicted
from tumorlens.errors import TumorlensError
from tumorlens.report import CaptionedImage, side_by_side
from tumorlens.report.blocks import Mark
from tumorlens.scan import read_scan
from tumorlens.scan.dihedral import DIHEDRAL_NAMES, apply_dihedral

LONGEST_SIDE = 192
"""Pixels on the longer side of an image on the page."""

_KIND_CAPTIONS: dict[DuplicateKind, str] = {
    "bytes": "the same file",
    "pixels": "the same pixels",
    "near": "a near-duplicate",
}
_PLACEHOLDER = 84  # gray value of the square in place of an unreadable image


class ImagePairs:
    """Finds the related images of a report and shows them side by side.

    Args:
        report: of the audit.
    """

    def __init__(self, report: AuditReport) -> None:
        self.report = report
        self.patients = patients_of(report.table, report.source_matches)
        self._several_sets = len({sample.dataset for sample in report.table.samples}) > 1
        self._contradicted = contradicted(report)
        self._pairs: dict[int, dict[int, DuplicatePair]] = defaultdict(dict)
        for pair in report.duplicates.pairs:
            self._pairs[pair.first][pair.second] = pair
            self._pairs[pair.second][pair.first] = pair
        self._in_train: dict[object, list[int]] = defaultdict(list)  # positions in train by cluster and by patient
        for i, sample in enumerate(report.table.samples):
            if sample.split == "train":
                self._in_train[report.duplicates.cluster_ids[i]].append(i)
                if patient := self.patients[i]:
                    self._in_train[patient].append(i)

    def duplicate_kind(self, first: int, second: int) -> DuplicateKind:
        """The kind of a pair of duplicates."""
        one, other = self.report.image_records[first], self.report.image_records[second]
        if one.file_hash and one.file_hash == other.file_hash:
            return "bytes"
        return "pixels" if one.pixel_hash and one.pixel_hash == other.pixel_hash else "near"

    def duplicate_in_train(self, position: int) -> int | None:
        """The training image that is the closest duplicate, equal files first; None where there is none."""
        duplicates = self._in_train.get(self.report.duplicates.cluster_ids[position], [])
        paired = self._pairs.get(position, {})
        order = {"bytes": 0, "pixels": 1, "near": 2}
        return min(
            duplicates, key=lambda i: (order[self.duplicate_kind(position, i)], i not in paired, i), default=None
        )

    def patient_in_train(self, position: int) -> int | None:
        """A training image of the same patient: no duplicate if there is one, and the nearest slice."""
        others = self._in_train.get(self.patients[position] or "", [])
        return min(
            others, key=lambda i: (self._is_duplicate(position, i), self._slice_distance(position, i), i), default=None
        )

    def alignment(self, first: int, second: int) -> tuple[int, float]:
        """The transform that maps the second duplicate onto the first, and their similarity then."""
        pair = self._pairs.get(first, {}).get(second)
        if pair:
            return (pair.transform if pair.first == first else inverse(pair.transform)), pair.similarity
        one, other = (self.report.image_records[i].thumbnails for i in (first, second))
        if self.duplicate_kind(first, second) != "near" or one is None or other is None:
            return 0, 1.0
        n = len(DIHEDRAL_NAMES)
        candidates = np.concatenate([transformed(other, transform) for transform in range(n)])
        scores = alignment_scores(np.tile(one, (n, 1, 1)), candidates, enough=DUPLICATE_SCORE).reshape(n, -1)
        best = scores.max(axis=1)
        return int(best.argmax()), float(best.max())

    def pair_type(self, first: int, second: int) -> tuple[DuplicateKind, int | None]:
        """Kind and transform of a pair of duplicates; no transform where the pair was not compared."""
        pair = self._pairs.get(first, {}).get(second)
        return self.duplicate_kind(first, second), pair.transform if pair else None

    def duplicates(self, first: int, second: int, text: str = "") -> CaptionedImage:
        """Two duplicates side by side."""
        transform, similarity = self.alignment(first, second)
        kind = self.duplicate_kind(first, second)
        caption = _KIND_CAPTIONS[kind]
        if kind == "near":
            caption += f", similarity {similarity:.3f}" if similarity < 0.9995 else ", similarity above 0.999"
        if transform:
            caption += f"; right image shown {DIHEDRAL_NAMES[transform]}"
        return self._side_by_side(first, second, (transform,), caption + (f"\n{text}" if text else ""))

    def same_patient(self, first: int, second: int) -> CaptionedImage:
        """Two images of one patient side by side, in the same orientation where both match one reference set."""
        one, other = self.report.match_by_sample.get(first), self.report.match_by_sample.get(second)
        transforms: tuple[int, ...] = ()
        caption = f"patient {self.patients[first]}"
        if one and other and one.reference == other.reference:
            transforms = (inverse(other.transform), one.transform)
            caption += f"; slices {one.slice} and {other.slice} of {one.reference}"
        return self._side_by_side(first, second, transforms, caption)

    def single(self, position: int, text: str = "") -> CaptionedImage:
        """One image with its name and label, marked where its source has another label."""
        caption = self._name(position) + (f"\n{text}" if text else "")
        image = reduced_image(self.report.image_records[position].path)
        mark: Mark | None = "differs" if position in self._contradicted else None
        return CaptionedImage(image, caption, caption.replace("\n", ", "), mark)

    def cluster(self, members: Sequence[int], most: int) -> list[CaptionedImage]:
        """Some duplicates of one image, of all sets, subsets and classes if possible, each mapped onto the first."""
        samples = self.report.table.samples
        members = interleaved(members, lambda i: (samples[i].dataset, samples[i].split, samples[i].label))
        shown = [self.single(members[0])]
        for i in members[1:most]:
            transform, _ = self.alignment(members[0], i)
            kind = _KIND_CAPTIONS[self.duplicate_kind(members[0], i)]
            caption = f"{self._name(i)}\n{kind}" + (f"; shown {DIHEDRAL_NAMES[transform]}" if transform else "")
            image = transform_image(reduced_image(self.report.image_records[i].path), transform)
            differs = samples[i].label != samples[members[0]].label
            shown.append(CaptionedImage(image, caption, caption.replace("\n", ", "), "differs" if differs else None))
        return shown

    def _side_by_side(self, first: int, second: int, transforms: Sequence[int], text: str) -> CaptionedImage:
        left, right = (reduced_image(self.report.image_records[i].path) for i in (first, second))
        for transform in transforms:
            right = transform_image(right, transform)
        names = [self._name(first), self._name(second)]
        caption = f"{names[0]}\n{names[1]}\n{text}"
        one, other = (self.report.table.samples[i].label for i in (first, second))
        alt = f"{names[0]}; beside it {names[1]}: {text}"
        return CaptionedImage(side_by_side([left, right]), caption, alt, "differs" if one != other else None)

    def _name(self, position: int) -> str:
        sample = self.report.table.samples[position]
        name = sample.id if self._several_sets else sample.id.partition("/")[2]
        return f"{' · '.join(word for word in (sample.split, sample.label) if word)}: {name}"

    def _is_duplicate(self, first: int, second: int) -> bool:
        return self.report.duplicates.cluster_ids[first] == self.report.duplicates.cluster_ids[second]

    def _slice_distance(self, first: int, second: int) -> float:
        one, other = self.report.match_by_sample.get(first), self.report.match_by_sample.get(second)
        if one and other and one.slice.isdigit() and other.slice.isdigit():
            return abs(int(one.slice) - int(other.slice))
        return float("inf")


def leaked_pairs(pairs: ImagePairs, leak: Leak, most: int) -> list[CaptionedImage]:
    """Leaked images beside their training images, of all classes and, within a class, of all kinds of duplicates."""
    samples, cluster_ids = pairs.report.table.samples, pairs.report.duplicates.cluster_ids
    find, show = (
        (pairs.duplicate_in_train, pairs.duplicates)
        if leak.by == "duplicate"
        else (pairs.patient_in_train, pairs.same_patient)
    )
    once = {cluster_ids[i]: i for i in reversed(leak.samples)}.values()
    chosen = {i: j for i in sorted(once) if (j := find(i)) is not None}
    mixed = interleaved(chosen, lambda i: (samples[i].label, pairs.pair_type(i, chosen[i])))
    return [show(i, chosen[i]) for i in interleaved(mixed, lambda i: samples[i].label)[:most]]


def interleaved(positions: Iterable[int], kind: Callable[[int], object]) -> list[int]:
    """Positions in an order with every kind early: the first of each kind, then the second of each, and so on."""
    seen: Counter[object] = Counter()
    ranked = []
    for place, position in enumerate(positions):
        name = kind(position)
        ranked.append((seen[name], place, position))
        seen[name] += 1
    return [position for _, _, position in sorted(ranked)]


def inverse(transform: int) -> int:
    """The inverse of a dihedral transform; flips are their own inverse."""
    return transform if transform >= 4 else -transform % 4


def transform_image(image: Image.Image, transform: int) -> Image.Image:
    """Flip or rotate a gray image of any size."""
    return Image.fromarray(np.ascontiguousarray(apply_dihedral(np.asarray(image), transform)))


def reduced_image(path: Path) -> Image.Image:
    """An image in gray, at most `LONGEST_SIDE` pixels on its longer side; a plain square if it cannot be read."""
    try:
        gray = Image.fromarray(read_scan(path).gray_slice())
    except (TumorlensError, OSError, ValueError):
        return Image.new("L", (LONGEST_SIDE, LONGEST_SIDE), _PLACEHOLDER)
    gray.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BOX)
    return gray
