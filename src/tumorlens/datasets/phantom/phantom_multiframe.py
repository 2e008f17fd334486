"""The images of a DICOM series -> one file with all of them: an enhanced multi-frame image, or a mosaic of tiles.

Only pydicom and the standard are used, so that a reader can be tested against these files.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from copy import deepcopy
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from tumorlens._arrays import Floats

if TYPE_CHECKING:
    from pydicom import Dataset

_COPIED = (
    "SpecificCharacterSet PatientName PatientID PatientBirthDate PatientSex PatientAge PatientIdentityRemoved "
    "DeidentificationMethod StudyInstanceUID StudyDate StudyTime ReferringPhysicianName AccessionNumber StudyID "
    "StudyDescription SeriesInstanceUID SeriesNumber SeriesDate SeriesTime SeriesDescription Modality "
    "BodyPartExamined PatientPosition Manufacturer ManufacturerModelName FrameOfReferenceUID "
    "PositionReferenceIndicator SOPInstanceUID ContentDate ContentTime MagneticFieldStrength MRAcquisitionType "
    "SamplesPerPixel PhotometricInterpretation Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation"
)

_MODULES: dict[str, object] = {  # Enhanced MR Image and MR Pulse Sequence, PS3.3 C.8.13
    "ImageType": ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
    "InstanceNumber": 1,
    "AcquisitionNumber": 1,
    "DeviceSerialNumber": "1",
    "SoftwareVersions": "1",
    "PixelPresentation": "MONOCHROME",
    "VolumetricProperties": "VOLUME",
    "VolumeBasedCalculationTechnique": "NONE",
    "ComplexImageComponent": "MAGNITUDE",
    "ResonantNucleus": "1H",
    "KSpaceFiltering": "NONE",
    "ApplicableSafetyStandardAgency": "IEC",
    "ContentQualification": "RESEARCH",
    "AcquisitionDuration": 120.0,
    "BurnedInAnnotation": "NO",
    "LossyImageCompression": "00",
    "PresentationLUTShape": "IDENTITY",
    "PulseSequenceName": "simulated",
    "MultipleSpinEcho": "NO",
    "MultiPlanarExcitation": "NO",
    "PhaseContrast": "NO",
    "TimeOfFlightContrast": "NO",
    "SteadyStatePulseSequence": "NONE",
    "SaturationRecovery": "NO",
    "SpectrallySelectedSuppression": "NONE",
    "OversamplingPhase": "NONE",
    "GeometryOfKSpaceTraversal": "RECTILINEAR",
    "SegmentedKSpaceTraversal": "SINGLE",
    "RectilinearPhaseEncodeReordering": "LINEAR",
    "NumberOfKSpaceTrajectories": 1,
    "AcquisitionContextSequence": [],
}

_Content = dict[str, Any]


def enhanced_image(images: Sequence[Dataset], *, uid: str) -> Dataset:
    """All images as the frames of one Enhanced MR image, in the order given.

    What is equal in all frames is in the shared functional groups, the rest in those of each frame. A stack is a
    set of frames with one orientation. Echo times and b-values that differ become a dimension.

    Args:
        images: MR images with a position, an orientation and a spacing, of one size.
        uid: of the dimension organization.

    Example:
        >>> from tumorlens.datasets.phantom.phantom_study import STUDY_SERIES, series_images
        >>> image = enhanced_image(list(series_images(STUDY_SERIES[1], slices=4, size=48)), uid="2.25.1")
        >>> image.NumberOfFrames, len(image.PerFrameFunctionalGroupsSequence), "ImagePositionPatient" in image
        (4, 4, False)
    """
    from pydicom.uid import EnhancedMRImageStorage

    first = images[0]
    image = deepcopy(first)
    copied = set(_COPIED.split())
    for element in list(image):
        if element.keyword not in copied:
            del image[element.tag]
    _set(image, _MODULES)
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    image.AcquisitionDateTime = f"{first.StudyDate}{first.StudyTime}"
    image.AcquisitionContrast = _acquisition_contrast(first)
    image.EchoPulseSequence = "SPIN" if "SE" in first.get("ScanningSequence", "SE") else "GRADIENT"
    image.EchoPlanarPulseSequence = "YES" if "EP" in first.get("ScanningSequence", "") else "NO"
    if "ContrastBolusAgent" in first:
        _set(image, {"ContrastBolusAgentSequence": [_agent(first.ContrastBolusAgent)]})
    dimensions = _dimensions(images)
    groups = [_groups(one, image.AcquisitionContrast) for one in images]
    shared = [name for name in groups[0] if all(group[name] == groups[0][name] for group in groups)]
    frames = []
    for i, group in enumerate(groups):
        own = {name: value for name, value in group.items() if name not in shared}
        frames.append({"FrameContentSequence": [_frame_content(first, dimensions, i)], **own})
    _set(image, {"SharedFunctionalGroupsSequence": [{name: groups[0][name] for name in shared}]})
    _set(image, {"PerFrameFunctionalGroupsSequence": frames})
    _add_dimensions(image, dimensions, uid)
    image.NumberOfFrames = len(images)
    image.PixelData = b"".join(one.PixelData for one in images)
    return image


def mosaic_image(images: Sequence[Dataset]) -> Dataset:
    """All slices as the tiles of one MR image, row by row, as Siemens scanners store echo-planar images.

    The number of slices and the normal are in private elements. The position is that of Siemens, which belongs to no
    tile: it is where the corner of an image as large as the mosaic would be if it had the center of the first slice.

    Args:
        images: the slices of one stack, of one size, in their order along the normal.
    """
    first, across = images[0], ceil(len(images) ** 0.5)
    rows, columns = int(first.Rows), int(first.Columns)
    tiles = np.zeros((across, rows, across, columns), dtype="<u2")
    for i, one in enumerate(images):
        tiles[i // across, :, i % across] = np.frombuffer(one.PixelData, dtype="<u2").reshape(rows, columns)
    image = deepcopy(first)
    image.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    image.Rows, image.Columns, image.PixelData = across * rows, across * columns, tiles.tobytes()
    along_row, along_column = np.asarray(first.ImageOrientationPatient, float).reshape(2, 3)
    down, right = (float(value) for value in first.PixelSpacing)
    added = (across - 1) * (along_row * right * columns + along_column * down * rows) / 2
    corner = np.asarray(first.ImagePositionPatient, float) - added
    image.ImagePositionPatient = [f"{value:.9g}" for value in corner]
    image.AcquisitionMatrix = [columns, 0, 0, rows]
    image.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", len(images))
    normal = _place(images[-1]) - _place(first)
    csa = _csa_header(
        {
            "AcquisitionMatrixText": ("SH", [f"{rows}*{columns}"]),
            "NumberOfImagesInMosaic": ("US", [str(len(images))]),
            "SliceNormalVector": ("FD", [f"{value:.8f}" for value in normal / np.linalg.norm(normal)]),
        }
    )
    private = image.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    private.add_new(0x08, "CS", "IMAGE NUM 4")
    private.add_new(0x10, "OB", csa)
    return image


def _place(image: Dataset) -> Floats:
    return np.asarray(image.ImagePositionPatient, dtype=float)


def _csa_header(elements: dict[str, tuple[str, list[str]]]) -> bytes:
    """Siemens' private list of named values, version 2, as described in the documentation of nibabel."""
    parts = [b"SV10\4\3\2\1", struct.pack("<2i", len(elements), 77)]
    for name, (representation, values) in elements.items():
        parts.append(struct.pack("<64si4s3i", name.encode(), len(values), representation.encode(), 6, len(values), 77))
        for value in values:
            text = value.encode() + b"\0"
            parts.append(struct.pack("<4i", len(text), len(text), 77, len(text)) + text + bytes(-len(text) % 4))
    content = b"".join(parts)
    return content + bytes(len(content) % 2)


