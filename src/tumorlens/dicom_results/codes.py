"""Codes of what a result says: SNOMED CT, NCI Thesaurus, UCUM, DICOM, and a private scheme for what they lack."""

from __future__ import annotations

import re
from hashlib import sha256

from pydicom.sr.coding import Code

PRIVATE_SCHEME = "99TUMORLENS"

ABNORMAL_STRUCTURE = Code("49755003", "SCT", "Morphologically Abnormal Structure")
NEOPLASM = Code("108369006", "SCT", "Neoplasm")
BRAIN = Code("12738006", "SCT", "Brain")
ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")
MR_BRAIN = Code("24590-2", "LN", "MR Brain")
VOLUME = Code("118565006", "SCT", "Volume")
AREA = Code("42798000", "SCT", "Area")
LONG_AXIS = Code("103339001", "SCT", "Long Axis")
SHORT_AXIS = Code("103340004", "SCT", "Short Axis")
PROBABILITY = Code("122157", "DCM", "Probability")
MILLILITER = Code("ml", "UCUM", "milliliter")
MILLIMETER = Code("mm", "UCUM", "millimeter")
SQUARE_MILLIMETER = Code("mm2", "UCUM", "square millimeter")
NO_UNITS = Code("1", "UCUM", "no units")
COUNT = Code("{count}", "UCUM", "count")
DEVICE = Code("121007", "DCM", "Device")
MEASUREMENT_REPORT = Code("126000", "DCM", "Imaging Measurement Report")
YES, NO = Code("373066001", "SCT", "Yes"), Code("373067005", "SCT", "No")

_CLASSES = {
    "glioma": Code("C3059", "NCIt", "Glioma"),
    "meningioma": Code("C3230", "NCIt", "Meningioma"),
    "pituitary": Code("C3329", "NCIt", "Pituitary Gland Adenoma"),
}


def private_code(value: str, meaning: str) -> Code:
    """A code of the private scheme.

    Args:
        value: at most 16 characters are kept; a longer one ends with a digest, so that it stays unique.
        meaning: in words, at most 64 characters.
    """
    kept = re.sub(r"[^A-Z0-9_]", "_", value.upper())
    if len(kept) > 16:
        kept = f"{kept[:10]}{sha256(value.encode()).hexdigest()[:6].upper()}"
    return Code(kept, PRIVATE_SCHEME, meaning[:64])


def class_code(name: str) -> Code:
    """The code of a class of the model: of the NCI Thesaurus where it is known, else of the private scheme.

    Example:
        >>> from tumorlens.dicom_results.codes import class_code
        >>> class_code("glioma").value, class_code("no_tumor").scheme_designator
        ('C3059', '99TUMORLENS')
    """
    return _CLASSES.get(name) or private_code(f"C_{name}", name.replace("_", " "))


def class_probability(name: str) -> Code:
    """The code of the probability of a class."""
    return private_code(f"P_{name}", f"Probability of {name.replace('_', ' ')}")


PREDICTED_CLASS = private_code("CLASS", "Class with the highest probability")
TUMOR_PROBABILITY = private_code("P_TUMOR", "Probability of any tumor")
OOD_SHARE = private_code("OOD_SHARE", "Share in out-of-distribution slices")
COUNTS = private_code("COUNTS", "Above the limit of the study")
CONCLUSION = private_code("CONCLUSION", "Conclusion for the study")
SERIES_FIT = private_code("T1_POST_CONTRAST", "Series is T1 after contrast")
FINDINGS = private_code("FINDINGS", "Number of findings")
SLICES = private_code("SLICES", "Slices that show a head")
OOD_SLICES = private_code("OOD_SLICES", "Out-of-distribution slices")
LIMIT_ML = private_code("LIMIT_ML", "Least volume of a finding that counts")
LIMIT_PROBABILITY = private_code("LIMIT_P_TUMOR", "Least tumor probability of a finding that counts")
