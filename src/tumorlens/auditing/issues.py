"""The types of the audit's findings: plain, by position in the table, with the evidence for each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tumorlens.scan.dihedral import DIHEDRAL_NAMES
from tumorlens.stats import Estimate

DuplicateKind = Literal["bytes", "pixels", "near"]
DUPLICATE_KINDS: dict[DuplicateKind, str] = {"bytes": "byte-identical", "pixels": "pixel-identical", "near": "near copies"}


@dataclass(frozen=True)
class DuplicatePair:
    """Two images that are copies of one another.

    Attributes:
        first: position in the table.
        second: likewise, larger.
        kind: ``"bytes"``: the files are equal; ``"pixels"``: the gray values are; ``"near"``: the
            images are, after re-encoding, resizing, brightening, flipping, turning or framing.
        turn: which of `DIHEDRAL_NAMES` makes the second look like the first.
        similarity: 1 for equal images; for near copies the score of the confirming stage.
    """

    first: int
    second: int
    kind: DuplicateKind
    turn: int
    similarity: float

    def to_dict(self, ids: Sequence[str]) -> dict[str, Any]:
        """Plain data for JSON; `ids` are those of the table's samples, in order."""
        return {
            "first": ids[self.first],
            "second": ids[self.second],
            "kind": self.kind,
            "turn": DIHEDRAL_NAMES[self.turn],
            "similarity": round(self.similarity, 4),
        }


@dataclass(frozen=True)
class DuplicateGroup:
    """All copies in a table.

    Attributes:
        cluster: for every sample the cluster it belongs to; samples of one cluster show one image.
        pairs: enough pairs to connect every cluster: equal files first, then equal pixels, then near copies.
    """

    cluster: tuple[int, ...]
    pairs: tuple[DuplicatePair, ...]

    @property
    def distinct(self) -> int:
        """Number of different images."""
        return len(set(self.cluster))

    @property
    def clusters(self) -> list[list[int]]:
        """Positions of every image that is there more than once, largest cluster first."""
        members = defaultdict(list)
        for position, name in enumerate(self.cluster):
            members[name].append(position)
        return sorted((m for m in members.values() if len(m) > 1), key=lambda m: (-len(m), m))

    def counts(self) -> dict[DuplicateKind, int]:
        """Pairs of each kind."""
        found = Counter(pair.kind for pair in self.pairs)
        return {kind: found[kind] for kind in DUPLICATE_KINDS}

    def to_dict(self, ids: Sequence[str]) -> dict[str, Any]:
        """Plain data for JSON; `ids` are those of the table's samples, in order."""
        return {
            "pairs": self.counts(),
            "clusters": [[ids[i] for i in cluster] for cluster in self.clusters],
            "links": [pair.to_dict(ids) for pair in self.pairs],
        }


@dataclass(frozen=True)
class SourceMatch:
    """An image that was recognized as a slice of a known set.

    Attributes:
        sample: position in the table.
        known: name of the known set.
        slice: the slice's name there.
        patient: the slice's patient there; None where the known set names none.
        label: the slice's class there.
        turn: which of `DIHEDRAL_NAMES` makes the slice look like the image.
        similarity: of the two codes, -1 to 1.
    """

    sample: int
    known: str
    slice: str
    patient: str | None
    label: str
    turn: int
    similarity: float

    def to_dict(self, ids: Sequence[str]) -> dict[str, Any]:
        """Plain data for JSON; `ids` are those of the table's samples, in order."""
        own = {"sample": ids[self.sample], "turn": DIHEDRAL_NAMES[self.turn], "similarity": round(self.similarity, 4)}
        return asdict(self) | own


@dataclass(frozen=True)
class Leak:
    """How much of one part of the data is known from training.

    Attributes:
        part: ``"val"`` or ``"test"``.
        by: ``"duplicate"``: a copy of the image is in train; ``"patient"``: an image of its patient is.
        samples: positions of the leaked images.
        rate: their share of the part (for ``"patient"``: of those whose patient is known).
        per_class: leaked and all (with known patient), by class.
    """

    part: str
    by: Literal["duplicate", "patient"]
    samples: tuple[int, ...]
    rate: Estimate
    per_class: dict[str, tuple[int, int]]

    def to_dict(self, ids: Sequence[str]) -> dict[str, Any]:
        """Plain data for JSON; `ids` are those of the table's samples, in order."""
        return {
            "part": self.part,
            "by": self.by,
            "images": len(self.samples),
            "rate": self.rate.to_dict(),
            "per_class": {name: {"leaked": n, "of": of} for name, (n, of) in self.per_class.items()},
            "samples": [ids[i] for i in self.samples],
        }


@dataclass(frozen=True)
class LabelConflict:
    """An image whose label is contradicted.

    Attributes:
        samples: positions of the image and its copies.
        labels: what they are called, one for each sample.
        known: the label of the known set's slice, where that tells who is right.
        source: the known set and slice, such as ``"figshare 1234"``; None likewise.
    """

    samples: tuple[int, ...]
    labels: tuple[str, ...]
    known: str | None = None
    source: str | None = None

    def to_dict(self, ids: Sequence[str]) -> dict[str, Any]:
        """Plain data for JSON; `ids` are those of the table's samples, in order."""
        return {
            "samples": [ids[i] for i in self.samples],
            "labels": list(self.labels),
            "known": self.known,
            "source": self.source,
        }


@dataclass(frozen=True)
class Shortcut:
    """How well the class can be told from something that is no anatomy.

    Attributes:
        name: short, such as ``"width and height"``.
        features: what the classifier saw, in words.
        accuracy: out of fold, by group, with interval.
        majority: accuracy of always answering the commonest class, on the same samples.
        balanced: balanced accuracy, out of fold; 1 / K by chance.
        confusing: the two classes it tells apart best, or "".
    """

    name: str
    features: str
    accuracy: Estimate
    majority: float
    balanced: Estimate
    confusing: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "name": self.name,
            "features": self.features,
            "accuracy": self.accuracy.to_dict(),
            "majority": self.majority,
            "balanced_accuracy": self.balanced.to_dict(),
            "confusing": self.confusing,
        }


@dataclass(frozen=True)
class NearestNeighborAccuracy:
    """Accuracy of copying the label of the most similar training image.

    Attributes:
        part: ``"val"`` or ``"test"``.
        everything: on the whole part.
        leaked: on images with a twin in train; None where there are none.
        clean: on the others; None where there are none.
    """

    part: str
    everything: Estimate
    leaked: Estimate | None
    clean: Estimate | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        figures = {"everything": self.everything, "leaked": self.leaked, "clean": self.clean}
        return {"part": self.part} | {name: value and value.to_dict() for name, value in figures.items()}


@dataclass(frozen=True)
class IntegrityIssue:
    """Something wrong with files, masks or annotations.

    Attributes:
        kind: a short name for machines, such as ``"unreadable"``.
        what: one sentence that says what it is and what to do, such as ``"3 files cannot be read; ..."``.
        level: ``"danger"`` where results would be wrong, ``"warning"`` where they may be, ``"info"`` otherwise.
        items: what it concerns, each a path with a detail, in order; may be empty for a finding about the set.
    """

    kind: str
    what: str
    level: Literal["danger", "warning", "info"]
    items: tuple[tuple[Path, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "kind": self.kind,
            "level": self.level,
            "what": self.what,
            "items": [{"path": str(path), "detail": detail} for path, detail in self.items],
        }
