"""A run folder: what it holds is read, and what is missing or does not fit is refused by name."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.fixtures.refusal import assert_refused
from tumorlens.errors import ModelError, RunError
from tumorlens.training import Run, load_run
from tumorlens.training.run import MODEL, RECIPE, RECORD, SPLIT, WEIGHTS, is_finished


def test_a_run_stays_on_the_cpu_or_names_the_devices_that_are_there(
    finished_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert finished_run.on("cpu") == finished_run
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with assert_refused(ModelError, found="device cuda, and PyTorch", expected="a device that is there: cpu$"):
        finished_run.on("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert finished_run.on("cuda").device == "cuda"
    with assert_refused(ModelError, found="device tpu", expected="a device that is there: cpu, cuda$"):
        finished_run.on("tpu")


@pytest.mark.parametrize("name", [WEIGHTS, MODEL, SPLIT, RECORD])
def test_a_folder_without_one_of_its_files_is_no_run(own_run: Run, name: str) -> None:
    (own_run.folder / name).unlink()
    with assert_refused(RunError, found=f"{name} not found", expected="the folder of a finished"):
        load_run(own_run.folder)
    assert is_finished(own_run.folder) == (name != RECORD)


def test_a_damaged_description_of_the_network_is_refused(own_run: Run) -> None:
    for text in ("{", "{}", "[]"):
        (own_run.folder / MODEL).write_text(text)
        with assert_refused(RunError, found=f"{MODEL} is damaged or of another version"):
            load_run(own_run.folder)


def test_a_record_names_the_key_that_is_wrong(own_run: Run) -> None:
    record = json.loads((own_run.folder / RECORD).read_text())
    (own_run.folder / RECORD).write_text(json.dumps(record | {"seed": "none"}))
    with assert_refused(RunError, found=rf"{RECORD} is damaged or of another version \(seed:"):
        load_run(own_run.folder)


def test_weights_of_another_shape_are_refused(own_run: Run) -> None:
    tensors = load_file(own_run.folder / WEIGHTS)
    name = next(iter(tensors))
    save_file(tensors | {name: torch.zeros(1, 2, 3)}, own_run.folder / WEIGHTS)
    with assert_refused(ModelError, found="its weights do not fit", expected="weights of mini_resnet"):
        own_run.network()


def test_without_its_recipe_a_run_has_no_settings(own_run: Run) -> None:
    assert own_run.settings()["name"] == "demo"
    (own_run.folder / RECIPE).unlink()
    assert own_run.settings() == {}
