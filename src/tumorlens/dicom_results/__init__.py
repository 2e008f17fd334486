"""StudyResult + headers of its source -> DICOM objects that viewers and archives show.

>>> import tumorlens
>>> result = tumorlens.predict_study("phantom-study", "tiny")  # made by: tumorlens data phantom --study
>>> tumorlens.dicom_results.seg(result).Modality
'SEG'
"""

from __future__ import annotations

from tumorlens.dicom_results.segmentation_object import seg

__all__ = ["seg"]
