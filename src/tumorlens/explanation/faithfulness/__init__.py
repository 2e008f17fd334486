"""Maps + true masks + random weights -> how far a heat map can be trusted."""

from tumorlens._extras import require

require("torch", "train", "measure heat maps")

from tumorlens.explanation.faithfulness.faithfulness_result import FIGURES, Faithfulness, Row  # noqa: E402
from tumorlens.explanation.faithfulness.localization import LocalizationScores, fit  # noqa: E402
from tumorlens.explanation.faithfulness.measure_faithfulness import measure_maps  # noqa: E402
from tumorlens.explanation.faithfulness.sanity_checks import Sanity, check_sanity  # noqa: E402

__all__ = [
    "FIGURES",
    "Faithfulness",
    "LocalizationScores",
    "Row",
    "Sanity",
    "check_sanity",
    "fit",
    "measure_maps",
]
