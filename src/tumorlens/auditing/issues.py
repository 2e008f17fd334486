"""Types of the audit's issues, each with its evidence; samples are given by their position in the table."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tumorlens.scan.dihedral import DIHEDRAL_NAMES
from tumorlens.stats import Estimate

DuplicateKind = Literal["bytes", "pixels", "near"]
DUPLICATE_KINDS: dict[DuplicateKind, str] = {
    "bytes": "byte-identical",
    "pixels": "pixel-identical",
    "near": "near-duplicates",
}
IssueLevel = Literal["danger", "warning", "info"]


@dataclass(frozen=True)
class DuplicatePair:
    """Two files that show the same image.

    Attributes:
        first: position in the table.
        second: position in the table, larger than `first`.
        kind: ``"bytes"``: equal files; ``"pixels"``: equal gray values; ``"near"``: equal after re-encoding,
            resizing, brightening, flipping, rotating or adding a border.
        transform: index in `DIHEDRAL_NAMES` of the flip or rotation that maps the second onto the first.
        similarity: 1 for equal images; for near-duplicates the alignment score.
    """

    first: int
    second: int
    kind: DuplicateKind
    transform: int
    similarity: float

    def to_dict(self, ids: Sequence[str]) -> dict[str, Any]:
        """Plain data for JSON; `ids` are those of the table's samples, in order."""
        return {
            "first": ids[self.first],
            "second": ids[self.second],
            "kind": self.kind,
            "transform": DIHEDRAL_NAMES[self.transform],
            "similarity": round(self.similarity, 4),
        }


@dataclass(frozen=True)
class DuplicateClusters:
    """All duplicates in a table.

    Attributes:
        cluster_ids: the cluster of every sample; samples of one cluster show the same image.
        pairs: pairs that connect every cluster: equal files first, then equal pixels, then near-duplicates.
    """

    cluster_ids: tuple[int, ...]
    pairs: tuple[DuplicatePair, ...]

    @property
    def n_distinct(self) -> int:
        """Number of distinct images."""
        return len(set(self.cluster_ids))

    @property
    def clusters(self) -> list[list[int]]:
        """Positions of the samples of every cluster with two samples or more, largest cluster first."""
        members = defaultdict(list)
        for position, cluster_id in enumerate(self.cluster_ids):
            members[cluster_id].append(position)
        return sorted((m for m in members.values() if len(m) > 1), key=lambda m: (-len(m), m))

    def pair_counts(self) -> dict[DuplicateKind, int]:
        """Number of pairs of each kind."""
        counts = Counter(pair.kind for pair in self.pairs)
        return {kind: counts[kind] for kind in DUPLICATE_KINDS}

    def to_dict(self, ids: Sequence[str]) -> dict[str, Any]:
        """Plain data for JSON; `ids` are those of the table's samples, in order."""
        return {
            "pair_counts": self.pair_counts(),
            "clusters": [[ids[i] for i in cluster] for cluster in self.clusters],
            "pairs": [pair.to_dict(ids) for pair in self.pairs],
        }


@dataclass(frozen=True)
class SourceMatch:
    """An image that shows a slice of a reference set.

    Attributes:
        sample: position in the table.
        reference: name of the reference set.
        slice: name of the slice in the reference set.
        patient: patient of the slice; None where the reference set does not state it.
        label: class of the slice in the reference set.
        transform: index in `DIHEDRAL_NAMES` of the flip or rotation that maps the slice onto the image.
        similarity: of the two hashes, -1 to 1.
    """

    sample: int
    reference: str
    slice: str
    patient: str | None
    label: str
    transform: int
    similarity: float

    def to_dict(self, ids: Sequence[str]) -> dict[str, Any]:
        """Plain data for JSON; `ids` are those of the table's samples, in order."""
        return asdict(self) | {
            "sample": ids[self.sample],
            "transform": DIHEDRAL_NAMES[self.transform],
            "similarity": round(self.similarity, 4),
        }


