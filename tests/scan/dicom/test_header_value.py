"""A value is that of pydicom, in plain types, whatever its representation in the file is."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from tumorlens.datasets.phantom import STUDY_SERIES
from tumorlens.datasets.phantom.phantom_study import series_images
from tumorlens.scan.dicom.header_value import header_value

KEYWORDS = (
    "Rows",
    "BitsStored",
    "PixelSpacing",
    "ImageOrientationPatient",
    "SliceThickness",
    "InstanceNumber",
    "ImageType",
    "PhotometricInterpretation",
    "SOPInstanceUID",
    "SeriesDescription",
    "PatientName",
    "ReferringPhysicianName",
)


def stored(syntax: str, change: dict[str, object] | None = None) -> pydicom.Dataset:
    """The header of a phantom slice as it is read from a file of this transfer syntax."""
    image = next(series_images(STUDY_SERIES[2], slices=2, size=32))
    for keyword, value in (change or {}).items():
        image[keyword]._value = value  # past the checks of pydicom
    image.file_meta.TransferSyntaxUID = syntax
    data = io.BytesIO()
    if syntax == ExplicitVRBigEndian:
        image.PixelData = np.frombuffer(image.PixelData, "<u2").byteswap().tobytes()
    pydicom.dcmwrite(data, image, enforce_file_format=True)
    data.seek(0)
    return pydicom.dcmread(data)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_values_are_those_of_pydicom(syntax: str) -> None:
    header, expected = stored(syntax), stored(syntax)
    for keyword in KEYWORDS:
        value, reference = header_value(header, keyword), expected.get(keyword)
        if isinstance(reference, pydicom.multival.MultiValue):
            assert list(value) == list(reference), keyword
        else:
            assert value == reference, keyword
    assert type(header_value(header, "Rows")) is int
    assert type(header_value(header, "SliceThickness")) is float
    assert [type(one) for one in header_value(header, "PixelSpacing")] == [float, float]


def test_a_missing_value_is_the_default_and_an_empty_one_is_none() -> None:
    header = stored(ExplicitVRLittleEndian, {"InstanceNumber": None})
    assert header_value(header, "EchoNumbers", 7) == 7
    assert header_value(header, "EchoNumbers") is None
    assert header_value(header, "InstanceNumber", 7) is None


def test_a_value_that_is_no_number_is_left_to_pydicom() -> None:
    header = stored(ExplicitVRLittleEndian)
    raw = header.get_item("SliceThickness")
    header._dict[raw.tag] = raw._replace(value=b"thick ")
    assert header_value(header, "SliceThickness") == "thick"
