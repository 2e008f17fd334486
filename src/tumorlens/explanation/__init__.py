"""Network + images -> heat maps: Grad-CAM and other methods, for runs and model files.

Modules without torch are imported without it: the same code explains a model file and a run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tumorlens._extras import require
from tumorlens.explanation.catalog import METHODS, Method
from tumorlens.explanation.explain import Explanation, explain
from tumorlens.explanation.explainer import Explainer

if TYPE_CHECKING:
    from tumorlens.explanation.methods.grad_cam import grad_cam as grad_cam
    from tumorlens.explanation.methods.grad_cam import hires_cam as hires_cam
    from tumorlens.explanation.pipeline_explainer import available as available
    from tumorlens.explanation.pipeline_explainer import heatmaps as heatmaps

# Name -> its module; these need torch.
_LAZY = {
    "available": "tumorlens.explanation.pipeline_explainer",
    "grad_cam": "tumorlens.explanation.methods.grad_cam",
    "heatmaps": "tumorlens.explanation.pipeline_explainer",
    "hires_cam": "tumorlens.explanation.methods.grad_cam",
}
__all__ = ["METHODS", "Explainer", "Explanation", "Method", "available", "explain", "grad_cam", "heatmaps", "hires_cam"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'tumorlens.explanation' has no attribute '{name}'")
    require("torch", "train", "explain networks")
    return getattr(import_module(_LAZY[name]), name)
