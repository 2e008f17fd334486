"""Probabilities + labels -> is there a tumor at all: sensitivity, specificity, and predictive values."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from tumorlens._arrays import Floats
from tumorlens.errors import DataError
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate
from tumorlens.stats.estimate_record import EstimateRecord


class TumorDetection(BaseModel):
    """How well images with a tumor are told from images without one, whatever kind of tumor is predicted.

    An image is positive where the most probable class is not the class without tumor.

    Attributes:
        sensitivity: share of the images with a tumor that are positive.
        specificity: share of the images without a tumor that are not positive.
        prevalence: share of tumors for which the predictive values hold, between 0 and 1; None where none was given.
        ppv: share of tumors among positive images at that prevalence, by Bayes' theorem; None without a prevalence.
        npv: share of images without tumor among the others at that prevalence; None likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sensitivity: EstimateRecord
    specificity: EstimateRecord
    prevalence: float | None = None
    ppv: EstimateRecord | None = None
    npv: EstimateRecord | None = None

    @property
    def estimates(self) -> dict[str, Estimate]:
        """Name of a metric -> its estimate, those that are known."""
        known = {name: getattr(self, name) for name in ("sensitivity", "specificity", "ppv", "npv")}
        return {name: record.estimate for name, record in known.items() if record is not None}


def check_prevalence(prevalence: float | None, classes: Sequence[str], healthy: Collection[str]) -> None:
    """Refuse a prevalence that is none, or that nothing can be computed for.

    Args:
        prevalence: share of tumors; None for no predictive values.
        classes: of the network.
        healthy: the names of classes without tumor.

    Raises:
        DataError: it is not between 0 and 1, or the classes do not tell images with a tumor from those without.
    """
    if prevalence is None:
        return
    if not 0 < prevalence < 1:
        raise DataError(found=f"prevalence {prevalence:g}", expected="a share between 0 and 1, for example 0.05")
    if not separates_tumors(classes, healthy):
        raise DataError(
            found=f"prevalence {prevalence:g} for the classes {', '.join(classes)}",
            expected=f"classes with and without a tumor; one without is called {' or '.join(sorted(healthy))}",
            advice="leave the prevalence out: predictive values need images without a tumor",
        )


def separates_tumors(classes: Sequence[str], healthy: Collection[str]) -> bool:
    """Whether some classes show a tumor and some do not."""
    return 0 < sum(name in healthy for name in classes) < len(classes)


def measure_detection(
    probabilities: npt.ArrayLike,
    labels: npt.ArrayLike,
    bootstrap: ClusterBootstrap,
    classes: Sequence[str],
    healthy: Collection[str],
    prevalence: float | None = None,
) -> TumorDetection | None:
    """Sensitivity and specificity for any tumor, and predictive values, with 95 % intervals by unit.

    The interval of a predictive value is that of the bootstrap. Where sensitivity or specificity is exactly 0 or 1,
    resampling shows no uncertainty of it; then the predictive value at the lower ends of both intervals and that at
    their upper ends are taken, which is wider.

    Args:
        probabilities: (N, K), rows sum to one.
        labels: (N,) index of the true class.
        bootstrap: the N images.
        classes: the K class names.
        healthy: the names of classes without tumor, other names are allowed.
        prevalence: share of tumors for the predictive values; None leaves them out.

    Returns:
        None where all classes show a tumor, or none does.

    Raises:
        DataError: the prevalence is not between 0 and 1.
    """
    if prevalence is not None:
        check_prevalence(prevalence, classes, healthy)
    if not separates_tumors(classes, healthy):
        return None
    shows = np.array([name not in healthy for name in classes])
    tumor, positive = shows[np.asarray(labels)], shows[np.asarray(probabilities).argmax(axis=1)]
    draws = BootstrapDraws.draw(bootstrap)
    sensitivity, specificity = (draws.share(right, among) for right, among in ((positive, tumor), (~positive, ~tumor)))
    found = TumorDetection(sensitivity=_record(sensitivity), specificity=_record(specificity))
    if prevalence is None:
        return found
    rates = (draws.means(positive, tumor), draws.means(~positive, ~tumor))
    exact = any(rate.value in (0.0, 1.0) for rate in (sensitivity, specificity))
    values = {}
    for name, formula in (("ppv", _ppv), ("npv", _npv)):
        estimate = draws.estimate(formula(*rates, prevalence))
        if exact:
            ends = (formula(*_ends(sensitivity, specificity, end), prevalence).item() for end in (0, 1))
            estimate = _between(estimate, *ends)
        values[name] = _record(estimate)
    return found.model_copy(update={"prevalence": prevalence, **values})


def _ppv(sensitivity: Floats, specificity: Floats, prevalence: float) -> Floats:
    return _ratio(sensitivity * prevalence, (1 - specificity) * (1 - prevalence))


def _npv(sensitivity: Floats, specificity: Floats, prevalence: float) -> Floats:
    return _ratio(specificity * (1 - prevalence), (1 - sensitivity) * prevalence)


def _ratio(right: Floats, wrong: Floats) -> Floats:
    """right / (right + wrong); NaN where both are 0."""
    both = right + wrong
    quotient = np.full(both.shape, np.nan)
    np.divide(right, both, out=quotient, where=both > 0)
    return quotient


def _ends(sensitivity: Estimate, specificity: Estimate, end: int) -> tuple[Floats, Floats]:
    """Both lower ends, or both upper ends; NaN where one is missing."""
    one, other = ((rate.low, rate.high)[end] for rate in (sensitivity, specificity))
    return np.array([np.nan if one is None else one]), np.array([np.nan if other is None else other])


def _between(estimate: Estimate, low: float, high: float) -> Estimate:
    """The estimate with another interval; without one where a number is undefined."""
    if not np.isfinite([estimate.value, low, high]).all():
        return replace(estimate, low=None, high=None, method="none")
    return replace(estimate, low=low, high=high, method="wilson")


def _record(estimate: Estimate) -> EstimateRecord:
    return EstimateRecord(**estimate.to_dict())
