"""Maps + true masks + random weights -> how far a heat map can be trusted."""

from tumorlens._extras import require

require("torch", "train", "measure heat maps")

from tumorlens.explanation.trust.measure import measure_maps  # noqa: E402
from tumorlens.explanation.trust.outcome import FIGURES, Row, Trust  # noqa: E402
from tumorlens.explanation.trust.sanity import Sanity, check_sanity  # noqa: E402
from tumorlens.explanation.trust.scores import Fit, fit  # noqa: E402

__all__ = ["FIGURES", "Fit", "Row", "Sanity", "Trust", "check_sanity", "fit", "measure_maps"]
