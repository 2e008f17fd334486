"""Seeds -> synthetic phantoms: heads as in contrast-enhanced T1-weighted MRI, with tumors."""

from tumorlens.datasets.phantom.acquisition import PLANES, SEQUENCES
from tumorlens.datasets.phantom.phantom_contact_sheet import contact_sheet
from tumorlens.datasets.phantom.phantom_folder import make
from tumorlens.datasets.phantom.phantom_study import STUDY_SERIES, phantom_studies, phantom_study
from tumorlens.datasets.phantom.phantom_volume import PhantomVolume, render_volume
from tumorlens.datasets.phantom.render import PHANTOM_CLASSES, PhantomSlice, render_patient

__all__ = [
    "PHANTOM_CLASSES",
    "PLANES",
    "SEQUENCES",
    "STUDY_SERIES",
    "PhantomSlice",
    "PhantomVolume",
    "contact_sheet",
    "make",
    "phantom_studies",
    "phantom_study",
    "render_patient",
    "render_volume",
]
