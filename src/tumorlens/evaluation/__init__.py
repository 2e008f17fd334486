"""Run + table -> results with intervals, and the page that shows them. Names are imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tumorlens._extras import require

if TYPE_CHECKING:
    from tumorlens.evaluation.evaluate_any import evaluate as evaluate
    from tumorlens.evaluation.evaluate_run import calibrate as calibrate
    from tumorlens.evaluation.evaluation_facts import EvaluationFacts as EvaluationFacts
    from tumorlens.evaluation.evaluation_facts import weights_hash as weights_hash
    from tumorlens.evaluation.evaluation_files import write_evaluation as write_evaluation
    from tumorlens.evaluation.evaluation_result import Evaluation as Evaluation
    from tumorlens.evaluation.evaluation_result import TemperatureScaling as TemperatureScaling
    from tumorlens.evaluation.inference import infer as infer
    from tumorlens.evaluation.inference_result import gray_slice as gray_slice
    from tumorlens.evaluation.page.evaluation_page import evaluation_page as evaluation_page
    from tumorlens.evaluation.page.evaluation_page import evaluation_sections as evaluation_sections
    from tumorlens.evaluation.stored_evaluation import StoredEvaluation as StoredEvaluation
    from tumorlens.evaluation.stored_evaluation import read_evaluation as read_evaluation
    from tumorlens.evaluation.thresholds import Thresholds as Thresholds
    from tumorlens.evaluation.thresholds import thresholds_of as thresholds_of
    from tumorlens.evaluation.tool_predictions import Predictions as Predictions

# Name -> its module below this one.
_LAZY = {
    "Evaluation": "evaluation_result",
    "EvaluationFacts": "evaluation_facts",
    "Predictions": "tool_predictions",
    "StoredEvaluation": "stored_evaluation",
    "TemperatureScaling": "evaluation_result",
    "Thresholds": "thresholds",
    "calibrate": "evaluate_run",
    "evaluate": "evaluate_any",
    "evaluation_page": "page.evaluation_page",
    "evaluation_sections": "page.evaluation_page",
    "gray_slice": "inference_result",
    "infer": "inference",
    "read_evaluation": "stored_evaluation",
    "thresholds_of": "thresholds",
    "weights_hash": "evaluation_facts",
    "write_evaluation": "evaluation_files",
}
__all__ = list(_LAZY)
_NEED_TORCH = {"Thresholds", "calibrate", "infer", "thresholds_of"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'tumorlens.evaluation' has no attribute '{name}'")
    if name in _NEED_TORCH:
        require("torch", "train", "evaluate networks")
    return getattr(import_module(f"tumorlens.evaluation.{_LAZY[name]}"), name)
