"""YAML and overrides -> recipe: every setting of a training run, typed and validated."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from tumorlens._validation import first_complaint
from tumorlens.errors import RecipeError, did_you_mean


class _RecipeGroup(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _ascending(bounds: tuple[float, float]) -> tuple[float, float]:
    if not 0 < bounds[0] <= bounds[1]:
        raise ValueError("expected [low, high] with 0 < low <= high")
    return bounds


Factors = Annotated[tuple[float, float], AfterValidator(_ascending)]
Monitor = Literal["val_loss", "val_accuracy", "val_dice"]


class Input(_RecipeGroup):
    """How images become network input; None takes the default of the network."""

    size: int | None = Field(default=None, ge=32, le=2048, description="side of the square, pixels")
    channels: Literal[1, 3] = 3
    crop: Literal["none", "head"] = Field(
        default="none", description="region that becomes the input: the whole image, or the head's box"
    )
    mode: Literal["letterbox", "resize", "center_crop"] = "letterbox"
    resize: int | None = Field(
        default=None, ge=32, description="for mode: center_crop, the shorter side before the crop"
    )


class ProgressiveResizing(_RecipeGroup):
    """Progressive resizing: smaller images in the first epochs."""

    size: int | None = Field(
        default=None, ge=32, le=2048, description="side of the images in the first epoch; None: full size"
    )
    until: float = Field(default=0.6, gt=0, le=1, description="share of the epochs after which images have full size")


class Optimizer(_RecipeGroup):
    """Optimizer and learning rate."""

    name: Literal["adam", "adamw", "sgd"] = "adamw"
    lr: float = Field(default=1e-3, gt=0)
    backbone_lr_factor: float = Field(
        default=1.0, gt=0, le=1, description="factor of the learning rate for the backbone"
    )
    frozen_stages: int = Field(
        default=0,
        ge=0,
        le=4,
        description="number of frozen stages of the backbone; stage n has maps at 1/2^n of the input",
    )
    weight_decay: float = Field(default=0.0, ge=0)
    momentum: float = Field(default=0.9, ge=0, lt=1, description="for sgd")


class Schedule(_RecipeGroup):
    """Schedule of the learning rate."""

    name: Literal["constant", "cosine", "onecycle", "plateau"] = "constant"
    warmup: float = Field(default=0.0, ge=0, description="epochs of linear warm-up; for onecycle a share of all steps")
    start_lr: float = Field(default=0.0, ge=0, description="learning rate at the first step of the warm-up")
    factor: float = Field(default=0.5, gt=0, lt=1, description="for plateau")
    patience: int = Field(default=5, ge=0, description="for plateau, epochs")


class Loss(_RecipeGroup):
    """Cross-entropy, CAM guidance, and the loss of masks.

    Keys from `segmentation` on are for networks that segment; their defaults are those of published method 2. Every
    other network is trained with cross-entropy only, and so is one that segments if `segmentation` is 0.
    `cam_guidance` is added to either.
    """

    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    class_weights: Literal["none", "balanced"] = "none"
    cam_guidance: float = Field(
        default=0.0, ge=0, description="weight of the CAM guidance loss: class activation outside of the reference mask"
    )
    segmentation: float = Field(
        default=0.6, ge=0, description="weight of the segmentation loss; 0: train on labels only"
    )
    classification: float = Field(
        default=0.4, ge=0, description="weight of the cross-entropy of a network that segments"
    )
    auxiliary: float = Field(default=0.4, ge=0, description="weight of the mean loss of the auxiliary heads")
    dice: float = Field(default=0.5, ge=0, description="weight of the Dice loss in the segmentation loss")
    dice_over: Literal["image", "batch"] = Field(
        default="image", description="Dice of each image, or of all pixels of a batch"
    )
    focal: float = Field(default=0.5, ge=0, description="weight of the focal loss in the segmentation loss")
    focal_alpha: float = Field(default=0.25, gt=0, lt=1, description="weight of tumor pixels in the focal loss")
    focal_gamma: float = Field(
        default=2.0, ge=0, description="focusing parameter: how much less correctly classified pixels count"
    )
    hard_negatives: float = Field(
        default=0.0,
        ge=0,
        description="weight in the segmentation loss of hard negatives: the pixels with the highest tumor "
        "probabilities in images with an empty mask",
    )


class Augment(_RecipeGroup):
    """Augmentation of the training images; zero disables a transform."""

    hflip: float = Field(default=0.0, ge=0, le=1, description="probability of a left-right flip")
    vflip: float = Field(default=0.0, ge=0, le=1, description="probability of an up-down flip")
    rotate: float = Field(default=0.0, ge=0, le=180, description="largest rotation, degrees")
    scale: Factors = (1.0, 1.0)
    shift: float = Field(default=0.0, ge=0, lt=1, description="largest translation, share of the side")
    brightness: float = Field(default=0.0, ge=0, lt=1, description="largest relative change")
    contrast: float = Field(default=0.0, ge=0, lt=1, description="largest relative change")
    gamma: Factors = (1.0, 1.0)
    histogram_shift: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="probability of a random monotonic map of gray values, as of another sequence or contrast",
    )
    skull_stripping: float = Field(
        default=0.0, ge=0, le=1, description="probability that the outer layer of the head is removed"
    )
    artifacts: float = Field(
        default=1.0, gt=0, le=1, description="probability of each transform from noise to downsample"
    )
    noise: float = Field(
        default=0.0, ge=0, le=1, description="largest standard deviation, with gray values from 0 to 1"
    )
    blur: float = Field(default=0.0, ge=0, le=5, description="largest standard deviation, pixels")
    bias_field: float = Field(default=0.0, ge=0, lt=2, description="largest range of the bias field; 0.4: 0.8 to 1.2")
    ghost: float = Field(default=0.0, ge=0, le=1, description="largest intensity of two ghosts, share of the image's")
    jpeg: int = Field(default=0, ge=0, le=100, description="lowest quality of JPEG; 0: none")
    downsample: float = Field(
        default=0.0, ge=0, le=1, description="lowest resolution, as a share of the sides, before upsampling again"
    )
    lesion_inpainting: float = Field(
        default=0.0, ge=0, le=0.5, description="share of tumor images whose tumor is inpainted, with the healthy label"
    )
    lesion_copy_paste: float = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description="share of healthy images that get the tumor of another image, with its label",
    )


class Stop(_RecipeGroup):
    """Early stopping, and the epoch whose weights are kept."""

    keep: Literal["best", "last"] = Field(default="best", description="best: by the monitored metric")
    monitor: Monitor = Field(default="val_loss", description="validation metric that selects the best epoch")
    patience: int | None = Field(
        default=None, ge=1, description="epochs without improvement before training stops; None: never"
    )
    checkpoint_every: int | None = Field(default=None, ge=1, description="also keep a checkpoint of every n-th epoch")


class Recipe(_RecipeGroup):
    """All settings of a training run.

    Example:
        >>> import tumorlens
        >>> recipe = tumorlens.Recipe(name="mine", model="efficientnet_b0", epochs=10)
        >>> recipe
        Recipe(mine: efficientnet_b0, 10 epochs, batch size 32)
        >>> recipe.stop.monitor
        'val_loss'
    """

    name: str
    description: str = ""
    model: str
    classes: int | None = Field(default=None, ge=2, description="required number of classes; None: any")
    pretrained: str = Field(default="none", description="none, imagenet, package, hub, or the path of a weights file")
    dropout: float | None = Field(default=None, ge=0, lt=1)
    options: dict[str, bool | int | float | str] = Field(
        default={}, description="of the network, see: tumorlens networks info"
    )
    input: Input = Input()
    progressive_resizing: ProgressiveResizing = ProgressiveResizing()
    epochs: int = Field(default=20, ge=1)
    batch_size: int = Field(default=32, ge=2, description="batch norm needs two")
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    loss: Loss = Loss()
    augment: Augment = Augment()
    sampling_weights: dict[str, Annotated[float, Field(gt=0, le=100)]] = Field(
        default={},
        description="by name of a data set, how often each of its images is sampled in an epoch, on average; "
        "1 for the sets that are not named",
    )
    stop: Stop = Stop()
    precision: Literal["auto", "bf16", "float32"] = Field(default="auto", description="auto: bf16 where it is fast")
    precise_batch_norm: bool = Field(
        default=False, description="recompute the running statistics before each validation"
    )
    prior_correction: bool = Field(
        default=False, description="after training, fit the bias of the healthy class on validation data"
    )
    deterministic: bool = Field(default=True, description="use deterministic algorithms only")

    @model_validator(mode="after")
    def _consistent(self) -> Recipe:
        if self.input.resize is not None and self.input.mode != "center_crop":
            raise ValueError("input.resize is set; expected input.mode=center_crop with it")
        if self.schedule.name == "onecycle" and self.schedule.warmup >= 1:
            raise ValueError("schedule.warmup is a share of all steps with onecycle; expected less than 1")
        size, resize = self.input.size, self.input.resize
        if size is not None and resize is not None and resize < size:
            raise ValueError(f"input.resize is {resize}; expected at least input.size, {size}")
        if size is not None and self.progressive_resizing.size is not None and self.progressive_resizing.size > size:
            raise ValueError(
                f"progressive_resizing.size is {self.progressive_resizing.size}; expected at most input.size, {size}"
            )
        if self.loss.segmentation and not self.loss.dice + self.loss.focal:
            raise ValueError(
                "loss.dice and loss.focal are both 0; expected one above 0, or loss.segmentation=0 for labels only"
            )
        return self

    def __repr__(self) -> str:
        size = "" if self.input.size is None else f", {self.input.size} px"
        return f"Recipe({self.name}: {self.model}{size}, {self.epochs} epochs, batch size {self.batch_size})"

    __str__ = __repr__

    def to_yaml(self) -> str:
        """The complete recipe with all defaults."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def shipped() -> list[str]:
    """Names of the recipes that come with tumorlens."""
    return sorted(p.name[: -len(".yaml")] for p in _folder().iterdir() if p.name.endswith(".yaml"))


