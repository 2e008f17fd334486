"""Training writes all files of a run, can be interrupted and resumed at any moment, and is reproducible."""

from __future__ import annotations

import json
import logging
import math
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch

from tests.fixtures.refusal import assert_refused
from tests.fixtures.runs import equal, weights
from tumorlens.datasets import Table
from tumorlens.datasets.data_records import SampleCount
from tumorlens.errors import (
    DataError,
    ModelError,
    RecipeError,
    ResultsFolderError,
    RunError,
    SplitError,
    TumorlensError,
)
from tumorlens.scan import InputGeometry
from tumorlens.training import Recipe, Run, load_recipe, load_run, train
from tumorlens.training.loop.epoch_log import read_history

SMALL = ("input.size=32", "batch_size=4", "epochs=3")
# Every piece of state that a resume must bring back: momentum, schedule, best epoch, dropout, augmentation.
SCHEDULES = {
    "onecycle": (),
    "cosine": ("schedule={name: cosine, warmup: 1}", "optimizer={name: adam, lr: 1.0e-3}", "dropout=0.5"),
    "plateau": ("schedule={name: plateau, factor: 0.1, patience: 0}", "optimizer={name: sgd, lr: 0.05}"),
}


def _recipe(*overrides: str) -> Recipe:
    return load_recipe("demo", [*SMALL, *overrides])


def _without(table: Table, subset: str) -> Table:
    return table.filter(lambda s: s.split != subset)


def test_training_lowers_the_loss_and_writes_all_files(phantom_table: Table, tmp_path: Path) -> None:
    recipe = _recipe("epochs=8", "stop={keep: last, checkpoint_every: 3}")
    run = train(phantom_table, recipe, tmp_path / "run")
    losses = [float(row["train_loss"]) for row in read_history(run.folder / "history.csv")]
    assert len(losses) == 8
    assert losses[-1] < 0.6 * losses[0]
    files = {p.relative_to(run.folder).as_posix() for p in run.folder.rglob("*") if p.is_file()}
    assert set(run.record.outputs) | {"run.json", "started.json"} <= files
    assert {p for p in files if p.endswith(".ckpt")} == {
        f"checkpoints/{name}.ckpt" for name in ("best", "last", "epoch-3", "epoch-6")
    }
    assert any(p.startswith("tensorboard/events.out.tfevents") for p in files)
    assert not [p for p in files if p.endswith(".part")]


def test_a_loaded_run_has_its_data_its_network_and_its_recipe(phantom_table: Table, tmp_path: Path) -> None:
    recipe = _recipe("epochs=1", "stop.keep=last")
    run = train(phantom_table, recipe, tmp_path / "run", seed=3)
    again = load_run(run.folder)
    assert again.spec == run.spec
    assert again.table().split_hash == phantom_table.split_hash == again.record.split_hash
    assert again.record.counts["train"] == SampleCount(images=8, patients=4)
    assert (again.record.seed, again.record.precision, again.record.batch_size) == (3, "float32", 4)
    assert again.record.images_per_second > 0
    assert load_recipe(run.folder / "recipe.yaml") == recipe
    images = torch.zeros(2, 50, 40, dtype=torch.uint8)
    with torch.no_grad():
        torch.testing.assert_close(again.pipeline()(images).probabilities.sum(1), torch.ones(2))


def test_a_run_with_a_head_crop_trains_and_is_evaluated(phantom_table: Table, tmp_path: Path) -> None:
    from tumorlens.evaluation import evaluate, evaluation_page

    run = train(phantom_table, _recipe("epochs=1", "input.crop=head"), tmp_path / "run")
    assert load_run(run.folder).spec.input_geometry == InputGeometry(32, crop="head")
    evaluation = evaluate(run, n_resamples=100)
    assert all(box != (0, 0, 64, 64) for box in evaluation.boxes)
    assert len(evaluation.boxes) == len(evaluation.samples)
    assert "those with the highest confidence are shown" in evaluation_page(run, evaluation)


def test_the_same_seed_gives_bit_identical_weights_and_another_seed_others(
    phantom_table: Table, tmp_path: Path
) -> None:
    one, two, other = (
        train(phantom_table, _recipe("precision=bf16"), tmp_path / name, seed=seed)
        for name, seed in (("one", 1), ("two", 1), ("other", 2))
    )
    assert equal(one, two)
    assert not equal(one, other)


