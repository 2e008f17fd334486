"""StudyResult -> parametric map (PM): the tumor probability of each voxel, in the frames of the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import tumorlens
from tumorlens.dicom_results.codes import NO_UNITS, PROBABILITY
from tumorlens.dicom_results.object_identity import identity_of, writing
from tumorlens.errors import DicomResultError
from tumorlens.studies.study_result import StudyResult

if TYPE_CHECKING:
    from pydicom import Dataset


def pm(result: StudyResult) -> Dataset:
    """Make a parametric map of the tumor probability, float32 from 0 to 1.

    Args:
        result: of a DICOM study, by a model that segments; with or without findings.

    Raises:
        DicomResultError: the model does not segment, or `reference_copy` refuses the source.
        MissingExtraError: highdicom is not installed.

    Example:
        >>> import tumorlens
        >>> result = tumorlens.predict_study("phantom-study", "tiny")  # made by: tumorlens data phantom --study
        >>> made = tumorlens.dicom_results.pm(result)
        >>> made.NumberOfFrames == len(result.volume), "FloatPixelData" in made
        (True, True)
    """
    identity = identity_of(result)
    if result.probability is None:
        raise DicomResultError(
            "the model classifies and does not segment, so that no voxel has a probability",
            file=result.volume.path,
            expected="a model that segments, for a parametric map",
        )
    from highdicom import VOILUTTransformation
    from highdicom.pm import ParametricMap, RealWorldValueMapping

    mapping = RealWorldValueMapping(
        lut_label="PROBABILITY",
        lut_explanation="tumor probability",
        unit=NO_UNITS,
        value_range=(0.0, 1.0),
        slope=1.0,
        intercept=0.0,
        quantity_definition=PROBABILITY,
    )
    with writing(result, "PM"):
        made = ParametricMap(
            source_images=identity.reference.headers,
            pixel_array=result.probability.astype(np.float32),
            contains_recognizable_visual_features=False,
            real_world_value_mappings=[mapping],
            voi_lut_transformations=[VOILUTTransformation(window_center=0.5, window_width=1.0)],
            content_label="PROBABILITY",
            content_description=f"tumor probability, tumorlens {tumorlens.__version__}, research only"[:64],
            content_creator_name="tumorlens^^^^",
            **identity.series("PM"),
            **identity.device(),
        )
        identity.name_frames(made)
        return identity.finish(made, "PM")
