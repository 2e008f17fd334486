"""Table + recipe -> whether they fit each other, said in one line that names the key, before anything is read."""

from __future__ import annotations

from collections.abc import Sequence

from tumorlens.datasets import Sample, Table, check_groups
from tumorlens.datasets.classes import HEALTHY
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
    """What a recipe makes of a table, if it can be trained on it.

    Returns:
        How to build the network and its preprocessing.

    Raises:
        SplitError: too little to train or to choose on, or a patient on two sides.
        RecipeError: another number of classes than the recipe is made for, no masks where it needs some, or a
            canvas that cannot be.
        ModelError: an unknown model.
    """
    check_groups(table)
    spec = _spec(recipe, table.classes)
    if recipe.classes not in (None, len(table.classes)):
        n, names = len(table.classes), ", ".join(table.classes)
        raise RecipeError(
            f"recipe {recipe.name}: classes is {recipe.classes} but {table.name} has {n} classes ({names}); "
            f"set classes={n} (or null), or choose other data"
        )
    parts = {part: [s for s in table.samples if s.split == part] for part in ("train", "val")}
    _check_parts(table, recipe, parts)
    _check_masks(table, recipe, parts)
    _check_healthy(table, recipe, parts)
    _check_network(recipe, spec)
    return spec


def check_masks_show_tumors(table: Table, recipe: Recipe, masks: Masks) -> None:
    """See that the masks, once they are read, show what the recipe needs.

    Raises:
        RecipeError: all masks of the training part are empty, or all of the validation part that is to be judged by.
    """
    needed = [("train", key, instead) for key, instead in _mask_keys(recipe).items()]
    if recipe.stop.monitor == "val_dice":
        needed.append(("val", "stop.monitor is val_dice", "stop.monitor=val_loss or val_accuracy"))
    for part, key, instead in needed:
        if not any(masks.arrays[i].any() for i, s in enumerate(table.samples) if s.split == part):
            raise RecipeError(
                f"recipe {recipe.name}: {key}, but no mask in the {part} part of {table.name} shows a tumor, at "
                f"{masks.arrays.shape[1]} x {masks.arrays.shape[2]} pixels; set {instead}, or look at the masks"
            )


