"""What an evaluation finds: figures with intervals, and the evidence under them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats
from tumorlens.datasets import Sample
from tumorlens.evaluation.analyses.leakage.measure import LeakageResult
from tumorlens.evaluation.analyses.ood import OODResult
from tumorlens.evaluation.analyses.region_occlusion.result import RegionOcclusion
from tumorlens.evaluation.analyses.robustness import Robustness
from tumorlens.evaluation.analyses.selective.measure import SelectiveResult
from tumorlens.metrics.classification import Metrics
from tumorlens.metrics.segmentation import Segmentation
from tumorlens.scan import Box


@dataclass(frozen=True)
class Calibration:
    """Temperature scaling (Guo et al. 2017), fitted on the validation part and on nothing else.

    Attributes:
        temperature: by which logits are divided; above 1 the network was too sure of itself.
        fitted_on: validation images it was fitted on.
        units: the patients (or images without one) they come from.
        reason: why it is 1 where it could not be fitted, else None.
    """

    temperature: float
    fitted_on: int
    units: int
    reason: str | None


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Everything one evaluation says, and the evidence under it.

    Attributes:
        samples: the N test samples, in order.
        logits: (N, K) as the network gave them.
        probabilities: (N, K) after temperature scaling.
        metrics: of the calibrated probabilities.
        before: of the probabilities as the network gave them.
        nll: mean negative log likelihood, before and after calibration.
        calibration: the temperature, and where it is from.
        cams: for each sample its (K, h, w) activation maps.
        boxes: for each sample the part of the image that those maps lie over.
        separate: the leaked and the clean part by themselves; None where nothing is known from train.
        segmentation: how well tumors are drawn; None where the network draws none, or no image has a mask.
        background: what is named when head, background or tumor are blanked; None where no mask shows a tumor, or
            the test was left out.
        facts: run, data, split and their hashes, as plain data.
        caveats: what a reader must know before quoting a number, each one sentence.
        robustness: what is named and drawn when images get worse; None where that was not asked for.
        ood: how many images are flagged as outside of what the network is for; None for the validation part, from
            which the limit is, and where there is none.
        abstention: for some allowed errors, how many images get one answer and how often it is right; None likewise.
    """

    samples: tuple[Sample, ...]
    logits: Floats
    probabilities: Floats
    metrics: Metrics
    before: Metrics
    nll: tuple[float, float]
    calibration: Calibration
    cams: list[npt.NDArray[np.float32]]
    boxes: list[Box]
    separate: LeakageResult | None
    segmentation: Segmentation | None
    background: RegionOcclusion | None
    facts: dict[str, Any]
    caveats: tuple[str, ...]
    robustness: Robustness | None = None
    ood: OODResult | None = None
    abstention: SelectiveResult | None = None

    def to_dict(self) -> dict[str, Any]:
        """What evaluation.json holds."""
        names = ("brier", "ece")
        return {
            **self.facts,
            "caveats": list(self.caveats),
            "calibration": {
                "temperature": self.calibration.temperature,
                "fitted_on_validation_images": self.calibration.fitted_on,
                "fitted_on_validation_units": self.calibration.units,
                "not_fitted_because": self.calibration.reason,
                "before": {k: self.before.overall[k].to_dict() for k in names} | {"nll": self.nll[0]},
                "after": {k: self.metrics.overall[k].to_dict() for k in names} | {"nll": self.nll[1]},
            },
            "leak": self.separate.to_dict() if self.separate else None,
            "segmentation": self.segmentation.to_dict() if self.segmentation else None,
            "background": self.background.to_dict() if self.background else None,
            "robustness": self.robustness.to_dict() if self.robustness else None,
            "ood": self.ood.to_dict() if self.ood else None,
            "abstention": self.abstention.to_dict() if self.abstention else None,
            **self.metrics.to_dict(),
        }


def worst(evaluation: Evaluation, count: int) -> Sequence[int]:
    """Positions of the mistakes the network was surest of, worst first."""
    index = {name: i for i, name in enumerate(evaluation.metrics.classes)}
    truth = np.array([index[s.label] for s in evaluation.samples])
    said = evaluation.probabilities.argmax(1)
    wrong = np.flatnonzero(said != truth)
    sure = evaluation.probabilities[wrong, said[wrong]]
    return [int(i) for i in wrong[np.argsort(-sure, kind="stable")][:count]]
