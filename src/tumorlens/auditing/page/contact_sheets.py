"""findings -> pairs of images side by side, the second turned so that both look alike."""

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
from tumorlens.errors import TumorlensError
from tumorlens.report import CaptionedImage, side_by_side
from tumorlens.scan import read_scan
from tumorlens.scan.dihedral import DIHEDRAL_NAMES

LONGEST = 192
"""Pixels on the longer side of an image in the report."""

WORDS: dict[DuplicateKind, str] = {"bytes": "the same file", "pixels": "the same pixels", "near": "a near copy"}
_MISSING = 84  # the gray of what stands where an image cannot be read


class Kinship:
    """How the images of a report are related, and the images that show it.

    Args:
        found: the report.
    """

    def __init__(self, found: AuditReport) -> None:
        self.found = found
        self.patients = patients_of(found.table, found.source_matches)
        self._several = len({sample.dataset for sample in found.table.samples}) > 1
        self._links: dict[int, dict[int, DuplicatePair]] = defaultdict(dict)
        for pair in found.duplicates.pairs:
            self._links[pair.first][pair.second] = pair
            self._links[pair.second][pair.first] = pair
        self._trained: dict[object, list[int]] = defaultdict(list)  # positions in train by cluster and by patient
        for i, sample in enumerate(found.table.samples):
            if sample.split == "train":
                self._trained[found.duplicates.cluster_ids[i]].append(i)
                if patient := self.patients[i]:
                    self._trained[patient].append(i)

    def kind(self, first: int, second: int) -> DuplicateKind:
        """How near two copies are."""
        one, other = self.found.image_records[first], self.found.image_records[second]
        if one.file_hash == other.file_hash:
            return "bytes"
        return "pixels" if one.pixel_hash and one.pixel_hash == other.pixel_hash else "near"

    def copy_in_train(self, position: int) -> int | None:
        """The training image that is nearest to being the same file; None where no copy is in train."""
        copies = self._trained.get(self.found.duplicates.cluster_ids[position], [])
        linked = self._links.get(position, {})
        order = {"bytes": 0, "pixels": 1, "near": 2}
        return min(copies, key=lambda i: (order[self.kind(position, i)], i not in linked, i), default=None)

    def patient_in_train(self, position: int) -> int | None:
        """A training image of the same patient: no copy if there is one, and of the nearest slice."""
        others = self._trained.get(self.patients[position] or "", [])
        return min(others, key=lambda i: (self._is_copy(position, i), self._distance(position, i), i), default=None)

    def relation(self, first: int, second: int) -> tuple[int, float]:
        """Which turn makes the second copy look like the first, and how alike they then are."""
        pair = self._links.get(first, {}).get(second)
        if pair:
            return (pair.transform if pair.first == first else inverse(pair.transform)), pair.similarity
        one, other = (self.found.image_records[i].thumbnails for i in (first, second))
        if self.kind(first, second) != "near" or one is None or other is None:
            return 0, 1.0
        laid = np.concatenate([transformed(other, turn) for turn in range(len(DIHEDRAL_NAMES))])
        score = (
            alignment_scores(np.tile(one, (len(DIHEDRAL_NAMES), 1, 1)), laid, enough=DUPLICATE_SCORE)
            .reshape(len(DIHEDRAL_NAMES), -1)
            .max(axis=1)
        )
        return int(score.argmax()), float(score.max())

    def likeness(self, first: int, second: int) -> tuple[DuplicateKind, int | None]:
        """What sort of pair two images are: kind and turn, as far as it is known without a closer look."""
        pair = self._links.get(first, {}).get(second)
        return self.kind(first, second), pair.transform if pair else None

    def copies(self, first: int, second: int, words: str = "") -> CaptionedImage:
        """Two copies side by side."""
        turn, similarity = self.relation(first, second)
        kind = self.kind(first, second)
        how = WORDS[kind]
        if kind == "near":
            how += f", similarity {similarity:.3f}" if similarity < 0.9995 else ", similarity above 0.999"
        if turn:
            how += f"; right one shown {DIHEDRAL_NAMES[turn]}"
        return self._pair(first, second, turn, how + (f"\n{words}" if words else ""))

    def patient(self, first: int, second: int) -> CaptionedImage:
        """Two images of one patient side by side, laid alike where both were traced to the same source."""
        one, other = self.found.match_by_sample.get(first), self.found.match_by_sample.get(second)
        laid: tuple[int, ...] = ()
        how = f"patient {self.patients[first]}"
        if one and other and one.reference == other.reference:
            laid = (inverse(other.transform), one.transform)
            how += f"; slices {one.slice} and {other.slice} of {one.reference}"
        return self._pair(first, second, laid, how)

    def single(self, position: int, words: str = "") -> CaptionedImage:
        """One image with its name and label."""
        caption = self._name(position) + (f"\n{words}" if words else "")
        return CaptionedImage(small(self.found.image_records[position].path), caption, caption.replace("\n", ", "))

    def cluster(self, members: Sequence[int], most: int) -> list[CaptionedImage]:
        """Some copies of one image, of every set, part and class where they fit, each turned like the first."""
        samples = self.found.table.samples
        members = spread(members, lambda i: (samples[i].dataset, samples[i].split, samples[i].label))
        shown = [self.single(members[0])]
        for i in members[1:most]:
            turn, _ = self.relation(members[0], i)
            words = WORDS[self.kind(members[0], i)] + (f"; shown {DIHEDRAL_NAMES[turn]}" if turn else "")
            image = turn_image(small(self.found.image_records[i].path), turn)
            caption = f"{self._name(i)}\n{words}"
            shown.append(CaptionedImage(image, caption, caption.replace("\n", ", ")))
        return shown

    def _pair(self, first: int, second: int, turns: int | tuple[int, ...], how: str) -> CaptionedImage:
        left, right = (small(self.found.image_records[i].path) for i in (first, second))
        for turn in (turns,) if isinstance(turns, int) else turns:
            right = turn_image(right, turn)
        names = [self._name(first), self._name(second)]
        caption = f"{names[0]}\n{names[1]}\n{how}"
        return CaptionedImage(side_by_side([left, right]), caption, f"{names[0]}; beside it {names[1]}: {how}")

    def _name(self, position: int) -> str:
        sample = self.found.table.samples[position]
        name = sample.id if self._several else sample.id.partition("/")[2]
        return f"{' · '.join(word for word in (sample.split, sample.label) if word)}: {name}"

    def _is_copy(self, first: int, second: int) -> bool:
        return self.found.duplicates.cluster_ids[first] == self.found.duplicates.cluster_ids[second]

    def _distance(self, first: int, second: int) -> float:
        one, other = self.found.match_by_sample.get(first), self.found.match_by_sample.get(second)
        if one and other and one.slice.isdigit() and other.slice.isdigit():
            return abs(int(one.slice) - int(other.slice))
        return float("inf")


