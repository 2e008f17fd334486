"""Training and validation part -> a limit beyond which an image is outside; test part -> how many of it are."""

from tumorlens.evaluation.analyzes.ood.across_folds import REACHED, Across, measure_across
from tumorlens.evaluation.analyzes.ood.fit_ood import FITTED_ON, KEPT, MARGIN, Fit, fit_outside
from tumorlens.evaluation.analyzes.ood.measure import Outside, flagged, measure_outside, score_images

__all__ = [
    "FITTED_ON",
    "KEPT",
    "MARGIN",
    "REACHED",
    "Across",
    "Fit",
    "Outside",
    "fit_outside",
    "flagged",
    "measure_across",
    "measure_outside",
    "score_images",
]
