"""A test subset that leaks from train is measured as leaked and clean images, and the report says so first."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fixtures.html import Page
from tests.fixtures.leaky_dataset import make_leaky_dataset
from tests.fixtures.refusal import assert_refused
from tumorlens.auditing import split_given
from tumorlens.datasets import Table, open_table
from tumorlens.errors import LeakError
from tumorlens.evaluation import Evaluation, evaluate
from tumorlens.evaluation.analyses.leakage.result import LeakageResult
from tumorlens.evaluation.page.evaluation_page import evaluation_page
from tumorlens.training import Run, load_recipe, train

pytestmark = pytest.mark.usefixtures("plain_charts")

RECIPE = load_recipe("demo", ["input.size=48", "epochs=1", "batch_size=4", "stop.keep=last"])


def leakage(evaluation: Evaluation) -> LeakageResult:
    result = evaluation.analyses["leakage"]
    assert isinstance(result, LeakageResult)
    return result


@pytest.fixture
def leaky_dataset(phantom_table: Table, tmp_path: Path) -> Table:
    folder = make_leaky_dataset(tmp_path / "leaky", phantom_table)
    (folder / "train" / "no_tumor" / "broken.png").unlink()
    return split_given(open_table(folder), val=0)


def test_training_on_a_leak_stops_before_anything_is_written(leaky_dataset: Table, tmp_path: Path) -> None:
    with assert_refused(LeakError, found="6 of 14 test images have a duplicate in train"):
        train(leaky_dataset, RECIPE, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_with_a_leak_is_measured_on_leaked_and_on_clean_images(leaky_dataset: Table, tmp_path: Path) -> None:
    run = train(leaky_dataset, RECIPE, tmp_path / "run", allow_leak=True)
    assert [leak.model_dump() for leak in run.record.leaks] == [
        {"subset": "test", "by": "duplicate", "images": 6, "of": 14}
    ]
    found = evaluate(run, n_resamples=100)
    result = leakage(found)
    assert result.leaked is not None
    assert result.clean is not None
    whole, leaked, clean = (m.overall["accuracy"] for m in (found.metrics, result.leaked, result.clean))
    assert (whole.n, leaked.n, clean.n) == (14, 6, 8)
    assert 14 * whole.value == pytest.approx(6 * leaked.value + 8 * clean.value)
    assert found.caveats[0].startswith(
        "6 of 14 images leak from train (6 have a duplicate there, 0 show a patient of train)"
    )
    assert found.to_dict()["analyses"]["leakage"]["with_duplicate_in_train"] == 6
    assert "leaked from train" in evaluation_page(run, found)


def test_a_run_without_a_leak_has_no_leakage_result(finished_run: Run) -> None:
    found = evaluate(finished_run, n_resamples=100)
    assert "leakage" not in found.analyses


def test_duplicates_of_training_images_in_external_data_are_found(
    finished_run: Run, phantom_table: Table, tmp_path: Path
) -> None:
    trained = [s for s in phantom_table.samples if s.split == "train"][:2]
    held = [s for s in phantom_table.samples if s.split == "test"]
    for i, sample in enumerate([*trained, *held]):
        place = tmp_path / "other" / sample.label / f"{i}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(sample.image.read_bytes())
    found = evaluate(finished_run, table=open_table(tmp_path / "other"), n_resamples=100)
    assert (leakage(found).duplicates, leakage(found).images) == (2, len(held) + 2)


def test_segmentation_is_measured_on_leaked_and_on_clean_images_too(
    segmentation_run: Run, phantom_table: Table, tmp_path: Path
) -> None:
    trained = [s for s in phantom_table.samples if s.split == "train" and s.mask][:3]
    held = [s for s in phantom_table.samples if s.split == "test"]
    samples = []
    for i, sample in enumerate([*trained, *held]):
        image = tmp_path / "other" / f"{i}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(sample.image.read_bytes())
        samples.append(replace(sample, id=f"other/{i}", image=image, group=None, split=None))
    table = Table("other", tuple(samples), phantom_table.classes)
    found = evaluate(segmentation_run, table=table, n_resamples=100)
    result = leakage(found)
    whole, leaked, clean = found.segmentation, result.leaked_segmentation, result.clean_segmentation
    assert whole is not None
    assert leaked is not None
    assert clean is not None
    assert (whole.masks, leaked.masks, clean.masks) == (9, 3, 6)
    parts = 3 * leaked.overall["dice"].value + 6 * clean.overall["dice"].value
    assert 9 * whole.overall["dice"].value == pytest.approx(parts)
    assert found.caveats[0].endswith(f"Dice {clean.overall['dice']}.")
    plain = json.loads(json.dumps(found.to_dict()["analyses"]["leakage"]))
    assert plain["clean"]["segmentation"]["overall"]["dice"]["value"] == clean.overall["dice"].value
    assert str(leaked.overall["dice"]) in Page(evaluation_page(segmentation_run, found)).text
