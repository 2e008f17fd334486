"""Seeds -> phantom patients: heads that look like T1-weighted MRI after contrast agent, with tumors."""

from tumorlens.datasets.phantom.acquisition import PLANES
from tumorlens.datasets.phantom.phantom_folder import make
from tumorlens.datasets.phantom.phantom_sheet import sheet
from tumorlens.datasets.phantom.render import CLASSES, PhantomSlice, draw_patient

__all__ = ["CLASSES", "PLANES", "PhantomSlice", "draw_patient", "make", "sheet"]