def _set(item: Dataset, content: _Content) -> None:
    """Set elements by keyword; lists of dictionaries become sequences."""
    from pydicom import Dataset, Sequence
    from pydicom.datadict import dictionary_VR

    for keyword, value in content.items():
        if dictionary_VR(keyword) != "SQ":
            setattr(item, keyword, value)
            continue
        inner = [Dataset() for _ in value]
        for one, values in zip(inner, value, strict=True):
            _set(one, values)
        setattr(item, keyword, Sequence(inner))


def _code(value: str, meaning: str) -> _Content:
    return {"CodeValue": value, "CodingSchemeDesignator": "SCT", "CodeMeaning": meaning}


def _agent(name: str) -> _Content:
    """An item of the Enhanced Contrast/Bolus module."""
    return {
        **_code("768763008", "Gadolinium" if "gadolinium" in name else name),
        "ContrastBolusAgentNumber": 1,
        "ContrastBolusAdministrationRouteSequence": [_code("47625008", "Intravenous route")],
        "ContrastBolusIngredientCodeSequence": [_code("58281002", "Gadolinium")],
        "ContrastBolusVolume": None,
        "ContrastBolusIngredientConcentration": None,
    }


def _acquisition_contrast(image: Dataset) -> str:
    """The defined term, by the times of the sequence."""
    if "DiffusionBValue" in image:
        return "DIFFUSION"
    if float(image.get("InversionTime") or 0) > 1500 and float(image.get("EchoTime") or 0) > 60:
        return "FLUID_ATTENUATED"
    return "T2" if float(image.get("EchoTime") or 0) > 60 else "T1"


