"""Each data set, plane and sequence is measured by itself, with an interval over its own patients."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tumorlens.datasets import AcquisitionFacts, Sample
from tumorlens.evaluation.analyses import PooledContext
from tumorlens.evaluation.analyses.subgroups import ANALYSIS
from tumorlens.evaluation.analyses.subgroups.measure import measure, pool
from tumorlens.evaluation.analyses.subgroups.result import Subgroup, SubgroupsResult
from tumorlens.metrics.overlap import SegmentationCase
from tumorlens.stats import ClusterBootstrap

CLASSES = ("glioma", "no_tumor")
# data set, patient, plane, label, predicted class, predicted pixels, Dice
ROWS = [
    ("clinic", "a", "axial", 0, 0, 10, 0.8),
    ("clinic", "a", "axial", 0, 1, 4, 0.4),
    ("clinic", "b", "coronal", 0, 0, 10, 0.6),
    ("clinic", "c", "axial", 1, 1, 0, None),
    ("heads", "d", "axial", 1, 0, 7, None),
    ("heads", "d", "axial", 1, 1, 3, None),
    ("heads", "e", None, 1, 1, 0, None),
    ("heads", "e", "axial", 1, 1, 0, None),
]


def _context(rows: list[Any] = ROWS) -> Any:
    samples = tuple(
        Sample(f"{name}/{i}", Path("a.png"), CLASSES[label], group=f"{name}:{patient}", acquisition=_facts(plane))
        for i, (name, patient, plane, label, *_) in enumerate(rows)
    )
    cases = tuple(
        SegmentationCase(100, area, reference, round(dice * (area + reference) / 2) if dice else 0)
        for *_, area, dice in rows
        for reference in [10 if dice else 0]
    )
    return SimpleNamespace(
        samples=samples,
        classes=CLASSES,
        labels=np.array([row[3] for row in rows]),
        probabilities=np.eye(2)[[row[4] for row in rows]],
        cases=cases,
        bootstrap=ClusterBootstrap([sample.unit for sample in samples], "patient", 200, 0),
    )


def _facts(plane: str | None) -> AcquisitionFacts | None:
    return AcquisitionFacts(plane) if plane else None


def _group(result: SubgroupsResult | None, name: str) -> Subgroup:
    assert result is not None
    (group,) = (group for group in result.subgroups if group.name == name)
    return group


def test_each_data_set_has_its_own_metrics() -> None:
    result = measure(_context())
    clinic, heads = _group(result, "clinic"), _group(result, "heads")
    assert (clinic.images, clinic.units, heads.images, heads.units) == (4, 3, 4, 2)
    assert clinic.metrics["accuracy"].value == 0.75
    assert clinic.metrics["sensitivity"].value == pytest.approx(2 / 3)
    assert clinic.metrics["false_positive_rate"].value == 0
    assert clinic.metrics["dice"].value == pytest.approx(np.mean([0.8, 6 / 14, 0.6]))
    assert heads.metrics["false_positive_rate"].value == 0.25
    assert heads.metrics["segmented"].value == 0.5
    assert {"sensitivity", "dice"}.isdisjoint(heads.metrics)  # it has no tumor
    assert heads.metrics["segmented"].low == 0 < heads.metrics["segmented"].high == 1  # two people
    assert result is not None
    assert "heads: 25.0 %" in result.conclusions[0]


def test_a_property_that_is_known_of_some_images_groups_these_alone() -> None:
    result = measure(_context())
    assert (_group(result, "axial").images, _group(result, "coronal").images) == (6, 1)
    assert result is not None
    assert {group.by for group in result.subgroups} == {"data set", "plane"}


def test_one_set_without_facts_has_no_subgroups() -> None:
    assert measure(_context([("clinic", "a", None, 0, 0, 1, 0.5), ("clinic", "b", None, 1, 1, 0, None)])) is None


def test_without_predicted_masks_classes_alone_are_measured() -> None:
    context = _context()
    context.cases = ()
    assert set(_group(measure(context), "heads").metrics) == {"accuracy", "false_positive_rate"}


def test_folds_are_pooled_as_if_they_were_one() -> None:
    whole = _context()
    pooled = PooledContext(
        whole.samples, (5, 3), np.log(whole.probabilities + 1e-9), whole.labels, CLASSES, whole.bootstrap
    )
    results = [SubgroupsResult((), *_arrays(measure(_context()), cut)) for cut in (slice(0, 5), slice(5, 8))]
    together, once = pool(results, pooled), measure(whole)
    assert together is not None
    assert once is not None
    assert together.to_dict() == once.to_dict()
    assert pool([results[0], None], pooled) is None


def _arrays(result: SubgroupsResult | None, cut: slice) -> tuple[Any, Any, Any]:
    assert result is not None
    return result.predicted[cut], result.areas[cut], result.dice[cut]


def test_the_section_has_a_table_for_each_property() -> None:
    result = measure(_context())
    assert result is not None
    section = ANALYSIS.section(result, ())
    assert section.title == "Subgroups"
    assert "heads" in str(section.blocks)
    assert replace(result, subgroups=result.subgroups[:1]).conclusions == ()
