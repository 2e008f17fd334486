"""Samples + ids that leak from train -> metrics of the leaked samples, and of the clean ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from tumorlens._arrays import Flags, Floats, Ints
from tumorlens.datasets import Sample
from tumorlens.evaluation.evaluation_facts import Given
from tumorlens.evaluation.given_metrics import measure_given
from tumorlens.metrics.classification import Metrics
from tumorlens.metrics.overlap import SegmentationCase
from tumorlens.metrics.segmentation import Segmentation, measure_segmentation
from tumorlens.stats import ClusterBootstrap


class LeakCounts(BaseModel):
    """Numbers of images, by the keys of the analysis leakage in evaluation.json.

    Attributes:
        with_duplicate_in_train: images with a near-duplicate in train.
        with_patient_in_train: images of a patient who is in train.
        images: images that were measured.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    with_duplicate_in_train: int
    with_patient_in_train: int
    images: int


@dataclass(frozen=True)
class LeakedAndClean:
    """Metrics of the leaked and of the clean images.

    Attributes:
        duplicates: images with a near-duplicate in train.
        patients: images of a patient who is in train.
        images: images that were measured.
        leaked: of all those; None where there are none.
        clean: of the others; None where there are none.
        leaked_segmentation: of the leaked; None where there is no mask to compare with.
        clean_segmentation: of the others.
    """

    duplicates: int
    patients: int
    images: int
    leaked: Metrics | None
    clean: Metrics | None
    leaked_segmentation: Segmentation | None = None
    clean_segmentation: Segmentation | None = None


def leaked_and_clean(
    leaks: Mapping[str, set[str]],
    samples: Sequence[Sample],
    probabilities: Floats,
    labels: Ints,
    bootstrap: ClusterBootstrap,
    classes: Sequence[str],
    cases: Sequence[SegmentationCase] = (),
    given: Given = "probabilities",
) -> LeakedAndClean | None:
    """Measure both apart; None where nothing leaks.

    Args:
        leaks: ids of samples by the way they leak: ``"duplicate"``, ``"patient"``.
        samples: the N measured samples.
        probabilities: (N, K).
        labels: (N,) index of the true class.
        bootstrap: the sampling units of the N samples.
        classes: the K class names.
        cases: the N predicted masks against the reference; empty where there are none.
        given: whether probabilities or classes are known.
    """
    if not leaks:
        return None
    ids = set().union(*leaks.values())
    leaked = np.array([sample.id in ids for sample in samples])

    def classification(chosen: Flags) -> Metrics | None:
        if not chosen.any():
            return None
        mine = bootstrap.only(np.flatnonzero(chosen))
        return measure_given(given, probabilities[chosen], labels[chosen], mine, classes)

    def segmentation(chosen: Flags) -> Segmentation | None:
        if not cases:
            return None
        mine = np.flatnonzero(chosen).tolist()
        names = [samples[i].label for i in mine]
        return measure_segmentation([cases[i] for i in mine], names, bootstrap.only(mine), classes)

    duplicates, patients = (len(leaks.get(by, ())) for by in ("duplicate", "patient"))
    return LeakedAndClean(
        duplicates,
        patients,
        len(samples),
        classification(leaked),
        classification(~leaked),
        segmentation(leaked),
        segmentation(~leaked),
    )