@dataclass(frozen=True)
class Leak:
    """How many images of a validation or test subset leak from train.

    Attributes:
        subset: ``"val"`` or ``"test"``.
        by: ``"duplicate"``: train holds a duplicate of the image; ``"patient"``: the patient is split across
            this subset and train.
        samples: positions of the leaked images.
        rate: their share of the subset (for ``"patient"``: of the images with a known patient).
        per_class: number of leaked images and of all (with a known patient), by class.
    """

    subset: str
    by: Literal["duplicate", "patient"]
    samples: tuple[int, ...]
    rate: Estimate
    per_class: dict[str, tuple[int, int]]

    def to_dict(self, ids: Sequence[str]) -> dict[str, Any]:
        """Plain data for JSON; `ids` are those of the table's samples, in order."""
        return {
            "subset": self.subset,
            "by": self.by,
            "images": len(self.samples),
            "rate": self.rate.to_dict(),
            "per_class": {name: {"leaked": n, "of": of} for name, (n, of) in self.per_class.items()},
            "samples": [ids[i] for i in self.samples],
        }


@dataclass(frozen=True)
class LabelConflict:
    """An image with contradictory labels.

    Attributes:
        samples: positions of the image and its duplicates.
        labels: the label of each sample.
        reference_label: the label in the reference set; None where no source match decides which label is right.
        source: the reference set and its slice, such as ``"figshare 1234"``; None where `reference_label` is None.
    """

    samples: tuple[int, ...]
    labels: tuple[str, ...]
    reference_label: str | None = None
    source: str | None = None

    def to_dict(self, ids: Sequence[str]) -> dict[str, Any]:
        """Plain data for JSON; `ids` are those of the table's samples, in order."""
        return {
            "samples": [ids[i] for i in self.samples],
            "labels": list(self.labels),
            "reference_label": self.reference_label,
            "source": self.source,
        }


@dataclass(frozen=True)
class Shortcut:
    """How well a classifier predicts the class from features without anatomy.

    Attributes:
        name: short, such as ``"width and height"``.
        features: the classifier's features, in words.
        accuracy: cross-validated by group, with interval.
        majority_baseline: accuracy of a classifier that always predicts the most frequent class, on the same samples.
        balanced_accuracy: cross-validated by group, with interval; chance level is 1 / K for K classes.
        best_separated: the two classes that the classifier separates best, or "".
    """

    name: str
    features: str
    accuracy: Estimate
    majority_baseline: float
    balanced_accuracy: Estimate
    best_separated: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "name": self.name,
            "features": self.features,
            "accuracy": self.accuracy.to_dict(),
            "majority_baseline": self.majority_baseline,
            "balanced_accuracy": self.balanced_accuracy.to_dict(),
            "best_separated": self.best_separated,
        }


@dataclass(frozen=True)
class NearestNeighborAccuracy:
    """Accuracy of predicting the label of the most similar training image.

    Attributes:
        subset: ``"val"`` or ``"test"``.
        overall: on the whole subset.
        leaked: on images with a duplicate in train; None where there are none.
        clean: on the other images; None where there are none.
    """

    subset: str
    overall: Estimate
    leaked: Estimate | None
    clean: Estimate | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        estimates = {"overall": self.overall, "leaked": self.leaked, "clean": self.clean}
        return {"subset": self.subset} | {name: value and value.to_dict() for name, value in estimates.items()}


@dataclass(frozen=True)
class IntegrityIssue:
    """An integrity issue of files, masks or annotations.

    Attributes:
        kind: a short name for programs, such as ``"unreadable"``.
        message: one sentence: the issue and its fix, such as ``"3 files cannot be read; ..."``.
        level: ``"danger"`` where results are wrong, ``"warning"`` where they may be wrong, ``"info"`` otherwise.
        items: the paths concerned, each with a detail, in order; may be empty for an issue of the whole set.
    """

    kind: str
    message: str
    level: IssueLevel
    items: tuple[tuple[Path, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "kind": self.kind,
            "level": self.level,
            "message": self.message,
            "items": [{"path": str(path), "detail": detail} for path, detail in self.items],
        }
