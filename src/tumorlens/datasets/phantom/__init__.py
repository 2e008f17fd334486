"""Seeds -> phantom patients: heads that look like T1-weighted MRI after contrast agent, with tumours."""

from tumorlens.datasets.phantom.acquisition import PLANES
from tumorlens.datasets.phantom.draw import CLASSES, PhantomSlice, draw_patient
from tumorlens.datasets.phantom.folder import make
from tumorlens.datasets.phantom.sheet import sheet

__all__ = ["CLASSES", "PLANES", "PhantomSlice", "draw_patient", "make", "sheet"]
