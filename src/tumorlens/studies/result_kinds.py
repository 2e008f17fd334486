"""What a result of a study can be written as, and what was written; the writers are in a later room."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RESULT_KINDS = ("seg", "labelmap", "sr", "pm", "sc", "nifti")
"""Segmentation, segmentation as a label map, structured reports, parametric map, secondary captures, NIfTI files."""

DICOM_KINDS = RESULT_KINDS[:-1]
"""Those that refer to the source images, and need the extra `dicom`."""

WRITER = "tumorlens.dicom_results.write_results"
"""The module whose `write` writes them; it is imported when it is needed, as the verbs of the command line are."""


@dataclass(frozen=True)
class WrittenResults:
    """The files of a result.

    Attributes:
        files: kind -> paths.
        left_out: kind -> why it has no file, where that is right: nothing was found.
        refused: kind -> why it has no file, where it cannot be written.
    """

    files: dict[str, tuple[Path, ...]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with names of files."""
        names = {kind: [path.name for path in paths] for kind, paths in self.files.items()}
        return {"files": names, "left_out": self.left_out, "refused": self.refused}
