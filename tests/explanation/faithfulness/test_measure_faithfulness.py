"""Maps of a run are measured on images with a tumor in their reference mask, spread over patients."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import scans
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import Sample, Table, open_table, read_sample_mask
from tumorlens.datasets.phantom import make
from tumorlens.errors import DataError, ModelError, SplitError
from tumorlens.explanation.faithfulness import (
    FAITHFULNESS_METRICS,
    Faithfulness,
    measure_faithfulness,
    sanity_checks,
)
from tumorlens.explanation.faithfulness.control_maps import CONTROL_MAPS
from tumorlens.training import Run

METHODS = ["grad_cam", "eigen_cam"]


def test_only_images_with_a_tumor_in_their_reference_mask_are_measured(
    faithfulness: Faithfulness, finished_run: Run
) -> None:
    masks = {s.id: read_sample_mask(s) for s in finished_run.table().subset("test").samples}
    with_tumor = [name for name, mask in masks.items() if mask is not None and mask.any()]
    assert [sample.id for sample in faithfulness.samples] == with_tumor
    assert faithfulness.facts.images == faithfulness.facts.with_tumor == len(with_tumor) == 6
    assert {sample.label for sample in faithfulness.samples} == {"glioma", "meningioma", "pituitary"}
    expected = [masks[name].mean() for name in with_tumor]  # type: ignore[union-attr]
    np.testing.assert_allclose(faithfulness.tumor_fractions, expected)


def test_methods_and_control_maps_have_every_metric(faithfulness: Faithfulness) -> None:
    assert [row.name for row in faithfulness.rows] == [*METHODS, *CONTROL_MAPS]
    for row in faithfulness.rows:
        assert row.metrics.keys() == FAITHFULNESS_METRICS.keys()
        assert all(0 <= estimate.value <= 1 for estimate in row.metrics.values())
        assert all(estimate.units == 3 for estimate in row.metrics.values())
        assert row.control == (row.sanity_check is None) == (not row.control_differences)


def test_the_random_map_scores_at_chance(faithfulness: Faithfulness) -> None:
    random = next(row for row in faithfulness.rows if row.name == "random")
    assert random.metrics["relevance_mass_accuracy"].value == pytest.approx(
        faithfulness.tumor_fractions.mean(), rel=0.6
    )


def test_the_same_seed_gives_the_same_metrics(faithfulness: Faithfulness, finished_run: Run) -> None:
    again = measure_faithfulness(finished_run, methods=METHODS, limit=0, n_resamples=100)
    assert again.to_dict() == faithfulness.to_dict()


def test_a_limit_covers_as_many_patients_as_possible(finished_run: Run) -> None:
    some = measure_faithfulness(finished_run, methods=["grad_cam"], limit=3, n_resamples=100)
    assert len({sample.unit for sample in some.samples}) == len(some.samples) == 3
    assert (some.facts.images, some.facts.with_tumor) == (3, 6)


def test_external_data_is_measured_if_the_run_was_not_trained_on_it(finished_run: Run, tmp_path: Path) -> None:
    other = open_table(make(tmp_path / "other", patients=4, slices=1, size=64, seed=8))
    external = measure_faithfulness(finished_run, table=other, methods=["grad_cam"], n_resamples=100)
    assert external.facts.subset == "all"
    assert external.facts.external is True
    assert any("external data" in text for text in external.caveats)
    with assert_refused(SplitError, found="are in the run's train or validation subset"):
        measure_faithfulness(finished_run, table=finished_run.table(), methods=["grad_cam"])


def test_without_reference_masks_nothing_can_be_measured(finished_run: Run, tmp_path: Path) -> None:
    other = open_table(make(tmp_path / "other", patients=4, slices=1, size=64, seed=8))
    bare = replace(other, samples=tuple(replace(s, mask=None) for s in other.samples))
    with assert_refused(DataError, found="none of 4 images has a reference mask that shows a tumor", advice="--data"):
        measure_faithfulness(finished_run, table=bare)


def test_box_masks_are_refused_unless_allowed(finished_run: Run, tmp_path: Path) -> None:
    boxes = Table("boxes", tuple(_boxed(tmp_path, i) for i in range(3)), finished_run.spec.classes)
    with assert_refused(DataError, found="3 of 3 reference masks .* are filled rectangles"):
        measure_faithfulness(finished_run, table=boxes)
    faithfulness = measure_faithfulness(
        finished_run, table=boxes, methods=["grad_cam"], allow_box_masks=True, n_resamples=100
    )
    assert faithfulness.facts.images == 3


def test_a_method_that_does_not_exist_is_an_error(finished_run: Run) -> None:
    with assert_refused(ModelError, advice="did you mean grad_cam"):
        measure_faithfulness(finished_run, methods=["gradcam"])
    with assert_refused(ModelError, found="MiniResNet does not support mask"):
        measure_faithfulness(finished_run, methods=["mask"])


def test_the_predicted_mask_is_measured_as_a_map(segmentation_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sanity_checks, "RANDOM_NETWORKS", 2)
    faithfulness = measure_faithfulness(segmentation_run, methods=["mask", "attention"], limit=2, n_resamples=100)
    assert [row.name for row in faithfulness.methods] == ["mask", "attention"]
    check = faithfulness.methods[0].sanity_check
    assert check is not None
    assert check.stages[0].name == "segment"
    assert check.stages[0].changes_map


def _boxed(folder: Path, number: int) -> Sample:
    mask = np.zeros((40, 40), np.uint8)
    mask[10:20, 10 + number : 24] = 255
    gray = np.random.default_rng(number).integers(256, size=(40, 40), dtype=np.uint8)
    image = scans.save(folder / f"{number}.png", gray)
    return Sample(f"boxes/{number}", image, "glioma", scans.save(folder / f"{number}-mask.png", mask))


def test_the_repr_is_one_line_with_the_methods(faithfulness: Faithfulness) -> None:
    text = repr(faithfulness)
    assert text.startswith(f"Faithfulness({faithfulness.facts.run} on ")
    assert all(row.name in text for row in faithfulness.methods)
    assert "\n" not in text
