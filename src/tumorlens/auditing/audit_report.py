"""findings -> AuditReport: the verdict, and all of it as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tumorlens.auditing.duplicates.image_records import ImageRecord
from tumorlens.auditing.issues import (
    DuplicateGroup,
    IntegrityIssue,
    LabelConflict,
    Leak,
    NearestNeighborAccuracy,
    Shortcut,
    SourceMatch,
)
from tumorlens.auditing.cleaning import clean, remarks, safe_split
from tumorlens.datasets import SPLITS, Table


@dataclass(frozen=True, eq=False)
class AuditReport:
    """What an audit found. Findings name samples by their position in `table.samples`.

    Attributes:
        table: what was audited.
        image_records: one for each sample.
        duplicates: the copies.
        source_matches: images recognized as slices of a known set; at most one a sample.
        keys: for each sample the unit that no split may tear apart: its patient, stated or recovered,
            joined with the patients of its copies.
        leaks: of every part that has a train part beside it; also where nothing leaks.
        label_conflicts: contradicting labels.
        damage: what is wrong with files, masks and annotations.
        shortcuts: what can be told without anatomy; empty where it was not measured.
        neighbors: accuracy of looking up the most similar training image.
        notes: what was not looked at, and why.
    """

    table: Table
    image_records: tuple[ImageRecord, ...]
    duplicates: DuplicateGroup
    source_matches: tuple[SourceMatch, ...]
    keys: tuple[str, ...]
    leaks: tuple[Leak, ...]
    label_conflicts: tuple[LabelConflict, ...]
    damage: tuple[IntegrityIssue, ...]
    shortcuts: tuple[Shortcut, ...]
    neighbors: tuple[NearestNeighborAccuracy, ...]
    notes: tuple[str, ...]

    @property
    def leaking(self) -> bool:
        """Whether an image outside of train is known from train, by a copy or by its patient."""
        return any(leak.samples for leak in self.leaks)

    @cached_property
    def traced(self) -> dict[int, SourceMatch]:
        """The trace of a sample, by position."""
        return {trace.sample: trace for trace in self.source_matches}

    @property
    def parts(self) -> dict[str, int]:
        """Number of samples in each split that there is."""
        counts = {part: sum(s.split == part for s in self.table.samples) for part in SPLITS}
        return {part: n for part, n in counts.items() if n}

    @property
    def verdict(self) -> str:
        """The whole audit in one or two sentences."""
        for leak in sorted(self.leaks, key=lambda leak: leak.part):  # test before val
            if leak.samples:
                what = "report results on this split" if leak.part == "test" else "choose a model by this val part"
                how = "have a copy in train" if leak.by == "duplicate" else "show a patient who is also in train"
                return (
                    f"Do not {what}: {len(leak.samples):,} of {leak.rate.n:,} {leak.part} images {how}, "
                    f"{leak.rate.percent()}."
                )
        split = len(self.parts) > 1
        if bad := [damage for damage in self.damage if damage.level == "danger"]:
            return f"{'No leak, but not' if split else 'Not'} ready to train on: {bad[0].what}"
        copies = len(self.table) - self.duplicates.distinct
        if copies or self.label_conflicts:
            return (
                f"{'No leak between the parts, but ' if split else ''}{copies:,} of {len(self.table):,} files are "
                f"copies of others and {len(self.label_conflicts):,} labels are contradicted; split by the audit's groups "
                "(--write-split)."
            )
        if not split:
            return f"Nothing found among {len(self.table):,} images that makes a result worthless; make a split next."
        return f"No leak found: no image outside of train among {len(self.table):,} has a copy or its patient in it."

    def split(self, *, folds: int = 5, fold: int = 0, val: float = 0.1, seed: int = 0) -> Table:
        """A split of what is left without copies and contradicted labels, by group, stratified by class.

        Raises:
            SplitError: an argument out of range, or a class with too few groups.
        """
        return safe_split(self, folds=folds, fold=fold, val=val, seed=seed)

    def clean(self) -> Table:
        """The table without copies and without files that cannot be used, in groups.

        Raises:
            DataError: nothing is left.
        """
        return clean(self)

    def remarks(self) -> dict[str, str]:
        """What must be known of every image whose label, or that of a copy, is contradicted, by id."""
        return remarks(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; samples by their ids."""
        ids = [sample.id for sample in self.table.samples]
        return {
            "verdict": self.verdict,
            "leaking": self.leaking,
            "data": self.table.name,
            "images": len(self.table),
            "parts": self.parts,
            "classes": list(self.table.classes),
            "distinct_images": self.duplicates.distinct,
            "duplicates": self.duplicates.to_dict(ids),
            "source_matches": [trace.to_dict(ids) for trace in self.source_matches],
            "leaks": [leak.to_dict(ids) for leak in self.leaks],
            "label_conflicts": [conflict.to_dict(ids) for conflict in self.label_conflicts],
            "damage": [damage.to_dict() for damage in self.damage],
            "shortcuts": [shortcut.to_dict() for shortcut in self.shortcuts],
            "nearest_neighbor": [neighbor.to_dict() for neighbor in self.neighbors],
            "notes": list(self.notes),
        }
