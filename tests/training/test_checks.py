"""A recipe that does not fit the data is refused before the first batch, with the key to change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import Sample, Table
from tumorlens.datasets.data_records import MaskCounts
from tumorlens.errors import RecipeError
from tumorlens.models import architecture_info
from tumorlens.training import image_cache as cache
from tumorlens.training import load_recipe, shipped, train
from tumorlens.training.checks import check_fit, count_masks, needs_masks

SEGMENTS = "efficient_mtnet_s"


def _masks(table: Table, keep: Callable[[Sample], bool]) -> Table:
    return replace(table, samples=tuple(s if keep(s) else replace(s, mask=None) for s in table.samples))


def _refused(table: Table, recipe: str, *overrides: str) -> RecipeError:
    with assert_refused(RecipeError) as caught:
        check_fit(table, load_recipe(recipe, overrides))
    return caught.value


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
    with assert_refused(RecipeError) as caught:
        train(phantom_table, load_recipe("brainmrnet", ["classes=2"]), tmp_path / "run")
    assert caught.value.found == (
        "recipe brainmrnet: classes is 2, but phantom has 4 classes (glioma, meningioma, pituitary, no_tumor)"
    )
    assert caught.value.advice == "set classes=4 (or null), or choose other data"
    assert not (tmp_path / "run").exists()
    assert check_fit(phantom_table, load_recipe("brainmrnet", ["classes=4"])).model == "brainmrnet"


def test_segmentation_needs_masks_and_the_error_says_where_to_get_them(phantom_table: Table) -> None:
    error = _refused(_masks(phantom_table, lambda s: s.split != "train"), SEGMENTS)
    assert "loss.segmentation is above 0, but none of the 8 training images of phantom has a mask" in error.found
    assert str(error.advice).startswith("set loss.segmentation=0, or give masks")
    assert "--reference-masks" in str(error.advice)
    check_fit(_masks(phantom_table, lambda s: False), load_recipe(SEGMENTS, ["loss.segmentation=0"]))


def test_cam_guidance_needs_masks(phantom_table: Table) -> None:
    bare = _masks(phantom_table, lambda s: s.split != "train")
    error = _refused(bare, "demo", "loss.cam_guidance=0.5")
    assert "loss.cam_guidance is above 0, but none of the 8 training images of phantom has a mask" in error.found
    error = _refused(bare, "segment", "loss.cam_guidance=0.5")
    assert "loss.segmentation is above 0 and loss.cam_guidance is above 0, but none" in error.found
    assert str(error.advice).startswith("set loss.segmentation=0 and loss.cam_guidance=0, or give masks")
    check_fit(phantom_table, load_recipe("demo", ["loss.cam_guidance=0.5"]))


@pytest.mark.parametrize("model", ["brainmrnet", "efficientnet_lite0_transformer", SEGMENTS])
def test_cam_guidance_needs_class_activation_maps(model: str, phantom_table: Table) -> None:
    error = _refused(phantom_table, "demo", "loss.cam_guidance=1", f"model={model}")
    assert error.found == (
        f"recipe demo: loss.cam_guidance is above 0, but {model} has no class activation maps, because it does not end "
        "with pooling and one linear layer"
    )
    assert error.advice == "set loss.cam_guidance=0, or choose another model, such as efficientnet_lite0"


def test_dice_can_be_monitored_only_with_masks(phantom_table: Table) -> None:
    monitor = "stop.monitor=val_dice"
    error = _refused(phantom_table, "demo", monitor)
    assert error.found == "recipe demo: stop.monitor is val_dice, but mini_resnet does not segment"
    assert error.advice == "set stop.monitor=val_loss or val_accuracy"
    assert _refused(phantom_table, SEGMENTS, monitor, "loss.segmentation=0").found.endswith(
        "but loss.segmentation is 0"
    )
    error = _refused(_masks(phantom_table, lambda s: s.split != "val"), SEGMENTS, monitor)
    assert error.found.endswith("none of the 8 validation images of phantom has a mask")
    check_fit(phantom_table, load_recipe(SEGMENTS, [monitor]))


@pytest.mark.parametrize(
    ("subset", "recipe", "advice"),
    [
        ("train", SEGMENTS, "loss.segmentation=0"),
        ("train", "guided", "loss.cam_guidance=0"),
        ("val", SEGMENTS, "stop.monitor=val_loss"),
    ],
)
def test_a_subset_with_empty_masks_only_is_refused_after_decoding(
    subset: str, recipe: str, advice: str, phantom_table: Table, tmp_path: Path
) -> None:
    def emptied(sample: Sample) -> Sample:
        if sample.split != subset or sample.mask is None:
            return sample
        path = tmp_path / f"{sample.id.replace('/', '-')}.png"
        Image.fromarray(np.zeros((64, 64), np.uint8)).save(path)
        return replace(sample, mask=path)

    table = replace(phantom_table, samples=tuple(emptied(s) for s in phantom_table.samples))
    settings = ["input.size=64", "pretrained=none", *(["stop.monitor=val_dice"] if recipe == SEGMENTS else [])]
    with assert_refused(
        RecipeError, found=f"all masks in the {subset} subset of phantom are empty", advice=f"set {advice}"
    ):
        train(table, load_recipe(recipe, settings), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_masks_are_counted_as_own_empty_and_none(phantom_table: Table) -> None:
    train_samples = [s for s in phantom_table.samples if s.split == "train"]
    assert count_masks(train_samples) == MaskCounts(own=6, empty=2, none=0)
    bare = [replace(s, mask=None) for s in train_samples]
    assert count_masks(bare) == MaskCounts(own=0, empty=2, none=6)
