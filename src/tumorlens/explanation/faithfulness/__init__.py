"""Heat maps + reference masks + random weights -> faithfulness and localization of explanation methods."""

from tumorlens._extras import require

require("torch", "train", "measure heat maps")

from tumorlens.explanation.faithfulness.faithfulness_result import (  # noqa: E402
    FAITHFULNESS_METRICS,
    Faithfulness,
    FaithfulnessRow,
)
from tumorlens.explanation.faithfulness.localization import LocalizationScores, score_localization  # noqa: E402
from tumorlens.explanation.faithfulness.measure_faithfulness import measure_faithfulness  # noqa: E402
from tumorlens.explanation.faithfulness.sanity_checks import SanityCheck, check_sanity  # noqa: E402

__all__ = [
    "FAITHFULNESS_METRICS",
    "Faithfulness",
    "FaithfulnessRow",
    "LocalizationScores",
    "SanityCheck",
    "check_sanity",
    "measure_faithfulness",
    "score_localization",
]
