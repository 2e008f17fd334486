"""Volume cases -> metrics of studies and of tumors in 3D, each with its interval by patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tumorlens._arrays import Flags, Floats
from tumorlens.metrics.names import METRICS
from tumorlens.metrics.surfaces import TOLERANCE
from tumorlens.metrics.volume_agreement import VolumeAgreement, bland_altman
from tumorlens.metrics.volume_case import VolumeCase
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate

SizeUnit = Literal["ml", "voxels"]
"""The unit of tumor volumes."""

LengthUnit = Literal["mm", "voxels"]
"""The unit of distances."""


@dataclass(frozen=True, eq=False)
class VolumeMetrics:
    """Metrics of whole volumes.

    Attributes:
        estimates: by the names of `METRICS`; those that cannot be computed are left out. In these estimates `n` counts
            volumes, and of the slice-level metrics slices.
        agreement: predicted and reference volume of the tumors; None without a volume whose reference mask shows one.
        distance_unit: of HD95 and of the tolerance of surface Dice.
        size_unit: of `agreement` and of the bias and limits in `estimates`.
        with_tumor: volumes that show a tumor, by their reference mask.
        without_tumor: volumes that show none, by their reference mask or their class.
        unknown: volumes of which neither is known; they are in no metric.
        undetermined: volumes that are neither positive nor negative; they are in no study-level metric.
    """

    estimates: dict[str, Estimate]
    agreement: VolumeAgreement | None
    distance_unit: LengthUnit
    size_unit: SizeUnit
    with_tumor: int
    without_tumor: int
    unknown: int
    undetermined: int

    @property
    def titles(self) -> dict[str, str]:
        """Titles of the metrics with their units."""
        found = {}
        for name in self.estimates:
            metric = METRICS[name]
            tolerance = TOLERANCE if name == "volume_surface_dice" else None
            title = metric.title_in(self.distance_unit, tolerance)
            found[name] = f"{title} ({self.size_unit})" if metric.unit == "volume" else title
        return found


def measure_volumes(cases: Sequence[VolumeCase], bootstrap: ClusterBootstrap) -> VolumeMetrics:
    """Metrics of studies, slices and tumors in 3D, with 95 % intervals by patient.

    Dice, HD95, surface Dice and the tumor volume are means over the volumes whose reference mask shows a tumor: those
    of an empty mask are 0 or 1 by definition, and false positives are measured by themselves. Lesion-wise sensitivity
    is a share of all lesions. Slices are counted together, not averaged over volumes.

    Args:
        cases: one for each volume.
        bootstrap: the sampling units of the volumes.
    """
    tumor, healthy = (np.array([case.tumor is value for case in cases]) for value in (True, False))
    determined = np.array([case.positive is not None for case in cases])
    draws = BootstrapDraws.draw(bootstrap)
    in_mm = all(case.voxel_ml is not None for case in cases)
    estimates = {
        **_study_metrics(cases, draws, tumor & determined, healthy & determined, in_mm),
        **_slice_metrics(cases, bootstrap),
        **_tumor_metrics(cases, draws, tumor, in_mm),
        **_lesion_metrics(cases, draws),
    }
    agreement = _agreement(
        [case for case in cases if case.tumor], bootstrap.only(np.flatnonzero(tumor).tolist()), in_mm
    )
    if agreement:
        estimates |= {
            "volume_bias": agreement.bias,
            "volume_lower_limit": agreement.lower,
            "volume_upper_limit": agreement.upper,
            "volume_error": agreement.error,
        }
    return VolumeMetrics(
        estimates=estimates,
        agreement=agreement,
        distance_unit="mm" if in_mm else "voxels",
        size_unit="ml" if in_mm else "voxels",
        with_tumor=int(tumor.sum()),
        without_tumor=int(healthy.sum()),
        unknown=len(cases) - int(tumor.sum()) - int(healthy.sum()),
        undetermined=int((~determined).sum()),
    )


def _agreement(cases: Sequence[VolumeCase], bootstrap: ClusterBootstrap, in_mm: bool) -> VolumeAgreement | None:
    if not cases:
        return None
    scale = np.array([case.voxel_ml or 1.0 if in_mm else 1.0 for case in cases])
    predicted, reference = (
        np.array([getattr(case, name) or 0 for case in cases]) for name in ("predicted", "reference")
    )
    return bland_altman(scale * predicted, scale * reference, bootstrap)


def _study_metrics(
    cases: Sequence[VolumeCase], draws: BootstrapDraws, tumor: Flags, healthy: Flags, in_mm: bool
) -> dict[str, Estimate]:
    positive = np.array([bool(case.positive) for case in cases])
    found = {}
    if tumor.any():
        found["study_sensitivity"] = draws.share(positive, tumor)
    if healthy.any():
        found["study_specificity"] = draws.share(~positive, healthy)
    if tumor.any() and healthy.any():
        largest = np.array([case.largest * (case.voxel_ml or 1.0 if in_mm else 1.0) for case in cases])
        found["study_auroc"] = draws.estimate(auroc_column(draws, largest, tumor, healthy), tumor | healthy)
    return found


def auroc_column(draws: BootstrapDraws, scores: Floats, positive: Flags, negative: Flags) -> Floats:
    """(1 + B,) the share of pairs of a positive and a negative in which the positive scores higher; ties count half.

    Args:
        draws: of N units.
        scores: (N,).
        positive: (N,).
        negative: (N,).
    """
    difference = scores[positive][:, None] - scores[negative][None, :]
    better = (difference > 0) + 0.5 * (difference == 0)
    column = np.full(len(draws.counts), np.nan)
    ours, theirs = np.flatnonzero(positive), np.flatnonzero(negative)
    others = np.concatenate([ours, theirs])
    for rows, weights in draws.weights(others):
        first, second = weights[:, : len(ours)], weights[:, len(ours) :]
        pairs = first.sum(axis=1) * second.sum(axis=1)
        value = np.einsum("bi,ij,bj->b", first, better, second, optimize=True)
        column[rows] = np.divide(value, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return column


def _slice_metrics(cases: Sequence[VolumeCase], bootstrap: ClusterBootstrap) -> dict[str, Estimate]:
    """Slices are counted together; `n` of these estimates is a number of slices."""
    known = [i for i, case in enumerate(cases) if case.slices]
    if not known:
        return {}
    draws = BootstrapDraws.draw(bootstrap.only(known))
    counts = [case.slices for case in cases if case.slices]
    rates = {
        "slice_sensitivity": ("true_positive", "false_negative"),
        "slice_specificity": ("true_negative", "false_positive"),
    }
    found = {}
    for name, (right, wrong) in rates.items():
        correct, missed = (np.array([getattr(one, key) for one in counts]) for key in (right, wrong))
        there = correct + missed > 0
        if there.any():
            column = _quotient(draws.sums(correct), draws.sums(correct + missed))
            estimate = draws.proportion(column, there)
            found[name] = _counting(estimate, int((correct + missed).sum()))
    return found


def _tumor_metrics(
    cases: Sequence[VolumeCase], draws: BootstrapDraws, tumor: Flags, in_mm: bool
) -> dict[str, Estimate]:
    if not tumor.any():
        return {}
    surfaces = [(case.surfaces_mm if in_mm and case.surfaces_mm else case.surfaces) for case in cases]
    values = {
        "volume_dice": np.array([case.dice for case in cases]),
        "volume_hd95": np.array([one.hd95 for one in surfaces]),
        "volume_surface_dice": np.array([one.surface_dice for one in surfaces]),
    }
    return {name: draws.estimate(draws.means(value, tumor), tumor) for name, value in values.items()}


def _lesion_metrics(cases: Sequence[VolumeCase], draws: BootstrapDraws) -> dict[str, Estimate]:
    known = np.array([case.lesions is not None for case in cases])
    if not known.any():
        return {}
    shown, detected, false = (
        np.array([getattr(case.lesions, name) if case.lesions else 0 for case in cases])
        for name in ("reference", "detected", "false_positives")
    )
    found = {"volume_false_positives": draws.estimate(draws.means(false, known), known)}
    if shown.any():
        share = _quotient(draws.sums(detected), draws.sums(shown))
        found = {"volume_lesion_sensitivity": draws.proportion(share, shown > 0), **found}
    return found


def _quotient(part: Floats, whole: Floats) -> Floats:
    """NaN where a resample has nothing to count."""
    ratio: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return ratio


def _counting(estimate: Estimate, slices: int) -> Estimate:
    return replace(estimate, n=slices)
