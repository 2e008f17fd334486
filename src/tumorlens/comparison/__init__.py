"""Two runs -> paired differences of their metrics, with intervals."""

from tumorlens.comparison.compare import compare
from tumorlens.comparison.paired_classification import Comparison, compare_predictions

__all__ = [
    "Comparison",
    "compare",
    "compare_predictions",
]
