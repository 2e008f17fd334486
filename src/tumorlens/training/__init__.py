"""Recipe + table -> run: checks, training loop, losses, augmentation, and the shipped recipes."""

from tumorlens._extras import require

require("torch", "train", "train networks")
require("lightning", "train", "train networks")

from tumorlens.training.image_cache import cached_images, resample_scan  # noqa: E402
from tumorlens.training.recipe import Recipe, load_recipe, shipped  # noqa: E402
from tumorlens.training.run import Run, load_run  # noqa: E402
from tumorlens.training.train import train  # noqa: E402

__all__ = [
    "Recipe",
    "Run",
    "cached_images",
    "load_recipe",
    "load_run",
    "resample_scan",
    "shipped",
    "train",
]