def load_recipe(source: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """A shipped recipe by name, or a YAML file, with overrides such as ``optimizer.lr=3e-4``.

    A file with ``extends: NAME`` holds only the keys that differ from that shipped recipe.

    Raises:
        RecipeError: no such recipe, an unknown key (suggests the nearest one) or an invalid value.

    Example:
        >>> import tumorlens
        >>> tumorlens.load_recipe("demo", ["epochs=2", "input.size=48"])
        Recipe(demo: mini_resnet, 48 px, 2 epochs, batch size 32)
    """
    data = _read(source)
    for override in overrides:
        _override(data, override)
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        raise _invalid(f"recipe {source}", error) from None


def _folder() -> Any:
    return resources.files("tumorlens.training") / "recipes"


def _read(source: str | Path) -> dict[str, Any]:
    name = str(source)
    if name in shipped():
        text = (_folder() / f"{name}.yaml").read_text(encoding="utf-8")
    elif Path(source).is_file():
        try:
            text = Path(source).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise RecipeError(
                found=f"recipe {name}: byte {error.start} is not UTF-8", expected="YAML, a text file in UTF-8"
            ) from None
    else:
        raise RecipeError(
            found=f"recipe {name}: neither a shipped recipe nor a file",
            expected=f"a .yaml file, or one of {shipped()}",
            advice=did_you_mean(name, shipped()),
        )
    data = _parse(text, f"recipe {name}")
    if not isinstance(data, dict):
        raise RecipeError(found=f"recipe {name}: holds {type(data).__name__}", expected="keys and values")
    parent = data.pop("extends", None)
    if parent is None:
        return data
    if parent not in shipped():
        raise RecipeError(found=f"recipe {name}: extends {parent!r}", expected=f"a shipped recipe, one of {shipped()}")
    return _merge(_read(parent), data)


def _parse(text: str, what: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(
            found=f"{what}: not YAML ({' '.join(str(error).split())})", expected="keys and values, as lr: 3e-4"
        ) from None


def _merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with the values of `changes`, group by group."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        both = isinstance(value, dict) and isinstance(old, dict)
        merged[key] = _merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _override(data: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise RecipeError(
            found=f"override '{override}': has no key and value", expected="key=value, for example optimizer.lr=3e-4"
        )
    *parents, last = key.strip().split(".")
    for parent in parents:
        child = data.setdefault(parent, {})
        if not isinstance(child, dict):
            raise RecipeError(
                found=f"override '{override}': {parent} is a value", expected="a group of keys before each dot"
            )
        data = child
    data[last] = _parse(value, f"override '{override}'") if value else ""


def _invalid(recipe: str, error: ValidationError) -> RecipeError:
    """An error for the first problem of a validation, with the nearest key for an unknown one."""
    first = first_complaint(error)
    if first.kind == "extra_forbidden":
        known = _keys_at(first.where[:-1])
        return RecipeError(
            found=f"{recipe}: unknown key '{first.path}'",
            expected=f"one of {known}",
            advice=did_you_mean(str(first.where[-1]), known),
        )
    if first.kind == "missing":
        return RecipeError(found=f"{recipe}: key '{first.path}' is missing", advice="add it")
    if not first.where:  # keys that contradict each other: the message names both
        found, _, expected = first.expected.partition("; expected ")
        return RecipeError(found=f"{recipe}: {found}", expected=expected or None)
    return RecipeError(found=f"{recipe}: {first.path} is {first.found}", expected=first.expected)


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    part: Any = Recipe
    for step in location:
        part = part.model_fields[str(step)].annotation
    return sorted(part.model_fields)
