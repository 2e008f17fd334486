"""Table + recipe -> one run per fold, and metrics over all patients from out-of-fold predictions."""

from tumorlens.experiments.cross_validation.cross_validation_files import write_cross_validation
from tumorlens.experiments.cross_validation.folds import cross_validate
from tumorlens.experiments.cross_validation.pooled_result import CrossValidation, Fold, pool

__all__ = ["CrossValidation", "Fold", "cross_validate", "pool", "write_cross_validation"]
