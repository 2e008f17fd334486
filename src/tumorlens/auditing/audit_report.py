"""issues -> AuditReport: the verdict, and every issue as plain data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tumorlens._extras import require
from tumorlens.auditing.cleaning import clean_table, label_comments, leak_free_split
from tumorlens.auditing.duplicates.image_records import ImageRecord
from tumorlens.auditing.issues import (
    DuplicateClusters,
    IntegrityIssue,
    LabelConflict,
    Leak,
    NearestNeighborAccuracy,
    Shortcut,
    SourceMatch,
)
from tumorlens.auditing.volume_facts import VolumeFacts
from tumorlens.datasets import SPLITS, Table
from tumorlens.report import notebook_html

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

_COLUMNS = (
    "id",
    "label",
    "split",
    "group",
    "cluster",
    "duplicates",
    "reference",
    "slice",
    "patient",
    "leak",
    "label_conflict",
)

SCHEMA_VERSION = 1
"""Of audit.json. Raise it when a key changes its name or its meaning."""


@dataclass(frozen=True, eq=False)
class AuditReport:
    """The issues of a table. Issues give samples by their position in `table.samples`.

    Attributes:
        table: the audited table.
        image_records: one for each sample.
        duplicates: clusters of duplicates.
        source_matches: images that show slices of a reference set; at most one match per sample.
        groups: the group of each sample that must stay within one subset: its patient, stated or recovered,
            joined with the patients of its duplicates.
        leaks: one for each subset beside train, also where nothing leaks.
        label_conflicts: contradictory labels.
        integrity: issues of files, masks and annotations.
        shortcuts: accuracy without anatomy; empty where not measured.
        nearest_neighbor: accuracy of predicting the label of the most similar training image.
        notes: checks that were skipped, and why.
        volumes: facts of each volume; empty for a table of images.

    Example:
        >>> import tumorlens
        >>> table = tumorlens.open_table("phantoms")  # the folder has 24 synthetic images of 12 patients
        >>> report = tumorlens.audit(table, shortcuts=False)
        >>> report.verdict
        'No issue in 24 images that invalidates results; make a split next.'
        >>> report.split(folds=3)
        Table(phantom: 24 images, 12 patients, 4 classes, train 8, val 8, test 8)
    """

    table: Table
    image_records: tuple[ImageRecord, ...]
    duplicates: DuplicateClusters
    source_matches: tuple[SourceMatch, ...]
    groups: tuple[str, ...]
    leaks: tuple[Leak, ...]
    label_conflicts: tuple[LabelConflict, ...]
    integrity: tuple[IntegrityIssue, ...]
    shortcuts: tuple[Shortcut, ...]
    nearest_neighbor: tuple[NearestNeighborAccuracy, ...]
    notes: tuple[str, ...]
    volumes: tuple[VolumeFacts, ...] = ()

    def __repr__(self) -> str:
        return f"AuditReport({self._summary()})"

    def _repr_html_(self) -> str:
        facts: list[tuple[str, object]] = [
            (f"{leak.subset} images that leak from train by {leak.by}", f"{len(leak.samples):,}, {leak.rate.percent()}")
            for leak in self.leaks
        ]
        facts += [
            ("duplicates", f"{self.n_duplicates:,} of {len(self.table):,} files"),
            ("slices of known sets", f"{len(self.source_matches):,}"),
            ("label conflicts", f"{len(self.label_conflicts):,}"),
            ("integrity issues", f"{len(self.integrity):,}"),
        ]
        problems = [issue.message for issue in self.integrity if issue.level == "danger"]
        return notebook_html(self._summary(), facts, warnings=[self.verdict, *problems], note=" ".join(self.notes))

    def _summary(self) -> str:
        leaked = {position for leak in self.leaks for position in leak.samples}
        parts = [
            f"{len(self.table):,} images",
            f"{self.n_duplicates:,} duplicates",
            f"{len(leaked):,} leaked images",
            f"{len(self.label_conflicts):,} label conflicts",
        ]
        return f"{self.table.name}: {', '.join(parts)}"

    @property
    def n_duplicates(self) -> int:
        """Number of files that show the same image as an earlier one."""
        return len(self.table) - self.duplicates.n_distinct

    def to_pandas(self) -> DataFrame:
        """One row per image, in the order of the table.

        Columns: id, label, split; group (of the audit, see `groups`); cluster (equal for images that are duplicates);
        duplicates (number of other images in the cluster); reference, slice, patient (of the source match, or None);
        leak (``"duplicate"``, ``"patient"``, ``"duplicate, patient"`` or None); label_conflict (whether the label is
        contradicted).

        Raises:
            MissingExtraError: pandas is not installed; tumorlens does not install it.
        """
        pandas = require("pandas", None, "make a data frame")
        sizes = Counter(self.duplicates.cluster_ids)
        conflicts = {position for conflict in self.label_conflicts for position in conflict.samples}
        leaked = [(leak.by, set(leak.samples)) for leak in self.leaks]
        rows = []
        for position, sample in enumerate(self.table.samples):
            cluster, match = self.duplicates.cluster_ids[position], self.match_by_sample.get(position)
            leaks = ", ".join(by for by, positions in leaked if position in positions)
            source = (match.reference, match.slice, match.patient) if match else (None, None, None)
            row = (sample.id, sample.label, sample.split, self.groups[position], cluster, sizes[cluster] - 1)
            rows.append((*row, *source, leaks or None, position in conflicts))
        frame: DataFrame = pandas.DataFrame(rows, columns=list(_COLUMNS))
        return frame

    def plot(self, ax: Axes | None = None) -> Axes:
        """Plot the images of each subset and class, and how many are duplicates or leak, in matplotlib's current style.

        Args:
            ax: empty Axes to plot on; new ones in a new figure by default.

        Returns:
            The Axes, whose labels, limits and artists can be changed.
        """
        from tumorlens.auditing.audit_chart import audit_chart

        return audit_chart(self).plot(ax)

    @property
    def leaking(self) -> bool:
        """Whether a validation or test image leaks from train, by a duplicate or by its patient."""
        return any(leak.samples for leak in self.leaks)

    @cached_property
    def match_by_sample(self) -> dict[int, SourceMatch]:
        """The source match of a sample, by position."""
        return {match.sample: match for match in self.source_matches}

    @property
    def subset_sizes(self) -> dict[str, int]:
        """Number of samples in each subset, without empty ones."""
        counts = {subset: sum(s.split == subset for s in self.table.samples) for subset in SPLITS}
        return {subset: n for subset, n in counts.items() if n}

    @property
    def verdict(self) -> str:
        """The whole audit in one or two sentences."""
        for leak in sorted(self.leaks, key=lambda leak: leak.subset):  # test before val
            if leak.samples:
                what = "report results on this split" if leak.subset == "test" else "select a model on this val subset"
                how = "have a duplicate in train" if leak.by == "duplicate" else "show a patient who is also in train"
                return (
                    f"Do not {what}: {len(leak.samples):,} of {leak.rate.n:,} {leak.subset} images {how}, "
                    f"{leak.rate.percent()}."
                )
        is_split = len(self.subset_sizes) > 1
        if dangers := [issue for issue in self.integrity if issue.level == "danger"]:
            return f"{'No leak, but not' if is_split else 'Not'} ready for training: {dangers[0].message}"
        if self.n_duplicates or self.label_conflicts:
            return (
                f"{'No leak between the subsets, but ' if is_split else ''}{self.n_duplicates:,} of "
                f"{len(self.table):,} files are duplicates and {len(self.label_conflicts):,} labels are contradicted; "
                "split by the audit's groups (--write-split)."
            )
        if not is_split:
            return f"No issue in {len(self.table):,} images that invalidates results; make a split next."
        return (
            f"No leak found in {len(self.table):,} images: no validation or test image has a duplicate or its patient "
            "in train."
        )

    def split(self, *, folds: int = 5, fold: int = 0, val: float = 0.1, seed: int = 0) -> Table:
        """A split by group, stratified by class, without duplicates and without contradicted labels.

        Raises:
            SplitError: an argument out of range, or a class with too few groups.
        """
        return leak_free_split(self, folds=folds, fold=fold, val=val, seed=seed)

    def clean(self) -> Table:
        """The table with groups, without duplicates and without unusable files.

        Raises:
            DataError: nothing is left.
        """
        return clean_table(self)

    def label_comments(self) -> dict[str, str]:
        """A note on every image whose label, or the label of a duplicate, is contradicted, by id."""
        return label_comments(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; samples by their ids."""
        ids = [sample.id for sample in self.table.samples]
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict,
            "leaking": self.leaking,
            "data": self.table.name,
            "images": len(self.table),
            "subsets": self.subset_sizes,
            "classes": list(self.table.classes),
            "distinct_images": self.duplicates.n_distinct,
            "duplicates": self.duplicates.to_dict(ids),
            "source_matches": [match.to_dict(ids) for match in self.source_matches],
            "leaks": [leak.to_dict(ids) for leak in self.leaks],
            "label_conflicts": [conflict.to_dict(ids) for conflict in self.label_conflicts],
            "integrity": [issue.to_dict() for issue in self.integrity],
            "shortcuts": [shortcut.to_dict() for shortcut in self.shortcuts],
            "nearest_neighbor": [accuracy.to_dict() for accuracy in self.nearest_neighbor],
            "notes": list(self.notes),
            "data_notes": list(self.table.notes),
            "volumes": [volume.to_dict() for volume in self.volumes],
        }
