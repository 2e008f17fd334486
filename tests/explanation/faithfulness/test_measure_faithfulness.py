"""Maps of a run are measured on the images that have a tumor in their mask, spread over patients."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import scans
from tumorlens.datasets import Sample, Table, open_table, read_sample_mask
from tumorlens.datasets.phantom import make
from tumorlens.errors import DataError, ModelError, SplitError
from tumorlens.explanation.faithfulness import FIGURES, Faithfulness, measure_maps
from tumorlens.explanation.faithfulness.control_maps import CONTROLS
from tumorlens.training import Run

METHODS = ["grad_cam", "eigen_cam"]


@pytest.fixture(scope="module")
def found(finished_run: Run) -> Faithfulness:
    return measure_maps(finished_run, methods=METHODS, limit=0, n_resamples=100)


def test_only_images_with_a_tumor_in_their_mask_count(found: Faithfulness, finished_run: Run) -> None:
    masks = {s.id: read_sample_mask(s) for s in finished_run.table().subset("test").samples}
    shown = [name for name, mask in masks.items() if mask is not None and mask.any()]
    assert [sample.id for sample in found.samples] == shown
    assert found.facts["images"] == found.facts["with_tumor"] == len(shown) == 6
    assert {sample.label for sample in found.samples} == {"glioma", "meningioma", "pituitary"}
    wanted = [masks[name].mean() for name in shown]  # type: ignore[union-attr]
    np.testing.assert_allclose(found.tumor, wanted)


def test_methods_and_controls_stand_side_by_side_with_every_figure(found: Faithfulness) -> None:
    assert [row.name for row in found.rows] == [*METHODS, *CONTROLS]
    for row in found.rows:
        assert row.figures.keys() == FIGURES.keys()
        assert all(0 <= figure.value <= 1 for figure in row.figures.values())
        assert all(figure.units == 3 for figure in row.figures.values())
        assert row.control == (row.sanity is None) == (not row.over_control)


def test_the_random_control_gets_what_chance_gives(found: Faithfulness) -> None:
    chance = next(row for row in found.rows if row.name == "random")
    assert chance.figures["energy"].value == pytest.approx(found.tumor.mean(), rel=0.6)


def test_the_same_seed_gives_the_same_figures(found: Faithfulness, finished_run: Run) -> None:
    again = measure_maps(finished_run, methods=METHODS, limit=0, n_resamples=100)
    assert again.to_dict() == found.to_dict()


def test_a_limit_takes_images_of_as_many_patients_as_it_can(finished_run: Run) -> None:
    some = measure_maps(finished_run, methods=["grad_cam"], limit=3, n_resamples=100)
    assert len({sample.unit for sample in some.samples}) == len(some.samples) == 3
    assert (some.facts["images"], some.facts["with_tumor"]) == (3, 6)


def test_other_data_is_measured_if_the_run_has_not_seen_it(finished_run: Run, tmp_path: Path) -> None:
    other = open_table(make(tmp_path / "other", patients=4, slices=1, size=64, seed=8))
    fresh = measure_maps(finished_run, table=other, methods=["grad_cam"], n_resamples=100)
    assert fresh.facts["part"] == "all"
    assert fresh.facts["foreign"] is True
    assert any("other data than the run's own" in text for text in fresh.caveats)
    with pytest.raises(SplitError, match="were in the run's training"):
        measure_maps(finished_run, table=finished_run.table(), methods=["grad_cam"])


def test_without_outlines_nothing_can_be_measured(finished_run: Run, tmp_path: Path) -> None:
    other = open_table(make(tmp_path / "other", patients=4, slices=1, size=64, seed=8))
    bare = replace(other, samples=tuple(replace(s, mask=None) for s in other.samples))
    with pytest.raises(DataError, match=r"none of 4 images has a mask that shows a tumor.*--data"):
        measure_maps(finished_run, table=bare)


def test_rectangles_are_refused_unless_asked_for(finished_run: Run, tmp_path: Path) -> None:
    boxes = Table("boxes", tuple(_boxed(tmp_path, i) for i in range(3)), finished_run.spec.classes)
    with pytest.raises(DataError, match=r"3 of 3 true masks .* are filled rectangles"):
        measure_maps(finished_run, table=boxes)
    found = measure_maps(finished_run, table=boxes, methods=["grad_cam"], rectangles=True, n_resamples=100)
    assert found.facts["images"] == 3


def test_a_method_that_does_not_exist_is_an_error(finished_run: Run) -> None:
    with pytest.raises(ModelError, match="did you mean grad_cam"):
        measure_maps(finished_run, methods=["gradcam"])
    with pytest.raises(ModelError, match="gives no map by mask"):
        measure_maps(finished_run, methods=["mask"])


def test_what_a_network_draws_is_measured_as_a_map_of_its_own(segmentation_run: Run) -> None:
    found = measure_maps(segmentation_run, methods=["mask", "attention"], limit=2, n_resamples=100)
    assert [row.name for row in found.methods] == ["mask", "attention"]
    drawn = found.methods[0].sanity
    assert drawn is not None
    assert drawn.stages[0].name == "segment"
    assert drawn.stages[0].reaches


def _boxed(folder: Path, number: int) -> Sample:
    mask = np.zeros((40, 40), np.uint8)
    mask[10:20, 10 + number : 24] = 255
    gray = np.random.default_rng(number).integers(256, size=(40, 40), dtype=np.uint8)
    image = scans.save(folder / f"{number}.png", gray)
    return Sample(f"boxes/{number}", image, "glioma", scans.save(folder / f"{number}-mask.png", mask))
