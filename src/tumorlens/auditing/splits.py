"""Tables -> splits: by patient wherever there is one, stratified by class, the same for the same seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tumorlens.datasets import SplitPlan, SplitLevel, Table, check_groups
from tumorlens.errors import SplitError


def split_folds(
    table: Table,
    *,
    folds: int = 5,
    fold: int = 0,
    val: float = 0.1,
    seed: int = 0,
    image_level: bool = False,
) -> Table:
    """Hold one of several folds out as test, and a part of the rest as val.

    Args:
        table: any; an existing split is replaced.
        folds: number of folds, at least 2.
        fold: the one that becomes test, 0 to folds - 1. The folds of one seed are disjoint.
        val: share of the rest that becomes val, 0 to 0.5; 0 for none.
        seed: of the shuffle.
        image_level: divide images, even where patients are known. Results then say so.

    Raises:
        SplitError: an argument out of range, or a class with too few patients.
    """
    check_folds(folds, fold, val)
    side = _deal(table, np.ones(folds), seed, image_level, "ask for fewer folds (--folds)")
    samples = tuple(
        replace(s, split="test" if i == fold else "train") for s, i in zip(table.samples, side, strict=True)
    )
    plan = SplitPlan(_by(table, image_level), "folds", seed, folds, fold, val)
    return _carve_val(replace(table, samples=samples, plan=plan), val, seed, image_level)


def split_whole(table: Table, *, val: float = 0.1, seed: int = 0, image_level: bool = False) -> Table:
    """Hold nothing out as test: for a last network, trained on all, whose recipe was measured by cross-validation.

    Args:
        table: any; an existing split is replaced.
        val: share that becomes val, 0 to 0.5; 0 for none.
        seed: of the shuffle.
        image_level: divide images, even where patients are known. Results then say so.

    Raises:
        SplitError: an argument out of range, or a class with too few patients.
    """
    _check_share(val)
    samples = tuple(replace(s, split="train") for s in table.samples)
    plan = SplitPlan(_by(table, image_level), "whole", seed, val=val)
    return _carve_val(replace(table, samples=samples, plan=plan), val, seed, image_level)


def split_given(table: Table, *, val: float = 0.1, seed: int = 0, image_level: bool = False) -> Table:
    """Keep train and test as the data set brings them; cut val out of train where there is none.

    Args:
        table: with train and test samples.
        val: share of train that becomes val, 0 to 0.5; of no effect where the table brings val.
        seed: of the shuffle behind val.
        image_level: allow a patient on two sides. Results then say so.

    Raises:
        SplitError: the table brings no train or no test part, some samples are in none, a patient is
            on two sides, or a class has too few patients.
    """
    _check_share(val)
    brought = {s.split for s in table.samples}
    if not {"train", "test"} <= brought:
        raise SplitError(f"{table.name}: brings no train and test parts; make folds instead (--folds)")
    if "val" in brought:
        val = 0.0
    planned = replace(table, plan=SplitPlan(_by(table, image_level), "given", seed, val=val))
    check_groups(planned)
    return _carve_val(planned, val, seed, image_level)


def without_patient_leakage(table: Table) -> Table:
    """The table as it is, or, where its split has a patient on two sides, without split and with a note."""
    try:
        check_groups(table)
    except SplitError:
        note = f"{table.name}: its split had patients on two sides and was taken away"
        samples = tuple(replace(s, split=None) for s in table.samples)
        return replace(table, samples=samples, plan=None, notes=(*table.notes, note))
    return table


def check_folds(folds: int, fold: int, val: float) -> None:
    """See that these numbers can make a split, before anything costly is done for it.

    Raises:
        SplitError: one is out of range.
    """
    if folds < 2:
        raise SplitError(f"{folds} folds asked for; expected at least 2 (--folds)")
    if not 0 <= fold < folds:
        raise SplitError(f"fold {fold} of {folds} asked for; expected 0 to {folds - 1} (--fold)")
    _check_share(val)


def _carve_val(table: Table, val: float, seed: int, image_level: bool) -> Table:
    """Move a share of train to val, by whole units."""
    if val == 0:
        return table
    train = table.subset("train")
    side = _deal(train, np.array([1 - val, val]), seed + 1, image_level, "make no val (--val 0)")
    chosen = {s.id for s, i in zip(train.samples, side, strict=True) if i == 1}
    samples = tuple(replace(s, split="val") if s.id in chosen else s for s in table.samples)
    return replace(table, samples=samples)


def _deal(table: Table, shares: npt.NDArray[np.float64], seed: int, image_level: bool, advice: str) -> list[int]:
    """A side for each sample, in whole units: largest units first, each to the neediest side.

    The neediest is the one that has the least of the unit's classes for its share. Dealing the largest
    first keeps the shares in images as well as in patients; the shuffle decides between equals.
    """
    names = [s.id if image_level else s.unit for s in table.samples]
    _, unit = np.unique(names, return_inverse=True)
    counts = np.zeros((unit.max() + 1, len(table.classes)))  # images, by unit and class
    for i, label in zip(unit, table.labels, strict=True):
        counts[i, label] += 1
    for name, n in zip(table.classes, np.count_nonzero(counts, axis=0), strict=True):
        if 0 < n < len(shares):
            raise SplitError(
                f"{table.name}: class {name} has {n} patients or images to divide among {len(shares)} parts; "
                f"expected at least one for each; {advice}"
            )
    order = np.random.default_rng(seed).permutation(len(counts))
    filled = np.zeros((len(shares), len(table.classes)))
    side = np.zeros(len(counts), dtype=int)
    for i in order[np.argsort(-counts[order].sum(axis=1), kind="stable")]:
        own, all_classes = filled @ counts[i] / shares, filled.sum(axis=1) / shares
        side[i] = np.lexsort((all_classes, own))[0]
        filled[side[i]] += counts[i]
    dealt: list[int] = side[unit].tolist()
    return dealt


def _by(table: Table, image_level: bool) -> SplitLevel:
    if all(s.patient is None for s in table.samples):
        return "image"
    return "image, patients ignored" if image_level else "patient"


def _check_share(val: float) -> None:
    if not 0 <= val <= 0.5:
        raise SplitError(f"val share {val} asked for; expected 0 to 0.5 (--val)")
