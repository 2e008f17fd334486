"""Sources of predictions, one file each, found by themselves: every module beside this file that holds a `SOURCE`."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from tumorlens.predictions.prediction_request import PredictionReader


def registry() -> list[PredictionReader]:
    """All sources, by the names of their modules."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [import_module(f"{__name__}.{name}").SOURCE for name in names]
