"""All folds -> what the others say of each: its temperature and its candidates, learned from none of its own patients.

A validation part of a dozen patients says little of how far to trust a network. What networks of the same recipe said
of the folds held out from them says it of ten times as many, and of a network that is trained on all folds as well.
That the networks differ is what cross-conformal prediction accepts (Vovk 2015, Ann. Math. Artif. Intell. 74:9).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tumorlens._arrays import Floats, Ints
from tumorlens.datasets import Sample
from tumorlens.evaluation.analyses.selective.measure import COVERAGES, SelectiveResult, at_coverage, fit_prediction_sets
from tumorlens.evaluation.evaluation_result import Calibration, Evaluation
from tumorlens.metrics.calibration import fit_temperature, softmax, why_not_fitted
from tumorlens.stats import BootstrapDraws, ClusterBootstrap
from tumorlens.stats.conformal import PredictionSets


@dataclass(frozen=True, eq=False)
class OutOfFoldCalibration:
    """What folds say of each other, and of a network trained on all.

    Attributes:
        temperatures: of each fold, fitted on all others.
        probabilities: (N, K) of all images, each fold's at its own temperature.
        calibration: the temperature that fits all images.
        abstention: what comes of thresholds that are learned, for each fold, from all others; its `prediction_sets` are from
            all images.
    """

    temperatures: tuple[float, ...]
    probabilities: Floats
    calibration: Calibration
    abstention: SelectiveResult


def calibrate_out_of_fold(
    found: Sequence[Evaluation], logits: Floats, labels: Ints, bootstrap: ClusterBootstrap
) -> OutOfFoldCalibration:
    """Learn from every fold but one, for each.

    Args:
        found: of each fold, on its own images.
        logits: (N, K) of all images, fold after fold.
        labels: (N,) index of the true class.
        bootstrap: the N images.
    """
    classes, units = found[0].metrics.classes, np.array(bootstrap.units)
    fold = np.repeat(np.arange(len(found)), [len(one.samples) for one in found])
    samples = [sample for one in found for sample in one.samples]
    temperatures, sets = [], {coverage: np.zeros(logits.shape, dtype=bool) for coverage in COVERAGES}
    for number in range(len(found)):
        mine, others = fold == number, np.flatnonzero(fold != number)
        temperatures.append(fit_temperature(logits[others], labels[others], len(set(units[others]))))
        learned = _prediction_sets([samples[i] for i in others], logits[others], classes, bootstrap.unit)
        for coverage, possible in sets.items():
            possible[mine] = learned.sets(softmax(logits[mine]), coverage)
    everything, drawn = _prediction_sets(samples, logits, classes, bootstrap.unit), BootstrapDraws.draw(bootstrap)
    rows = [
        at_coverage(coverage, possible, labels, drawn, classes, everything.unknown(coverage))
        for coverage, possible in sets.items()
    ]
    count = len(set(units))
    return OutOfFoldCalibration(
        temperatures=tuple(temperatures),
        probabilities=np.concatenate([softmax(logits[fold == i], t) for i, t in enumerate(temperatures)]),
        calibration=Calibration(
            fit_temperature(logits, labels, count), len(labels), count, why_not_fitted(logits, labels)
        ),
        abstention=SelectiveResult(everything, tuple(rows)),
    )


def _prediction_sets(samples: Sequence[Sample], logits: Floats, classes: Sequence[str], unit: str) -> PredictionSets:
    learned = fit_prediction_sets(samples, logits, classes, unit)
    assert learned is not None  # no fold is empty
    return learned
