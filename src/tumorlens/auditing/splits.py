"""Tables -> splits: by patient wherever patients are known, stratified by class, reproducible by seed."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from tumorlens._arrays import Floats
from tumorlens.datasets import Sample, SplitLevel, SplitPlan, Table, check_groups
from tumorlens.errors import SplitError

LOGGER = logging.getLogger(__name__)


def split_folds(
    table: Table,
    *,
    folds: int = 5,
    fold: int = 0,
    val: float = 0.1,
    seed: int = 0,
    image_level: bool = False,
) -> Table:
    """Hold out one of several folds as test, and a share of the remaining samples as val.

    Args:
        table: any; an existing split is replaced.
        folds: number of folds, at least 2.
        fold: the one that becomes test, 0 to folds - 1. The folds of one seed are disjoint.
        val: share of the remaining samples that becomes val, 0 to 0.5; 0 for none.
        seed: of the shuffle.
        image_level: split by image, also where patients are known (leaks; every report says so).

    Raises:
        SplitError: an argument out of range, or a class with too few patients.

    Example:
        >>> import tumorlens
        >>> table = tumorlens.open_table("phantoms")  # the folder has 24 synthetic images of 12 patients
        >>> tumorlens.split_folds(table, folds=3, fold=0)
        Table(phantom: 24 images, 12 patients, 4 classes, train 8, val 8, test 8)
    """
    check_folds(folds, fold, val)
    fold_ids = _distribute(table, np.ones(folds), seed, image_level, "choose fewer folds (--folds)")
    samples = tuple(
        replace(s, split="test" if i == fold else "train") for s, i in zip(table.samples, fold_ids, strict=True)
    )
    plan = SplitPlan(_level(table, image_level), "folds", seed, folds, fold, val)
    return _hold_out_val(replace(table, samples=samples, plan=plan), val, seed, image_level)


def split_whole(table: Table, *, val: float = 0.1, seed: int = 0, image_level: bool = False) -> Table:
    """Hold out no test subset: for a final model, trained on all data with a cross-validated recipe.

    Args:
        table: any; an existing split is replaced.
        val: share that becomes val, 0 to 0.5; 0 for none.
        seed: of the shuffle.
        image_level: split by image, also where patients are known (leaks; every report says so).

    Raises:
        SplitError: an argument out of range, or a class with too few patients.

    Example:
        >>> import tumorlens
        >>> table = tumorlens.open_table("phantoms")  # the folder has 24 synthetic images of 12 patients
        >>> tumorlens.split_whole(table, val=0.3)
        Table(phantom: 24 images, 12 patients, 4 classes, train 16, val 8)
    """
    _check_share(val)
    samples = tuple(replace(s, split="train") for s in table.samples)
    plan = SplitPlan(_level(table, image_level), "whole", seed, val=val)
    return _hold_out_val(replace(table, samples=samples, plan=plan), val, seed, image_level)


def split_given(table: Table, *, val: float = 0.1, seed: int = 0, image_level: bool = False) -> Table:
    """Keep the train and test subsets of the data set; hold out val from train where the set has none.

    Args:
        table: with train and test samples.
        val: share of train that becomes val, 0 to 0.5; unused where the table has a val subset.
        seed: of the shuffle behind val.
        image_level: allow a patient in two subsets (leaks; every report says so).

    Raises:
        SplitError: the table has no train or no test subset, some samples are in none, a patient is in two
            subsets, or a class has too few patients.

    Example:
        >>> import tumorlens
        >>> from dataclasses import replace
        >>> table = tumorlens.open_table("phantoms")  # the folder has 24 synthetic images of 12 patients
        >>> halves = [replace(s, split="test" if s.group > "phantom:phantom0000007" else "train") for s in table]
        >>> tumorlens.split_given(replace(table, samples=tuple(halves)))
        Table(phantom: 24 images, 12 patients, 4 classes, train 8, val 8, test 8)
    """
    _check_share(val)
    subsets = {s.split for s in table.samples}
    if not {"train", "test"} <= subsets:
        raise SplitError(
            found=f"{table.name}: has no train and test subsets",
            expected="a split of the data set",
            advice="make folds instead (--folds)",
        )
    if "val" in subsets:
        val = 0.0
    planned = replace(table, plan=SplitPlan(_level(table, image_level), "given", seed, val=val))
    check_groups(planned)
    return _hold_out_val(planned, val, seed, image_level)


def without_patient_leakage(table: Table) -> Table:
    """The table as it is, or without its split and with a note, where that split has a patient in two subsets."""
    try:
        check_groups(table)
    except SplitError:
        note = f"{table.name}: its split had patients in two subsets and was removed"
        LOGGER.info("note: %s", note)
        samples = tuple(replace(s, split=None) for s in table.samples)
        return replace(table, samples=samples, plan=None, notes=(*table.notes, note))
    return table


def check_folds(folds: int, fold: int, val: float) -> None:
    """Check the arguments of a split before any expensive work.

    Raises:
        SplitError: one is out of range.
    """
    if folds < 2:
        raise SplitError(found=f"{folds} folds", expected="at least 2", advice="change --folds")
    if not 0 <= fold < folds:
        raise SplitError(found=f"fold {fold} of {folds}", expected=f"0 to {folds - 1}", advice="change --fold")
    _check_share(val)


def _hold_out_val(table: Table, val: float, seed: int, image_level: bool) -> Table:
    """Move a share of train to val, by whole patients."""
    if val == 0:
        return table
    train = _without_rare_sets(table.subset("train"), val, image_level)
    sides = _distribute(train, np.array([1 - val, val]), seed + 1, image_level, "make no val subset (--val 0)")
    val_ids = {s.id for s, i in zip(train.samples, sides, strict=True) if i == 1}
    samples = tuple(replace(s, split="val") if s.id in val_ids else s for s in table.samples)
    return replace(table, samples=samples)


def _without_rare_sets(train: Table, val: float, image_level: bool) -> Table:
    """The samples that may become val: those of sets whose share of val is at least one patient.

    A set of few patients, pooled with larger ones, would lose a quarter of them. It keeps all of them for training,
    unless val would then lack one of its classes.
    """
    units: dict[str, set[str]] = {}
    for sample in train.samples:
        units.setdefault(sample.dataset, set()).add(_unit(sample, image_level))
    large = {name for name, members in units.items() if len(members) * val >= 1}
    kept = {sample.label for sample in train.samples if sample.dataset in large}
    return train.filter(lambda sample: sample.dataset in large or sample.label not in kept)


def _distribute(table: Table, shares: Floats, seed: int, image_level: bool, advice: str) -> list[int]:
    """The subset of every sample, by whole patients: largest patients first, each to the subset that needs it most.

    That is the subset with the fewest images of the patient's classes in the patient's data set, relative to its
    share, so that each data set of a pooled table is spread over all subsets. Largest first keeps the shares in images
    as well as in patients; the shuffle decides between equals.
    """
    _, unit = np.unique([_unit(s, image_level) for s in table.samples], return_inverse=True)
    patients = [len(set(unit[np.array(table.labels) == label])) for label in range(len(table.classes))]
    for name, n in zip(table.classes, patients, strict=True):
        if 0 < n < len(shares):
            raise SplitError(
                found=f"{table.name}: class {name} has {n} patients or images for {len(shares)} subsets",
                expected="at least one for each",
                advice=advice,
            )
    strata = {stratum: i for i, stratum in enumerate(sorted({(s.dataset, s.label) for s in table.samples}))}
    counts = np.zeros((unit.max() + 1, len(strata)))  # images, by patient, and by data set with class
    for i, sample in zip(unit, table.samples, strict=True):
        counts[i, strata[sample.dataset, sample.label]] += 1
    order = np.random.default_rng(seed).permutation(len(counts))
    filled = np.zeros((len(shares), len(strata)))
    side = np.zeros(len(counts), dtype=int)
    for i in order[np.argsort(-counts[order].sum(axis=1), kind="stable")]:
        own, all_strata = filled @ counts[i] / shares, filled.sum(axis=1) / shares
        side[i] = np.lexsort((all_strata, own))[0]
        filled[side[i]] += counts[i]
    assigned: list[int] = side[unit].tolist()
    return assigned


def _unit(sample: Sample, image_level: bool) -> str:
    return sample.id if image_level else sample.unit


def _level(table: Table, image_level: bool) -> SplitLevel:
    if all(s.patient is None for s in table.samples):
        return "image"
    return "image_ignoring_patients" if image_level else "patient"


def _check_share(val: float) -> None:
    if not 0 <= val <= 0.5:
        raise SplitError(found=f"val share {val}", expected="0 to 0.5", advice="change --val")
