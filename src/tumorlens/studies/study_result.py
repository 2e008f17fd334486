"""The result of one study, for Python and JSON: findings in 3D, compared with a limit; never "healthy"."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Flags
from tumorlens.datasets.classes import HEALTHY
from tumorlens.model_card.study_limit import StudyLimit
from tumorlens.report import RESEARCH_ONLY, notebook_html
from tumorlens.report.text import number
from tumorlens.scan.finding_rule import FindingRule
from tumorlens.scan.lesion_size import Lesion
from tumorlens.scan.volume import Volume
from tumorlens.studies.result_kinds import WRITER, WrittenResults

SCHEMA_VERSION = 1
"""Of a study in JSON. Raise it when a key changes its name or its meaning."""


@dataclass(frozen=True)
class StudySlice:
    """The prediction of one slice, without its image.

    Attributes:
        plane: one of `tumorlens.scan.volume.PLANES`.
        index: of the slice along its plane, from 0; of an acquired slice its index in the volume.
        label: the most probable class.
        probabilities: class -> probability.
        ood: whether the slice is out-of-distribution; None where the model has no OOD score.
        ood_score: above 1 for an out-of-distribution slice; None likewise.
        segmented_pixels: segmented as tumor in this slice alone, in pixels of the volume.
        finding_pixels: that belong to a finding.
    """

    plane: str
    index: int
    label: str
    probabilities: dict[str, float]
    ood: bool | None
    ood_score: float | None
    segmented_pixels: int
    finding_pixels: int = 0

    @property
    def tumor_probability(self) -> float:
        """Sum of the probabilities of all classes with a tumor."""
        return sum(p for name, p in self.probabilities.items() if name not in HEALTHY)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "plane": self.plane,
            "index": self.index,
            "label": self.label,
            "probabilities": {name: round(p, 6) for name, p in self.probabilities.items()},
            "ood": self.ood,
            "ood_score": None if self.ood_score is None else round(self.ood_score, 4),
            "segmented_pixels": self.segmented_pixels,
            "finding_pixels": self.finding_pixels,
        }


@dataclass(frozen=True)
class Finding:
    """One 3D component that `FindingRule` keeps.

    Example:
        >>> import tumorlens
        >>> finding = tumorlens.predict_study("phantom-study", "tiny").findings[0]  # a study of a phantom
        >>> finding.number, finding.label in finding.probabilities, finding.first_slice <= finding.largest_slice
        (1, True, True)

    Attributes:
        number: from 1, the largest first; the value of its voxels in the mask.
        label: the most probable class with a tumor where `tumor_probability` is at least one half, else the most
            probable class, which has none and is flagged.
        probabilities: class -> mean over the slices, weighted by the pixels of the finding.
        voxels: of the finding.
        ml: its volume in milliliters; None where the spacing is unknown.
        largest_slice: index of the acquired slice with most of its pixels.
        first_slice: index of the first acquired slice that it is in.
        last_slice: and of the last.
        lesion: measurements in the largest slice, upright: area, long and short axis.
        center: LPS millimeters of its center of mass; None where the spacing is unknown.
        planes: in which its voxels were predicted, and whether at least half of them are segmented there.
        ood_share: share of its pixels in out-of-distribution slices; None where the model has no OOD score.
        above_limit: whether the limit of the study counts it; None where the limit cannot be compared.
    """

    number: int
    label: str
    probabilities: dict[str, float]
    voxels: int
    ml: float | None
    largest_slice: int
    first_slice: int
    last_slice: int
    lesion: Lesion
    center: tuple[float, float, float] | None
    planes: dict[str, bool]
    ood_share: float | None
    above_limit: bool | None

    @property
    def tumor_probability(self) -> float:
        """Sum of the probabilities of all classes with a tumor."""
        return sum(p for name, p in self.probabilities.items() if name not in HEALTHY)

    @property
    def long_axis_mm(self) -> float | None:
        """Longest diameter in the largest slice; None where the spacing is unknown."""
        return self.lesion.diameter.mm

    @property
    def short_axis_mm(self) -> float | None:
        """Longest diameter perpendicular to it; None likewise."""
        return self.lesion.perpendicular.mm

    @property
    def flags(self) -> list[str]:
        """What speaks against this finding, one clause each."""
        flags = []
        if self.tumor_probability < 0.5:
            flags.append("classification and segmentation disagree: most likely no tumor")
        if (self.ood_share or 0) > 0.5:
            flags.append("mostly in slices that are out of distribution")
        if missing := [plane for plane, segmented in self.planes.items() if not segmented]:
            flags.append(f"not segmented in the {' and the '.join(missing)} plane")
        return flags

    def __str__(self) -> str:
        size = f"{self.voxels:,} voxels" if self.ml is None else f"{self.ml:.2f} ml"
        axes = (
            f", {self.long_axis_mm:.1f} x {self.short_axis_mm:.1f} mm"
            if self.long_axis_mm is not None and self.short_axis_mm is not None
            else ""
        )
        return f"{self.label} {number(self.probabilities[self.label], percent=True)}, {size}{axes}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "number": self.number,
            "label": self.label,
            "probabilities": {name: round(p, 6) for name, p in self.probabilities.items()},
            "tumor_probability": round(self.tumor_probability, 6),
            "voxels": self.voxels,
            "ml": None if self.ml is None else round(self.ml, 3),
            "long_axis_mm": None if self.long_axis_mm is None else round(self.long_axis_mm, 2),
            "short_axis_mm": None if self.short_axis_mm is None else round(self.short_axis_mm, 2),
            "largest_slice": self.largest_slice,
            "first_slice": self.first_slice,
            "last_slice": self.last_slice,
            "center_lps": None if self.center is None else [round(mm, 2) for mm in self.center],
            "planes": self.planes,
            "ood_share": None if self.ood_share is None else round(self.ood_share, 4),
            "above_limit": self.above_limit,
            "flags": self.flags,
        }


@dataclass(frozen=True)
class SeriesChoice:
    """Which series of a study was predicted, and why.

    Attributes:
        series: facts of the series, as `tumorlens series --json` lists them; None for a NIfTI file.
        use: whether it is T1 after contrast: ``"yes"``, ``"no"`` or ``"unknown"``.
        reason: a short sentence.
        chosen: ``"rule"``, or ``"user"`` where the user named the series or the file.
        passed_over: facts of the other series of the study, with the reason of each.
        refused: frames and files of the study that cannot be read: reason, frames and description.
        study_instance_uid: of a DICOM study; None for a NIfTI file.
    """

    use: Literal["yes", "no", "unknown"]
    reason: str
    chosen: Literal["rule", "user"]
    series: dict[str, Any] | None = None
    passed_over: tuple[dict[str, Any], ...] = ()
    refused: tuple[dict[str, Any], ...] = ()
    study_instance_uid: str | None = None

    @property
    def flags(self) -> list[str]:
        """What the user must know about the choice."""
        if self.use == "yes":
            return []
        what = "is not" if self.use == "no" else "may not be"
        return [f"the series {what} what the model was made for, T1 after contrast: {self.reason}"]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "study_instance_uid": self.study_instance_uid,
            "series": self.series,
            "use": self.use,
            "reason": self.reason,
            "chosen": self.chosen,
            "passed_over": list(self.passed_over),
            "refused": list(self.refused),
        }


@dataclass(frozen=True, eq=False)
class StudyResult:
    """The result of a model for one volume, or for one study by one of its series.

    Attributes:
        source: the file or folder that the user named.
        model: name of the model.
        volume: that was predicted.
        choice: which series it is and why.
        planes: that were predicted, the acquired one first.
        slices: predictions of the slices that show a head, plane by plane.
        findings: the largest first.
        labels: (D, H, W) uint8 as the volume: the number of the finding, 0 in the background.
        probability: (D, H, W) float32, the tumor probability of each voxel, mean over the planes; None where the model
            does not segment.
        rule: that made the findings.
        limit: that a finding must reach to count.
        undetermined: why it is neither positive nor negative; None where it is one of them.
        milliseconds: for all slices.
        model_sha256: of the model file; empty where it is unknown.

    Example:
        >>> import tumorlens
        >>> result = tumorlens.predict_study("phantom-study", "tiny")  # made by: tumorlens data phantom --study
        >>> result.choice.use, result.positive, result.labels.shape
        ('yes', True, (24, 192, 192))
    """

    source: str
    model: str
    volume: Volume
    choice: SeriesChoice
    planes: tuple[str, ...]
    slices: tuple[StudySlice, ...]
    findings: tuple[Finding, ...]
    labels: npt.NDArray[np.uint8]
    probability: npt.NDArray[np.float32] | None
    rule: FindingRule
    limit: StudyLimit
    undetermined: str | None = None
    milliseconds: float = field(default=0.0, compare=False)
    model_sha256: str = ""

    def __repr__(self) -> str:
        return f"StudyResult({self.summary})"

    def _repr_html_(self) -> str:
        facts = [(f"finding {one.number}", str(one)) for one in self.findings]
        facts += [("limit", str(self.limit)), ("series", self.choice.reason)]
        return notebook_html(self.summary, facts, warnings=self.flags, note=RESEARCH_ONLY)

    @property
    def summary(self) -> str:
        """The result in one line."""
        counted = [str(one) for one in self.findings if one.above_limit]
        return ": ".join([self.conclusion, *(["; ".join(counted)] if counted else [])])

    @property
    def conclusion(self) -> str:
        """Whether a finding is above the limit, in words, with the limit where none reaches it."""
        counted = sum(bool(one.above_limit) for one in self.findings)
        if self.undetermined:
            return f"undetermined: {self.undetermined}"
        if not counted:
            return f"no finding above the limit ({self.limit})"
        return f"{counted} finding{'s' if counted > 1 else ''} above the limit"

    @property
    def positive(self) -> bool | None:
        """Whether a finding is above the limit, as study-level metrics count it; None where it is undetermined.

        A study that is not positive is not called healthy.
        """
        return None if self.undetermined else any(one.above_limit for one in self.findings)

    @property
    def mask(self) -> Flags:
        """(D, H, W) whether a voxel belongs to a finding."""
        return self.labels > 0

    @property
    def acquired_slices(self) -> tuple[StudySlice, ...]:
        """Those of the plane of acquisition."""
        return tuple(one for one in self.slices if one.plane == self.planes[0])

    @property
    def ood_slices(self) -> int | None:
        """Number of acquired slices that are out-of-distribution; None where the model has no OOD score."""
        return ood_count(self.acquired_slices)

    @property
    def flags(self) -> list[str]:
        """What the reader of the result must know, one sentence each; what speaks against a finding is with it."""
        flags = list(self.choice.flags)
        if self.ood_slices:
            verb = "is" if self.ood_slices == 1 else "are"
            flags.append(f"{self.ood_slices} of {len(self.acquired_slices)} slices {verb} out of distribution")
        if not self.volume.spacing_known:
            flags.append("without a spacing sizes are in voxels")
        return [*flags, *(note for note in self.volume.notes if "no spacing" not in note)]

    def write(self, folder: str | Path, kinds: Iterable[str] = ("seg", "sr", "pm", "sc", "nifti")) -> WrittenResults:
        """Write what viewers and archives show; files of an earlier run are replaced.

        Args:
            folder: for the files; made where it does not exist. They hold the patient data of the source.
            kinds: of `RESULT_KINDS`: ``"seg"``, ``"labelmap"``, ``"sr"`` (with ``"seg"``, to which it refers),
                ``"pm"``, ``"sc"`` and ``"nifti"``.

        Returns:
            The files of each kind, and why a kind has none.

        Raises:
            DicomResultError: an unknown kind.
            MissingExtraError: highdicom, of the extra `dicom`, is not installed, and a DICOM object is wanted.

        Example:
            >>> import tumorlens
            >>> result = tumorlens.predict_study("phantom-study", "tiny")  # made by: tumorlens data phantom --study
            >>> sorted(result.write("results", ["seg", "nifti"]).files)
            ['nifti', 'seg']
        """
        written: WrittenResults = import_module(WRITER).write(self, folder, kinds)
        return written

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: all but the voxels."""
        volume = self.volume
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": "study",
            "source": self.source,
            **self.choice.to_dict(),
            "model": self.model,
            "model_sha256": self.model_sha256,
            "positive": self.positive,
            "undetermined": self.undetermined,
            "limit": self.limit.model_dump(mode="json"),
            "findings": [one.to_dict() for one in self.findings],
            "rule": self.rule.model_dump(mode="json"),
            "flags": self.flags,
            "size": list(volume.size),
            "spacing": None if volume.spacing is None else [round(mm, 4) for mm in volume.spacing],
            "plane": volume.plane,
            "irregular": volume.irregular,
            "planes": list(self.planes),
            "head_slices": len(self.acquired_slices),
            "ood_slices": self.ood_slices,
            "slices": [one.to_dict() for one in self.slices],
            "sources": [{"sop_instance_uid": one.sop_instance_uid, "frame": one.frame} for one in volume.sources],
        }


def ood_count(slices: Iterable[StudySlice]) -> int | None:
    """Number of out-of-distribution slices; None where the model has no OOD score."""
    known = [one.ood for one in slices if one.ood is not None]
    return sum(known) if known else None
