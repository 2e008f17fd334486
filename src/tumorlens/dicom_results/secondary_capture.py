"""StudyResult -> secondary captures (SC): an overview and the largest slice of each finding, as color images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tumorlens.dicom_results.object_identity import identity_of, writing
from tumorlens.studies.plane_stack import acquired_stack
from tumorlens.studies.slice_images import sheet, slice_image
from tumorlens.studies.study_result import StudyResult

if TYPE_CHECKING:
    from pydicom import Dataset

_LETTERS = {"S": "H", "I": "F"}  # superior and inferior are head and feet in DICOM
_TEXT = "tumorlens: research only, not a medical device"
_BAND, _SMALLEST = 22, 384  # pixels: height of the line of text, width that it needs


def sc(result: StudyResult) -> list[Dataset]:
    """Make color images for viewers without overlays: the overview, then the largest slice of each finding.

    "Research only" is in each image and in the description of the series; no text in an image is about a patient.

    Args:
        result: of a DICOM study, with or without findings.

    Raises:
        DicomResultError: `reference_copy` refuses the source.
        MissingExtraError: highdicom is not installed.

    Example:
        >>> import tumorlens
        >>> result = tumorlens.predict_study("phantom-study", "tiny")  # made by: tumorlens data phantom --study
        >>> made = tumorlens.dicom_results.sc(result)
        >>> len(made) == 1 + len(result.findings), made[0].BurnedInAnnotation
        (True, 'NO')
    """
    identity = identity_of(result)
    images = [sheet(result)] + [slice_image(result, one.largest_slice, one) for one in result.findings]
    down, right = (_LETTERS.get(letter, letter) for letter in acquired_stack(result.volume).orientation)
    from highdicom.sc import SCImage

    made = []
    with writing(result, "SC"):
        for number, image in enumerate(images, 1):
            one = SCImage.from_ref_dataset(
                identity.reference.first,
                pixel_array=np.asarray(_labeled(image)),
                photometric_interpretation="RGB",
                bits_allocated=8,
                coordinate_system="PATIENT",
                patient_orientation=(right, down),
                **identity.series("SC", number),
            )
            one.BurnedInAnnotation = "NO"  # nothing in the image is about a patient
            made.append(identity.finish(one, "SC"))
    return made


def _labeled(image: Image.Image) -> Image.Image:
    """The image with a line of text below it."""
    width = max(image.width, _SMALLEST)
    whole = Image.new("RGB", (width, image.height + _BAND), "black")
    whole.paste(image.convert("RGB"), ((width - image.width) // 2, 0))
    place = (width // 2, image.height + _BAND // 2)
    ImageDraw.Draw(whole).text(place, _TEXT, "white", ImageFont.load_default(13), anchor="mm")
    return whole
