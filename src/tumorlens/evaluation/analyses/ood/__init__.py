"""Training and validation part -> a limit beyond which an image is outside; test part -> how many of it are."""

from tumorlens.evaluation.analyses.ood.across_folds import SCALED_TO, Across, measure_across
from tumorlens.evaluation.analyses.ood.fit_ood import FITTED_ON, KEPT, THRESHOLD_SCALE, OODFit, fit_ood
from tumorlens.evaluation.analyses.ood.measure import OODResult, flagged, measure_ood, score_images

__all__ = [
    "FITTED_ON",
    "KEPT",
    "SCALED_TO",
    "THRESHOLD_SCALE",
    "Across",
    "OODFit",
    "OODResult",
    "fit_ood",
    "flagged",
    "measure_across",
    "measure_ood",
    "score_images",
]