_SAME_GROUPS: _Content = {  # in every frame of every image
    "FrameAnatomySequence": {
        "FrameLaterality": "U",
        "AnatomicRegionSequence": [_code("69536005", "Head")],
    },
    "MRImagingModifierSequence": {
        "MagnetizationTransfer": "NONE",
        "BloodSignalNulling": "NO",
        "Tagging": "NONE",
        "TransmitterFrequency": 63.9,
        "PixelBandwidth": 150.0,
    },
    "MRReceiveCoilSequence": {
        "ReceiveCoilName": "head",
        "ReceiveCoilManufacturerName": "",
        "ReceiveCoilType": "VOLUME",
        "QuadratureReceiveCoil": "YES",
    },
    "MRTransmitCoilSequence": {
        "TransmitCoilName": "body",
        "TransmitCoilManufacturerName": "",
        "TransmitCoilType": "BODY",
    },
    "MRAveragesSequence": {"NumberOfAverages": 1.0},
}


def _groups(image: Dataset, contrast: str) -> _Content:
    """The functional groups of a frame: keyword -> its one item."""
    inversion = image.get("InversionTime")
    groups: _Content = {
        **_SAME_GROUPS,
        "PixelMeasuresSequence": _some(image, "PixelSpacing SliceThickness SpacingBetweenSlices"),
        "PlanePositionSequence": _some(image, "ImagePositionPatient"),
        "PlaneOrientationSequence": _some(image, "ImageOrientationPatient"),
        "PixelValueTransformationSequence": {
            "RescaleIntercept": image.get("RescaleIntercept", 0),
            "RescaleSlope": image.get("RescaleSlope", 1),
            "RescaleType": "US",
        },
        "FrameVOILUTSequence": _some(image, "WindowCenter WindowWidth"),
        "MRImageFrameTypeSequence": {
            "FrameType": _MODULES["ImageType"],
            "PixelPresentation": "MONOCHROME",
            "VolumetricProperties": "VOLUME",
            "VolumeBasedCalculationTechnique": "NONE",
            "ComplexImageComponent": "MAGNITUDE",
            "AcquisitionContrast": contrast,
        },
        "MRTimingAndRelatedParametersSequence": {
            "RepetitionTime": float(image.RepetitionTime),
            "FlipAngle": 90.0,
            "EchoTrainLength": 1,
            "RFEchoTrainLength": 1,
            "GradientEchoTrainLength": 0,
            "SpecificAbsorptionRateSequence": [
                {"SpecificAbsorptionRateDefinition": "IEC_WHOLE_BODY", "SpecificAbsorptionRateValue": 0.5}
            ],
            "OperatingModeSequence": [
                {"OperatingModeType": kind, "OperatingMode": "IEC_NORMAL"}
                for kind in ("STATIC FIELD", "RF", "GRADIENT")
            ],
            "GradientOutputType": "DB_DT",
            "GradientOutput": 1.0,
        },
        "MREchoSequence": {"EffectiveEchoTime": float(image.EchoTime)},
        "MRModifierSequence": {
            "InversionRecovery": "NO" if inversion is None else "YES",
            **({} if inversion is None else {"InversionTimes": [float(inversion)]}),
            "FlowCompensation": "NONE",
            "Spoiling": "NONE",
            "T2Preparation": "NO",
            "SpectrallySelectedExcitation": "NONE",
            "SpatialPresaturation": "NONE",
            "PartialFourier": "NO",
            "ParallelAcquisition": "NO",
        },
        "MRFOVGeometrySequence": {
            "InPlanePhaseEncodingDirection": "ROW",
            "MRAcquisitionFrequencyEncodingSteps": int(image.Columns),
            "MRAcquisitionPhaseEncodingStepsInPlane": int(image.Rows),
            "MRAcquisitionPhaseEncodingStepsOutOfPlane": 1,
            "PercentSampling": 100.0,
            "PercentPhaseFieldOfView": 100.0,
        },
    }
    if "ContrastBolusAgent" in image:
        groups["ContrastBolusUsageSequence"] = {
            "ContrastBolusAgentNumber": 1,
            "ContrastBolusAgentAdministered": "YES",
            "ContrastBolusAgentDetected": "YES",
            "ContrastBolusAgentPhase": "POST_CONTRAST",
        }
    if "DiffusionBValue" in image:
        b_value = float(image.DiffusionBValue)
        groups["MRDiffusionSequence"] = {
            "DiffusionBValue": b_value,
            "DiffusionDirectionality": "ISOTROPIC" if b_value else "NONE",
        }
    return {name: [item] for name, item in groups.items()}


