"""A recipe that does not fit the data stops before the first batch, and says which key to change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tumorlens.datasets import Sample, Table
from tumorlens.errors import RecipeError
from tumorlens.models import architecture_info
from tumorlens.training import image_cache as cache
from tumorlens.training import load_recipe, shipped, train
from tumorlens.training.checks import check_fit, count_masks, needs_masks

DRAWS = "efficient_mtnet_s"


def _masks(table: Table, keep: Callable[[Sample], bool]) -> Table:
    return replace(table, samples=tuple(s if keep(s) else replace(s, mask=None) for s in table.samples))


def _refused(table: Table, recipe: str, *overrides: str) -> str:
    with pytest.raises(RecipeError) as caught:
        check_fit(table, load_recipe(recipe, overrides))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        n
        for n in shipped()
        if not architecture_info(load_recipe(n).model).segments and not load_recipe(n).loss.cam_guidance
    ],
)
def test_every_shipped_recipe_takes_any_number_of_classes_and_needs_no_masks(name: str, phantom_table: Table) -> None:
    assert load_recipe(name).classes is None
    bare = _masks(phantom_table, lambda s: False)
    assert check_fit(bare, load_recipe(name)).classes == phantom_table.classes
    assert not needs_masks(load_recipe(name))


def test_a_recipe_for_two_classes_is_not_trained_on_four(
    phantom_table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "read_scan", None)  # decoding anything would fail otherwise
    with pytest.raises(RecipeError) as caught:
        train(phantom_table, load_recipe("brainmrnet", ["classes=2"]), tmp_path / "run")
    assert str(caught.value) == (
        "recipe brainmrnet: classes is 2 but phantom has 4 classes (glioma, meningioma, pituitary, no_tumor); "
        "set classes=4 (or null), or choose other data"
    )
    assert not (tmp_path / "run").exists()
    assert check_fit(phantom_table, load_recipe("brainmrnet", ["classes=4"])).model == "brainmrnet"


def test_drawing_needs_masks_and_says_where_they_are_to_be_had(phantom_table: Table) -> None:
    said = _refused(_masks(phantom_table, lambda s: s.split != "train"), DRAWS)
    assert "loss.mask is above 0, but none of the 8 training images of phantom has a mask; set loss.mask=0, or" in said
    assert "--reference-masks" in said
    check_fit(_masks(phantom_table, lambda s: False), load_recipe(DRAWS, ["loss.mask=0"]))


def test_a_guide_needs_masks_and_says_so(phantom_table: Table) -> None:
    bare = _masks(phantom_table, lambda s: s.split != "train")
    said = _refused(bare, "demo", "loss.cam_guidance=0.5")
    assert (
        "loss.cam_guidance is above 0, but none of the 8 training images of phantom has a mask; set loss.cam_guidance=0, or"
        in said
    )
    said = _refused(bare, "segment", "loss.cam_guidance=0.5")
    assert "loss.mask is above 0 and loss.cam_guidance is above 0, but none" in said
    assert "set loss.mask=0 and loss.cam_guidance=0, or give masks" in said
    check_fit(phantom_table, load_recipe("demo", ["loss.cam_guidance=0.5"]))


@pytest.mark.parametrize("model", ["brainmrnet", "efficientnet_lite0_transformer", DRAWS])
def test_a_guide_needs_heat_maps_that_come_with_the_forward_pass(model: str, phantom_table: Table) -> None:
    said = _refused(phantom_table, "demo", "loss.cam_guidance=1", f"model={model}")
    assert said == (
        f"recipe demo: loss.cam_guidance is above 0, but {model} does not end with pooling and one linear layer, which its "
        "heat maps would have to come from; set loss.cam_guidance=0, or choose another model, such as efficientnet_lite0"
    )


def test_the_best_epoch_can_be_told_by_masks_only_where_there_are_some(phantom_table: Table) -> None:
    monitor = "stop.monitor=val_dice"
    instead = "set stop.monitor=val_loss or val_accuracy"
    said = _refused(phantom_table, "demo", monitor)
    assert said == f"recipe demo: stop.monitor is val_dice, but mini_resnet draws no masks; {instead}"
    assert f"but loss.mask is 0; {instead}" in _refused(phantom_table, DRAWS, monitor, "loss.mask=0")
    said = _refused(_masks(phantom_table, lambda s: s.split != "val"), DRAWS, monitor)
    assert f"none of the 8 validation images of phantom has a mask; {instead}" in said
    check_fit(phantom_table, load_recipe(DRAWS, [monitor]))


@pytest.mark.parametrize(
    ("part", "recipe", "said"),
    [
        ("train", DRAWS, "loss.mask=0"),
        ("train", "guided", "loss.cam_guidance=0"),
        ("val", DRAWS, "stop.monitor=val_loss"),
    ],
)
def test_masks_that_are_all_empty_are_told_once_they_are_read(
    part: str, recipe: str, said: str, phantom_table: Table, tmp_path: Path
) -> None:
    def emptied(sample: Sample) -> Sample:
        if sample.split != part or sample.mask is None:
            return sample
        path = tmp_path / f"{sample.id.replace('/', '-')}.png"
        Image.fromarray(np.zeros((64, 64), np.uint8)).save(path)
        return replace(sample, mask=path)

    table = replace(phantom_table, samples=tuple(emptied(s) for s in phantom_table.samples))
    settings = ["input.size=64", "pretrained=none", *(["stop.monitor=val_dice"] if recipe == DRAWS else [])]
    with pytest.raises(RecipeError, match=f"no mask in the {part} part of phantom shows a tumor.*set {said}"):
        train(table, load_recipe(recipe, settings), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_masks_are_counted_as_own_empty_and_none(phantom_table: Table) -> None:
    part = [s for s in phantom_table.samples if s.split == "train"]
    assert count_masks(part) == {"own": 6, "empty": 2, "none": 0}
    assert count_masks([replace(s, mask=None) for s in part]) == {"own": 0, "empty": 2, "none": 6}
