"""Recipes are typed, take overrides, and errors name the key and the nearest alternative."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.fixtures.refusal import assert_refused
from tumorlens.errors import RecipeError
from tumorlens.models import registered_names
from tumorlens.training import load_recipe, shipped


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_recipe_loads_and_has_a_registered_network(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description
    assert recipe.model in registered_names()


def test_there_are_recipes_for_all_published_methods() -> None:
    series = {f"efficientnet_b{i}" for i in range(5)} | {f"efficientnet_lite{i}" for i in range(3)}
    transformers = {f"{name}_transformer" for name in series}
    baselines = {"vgg16", "resnet50", "densenet121"}
    plain = {name for name in series if "lite" not in name}
    assert {"brain_mri_efficientnet", "brainmrnet", "finetune"} | plain | transformers | baselines <= set(shipped())


def test_recipes_of_the_b_series_differ_only_in_the_network() -> None:
    b0, b3 = load_recipe("efficientnet_b0"), load_recipe("efficientnet_b3")
    assert b3 == b0.model_copy(update={"name": "efficientnet_b3", "model": "efficientnet_b3"})


def test_the_recipe_of_brainmrnet_is_the_published_one() -> None:
    recipe = load_recipe("brainmrnet")
    assert (recipe.optimizer.name, recipe.optimizer.lr, recipe.optimizer.weight_decay) == ("adam", 1e-3, 1e-4)
    assert (recipe.schedule.name, recipe.schedule.warmup, recipe.schedule.start_lr) == ("cosine", 5, 1e-5)
    assert (recipe.epochs, recipe.batch_size, recipe.stop.patience) == (100, 64, 10)
    assert (recipe.input.mode, recipe.input.resize, recipe.input.size) == ("center_crop", 256, 224)


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "densenet121"])
def test_baselines_have_the_settings_of_brainmrnet(name: str) -> None:
    baseline, brainmrnet = load_recipe(name), load_recipe("brainmrnet")
    assert baseline.pretrained == "imagenet"
    for key in ("input", "epochs", "batch_size", "optimizer", "schedule", "loss", "augment", "stop"):
        assert getattr(baseline, key) == getattr(brainmrnet, key), key


@pytest.mark.parametrize("size", ["b0", "b2", "b4", "lite0", "lite2"])
def test_the_recipe_of_the_transformer_is_the_published_one(size: str) -> None:
    recipe = load_recipe(f"efficientnet_{size}_transformer")
    assert recipe.model == f"efficientnet_{size}_transformer"
    assert (recipe.input.crop, recipe.input.size) == ("head", 240)
    plain = load_recipe(recipe.name, [f"model=efficientnet_{size}", "dropout=0.5"])  # the baseline of the ablation
    assert (plain.input, plain.optimizer) == (recipe.input, recipe.optimizer)
    assert (recipe.optimizer.name, recipe.optimizer.lr) == ("adam", 3e-5)
    assert (recipe.epochs, recipe.batch_size) == (50, 32)
    assert (recipe.schedule.name, recipe.schedule.factor, recipe.schedule.patience) == ("plateau", 0.3, 5)
    assert recipe.augment.hflip
    assert recipe.augment.rotate
    assert recipe.augment.shift


def test_the_recipe_of_efficient_mtnet_is_the_published_one() -> None:
    recipe = load_recipe("efficient_mtnet")
    assert (recipe.optimizer.name, recipe.optimizer.lr, recipe.optimizer.weight_decay) == ("adamw", 1e-4, 1e-5)
    assert (recipe.schedule.name, recipe.schedule.factor, recipe.schedule.patience) == ("plateau", 0.5, 5)
    assert (recipe.epochs, recipe.batch_size, recipe.augment.hflip, recipe.augment.vflip) == (100, 8, 0.5, 0.3)
    assert (recipe.stop.monitor, recipe.stop.patience, recipe.stop.checkpoint_every) == ("val_loss", 15, 10)
    loss = recipe.loss
    assert (loss.classification, loss.segmentation, loss.auxiliary) == (0.4, 0.6, 0.4)
    assert (loss.dice, loss.focal, loss.focal_alpha, loss.focal_gamma) == (0.5, 0.5, 0.25, 2.0)
    small = load_recipe("efficient_mtnet_s")
    assert small == recipe.model_copy(update={"name": "efficient_mtnet_s", "model": "efficient_mtnet_s"})


def test_segment_is_finetune_with_a_decoder() -> None:
    segment, plain = load_recipe("segment"), load_recipe("finetune")
    assert segment.model == f"{plain.model}_unet"
    for key in ("pretrained", "input", "epochs", "batch_size", "optimizer", "schedule", "augment", "stop"):
        assert getattr(segment, key) == getattr(plain, key), key
    assert segment.loss.label_smoothing == plain.loss.label_smoothing
    assert segment.loss.classification == 1.0  # classes have the weight they have in finetune
    assert segment.loss.segmentation > 0


def test_guided_is_finetune_with_finer_maps_and_cam_guidance() -> None:
    guided, plain = load_recipe("guided"), load_recipe("finetune")
    own = {"name": "guided", "description": guided.description, "options": {"stride": 16}}
    assert plain.loss.cam_guidance == 0
    assert guided.loss.cam_guidance > 0
    assert guided == plain.model_copy(
        update={**own, "loss": plain.loss.model_copy(update={"cam_guidance": guided.loss.cam_guidance})}
    )


def test_overrides_work_at_every_level() -> None:
    recipe = load_recipe(
        "finetune", ["epochs=3", "optimizer.lr=3e-4", "augment.scale=[0.9, 1.1]", "stop.patience=4", "dropout=0.4"]
    )
    assert (recipe.epochs, recipe.optimizer.lr, recipe.stop.patience, recipe.dropout) == (3, 3e-4, 4, 0.4)
    assert recipe.augment.scale == (0.9, 1.1)
    assert recipe.optimizer.weight_decay == load_recipe("finetune").optimizer.weight_decay


def test_a_written_recipe_reads_back_the_same(tmp_path: Path) -> None:
    recipe = load_recipe("finetune", ["stop.patience=4"])
    (tmp_path / "mine.yaml").write_text(recipe.to_yaml())
    assert load_recipe(tmp_path / "mine.yaml") == recipe


def test_a_recipe_may_hold_only_the_differences_from_a_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("extends: finetune\nname: mine\noptimizer: {lr: 1.0e-3}\n")
    mine, theirs = load_recipe(path), load_recipe("finetune")
    assert (mine.name, mine.optimizer.lr) == ("mine", 1e-3)
    assert mine.optimizer.weight_decay == theirs.optimizer.weight_decay
    assert mine.augment == theirs.augment


def _refused(source: str | Path, *overrides: str) -> RecipeError:
    with assert_refused(RecipeError) as caught:
        load_recipe(source, overrides)
    return caught.value


@pytest.mark.parametrize(
    ("override", "key", "advice"),
    [
        ("epoch=3", "epoch", "did you mean epochs?"),
        ("optimizer.weight_deacy=0", "optimizer.weight_deacy", "did you mean weight_decay?"),
        ("optimizr.lr=1", "optimizr", "did you mean optimizer?"),
        ("stop.qqq=1", "stop.qqq", None),
    ],
)
def test_the_error_for_a_misspelled_key_suggests_the_nearest_one(override: str, key: str, advice: str | None) -> None:
    error = _refused("finetune", override)
    assert error.found == f"recipe finetune: unknown key '{key}'"
    assert error.advice == advice


def test_the_error_for_a_misspelled_key_lists_the_known_ones() -> None:
    error = _refused("finetune", "stop.qqq=1")
    assert error.expected == "one of ['checkpoint_every', 'keep', 'monitor', 'patience']"


@pytest.mark.parametrize(
    ("override", "found", "expected"),
    [
        ("epochs=0", "epochs is 0", "greater than or equal to 1"),
        ("augment.scale=[1.2, 0.8]", "augment.scale is [1.2, 0.8]", "[low, high] with 0 < low <= high"),
        ("stop.keep=first", "stop.keep is 'first'", "'best' or 'last'"),
        ("input.resize=256", "input.resize is set", "input.mode=center_crop with it"),
    ],
)
def test_the_error_for_an_invalid_value_has_it_and_the_expected_ones(override: str, found: str, expected: str) -> None:
    error = _refused("finetune", override)
    assert (error.found, error.expected) == (f"recipe finetune: {found}", expected)


@pytest.mark.parametrize(
    "override",
    [
        "epochs=0",
        "epochs=2.5",
        "batch_size=1",
        "optimizer.lr=-1",
        "optimizer.lr=.inf",
        "optimizer.name=lion",
        "optimizer=adam",
        "augment.scale=[1.2, 0.8]",
        "augment.gamma=[0, 1]",
        "augment.gamma=[1]",
        "input.channels=2",
        "precision=float16",
        "stop.keep=first",
        "stop.monitor=val_iou",
        "classes=1",
        "loss.segmentation=-1",
        "loss.focal_alpha=1",
        "loss={dice: 0, focal: 0}",  # no segmentation loss is left
        "schedule.warmup=3",  # a share of all steps in a one-cycle schedule
        "input.resize=256",  # needs mode: center_crop
    ],
)
def test_an_invalid_value_is_refused(override: str) -> None:
    assert override.partition("=")[0].split(".")[0] in _refused("finetune", override).found


def test_a_crop_larger_than_the_resized_image_is_refused() -> None:
    assert _refused("brainmrnet", "input.resize=200").expected == "at least input.size, 224"


@pytest.mark.parametrize("override", ["epochs", "=3", "epochs.first=3", "augment.scale=[1,"])
def test_the_error_for_a_malformed_override_quotes_it(override: str) -> None:
    assert f"override '{override}'" in _refused("finetune", override).found


def test_the_error_for_an_unknown_recipe_suggests_the_nearest_one() -> None:
    assert _refused("fintune").advice == "did you mean finetune?"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("name: [", "not YAML"),
        ("- a\n- b\n", "holds list"),
        ("", "holds NoneType"),
        ("name: mine\n", "key 'model' is missing"),
        ("extends: fintune\n", "extends 'fintune'"),
    ],
)
def test_the_error_for_an_invalid_file_names_it(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    error = _refused(path)
    assert str(path) in error.found
    assert found in error.found


def test_a_written_recipe_holds_every_default() -> None:
    written = yaml.safe_load(load_recipe("demo").to_yaml())
    assert written["stop"] == {"keep": "best", "monitor": "val_loss", "patience": None, "checkpoint_every": None}
    assert "extends" not in written


def test_the_repr_of_a_recipe_is_one_line() -> None:
    expected = "Recipe(tiny: efficientnet_lite0_short_unet, 160 px, 32 epochs, batch size 32)"
    assert repr(load_recipe("tiny")) == str(load_recipe("tiny")) == expected
