"""Brain-tumor MRI, honestly measured.

>>> import tumorlens
>>> tumorlens.load("model.onnx").predict("scan.png")  # doctest: +SKIP
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tumorlens.auditing import AuditReport as AuditReport
    from tumorlens.auditing import split_folds as split_folds
    from tumorlens.auditing import split_given as split_given
    from tumorlens.auditing import split_whole as split_whole
    from tumorlens.auditing.audit import audit as audit
    from tumorlens.auditing.provenance.source_reference_masks import reference_masks as reference_masks
    from tumorlens.benchmarking.benchmark import benchmark as benchmark
    from tumorlens.comparison.compare import compare as compare
    from tumorlens.datasets import open_table as open_table
    from tumorlens.datasets import open_tables as open_tables
    from tumorlens.deploy.export import export as export
    from tumorlens.deploy.prediction import Prediction as Prediction
    from tumorlens.deploy.predictor import Predictor as Predictor
    from tumorlens.deploy.predictor import load as load
    from tumorlens.deploy.predictor import predict as predict
    from tumorlens.evaluation.evaluate import evaluate as evaluate
    from tumorlens.experiments.cross_validation.folds import cross_validate as cross_validate
    from tumorlens.experiments.reproduction.reproduce import reproduce as reproduce
    from tumorlens.explanation.explain import explain as explain
    from tumorlens.scan import Scan as Scan
    from tumorlens.scan import read_scan as read_scan
    from tumorlens.training import load_recipe as load_recipe
    from tumorlens.training import load_run as load_run
    from tumorlens.training.train import train as train

__version__ = "0.1.0"

# ONNX Runtime 1.29 and later writes a device id and an event database into the user's home, and looks up its vendor's
# collector. It reads this variable once, when it is imported; the switch in its Python interface comes too late.
# Every entry point passes here: the command, the import and the child processes. The user's own value wins.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Public name -> the module it lives in. Imported on first use, so that reading a scan or predicting never
# waits for torch, and works where torch is not installed.
_LAZY = {
    "AuditReport": "tumorlens.auditing",
    "audit": "tumorlens.auditing",
    "benchmark": "tumorlens.benchmarking.benchmark",
    "compare": "tumorlens.comparison",
    "cross_validate": "tumorlens.experiments.cross_validation",
    "Prediction": "tumorlens.deploy.prediction",
    "Predictor": "tumorlens.deploy.predictor",
    "Scan": "tumorlens.scan",
    "evaluate": "tumorlens.evaluation",
    "explain": "tumorlens.explanation",
    "export": "tumorlens.deploy.export",
    "load": "tumorlens.deploy.predictor",
    "load_recipe": "tumorlens.training",
    "load_run": "tumorlens.training",
    "open_table": "tumorlens.datasets",
    "open_tables": "tumorlens.datasets",
    "predict": "tumorlens.deploy.predictor",
    "read_scan": "tumorlens.scan",
    "reference_masks": "tumorlens.auditing",
    "reproduce": "tumorlens.experiments.reproduction",
    "split_folds": "tumorlens.auditing",
    "split_given": "tumorlens.auditing",
    "split_whole": "tumorlens.auditing",
    "train": "tumorlens.training",
}
__all__ = ["__version__", *_LAZY]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'tumorlens' has no attribute '{name}'")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
