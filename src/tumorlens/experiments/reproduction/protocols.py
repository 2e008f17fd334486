"""Tables -> ProtocolPair: the published evaluation protocol and a leak-free one, on the same images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tumorlens._progress import Progress, silent
from tumorlens.auditing import LinkedGroups, find_linked_groups, reference_masks, split_folds, split_given, with_groups
from tumorlens.datasets import Sample, Table
from tumorlens.experiments.reproduction.published_methods import PublishedMethod
from tumorlens.experiments.reproduction.quick import subsample
from tumorlens.report.text import percentage

FOLDS = 5  # 80:20, the split of published methods 4 and 5
VAL = 0.1
COCO_FOLDS, COCO_VAL = 10, 2 / 9  # 70:20:10, the split of the COCO export
AGAIN = "again"
"""Follows the name of the dataset in the id of an image that a protocol uses a second time."""


@dataclass(frozen=True)
class EvaluationProtocol:
    """How the images are split, which images select the epoch, and which subsets are evaluated.

    Attributes:
        name: ``"published"`` or ``"leak_free"``; also the name of the run's folder.
        table: with a split.
        rule: the protocol in one or two sentences.
        flaw: its error, as a clause; empty for the leak-free protocol.
        overrides: of the recipe, where the protocol needs them.
        subsets: the evaluated subsets; the first gives the reported metrics.
    """

    name: str
    table: Table
    rule: str
    flaw: str = ""
    overrides: tuple[str, ...] = ()
    subsets: tuple[str, ...] = ("test",)

    @property
    def title(self) -> str:
        """The name as text."""
        return self.name.replace("_", "-")


@dataclass(frozen=True)
class ProtocolPair:
    """The published and the leak-free protocol on the same images.

    Attributes:
        published: the protocol of the authors.
        leak_free: the same protocol without its flaw.
        source: the images of both protocols.
        linked_groups: duplicates and patients in `source`.
    """

    published: EvaluationProtocol
    leak_free: EvaluationProtocol
    source: Table
    linked_groups: LinkedGroups

    def leaked(self, protocol: EvaluationProtocol, subset: str) -> dict[str, set[str]]:
        """Ids of the images of a subset that leak from train, by ``"duplicate"`` and by ``"patient"``."""
        position = {sample.image: i for i, sample in enumerate(self.source.samples)}
        train = [position[s.image] for s in protocol.table.samples if s.split == "train"]
        evaluated = {s.id: position[s.image] for s in protocol.table.samples if s.split == subset}
        groupings: dict[str, Sequence[object]] = {
            "duplicate": self.linked_groups.duplicates.cluster_ids,
            "patient": self.linked_groups.patients,
        }
        leaks: dict[str, set[str]] = {}
        for by, names in groupings.items():
            trained = {names[i] for i in train} - {None}
            if ids := {id_ for id_, i in evaluated.items() if names[i] in trained}:
                leaks[by] = ids
        return leaks


def build_protocols(
    method: PublishedMethod, tables: Sequence[Table], *, seed: int, quick: bool, progress: Progress = silent
) -> ProtocolPair:
    """Build the published and the leak-free protocol of a published method.

    Args:
        method: the published method.
        tables: its datasets, in the order of `PublishedMethod.datasets`.
        seed: of the splits, and of the subsample of a quick run.
        quick: use a subsample of a few hundred images.
        progress: called while images are read and compared.

    Raises:
        SplitError: a class has too few patients or images to split.
        DataError: an image has no reference mask (published method 2).
    """
    source = tables[0] if method.number != 2 else reference_masks(tables[0], tables[1], progress=progress)
    linked_groups = find_linked_groups(source, progress=progress)
    if quick:
        few = subsample(source, linked_groups, seed)
        linked_groups = linked_groups if len(few) == len(source) else find_linked_groups(few, progress=progress)
        note = f"{few.name}: quick run, {len(few):,} of {len(source):,} images, few epochs, small input"
        source = replace(few, notes=(*few.notes, note))
    published, leak_free = _BUILDERS[method.number](source, with_groups(source, linked_groups), tables[0], seed)
    return ProtocolPair(published, leak_free, source, linked_groups)


def _random(source: Table, grouped: Table, _given: Table, seed: int) -> tuple[EvaluationProtocol, EvaluationProtocol]:
    """Published method 1: a random split, since its authors do not report theirs."""
    table = split_folds(_without_groups(source), folds=FOLDS, val=VAL, seed=seed)
    rule = "Random 80:20 split by image; 10 % of the training images as validation select the epoch."
    return EvaluationProtocol(
        "published", table, rule, "the split is random by image, so that duplicates are in train and test"
    ), _leak_free(grouped, seed)


def _coco_export(
    source: Table, grouped: Table, given: Table, seed: int
) -> tuple[EvaluationProtocol, EvaluationProtocol]:
    """Published method 2: split and bounding-box masks of the COCO export; leak-free: by patient, with outlines."""
    boxes = {sample.id: sample.mask for sample in given.samples}
    samples = tuple(replace(s, mask=boxes[s.id], group=None) for s in source.samples)
    notes = tuple(note for note in source.notes if note in given.notes or "quick run" in note)
    table = split_given(replace(given, samples=samples, notes=notes), seed=seed)
    rule = "Train, validation and test as in the COCO export; its bounding boxes are the masks."
    flaw = "slices of one patient are in train and test, and the masks are bounding boxes"
    leak_free = _leak_free(grouped, seed, folds=COCO_FOLDS, val=COCO_VAL)
    return EvaluationProtocol("published", table, rule, flaw), replace(
        leak_free, rule=leak_free.rule + " The masks are the outlines of the radiologists."
    )


def _tested_on_train(
    source: Table, grouped: Table, _given: Table, seed: int
) -> tuple[EvaluationProtocol, EvaluationProtocol]:
    """Published method 3: the test loader reads the training images; also evaluated on the official test subset."""
    table = split_given(_without_groups(source), val=0.0, seed=seed)
    rule = (
        "Trained on all images of Training, last epoch; evaluated on the same images, as in the authors' code, and "
        "also on the official Testing."
    )
    flaw = "the network is evaluated on its training images"
    last = ("stop.keep=last", "stop.patience=null")
    return EvaluationProtocol("published", table, rule, flaw, last, ("train", "test")), _leak_free(grouped, seed)


def _selected_on_test(
    source: Table, grouped: Table, _given: Table, seed: int
) -> tuple[EvaluationProtocol, EvaluationProtocol]:
    """Published method 4: the test images are also the validation subset."""
    table = split_folds(_without_groups(source), folds=FOLDS, val=0.0, seed=seed)
    table = _with_validation_copies(table, [s for s in table.samples if s.split == "test"])
    rule = "Random 80:20 split by image; the test images are also the validation subset and select the epoch."
    flaw = "the test images also select the epoch, and duplicates are in train and test"
    return EvaluationProtocol("published", table, rule, flaw), _leak_free(grouped, seed)


def _validation_from_train(
    source: Table, grouped: Table, _given: Table, seed: int
) -> tuple[EvaluationProtocol, EvaluationProtocol]:
    """Published method 5: a random split by slice; train contains augmented copies of the validation slices."""
    table = split_folds(_without_groups(source), folds=FOLDS, val=0.0, seed=seed)
    train = [s for s in table.samples if s.split == "train"]
    chosen = np.random.default_rng(seed).permutation(len(train))[: round(VAL * len(train))]
    table = _with_validation_copies(table, [train[i] for i in chosen])
    rule = (
        "Random 80:20 split by slice; 10 % of the training slices are the validation subset, taken after augmentation, "
        "so that each of them is also in train."
    )
    flaw = "slices of one patient are in train and test, and the validation slices are training slices"
    return EvaluationProtocol("published", table, rule, flaw), _leak_free(grouped, seed)


_BUILDERS: dict[int, Callable[[Table, Table, Table, int], tuple[EvaluationProtocol, EvaluationProtocol]]] = {
    1: _random,
    2: _coco_export,
    3: _tested_on_train,
    4: _selected_on_test,
    5: _validation_from_train,
}


def _leak_free(grouped: Table, seed: int, *, folds: int = FOLDS, val: float = VAL) -> EvaluationProtocol:
    """Split by patient where known, with duplicates in one subset; only the validation subset selects the epoch."""
    table = split_folds(replace(grouped, plan=None), folds=folds, val=val, seed=seed)
    unit = "patient" if any(s.patient for s in grouped.samples) else "image"
    rule = (
        f"{100 - 100 // folds}:{100 // folds} split by {unit}, duplicates in one subset; only validation "
        f"({percentage(val, 0)} of the {percentage((100 - 100 // folds) / 100, 0)}) selects the epoch."
    )
    return EvaluationProtocol("leak_free", table, rule)


def _without_groups(table: Table) -> Table:
    """The table without patients and duplicate groups."""
    note = f"{table.name}: the published protocol ignores patient ids" if table.has_patients else ""
    return replace(
        table,
        samples=tuple(replace(s, group=None) for s in table.samples),
        notes=(*table.notes, note) if note else table.notes,
    )


def _with_validation_copies(table: Table, samples: Sequence[Sample]) -> Table:
    """The table with these images a second time, with another id, as its validation subset."""
    twice = [replace(s, id=s.id.replace("/", f"/{AGAIN}/", 1), split="val") for s in samples]
    plan = replace(table.plan, val=len(twice) / len(table)) if table.plan else None
    note = f"{table.name}: the {len(twice)} validation images are used a second time"
    return replace(table, samples=(*table.samples, *twice), plan=plan, notes=(*table.notes, note))
