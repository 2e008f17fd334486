"""Brain-tumor MRI: audit data, train, evaluate, explain, export and predict. For research only.

A model classifies a slice, segments and measures the tumor, and flags most out-of-distribution images. Every result
records its data set, its split and its limitations.

>>> import tumorlens
>>> tumorlens.load("model.onnx").predict("scan.png")  # doctest: +SKIP
"""

from __future__ import annotations

import logging
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
    from tumorlens.evaluation.evaluate_run import evaluate as evaluate
    from tumorlens.experiments.cross_validation.folds import cross_validate as cross_validate
    from tumorlens.experiments.reproduction.reproduce import reproduce as reproduce
    from tumorlens.explanation.explain import explain as explain
    from tumorlens.scan import Scan as Scan
    from tumorlens.scan import read_scan as read_scan
    from tumorlens.training import load_recipe as load_recipe
    from tumorlens.training import load_run as load_run
    from tumorlens.training import train as train

__version__ = "0.1.0"

# What the package has to say goes to this logger; it is silent until the user of the library adds a handler.
logging.getLogger("tumorlens").addHandler(logging.NullHandler())

# ONNX Runtime 1.29 and later writes a device id and an event database into the user's home, and contacts its vendor's
# telemetry server. It reads this variable once, when it is imported; the switch in its Python interface is too late.
# Every entry point imports this module: command line, library and child processes. A value set by the user is kept.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Module -> its public names. A module is imported on first use, so that reading a scan or predicting does not import
# torch, and works where torch is not installed. The imports above repeat it for type checkers; a test compares both.
_PUBLIC = {
    "auditing": ("AuditReport", "split_folds", "split_given", "split_whole"),
    "auditing.audit": ("audit",),
    "auditing.provenance.source_reference_masks": ("reference_masks",),
    "benchmarking.benchmark": ("benchmark",),
    "comparison.compare": ("compare",),
    "datasets": ("open_table", "open_tables"),
    "deploy.export": ("export",),
    "deploy.prediction": ("Prediction",),
    "deploy.predictor": ("Predictor", "load", "predict"),
    "evaluation.evaluate_run": ("evaluate",),
    "experiments.cross_validation.folds": ("cross_validate",),
    "experiments.reproduction.reproduce": ("reproduce",),
    "explanation.explain": ("explain",),
    "scan": ("Scan", "read_scan"),
    "training": ("load_recipe", "load_run", "train"),
}
_MODULE_OF = {name: module for module, names in _PUBLIC.items() for name in names}
__all__ = ["__version__", *_MODULE_OF]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'tumorlens' has no attribute '{name}'")
    return getattr(import_module(f"tumorlens.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
