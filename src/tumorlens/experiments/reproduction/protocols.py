"""Tables -> two protocols on the same images: the published one as it was, and an honest one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tumorlens.auditing import LinkedGroups, find_linked_groups, reference_masks, split_folds, split_given, with_groups
from tumorlens.datasets import Sample, Table
from tumorlens.experiments.reproduction.published_methods import PublishedMethod
from tumorlens.experiments.reproduction.quick import subsample

Progress = Callable[[int, int], None]

FOLDS = 5  # 80:20, as systems 4 and 5 divide
VAL = 0.1
COCO_FOLDS, COCO_VAL = 10, 2 / 9  # 70:20:10, as the COCO export is divided
AGAIN = "again"
"""Behind the set's name in the id of an image that a protocol uses a second time."""


@dataclass(frozen=True)
class EvaluationProtocol:
    """How images are divided, and what chooses the epoch.

    Attributes:
        name: ``"published"`` or ``"honest"``; also the run's folder.
        table: with a split.
        rule: what it does, one or two sentences.
        flaw: what is wrong with it, in a clause; "" for the honest one.
        overrides: of the recipe, where the protocol asks for them.
        parts: what is measured, the headline first.
    """

    name: str
    table: Table
    rule: str
    flaw: str = ""
    overrides: tuple[str, ...] = ()
    parts: tuple[str, ...] = ("test",)


@dataclass(frozen=True)
class ProtocolPair:
    """Both protocols, and what is known of the images they share.

    Attributes:
        published: as its authors did it.
        honest: the same, without the flaw.
        source: all images that both draw from.
        ties: of `source`: copies and patients.
    """

    published: EvaluationProtocol
    honest: EvaluationProtocol
    source: Table
    ties: LinkedGroups

    def known(self, protocol: EvaluationProtocol, part: str) -> dict[str, set[str]]:
        """Ids of a part that are known from its train, by ``"duplicate"`` and by ``"patient"`` where there are any."""
        place = {sample.image: i for i, sample in enumerate(self.source.samples)}
        train = [place[s.image] for s in protocol.table.samples if s.split == "train"]
        held = {s.id: place[s.image] for s in protocol.table.samples if s.split == part}
        tied: dict[str, Sequence[object]] = {"duplicate": self.ties.duplicates.cluster, "patient": self.ties.patients}
        found: dict[str, set[str]] = {}
        for by, names in tied.items():
            trained = {names[i] for i in train} - {None}
            if ids := {id_ for id_, i in held.items() if names[i] in trained}:
                found[by] = ids
        return found


def protocols(
    system: PublishedMethod, tables: Sequence[Table], *, seed: int, quick: bool, progress: Progress | None = None
) -> ProtocolPair:
    """Both protocols of a system.

    Args:
        system: which.
        tables: its data sets, in the order of `PublishedMethod.needs`.
        seed: of the splits, and of what is drawn for a quick run.
        quick: whether some hundred images are enough.
        progress: called with (done, total) while images are read.

    Raises:
        SplitError: too few patients or images in a class to divide.
        DataError: no outline is known for an image (system 2).
    """
    source = tables[0] if system.number != 2 else reference_masks(tables[0], tables[1], progress=progress)
    ties = find_linked_groups(source, progress=progress)
    if quick:
        few = subsample(source, ties, seed)
        ties = ties if len(few) == len(source) else find_linked_groups(few)
        note = f"{few.name}: quick run, {len(few):,} of {len(source):,} images, few epochs, small input"
        source = replace(few, notes=(*few.notes, note))
    published, honest = _BUILDERS[system.number](source, with_groups(source, ties), tables[0], seed)
    return ProtocolPair(published, honest, source, ties)


def _random(source: Table, grouped: Table, _given: Table, seed: int) -> tuple[EvaluationProtocol, EvaluationProtocol]:
    """System 1: a random split stands in for what its authors do not say."""
    table = split_folds(_without_groups(source), folds=FOLDS, val=VAL, seed=seed)
    rule = "80:20 at random by image; a tenth of the 80 as validation chose the epoch."
    return EvaluationProtocol("published", table, rule, "images were divided at random, copies or not"), _honest(
        grouped, seed
    )


