"""Recipe + table -> run: checks, training loop, losses, augmentation, and the shipped recipes.

Names are imported on first use, so that recipes can be listed and read where torch is not installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tumorlens._extras import require
from tumorlens.training.recipe import Recipe, load_recipe, shipped

if TYPE_CHECKING:
    from tumorlens.training.image_cache import cached_images as cached_images
    from tumorlens.training.image_cache import resample_scan as resample_scan
    from tumorlens.training.run import Run as Run
    from tumorlens.training.run import load_run as load_run
    from tumorlens.training.train_run import train as train

# Name -> its module below this one; these need torch.
_LAZY = {
    "Run": "run",
    "cached_images": "image_cache",
    "load_run": "run",
    "resample_scan": "image_cache",
    "train": "train_run",
}
__all__ = ["Recipe", "load_recipe", "shipped", *_LAZY]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'tumorlens.training' has no attribute '{name}'")
    for module in ("torch", "lightning"):
        require(module, "train", "train networks")
    return getattr(import_module(f"tumorlens.training.{_LAZY[name]}"), name)