def empty_masks(table: Table, masks: Masks) -> list[str]:
    """Ids of the train and val images whose label says tumor and whose own mask, on the canvas, shows none.

    A network that draws is taught by them to miss these tumors.
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
    """Whether masks are what the network is trained to answer: it draws them, and they have a weight.

    Raises:
        ModelError: an unknown model.
    """
    return architecture_info(recipe.model).segments and recipe.loss.mask > 0


def needs_masks(recipe: Recipe) -> bool:
    """Whether masks take part in training: they are drawn, guide the heat maps, or say what is taken out.

    Raises:
        ModelError: an unknown model.
    """
    return bool(_mask_keys(recipe))


def count_masks(samples: Sequence[Sample]) -> dict[str, int]:
    """How many images have a mask of their own, an empty one because they show no tumor, and none at all."""
    own = sum(s.mask is not None for s in samples)
    known = sum(mask_is_known(s) for s in samples)
    return {"own": own, "empty": known - own, "none": len(samples) - known}


def _spec(recipe: Recipe, classes: tuple[str, ...]) -> ModelSpec:
    model, wanted = architecture_info(recipe.model), recipe.input
    try:
        input_geometry = InputGeometry(wanted.size or model.input_size, wanted.mode, wanted.resize, wanted.crop)
    except ValueError as error:
        raise RecipeError(f"recipe {recipe.name}: input: {error}") from None
    return ModelSpec(
        recipe.model, classes, wanted.channels, input_geometry, model.mean, model.std, recipe.dropout, recipe.options
    )


def _check_parts(table: Table, recipe: Recipe, parts: dict[str, list[Sample]]) -> None:
    if len(parts["train"]) < 2:
        raise SplitError(
            f"{table.name}: {len(parts['train'])} samples are in split 'train', expected at least 2; "
            "make a split with: tumorlens data split"
        )
    stop = recipe.stop
    if not parts["val"] and (stop.keep == "best" or stop.patience or recipe.schedule.name == "plateau"):
        raise SplitError(
            f"{table.name}: no sample is in split 'val', which stop.keep: best, stop.patience and "
            "schedule.name: plateau need; make one (--val 0.1), or set stop.keep=last and no patience"
        )


def _check_masks(table: Table, recipe: Recipe, parts: dict[str, list[Sample]]) -> None:
    keys = _mask_keys(recipe)
    if keys and not count_masks(parts["train"])["own"]:
        raise RecipeError(
            f"recipe {recipe.name}: {' and '.join(keys)}, but none of the {len(parts['train']):,} training images of "
            f"{table.name} has a mask; set {' and '.join(keys.values())}, or give masks ({_MASKS})"
        )
    monitored, why = recipe.stop.monitor == "val_dice", None
    if monitored and not learns_segmentation(recipe):
        segments = architecture_info(recipe.model).segments
        why = "loss.mask is 0" if segments else f"{recipe.model} draws no masks"
    elif monitored and parts["val"] and not count_masks(parts["val"])["own"]:
        why = f"none of the {len(parts['val']):,} validation images of {table.name} has a mask"
    if why:
        raise RecipeError(
            f"recipe {recipe.name}: stop.monitor is val_dice, but {why}; set stop.monitor=val_loss or val_accuracy"
        )


def _check_healthy(table: Table, recipe: Recipe, parts: dict[str, list[Sample]]) -> None:
    """See that there is a class for healthy images, and what else is needed to settle it, where that is asked for."""
    keys = _exchange_keys(recipe)
    if recipe.prior_correction:
        keys["prior_correction is true"] = "prior_correction=false"
    if keys and not HEALTHY & set(table.classes):
        raise RecipeError(
            f"recipe {recipe.name}: {' and '.join(keys)}, but {table.name} has no class for healthy images "
            f"(found {', '.join(table.classes)}; expected one of {', '.join(sorted(HEALTHY))} among them); set "
            f"{' and '.join(keys.values())}, or add healthy images"
        )
    if recipe.prior_correction and not parts["val"]:
        raise SplitError(
            f"{table.name}: no sample is in split 'val', which settle needs; make one (--val 0.1), or set prior_correction=false"
        )


def _check_network(recipe: Recipe, spec: ModelSpec) -> None:
    """See that the network has what the recipe asks of it; it is built for that, where anything is asked."""
    slow, frozen = recipe.optimizer.backbone != 1, recipe.optimizer.freeze
    if not (slow or frozen or recipe.loss.cam_guidance or recipe.prior_correction):
        return
    network = spec.network()
    if frozen and recipe.pretrained == "none":
        raise RecipeError(
            f"recipe {recipe.name}: optimizer.freeze is {frozen}, but pretrained is none: layers that start at random "
            "would stay so; set optimizer.freeze=0, or pretrained=imagenet"
        )
    if frozen and not can_freeze(network, frozen):
        raise RecipeError(
            f"recipe {recipe.name}: optimizer.freeze is {frozen}, but {recipe.model} has no maps at 1/{2**frozen} of "
            "the input in a backbone apart from the rest; set optimizer.freeze=0"
        )
    if slow and not any(name.startswith(BACKBONE) for name, _ in network.named_parameters()):
        raise RecipeError(
            f"recipe {recipe.name}: optimizer.backbone is {recipe.optimizer.backbone:g}, but {recipe.model} has no "
            "backbone apart from the rest; set optimizer.backbone=1"
        )
    if recipe.prior_correction and not can_correct_prior(network):
        raise RecipeError(
            f"recipe {recipe.name}: settle is true, but {recipe.model} does not end with one linear layer whose bias "
            "could be shifted; set prior_correction=false"
        )
    if recipe.loss.cam_guidance and network.class_weights() is None:
        raise RecipeError(
            f"recipe {recipe.name}: loss.cam_guidance is above 0, but {recipe.model} does not end with pooling and one linear "
            "layer, which its heat maps would have to come from; set loss.cam_guidance=0, or choose another model, such as "
            "efficientnet_lite0"
        )


def _mask_keys(recipe: Recipe) -> dict[str, str]:
    """Why masks are needed for training -> what to set to do without."""
    keys = {}
    if learns_segmentation(recipe):
        keys["loss.mask is above 0"] = "loss.mask=0"
    if recipe.loss.cam_guidance:
        keys["loss.cam_guidance is above 0"] = "loss.cam_guidance=0"
    return keys | _exchange_keys(recipe)


def _exchange_keys(recipe: Recipe) -> dict[str, str]:
    """What of a recipe takes tumors out of images or puts them in -> what to set to do without."""
    names = [name for name in ("lesion_inpainting", "lesion_copy_paste") if getattr(recipe.augment, name)]
    return {f"augment.{name} is above 0": f"augment.{name}=0" for name in names}
