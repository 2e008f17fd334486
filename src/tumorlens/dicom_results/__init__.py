"""StudyResult + headers of its source -> DICOM objects that viewers and archives show.

>>> import tumorlens
>>> result = tumorlens.predict_study("phantom-study", "tiny")  # made by: tumorlens data phantom --study
>>> tumorlens.dicom_results.seg(result).Modality
'SEG'
"""

from __future__ import annotations

from tumorlens.dicom_results.parametric_map import pm
from tumorlens.dicom_results.secondary_capture import sc
from tumorlens.dicom_results.segmentation_object import seg
from tumorlens.dicom_results.structured_report import sr_measurements, sr_outlines

__all__ = ["pm", "sc", "seg", "sr_measurements", "sr_outlines"]
