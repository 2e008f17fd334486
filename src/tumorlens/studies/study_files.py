"""StudyResult -> study.json, a NIfTI mask on the grid of the input, an overview and a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tumorlens._files import atomic_write
from tumorlens._record import write_json
from tumorlens.report import save_overlay, save_page
from tumorlens.scan.nifti_write import save_nifti
from tumorlens.studies.result_kinds import WrittenResults
from tumorlens.studies.slice_images import sheet
from tumorlens.studies.study_page import study_page
from tumorlens.studies.study_result import StudyResult

STUDY = "study.json"
FINDING_COLORS = ((0, 229, 255), (255, 140, 0), (190, 120, 255), (120, 220, 90), (255, 95, 130))
"""Red, green and blue of the first finding, the second and so on, in viewers; then from the first again."""


def write_study(
    result: StudyResult,
    folder: str | Path,
    record: Mapping[str, Any] | None = None,
    written: WrittenResults | None = None,
) -> None:
    """Write the files of one study, each whole or not at all; study.json last.

    study.json is `StudyResult.to_dict`, with the names of the files under ``files``, and the values of the mask under
    ``labels``, as nnU-Net names them. The mask is left out where slices have no common grid. ``mask.ctbl`` is a color
    table for 3D Slicer.

    Args:
        result: of the study.
        folder: for the files; exists.
        record: of the command, for the footer of the page.
        written: other files of the result, which study.json lists under ``results``.
    """
    folder = Path(folder)
    content = result.to_dict()
    files = {"sheet": "sheet.png", "page": "report.html"}
    save_overlay(sheet(result), folder / files["sheet"])
    save_page(study_page(result, record), folder / files["page"])
    labels = {"background": 0, **{f"finding_{one.number}_{one.label}": one.number for one in result.findings}}
    if result.probability is not None and result.volume.affine is not None:
        files |= {"mask": "mask.nii.gz", "color_table": "mask.ctbl"}
        save_nifti(result.labels, result.volume, folder / files["mask"])
        with atomic_write(folder / files["color_table"]) as part:
            part.write_text(_color_table(labels), encoding="utf-8")
    content |= {"labels": labels, "files": files}
    if written is not None:
        content["results"] = written.to_dict()
    write_json(content, folder / STUDY)


def _color_table(labels: Mapping[str, int]) -> str:
    """Value, name, red, green, blue and opacity, one label a line."""
    lines = []
    for name, value in labels.items():
        red, green, blue = FINDING_COLORS[(value - 1) % len(FINDING_COLORS)] if value else (0, 0, 0)
        lines.append(f"{value} {name} {red} {green} {blue} {255 if value else 0}")
    return "\n".join(lines) + "\n"