def leaked_pairs(kinship: Kinship, leak: Leak, most: int) -> list[CaptionedImage]:
    """Leaked images beside what train knows of them, spread over classes, and in these over kinds of copies."""
    samples, cluster = kinship.found.table.samples, kinship.found.duplicates.cluster_ids
    find, draw = (
        (kinship.copy_in_train, kinship.copies)
        if leak.by == "duplicate"
        else (kinship.patient_in_train, kinship.patient)
    )
    once = {cluster[i]: i for i in reversed(leak.samples)}.values()
    chosen = {i: j for i in sorted(once) if (j := find(i)) is not None}
    mixed = spread(chosen, lambda i: (samples[i].label, kinship.likeness(i, chosen[i])))
    return [draw(i, chosen[i]) for i in spread(mixed, lambda i: samples[i].label)[:most]]


def spread(positions: Iterable[int], kind: Callable[[int], object]) -> list[int]:
    """Positions in an order in which every kind comes early: one of each in turn, then the next of each."""
    seen: Counter[object] = Counter()
    ranked = []
    for place, position in enumerate(positions):
        name = kind(position)
        ranked.append((seen[name], place, position))
        seen[name] += 1
    return [position for _, _, position in sorted(ranked)]


def inverse(turn: int) -> int:
    """The turn that undoes a turn; flips undo themselves."""
    return turn if turn >= 4 else -turn % 4


def turn_image(image: Image.Image, turn: int) -> Image.Image:
    """One of the eight flips and turns of an image of any size."""
    pixels = np.rot90(np.asarray(image), turn % 4)
    return Image.fromarray(np.ascontiguousarray(np.swapaxes(pixels, 0, 1) if turn >= 4 else pixels))


def small(path: Path) -> Image.Image:
    """An image in gray, at most `LONGEST` pixels on its longer side; a plain square where it cannot be read."""
    try:
        gray = Image.fromarray(read_scan(path).gray_slice())
    except (TumorlensError, OSError, ValueError):
        return Image.new("L", (LONGEST, LONGEST), _MISSING)
    gray.thumbnail((LONGEST, LONGEST), Image.Resampling.BOX)
    return gray