def _some(image: Dataset, keywords: str) -> _Content:
    return {keyword: image[keyword].value for keyword in keywords.split() if keyword in image}


def _dimensions(images: Sequence[Dataset]) -> dict[str, list[int]]:
    """Keyword -> the index, from 1, of each frame along this dimension. A stack and the place in it come first."""
    cosines = [tuple(np.round(np.asarray(one.ImageOrientationPatient, float), 4)) for one in images]
    names = list(dict.fromkeys(cosines))
    along = [round(float(np.cross(c[:3], c[3:]) @ _place(one)), 3) for c, one in zip(cosines, images, strict=True)]
    found = {
        "StackID": [names.index(c) + 1 for c in cosines],
        "InStackPositionNumber": [
            sorted({a for a, o in zip(along, cosines, strict=True) if o == c}).index(place) + 1
            for place, c in zip(along, cosines, strict=True)
        ],
    }
    for keyword, indexed in (("EchoTime", "EffectiveEchoTime"), ("DiffusionBValue", "DiffusionBValue")):
        values = [float(one.get(keyword) or 0) for one in images]
        if len(set(values)) > 1:
            found[indexed] = [sorted(set(values)).index(value) + 1 for value in values]
    return found


_GROUP_OF = {
    "StackID": "FrameContentSequence",
    "InStackPositionNumber": "FrameContentSequence",
    "EffectiveEchoTime": "MREchoSequence",
    "DiffusionBValue": "MRDiffusionSequence",
}


def _add_dimensions(image: Dataset, dimensions: Iterable[str], uid: str) -> None:
    from pydicom.datadict import tag_for_keyword

    _set(image, {"DimensionOrganizationSequence": [{"DimensionOrganizationUID": uid}]})
    indices = [
        {
            "DimensionOrganizationUID": uid,
            "DimensionIndexPointer": tag_for_keyword(name),
            "FunctionalGroupPointer": tag_for_keyword(_GROUP_OF[name]),
            "DimensionDescriptionLabel": name,
        }
        for name in dimensions
    ]
    _set(image, {"DimensionIndexSequence": indices})


def _frame_content(first: Dataset, dimensions: dict[str, list[int]], frame: int) -> _Content:
    """The item of one frame that is never shared."""
    moment = f"{first.StudyDate}{first.StudyTime}"
    return {
        "FrameAcquisitionNumber": 1,
        "FrameReferenceDateTime": moment,
        "FrameAcquisitionDateTime": moment,
        "FrameAcquisitionDuration": 120000.0,
        "StackID": str(dimensions["StackID"][frame]),
        "InStackPositionNumber": dimensions["InStackPositionNumber"][frame],
        "DimensionIndexValues": [index[frame] for index in dimensions.values()],
    }
