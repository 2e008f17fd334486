"""Table + recipe -> whether the recipe can be trained on the table, checked before any image is read."""

from __future__ import annotations

from collections.abc import Sequence

from tumorlens.datasets import Sample, Table, check_groups
from tumorlens.datasets.classes import HEALTHY
from tumorlens.datasets.data_records import MaskCounts
from tumorlens.errors import RecipeError, SplitError
from tumorlens.models import ModelSpec, architecture_info
from tumorlens.scan.input_geometry import InputGeometry
from tumorlens.training.image_cache import Masks, mask_is_known
from tumorlens.training.loop.freezing import can_freeze
from tumorlens.training.loop.optimizers import BACKBONE
from tumorlens.training.prior_correction import can_correct_prior
from tumorlens.training.recipe import Recipe

_MASKS = (
    "COCO exports, Figshare's .mat files and the column 'mask' of a table have some, and "
    "'tumorlens data split --reference-masks' finds those of copied Figshare slices"
)


def check_fit(table: Table, recipe: Recipe) -> ModelSpec:
    """Check that a recipe can be trained on a table. Error messages name the key of the recipe to change.

    Returns:
        How to build the network and its preprocessing.

    Raises:
        SplitError: too few training images, no validation images where they are needed, or a patient in two subsets.
        RecipeError: another number of classes than the recipe states, no masks where it needs them, or an invalid
            input geometry.
        ModelError: an unknown network.
    """
    check_groups(table)
    spec = _spec(recipe, table.classes)
    if recipe.classes not in (None, len(table.classes)):
        n, names = len(table.classes), ", ".join(table.classes)
        raise RecipeError(
            found=f"recipe {recipe.name}: classes is {recipe.classes}, but {table.name} has {n} classes ({names})",
            expected="the same number",
            advice=f"set classes={n} (or null), or choose other data",
        )
    subsets = {name: [s for s in table.samples if s.split == name] for name in ("train", "val")}
    _check_subsets(table, recipe, subsets)
    _check_masks(table, recipe, subsets)
    _check_healthy(table, recipe, subsets)
    _check_network(recipe, spec)
    return spec


def check_masks_show_tumors(table: Table, recipe: Recipe, masks: Masks) -> None:
    """Check that the masks, once they are decoded, show tumors where the recipe needs them.

    Raises:
        RecipeError: all masks of the training subset are empty, or all of a validation subset that Dice is monitored
            on.
    """
    needed = [("train", key, instead) for key, instead in _mask_keys(recipe).items()]
    if recipe.stop.monitor == "val_dice":
        needed.append(("val", "stop.monitor is val_dice", "stop.monitor=val_loss or val_accuracy"))
    for subset, key, instead in needed:
        if not any(masks.arrays[i].any() for i, s in enumerate(table.samples) if s.split == subset):
            raise RecipeError(
                found=f"recipe {recipe.name}: {key}, but all masks in the {subset} subset of {table.name} are empty "
                f"at {masks.arrays.shape[1]} x {masks.arrays.shape[2]} pixels",
                expected="masks that show tumors",
                advice=f"set {instead}, or check the masks",
            )


def empty_masks(table: Table, masks: Masks) -> list[str]:
    """Ids of the train and val images that have a tumor class and an empty mask at the input size.

    They teach a network that segments to miss these tumors.
    """
    return [
        sample.id
        for i, sample in enumerate(table.samples)
        if sample.split in ("train", "val")
        and sample.mask is not None
        and sample.label not in HEALTHY
        and not masks.arrays[i].any()
    ]


def learns_segmentation(recipe: Recipe) -> bool:
    """Whether the network is trained to segment: it can, and the segmentation loss has a weight.

    Raises:
        ModelError: an unknown network.
    """
    return architecture_info(recipe.model).segments and recipe.loss.segmentation > 0


def needs_masks(recipe: Recipe) -> bool:
    """Whether training needs masks: for segmentation, CAM guidance or lesion augmentation.

    Raises:
        ModelError: an unknown network.
    """
    return bool(_mask_keys(recipe))


def count_masks(samples: Sequence[Sample]) -> MaskCounts:
    """Number of images with a mask of their own, with an empty mask because they are healthy, and without a mask."""
    own = sum(s.mask is not None for s in samples)
    known = sum(mask_is_known(s) for s in samples)
    return MaskCounts(own=own, empty=known - own, none=len(samples) - known)


def _spec(recipe: Recipe, classes: tuple[str, ...]) -> ModelSpec:
    info, settings = architecture_info(recipe.model), recipe.input
    try:
        input_geometry = InputGeometry(settings.size or info.input_size, settings.mode, settings.resize, settings.crop)
    except ValueError as error:
        found, _, expected = str(error).partition("; expected ")
        raise RecipeError(found=f"recipe {recipe.name}: input.{found}", expected=expected or None) from None
    return ModelSpec(
        recipe.model, classes, settings.channels, input_geometry, info.mean, info.std, recipe.dropout, recipe.options
    )


