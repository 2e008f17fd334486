"""Predicted and reference volumes of tumors -> bias and limits of agreement (Bland and Altman 1986)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate

LIMIT = 1.96
"""Standard deviations between the bias and a limit of agreement: 95 % of normally distributed differences."""


@dataclass(frozen=True)
class VolumeAgreement:
    """How well predicted tumor volumes agree with those of the reference masks.

    Attributes:
        bias: mean of predicted minus reference volume.
        lower: bias minus `LIMIT` standard deviations of the differences; undefined for a single volume.
        upper: bias plus as many.
        error: mean of the absolute differences.
    """

    bias: Estimate
    lower: Estimate
    upper: Estimate
    error: Estimate


def bland_altman(predicted: npt.ArrayLike, reference: npt.ArrayLike, bootstrap: ClusterBootstrap) -> VolumeAgreement:
    """Bias and limits of agreement, each with a 95 % interval by patient.

    The standard deviation is that of all differences, with N - 1 in the denominator. Of a patient with several
    volumes each one counts; that these are alike is in the intervals, since whole patients are resampled.

    Args:
        predicted: (N,) volumes, in any unit.
        reference: (N,) the same.
        bootstrap: the N volumes.

    Example:
        >>> from tumorlens.stats import ClusterBootstrap
        >>> units = ClusterBootstrap(["a", "b", "c"], "patient", n_resamples=200)
        >>> found = bland_altman([10.0, 22.0, 33.0], [10.0, 20.0, 30.0], units)
        >>> round(found.bias.value, 2), round(found.lower.value, 2), round(found.upper.value, 2)
        (1.67, -1.33, 4.66)
    """
    difference = np.asarray(predicted, dtype=np.float64) - np.asarray(reference, dtype=np.float64)
    draws = BootstrapDraws.draw(bootstrap)
    center = float(difference.mean())  # the sums of squares stay small, and so exact
    sums = draws.sums(np.stack([np.ones_like(difference), difference - center, (difference - center) ** 2], axis=1))
    number, total, squares = sums.T
    mean = total / number
    spread = LIMIT * np.sqrt(np.maximum(_ratio(squares - number * mean**2, number - 1), 0))
    bias = mean + center
    return VolumeAgreement(
        bias=draws.estimate(bias),
        lower=draws.estimate(bias - spread),
        upper=draws.estimate(bias + spread),
        error=draws.estimate(draws.sums(np.abs(difference)) / number),
    )


def _ratio(part: Floats, whole: Floats) -> Floats:
    """NaN where there is a single difference, and so no standard deviation."""
    ratio: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return ratio
