"""Table + recipe -> one run a fold, and figures over all patients, each from a network that had not seen them."""

from tumorlens.evaluation.crossval.folds import cross_validate
from tumorlens.evaluation.crossval.pooled import CrossValidation, Fold, pool
from tumorlens.evaluation.crossval.write import write_cross_validation

__all__ = ["CrossValidation", "Fold", "cross_validate", "pool", "write_cross_validation"]
