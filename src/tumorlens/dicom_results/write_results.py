"""StudyResult -> files of the kinds that are wanted, each whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tumorlens._extras import require
from tumorlens._files import atomic_write
from tumorlens.dicom_results.parametric_map import pm
from tumorlens.dicom_results.secondary_capture import sc
from tumorlens.dicom_results.segmentation_object import seg
from tumorlens.dicom_results.structured_report import sr_measurements, sr_outlines
from tumorlens.errors import DicomResultError
from tumorlens.scan.nifti_write import save_nifti
from tumorlens.studies.result_kinds import DICOM_KINDS, RESULT_KINDS, WrittenResults
from tumorlens.studies.study_result import StudyResult

if TYPE_CHECKING:
    from pydicom import Dataset

_NOTHING = "nothing was found"
_OF_FINDINGS = ("seg", "labelmap")
_NAMES = {
    "seg": ("seg.dcm",),
    "labelmap": ("seg_labelmap.dcm",),
    "sr": ("sr_measurements.dcm", "sr_outlines.dcm"),
    "pm": ("pm.dcm",),
    "sc": ("sc_[0-9][0-9][0-9].dcm",),
    "nifti": ("mask.nii.gz", "probability.nii.gz"),
}
"""Kind -> patterns of the names of its files."""


def write(result: StudyResult, folder: str | Path, kinds: Iterable[str] = RESULT_KINDS) -> WrittenResults:
    """Write a result beside its source; arguments and errors are those of `StudyResult.write`."""
    folder = Path(folder)
    wanted = set(kinds)
    if unknown := wanted - set(RESULT_KINDS):
        raise DicomResultError(f"no kind '{min(unknown)}'", expected=f"one of {', '.join(RESULT_KINDS)}")
    if wanted & set(DICOM_KINDS):
        require("highdicom", "dicom", "write results as DICOM objects")
    if "sr" in wanted:
        wanted.add("seg")  # the report refers to the segments
    folder.mkdir(parents=True, exist_ok=True)
    written = WrittenResults()
    for kind in (one for one in RESULT_KINDS if one in wanted):
        for path in (old for name in _NAMES[kind] for old in folder.glob(name)):
            path.unlink()  # of an earlier run, which may have found more
        if kind in _OF_FINDINGS and not result.findings:
            written.left_out[kind] = _NOTHING
            continue
        try:
            written.files[kind] = tuple(_WRITERS[kind](result, folder))
        except DicomResultError as error:
            written.refused[kind] = error.found
    return written


def _seg(result: StudyResult, folder: Path) -> list[Path]:
    return [_save(seg(result), folder / "seg.dcm")]


def _labelmap(result: StudyResult, folder: Path) -> list[Path]:
    return [_save(seg(result, labelmap=True), folder / "seg_labelmap.dcm")]


def _sr(result: StudyResult, folder: Path) -> list[Path]:
    """The report for machines, and where something was found that for viewers."""
    paths = [_save(sr_measurements(result), folder / "sr_measurements.dcm")]
    if result.findings:
        paths.append(_save(sr_outlines(result), folder / "sr_outlines.dcm"))
    return paths


def _pm(result: StudyResult, folder: Path) -> list[Path]:
    return [_save(pm(result), folder / "pm.dcm")]


def _sc(result: StudyResult, folder: Path) -> list[Path]:
    return [_save(made, folder / f"sc_{number:03d}.dcm") for number, made in enumerate(sc(result), 1)]


def _nifti(result: StudyResult, folder: Path) -> list[Path]:
    """The mask, and the probability where there is one, on the grid of the input."""
    if result.volume.affine is None:
        raise DicomResultError(
            "the slices are not equally spaced, so that they have no common grid",
            file=result.volume.path,
            expected="equally spaced slices, for NIfTI",
        )
    files = {"mask.nii.gz": result.labels}
    if result.probability is not None:
        files["probability.nii.gz"] = result.probability.astype(np.float32)
    for name, voxels in files.items():
        save_nifti(voxels, result.volume, folder / name)
    return [folder / name for name in files]


_WRITERS: dict[str, Callable[[StudyResult, Path], list[Path]]] = {
    "seg": _seg,
    "labelmap": _labelmap,
    "sr": _sr,
    "pm": _pm,
    "sc": _sc,
    "nifti": _nifti,
}


def _save(made: Dataset, path: Path) -> Path:
    with atomic_write(path) as part:
        made.save_as(part, enforce_file_format=True)
    return path