@pytest.mark.parametrize("keep", ["best", "last"])
@pytest.mark.parametrize("schedule", list(SCHEDULES))
def test_a_resumed_run_equals_an_uninterrupted_one(
    schedule: str, keep: str, phantom_table: Table, tmp_path: Path, kill: Callable[..., None]
) -> None:
    recipe = _recipe(*SCHEDULES[schedule], f"stop.keep={keep}", "augment.noise=0.1")
    whole = train(phantom_table, recipe, tmp_path / "whole")
    kill(phantom_table, recipe, tmp_path / "broken", 2)
    (tmp_path / "broken").rename(tmp_path / "moved")  # as between two machines
    resumed = train(phantom_table, recipe, tmp_path / "moved", resume=True)
    assert equal(whole, resumed)
    assert resumed.record.epoch_kept == whole.record.epoch_kept
    assert resumed.record.resumed
    assert all(float(row["images_per_second"]) > 1 for row in read_history(resumed.folder / "history.csv"))
    rows = [
        [{k: v for k, v in row.items() if k != "images_per_second"} for row in read_history(r.folder / "history.csv")]
        for r in (whole, resumed)
    ]
    assert rows[0] == rows[1]


def test_an_interruption_between_two_checkpoints_of_an_epoch_does_no_harm(
    phantom_table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, save = _recipe(), L.Trainer.save_checkpoint
    whole = train(phantom_table, recipe, tmp_path / "whole")

    def interrupted(trainer: L.Trainer, path: Path, weights_only: bool = False) -> None:
        if path.name == "last.ckpt" and trainer.current_epoch == 1:
            raise KeyboardInterrupt
        save(trainer, path, weights_only)

    with monkeypatch.context() as patch:
        patch.setattr(L.Trainer, "save_checkpoint", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(phantom_table, recipe, tmp_path / "broken")
    assert equal(whole, train(phantom_table, recipe, tmp_path / "broken", resume=True))


def test_a_run_interrupted_in_its_first_epoch_starts_again(
    phantom_table: Table, tmp_path: Path, kill: Callable[..., None]
) -> None:
    kill(phantom_table, _recipe(), tmp_path / "broken", 1)
    with assert_refused(RunError, found=r"weights\.safetensors.* not found", expected="the folder of a finished"):
        load_run(tmp_path / "broken")
    resumed = train(phantom_table, _recipe(), tmp_path / "broken", resume=True)
    assert equal(resumed, train(phantom_table, _recipe(), tmp_path / "whole"))


@pytest.mark.parametrize("stop", ["stop={}", "stop={patience: 1}"])
def test_a_run_interrupted_while_writing_its_weights_only_writes_them(
    stop: str, phantom_table: Table, tmp_path: Path
) -> None:
    recipe = _recipe("epochs=6", "optimizer.lr=0.1", stop)
    whole = train(phantom_table, recipe, tmp_path / "run")
    learned = weights(whole)
    for name in ("weights.safetensors", "run.json"):
        (whole.folder / name).unlink()
    resumed = train(phantom_table, recipe, whole.folder, resume=True)
    assert all(torch.equal(value, learned[key]) for key, value in weights(resumed).items())
    assert resumed.record.epochs_trained == whole.record.epochs_trained


def test_ctrl_c_works_again_after_ctrl_c(phantom_table: Table, tmp_path: Path, kill: Callable[..., None]) -> None:
    before = signal.getsignal(signal.SIGINT)
    kill(phantom_table, _recipe(), tmp_path / "broken", 1)
    assert signal.getsignal(signal.SIGINT) is before


def test_resuming_a_finished_run_returns_it_unchanged(phantom_table: Table, tmp_path: Path) -> None:
    run = train(phantom_table, _recipe("epochs=1"), tmp_path / "run")
    written = (run.folder / "run.json").stat().st_mtime_ns
    assert train(phantom_table, _recipe("epochs=1"), run.folder, resume=True).record == run.record
    assert (run.folder / "run.json").stat().st_mtime_ns == written


def test_a_run_is_never_overwritten(phantom_table: Table, tmp_path: Path, kill: Callable[..., None]) -> None:
    kill(phantom_table, _recipe(), tmp_path / "run", 2)
    with assert_refused(ResultsFolderError, found="a run was started", advice="continue it with --resume"):
        train(phantom_table, _recipe(), tmp_path / "run")
    (tmp_path / "file").write_text("mine")
    with assert_refused(ResultsFolderError, found="is a file"):
        train(phantom_table, _recipe(), tmp_path / "file")


def test_there_must_be_something_to_resume(phantom_table: Table, tmp_path: Path) -> None:
    with assert_refused(RunError, found="nothing to resume", advice="train without --resume"):
        train(phantom_table, _recipe(), tmp_path / "none", resume=True)


@pytest.mark.parametrize(
    ("overrides", "seed", "table", "difference"),
    [
        (["optimizer.lr=0.5", "epochs=9"], 0, None, r"recipe\.epochs was 3 and is 9, recipe\.optimizer\.lr was 0\.004"),
        ([], 1, None, "seed was 0 and is 1"),
        ([], 0, "val", r"split_hash was \w+ and is \w+, data_fingerprint was"),
    ],
)
def test_a_run_is_resumed_only_with_the_settings_it_was_started_with(
    overrides: list[str],
    seed: int,
    table: str | None,
    difference: str,
    phantom_table: Table,
    tmp_path: Path,
    kill: Callable[..., None],
) -> None:
    kill(phantom_table, _recipe("stop.keep=last"), tmp_path / "run", 2)
    other = _without(phantom_table, table) if table else phantom_table
    with assert_refused(RunError, found=difference):
        train(other, _recipe("stop.keep=last", *overrides), tmp_path / "run", seed=seed, resume=True)


def test_a_run_started_before_a_key_existed_is_resumed_with_its_default(
    phantom_table: Table, tmp_path: Path, kill: Callable[..., None]
) -> None:
    folder = tmp_path / "run"
    kill(phantom_table, _recipe(), folder, 2)
    start = json.loads((folder / "started.json").read_text())
    del start["recipe"]["loss"]["cam_guidance"]
    (folder / "started.json").write_text(json.dumps(start))
    with assert_refused(RunError, found=r"recipe\.loss\.cam_guidance was 0\.0 and is 1\.0"):
        train(phantom_table, _recipe("loss.cam_guidance=1"), folder, resume=True)
    assert train(phantom_table, _recipe(), folder, resume=True).record.resumed


def test_a_run_started_with_a_key_that_no_longer_exists_is_not_resumed(
    phantom_table: Table, tmp_path: Path, kill: Callable[..., None]
) -> None:
    folder = tmp_path / "run"
    kill(phantom_table, _recipe(), folder, 2)
    start = json.loads((folder / "started.json").read_text())
    start["recipe"]["loss"]["forgotten"] = 2
    (folder / "started.json").write_text(json.dumps(start))
    with assert_refused(RunError, found=r"recipe\.loss\.forgotten was 2 and is None"):
        train(phantom_table, _recipe(), folder, resume=True)


def test_the_kept_epoch_is_the_one_with_the_lowest_validation_loss(phantom_table: Table, tmp_path: Path) -> None:
    recipe = _recipe("epochs=5", "optimizer.lr=0.02")
    best, last = (
        train(phantom_table, recipe.model_copy(update={"stop": recipe.stop.model_copy(update={"keep": keep})}), out)
        for keep, out in (("best", tmp_path / "best"), ("last", tmp_path / "last"))
    )
    history = read_history(best.folder / "history.csv")
    lowest = min(history, key=lambda row: float(row["val_loss"]))
    assert best.record.epoch_kept == int(lowest["epoch"])
    assert best.record.validation["val_loss"] == float(lowest["val_loss"])
    assert last.record.epoch_kept == 5
    assert best.record.epoch_kept == 5 or not equal(best, last)
    kept = torch.load(best.folder / "checkpoints/best.ckpt", weights_only=True)
    assert kept["epoch"] + 1 == best.record.epoch_kept


def test_the_kept_epoch_can_be_the_most_accurate_one(phantom_table: Table, tmp_path: Path) -> None:
    run = train(phantom_table, _recipe("epochs=6", "optimizer.lr=0.02", "stop.monitor=val_accuracy"), tmp_path / "run")
    history = read_history(run.folder / "history.csv")
    best = max(history, key=lambda row: (float(row["val_accuracy"]), -float(row["val_loss"])))
    assert run.record.epoch_kept == int(best["epoch"])


def test_the_recorded_validation_metrics_are_those_of_the_kept_weights(phantom_table: Table, tmp_path: Path) -> None:
    run = train(phantom_table, _recipe("epochs=5", "optimizer.lr=0.02"), tmp_path / "run")
    val = run.table().subset("val")
    images = torch.stack([torch.from_numpy(_gray(s.image)) for s in val.samples])
    with torch.no_grad():
        logits = run.pipeline()(images).logits
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(val.labels))
    assert float(loss) == pytest.approx(run.record.validation["val_loss"], abs=0.02)  # cached images are rounded


def _gray(path: Path) -> Any:
    from tumorlens.scan import read_scan

    return read_scan(path).gray()


def test_early_stopping_ends_a_run_without_improvement(phantom_table: Table, tmp_path: Path) -> None:
    run = train(phantom_table, _recipe("epochs=30", "optimizer.lr=0.1", "stop.patience=2"), tmp_path / "run")
    assert run.record.epochs_trained == run.record.epoch_kept + 2 < 30


def test_balanced_class_weights_have_an_effect_with_unequal_classes(phantom_table: Table, tmp_path: Path) -> None:
    glioma = [s for s in phantom_table.samples if s.split == "train" and s.label == "glioma"]
    unequal = phantom_table.filter(lambda s: s != glioma[0])
    recipe = _recipe("epochs=1", "batch_size=8")
    balanced = _recipe("epochs=1", "batch_size=8", "loss.class_weights=balanced")
    plain = train(unequal, recipe, tmp_path / "plain")
    assert not equal(plain, train(unequal, balanced, tmp_path / "balanced"))
    with assert_refused(RecipeError, found="no training image is of glioma"):
        train(phantom_table.filter(lambda s: s not in glioma), balanced, tmp_path / "absent")


def test_without_validation_the_last_epoch_is_kept(phantom_table: Table, tmp_path: Path) -> None:
    table = _without(phantom_table, "val")
    run = train(table, _recipe("stop.keep=last"), tmp_path / "run")
    assert run.record.epoch_kept == 3
    assert run.record.validation == {}
    assert not (run.folder / "checkpoints/best.ckpt").exists()
    assert run.record.images_per_second > 0


@pytest.mark.parametrize(
    ("overrides", "removed", "error", "fields"),
    [
        ((), "val", SplitError, {"found": "no image is in subset 'val'"}),
        (("stop={keep: last, patience: 3}",), "val", SplitError, {"found": "no image is in subset 'val'"}),
        ((), "train", SplitError, {"found": "0 images are in subset 'train'", "expected": "at least 2"}),
        (("model=mini_resnett",), None, ModelError, {"advice": "did you mean mini_resnet"}),
        (("pretrained=imagenet",), None, ModelError, {"advice": "train it from scratch"}),
        (("input={mode: center_crop, resize: 64}",), None, RecipeError, {"expected": "at least the size, 128"}),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused_before_anything_is_written(
    overrides: tuple[str, ...],
    removed: str | None,
    error: type[TumorlensError],
    fields: dict[str, str],
    phantom_table: Table,
    tmp_path: Path,
) -> None:
    table = _without(phantom_table, removed) if removed else phantom_table
    with assert_refused(error, **fields):
        train(table, load_recipe("demo", overrides), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_seed_out_of_range_is_refused(phantom_table: Table, tmp_path: Path) -> None:
    with assert_refused(RunError, found="seed is -1", expected="0"):
        train(phantom_table, _recipe(), tmp_path / "run", seed=-1)


def test_a_patient_in_two_subsets_is_refused(phantom_table: Table, tmp_path: Path) -> None:
    group = next(s.group for s in phantom_table.samples if s.split == "train")
    leaking = replace(phantom_table, samples=tuple(replace(s, group=group) for s in phantom_table.samples))
    with assert_refused(SplitError, found="is in '"):
        train(leaking, _recipe(), tmp_path / "run")


def test_the_error_for_an_unreadable_image_names_it_before_anything_is_written(
    phantom_table: Table, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    first = replace(phantom_table.samples[0], image=broken)
    table = replace(phantom_table, samples=(first, *phantom_table.samples[1:]))
    with assert_refused(DataError, file=r"broken\.png"):
        train(table, _recipe(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_that_diverges_stops_with_an_error(phantom_table: Table, tmp_path: Path) -> None:
    recipe = _recipe("optimizer={name: sgd, lr: 1.0e+30}", "schedule.name=constant", "schedule.warmup=0")
    with assert_refused(RunError, found=r"epoch 1: \w+_loss is (nan|inf)", advice=r".* lower optimizer\.lr"):
        train(phantom_table, recipe, tmp_path / "run")
    assert not (tmp_path / "run/weights.safetensors").exists()


def test_training_restores_the_settings_of_torch(phantom_table: Table, tmp_path: Path) -> None:
    before = torch.get_deterministic_debug_mode(), torch.utils.deterministic.fill_uninitialized_memory
    train(phantom_table, _recipe("epochs=1"), tmp_path / "run")
    assert before == (torch.get_deterministic_debug_mode(), torch.utils.deterministic.fill_uninitialized_memory)


def test_every_epoch_is_one_log_message(phantom_table: Table, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "tumorlens.training.loop.epoch_log"):
        train(phantom_table, _recipe(), tmp_path / "run")
    assert [line.split()[1] for line in caplog.messages] == ["1/3", "2/3", "3/3"]
    assert all("val loss" in line and line.endswith("images/s") for line in caplog.messages)


def test_progress_names_each_stage_and_counts_it_to_its_end(
    phantom_table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUMORLENS_CACHE", str(tmp_path / "cache"))
    steps: list[tuple[str, int, int | None]] = []
    train(phantom_table, _recipe(), tmp_path / "run", progress=lambda *step: steps.append(step))
    last = {stage: (done, total) for stage, done, total in steps}
    assert {"hashing images", "reading images", "decoding images", "training"} <= set(last)
    assert all(done == total for done, total in last.values())
    counts = [done for stage, done, _ in steps if stage == "training"]
    assert counts == sorted(counts)
    assert counts[-1] == int(np.ceil(len(phantom_table.subset("train")) / _recipe().batch_size)) * 3


def test_progress_of_a_training_that_stops_early_reaches_its_end(phantom_table: Table, tmp_path: Path) -> None:
    steps: list[tuple[str, int, int | None]] = []
    recipe = _recipe("epochs=50", "stop.patience=1", "optimizer.lr=1.0e-9")
    run = train(phantom_table, recipe, tmp_path / "run", progress=lambda *step: steps.append(step))
    assert run.record.epochs_trained < 50
    assert steps[-1][0] == "training"
    assert steps[-1][1] == steps[-1][2]


def test_training_prints_nothing_by_itself(
    phantom_table: Table, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    train(phantom_table, _recipe("epochs=1"), tmp_path / "run")
    assert capfd.readouterr() == ("", "")


def test_the_schedule_changes_the_learning_rate(phantom_table: Table, tmp_path: Path) -> None:
    recipe = _recipe("epochs=4", "schedule={name: cosine, warmup: 1, start_lr: 1.0e-5}", "stop.keep=last")
    run = train(phantom_table, recipe, tmp_path / "run")
    rates = [float(row["lr"]) for row in read_history(run.folder / "history.csv")]
    assert rates[0] == pytest.approx(recipe.optimizer.lr)  # after the warm-up, the peak
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-6)
    assert all(math.isfinite(rate) for rate in rates)


def test_the_error_for_a_damaged_file_names_it(phantom_table: Table, tmp_path: Path) -> None:
    run = train(phantom_table, _recipe("epochs=1"), tmp_path / "run")
    (run.folder / "model.json").write_text(json.dumps({"model": "mini_resnet"}))
    with assert_refused(RunError, found=r"model\.json is damaged or of another version"):
        load_run(run.folder)


@pytest.mark.parametrize("version", [None, 2])
def test_a_record_of_another_version_is_refused(version: int | None, own_run: Run) -> None:
    path = own_run.folder / "run.json"
    record = json.loads(path.read_text())
    assert next(iter(record)) == "schema_version"
    del record["schema_version"]
    path.write_text(json.dumps(record if version is None else {"schema_version": version, **record}))
    with assert_refused(RunError, found=r"run\.json is damaged or of another version \(schema_version: "):
        load_run(own_run.folder)


def test_the_record_keeps_the_layout_of_its_file(own_run: Run) -> None:
    written = json.loads((own_run.folder / "run.json").read_text())
    assert own_run.record.to_dict() == written
