"""A reproduction trains both protocols and compares them in one table; wrong input is an error of one line."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import published_datasets
from tests.fixtures.html import Page, check_footer
from tests.fixtures.plain_charts import leave_charts_out
from tests.fixtures.refusal import assert_refused
from tumorlens import load_run
from tumorlens.auditing import build_index
from tumorlens.auditing import leak_check as guard
from tumorlens.comparison.compare import compare
from tumorlens.datasets import Table, open_table
from tumorlens.errors import DataError, ModelError, ResultsFolderError
from tumorlens.experiments.reproduction.reproduce import reproduce
from tumorlens.experiments.reproduction.reproduction_files import reproduction_page
from tumorlens.experiments.reproduction.reproduction_result import Reproduction

pytestmark = pytest.mark.usefixtures("plain_charts")
SMALL = (
    "model=mini_resnet", "pretrained=none", "dropout=null", "precise_batch_norm=false", "precision=float32",
    "input={size: 32}", "epochs=1", "batch_size=8",
)  # fmt: skip
STEPS: list[tuple[str, int, int | None]] = []
"""What the reproduction of these tests has reported as its progress."""


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return published_datasets.phantom_heads(tmp_path_factory.mktemp("heads") / "set")


@pytest.fixture(scope="module")
def yes_no(phantoms: Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published_datasets.navoneel(tmp_path_factory.mktemp("navoneel"), phantoms)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reproduced") / "four"


@pytest.fixture(scope="module")
def found(yes_no: Path, out: Path, shared_cache: Path) -> Reproduction:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUMORLENS_CACHE", str(shared_cache))
        leave_charts_out(patch)
        return reproduce(
            "brainmrnet", [yes_no], out, overrides=SMALL, quick=True, seed=3, n_resamples=100,
            progress=lambda *step: STEPS.append(step),
        )  # fmt: skip


@pytest.mark.usefixtures("found")
def test_progress_counts_training_and_evaluation_of_both_protocols() -> None:
    assert sum(stage == "training" and done == 0 for stage, done, _ in STEPS) == 2
    assert sum(stage == "inference" and done == 0 for stage, done, _ in STEPS) == 2


def test_the_table_has_claimed_published_and_leak_free_metrics(found: Reproduction) -> None:
    accuracy, auroc, clean = found.rows
    assert accuracy.claimed
    assert accuracy.published
    assert accuracy.leak_free
    assert (accuracy.claimed.value, accuracy.claimed.n) == (0.88, 50)
    assert accuracy.published.unit == accuracy.leak_free.unit == "image"
    assert accuracy.published.units == accuracy.published.n  # images are sampling units, as for its authors
    assert accuracy.leak_free.units < accuracy.leak_free.n  # duplicates are one sampling unit
    assert auroc.label == "macro AUROC"
    assert clean.label == "accuracy, images without leakage"
    assert clean.published
    assert clean.published.n < accuracy.published.n


def test_the_explanation_names_the_flaw_and_counts_the_leaked_images(found: Reproduction) -> None:
    leakage = found.published.leakage["test"]
    assert leakage
    assert "the test images also select the epoch" in found.explanation
    assert f"Of {leakage.images} test images, {leakage.duplicates} have a duplicate in train" in found.explanation
    assert "\n" not in found.explanation


def test_another_network_and_a_quick_run_are_caveats(found: Reproduction) -> None:
    assert any(text == "The claim is for brainmrnet; the trained network is mini_resnet." for text in found.caveats)
    assert any("Quick run: 52 images, at most 1 epochs, 32 x 32 pixels" in text for text in found.caveats)
    assert any("96.05 %" in text for text in found.caveats)


def test_the_runs_are_complete_runs_with_evaluations(found: Reproduction, out: Path) -> None:
    published, leak_free = load_run(out / "published"), load_run(out / "leak_free")
    assert published.record.leaks
    assert leak_free.record.leaks == ()
    assert compare(published, leak_free, common=True, n_resamples=100).caveats


def test_a_network_that_predicts_one_class_only_is_a_caveat(found: Reproduction) -> None:
    metrics = found.leak_free.primary.metrics
    caveat = "The network of the leak-free protocol predicts one class for every image"
    for confusion_matrix, expected in ((np.array([[6, 0], [5, 0]]), True), (np.array([[6, 0], [4, 1]]), False)):
        primary = replace(found.leak_free.primary, metrics=replace(metrics, confusion_matrix=confusion_matrix))
        other = replace(found, leak_free=replace(found.leak_free, evaluations={"test": primary}))
        assert any(text.startswith(caveat) for text in other.caveats) is expected


def test_the_reference_documents_every_key(found: Reproduction, out: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "files.md").read_text()
    rows = re.findall(r"(?:^\|.*\n)+", page.partition("### `reproduction.json`")[2], re.MULTILINE)[0]
    written = json.loads((out / "reproduction.json").read_text())
    documented = re.findall(r"`([^`]+)`", " ".join(row.split("|")[1] for row in rows.splitlines()))
    assert sorted(documented) == sorted(written)
    assert set(written["protocols"]["leak_free"]) | set(written["rows"][0]) <= set(re.findall(r"`([^`]+)`", rows))


def test_files_have_the_results(found: Reproduction, out: Path) -> None:
    written = json.loads((out / "reproduction.json").read_text())
    assert written["quick"] is True
    assert written["model"] == "mini_resnet"
    assert written["claimed_network"] == "brainmrnet"
    assert written["explanation"] == found.explanation
    assert written["rows"][0]["leak_free"]["value"] == pytest.approx(found.rows[0].leak_free.value)  # type: ignore[union-attr]
    assert written["protocols"]["published"]["leakage"]["test"]["with_duplicate_in_train"] > 0
    assert written["protocols"]["leak_free"]["leakage"] == {}
    record = json.loads((out / "run.json").read_text())
    assert record["verb"] == "reproduce"
    assert record["seed"] == 3
    page = (out / "report.html").read_text()
    assert page == reproduction_page(found, out, record)
    check_footer(out)
    assert "88.0 % (76.2 to 94.4)" in Page(page).text
    assert "Quick run" in page


def test_a_finished_folder_is_an_error_and_can_be_resumed(found: Reproduction, yes_no: Path, out: Path) -> None:
    again = {"overrides": SMALL, "quick": True, "seed": 3, "n_resamples": 100}
    with assert_refused(ResultsFolderError, found="holds results of 'reproduce'"):
        reproduce(4, [yes_no], out, **again)
    before = (out / "leak_free" / "weights.safetensors").stat().st_mtime_ns
    resumed = reproduce(4, [yes_no], out, resume=True, **again)
    assert (out / "leak_free" / "weights.safetensors").stat().st_mtime_ns == before
    assert resumed.rows == found.rows


def test_method_3_is_evaluated_on_its_training_images_and_on_the_official_test(phantoms: Table, tmp_path: Path) -> None:
    data = published_datasets.nickparvar(tmp_path / "set", phantoms)
    found = reproduce(3, [data], tmp_path / "out", overrides=SMALL, n_resamples=100)
    accuracy, _, official = found.rows
    assert accuracy.published
    assert official.published
    assert accuracy.published.n == sum(s.split == "train" for s in found.published.run.table().samples)
    assert official.label == "accuracy, test images"
    assert official.published.n == 20  # all of them are mirrored in Training, so there is no row without leakage
    assert found.published.recipe.stop.keep == "last"
    assert "evaluated on its training images" in found.explanation
    assert (tmp_path / "out" / "published" / "evaluations" / "train" / "report.html").is_file()


def test_method_2_is_evaluated_on_box_masks_and_then_on_outlines(
    phantoms: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices = published_datasets.figshare(tmp_path / "figshare", phantoms)
    index = (build_index(open_table(slices)),)
    for place in (guard, sys.modules["tumorlens.auditing.provenance.source_reference_masks"]):
        monkeypatch.setattr(place, "shipped_indexes", lambda: index)
    data = [published_datasets.export(tmp_path / "export", phantoms), slices]
    small = [value for value in SMALL if not value.startswith(("model", "dropout"))]
    found = reproduce(
        2, data, tmp_path / "out", network="efficient_mtnet_s", overrides=small, quick=True, n_resamples=100
    )
    published, leak_free = (result.primary.segmentation for result in (found.published, found.leak_free))
    assert published is not None
    assert leak_free is not None
    assert published.boxes == published.masks
    assert leak_free.boxes == 0
    assert any("bounding boxes, not contours" in text for text in found.published.primary.caveats)
    leakage = found.published.leakage["test"]
    assert leakage is not None
    assert leakage.leaked_segmentation is not None
    assert {row.metric for row in found.rows} >= {"dice", "iou"}


def test_other_datasets_than_needed_are_an_error_with_the_download_command(yes_no: Path, tmp_path: Path) -> None:
    with assert_refused(
        DataError, found="^navoneel found", expected="published method 3", advice="tumorlens data get nickparvar"
    ):
        reproduce(3, [yes_no], tmp_path / "out")
    with assert_refused(
        DataError, found="1 data sets given", expected="coco and then figshare, for published method 2"
    ):
        reproduce(2, [yes_no], tmp_path / "out")
    with assert_refused(DataError, found="no such folder", expected="published method 5"):
        reproduce(5, [tmp_path / "nowhere"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_missing_pretrained_weights_are_an_error_before_training_with_alternatives(
    phantoms: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> str:
        raise ModelError("efficientnet_b0_transformer: the hub cannot be reached")

    monkeypatch.setattr(sys.modules["tumorlens.experiments.reproduction.reproduce"], "load_pretrained", unreachable)
    data = published_datasets.figshare(tmp_path / "set", phantoms)
    ways = "--set model=efficientnet_lite0_transformer --set pretrained=package.*--set pretrained=none"
    with assert_refused(ModelError, found="the hub cannot be reached", advice=ways):
        reproduce(5, [data], tmp_path / "out", network="efficientnet_b0_transformer")
    assert not (tmp_path / "out").exists()


def test_the_repr_is_one_short_line(found: Reproduction) -> None:
    assert repr(found).startswith("Reproduction(")
    assert "\n" not in repr(found)
    assert len(repr(found)) < 200
