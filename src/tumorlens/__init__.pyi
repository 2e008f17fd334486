"""The public names of tumorlens, written once: type checkers read them, and `lazy_loader` loads them on first use."""

from . import dicom_results as dicom_results
from ._network_table import list_networks as list_networks
from .auditing import AuditReport as AuditReport
from .auditing import split_folds as split_folds
from .auditing import split_given as split_given
from .auditing import split_whole as split_whole
from .auditing.audit import audit as audit
from .auditing.provenance.source_reference_masks import reference_masks as reference_masks
from .benchmarking.benchmark import benchmark as benchmark
from .comparison.compare import compare as compare
from .datasets import Sample as Sample
from .datasets import Table as Table
from .datasets import open_table as open_table
from .datasets import open_tables as open_tables
from .deploy.export import export as export
from .deploy.prediction import Prediction as Prediction
from .deploy.predictor import Predictor as Predictor
from .deploy.predictor import list_predictors as list_predictors
from .deploy.predictor import load as load
from .deploy.predictor import predict as predict
from .evaluation.evaluate_any import evaluate as evaluate
from .evaluation.evaluation_result import Evaluation as Evaluation
from .evaluation.tool_predictions import Predictions as Predictions
from .experiments.cross_validation.folds import cross_validate as cross_validate
from .experiments.reproduction.reproduce import reproduce as reproduce
from .explanation.explain import Explanation as Explanation
from .explanation.explain import explain as explain
from .model_card.card import ModelCard as ModelCard
from .predictions.read_predictions import read_predictions as read_predictions
from .scan import Scan as Scan
from .scan import read_scan as read_scan
from .scan.finding_rule import FindingRule as FindingRule
from .scan.volume import Volume as Volume
from .stats import Estimate as Estimate
from .studies.find_studies import read_volume as read_volume
from .studies.predict_study import predict_study as predict_study
from .studies.predict_volume import predict_volume as predict_volume
from .studies.study_result import Finding as Finding
from .studies.study_result import StudyResult as StudyResult
from .training import Recipe as Recipe
from .training import Run as Run
from .training import load_recipe as load_recipe
from .training import load_run as load_run
from .training import train as train

__version__: str
__all__: list[str]
