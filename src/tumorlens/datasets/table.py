"""The type of the arrow from folders to tables: samples with label, mask, patient and split."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from tumorlens._extras import require
from tumorlens.datasets.slice_origin import COLUMNS as ORIGIN_COLUMNS
from tumorlens.datasets.slice_origin import AcquisitionFacts, SliceOrigin, cells, from_cells
from tumorlens.errors import DataError, SplitError
from tumorlens.report import notebook_html
from tumorlens.scan.slice_location import file_of

if TYPE_CHECKING:
    from pandas import DataFrame

SPLITS = ("train", "val", "test")
DUPLICATES_PREFIX = "copies:"
"""Prefix of the group of near-duplicates of unknown patients; the id of the first one follows."""
VOLUME_PREFIX = "volume:"
"""Prefix of the group of the slices of one volume of an unknown patient; the id of the volume follows."""

_COLUMNS = ("id", "image", "label", "mask", "group", "split")

SplitLevel = Literal["patient", "image", "image_ignoring_patients"]


@dataclass(frozen=True)
class Sample:
    """One image of a data set.

    Attributes:
        id: the same on every machine, ``"<set>/<path inside the set>"``.
        image: the image file; of a slice in a volume its path there, see `tumorlens.scan.slice_location`.
        label: class name, one of the table's `classes`.
        mask: the file of the reference mask (may be `image` itself, as in .mat files), or None; see
            `tumorlens.datasets.reference_masks`.
        group: the patient, ``"<set>:<patient>"``, or ``"copies:<id of the first>"`` for near-duplicates of unknown
            patients, or ``"volume:<id of the volume>"``; None where none is known. Samples of one group are never in
            two subsets of a split.
        split: ``"train"``, ``"val"``, ``"test"``, or None where none was made.
        origin: of a slice of a volume: its volume and its place there; None for an image.
        acquisition: plane, sequence, contrast and whether the skull was stripped; None where nothing is known.

    Example:
        >>> import tumorlens
        >>> sample = tumorlens.open_table("phantoms")[0]  # the folder has 24 synthetic images of 12 patients
        >>> sample
        Sample(phantom/images/phantom0000000_00.png, glioma, mask, group phantom:phantom0000000)
        >>> sample.image.name, sample.mask.is_file(), sample.split
        ('phantom0000000_00.png', True, None)
    """

    id: str
    image: Path
    label: str
    mask: Path | None = None
    group: str | None = None
    split: str | None = None
    origin: SliceOrigin | None = None
    acquisition: AcquisitionFacts | None = None

    def __repr__(self) -> str:
        parts = [self.id, self.label, "mask" if self.mask else "no mask"]
        parts += [f"group {self.group}"] * bool(self.group) + [str(self.split)] * bool(self.split)
        return f"Sample({', '.join(parts)})"

    @property
    def dataset(self) -> str:
        """The name of the sample's data set."""
        return self.id.split("/", 1)[0]

    @property
    def patient(self) -> str | None:
        """The patient; None where unknown."""
        unknown = self.group is None or self.group.startswith((DUPLICATES_PREFIX, VOLUME_PREFIX))
        return None if unknown else self.group

    @property
    def volume(self) -> str | None:
        """The id of the volume that it is a slice of; None for an image."""
        return self.origin.volume if self.origin else None

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
    """Samples and classes, in a fixed order: a sequence of `Sample`.

    Example:
        >>> from pathlib import Path
        >>> from tumorlens import Sample, Table
        >>> table = Table("two", (Sample("two/a", Path("a.png"), "glioma"), Sample("two/b", Path("b.png"), "no_tumor")),
        ...               ("glioma", "no_tumor"))
        >>> table
        Table(two: 2 images, patients unknown, 2 classes, no split)
        >>> table["two/b"].label, table[0].label, len(table[1:]), [sample.label for sample in table]
        ('no_tumor', 'glioma', 1, ['glioma', 'no_tumor'])

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

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    @overload
    def __getitem__(self, key: int | str) -> Sample: ...

    @overload
    def __getitem__(self, key: slice) -> Table: ...

    def __getitem__(self, key: int | str | slice) -> Sample | Table:
        """A sample by its position or its id; a smaller table by a slice.

        Raises:
            IndexError: no sample has this position.
            KeyError: no sample has this id.
            DataError: the slice is empty.
        """
        if isinstance(key, slice):
            return replace(self, samples=self.samples[key])
        if isinstance(key, str):
            for sample in self.samples:
                if sample.id == key:
                    return sample
            raise KeyError(f"{self.name}: no sample has the id {key!r}; ids look like {self.samples[0].id!r}")
        return self.samples[key]

    def __repr__(self) -> str:
        return f"Table({self._summary()})"

    def _repr_html_(self) -> str:
        counts = Counter((s.label, s.split) for s in self.samples)
        splits = [split for split in SPLITS if any(s.split == split for s in self.samples)]
        facts = []
        for name in self.classes:
            parts = [f"{split} {counts[name, split]:,}" for split in splits]
            total = sum(n for (label, _), n in counts.items() if label == name)
            facts.append((name, f"{total:,}" + f" ({', '.join(parts)})" * bool(parts)))
        facts.append(("with mask", f"{sum(s.mask is not None for s in self.samples):,}"))
        return notebook_html(self._summary(), facts, warnings=self.notes)

    def _summary(self) -> str:
        patients = len({s.patient for s in self.samples if s.patient})
        sizes = Counter(s.split for s in self.samples)
        subsets = ", ".join(f"{split} {sizes[split]:,}" for split in SPLITS if sizes[split])
        volumes = len({s.volume for s in self.samples if s.volume})
        parts = [
            f"{len(self):,} image{'s' * (len(self) > 1)}",
            *([f"{volumes:,} volume{'s' * (volumes > 1)}"] if volumes else []),
            f"{patients:,} patient{'s' * (patients > 1)}" if patients else "patients unknown",
            f"{len(self.classes)} class{'es' * (len(self.classes) > 1)}",
            subsets or "no split",
        ]
        return f"{self.name}: {', '.join(parts)}"

    def to_pandas(self) -> DataFrame:
        """One row per sample, in the order of `samples`: id, image, label, mask, group, split; paths as text.

        The attributes of `SliceOrigin` and `AcquisitionFacts` follow as columns, as text, where some are known.
        What is not known is None.
        The other facts of the table are in ``frame.attrs``: name, classes, notes and plan.

        Raises:
            MissingExtraError: pandas is not installed; tumorlens does not install it.
        """
        pandas = require("pandas", None, "make a data frame")
        origins = ORIGIN_COLUMNS if self.has_origins else ()
        rows = [
            [s.id, str(s.image), s.label, s.mask and str(s.mask), s.group, s.split]
            + ([cell or None for cell in cells(s.origin, s.acquisition)] if origins else [])
            for s in self.samples
        ]
        columns = [*_COLUMNS, *origins]
        frame: DataFrame = pandas.DataFrame(rows, columns=columns, dtype=object)
        plan = self.plan.to_dict() if self.plan else None
        frame.attrs = {"name": self.name, "classes": list(self.classes), "notes": list(self.notes), "plan": plan}
        return frame

    @classmethod
    def from_pandas(cls, frame: DataFrame, *, name: str | None = None, classes: Iterable[str] | None = None) -> Table:
        """A table from a data frame: one of `to_pandas`, perhaps with fewer rows, or one that was made by hand.

        Args:
            frame: one row per image. The columns image (a path) and label are needed; id, mask, group (the patient),
                split and those of `SliceOrigin` and `AcquisitionFacts` may follow. A missing value (None, NaN) means
                unknown. Another column is an error, since a patient under another name would be lost. Without a column
                id, ids and groups get the table's name.
            name: of the table; ``frame.attrs["name"]`` by default, or ``"frame"``.
            classes: class names in output order; ``frame.attrs["classes"]`` by default, or the labels, sorted.

        Raises:
            DataError: a column is missing or unknown, or an image or a mask does not exist; names the row.
            SplitError: a split is none of train, val and test, is missing in some rows, or divides a patient.
        """
        columns = [str(column) for column in frame.columns]
        if missing := [column for column in ("image", "label") if column not in columns]:
            raise DataError(found=f"data frame without column {missing[0]}", expected=f"columns among {list(_COLUMNS)}")
        if unknown := [column for column in columns if column not in (*_COLUMNS, *ORIGIN_COLUMNS)]:
            raise DataError(
                found=f"data frame with an unknown column '{unknown[0]}'",
                expected=f"columns among {list(_COLUMNS)}",
                advice="rename it (the patient is called group), or drop it",
            )
        chosen = name or str(frame.attrs.get("name", "frame"))
        samples = [_sample_of(chosen, dict(zip(columns, row, strict=True))) for row in frame.itertuples(index=False)]
        labels = sorted({s.label for s in samples})
        unknown_patients = sum(s.group is None for s in samples)
        note = f"{chosen}: {unknown_patients} of {len(samples)} images name no patient; each counts as its own"
        notes = tuple(map(str, frame.attrs.get("notes", [note] if unknown_patients else [])))
        plan = SplitPlan(**frame.attrs["plan"]) if frame.attrs.get("plan") else None
        if plan is None and any(s.split for s in samples):
            plan = SplitPlan("patient" if any(s.group for s in samples) else "image", "file")
        table = cls(chosen, tuple(samples), tuple(classes or frame.attrs.get("classes", labels)), notes, plan)
        check_groups(table)
        return table

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

    @property
    def has_volumes(self) -> bool:
        """True where some samples are slices of volumes."""
        return any(s.origin for s in self.samples)

    @property
    def has_origins(self) -> bool:
        """True where some samples are slices of volumes, or have a known acquisition."""
        return any(s.origin or s.acquisition for s in self.samples)

    @property
    def volumes(self) -> dict[str, tuple[Sample, ...]]:
        """The slices of each volume, by plane and by their index; images are left out."""
        slices: dict[str, list[Sample]] = {}
        for sample in self.samples:
            if sample.origin:
                slices.setdefault(sample.origin.volume, []).append(sample)
        return {name: tuple(sorted(slices[name], key=_place)) for name in slices}

    def filter(self, keep: Callable[[Sample], bool]) -> Table:
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


def _place(sample: Sample) -> tuple[str, int]:
    return (sample.origin.plane, sample.origin.slice_index) if sample.origin else ("", 0)


def _sample_of(name: str, row: dict[str, Any]) -> Sample:
    """The sample of one row of a data frame."""
    known = {key: str(value) for key, value in row.items() if not (value is None or value != value)}  # NaN != NaN
    if missing := [key for key in ("image", "label") if not known.get(key)]:
        raise DataError(found=f"{name}: a row without {missing[0]}: {row}", expected="an image and a label in each row")
    if absent := [known[key] for key in ("image", "mask") if key in known and not file_of(Path(known[key])).is_file()]:
        raise DataError(file=absent[0], found=f"does not exist, in a row of {name}", expected="an existing file")
    split, group = known.get("split"), known.get("group")
    if split not in (None, *SPLITS):
        raise SplitError(found=f"{name}: split '{split}' of {known['image']}", expected="train, val or test")
    origin, acquisition = from_cells(known)
    return Sample(
        id=known.get("id", f"{name}/{known['image']}"),
        image=Path(known["image"]),
        label=known["label"],
        mask=Path(known["mask"]) if "mask" in known else None,
        group=f"{name}:{group}" if group and "id" not in known else group,
        split=split,
        origin=origin,
        acquisition=acquisition,
    )


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