def _as_exported(
    source: Table, grouped: Table, given: Table, seed: int
) -> tuple[EvaluationProtocol, EvaluationProtocol]:
    """System 2: the export's own split and rectangles; then patients, and the radiologists' outlines."""
    boxes = {sample.id: sample.mask for sample in given.samples}
    samples = tuple(replace(s, mask=boxes[s.id], group=None) for s in source.samples)
    notes = tuple(note for note in source.notes if note in given.notes or "quick run" in note)
    table = split_given(replace(given, samples=samples, notes=notes), seed=seed)
    rule = "The export's own train, valid and test; its rectangles are the masks."
    flaw = "slices of a patient lie on both sides, and the masks are rectangles"
    honest = _honest(grouped, seed, folds=COCO_FOLDS, val=COCO_VAL)
    return EvaluationProtocol("published", table, rule, flaw), replace(
        honest, rule=honest.rule + " The masks are the radiologists' outlines."
    )


def _tested_on_train(
    source: Table, grouped: Table, _given: Table, seed: int
) -> tuple[EvaluationProtocol, EvaluationProtocol]:
    """System 3: the test loader read the training images; and the official test part beside it."""
    table = split_given(_without_groups(source), val=0.0, seed=seed)
    rule = (
        "Trained on all of Training, the last epoch kept; measured on the same images, as the authors' code did, "
        "and beside that on the official Testing."
    )
    flaw = "the network was measured on the images it was trained on"
    last = ("stop.keep=last", "stop.patience=null")
    return EvaluationProtocol("published", table, rule, flaw, last, ("train", "test")), _honest(grouped, seed)


def _chosen_on_test(
    source: Table, grouped: Table, _given: Table, seed: int
) -> tuple[EvaluationProtocol, EvaluationProtocol]:
    """System 4: the test images are the validation part as well."""
    table = split_folds(_without_groups(source), folds=FOLDS, val=0.0, seed=seed)
    table = _listed_again(table, [s for s in table.samples if s.split == "test"])
    rule = "80:20 at random by image; the test images were the validation part too, and so chose the epoch."
    flaw = "the test images also chose the epoch, and copies were divided"
    return EvaluationProtocol("published", table, rule, flaw), _honest(grouped, seed)


def _cut_after_augmentation(
    source: Table, grouped: Table, _given: Table, seed: int
) -> tuple[EvaluationProtocol, EvaluationProtocol]:
    """System 5: random slices, and a validation part of which train holds other augmented copies."""
    table = split_folds(_without_groups(source), folds=FOLDS, val=0.0, seed=seed)
    train = [s for s in table.samples if s.split == "train"]
    chosen = np.random.default_rng(seed).permutation(len(train))[: round(VAL * len(train))]
    table = _listed_again(table, [train[i] for i in chosen])
    rule = (
        "80:20 at random by slice; a tenth of the 80 was the validation part, cut off after augmentation, so that "
        "each of its slices is in training as well."
    )
    flaw = "slices of a patient lie on both sides, and the validation slices are training slices"
    return EvaluationProtocol("published", table, rule, flaw), _honest(grouped, seed)


_BUILDERS: dict[int, Callable[[Table, Table, Table, int], tuple[EvaluationProtocol, EvaluationProtocol]]] = {
    1: _random,
    2: _as_exported,
    3: _tested_on_train,
    4: _chosen_on_test,
    5: _cut_after_augmentation,
}


def _honest(grouped: Table, seed: int, *, folds: int = FOLDS, val: float = VAL) -> EvaluationProtocol:
    """Patients, where they are known, and copies stay on one side; train's own validation part chooses."""
    table = split_folds(replace(grouped, plan=None), folds=folds, val=val, seed=seed)
    what = "patient, copies kept together" if any(s.patient for s in grouped.samples) else "image, copies together"
    rule = (
        f"{100 - 100 // folds}:{100 // folds} by {what}; {100 * val:.0f} % of the {100 - 100 // folds} as validation "
    )
    return EvaluationProtocol("honest", table, rule + "chose the epoch, and nothing else did.")


def _without_groups(table: Table) -> Table:
    """The table as somebody sees it who knows of no patients and copies."""
    note = f"{table.name}: the published protocol sets patient ids aside" if table.has_patients else ""
    return replace(
        table,
        samples=tuple(replace(s, group=None) for s in table.samples),
        notes=(*table.notes, note) if note else table.notes,
    )


def _listed_again(table: Table, samples: Sequence[Sample]) -> Table:
    """The table with these images a second time, under another id, as its validation part."""
    twice = [replace(s, id=s.id.replace("/", f"/{AGAIN}/", 1), split="val") for s in samples]
    plan = replace(table.plan, val=len(twice) / len(table)) if table.plan else None
    note = f"{table.name}: the {len(twice)} validation images are used a second time"
    return replace(table, samples=(*table.samples, *twice), plan=plan, notes=(*table.notes, note))
