"""The type of the arrow from folders to tables: samples with label, mask, patient and split."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from tumorlens.errors import DataError, SplitError

SPLITS = ("train", "val", "test")
DUPLICATES_PREFIX = "copies:"
"""Prefix of the group of near-duplicates of unknown patients; the id of the first one follows."""

SplitLevel = Literal["patient", "image", "image_ignoring_patients"]


@dataclass(frozen=True)
class Sample:
    """One image of a data set.

    Attributes:
        id: the same on every machine, ``"<set>/<path inside the set>"``.
        image: the image file.
        label: class name, one of the table's `classes`.
        mask: the file of the reference mask (may be `image` itself, as in .mat files), or None; see
            `tumorlens.datasets.reference_masks`.
        group: the patient, ``"<set>:<patient>"``, or ``"copies:<id of the first>"`` for near-duplicates of unknown
            patients; None where neither is known. Samples of one group are never in two subsets of a split.
        split: ``"train"``, ``"val"``, ``"test"``, or None where none was made.
    """

    id: str
    image: Path
    label: str
    mask: Path | None = None
    group: str | None = None
    split: str | None = None

    @property
    def dataset(self) -> str:
        """The name of the sample's data set."""
        return self.id.split("/", 1)[0]

    @property
    def patient(self) -> str | None:
        """The patient; None where unknown."""
        return None if self.group is None or self.group.startswith(DUPLICATES_PREFIX) else self.group

    @property
    def unit(self) -> str:
        """The sampling unit, split and resampled as one: the patient, or the image where none is known."""
        return self.group or self.id


@dataclass(frozen=True)
class SplitPlan:
    """How a table was split; every result records it.

    Attributes:
        by: ``"patient"``: no patient is in two subsets (an image without patient counts by itself);
            ``"image"``: no patient is known, so the split is image-level; ``"image_ignoring_patients"``: patients
            are known, and the split is image-level on request.
        source: ``"folds"``: cross-validation folds; ``"given"``: train and test of the data set itself;
            ``"whole"``: no test subset; ``"file"``: read from a table that was made by hand.
        seed: of the shuffle.
        folds: number of folds; None where there are none.
        fold: the fold that is the test subset; None likewise.
        val: share of the other samples that became the validation subset; 0 where it was given, or none made.
    """

    by: SplitLevel
    source: Literal["folds", "given", "whole", "file"]
    seed: int = 0
    folds: int | None = None
    fold: int | None = None
    val: float = 0.0

    @property
    def level(self) -> str:
        """`by` in words."""
        return self.by.replace("_", " ")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Table:
    """Samples and classes, in a fixed order.

    Attributes:
        name: for example ``"figshare+no_tumor"``.
        samples: at least one; sorted by id.
        classes: output i of a network belongs to ``classes[i]``.
        notes: facts that every result must repeat, for example that no patient ids exist.
        plan: how the samples were split; then every sample has a split. None where the origin of the splits is
            not known.
    """

    name: str
    samples: tuple[Sample, ...]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    plan: SplitPlan | None = None

    def __post_init__(self) -> None:
        if not self.samples:
            raise DataError(found=f"{self.name}: no images found", expected="at least one")
        unknown = sorted({s.label for s in self.samples} - set(self.classes))
        if unknown:
            raise DataError(
                found=f"{self.name}: labels {unknown} found", expected=f"only the classes {list(self.classes)}"
            )
        twice = [name for name, n in Counter(s.id for s in self.samples).items() if n > 1]
        if twice:
            raise DataError(
                found=f"{self.name}: {len(twice)} ids occur more than once, the first is {twice[0]}",
                expected="each id once",
            )
        without = [s.id for s in self.samples if s.split is None]
        if self.plan and without:
            raise SplitError(
                found=f"{self.name}: {len(without)} of {len(self.samples)} samples are in no split, "
                f"the first is {without[0]}",
                expected="train, val or test for each",
                advice="give them one, or make folds (--folds)",
            )
        object.__setattr__(self, "samples", tuple(sorted(self.samples, key=lambda s: s.id)))

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def labels(self) -> list[int]:
        """Class index of every sample."""
        index = {name: i for i, name in enumerate(self.classes)}
        return [index[s.label] for s in self.samples]

    @property
    def has_patients(self) -> bool:
        """True where the patient of every sample is known."""
        return all(s.patient is not None for s in self.samples)

    @property
    def split_hash(self) -> str:
        """SHA-256 of classes, ids, labels, groups and splits: equal splits have equal hashes."""
        rows = [[s.id, s.label, s.group, s.split] for s in self.samples]
        return sha256(json.dumps([self.classes, rows]).encode()).hexdigest()

    def where(self, keep: Callable[[Sample], bool]) -> Table:
        """The samples for which `keep` is true, with the same classes.

        Raises:
            DataError: none is left.
        """
        return replace(self, samples=tuple(s for s in self.samples if keep(s)))

    def subset(self, split: str) -> Table:
        """The samples of one subset: ``"train"``, ``"val"`` or ``"test"``.

        Raises:
            DataError: the subset is empty.
        """
        rows = tuple(s for s in self.samples if s.split == split)
        if not rows:
            raise DataError(
                found=f"{self.name}: no image is in subset '{split}'",
                expected="at least one",
                advice="make a split with: tumorlens data split",
            )
        return replace(self, samples=rows)


def pool(tables: Iterable[Table]) -> Table:
    """Pool several tables into one. Classes keep the order of the tables.

    The samples keep their splits. Where the tables do not share one split plan, the pooled table has none and must be
    split anew (`split_folds`) or checked (`split_given`).

    Raises:
        DataError: no table was given, or two of one name.
    """
    pooled = list(tables)
    if not pooled:
        raise DataError(found="no data set given", advice="name at least one folder or table")
    if len(pooled) == 1:
        return pooled[0]
    names = [table.name for table in pooled]
    if len(set(names)) < len(names):
        raise DataError(
            found=f"two data sets of one name in {names}",
            expected="each name once, since ids and patients start with it",
            advice="if they are different sets, rename a folder or a table file",
        )
    return Table(
        name="+".join(names),
        samples=tuple(s for table in pooled for s in table.samples),
        classes=tuple(dict.fromkeys(name for table in pooled for name in table.classes)),
        notes=tuple(dict.fromkeys(note for table in pooled for note in table.notes)),
        plan=pooled[0].plan if all(table.plan == pooled[0].plan for table in pooled) else None,
    )


def check_groups(table: Table) -> None:
    """Check that no patient is in two subsets, unless the split ignores patients on purpose.

    Raises:
        SplitError: a patient is in two subsets; names the first.
    """
    if table.plan and table.plan.by == "image_ignoring_patients":
        return
    subsets: dict[str, str] = {}
    for sample in table.samples:
        if sample.group is None or sample.split is None:
            continue
        first = subsets.setdefault(sample.group, sample.split)
        if first != sample.split:
            raise SplitError(
                found=f"{table.name}: patient {sample.group} is in '{first}' and in '{sample.split}' ({sample.id})",
                expected="each patient in one subset",
                advice="make a new split with: tumorlens data split",
            )
