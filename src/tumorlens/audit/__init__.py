"""Tables -> doubts, and the group-aware splits that follow from them."""

from tumorlens.audit.split import split_folds, split_given

__all__ = ["split_folds", "split_given"]
