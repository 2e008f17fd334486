"""A run is not evaluated on images that its initial weights were trained on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from tests.fixtures.refusal import assert_refused
from tumorlens.auditing import find_linked_groups
from tumorlens.auditing.issues import SourceMatch
from tumorlens.datasets import Table
from tumorlens.errors import LeakError, ModelError
from tumorlens.models import create
from tumorlens.training import load_recipe, train
from tumorlens.training.pretraining_leak import check_pretraining_leak, pretraining_sets


def written(path: Path, *sets: str) -> Path:
    """Weights of the demo's network, with a card that lists these data sets."""
    card = {"training": {"datasets": [{"name": name} for name in sets]}}
    state = create("mini_resnet", 4, channels=1).state_dict()
    save_file(state, path, metadata={"tumorlens": json.dumps(card)} if sets else None)
    return path


def test_training_stops_if_the_initial_weights_were_trained_on_the_test_data(
    phantom_table: Table, tmp_path: Path
) -> None:
    leaking = written(tmp_path / "leaking.safetensors", "phantom")
    small = ("input.size=32", "epochs=1", "batch_size=4")
    recipe = load_recipe("demo", [*small, f"pretrained={leaking}"])
    with assert_refused(
        LeakError, found="16 images of val and test are of phantom, and the initial weights, .*leaking"
    ):
        train(phantom_table, recipe, tmp_path / "run", allow_leak=True)
    other = written(tmp_path / "other.safetensors", "figshare")
    run = train(phantom_table, load_recipe("demo", [*small, f"pretrained={other}"]), tmp_path / "run")
    assert run.record.pretrained == "other.safetensors"


def test_a_duplicate_from_a_pretraining_set_is_recognized_under_another_name(
    phantom_table: Table, tmp_path: Path
) -> None:
    groups = find_linked_groups(phantom_table)
    position = next(i for i, sample in enumerate(phantom_table.samples) if sample.split == "test")
    match = SourceMatch(position, "figshare", "17", "a", "glioma", 0, 0.99)
    figshare = str(written(tmp_path / "figshare.safetensors", "figshare"))
    check_pretraining_leak(phantom_table, groups, figshare)
    with assert_refused(LeakError, found="1 images of val and test are of figshare"):
        check_pretraining_leak(phantom_table, replace(groups, source_matches=(match,)), figshare)


def test_only_a_file_with_a_card_lists_its_training_sets(tmp_path: Path) -> None:
    assert pretraining_sets("imagenet") == frozenset()
    assert pretraining_sets(str(written(tmp_path / "plain.safetensors"))) == frozenset()
    torch.save({}, tmp_path / "weights.pt")
    assert pretraining_sets(str(tmp_path / "weights.pt")) == frozenset()
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "plain.safetensors").read_bytes()[:300])
    with assert_refused(ModelError, file="cut.safetensors$", found="not readable as weights"):
        pretraining_sets(str(tmp_path / "cut.safetensors"))
    # The healthy images of one set are all of another's, under other names.
    assert pretraining_sets(str(written(tmp_path / "w.safetensors", "no_tumor"))) == {"no_tumor", "nickparvar"}