def _check_subsets(table: Table, recipe: Recipe, subsets: dict[str, list[Sample]]) -> None:
    if len(subsets["train"]) < 2:
        raise SplitError(
            found=f"{table.name}: {len(subsets['train'])} images are in subset 'train'",
            expected="at least 2",
            advice="make a split with: tumorlens data split",
        )
    stop = recipe.stop
    if not subsets["val"] and (stop.keep == "best" or stop.patience or recipe.schedule.name == "plateau"):
        raise SplitError(
            found=f"{table.name}: no image is in subset 'val'",
            expected="some, for stop.keep: best, stop.patience or schedule.name: plateau",
            advice="make one (--val 0.1), or set stop.keep=last, stop.patience=null and another schedule.name",
        )


def _check_masks(table: Table, recipe: Recipe, subsets: dict[str, list[Sample]]) -> None:
    keys = _mask_keys(recipe)
    if keys and not count_masks(subsets["train"]).own:
        raise RecipeError(
            found=f"recipe {recipe.name}: {' and '.join(keys)}, but none of the {len(subsets['train']):,} training "
            f"images of {table.name} has a mask",
            expected="masks of the training images",
            advice=f"set {' and '.join(keys.values())}, or give masks ({_MASKS})",
        )
    monitored, problem = recipe.stop.monitor == "val_dice", None
    if monitored and not learns_segmentation(recipe):
        segments = architecture_info(recipe.model).segments
        problem = "loss.segmentation is 0" if segments else f"{recipe.model} does not segment"
    elif monitored and subsets["val"] and not count_masks(subsets["val"]).own:
        problem = f"none of the {len(subsets['val']):,} validation images of {table.name} has a mask"
    if problem:
        raise RecipeError(
            found=f"recipe {recipe.name}: stop.monitor is val_dice, but {problem}",
            expected="a network that segments, and validation images with masks",
            advice="set stop.monitor=val_loss or val_accuracy",
        )


def _check_healthy(table: Table, recipe: Recipe, subsets: dict[str, list[Sample]]) -> None:
    """Check that there is a healthy class and a validation subset, where the recipe needs them."""
    keys = _lesion_keys(recipe)
    if recipe.prior_correction:
        keys["prior_correction is true"] = "prior_correction=false"
    if keys and not HEALTHY & set(table.classes):
        raise RecipeError(
            found=f"recipe {recipe.name}: {' and '.join(keys)}, but {table.name} has no class for healthy images, "
            f"only {', '.join(table.classes)}",
            expected=f"one of {', '.join(sorted(HEALTHY))} among the classes",
            advice=f"set {' and '.join(keys.values())}, or add healthy images",
        )
    if recipe.prior_correction and not subsets["val"]:
        raise SplitError(
            found=f"{table.name}: no image is in subset 'val'",
            expected="some, for prior_correction",
            advice="make one (--val 0.1), or set prior_correction=false",
        )


def _check_network(recipe: Recipe, spec: ModelSpec) -> None:
    """Check that the network has the layers that the recipe needs; builds it only where that matters."""
    factor, frozen = recipe.optimizer.backbone_lr_factor, recipe.optimizer.frozen_stages
    if not (factor != 1 or frozen or recipe.loss.cam_guidance or recipe.prior_correction):
        return
    network = spec.network()
    if frozen and recipe.pretrained == "none":
        raise RecipeError(
            found=f"recipe {recipe.name}: optimizer.frozen_stages is {frozen}, but pretrained is none: the frozen "
            "layers would stay random",
            expected="pretrained weights for frozen layers",
            advice="set optimizer.frozen_stages=0, or pretrained=imagenet",
        )
    if frozen and not can_freeze(network, frozen):
        raise RecipeError(
            found=f"recipe {recipe.name}: optimizer.frozen_stages is {frozen}, but {recipe.model} has no maps at "
            f"1/{2**frozen} of the input in a separate backbone",
            advice="set optimizer.frozen_stages=0",
        )
    if factor != 1 and not any(name.startswith(BACKBONE) for name, _ in network.named_parameters()):
        raise RecipeError(
            found=f"recipe {recipe.name}: optimizer.backbone_lr_factor is {factor:g}, but {recipe.model} "
            "has no separate backbone",
            advice="set optimizer.backbone_lr_factor=1",
        )
    if recipe.prior_correction and not can_correct_prior(network):
        raise RecipeError(
            found=f"recipe {recipe.name}: prior_correction is true, but {recipe.model} does not end with one linear "
            "layer that has a bias",
            advice="set prior_correction=false",
        )
    if recipe.loss.cam_guidance and network.classifier_weights() is None:
        raise RecipeError(
            found=f"recipe {recipe.name}: loss.cam_guidance is above 0, but {recipe.model} has no class activation "
            "maps, because it does not end with pooling and one linear layer",
            advice="set loss.cam_guidance=0, or choose another model, such as efficientnet_lite0",
        )


def _mask_keys(recipe: Recipe) -> dict[str, str]:
    """Keys of the recipe that need masks -> settings that do not."""
    keys = {}
    if learns_segmentation(recipe):
        keys["loss.segmentation is above 0"] = "loss.segmentation=0"
    if recipe.loss.cam_guidance:
        keys["loss.cam_guidance is above 0"] = "loss.cam_guidance=0"
    return keys | _lesion_keys(recipe)


def _lesion_keys(recipe: Recipe) -> dict[str, str]:
    """Keys of the recipe for lesion augmentation -> settings without it."""
    names = [name for name in ("lesion_inpainting", "lesion_copy_paste") if getattr(recipe.augment, name)]
    return {f"augment.{name} is above 0": f"augment.{name}=0" for name in names}
