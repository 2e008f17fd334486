"""run's train part + what is measured -> the leaked and the clean part of it, measured apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.auditing import find_linked_groups
from tumorlens.datasets import Sample, Table
from tumorlens.metrics.classification import Metrics, measure
from tumorlens.metrics.overlap import SegmentationCase
from tumorlens.metrics.segmentation import Segmentation, measure_segmentation
from tumorlens.stats import ClusterBootstrap


@dataclass(frozen=True)
class LeakageResult:
    """Figures of the images that are known from train, and of the others.

    Attributes:
        twins: how many have a copy in train.
        patients: how many show a patient who is in train.
        of: how many were measured.
        leaked: of all those; None where there are none.
        clean: of the others; None where there are none.
        leaked_masks: how well tumors are drawn in the leaked; None where there is no mask to compare with.
        clean_masks: the same in the others.
    """

    twins: int
    patients: int
    of: int
    leaked: Metrics | None
    clean: Metrics | None
    leaked_masks: Segmentation | None = None
    clean_masks: Segmentation | None = None

    @property
    def caveat(self) -> str:
        """What must be said before any figure of the whole."""
        known = self.leaked.overall["accuracy"].n if self.leaked else 0
        apart = (
            f"accuracy on the other {self.of - known:,} is {self.clean.overall['accuracy'].percent()}"
            if self.clean
            else "no other is left to measure"
        )
        if self.clean_masks:
            apart += f", Dice {self.clean_masks.overall['dice']}"
        return (
            f"{known:,} of {self.of:,} images are known from train ({self.twins:,} by a copy, {self.patients:,} by "
            f"their patient), so the figures of the whole are too high; {apart}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "with_a_copy_in_train": self.twins,
            "with_their_patient_in_train": self.patients,
            "images": self.of,
            "leaked": _plain(self.leaked, self.leaked_masks),
            "clean": _plain(self.clean, self.clean_masks),
        }


def leaked_ids(own: Table, part: Table) -> dict[str, set[str]]:
    """Ids of `part` that are known from the train part of a run, by ``"twin"`` and by ``"patient"``.

    Args:
        own: the run's table.
        part: a split of it, or other data.
    """
    ids = {sample.id for sample in own.samples}
    if all(sample.id in ids for sample in part.samples):
        whole = own
    else:
        train = [sample for sample in own.samples if sample.split == "train"]
        held = [replace(sample, split="test") for sample in part.samples]
        classes = tuple(dict.fromkeys((*own.classes, *part.classes)))
        whole = Table(f"{own.name}+{part.name}", (*train, *held), classes)
    wanted = {sample.id for sample in part.samples}
    found: dict[str, set[str]] = {}
    for leak in find_linked_groups(whole).leaks(whole):
        names = {whole.samples[i].id for i in leak.samples} & wanted
        if names:
            found[leak.by] = names
    return found


def measure_leakage(
    leaks: dict[str, set[str]],
    samples: Sequence[Sample],
    probabilities: npt.NDArray[np.float64],
    labels: npt.NDArray[np.int64],
    bootstrap: ClusterBootstrap,
    classes: Sequence[str],
    *,
    drawings: Sequence[SegmentationCase] = (),
) -> LeakageResult | None:
    """`measure`, and `measure_segmentation` of what was drawn, for the leaked and for the clean; None where nothing leaks."""
    if not leaks:
        return None
    known = set().union(*leaks.values())
    flags = np.array([sample.id in known for sample in samples])

    def part(chosen: npt.NDArray[np.bool_]) -> Metrics | None:
        if not chosen.any():
            return None
        return measure(probabilities[chosen], labels[chosen], bootstrap.only(np.flatnonzero(chosen)), classes)

    def masks(chosen: npt.NDArray[np.bool_]) -> Segmentation | None:
        if not drawings:
            return None
        mine = np.flatnonzero(chosen).tolist()
        return measure_segmentation(
            [drawings[i] for i in mine], [samples[i] for i in mine], bootstrap.only(mine), classes
        )

    twins, patients = (len(leaks.get(by, ())) for by in ("twin", "patient"))
    return LeakageResult(twins, patients, len(samples), part(flags), part(~flags), masks(flags), masks(~flags))


def _plain(metrics: Metrics | None, masks: Segmentation | None) -> dict[str, Any] | None:
    """One part's figures for JSON."""
    return metrics.to_dict() | {"segmentation": masks.to_dict() if masks else None} if metrics else None
