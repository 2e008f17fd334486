"""The type of the second arrow: a table of samples, each with its label, mask, patient and split."""

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
"""How the group of an image of unknown patient begins that has copies; the first one's id follows."""

SplitLevel = Literal["patient", "image", "image, patients ignored"]


@dataclass(frozen=True)
class Sample:
    """One image of a data set.

    Attributes:
        id: a name that is the same on every machine, ``"<set>/<path inside the set>"``.
        image: the file that holds the image.
        label: class name, one of the table's `classes`.
        mask: the file that holds the tumor mask (may be `image` itself, as in .mat files), or None.
        group: the patient, ``"<set>:<patient>"``, or, where copies of unknown patients were found,
            ``"copies:<id of the first>"``; None where neither is known. Samples of one group never
            fall on two sides of a split.
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
        """The name of the set the sample came from."""
        return self.id.split("/", 1)[0]

    @property
    def patient(self) -> str | None:
        """The patient, where one is known."""
        return None if self.group is None or self.group.startswith(DUPLICATES_PREFIX) else self.group

    @property
    def unit(self) -> str:
        """What is resampled and split as one: the patient, or the image where none is known."""
        return self.group or self.id


@dataclass(frozen=True)
class SplitPlan:
    """How a table's split column came about, as every result repeats it.

    Attributes:
        by: ``"patient"``: no patient is on two sides (images without one count each for itself);
            ``"image"``: no patient is known, so images were divided; ``"image, patients ignored"``:
            known patients were torn apart on request.
        source: ``"folds"``: made here; ``"given"``: train and test as the data set brings them;
            ``"whole"``: nothing held out as test; ``"file"``: read from a table somebody else made.
        seed: of the shuffle.
        folds: number of folds; None where there are none.
        fold: the one held out as test; None likewise.
        val: share of the remaining samples that became val here; 0 where val was given, or none made.
    """

    by: SplitLevel
    source: Literal["folds", "given", "whole", "file"]
    seed: int = 0
    folds: int | None = None
    fold: int | None = None
    val: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Table:
    """Samples and the classes they are counted in, in a fixed order.

    Attributes:
        name: how results call it, for example ``"figshare+no_tumor"``.
        samples: at least one; they are put in the order of their ids.
        classes: the class map: index i of a network's output is ``classes[i]``.
        notes: facts a reader of any result must know, for example that no patient ids exist.
        plan: how the samples were split, and then every one has its split; None where nobody vouches
            for the split column.
    """

    name: str
    samples: tuple[Sample, ...]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    plan: SplitPlan | None = None

    def __post_init__(self) -> None:
        if not self.samples:
            raise DataError(f"{self.name}: no images found; expected at least one")
        unknown = sorted({s.label for s in self.samples} - set(self.classes))
        if unknown:
            raise DataError(f"{self.name}: labels {unknown} are not among the classes {list(self.classes)}")
        twice = [name for name, n in Counter(s.id for s in self.samples).items() if n > 1]
        if twice:
            raise DataError(f"{self.name}: {len(twice)} ids occur more than once, the first is {twice[0]}")
        without = [s.id for s in self.samples if s.split is None]
        if self.plan and without:
            raise SplitError(
                f"{self.name}: {len(without)} of {len(self.samples)} samples are in no split, the first is "
                f"{without[0]}; expected train, val or test for each; give them one, or make folds (--folds)"
            )
        object.__setattr__(self, "samples", tuple(sorted(self.samples, key=lambda s: s.id)))

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def labels(self) -> list[int]:
        """Class index of every sample, in order."""
        index = {name: i for i, name in enumerate(self.classes)}
        return [index[s.label] for s in self.samples]

    @property
    def has_patients(self) -> bool:
        """True where every sample names its patient."""
        return all(s.patient is not None for s in self.samples)

    @property
    def split_hash(self) -> str:
        """SHA-256 over class map, ids, labels, groups and splits: the same split, the same hash."""
        rows = [[s.id, s.label, s.group, s.split] for s in self.samples]
        return sha256(json.dumps([self.classes, rows]).encode()).hexdigest()

    def where(self, keep: Callable[[Sample], bool]) -> Table:
        """The samples for which `keep` is true, with the same class map.

        Raises:
            DataError: none is left.
        """
        return replace(self, samples=tuple(s for s in self.samples if keep(s)))

    def subset(self, split: str) -> Table:
        """The samples of one split.

        Raises:
            DataError: the split is empty.
        """
        rows = tuple(s for s in self.samples if s.split == split)
        if not rows:
            raise DataError(f"{self.name}: no sample is in split '{split}'; make one with: tumorlens data split")
        return replace(self, samples=rows)


def pool(tables: Iterable[Table]) -> Table:
    """Several tables as one. Classes keep the order in which the tables bring them.

    The samples keep their splits. Where the tables do not share one plan nobody vouches for them:
    the pooled table has none, and must be split anew (`split_folds`) or checked (`split_given`).

    Raises:
        DataError: no table was given, or two of one name.
    """
    parts = list(tables)
    if not parts:
        raise DataError("no data set given; name at least one folder or table")
    if len(parts) == 1:
        return parts[0]
    names = [table.name for table in parts]
    if len(set(names)) < len(names):
        raise DataError(
            f"two data sets of one name in {names}; ids and patients carry the name, so expected each once; "
            "if they are different sets, rename a folder or a table file"
        )
    return Table(
        name="+".join(names),
        samples=tuple(s for table in parts for s in table.samples),
        classes=tuple(dict.fromkeys(name for table in parts for name in table.classes)),
        notes=tuple(dict.fromkeys(note for table in parts for note in table.notes)),
        plan=parts[0].plan if all(table.plan == parts[0].plan for table in parts) else None,
    )


def check_groups(table: Table) -> None:
    """See that no patient is in two splits, unless the plan says that patients were ignored on purpose.

    Raises:
        SplitError: a patient is in two splits; names the first.
    """
    if table.plan and table.plan.by == "image, patients ignored":
        return
    sides: dict[str, str] = {}
    for sample in table.samples:
        if sample.group is None or sample.split is None:
            continue
        side = sides.setdefault(sample.group, sample.split)
        if side != sample.split:
            raise SplitError(
                f"{table.name}: patient {sample.group} is in '{side}' and in '{sample.split}' ({sample.id}); "
                "expected one side for each patient; make a new split with: tumorlens data split"
            )
