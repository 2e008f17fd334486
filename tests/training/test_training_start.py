"""A run is resumed only in its own folder, and only with what it was started with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures.refusal import assert_refused
from tests.fixtures.tiny_datasets import class_folders
from tumorlens.datasets import Table, fingerprint, open_table
from tumorlens.errors import ResultsFolderError, RunError
from tumorlens.training import load_recipe
from tumorlens.training.training_start import STARTED, TrainingStart, check_resumable, check_same_start


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return open_table(class_folders(tmp_path / "set", {"glioma": 2, "no_tumor": 2}))


def start(table: Table, *settings: str, seed: int = 0, masks: bool = False) -> TrainingStart:
    return TrainingStart.of(table, load_recipe("demo", settings), seed, masks=masks)


def test_what_was_started_is_read_again(table: Table, tmp_path: Path) -> None:
    written = start(table, "epochs=3", seed=7)
    written.write(tmp_path)
    assert TrainingStart.read(tmp_path) == written
    assert written.data_fingerprint == fingerprint(table)
    assert written.mask_fingerprint is None
    assert start(table, masks=True).mask_fingerprint == fingerprint(table, masks=True)
    check_same_start(tmp_path, start(table, "epochs=3", seed=7))


def test_every_other_setting_is_named_with_both_values(table: Table, tmp_path: Path) -> None:
    start(table, "epochs=3").write(tmp_path)
    with assert_refused(RunError) as caught:
        check_same_start(tmp_path, start(table, "epochs=4", "optimizer.lr=0.5", seed=1))
    message = caught.value.found
    assert "recipe.epochs was 3 and is 4" in message
    assert "recipe.optimizer.lr was " in message
    assert "seed was 0 and is 1" in message
    assert "data_fingerprint" not in message


def test_changed_images_are_other_data(table: Table, tmp_path: Path) -> None:
    start(table).write(tmp_path)
    table.samples[0].image.write_bytes(b"another image")
    with assert_refused(RunError, found="data_fingerprint was"):
        check_same_start(tmp_path, start(table))


def test_a_recipe_key_that_the_run_did_not_know_has_its_default(table: Table, tmp_path: Path) -> None:
    start(table).write(tmp_path)
    content = json.loads((tmp_path / STARTED).read_text())
    del content["recipe"]["prior_correction"]
    (tmp_path / STARTED).write_text(json.dumps(content))
    assert TrainingStart.read(tmp_path) == start(table)
    check_same_start(tmp_path, start(table))


def test_a_recipe_key_that_no_longer_exists_is_a_difference(table: Table, tmp_path: Path) -> None:
    start(table).write(tmp_path)
    content = json.loads((tmp_path / STARTED).read_text())
    content["recipe"]["magic"] = 5
    (tmp_path / STARTED).write_text(json.dumps(content))
    with assert_refused(RunError, found=r"recipe\.magic was 5 and is None"):
        check_same_start(tmp_path, start(table))


@pytest.mark.parametrize("content", ["{", "{}", '{"schema_version": 2}'])
def test_a_damaged_start_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / STARTED).write_text(content)
    with assert_refused(RunError, found="damaged"):
        TrainingStart.read(tmp_path)


def test_a_new_folder_and_one_of_others_need_no_resuming(tmp_path: Path) -> None:
    check_resumable(tmp_path / "does-not-exist", resume=False)
    (tmp_path / "notes.txt").write_text("mine")
    check_resumable(tmp_path, resume=False)


def test_only_what_was_started_can_be_resumed_and_is_not_started_again(tmp_path: Path) -> None:
    with assert_refused(RunError, found="nothing to resume", advice="without --resume"):
        check_resumable(tmp_path, resume=True)
    (tmp_path / STARTED).write_text("{}")
    check_resumable(tmp_path, resume=True)
    with assert_refused(ResultsFolderError, found="a run was started", advice="continue it with --resume"):
        check_resumable(tmp_path, resume=False)
