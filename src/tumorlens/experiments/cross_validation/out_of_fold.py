"""All folds -> OutOfFoldCalibration: for each fold the temperature from all other folds, and one from all folds.

A validation subset of a dozen patients is too small for a good calibration. The held-out folds have about ten times as
many patients. Their predictions come from several networks of one recipe; the calibration therefore also fits a network
that is trained on all folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tumorlens._arrays import Floats, Ints
from tumorlens.evaluation.evaluation_result import Evaluation, TemperatureScaling
from tumorlens.metrics.calibration import fit_temperature, softmax, why_not_fitted
from tumorlens.stats import ClusterBootstrap
from tumorlens.stats.conformal import PredictionSets, prediction_sets_of


@dataclass(frozen=True, eq=False)
class OutOfFoldCalibration:
    """Calibration with out-of-fold predictions.

    Attributes:
        temperatures: of each fold, fitted on all other folds.
        probabilities: (N, K) of all images, each fold with its own temperature.
        calibration: the temperature fitted on all images.
        prediction_sets: conformal quantiles from all images, for a network trained on all of them.
    """

    temperatures: tuple[float, ...]
    probabilities: Floats
    calibration: TemperatureScaling
    prediction_sets: PredictionSets


def calibrate_out_of_fold(
    evaluations: Sequence[Evaluation], logits: Floats, labels: Ints, bootstrap: ClusterBootstrap
) -> OutOfFoldCalibration:
    """Fit the temperature of each fold on all other folds, and one temperature and conformal quantiles on all folds.

    Args:
        evaluations: of each fold, on its own images.
        logits: (N, K) of all images, fold after fold.
        labels: (N,) index of the reference class.
        bootstrap: the sampling units of the N images.
    """
    classes, units = evaluations[0].metrics.classes, np.array(bootstrap.units)
    fold = np.repeat(np.arange(len(evaluations)), [len(one.samples) for one in evaluations])
    names = [sample.label for one in evaluations for sample in one.samples]
    temperatures = []
    for number in range(len(evaluations)):
        others = np.flatnonzero(fold != number)
        temperatures.append(fit_temperature(logits[others], labels[others], len(set(units[others]))))
    count = len(set(units))
    return OutOfFoldCalibration(
        temperatures=tuple(temperatures),
        probabilities=np.concatenate([softmax(logits[fold == i], t) for i, t in enumerate(temperatures)]),
        calibration=TemperatureScaling(
            fit_temperature(logits, labels, count), len(labels), count, why_not_fitted(logits, labels)
        ),
        prediction_sets=prediction_sets_of(softmax(logits), names, bootstrap.units, classes, bootstrap.unit),
    )
